from __future__ import annotations

import itertools
import logging
import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest
from airflow.sdk.log import redact
from requests import Request, Session

from airflow_zuora.client.retries import Retries
from airflow_zuora.client.token import DEFAULT_LIFETIME, Token
from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraNotFoundError,
    ZuoraNotSentError,
    ZuoraRateLimitError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraValueError,
)
from airflow_zuora.simulator import ZuoraSimulator
from tests.helpers.bad_servers import RecordingServer, headers_of, http, recording_server
from tests.helpers.patience import PATIENCE, wait_for

TOKEN = "/oauth/token"
ENTITIES = "/v1/entities"
VALUE = "0123456789abcdef0123456789abcdef"
ONE = "11e643f4-a3ee-8bad-b061-0025904c756d"


def token_calls(simulator: ZuoraSimulator) -> int:
    return len(simulator.requests("POST", TOKEN))


@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [(3598, 3598.0), ("3598", 3598.0), (3598.5, 3598.5), (None, DEFAULT_LIFETIME), ("soon", DEFAULT_LIFETIME)]
    + [([1], DEFAULT_LIFETIME), (0, DEFAULT_LIFETIME), (-5, DEFAULT_LIFETIME), (10**400, DEFAULT_LIFETIME)]
    + [(math.inf, DEFAULT_LIFETIME), (math.nan, DEFAULT_LIFETIME), (30, 30.0)],
)
def test_the_lifetime_counts_from_when_the_token_was_requested(expires_in, lifetime):
    token = Token.from_api({"access_token": VALUE, "expires_in": expires_in}, asked_at=100.0)
    assert token.renew_at == 100.0 + lifetime - min(60, lifetime / 2)
    assert Token.from_api({"access_token": VALUE}, asked_at=0.0).renew_at == DEFAULT_LIFETIME - 60


@pytest.mark.parametrize("value", [None, "", " ", 5, [VALUE], {}, "a\r\nX: y", "é" * 9, "a\tb", True])
def test_an_answer_without_a_usable_token_is_an_error_that_does_not_show_it(value):
    with pytest.raises(ZuoraResponseError, match="sent no access_token; check the host") as raised:
        Token.from_api({"access_token": value, "jti": VALUE}, asked_at=0.0)
    assert VALUE not in str(raised.value)


@pytest.mark.parametrize(
    ("scope", "entities"),
    [
        (f"user.1 entity.{ONE} service.echo.read tenant.19", (ONE,)),
        (f"entity.{ONE.replace('-', '')}", (ONE,)),
        (f"entity.{ONE} entity.{'a' * 32}", (ONE, "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa")),
        ("entity.read entity. xentity.1 platform.write", ()),
        ("", ()),
        (None, ()),
        ([f"entity.{ONE}"], ()),
        (5, ()),
    ],
)
def test_the_scope_names_the_entities(scope, entities):
    token = Token.from_api({"access_token": VALUE, "scope": scope}, asked_at=0.0)
    assert token.entities == entities
    assert VALUE not in repr(token)


def test_one_token_serves_all_hooks_and_all_calls(make_hook, zuora_simulator):
    for _ in range(3):
        hook = make_hook()
        hook.list_entities()
        hook.list_entity_connections()
    assert token_calls(zuora_simulator) == 1


def test_twenty_threads_request_one_token(make_hook, zuora_simulator):
    zuora_simulator.fault(path=TOKEN, delay=0.1)
    hooks = [make_hook() for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda hook: len(hook.list_entities()), hooks))
    assert len(set(found)) == 1
    assert token_calls(zuora_simulator) == 1


def test_other_clients_secrets_and_addresses_have_their_own_token(connect, make_hook, zuora_simulator):
    connect().list_entities()
    connect(client="target_only").list_entities()
    assert token_calls(zuora_simulator) == 2
    with pytest.raises(ZuoraAuthError):
        connect(password="wrong").list_entities()
    connect(host="http://localhost").list_entities()
    assert token_calls(zuora_simulator) == 4


def test_a_token_is_renewed_a_minute_before_its_end(make_hook, zuora_simulator, clock):
    make_hook().list_entities()
    clock.now += 3599 - 60 - 0.1
    make_hook().list_entities()
    assert token_calls(zuora_simulator) == 1
    clock.now += 0.1
    make_hook().list_entities()
    assert token_calls(zuora_simulator) == 2


def test_a_revoked_token_is_renewed_once_for_all_threads(make_hook, zuora_simulator):
    hooks = [make_hook() for _ in range(8)]
    for hook in hooks:
        hook.list_entities()
    zuora_simulator.store.access.revoke(f"Bearer {hooks[0].client.oauth.token().value}")
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda hook: hook.list_entities(), hooks))
    assert token_calls(zuora_simulator) == 2


@pytest.mark.parametrize("status", [401, 400])
def test_a_wrong_secret_is_reported_as_such(status, connect, zuora_simulator):
    zuora_simulator.settings.update({"wrong_secret_status": status})
    with pytest.raises(ZuoraAuthError, match=f"HTTP {status}, request id .*Invalid client secret"):
        connect(password="wr0ng-wr0ng").list_entities()
    assert [one.path for one in zuora_simulator.requests()] == [TOKEN]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"password": "wr0ng-wr0ng"}, 401, "The Client Secret is wrong, or"),
        ({"login": "0" * 36}, 400, "Invalid client id.*environment"),
        ({"client": "deactivated"}, 403, "user who owns the OAuth client is deactivated"),
    ],
)
def test_a_refused_client_learns_what_to_do(fields, status, words, connect, zuora_simulator):
    with pytest.raises(ZuoraAuthError, match=words) as raised:
        connect(**fields).list_entities()
    assert raised.value.http_status == status
    assert zuora_simulator.url in str(raised.value)
    assert raised.value.request_id in str(raised.value)
    assert fields.get("password", "wr0ng-wr0ng") not in str(raised.value)
    assert token_calls(zuora_simulator) == 1


def test_a_token_endpoint_that_does_not_exist_is_blamed_on_the_host(connect, zuora_simulator):
    zuora_simulator.fault(path=TOKEN, status=404, body="<html></html>")
    with pytest.raises(ZuoraAuthError, match="Check that the host of the connection"):
        connect().list_entities()


@pytest.mark.parametrize("times", [2, None])
def test_a_throttled_token_request_waits_a_minute(times, hook, zuora_simulator, waits):
    zuora_simulator.fault("token_throttle", times=times)
    if times is None:
        with pytest.raises(ZuoraRateLimitError, match="POST .* 60 seconds"):
            hook.list_entities()
    else:
        hook.list_entities()
    assert waits == [60.0] * (times or hook.client.retries.attempts - 1)


@pytest.mark.parametrize(
    "fault", [{"status": 503}, {"drop": True}, {"body": "<html></html>"}, {"status": 409}]
)
def test_a_token_request_is_repeated_like_a_read(fault, hook, zuora_simulator, waits):
    zuora_simulator.fault(path=TOKEN, times=4, **fault)
    hook.list_entities()
    assert (token_calls(zuora_simulator), len(waits)) == (5, 4)


@pytest.mark.parametrize("status", [500, 503])
def test_a_failing_token_endpoint_is_not_a_wrong_secret(status, hook, zuora_simulator):
    zuora_simulator.fault(path=TOKEN, times=None, status=status)
    with pytest.raises(ZuoraServerError):
        hook.list_entities()


@pytest.mark.parametrize("value", [None, 12345678, "", ["x" * 32], {"a": "x" * 32}])
def test_an_odd_token_answer_is_an_error_of_this_package(value, hook, zuora_simulator):
    zuora_simulator.fault(path=TOKEN, times=None, body={"access_token": value})
    with pytest.raises(ZuoraResponseError, match="no access_token"):
        hook.list_entities()


def test_the_token_and_the_secret_are_masked_as_soon_as_they_exist(hook, zuora_simulator, caplog):
    caplog.set_level(logging.DEBUG)
    value = hook.client.oauth.token().value
    connection = hook.client.config
    for secret in (value, connection.client_id, connection.client_secret):
        assert redact(f"got {secret} here") == "got *** here"
    hook.list_entities()
    for shown in (repr(hook.client.oauth.token()), repr(connection), repr(hook.client.oauth), caplog.text):
        assert value not in shown
        assert connection.client_secret not in shown


def test_the_token_request_carries_no_authorization_and_zuoras_form(hook, zuora_simulator):
    hook.list_entities()
    request = zuora_simulator.requests("POST", TOKEN)[0]
    assert "authorization" not in request.headers
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.body == {"client_id": "***", "client_secret": "***", "grant_type": "client_credentials"}
    assert request.query == ""


def test_a_netrc_file_neither_leaks_nor_replaces_the_token(hook, zuora_simulator, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login netrc-user password netrc-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert hook.list_entities()
    assert "authorization" not in zuora_simulator.requests("POST", TOKEN)[0].headers
    assert zuora_simulator.requests("GET")[0].status == 200


@pytest.mark.parametrize(
    "url",
    ["https://evil.example.com/x", "https://127.0.0.1:{port}/x", "http://127.0.0.1:1/x", "http://127.0.0.1/x"]
    + ["http://localhost:{port}/x", "http://127.0.0.1.evil.example.com:{port}/x"],
)
def test_the_token_goes_to_no_other_origin(url, hook, zuora_simulator):
    with Session() as session, pytest.raises(ZuoraValueError, match=zuora_simulator.url) as raised:
        session.prepare_request(Request("GET", url.format(port=zuora_simulator.port), auth=hook.client.oauth))
    assert "evil" not in str(raised.value)
    assert zuora_simulator.requests() == []


def test_a_refused_token_is_replaced_only_if_it_is_still_the_one_in_use(hook):
    oauth = hook.client.oauth
    first = oauth.token()
    second = oauth.token(refused=first)
    assert second is not first
    assert oauth.token(refused=first) is second
    assert oauth.renew() is not second


def bearers(server: RecordingServer) -> list[str]:
    return [headers_of(one)["authorization"] for one in server.received if not one.startswith(b"POST /oauth")]


def test_two_threads_whose_token_is_refused_get_one_new_token(make_client):
    tokens, reads, both_sent = itertools.count(1), itertools.count(1), Barrier(2)

    def answer(line: str) -> list[bytes]:
        if TOKEN in line:
            return [http({"access_token": f"token-{next(tokens)}"})]
        if next(reads) > 2:
            return [http({"success": True})]
        both_sent.wait(PATIENCE)
        return [http({}, 401)]

    with recording_server(answer) as server, ThreadPoolExecutor(2) as pool:
        clients = [make_client({"port": server.port}) for _ in range(2)]
        assert all(pool.map(lambda client: client.request("GET", ENTITIES), clients))
        assert bearers(server) == ["Bearer token-1"] * 2 + ["Bearer token-2"] * 2


def test_a_refused_request_is_sent_again_with_the_token_that_another_thread_got_meanwhile(make_client):
    tokens, reads, sent, renewed = itertools.count(1), itertools.count(1), Event(), Event()

    def answer(line: str) -> list[bytes]:
        if TOKEN in line:
            return [http({"access_token": f"token-{next(tokens)}"})]
        if next(reads) > 1:
            return [http({"success": True})]
        sent.set()
        renewed.wait(PATIENCE)
        return [http({}, 401)]

    with recording_server(answer) as server, ThreadPoolExecutor(1) as pool:
        one, other = (make_client({"port": server.port}) for _ in range(2))
        found = pool.submit(one.request, "GET", ENTITIES)
        assert sent.wait(PATIENCE)
        other.oauth.renew()
        renewed.set()
        assert found.result()
        assert bearers(server) == ["Bearer token-1", "Bearer token-2"]


def test_a_not_found_error_does_not_renew_the_token(hook, zuora_simulator):
    with pytest.raises(ZuoraNotFoundError):
        hook.get_entity("0" * 32)
    assert token_calls(zuora_simulator) == 1


@pytest.mark.parametrize("fault", ["lock", "concurrency"])
def test_a_token_that_ends_between_two_attempts_is_renewed_before_the_next(
    fault, hook, zuora_simulator, clock
):
    hook.list_entities()
    clock.now += 3599 - 60 - 30  # less than the wait that comes
    zuora_simulator.fault(fault, headers={"Retry-After": "120"})
    hook.list_entities()
    sent = [one.path for one in zuora_simulator.requests()]
    assert sent == [TOKEN, ENTITIES, ENTITIES, TOKEN, ENTITIES]


def test_a_token_that_cannot_be_renewed_between_two_attempts_leaves_no_unknown_outcome(
    hook, zuora_simulator, clock
):
    hook.list_entities()
    clock.now += 3599 - 60 - 30
    zuora_simulator.fault("lock", method="PUT", headers={"Retry-After": "120"}, times=None)
    zuora_simulator.fault("html", path=TOKEN, times=None)
    with pytest.raises(ZuoraServerError, match=f"POST http.*{TOKEN} answered HTTP 503"):
        hook.request("PUT", ENTITIES, json={})
    assert len(zuora_simulator.requests("PUT")) == 1


def test_a_thread_waits_for_the_token_of_another_no_longer_than_its_own_budget(make_client, zuora_simulator):
    zuora_simulator.fault(path=TOKEN, delay=1)
    patient, hurried = make_client(), make_client(retries=Retries(max_elapsed=0.1))
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(patient.list_entities)
        wait_for(lambda: token_calls(zuora_simulator))
        with pytest.raises(ZuoraNotSentError, match="another thread was still requesting a token"):
            hurried.list_entities()
        assert found.result()


def test_a_limit_beyond_what_a_lock_can_wait_is_no_limit(make_client, zuora_simulator):
    assert make_client(retries=Retries(max_elapsed=1e10)).list_entities()
    assert token_calls(zuora_simulator) == 1

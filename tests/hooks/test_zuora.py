"""What Airflow and users of HttpHook call: the constructor, ``run``, ``get_conn``, ``test_connection``."""

from __future__ import annotations

import time

import pytest

from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraPermissionError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraTransportError,
    ZuoraValueError,
)
from airflow_zuora.hooks import zuora
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, SOURCE_ENTITY_ID
from tests.helpers.bad_servers import TOKEN_ANSWER, closed_port, plain_server, silent_server
from tests.helpers.patience import PATIENCE, wait_for
from tests.helpers.raw_server import answer, raw_server

ENTITIES = "/v1/entities"


def test_the_constructor_only_stores_its_arguments(make_hook):
    hook = make_hook("no_such_connection", entity_id="x", timeout=-1, track_id=":")
    assert hook.zuora_conn_id == "no_such_connection"


def test_closing_a_hook_that_was_never_used_looks_nothing_up(make_hook):
    make_hook("no_such_connection").close()


def test_a_closed_hook_can_be_used_again(hook, zuora_simulator):
    hook.list_entities()
    hook.close()
    assert hook.list_entities()
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 2


def test_sessions_for_run_share_the_connections_but_not_their_headers(hook, zuora_simulator):
    first, second = hook.get_conn({"X": "y"}), hook.get_conn()
    for session in (first, second):
        assert session.get(f"{zuora_simulator.url}{ENTITIES}").json()["success"] is True
        assert "X" not in session.headers
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


@pytest.mark.parametrize("endpoint", [ENTITIES, "v1/entities"])
def test_run_sends_the_same_headers_as_request(endpoint, make_hook, zuora_simulator):
    hook = make_hook(track_id="the close of May")
    response = hook.run(endpoint, headers={"X-More": "1"})
    hook.request("GET", ENTITIES)
    assert response.json()["success"] is True
    by_run, by_request = (one.headers for one in zuora_simulator.requests("GET"))
    assert by_run.pop("x-more") == "1"
    assert by_run == by_request
    assert by_run["zuora-entity-ids"] == entity_uuid(DEFAULT_ENTITY_ID)
    assert by_run["zuora-track-id"] == "the close of May"


def test_run_checks_the_track_id_first(make_hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="track_id"):
        make_hook(track_id="a:b").run(ENTITIES)
    assert zuora_simulator.requests() == []


def test_headers_of_one_run_do_not_stay_for_the_next(hook, zuora_simulator):
    hook.run(ENTITIES, headers={"X-More": "1"})
    hook.run(ENTITIES)
    assert "x-more" not in zuora_simulator.requests("GET")[-1].headers


def test_extras_of_the_connection_are_not_sent_as_headers(connect, zuora_simulator):
    connect(timeout=7, zuora_version="2024-05-20").run(ENTITIES)
    for request in zuora_simulator.requests():
        assert not {"timeout", "entity_id", "zuora_version", "environment"} & set(request.headers)


def test_run_keeps_one_tcp_connection(hook, zuora_simulator):
    for _ in range(3):
        hook.run(ENTITIES)
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"named": "no_reasons"}, ZuoraRequestError),
        ({"named": "permission"}, ZuoraPermissionError),
        ({"status": 503}, ZuoraServerError),
        ({"body": "<html></html>"}, ZuoraResponseError),
        ({"named": "redirect"}, ZuoraRequestError),
    ],
)
@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
def test_run_checks_the_answer(fault, kind, version, connect, zuora_simulator):
    zuora_simulator.fault(**fault)
    with pytest.raises(kind, match=f"^GET {zuora_simulator.url}{ENTITIES}"):
        connect(zuora_version=version).run(ENTITIES)
    assert len(zuora_simulator.requests("GET")) == 1


def test_run_returns_a_failure_where_the_caller_checks_the_answer(hook, zuora_simulator):
    zuora_simulator.fault("permission")
    response = hook.run(ENTITIES, extra_options={"check_response": False})
    assert response.json()["success"] is False


@pytest.mark.parametrize(
    ("method", "words"), [("HEAD", "use GET"), ("head", "use GET"), ("GET /", "such as GET")]
)
def test_run_refuses_a_method_that_cannot_succeed_before_anything_is_sent(
    method, words, hook, zuora_simulator
):
    hook.method = method
    with pytest.raises(ZuoraValueError, match=words):
        hook.run(ENTITIES)
    assert zuora_simulator.requests() == []


def test_run_does_not_follow_redirects_even_if_asked_to(hook, zuora_simulator):
    zuora_simulator.fault("redirect", parameters={"location": ENTITIES})
    with pytest.raises(ZuoraApiError, match="Redirects are not followed"):
        hook.run(ENTITIES, extra_options={"allow_redirects": True})
    assert len(zuora_simulator.requests("GET")) == 1


@pytest.mark.parametrize("extra_options", [None, {"timeout": 1}])
def test_the_timeout_of_run_really_fires(extra_options, connect, zuora_simulator):
    connect().list_entities()  # the token need not hurry
    hook = connect(timeout=1 if extra_options is None else 600)
    zuora_simulator.fault(stall=True)
    started = time.monotonic()
    with pytest.raises(ZuoraTransportError):
        hook.run(ENTITIES, extra_options=extra_options)
    assert 0.9 < time.monotonic() - started < PATIENCE
    wait_for(lambda: len(zuora_simulator.requests("GET")) == 2)


def test_testing_a_connection_that_works_says_so(hook, zuora_simulator):
    found, message = hook.test_connection()
    assert found is True
    assert zuora_simulator.url in message
    assert entity_uuid(DEFAULT_ENTITY_ID) in message
    assert [one.method for one in zuora_simulator.requests()] == ["POST", "GET"]
    assert zuora_simulator.requests()[-1].query == "pageSize=1"


def test_testing_a_connection_for_several_entities_reads_one_of_them(connect, zuora_simulator):
    found, message = connect(entity_id=None).test_connection()
    assert found is True
    assert f"entity {entity_uuid(SOURCE_ENTITY_ID)}, the first of 10," in message
    assert [one.method for one in zuora_simulator.requests()] == ["POST", "GET"]


def test_testing_a_connection_gets_a_new_token(make_hook, connect):
    make_hook().list_entities()
    assert make_hook().test_connection()[0] is True
    assert connect(password="wrong-now").test_connection()[0] is False


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"password": "wr0ng-wr0ng"}, "Credentials: Zuora at "),
        ({"login": "unknown"}, "Credentials: Zuora at "),
        ({"client": "deactivated"}, "Credentials: Zuora at "),
        (
            {"client": "target_only", "entity_id": SOURCE_ENTITY_ID},
            "Entity: The OAuth client may not act for",
        ),
        ({"unknown": 1}, "Connection: Airflow connection 'zuora_default': unknown extra"),
        ({"password": ""}, "Connection: Airflow connection 'zuora_default': Client Secret"),
        ({"host": "https://zuora.invalid", "port": None}, "Address: POST https://zuora.invalid"),
    ],
)
def test_testing_a_connection_names_the_part_that_fails(fields, message, connect, waits):
    found, said = connect(**fields).test_connection()
    assert found is False
    assert said.startswith(message)
    assert "wr0ng" not in said
    assert waits == []


def test_testing_a_connection_to_another_server_blames_the_address(connect):
    assert connect(port=closed_port()).test_connection()[1].startswith("Address: POST http")
    with plain_server() as server:
        assert connect(port=server.server_port).test_connection()[1].startswith("Address: POST http")


REFUSED_ENTITY = {"success": False, "reasons": [{"code": 90000020, "message": "Invalid entity."}]}
FORBIDDEN = {"success": False, "reasons": [{"code": 53000021, "message": "Not allowed."}]}
LOCKED = {"success": False, "reasons": [{"code": 53000050, "message": "Locked."}]}


@pytest.mark.parametrize(
    ("line", "part", "status", "body"),
    [
        ("POST", "Address", 404, {}),
        ("POST", "Address", 302, {}),
        ("POST", "Zuora", 503, {}),
        ("POST", "Zuora", 429, {}),
        ("POST", "Credentials", 403, {}),
        ("GET", "Zuora", 503, {}),
        ("GET", "Zuora", 200, LOCKED),
        ("GET", "Entity", 400, REFUSED_ENTITY),
        ("GET", "Permission", 200, FORBIDDEN),
        ("GET", "Permission", 403, {}),
    ],
)
def test_testing_a_connection_names_what_a_refusal_is_about(line, part, status, body, connect, waits):
    def refuse(received):
        return [answer(body, status) if received.line.startswith(line) else answer(TOKEN_ANSWER)]

    with raw_server(refuse) as server:
        found, message = connect(port=server.port).test_connection()
    assert (found, message.partition(" ")[0]) == (False, f"{part}:")
    assert waits == []


def test_testing_a_connection_leaves_the_hook_as_it_was(make_hook, zuora_simulator, waits):
    hook = make_hook(timeout=77)
    zuora_simulator.fault(status=503)
    assert hook.test_connection()[0] is False
    assert waits == []
    zuora_simulator.fault(status=503, times=4)
    assert hook.list_entities()
    assert (len(waits), hook.timeout, hook.client.timeout) == (4, 77, 77)


def test_testing_a_connection_starts_nothing_after_half_of_its_time(connect, clock):
    def slowly(received):
        clock.now += 0.9 * zuora.TEST_TIMEOUT
        refusal = {"success": False, "reasons": [{"code": 90000011, "message": "Expired."}]}
        return [answer(TOKEN_ANSWER) if received.line.startswith("POST") else answer(refusal, 401)]

    with raw_server(slowly) as server:
        assert connect(port=server.port).test_connection()[0] is False
    assert [line.split()[0] for line in server.lines] == ["GET"]  # besides the token


@pytest.mark.parametrize("where", ["token", "read"])
def test_testing_a_silent_server_ends_in_time(where, connect, zuora_simulator, monkeypatch):
    assert 2 * zuora.TEST_TIMEOUT <= 10
    monkeypatch.setattr(zuora, "TEST_TIMEOUT", 1.0)
    with silent_server() as port:
        hook = connect(port=port) if where == "token" else connect()
        zuora_simulator.fault(stall=True)
        started = time.monotonic()
        assert hook.test_connection()[1].startswith("Address: ")
        assert time.monotonic() - started < PATIENCE

"""Servers, proxies and certificates that do not work; and the limits on the time and size of an exchange."""

from __future__ import annotations

import time

import pytest
from requests import Request

from airflow_zuora.client import transport
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import (
    ZuoraConfigError,
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraRateLimitError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraTransportError,
    ZuoraValueError,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID
from tests.helpers.bad_servers import closed_port, plain_server, self_signed_certificate, silent_server
from tests.helpers.patience import PATIENCE, own_port, wait_for

ENTITIES = "/v1/entities"
ONCE = Retries(attempts=1)


def test_an_unknown_host_name_is_reported_and_tried_again(connect, waits):
    hook = connect(host="https://zuora.invalid", port=None)
    with pytest.raises(ZuoraNotSentError, match=r"^POST https://zuora.invalid/oauth/token: the host name"):
        hook.list_entities()
    assert len(waits) == hook.client.retries.attempts - 1


def test_a_refused_port_is_reported_and_tried_again(connect, waits):
    hook = connect(port=closed_port())
    with pytest.raises(ZuoraNotSentError, match="connect.*host and port"):
        hook.list_entities()
    assert len(waits) == hook.client.retries.attempts - 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_request_that_was_never_sent_is_sent_again(method, waits, monkeypatch, make_hook):
    with ZuoraSimulator(port=own_port()) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", simulator.connection_json())
        hook = make_hook()
        hook.list_entities()
    hook.close()  # the token is there, but nobody listens any more
    with pytest.raises(ZuoraNotSentError, match=f"^{method} http"):
        hook.request(method, ENTITIES, json={} if method == "PUT" else None)
    assert len(waits) == hook.client.retries.attempts - 1


def test_a_certificate_that_does_not_verify_is_final_and_nothing_is_sent(
    connect, tmp_path, waits, monkeypatch
):
    with plain_server(self_signed_certificate(tmp_path)) as server:
        with pytest.raises(ZuoraConfigError, match="certificate cannot be verified .*REQUESTS_CA_BUNDLE"):
            connect(host="https://127.0.0.1", port=server.server_port).list_entities()
        assert server.asked == []
        assert waits == []
        # The advice helps: with the authority known, the request arrives.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        with pytest.raises(ZuoraResponseError):
            connect(host="https://127.0.0.1", port=server.server_port).list_entities()
        assert server.asked[0] == "/oauth/token"


def test_a_missing_ca_bundle_is_a_wrong_setting(connect, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ZuoraConfigError, match="/nowhere/ca.pem"):
        connect(host="https://127.0.0.1", port=closed_port()).list_entities()


def test_https_to_a_port_that_speaks_plain_http_is_not_an_answer(connect):
    with plain_server() as server:
        hook = connect(host="https://127.0.0.1", port=server.server_port)
        with pytest.raises(ZuoraTransportError, match="SSLError"):
            hook.list_entities()
        assert server.asked == []


def test_nothing_is_sent_through_a_proxy_that_does_not_answer(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(ZuoraNotSentError, match="proxy"):
        connect(host="https://zuora.invalid", port=None).list_entities()


def test_an_invalid_proxy_address_is_a_wrong_setting(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(ZuoraConfigError, match="proxy"):
        connect(host="https://zuora.invalid", port=None).list_entities()


def test_a_read_timeout_really_fires_and_leaves_the_outcome_unknown(connect, zuora_simulator):
    connect().list_entities()  # the token need not hurry
    hook = connect(timeout=1)
    zuora_simulator.fault(method="PUT", stall=True)
    started = time.monotonic()
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.request("PUT", f"/v1/entity-connections/{PENDING_ID}/accept", json={})
    assert 0.9 < time.monotonic() - started < PATIENCE
    wait_for(lambda: zuora_simulator.requests("PUT"))
    assert len(zuora_simulator.requests("PUT")) == 1


def test_a_silent_server_is_given_up_after_the_timeout_of_the_client(make_client):
    with silent_server() as port:
        client = make_client({"port": port, "timeout": 600}, timeout=1, retries=ONCE)
        started = time.monotonic()
        with pytest.raises(ZuoraTransportError):
            client.list_entities()
        assert 0.9 < time.monotonic() - started < PATIENCE


def test_a_server_that_sends_a_little_now_and_then_does_not_outlast_the_timeout(connect, zuora_simulator):
    connect().list_entities()
    hook = connect(timeout=1)
    zuora_simulator.fault(slow_body=0.4)  # ten parts
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.request("PUT", f"/v1/entity-connections/{PENDING_ID}/accept", json={})
    assert len(zuora_simulator.requests("PUT")) == 1


@pytest.mark.parametrize("timeout", [0, -1, "soon", True, 1e9, float("nan")])
def test_a_wrong_timeout_of_the_hook_is_refused(timeout, make_hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="timeout must be"):
        make_hook(timeout=timeout).list_entities()
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("fault", [{"half_body": True}, {"damage_gzip": True}, {"drop": True}])
def test_a_damaged_answer_is_an_error(fault, hook, zuora_simulator, waits):
    zuora_simulator.fault(times=None, **fault)
    with pytest.raises(ZuoraTransportError):
        hook.list_entities()
    assert len(waits) == 4


def test_an_answer_that_is_too_large_is_not_read(make_client, zuora_simulator, monkeypatch):
    client = make_client(retries=ONCE)
    client.list_entities()
    monkeypatch.setattr(transport, "MAX_BYTES", 1000)
    with pytest.raises(ZuoraResponseError, match="more than 1000 bytes"):
        client.list_entities()  # compressed, it is smaller than that


def test_the_body_can_be_read_from_the_response_as_often_as_one_likes(hook, zuora_simulator):
    response = hook.client.transport.exchange(Request("GET", f"{zuora_simulator.url}/"), "GET /")
    assert "<html" in response.text
    assert response.content == response.text.encode()


@pytest.mark.parametrize("location", ["https://login.example.com/x?token=1", "/v1/entities", "http://["])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status, location, hook, zuora_simulator):
    zuora_simulator.fault("redirect", parameters={"location": location}, status=status)
    with pytest.raises(ZuoraRequestError, match="Redirects are not followed") as raised:
        hook.list_entities()
    assert "token=1" not in str(raised.value)
    assert len(zuora_simulator.requests("GET")) == 1


def test_the_token_request_is_not_redirected_either(hook, zuora_simulator):
    zuora_simulator.fault("redirect", path="/oauth/token")
    with pytest.raises(ZuoraRequestError, match="login.example.com"):
        hook.list_entities()
    assert len(zuora_simulator.requests()) == 1


@pytest.mark.parametrize("odd", ["-5", "soon", "1e3", "٣"])
def test_an_invalid_header_does_not_shorten_a_wait_that_another_header_asks_for(
    odd, hook, zuora_simulator, waits
):
    odd = odd.encode().decode("latin-1")
    zuora_simulator.fault("throttle", times=2, headers={"RateLimit-Reset": odd, "Retry-After": "7"})
    hook.list_entities()
    assert len(waits) == 2
    assert min(waits) >= 7


def test_a_wait_of_many_years_is_not_waited_for(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", headers={"Retry-After": "9" * 300})
    with pytest.raises(ZuoraRateLimitError):
        hook.list_entities()
    assert waits == []

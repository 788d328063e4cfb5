from __future__ import annotations

import time

import pytest

from airflow_zuora.exceptions import (
    ZuoraConfigError,
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraRateLimitError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraTransportError,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID
from tests.patience import PATIENCE, own_port, wait_for
from tests.unit.bad_servers import closed_port, plain_server, self_signed_certificate, silent_server

ENTITIES = "/v1/entities"


def test_an_unknown_host_name_is_said_to_be_one_and_tried_again(connect, waits):
    hook = connect(host="https://zuora.invalid", port=None)
    with pytest.raises(
        ZuoraNotSentError, match=r"^POST https://zuora.invalid/oauth/token: the host name is not known"
    ):
        hook.list_entities()
    assert len(waits) == hook.max_attempts - 1


def test_a_refused_port_is_said_to_be_one_and_tried_again(connect, waits):
    hook = connect(port=closed_port())
    with pytest.raises(ZuoraNotSentError, match=r"no connection \(NewConnectionError\). Check host and port"):
        hook.list_entities()
    assert len(waits) == hook.max_attempts - 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_was_never_sent_is_sent_again(method, waits, monkeypatch, make_hook):
    with ZuoraSimulator(port=own_port()) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", simulator.connection_json())
        hook = make_hook()
        hook.list_entities()
    hook.session.close()  # the token is there, but nobody listens any more
    with pytest.raises(ZuoraNotSentError, match=f"^{method} http"):
        hook.request(method, ENTITIES, json={} if method == "PUT" else None)
    assert len(waits) == hook.max_attempts - 1


def test_a_certificate_that_does_not_verify_is_final_and_nothing_is_sent(
    connect, tmp_path, waits, monkeypatch
):
    with plain_server(self_signed_certificate(tmp_path)) as server:
        with pytest.raises(ZuoraConfigError, match="certificate does not verify .*REQUESTS_CA_BUNDLE"):
            connect(host="https://127.0.0.1", port=server.server_port).list_entities()
        assert server.asked == []
        assert waits == []
        # The advice helps: with the authority known, the request arrives.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
        with pytest.raises(ZuoraResponseError):
            connect(host="https://127.0.0.1", port=server.server_port).list_entities()
        assert server.asked[0] == "/oauth/token"


def test_a_missing_file_of_authorities_is_an_error_of_the_configuration(connect, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ZuoraConfigError, match="/nowhere/ca.pem"):
        connect(host="https://127.0.0.1", port=closed_port()).list_entities()


def test_https_to_a_port_that_speaks_plain_http_is_no_answer(connect):
    with plain_server() as server:
        hook = connect(host="https://127.0.0.1", port=server.server_port)
        with pytest.raises(ZuoraTransportError, match="SSLError"):
            hook.list_entities()
        assert server.asked == []


def test_a_proxy_that_is_not_there_means_not_sent(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(ZuoraNotSentError, match=r"no connection \(ProxyError\).*firewall and proxy"):
        connect(host="https://zuora.invalid", port=None).list_entities()


def test_a_proxy_address_that_is_none_is_an_error_of_the_configuration(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://")
    monkeypatch.setenv("NO_PROXY", "")
    with pytest.raises(ZuoraConfigError, match="proxy"):
        connect(host="https://zuora.invalid", port=None).list_entities()


def test_a_read_timeout_really_fires_and_leaves_the_outcome_unknown(connect, zuora_simulator):
    connect().list_entities()  # the token need not hurry
    hook = connect(timeout=1)
    zuora_simulator.fault(method="PUT", stall=True)
    started = time.monotonic()
    with pytest.raises(ZuoraOutcomeUnknownError, match="did not arrive whole"):
        hook.request("PUT", f"/v1/entity-connections/{PENDING_ID}/accept", json={})
    assert 0.9 < time.monotonic() - started < PATIENCE
    wait_for(lambda: zuora_simulator.requests("PUT"))
    assert len(zuora_simulator.requests("PUT")) == 1


def test_a_server_that_says_nothing_is_left_after_the_hooks_own_timeout(make_hook, connect):
    with silent_server() as port:
        hook = connect(port=port)
        hook.timeout, hook.max_attempts = 1, 1
        started = time.monotonic()
        with pytest.raises(ZuoraTransportError, match="ReadTimeout"):
            hook.list_entities()
        assert 0.9 < time.monotonic() - started < PATIENCE


@pytest.mark.parametrize("timeout", [0, -1, "soon", True, 1e9, float("nan")])
def test_a_wrong_timeout_of_the_hook_is_refused(timeout, make_hook, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match="timeout must be"):
        make_hook(timeout=timeout).list_entities()
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("fault", [{"half_body": True}, {"damage_gzip": True}, {"drop": True}])
def test_a_damaged_answer_never_passes(fault, hook, zuora_simulator, waits):
    zuora_simulator.fault(times=None, **fault)
    with pytest.raises(ZuoraTransportError, match="did not arrive whole"):
        hook.list_entities()
    assert len(waits) == 4


def test_an_answer_that_is_too_large_is_not_read(hook, zuora_simulator):
    hook.max_bytes, hook.max_attempts = 1000, 1
    zuora_simulator.fault(body={"entities": [], "x": "y" * 100_000})
    with pytest.raises(ZuoraResponseError, match="answered with more than 1000 bytes"):
        hook.list_entities()


def test_a_small_packed_answer_that_unpacks_to_a_large_one_is_not_read(hook, zuora_simulator):
    hook.list_entities()
    hook.max_bytes, hook.max_attempts = 1000, 1
    with pytest.raises(ZuoraResponseError, match="more than 1000 bytes"):
        hook.list_entities()


@pytest.mark.parametrize("location", ["https://login.example.com/x?token=1", "/v1/entities", "http://["])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status, location, hook, zuora_simulator):
    zuora_simulator.fault("redirect", parameters={"location": location}, status=status)
    with pytest.raises(ZuoraRequestError, match="redirects are not followed") as raised:
        hook.list_entities()
    assert "token=1" not in str(raised.value)
    assert len(zuora_simulator.requests("GET")) == 1


def test_the_token_request_is_not_redirected_either(hook, zuora_simulator):
    zuora_simulator.fault("redirect", path="/oauth/token")
    with pytest.raises(ZuoraRequestError, match=r"login.example.com; redirects are not followed"):
        hook.list_entities()
    assert len(zuora_simulator.requests()) == 1


@pytest.mark.parametrize("odd", ["-5", "soon", "1e3", "9" * 400, "120, 60", "٣"])
def test_odd_headers_of_a_rate_limit_do_not_shorten_or_stop_the_retries(odd, hook, zuora_simulator, waits):
    odd = odd.encode().decode("latin-1")
    zuora_simulator.fault("throttle", times=2, headers={"RateLimit-Reset": odd, "Retry-After": "7"})
    hook.list_entities()
    assert len(waits) == 2
    assert min(waits) >= 7


def test_a_wait_of_a_billion_seconds_is_not_waited(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", headers={"Retry-After": "9" * 300})
    with pytest.raises(ZuoraRateLimitError):
        hook.list_entities()
    assert waits == []

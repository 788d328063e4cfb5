"""Connecting: how long it may take, and that nothing is sent when it has taken all the time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from airflow_zuora.client import wire
from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotSentError
from tests.helpers import proxy as proxies
from tests.helpers.bad_servers import self_signed_certificate, silent_server
from tests.helpers.raw_server import after_token, answer, raw_server

LIMIT = 1.0  # seconds
HTTPS = {"host": "https://zuora.invalid", "port": None}
ALWAYS_SUCCESS = after_token(lambda _: [answer({"success": True})])
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

Resolve = Callable[..., None]


@pytest.fixture
def make_hasty(make_client: Callable[..., ZuoraClient]) -> Callable[..., ZuoraClient]:
    """Make clients that try once."""

    def make(port: int | None, host: str = "http://localhost", timeout: float = LIMIT) -> ZuoraClient:
        return make_client({"host": host, "port": port}, timeout=timeout, retries=Retries(attempts=1))

    return make


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let the name localhost have other addresses, and its look-up take some time."""
    look_up = socket.getaddrinfo

    def let(*addresses: str, seconds: float = 0.0) -> None:
        def found(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
            if host != "localhost":
                return look_up(host, port, *args, **kwargs)
            time.sleep(seconds)
            return [look_up(address, port, *args, **kwargs)[0] for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return let


@contextmanager
def dead(address: str, port: int = 0) -> Iterator[int]:
    """Listen, but with so many others waiting that the kernel drops who comes next."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]


def test_an_address_that_is_dead_leaves_time_for_the_next(make_hasty, resolve):
    with raw_server(ALWAYS_SUCCESS) as server, dead("127.0.0.2", server.port):
        client = make_hasty(server.port, timeout=3)
        client.oauth.token()
        client.close()
        resolve("127.0.0.2", "127.0.0.1")
        assert client.request("PUT", "/v1/x", json={})["success"] is True
        assert server.lines == ["PUT /v1/x"]


def test_all_addresses_together_do_not_outlast_the_limit(make_hasty, resolve):
    with ExitStack() as stack:
        port = stack.enter_context(dead("127.0.0.2"))
        others = [f"127.0.0.{number}" for number in range(3, 8)]
        for address in others:
            stack.enter_context(dead(address, port))
        resolve("127.0.0.2", *others)
        started = time.monotonic()
        with pytest.raises(ZuoraNotSentError, match="connecting timed out after 1 seconds") as raised:
            make_hasty(port).list_entities()
        assert LIMIT - 0.1 < time.monotonic() - started < LIMIT * len(others)
    assert " at 0x" not in str(raised.value)


def test_an_address_that_refuses_is_passed_over(make_hasty, resolve):
    with raw_server(ALWAYS_SUCCESS) as server:
        resolve("127.0.0.2", "127.0.0.1")  # nobody listens on that port of the first
        assert make_hasty(server.port).request("PUT", "/v1/x", json={})["success"] is True


def test_a_host_behind_a_socks_proxy_is_not_looked_up_here(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("it was looked up"))
    kind = type("SOCKSConnection", (wire.Connection,), {"_socks_options": {}})
    assert kind("zuora.invalid", 443)._addresses() == ["zuora.invalid"]


def test_nothing_is_sent_when_connecting_took_all_the_time(make_hasty, resolve):
    with raw_server(ALWAYS_SUCCESS) as server:
        client = make_hasty(server.port)
        client.oauth.token()
        client.close()
        resolve("127.0.0.1", seconds=LIMIT + 0.1)
        with pytest.raises(
            ZuoraNotSentError, match="timed out after 1 seconds. Nothing was sent. Check host"
        ):
            client.request("PUT", "/v1/x", json={})
        assert server.lines == []


def test_a_connect_is_given_up_before_a_long_limit_is_over(make_hasty, monkeypatch):
    assert wire.CONNECT_TIMEOUT == 30
    monkeypatch.setattr(wire, "CONNECT_TIMEOUT", 0.3)
    with dead("127.0.0.1") as port:
        started = time.monotonic()
        with pytest.raises(ZuoraNotSentError, match="connecting timed out after 0 seconds"):
            make_hasty(port, "http://127.0.0.1", timeout=20).list_entities()
        assert time.monotonic() - started < 15


def test_a_tls_handshake_is_given_up_before_a_long_limit_is_over(make_hasty, monkeypatch):
    monkeypatch.setattr(wire, "CONNECT_TIMEOUT", 0.3)
    with silent_server() as port:
        started = time.monotonic()
        with pytest.raises(ZuoraNotSentError, match="connecting timed out"):
            make_hasty(port, "https://127.0.0.1", timeout=20).list_entities()
        assert time.monotonic() - started < 15


def test_the_handshakes_behind_a_slow_proxy_get_what_the_proxy_has_left(make_hasty, monkeypatch):
    with raw_server(lambda _: [0.9, b"HTTP/1.1 200 OK\r\n\r\n"]) as proxy:  # and silence where TLS begins
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        started = time.monotonic()
        with pytest.raises(ZuoraNotSentError, match="connecting timed out after 1 seconds"):
            make_hasty(**HTTPS).list_entities()
        assert time.monotonic() - started < 1.8


def test_the_limit_on_connecting_does_not_bind_the_answer(make_hasty, monkeypatch):
    with raw_server(after_token(lambda _: [0.6, answer({"success": True})])) as server:
        monkeypatch.setattr(wire, "CONNECT_TIMEOUT", 0.5)
        assert make_hasty(server.port, timeout=20).request("GET", "/v1/x")["success"] is True


def test_a_proxy_may_send_interim_answers_before_it_opens_the_tunnel(make_hasty, monkeypatch, tmp_path):
    handle = proxies._Tunnel.handle

    def handle_with_hints(tunnel: Any) -> None:
        tunnel.wfile.write(INTERIM)
        handle(tunnel)

    monkeypatch.setattr(proxies._Tunnel, "handle", handle_with_hints)
    certificate = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with raw_server(ALWAYS_SUCCESS, certificate) as server, proxies.tunnel_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        client = make_hasty(server.port, "https://127.0.0.1", timeout=10)
        assert client.request("PUT", "/v1/x", json={})["success"] is True
        assert proxy.targets == [f"127.0.0.1:{server.port}"]
        client.close()


def test_a_proxy_that_refuses_after_an_interim_answer_is_reported_with_the_final_one(make_hasty, monkeypatch):
    with raw_server(lambda _: [INTERIM, answer(b"", 407)]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ZuoraConfigError, match="HTTP 407 "):
            make_hasty(**HTTPS).list_entities()

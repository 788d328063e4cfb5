"""The time limit of a request binds the whole exchange, however slowly the server gives or takes."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from requests import Request

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.retries import Retries
from airflow_zuora.client.transport import Transport
from airflow_zuora.exceptions import ZuoraNotSentError, ZuoraOutcomeUnknownError, ZuoraTransportError
from tests.helpers.bad_servers import self_signed_certificate, silent_server
from tests.helpers.raw_server import Part, after_token, answer, drip, raw_server
from tests.helpers.serving import by_tls

LIMIT = 1.0  # seconds
SLACK = 5.0  # seconds for a busy machine; each of these answers takes more than twice as long
BODY = json.dumps({"success": True, "text": "x" * 60}).encode()
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"


def gzip_that_comes_to_nothing() -> Iterator[Part]:
    """A gzip stream of which each part is empty, so that there is never anything to hand on."""
    yield GZIP
    part = gzip.compress(b"", mtime=0)
    while True:
        yield b"%x\r\n%s\r\n" % (len(part), part)
        yield 0.1


# Where a server can be slow, byte by byte.
SLOW: dict[str, Callable[[], Iterable[Part]]] = {
    "status line": lambda: drip(answer(BODY)),
    "head": lambda: [b"HTTP/1.1 200 OK\r\n", *drip(b"X-Long: " + b"x" * 60)],
    "interim answer": lambda: [b"HTTP/1.1 103 Early Hints\r\n", *drip(b"X-Long: " + b"x" * 60)],
    "body": lambda: [answer(length=len(BODY)), *drip(BODY)],
    "body without length": lambda: [b"HTTP/1.1 200 OK\r\n\r\n", *drip(BODY)],
    "chunk size": lambda: [CHUNKS, *drip(b"0" * 60 + b"9\r\n")],
    "chunk extension": lambda: [CHUNKS, b"9;", *drip(b"x" * 60)],
    "chunk": lambda: [CHUNKS, b"%x\r\n" % len(BODY), *drip(BODY)],
    "trailers": lambda: [CHUNKS, b"%x\r\n%s\r\n0\r\n" % (len(BODY), BODY), *drip(b"X: " + b"x" * 60)],
    "gzip": gzip_that_comes_to_nothing,
}


@contextmanager
def ends_in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert LIMIT - 0.1 < time.monotonic() - started < LIMIT + SLACK


@pytest.fixture
def make_hasty(make_client: Callable[..., ZuoraClient]) -> Callable[..., ZuoraClient]:
    """Make clients that try once."""

    def make(port: int, host: str = "http://127.0.0.1") -> ZuoraClient:
        fields = {"host": host, "port": port}
        return make_client(fields, timeout=LIMIT, retries=Retries(attempts=1))

    return make


@pytest.mark.parametrize("place", SLOW)
def test_a_slow_answer_does_not_outlast_the_limit(place, make_hasty):
    with raw_server(after_token(lambda _: SLOW[place]())) as server:
        client = make_hasty(server.port)
        client.oauth.token()
        with ends_in_time(), pytest.raises(ZuoraTransportError, match="within 1 seconds"):
            client.request("GET", "/v1/x")


def test_an_answer_that_arrives_in_time_is_not_decompressed_after_the_limit(make_hasty):
    tiny = gzip.compress(gzip.compress(bytes(60_000_000)))  # read from the socket at once
    packed = answer(tiny, 200, "Content-Encoding: gzip, gzip")
    with raw_server(after_token(lambda _: [LIMIT - 0.03, packed])) as server:
        client = make_hasty(server.port)
        client.oauth.token()
        with ends_in_time(), pytest.raises(ZuoraTransportError, match="within 1 seconds"):
            client.request("GET", "/v1/x")


@pytest.mark.parametrize("place", ["head", "trailers"])
def test_a_slow_answer_over_tls_does_not_either(place, make_hasty, tmp_path, monkeypatch):
    certificate = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with raw_server(after_token(lambda _: SLOW[place]()), certificate) as server:
        client = make_hasty(server.port, "https://127.0.0.1")
        client.oauth.token()
        with ends_in_time(), pytest.raises(ZuoraTransportError, match="within 1 seconds"):
            client.request("GET", "/v1/x")


def test_a_change_whose_answer_comes_slowly_is_of_unknown_outcome(make_hasty):
    with raw_server(after_token(lambda _: SLOW["head"]())) as server:
        client = make_hasty(server.port)
        client.oauth.token()
        with ends_in_time(), pytest.raises(ZuoraOutcomeUnknownError, match="within 1 seconds"):
            client.request("PUT", "/v1/x", json={})


def test_a_token_that_comes_slowly_does_not_outlast_the_limit(make_hasty):
    with raw_server(lambda _: SLOW["head"]()) as server:
        client = make_hasty(server.port)
        with ends_in_time(), pytest.raises(ZuoraTransportError, match="POST .* within 1 seconds"):
            client.request("GET", "/v1/x")


@contextmanager
def slow_reader(certificate: Path) -> Iterator[int]:
    """Read a request over TLS, a little at a time."""

    def read() -> None:
        with listener.accept()[0] as connection, suppress(OSError):
            while connection.recv(16384):
                time.sleep(0.1)

    with by_tls(socket.create_server(("127.0.0.1", 0)), certificate) as listener:
        thread = threading.Thread(target=read)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_a_server_that_reads_slowly_does_not_outlast_the_limit(tmp_path, monkeypatch):
    certificate = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with slow_reader(certificate) as port, closing(Transport(f"https://127.0.0.1:{port}", {}, LIMIT)) as way:
        request = Request("POST", f"https://127.0.0.1:{port}/v1/x", data=b"x" * 50_000_000)
        with ends_in_time(), pytest.raises(ZuoraTransportError, match="within 1 seconds"):
            way.exchange(request, "POST /v1/x")


@pytest.mark.parametrize("place", ["status line", "head"])
def test_a_slow_proxy_does_not_outlast_the_limit(place, make_hasty, monkeypatch):
    with raw_server(lambda _: SLOW[place]()) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        client = make_hasty(443, "https://zuora.invalid")
        with ends_in_time(), pytest.raises(ZuoraNotSentError):
            client.request("GET", "/v1/x")
        assert [one.line for one in proxy.received] == ["CONNECT zuora.invalid:443"]


def test_a_tls_handshake_without_answer_does_not_outlast_the_limit(make_hasty):
    with silent_server() as port:
        client = make_hasty(port, "https://127.0.0.1")
        with ends_in_time(), pytest.raises(ZuoraNotSentError):
            client.request("GET", "/v1/x")

"""Any bytes that a server sends become a value or a typed error of one line, within a limit on memory."""

from __future__ import annotations

import gc
import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_zuora.client import transport
from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import (
    ZuoraConfigError,
    ZuoraError,
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraResponseError,
    ZuoraTransportError,
)
from airflow_zuora.hooks.zuora import ZuoraHook
from tests.helpers.bad_servers import TOKEN_ANSWER, Answer, after_token, http, recording_server

# Where the head is broken, urllib3 leaves the socket to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True, scope="module")
def _collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accept no more than 50 kB, so that the tests are quick."""
    monkeypatch.setattr(transport, "MAX_BYTES", 50_000)


def raw(*lines: str, body: bytes = b"", status: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join((status, *lines, "", "")).encode("latin-1") + body


def layers(number: int, data: bytes) -> bytes:
    for _ in range(number):
        data = gzip.compress(data)
    return data


ONCE = Retries(attempts=1)
CHUNKED = "Transfer-Encoding: chunked"
ESCAPES = "\x1b[31m\x1b]0;x\x07\x85\xa0" * 1000
BOMB = gzip.compress(bytes(20_000_000))
KILO = bytes(1024)
BROKEN: dict[str, bytes] = {
    "shorter than it says": raw("Content-Length: 9", body=b"{}"),
    "a length of 400 digits": raw(f"Content-Length: {'9' * 400}", body=b"{}"),
    "two lengths": raw("Content-Length: 2", "Content-Length: 3", body=b"{}"),
    "two lengths in one line": raw("Content-Length: 2, 3", body=b"{}"),
    "a chunk of negative length": raw(CHUNKED, body=b"-5\r\n{}\r\n0\r\n\r\n"),
    "a chunk of no length": raw(CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is cut": raw(CHUNKED, body=b"5\r\n{}"),
    "no last chunk": raw(CHUNKED, body=b"2\r\n{}\r\n"),
    "a chunk line without end": raw(CHUNKED, body=b"0" * 100_000),
    "a header of 100 kB": raw(f"X: {'y' * 100_000}", body=b"{}"),
    "200 headers": raw(*["X: y"] * 200, body=b"{}"),
    "no status": raw(status="HTTP/1.1 "),
    "a negative status": raw(status="HTTP/1.1 -200 OK"),
    "a status of five digits": raw(status="HTTP/1.1 99999 OK"),
    "an interim status only": raw("Connection: close", status="HTTP/1.1 103 Early Hints"),
    "HTTP/0.9": b'{"success": true}',
    "HTTP/2": raw(body=b"{}", status="HTTP/2.0 200 OK"),
    "every byte": bytes(range(256)) * 100,
    "escape sequences": f"{ESCAPES}\r\n\r\n".encode("latin-1"),
    "nothing": b"",
    "gzip that is not gzip": http(b"{}", 200, "Content-Encoding: gzip"),
    "gzip six times": http(layers(6, b"{}"), 200, "Content-Encoding: " + ", ".join(["gzip"] * 6)),
    "gzip claimed 1000 times": http(b"{}", 200, "Content-Encoding: " + ", ".join(["gzip"] * 1000)),
    "a bomb": http(BOMB, 200, "Content-Encoding: gzip"),
    "a bomb in a bomb": http(gzip.compress(BOMB), 200, "Content-Encoding: gzip, gzip"),
    "an encoding that was not asked for": http(zlib.compress(b"no"), 200, "Content-Encoding: br"),
    "odd headers": http(b"", 200, f"Content-Type: {ESCAPES}", f"Zuora-Request-Id: {ESCAPES}"),
    "UTF-16 of half a character": http(b"\xff\xfe{\x00}", 200),
    "Latin-1": http('{"a": "é"}'.encode("latin-1"), 200),
    "lists 100,000 deep": http(b"[" * 100_000 + b"]" * 100_000, 200),
    "objects 100,000 deep": http(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 200),
    "a number of 5,000 digits": http(b'{"success": true, "a": ' + b"9" * 5000 + b"}", 200),
}
ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a body": (raw(), KILO),
    "a body of a huge length": (raw("Content-Length: 99999999999"), KILO),
    "chunks": (raw(CHUNKED), b"400\r\n" + KILO + b"\r\n"),
    "one chunk": (raw(CHUNKED, body=b"fffffffffffffffff\r\n"), KILO),
    "a chunk of negative length": (raw(CHUNKED, body=b"-5\r\n"), KILO),
    "a header": (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 1024),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 20),
    "a status line": (b"HTTP/1.1 200 ", b"y" * 1024),
}


UNUSABLE = (ZuoraTransportError, ZuoraResponseError)


def check(answer: Answer, make_client: Callable[..., ZuoraClient], connect: Callable[..., ZuoraHook]) -> None:
    """Check that a read ends with an error of one line, and a change with an unknown outcome."""
    with recording_server(answer) as server:
        client, hook = make_client({"port": server.port}, retries=ONCE), connect(port=server.port)
        for call in (lambda: client.request("GET", "/v1/x"), lambda: hook.run("/v1/x")):
            with pytest.raises(UNUSABLE) as raised:
                call()
            assert is_a_line(raised.value)
        with pytest.raises(ZuoraOutcomeUnknownError) as raised:
            client.request("PUT", "/v1/x", json={})
        assert is_a_line(raised.value)
        assert len(server.lines) == 3


def is_a_line(error: BaseException) -> bool:
    return str(error).isprintable() and len(str(error)) < 2000


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_is_an_error_and_leaves_the_outcome_of_a_change_unknown(name, make_client, connect):
    check(after_token(BROKEN[name]), make_client, connect)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_answer_to_a_token_request_is_an_error(name, make_client):
    with recording_server(lambda line: [BROKEN[name]]) as server:
        with pytest.raises(UNUSABLE) as raised:
            make_client({"port": server.port}, retries=ONCE).list_entities()
        assert is_a_line(raised.value)


@pytest.mark.usefixtures("small_limit")
@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_an_end_is_not_read_for_ever(name, make_client, connect):
    def answer(line: str) -> Iterable[bytes]:
        start, more = ENDLESS[name]
        return [http(TOKEN_ANSWER)] if " /oauth/token " in line else chain([start], repeat(more))

    check(answer, make_client, connect)


LARGE = {"packed": http(BOMB, 200, "Content-Encoding: gzip"), "plain": http(bytes(20_000_000))}


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.usefixtures("small_limit")
def test_a_large_answer_takes_no_more_memory_than_is_allowed(name, connect):
    with recording_server(after_token(LARGE[name])) as server:
        hook = connect(port=server.port)
        hook.client.oauth.token()
        tracemalloc.start()
        try:
            with pytest.raises(ZuoraResponseError, match="more than 50000 bytes"):
                hook.run("/v1/x")
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


FINE: dict[str, bytes] = {
    "a length of 5,000 digits": raw(f"Content-Length: {'9' * 5000}", body=b"{}"),
    "a length that is not a number": raw("Content-Length: x", body=b"{}"),
    "more than it says": raw("Content-Length: 2", body=b"{}HTTP/1.1 500 No\r\n\r\n"),
    "chunks and a length": raw("Content-Length: 1", CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n"),
    "many trailers": raw(CHUNKED, body=b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"),
    "a hundred times to be continued": b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + raw(body=b"{}"),
    "deflate": http(zlib.compress(b"{}"), 200, "Content-Encoding: deflate"),
    "gzip in two parts": http(gzip.compress(b"{") + gzip.compress(b"}"), 200, "Content-Encoding: gzip"),
    "a byte order mark": http(b"\xef\xbb\xbf{}", 200),
    "UTF-16": http("{}".encode("utf-16"), 200),
}


@pytest.mark.parametrize("name", FINE)
def test_an_unusual_answer_that_is_valid_is_read(name, connect):
    with recording_server(after_token(FINE[name])) as server:
        assert connect(port=server.port).request("GET", "/v1/x") == {"requestId": None}


PARTS = [b"HTTP/1.1 ", b"200 OK", b"\r\n", b"\n", b"Content-Length: ", b"2", b"-1", b"0"]
PARTS += [CHUNKED.encode(), b"\r\n\r\n"]
PARTS += [b"Content-Encoding: gzip", b"{}", b"[", b'{"success": true}', b"\x00", b"\xff", b" "]
PARTS += [b":", gzip.compress(b"{}")]
BYTES = st.lists(st.sampled_from(PARTS) | st.binary(max_size=4), max_size=12).map(b"".join)


@settings(
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(head=st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", raw(), raw(CHUNKED)]), rest=BYTES)
def test_any_bytes_are_a_value_or_a_typed_error(head, rest, make_client):
    with recording_server(after_token(head + rest)) as server:
        client = make_client({"port": server.port}, retries=ONCE)
        for method in ("GET", "PUT"):
            try:
                found: object = client.request(method, "/v1/x")
            except ZuoraError as error:
                found = error
            assert isinstance(found, (dict, ZuoraError))
            assert not isinstance(found, (ZuoraConfigError, ZuoraNotSentError))
            assert isinstance(found, dict) or is_a_line(found)

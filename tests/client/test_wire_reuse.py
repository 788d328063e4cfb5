"""A connection is used again only after a whole, final answer with nothing behind it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from urllib3.util import wait_for_read

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.wire import Connection, NotConnectedError
from airflow_zuora.exceptions import ZuoraOutcomeUnknownError
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.bad_servers import self_signed_certificate
from tests.helpers.patience import PATIENCE
from tests.helpers.raw_server import TOKEN, Part, RawServer, Received, after_token, answer, raw_server

FIRST, SECOND = {"name": "first"}, {"name": "second"}
STALE = answer({"name": "stale"})
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n"
JSON = json.dumps(FIRST).encode()
HEAD = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(JSON), JSON)
# Answers to the first request after which the connection is not used again. Each contains FIRST whole.
UNTIDY: dict[str, list[Part]] = {
    "a second answer": [answer(FIRST) + STALE],
    "a second answer that comes later": [answer(FIRST), 0.1, STALE],
    "a line break too many": [answer(FIRST) + b"\r\n"],
    "a Content-Length that is too short": [answer(JSON + b"   ", length=len(JSON))],
    "a second answer behind chunks": [CHUNKED % (len(JSON), JSON) + b"\r\n" + STALE],
    "a second answer behind trailers": [CHUNKED % (len(JSON), JSON) + b"X: y\r\n\r\n" + STALE],
    "a second answer larger than any buffer": [answer(FIRST) + STALE + b" " * 100_000],
    # Nothing is left behind these, but a proxy may find their end elsewhere.
    "chunks and a length": [HEAD % b"Content-Length: 17\r\nTransfer-Encoding: chunked" + CHUNKS],
    "chunks twice": [HEAD % b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" + CHUNKS],
    "a length and another encoding": [answer(FIRST, 200, "Transfer-Encoding: identity")],
    "a length and an encoding without a name": [answer(FIRST, 200, "Transfer-Encoding:")],
    "a length with a sign": [HEAD % b"Content-Length: +17" + JSON],
    "a length with an underscore": [HEAD % b"Content-Length: 1_7" + JSON],
}


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def certificate(scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path | None:
    """A certificate that the client trusts, for https."""
    if scheme == "http":
        return None
    path = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


@pytest.fixture
def make_client_of(
    make_client: Callable[..., ZuoraClient], scheme: str
) -> Callable[[RawServer], ZuoraClient]:
    """Make the client of a server."""

    def make(server: RawServer) -> ZuoraClient:
        return make_client({"host": f"{scheme}://127.0.0.1", "port": server.port})

    return make


def in_turn(*answers: list[Part]) -> Callable[[Received], list[Part]]:
    """Answer the requests after the one for a token in turn."""
    left = iter(answers)
    return after_token(lambda _: next(left))


def test_a_connection_is_used_again_after_a_whole_answer(certificate, make_client_of):
    with raw_server(in_turn(*[[answer(FIRST)]] * 20), certificate) as server:
        client = make_client_of(server)
        for _ in range(20):
            client.request("GET", "/v1/x")
        assert server.connections == 1


@pytest.mark.parametrize("name", UNTIDY)
def test_what_is_left_behind_an_answer_is_not_the_answer_to_the_next_request(
    name, certificate, make_client_of
):
    with raw_server(in_turn(UNTIDY[name], [answer(SECOND)]), certificate) as server:
        client = make_client_of(server)
        assert client.request("GET", "/v1/x")["name"] == "first"
        time.sleep(0.2 if "later" in name else 0)
        assert client.request("GET", "/v1/x")["name"] == "second"
        assert [one.connection for one in server.received] == [1, 1, 2]


@pytest.mark.parametrize("behind", [json.dumps({"name": "stale"}).encode(), STALE])
def test_what_is_left_behind_an_answer_without_body_is_not_read(behind, certificate, make_client_of):
    with raw_server(in_turn([answer(status=204) + behind], [answer(SECOND)]), certificate) as server:
        client = make_client_of(server)
        assert client.request("DELETE", "/v1/x") == {"requestId": None}
        assert client.request("GET", "/v1/x")["name"] == "second"
        assert [one.connection for one in server.received] == [1, 1, 2]


def test_an_answer_that_is_shorter_than_it_says_is_not_filled_up_with_the_next(certificate, make_client_of):
    body = json.dumps({"name": "first"}).encode()
    whole = answer(body, length=len(body) + 10)
    with raw_server(in_turn([whole, 0.2, STALE], [answer(SECOND)]), certificate) as server:
        client = make_client_of(server)
        assert client.request("GET", "/v1/x")["name"] == "second"
        assert [one.connection for one in server.received] == [1, 1, 2]


def test_a_connection_on_which_the_server_speaks_first_is_not_used():
    with raw_server(in_turn(), greeting=[STALE]) as server:
        connection = Connection("127.0.0.1", server.port, timeout=PATIENCE)
        connection.connect()
        assert wait_for_read(connection.sock, PATIENCE)
        with pytest.raises(NotConnectedError, match="spoke before it was asked"):
            connection.request("PUT", "/v1/x")
        connection.close()
    assert server.received == []


def test_an_idle_connection_that_the_server_closes_is_replaced(certificate, make_client_of):
    bye = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    answers = in_turn([answer(FIRST), 0.1, bye], [answer({"success": True})])
    with raw_server(answers, certificate) as server:
        client = make_client_of(server)
        client.request("GET", "/v1/x")
        time.sleep(0.2)
        assert client.request("PUT", "/v1/x", json={})["success"] is True
        assert server.lines == ["GET /v1/x", "PUT /v1/x"]


LIST = answer(
    {
        "entityConnections": [
            {
                "id": PENDING_ID,
                "sourceEntityId": SOURCE_ENTITY_ID,
                "targetEntityId": DEFAULT_ENTITY_ID,
                "status": "Pending",
            }
        ],
        "success": True,
    }
)
# What has success, but is not what Zuora answers to an accept.
OTHER_ANSWERS = {
    "a list": LIST,
    "an entity": answer({"success": True, "name": "Acme", "id": DEFAULT_ENTITY_ID}),
    "a request": answer({"success": True, "id": PENDING_ID}),
    "a token": TOKEN,
    "a token with success": answer({"success": True, "access_token": "x" * 32}),
    "two flags": answer({"success": True, "Success": True}),
    "nothing": answer(status=204),
}


@pytest.mark.parametrize("name", OTHER_ANSWERS)
def test_an_accept_is_done_only_if_the_answer_or_the_list_says_so(name, make_client):
    def script(received: Received) -> list[Part]:
        return [OTHER_ANSWERS[name] if received.line.startswith("PUT") else LIST]

    with raw_server(after_token(script)) as server:
        connections = EntityConnections(make_client({"port": server.port}))
        with pytest.raises(ZuoraOutcomeUnknownError):
            connections.accept(PENDING_ID)
        assert [line[:4] for line in server.lines] == ["GET ", "PUT "] * 3 + ["GET "]


@pytest.mark.parametrize("more", [{}, {"requestId": "r-1"}, {"processId": "8CF944C78E50988F"}])
def test_an_accept_is_done_if_zuora_says_so_as_it_documents(more, make_client):
    def script(received: Received) -> list[Part]:
        return [answer({"success": True, **more}) if received.line.startswith("PUT") else LIST]

    with raw_server(after_token(script)) as server:
        assert EntityConnections(make_client({"port": server.port})).accept(PENDING_ID).changed is True

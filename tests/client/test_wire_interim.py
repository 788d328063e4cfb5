"""An interim answer (1xx) never stands for the final one, and no answer for that of another call."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraResponseError, ZuoraRuleError, ZuoraTransportError
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.patience import PATIENCE
from tests.helpers.raw_server import TOKEN, Part, Received, after_token, answer, raw_server

EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
ROW = {
    "id": PENDING_ID,
    "sourceEntityId": SOURCE_ENTITY_ID,
    "targetEntityId": DEFAULT_ENTITY_ID,
    "status": "Pending",
}
LIST = answer({"entityConnections": [ROW], "success": True})
ACCOUNT = {"success": True, "name": "Acme"}
REFUSED = answer({"success": False, "reasons": [{"code": 50000030, "message": "No."}]})


def test_a_refused_accept_is_not_taken_for_the_list_that_came_late(make_client):
    answers = iter([[EARLY_HINTS, 0.3, LIST], [LIST]])

    def script(received: Received) -> list[Part]:
        return [REFUSED] if received.line.startswith("PUT") else next(answers, [LIST])

    with raw_server(after_token(script)) as server:
        connections = EntityConnections(make_client({"port": server.port}))
        with pytest.raises(ZuoraRuleError, match=r"\[50000030\] No\."):
            connections.accept(PENDING_ID)


def test_a_token_that_came_late_is_not_returned_as_an_account(make_client):
    def script(received: Received) -> list[Part]:
        return [EARLY_HINTS, 0.2, TOKEN] if received.line == "POST /oauth/token" else [answer(ACCOUNT)]

    with raw_server(script) as server:
        account = make_client({"port": server.port}).request("GET", "/v1/accounts/1")
    assert account == {**ACCOUNT, "requestId": None}


@pytest.mark.parametrize(
    "interim",
    [EARLY_HINTS, PROCESSING, CONTINUE, EARLY_HINTS + CONTINUE + EARLY_HINTS],
    ids=["103", "102", "100", "several"],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_interim_answers_are_read_past(interim, method, make_client):
    with raw_server(after_token(lambda _: [interim, answer(ACCOUNT)])) as server:
        client = make_client({"port": server.port})
        for _ in range(2):
            assert client.request(method, "/v1/accounts/1")["name"] == "Acme"
        assert server.lines == [f"{method} /v1/accounts/1"] * 2
        assert server.connections == 1


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_interim_answers_without_end_are_left_when_the_time_is_up(pause, make_client):
    def script(received: Received) -> Iterator[Part]:
        while True:
            yield EARLY_HINTS * 100
            yield pause

    with raw_server(after_token(script)) as server:
        client = make_client({"port": server.port}, timeout=1, retries=Retries(attempts=1))
        started = time.monotonic()
        with pytest.raises(ZuoraTransportError, match="within 1 seconds"):
            client.request("GET", "/v1/accounts/1")
        assert 0.9 < time.monotonic() - started < PATIENCE


def test_a_connection_that_was_switched_to_another_protocol_is_not_used_again(make_client):
    switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"
    answers = iter([[switched], [answer(ACCOUNT)]])
    with raw_server(after_token(lambda _: next(answers))) as server:
        client = make_client({"port": server.port})
        assert client.request("GET", "/v1/accounts/1")["name"] == "Acme"
        assert [one.connection for one in server.received] == [1, 1, 2]


@pytest.mark.parametrize("echoed", ["task-2", "task-1, task-2"])
def test_an_answer_that_names_another_call_is_not_the_answer(echoed, make_client):
    answers = iter([[answer({"name": "not Acme"}, 200, f"Zuora-Track-Id: {echoed}")], [answer(ACCOUNT)]])
    with raw_server(after_token(lambda _: next(answers))) as server:
        client = make_client({"port": server.port}, track_id="task-1")
        assert client.request("GET", "/v1/accounts/1")["name"] == "Acme"
        assert [one.connection for one in server.received] == [1, 1, 2]


@pytest.mark.parametrize("echoed", ["task-1", "task-1, task-1", ""])
def test_an_answer_that_names_the_call_is_its_answer(echoed, make_client):
    named = answer(ACCOUNT, 200, f"Zuora-Track-Id: {echoed}")
    with raw_server(after_token(lambda _: [named])) as server:
        client = make_client({"port": server.port}, track_id="task-1")
        assert client.request("GET", "/v1/accounts/1")["name"] == "Acme"


def test_a_token_is_the_answer_to_no_other_request(make_client):
    with raw_server(lambda _: [TOKEN]) as server:
        client = make_client({"port": server.port}, retries=Retries(attempts=1))
        with pytest.raises(
            ZuoraResponseError, match="returned the response to a different request"
        ) as raised:
            client.request("GET", "/v1/accounts/1")
    assert "0123456789abcdef" not in str(raised.value)

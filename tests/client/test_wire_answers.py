"""What is easily misread in an answer: waits, success without a body, refusals of OAuth, nothing done."""

from __future__ import annotations

import datetime
from email.utils import format_datetime

import pytest

from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.waits import MAX_WAIT, asked_wait
from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraRateLimitError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraValueError,
)
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.raw_server import Part, Received, after_token, answer, raw_server

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
ROW = {"id": PENDING_ID, "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
BUSY = {"success": False, "reasons": [{"code": 50000050, "message": "Locked."}]}


@pytest.mark.parametrize("name", ["Retry-After", "RateLimit-Reset"])
@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["40", "40"], 40),
        (["40", "50"], 50),
        (["50", "40"], 50),
        (["40, 40"], 40),
        (["40;w=60"], 40),
        (["40;w=60, 30;w=3600"], 40),
        (["soon", "40"], 40),
        (["90.5"], 90.5),
    ],
)
def test_a_wait_is_the_longest_that_a_header_names(name, values, seconds, make_client, waits):
    headers = [f"{name}: {value}" for value in values]
    answers = iter([[answer(b"{}", 429, *headers)], [answer({"success": True})]])
    with raw_server(after_token(lambda _: next(answers))) as server:
        make_client({"port": server.port}).request("PUT", "/v1/x", json={})
    assert len(waits) == 1
    assert seconds <= waits[0] <= max(seconds, 60)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Mon, 01 Jan 2024 00:02:00 GMT", 120),
        ("Monday, 01-Jan-24 00:02:00 GMT", 120),
        ("Mon Jan  1 00:02:00 2024", 120),
        ("Mon, 01 Jan 2024 00:02:00 GMT, Mon, 01 Jan 2024 00:03:00 GMT", 180),
        ("Mon, 01 Jan 2024 00:02:00 GMT, 300", 300),
        ("300, Mon, 01 Jan 2024 00:02:00 GMT", 300),
        ("Mon, 01 Jan 2099 00:02:00 GMT", MAX_WAIT),
        ("9" * 300, MAX_WAIT),
        ("9" * 5000, MAX_WAIT),
    ],
)
def test_dates_and_numbers_are_read_in_every_form_and_are_at_most_a_day(text, seconds):
    assert asked_wait({"Retry-After": text, "Date": DATE}, rate_limited=False) == seconds


@pytest.mark.parametrize("date", [{}, {"Date": "yesterday"}])
def test_a_date_is_compared_with_the_own_clock_where_the_answer_has_none(date):
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    headers = {"Retry-After": format_datetime(until, usegmt=True), **date}
    wait = asked_wait(headers, rate_limited=False)
    assert wait is not None
    assert 60 < wait <= 90


@pytest.mark.parametrize("remaining", ["0, 0", "0;w=60", "0, 12"])
def test_a_limit_that_is_used_up_is_seen_in_a_list(remaining):
    headers = {"RateLimit-Remaining": remaining, "RateLimit-Reset": "40"}
    assert asked_wait(headers, rate_limited=True) == 40
    assert asked_wait({"X-RateLimit-Remaining-minute": remaining}, rate_limited=True) == 60


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST"])
def test_success_without_a_body_is_success(method, make_client):
    with raw_server(after_token(lambda _: [answer(b"", 204, "Zuora-Request-Id: r-1")])) as server:
        client = make_client({"port": server.port})
        assert client.request(method, "/v1/x") == {"requestId": "r-1"}
        assert client.request(method, "/v1/x") == {"requestId": "r-1"}
        assert server.lines == [f"{method} /v1/x"] * 2
        assert server.connections == 1


def test_a_list_without_a_body_is_not_an_empty_list(make_client):
    with raw_server(after_token(lambda _: [answer(status=204)])) as server:
        client = make_client({"port": server.port})
        with pytest.raises(ZuoraResponseError, match="entities"):
            client.list_entities()


@pytest.mark.parametrize("flag", ["true", 1, None, {"value": True}])
def test_a_change_whose_success_is_no_boolean_is_looked_up(flag, make_client):
    statuses = iter(["Pending", "Connected"])

    def script(received: Received) -> list[Part]:
        if received.line.startswith("PUT"):
            return [answer({"success": flag})]
        return [answer({"success": True, "entityConnections": [{**ROW, "status": next(statuses)}]})]

    with raw_server(after_token(script)) as server:
        assert EntityConnections(make_client({"port": server.port})).accept(PENDING_ID).changed is True
        assert [line[:4] for line in server.lines] == ["GET ", "PUT ", "GET "]


@pytest.mark.parametrize("method", ["HEAD", "head"])
def test_head_is_refused_before_anything_is_sent(method, make_client, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="HEAD"):
        make_client().request(method, "/v1/x")
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ({"error": "invalid_client", "error_description": "Client secret expired"}, "Client secret expired"),
        ({"error": "invalid_client"}, "invalid_client"),
        ({"error": "unauthorized_client", "error_description": "Disabled"}, "unauthorized_client: Disabled"),
    ],
)
def test_a_refusal_of_oauth_is_given_in_the_servers_words_and_is_final(
    refusal, words, status, make_client, waits
):
    with raw_server(lambda _: [answer(refusal, status)]) as server:
        with pytest.raises(ZuoraAuthError, match=words) as raised:
            make_client({"port": server.port}).list_entities()
        assert len(server.received) == 1
    assert (raised.value.code, raised.value.http_status) == (refusal["error"], status)
    assert waits == []


@pytest.mark.parametrize("status", [200, 400, 503])
def test_an_oauth_server_that_is_out_of_order_is_asked_again(status, make_client, waits):
    with raw_server(lambda _: [answer({"error": "temporarily_unavailable"}, status)]) as server:
        client = make_client({"port": server.port})
        with pytest.raises(ZuoraServerError):
            client.list_entities()
        assert len(server.received) == client.retries.attempts


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (answer(BUSY, 409), ZuoraBusyError),
        (answer(BUSY), ZuoraBusyError),
        (answer(b"", 429), ZuoraRateLimitError),
    ],
    ids=["lock", "lock with HTTP 200", "rate limit"],
)
def test_an_error_of_a_busy_zuora_says_that_nothing_was_done(refused, kind, make_client, waits):
    with raw_server(after_token(lambda _: [refused])) as server:
        client = make_client({"port": server.port})
        with pytest.raises(kind, match="Zuora did nothing with this request"):
            client.request("PUT", "/v1/x", json={})

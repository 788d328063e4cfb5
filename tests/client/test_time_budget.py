"""One call, with all its requests, waits and reads of the state, starts nothing new after its time budget."""

from __future__ import annotations

import itertools

import pytest

from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import (
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraRateLimitError,
    ZuoraServerError,
)
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, PENDING_ID
from tests.helpers.bad_servers import TOKEN_ANSWER, http, recording_server
from tests.helpers.zuora import LIST, after_each_page, order, status_of

ACCEPT = f"{LIST}/{PENDING_ID}/accept"
BUDGET = Retries().max_elapsed


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wait_that_does_not_fit_is_left_to_airflow_with_the_seconds_it_takes(
    method, hook, zuora_simulator, waits
):
    zuora_simulator.fault("throttle", parameters={"reset": 601}, method=method)
    with pytest.raises(ZuoraRateLimitError, match="601 seconds") as raised:
        hook.request(method, ACCEPT if method == "PUT" else LIST)
    assert raised.value.retry_after == 601
    assert (order(zuora_simulator), waits) == ([method], [])


def test_a_wait_that_fits_is_waited_for(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", parameters={"reset": 599})
    assert hook.list_entity_connections()
    assert waits == [599]


def test_an_accept_that_is_throttled_again_and_again_ends_within_the_budget(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", parameters={"retry_after": 250}, method="PUT", times=None)
    with pytest.raises(ZuoraRateLimitError, match="250 seconds") as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert raised.value.retry_after == 250
    assert (order(zuora_simulator), waits) == (["GET", "PUT", "PUT", "PUT"], [250, 250])


def test_an_accept_whose_answers_are_lost_ends_within_the_budget(hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", times=None, status=503, headers={"Retry-After": "350"})
    with pytest.raises(ZuoraOutcomeUnknownError) as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert raised.value.retry_after == 350
    assert (order(zuora_simulator), waits) == (["GET", "PUT", "GET", "PUT"], [350])


def test_the_log_says_how_much_time_is_left_where_a_wait_does_not_fit(hook, zuora_simulator, waits, caplog):
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, times=None)
    with pytest.raises(ZuoraRateLimitError):
        hook.list_entities()
    assert (
        "the next attempt is due in 350 seconds, and 250 are left of the 600 for the whole call"
        in caplog.text
    )


def test_an_initiate_whose_answers_are_lost_ends_within_the_budget(hook, zuora_simulator, waits):
    zuora_simulator.fault(method="POST", path=LIST, times=None, status=503, headers={"Retry-After": "350"})
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.initiate_entity_connection(AUSTRALIA_ENTITY_ID)
    assert (order(zuora_simulator), waits) == (["GET", "POST", "GET", "POST"], [350])


def test_the_reads_before_a_change_count_too(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, method="GET")
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, method="PUT", times=None)
    with pytest.raises(ZuoraRateLimitError):
        hook.accept_entity_connection(PENDING_ID)
    assert (order(zuora_simulator), waits) == (["GET", "GET", "PUT"], [350])


def test_the_reads_after_a_lost_answer_count_too(hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", status=503, headers={"Retry-After": "350"})
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, method="GET", skip=1, times=None)
    with pytest.raises(ZuoraOutcomeUnknownError, match="could not be read") as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert raised.value.retry_after == 350
    assert (order(zuora_simulator), waits) == (["GET", "PUT", "GET"], [350])


def test_waiting_for_a_token_counts_too(hook, zuora_simulator, waits):
    zuora_simulator.fault("token_throttle", times=4)  # each asks for a minute
    zuora_simulator.fault("throttle", parameters={"retry_after": 400})
    with pytest.raises(ZuoraRateLimitError):
        hook.list_entities()
    assert (order(zuora_simulator), waits) == (["GET"], [60, 60, 60, 60])


def test_a_change_is_not_sent_when_reading_the_state_took_all_the_time(hook, zuora_simulator, clock):
    after_each_page(zuora_simulator, lambda _: setattr(clock, "now", clock.now + BUDGET))
    with pytest.raises(ZuoraNotSentError, match=f"PUT .*{BUDGET:.0f} seconds"):
        hook.accept_entity_connection(PENDING_ID)
    assert (order(zuora_simulator), status_of(zuora_simulator)) == (["GET"], "Pending")


def test_a_change_is_not_sent_when_getting_the_token_took_all_the_time(make_client, clock):
    def slow_token(line: str) -> list[bytes]:
        clock.now += BUDGET
        return [http(TOKEN_ANSWER)]

    with recording_server(slow_token) as server:
        with pytest.raises(ZuoraNotSentError, match=f"{BUDGET:.0f} seconds"):
            make_client({"port": server.port}).request("PUT", ACCEPT, json={})
        assert server.lines == []


def test_a_list_of_many_slow_pages_ends_within_the_budget(make_client, clock):
    numbers = itertools.count()

    def slow_page(line: str) -> list[bytes]:
        if " /oauth/token " in line:
            return [http(TOKEN_ANSWER)]
        clock.now += 100
        number = next(numbers)
        row = {"sourceEntityId": "a" * 32, "targetEntityId": "b" * 32, "status": "Pending"}
        page = {"entityConnections": [{"id": f"8a{number}", **row}], "nextPage": f"?page={number + 2}"}
        return [http(page)]

    with recording_server(slow_page) as server:
        connections = EntityConnections(make_client({"port": server.port}))
        with pytest.raises(ZuoraNotSentError, match=f"{BUDGET:.0f} seconds"):
            connections.read_all()
        assert len(server.lines) == BUDGET / 100


def test_each_call_has_a_budget_of_its_own(hook, zuora_simulator, waits):
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, times=1)
    hook.list_entities()
    zuora_simulator.fault("throttle", parameters={"retry_after": 350}, times=1)
    hook.list_entities()
    assert waits == [350, 350]


def test_the_limits_are_arguments_of_the_client(make_client, zuora_simulator, waits):
    client = make_client(retries=Retries(attempts=2, max_elapsed=30))
    zuora_simulator.fault(status=503, times=2)
    with pytest.raises(ZuoraServerError):
        client.list_entities()
    zuora_simulator.fault("throttle", parameters={"retry_after": 31})
    with pytest.raises(ZuoraRateLimitError):
        client.list_entities()
    assert (len(zuora_simulator.requests("GET")), len(waits)) == (3, 1)

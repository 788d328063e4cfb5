"""What people do in Zuora and in Airflow between the question, the answer and the change."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.acme import new_request, status
from tests.airflow.runs import trigger
from tests.airflow.test_cleared_tasks import change_source
from tests.helpers.secret_search import add_client, awkward_secret

pytestmark = pytest.mark.side_by_side


def accept(zuora: ZuoraSimulator, request: str) -> None:
    zuora.store.connections.accept(request, DEFAULT_ENTITY_ID)


def deny(zuora: ZuoraSimulator, request: str) -> None:
    zuora.store.connections.deny(request, DEFAULT_ENTITY_ID)


def disconnect(zuora: ZuoraSimulator, request: str) -> None:
    accept(zuora, request)
    zuora.store.connections.disconnect(request, DEFAULT_ENTITY_ID)


decided_by_others = pytest.mark.parametrize(
    ("decide", "state", "end"),
    [
        (accept, "success", "Connected"),
        (deny, "failed", "Disconnected"),
        (disconnect, "failed", "Disconnected"),
    ],
)


@decided_by_others
def test_a_request_that_others_decide_before_the_answer_is_left_as_it_is(
    airflow: LocalAirflow,
    zuora: ZuoraSimulator,
    decide: Callable[[ZuoraSimulator, str], None],
    state: str,
    end: str,
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "unmapped", connection_ids=[request])
    run.question()
    decide(zuora, request)
    run.answer("Approve")
    run.wait()
    assert run.states() == [state]
    assert status(zuora, request) == end
    assert zuora.requests("PUT", f"*/{request}/*") == []


@decided_by_others
def test_a_request_that_others_decide_after_the_answer_is_left_as_it_is(
    airflow: LocalAirflow,
    zuora: ZuoraSimulator,
    decide: Callable[[ZuoraSimulator, str], None],
    state: str,
    end: str,
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "held", connection_ids=[request])
    run.answer("Approve")
    run.question(task="hold")
    decide(zuora, request)
    run.answer("Approve", task="hold")
    run.wait()
    assert run.states() == [state]
    assert status(zuora, request) == end
    assert zuora.requests("PUT", f"*/{request}/*") == []


def test_an_approval_does_not_hold_for_another_source(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "held", connection_ids=[request])
    run.answer("Approve")
    run.question(task="hold")
    change_source(zuora, request)
    run.answer("Approve", task="hold")
    run.wait()
    assert run.states() == ["failed"]
    assert "ApprovalError" in run.log()
    assert status(zuora, request) == "Pending"


def test_an_approval_does_not_outlive_the_client_secret(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    add_client(zuora, name="renewed")
    airflow.add_connection("zuora_renewed", zuora.connection_json(client="renewed"))
    run = trigger(airflow, "held", connection_ids=[request], zuora_conn_id="zuora_renewed")
    run.answer("Approve")
    run.question(task="hold")
    zuora.store.access.named("renewed").secret = secret = awkward_secret()
    renewed = {"connection_id": "zuora_renewed", "conn_type": "zuora", "password": secret}
    path = "/api/v2/connections/zuora_renewed"
    airflow.call("PATCH", path, json=renewed, params={"update_mask": "password"})
    run.answer("Approve", task="hold")
    run.wait()
    assert run.states() == ["failed"]
    assert "Client Secret was renewed" in run.log()
    assert status(zuora, request) == "Pending"

    run.clear("review", "hold", "accept")
    run.answer("Approve", task="review")
    run.answer("Approve", task="hold")
    run.wait()
    assert status(zuora, request) == "Connected"


def test_silence_is_no_consent(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "impatient", connection_ids=[request, request])
    run.wait()
    assert run.states() == ["skipped", "skipped"]
    assert status(zuora, request) == "Pending"


def test_a_notifier_that_raises_fails_the_review_and_nothing_is_accepted(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "broken_notifier", connection_ids=[request])
    assert run.wait() == "failed"
    assert (run.states("review"), run.states()) == (["failed"], ["upstream_failed"])
    assert status(zuora, request) == "Pending"


@pytest.mark.parametrize(("option", "end"), [("Approve", "Disconnected"), ("Reject", "Connected")])
def test_a_connection_is_disconnected_only_if_a_person_approved_that(
    airflow: LocalAirflow, zuora: ZuoraSimulator, option: str, end: str
) -> None:
    connection = new_request(zuora)
    accept(zuora, connection)
    run = trigger(airflow, "disconnect", connection_ids=[connection])
    run.answer(option)
    run.wait()
    assert status(zuora, connection) == end

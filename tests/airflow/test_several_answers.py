"""Several reviews, mapped reviews, and answers that are missing."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.acme import new_request, status, statuses
from tests.airflow.runs import trigger

pytestmark = pytest.mark.side_by_side


def test_two_people_approve(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews", connection_ids=[request])
    run.answer("Approve", task="legal", user="ann", reason="as agreed")
    run.answer("Approve", task="finance", user="bob")
    run.wait()
    assert status(zuora, request) == "Connected"
    result = run.result()
    assert sorted(result["approved_by"].split(", ")) == ["ann", "bob"]
    assert result["reason"] == "as agreed"


def test_one_person_does_not_count_as_two(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews", connection_ids=[request])
    run.answer("Approve", task="legal", user="ann")
    run.answer("Approve", task="finance", user="ann")
    run.wait()
    assert run.states() == ["failed"]
    assert status(zuora, request) == "Pending"


@pytest.mark.parametrize("missing", ["legal", "finance"])
def test_one_answer_of_two_is_not_enough(airflow: LocalAirflow, zuora: ZuoraSimulator, missing: str) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews", connection_ids=[request])
    run.mark(run.question(task=missing)["task_instance"], "success")
    run.answer("Approve")
    run.wait()
    assert run.states() == ["failed"]
    assert status(zuora, request) == "Pending"


def test_a_failed_review_stops_all_accepts_of_a_mapped_task(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "mapped", connection_ids=[request, "f" * 32])
    run.wait_for("accept", "upstream_failed")
    run.answer("Approve", about=request)
    run.wait()
    assert status(zuora, request) == "Pending"


def test_a_failed_review_stops_only_its_accept_where_the_trigger_rule_says_so(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "all_done", connection_ids=["f" * 32, request])
    run.answer("Approve", about=request)
    run.wait()
    assert run.states() == ["failed", "success"]
    assert status(zuora, request) == "Connected"


def test_a_request_that_is_decided_already_does_not_stop_the_others(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    decided, request = ids = [new_request(zuora), new_request(zuora)]
    zuora.store.connections.accept(decided, DEFAULT_ENTITY_ID)
    run = trigger(airflow, "mapped", connection_ids=ids)
    run.answer("Approve")
    run.wait()
    assert run.result("review", 0)["connections"][0]["not_asked"]
    assert [run.result(map_index=index)["changed"] for index in (0, 1)] == [False, True]
    assert statuses(zuora, *ids) == ["Connected", "Connected"]


def test_a_question_that_nobody_answers_in_time_does_not_stop_the_others(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    approved, unanswered = ids = [new_request(zuora), new_request(zuora)]
    run = trigger(airflow, "impatient", connection_ids=ids)
    run.answer("Approve", about=approved)
    run.wait()
    assert run.states() == ["success", "skipped"]
    assert statuses(zuora, approved, unanswered) == ["Connected", "Pending"]
    assert run.result("review", 1)["timed_out"] is True


@pytest.mark.parametrize(
    ("second", "outcome"), [("Approve", ["Connected", "success"]), ("Reject", ["Pending", "skipped"])]
)
def test_a_request_that_is_asked_about_twice_needs_two_approvals(
    airflow: LocalAirflow, zuora: ZuoraSimulator, second: str, outcome: list[str]
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "asked_twice", connection_ids=[request])
    run.answer("Approve")
    run.answer(second)
    run.wait()
    assert [status(zuora, request), *run.states()] == outcome

"""Reviews and accepts that are cleared, alone or together, after Zuora's list has changed."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.acme import new_entity, new_request, status, statuses
from tests.airflow.runs import trigger

pytestmark = pytest.mark.side_by_side


def test_a_rejected_request_is_not_accepted_when_it_moves_to_the_place_of_an_approved_one(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    target = new_entity(zuora)
    ids = approved, left, left_too = [new_request(zuora, target) for _ in range(3)]
    run = trigger(airflow, "listed", entity_id=target)
    for id_ in (left, left_too):
        run.answer("Reject", about=id_)
    run.answer("Approve", about=approved)
    run.wait()
    assert statuses(zuora, *ids) == ["Connected", "Pending", "Pending"]

    run.clear("list", "accept")  # the list has one request less now
    run.wait()
    assert len(run.result("list")) == 2
    assert statuses(zuora, *ids) == ["Connected", "Pending", "Pending"]


def test_a_question_that_airflow_kept_from_another_request_cannot_be_answered(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    target = new_entity(zuora)
    first, second = ids = [new_request(zuora, target) for _ in range(2)]
    run = trigger(airflow, "listed", entity_id=target)
    for id_ in ids:
        run.answer("Reject", about=id_)
    run.wait()

    zuora.store.connections.deny(first, target)
    run.clear("list", "review", "accept")
    assert run.wait() == "failed"
    assert "failed" in run.states("review"), "nobody had to answer it"
    assert "Trigger a new run" in run.log("review")
    assert "success" not in run.states()
    assert status(zuora, second) == "Pending"


def test_a_review_that_is_cleared_asks_again_and_its_old_answer_is_gone(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "unmapped", connection_ids=[request])
    run.answer("Reject")
    run.wait()
    run.clear("review", "accept")
    run.answer("Approve", user="bob")
    run.wait()
    assert run.result()["approved_by"] == "bob"
    assert status(zuora, request) == "Connected"


def test_a_review_that_is_cleared_after_its_request_has_changed_fails_before_anybody_answers(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "unmapped", connection_ids=[request])
    run.answer("Reject")
    run.wait()
    change_source(zuora, request)
    run.clear("review", "accept")
    run.wait()
    assert (run.states("review"), run.states()) == (["failed"], ["upstream_failed"])
    assert "Trigger a new run" in run.log("review")
    assert status(zuora, request) == "Pending"


def change_source(zuora: ZuoraSimulator, request: str) -> None:
    """Replace a request with one from another entity that has the same id."""
    connections = zuora.store.connections
    row = connections.get(request)
    connections.remove(request)
    connections.add(*(new_entity(zuora), row.target_entity_id), id_=request)

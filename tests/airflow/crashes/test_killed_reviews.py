"""A review whose process is killed asks once, and its answer counts."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.acme import new_request, status
from tests.airflow.runs import trigger


@pytest.mark.parametrize("dag_id", ["killed_before_the_question", "killed_after_the_question"])
def test_the_next_try_of_a_killed_review_asks_and_its_answer_counts(
    airflow: LocalAirflow, zuora: ZuoraSimulator, dag_id: str
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, dag_id, id=request)
    run.wait_for("review", "awaiting_input", "deferred")
    run.answer("Approve")
    run.wait()
    assert run.instance("review")["try_number"] == 2
    assert run.result("review")["try_number"] == 2
    assert run.result()["approved_by"] == "ann"
    assert status(zuora, request) == "Connected"

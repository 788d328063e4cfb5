"""A task behind the accept that hears of a rejection, as the documentation shows it."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.acme import new_request, status
from tests.airflow.runs import trigger


@pytest.mark.side_by_side
def test_a_task_after_the_accept_hears_of_a_rejection(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora, source_name="Acme Portugal")
    run = trigger(airflow, "rejections", connection_id=request)
    run.answer("Reject", user="ann", reason="the wrong one")
    assert run.wait() == "success"
    assert (run.states(), run.states("tell")) == (["skipped"], ["success"])
    told = "Acme Portugal to Acme Germany: Reject by ann, reason: the wrong one"
    assert run.result("tell") == told
    assert status(zuora, request) == "Pending"

"""Accepts that are ended while Zuora has not answered yet, though it has made the change."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.acme import new_request, status
from tests.airflow.runs import PATIENCE, Run, trigger

pytestmark = pytest.mark.side_by_side


def accept_without_answer(airflow: LocalAirflow, zuora: ZuoraSimulator, dag_id: str, request: str) -> Run:
    """Start an accept, and wait until Zuora has made the change and holds its answer back."""
    path = f"/v1/entity-connections/{request}/accept"
    zuora.fault(method="PUT", path=path, delay=PATIENCE, after_effect=True)
    run = trigger(airflow, dag_id, connection_ids=[request])
    airflow.wait_for("the change", lambda: status(zuora, request) == "Connected")
    return run


def assert_the_log_says_what_was_sent(run: Run, zuora: ZuoraSimulator, request: str) -> None:
    (sent,) = zuora.requests("PUT", f"/v1/entity-connections/{request}/accept")
    assert sent.track_id is not None
    lines = [line for line in run.log().splitlines() if "Sending accept" in line]
    assert len(lines) == 1
    assert request in lines[0]
    assert sent.track_id in lines[0]


def test_an_accept_that_is_ended_by_its_execution_timeout_has_said_what_it_sent(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = accept_without_answer(airflow, zuora, "unreviewed_and_hurried", request)
    assert run.wait() == "failed"
    assert_the_log_says_what_was_sent(run, zuora, request)


def test_an_accept_that_is_marked_as_failed_has_said_what_it_sent(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = accept_without_answer(airflow, zuora, "unreviewed", request)
    run.mark(run.instance("accept"), "failed")
    assert run.wait() == "failed"
    assert_the_log_says_what_was_sent(run, zuora, request)


def test_an_accept_that_is_cleared_while_it_runs_says_that_an_earlier_try_may_have_made_the_change(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = accept_without_answer(airflow, zuora, "unreviewed", request)
    run.clear("accept")
    assert run.wait() == "success"
    assert_the_log_says_what_was_sent(run, zuora, request)
    assert "An earlier try" in run.log()
    assert run.result()["changed"] is False

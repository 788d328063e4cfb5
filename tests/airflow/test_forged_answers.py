"""Answers that no person gave: users of Airflow may write XComs, and mark tasks as successes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_2_PLUS

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.testing import ZuoraReviews
from tests.airflow.acme import new_request, status, statuses
from tests.airflow.runs import Run, trigger

pytestmark = pytest.mark.side_by_side

PLAIN = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": "2026-11-25T09:00:00+00:00",
    "responded_by_user": {"id": "ann", "name": "ann"},
}
LONG_AGO = datetime.now(UTC) - timedelta(days=8)
Forgery = Callable[[ZuoraSimulator, Run, str], Any]
FORGERIES: dict[str, Forgery] = {
    "that Airflow's ApprovalOperator gives": lambda zuora, run, id_: PLAIN,
    "with a made-up seal": lambda zuora, run, id_: {**sealed(zuora, run, id_), "seal": "0" * 64},
    "with one field changed": lambda zuora, run, id_: {
        **sealed(zuora, run, id_, option="Reject"),
        "option": "Approve",
    },
    "of another run": lambda zuora, run, id_: sealed(zuora, run, id_, run_id="manual__yesterday"),
    "of another DAG": lambda zuora, run, id_: sealed(zuora, run, id_, dag_id="held"),
    "of another task": lambda zuora, run, id_: sealed(zuora, run, id_, task_id="legal"),
    "about another change": lambda zuora, run, id_: sealed(zuora, run, id_, change="disconnect"),
    "of another OAuth client": lambda zuora, run, id_: sealed(
        zuora, run, id_, zuora_conn_id="zuora_other_client"
    ),
    "at another host": lambda zuora, run, id_: sealed(zuora, run, id_, zuora_conn_id="zuora_other_host"),
    "given eight days ago": lambda zuora, run, id_: sealed(zuora, run, id_, answered_at=LONG_AGO),
}


def sealed(zuora: ZuoraSimulator, run: Run, connection_id: str, **fields: Any) -> dict[str, Any]:
    """Seal an approval of a request, as the review of a run would."""
    ours = {"dag_id": run.dag_id, "run_id": run.run_id, "zuora_conn_id": "zuora_tests"}
    return ZuoraReviews(zuora).answer(connection_id, **{**ours, **fields})


@pytest.mark.parametrize("forgery", FORGERIES)
def test_an_answer_is_refused(airflow: LocalAirflow, zuora: ZuoraSimulator, forgery: str) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "unmapped", connection_ids=[request])
    review = run.question()["task_instance"]
    run.write_result(review, FORGERIES[forgery](zuora, run, request))
    run.mark(review, "success")
    run.wait()
    assert run.states() == ["failed"]
    assert "ApprovalError" in run.log()
    assert status(zuora, request) == "Pending"


def test_a_sealed_answer_would_be_accepted(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "unmapped", connection_ids=[request])
    review = run.question()["task_instance"]
    run.write_result(review, sealed(zuora, run, request))
    run.mark(review, "success")
    run.wait()
    assert status(zuora, request) == ("Connected" if AIRFLOW_V_3_2_PLUS else "Pending")


def test_a_user_who_may_not_answer_cannot_answer_in_the_name_of_one_who_may(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    approved, request = new_request(zuora), new_request(zuora)
    genuine = trigger(airflow, "assigned_to_ann", connection_ids=[approved])
    run = trigger(airflow, "assigned_to_ann", connection_ids=[request])
    genuine.answer("Approve", user="ann")
    genuine.wait()
    with pytest.raises(requests.HTTPError, match="403"):
        run.answer("Approve", user="eve")
    review = run.question()["task_instance"]
    run.write_result(review, genuine.result("review"), user="eve")
    run.mark(review, "success", user="eve")
    run.wait()
    assert run.states() == ["failed"]
    assert (status(zuora, approved), status(zuora, request)) == ("Connected", "Pending")


def test_an_approval_does_not_stand_for_another_request_of_the_run(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    approved, copied = ids = [new_request(zuora), new_request(zuora)]
    run = trigger(airflow, "all_done", connection_ids=ids)
    unanswered = run.question(about=copied)["task_instance"]
    run.answer("Approve", about=approved)
    run.wait_for("review", "success", map_index=0)
    run.write_result(unanswered, run.result("review", map_index=0))
    run.mark(unanswered, "success")
    run.wait()
    # What the REST API of Airflow 3.1 writes is text, which is no answer, and stops both.
    assert statuses(zuora, *ids) == ["Connected" if AIRFLOW_V_3_2_PLUS else "Pending", "Pending"]


def test_a_row_without_an_approval_cannot_hide_that_it_is_one(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "rows", connection_ids=[request])
    run.answer("Reject")
    run.wait()
    assert run.states() == ["skipped"]
    row = {"connection_id": request, "zuora_conn_id": "zuora_tests", "dag": None}
    run.write_result(run.instance("to_rows"), [row])
    run.clear("accept")
    run.wait()
    assert run.states() == ["failed"]
    assert status(zuora, request) == "Pending"


def test_the_answer_to_one_review_does_not_stand_for_another_review(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews", connection_ids=[request])
    legal = run.question(task="legal")["task_instance"]
    run.answer("Approve", task="finance", user="bob")
    run.wait_for("finance", "success")
    run.write_result(legal, run.result("finance"))
    run.mark(legal, "success")
    run.wait()
    assert run.states() == ["failed"]
    assert status(zuora, request) == "Pending"


def test_the_known_limit_an_approval_that_was_cleared_can_be_brought_back_by_marking_the_review(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews_and_a_pause", connection_ids=[request])
    run.answer("Approve", task="legal", user="ann")
    run.wait_for("legal", "success")
    airflow.pause(run.dag_id)
    run.clear("legal")
    run.mark(run.instance("legal"), "success")  # before it starts
    airflow.pause(run.dag_id, False)
    run.answer("Approve", task="finance", user="bob")
    run.wait()
    assert status(zuora, request) == "Connected"


def test_the_known_limit_an_approval_that_was_replaced_can_be_brought_back_by_writing_the_xcom(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = trigger(airflow, "two_reviews", connection_ids=[request])
    run.answer("Approve", task="legal", user="ann")
    run.wait_for("legal", "success")
    withdrawn = run.result("legal")
    run.clear("legal")
    run.answer("Reject", task="legal", user="ann")
    run.wait_for("legal", "success")
    run.write_result(run.instance("legal"), withdrawn)
    run.answer("Approve", task="finance", user="bob")
    run.wait()
    # Airflow 3.1 stores what is written by its REST API as a text, which is no answer.
    assert status(zuora, request) == ("Connected" if AIRFLOW_V_3_2_PLUS else "Pending")

"""Names from Zuora stay plain text in Airflow: no Jinja, no Markdown, no HTML."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import UK_ENTITY_ID
from tests.airflow.acme import new_entity, new_request
from tests.airflow.runs import PATIENCE, trigger
from tests.helpers.hostile_names import IN_SUBJECT, IN_TEXT, NAMES

pytestmark = pytest.mark.side_by_side

each_name = pytest.mark.parametrize("name", NAMES[:2], ids=["jinja", "markup"])


def assert_is_plain(question: dict[str, Any], name: str, target: str) -> None:
    assert question["subject"] == f"Connect {IN_SUBJECT[name]} to {target}?"
    assert IN_TEXT[name] in question["body"]


@each_name
def test_a_question_shows_a_name_as_it_was_typed(
    airflow: LocalAirflow, zuora: ZuoraSimulator, name: str
) -> None:
    request = new_request(zuora, source_name=name)
    run = trigger(airflow, "accept_entity_connection", connection_id=request, zuora_conn_id="zuora_tests")
    assert_is_plain(run.question(), name, "Acme Germany")
    run.answer("Approve")
    assert run.wait() == "success"
    assert run.result()["source_name"] == IN_TEXT[name]


def test_mapped_questions_show_names_as_they_were_typed(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    target = new_entity(zuora, "Acme Nice")
    requests = {name: new_request(zuora, target, name) for name in NAMES[:2]}
    run = trigger(airflow, "listed", entity_id=target)
    for name, request in requests.items():
        assert_is_plain(run.question(about=request), name, "Acme Nice")
        run.answer("Reject", about=request)
    assert run.wait() == "success"


@each_name
def test_a_run_that_started_by_itself_shows_a_name_as_it_was_typed(
    airflow: LocalAirflow, zuora: ZuoraSimulator, name: str
) -> None:
    request = new_request(zuora, UK_ENTITY_ID, name)

    def question() -> dict[str, Any] | None:
        found = airflow.pending_approvals("on_connection_request")
        return next((one for one in found if request in one["body"]), None)

    asked = airflow.wait_for("a run that started by itself", question, timeout=PATIENCE)
    assert_is_plain(asked, name, "Acme UK")

"""What people typed in Zuora stays plain text in Airflow: no Jinja, no Markdown, no HTML."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_2_PLUS

from tests.airflow.plays import ACCEPT, EXPANDED, HOSTILE, REVIEW
from tests.airflow.scenarios import Scenario, Stage
from tests.hostile_names import IN_SUBJECT, IN_TEXT

ON_REQUEST = "on_connection_request"
TARGETS = {ACCEPT: "Acme UK", REVIEW: "Acme UK", ON_REQUEST: "Acme UK", EXPANDED: "Acme EMEA"}
Played = Mapping[tuple[str, str], Scenario]


def questions(stage: Stage, dag_id: str) -> dict[str, dict[str, Any]]:
    """Give what humans were asked by all runs of a DAG, by subject."""
    path = f"/api/v2/dags/{dag_id}/dagRuns/~/hitlDetails"
    found = stage.airflow.call("GET", path, params={"limit": 100})["hitl_details"]
    return {one["subject"]: one for one in found}


@pytest.mark.parametrize(
    ("dag_id", "name"),
    [(ACCEPT, HOSTILE[0]), *itertools.product((REVIEW, ON_REQUEST, EXPANDED), HOSTILE)],
    ids=lambda value: value[:30],
)
def test_a_question_shows_a_name_as_it_was_typed(
    stage: Stage, played: Played, dag_id: str, name: str
) -> None:
    asked = questions(stage, dag_id)[f"Connect {IN_SUBJECT[name]} to {TARGETS[dag_id]}?"]
    if dag_id != EXPANDED:  # its questions are subjects only
        assert IN_TEXT[name] in asked["body"]
    ti = asked["task_instance"]
    if dag_id != ACCEPT and (
        asked["response_received"] or AIRFLOW_V_3_2_PLUS
    ):  # 3.1 names only what has ended
        assert ti["rendered_map_index"] == asked["subject"]


@pytest.mark.parametrize(
    "play", [(ACCEPT, "hostile"), (REVIEW, ""), (EXPANDED, "")], ids=lambda play: play[0]
)
def test_a_name_fails_no_task(stage: Stage, played: Played, play: tuple[str, str]) -> None:
    scenario = played[play]
    found = stage.airflow.task_instances(scenario.dag_id, scenario.run_id)
    assert {ti["state"] for ti in found} <= {"success", "skipped"}

"""The other example DAGs in a real Airflow: review, connect from both sides, start on a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_zuora.simulator.seed import APAC_ENTITY_ID, AUSTRALIA_ENTITY_ID, UK_ENTITY_ID
from tests.airflow.plays import CONNECT, REVIEW
from tests.airflow.scenarios import Scenario, Stage

ON_REQUEST = "on_connection_request"
Played = Mapping[tuple[str, str], Scenario]


def test_a_review_accepts_denies_and_leaves_as_the_human_chose(stage: Stage, played: Played) -> None:
    scenario = played[REVIEW, ""]
    accepted, denied, left = scenario.connection_ids
    assert stage.statuses(scenario) == ["Connected", "Disconnected", "Pending"]
    summary = stage.result(scenario, "summary")
    assert (summary["accepted"], summary["denied"]) == ([accepted], [denied])
    assert left in summary["left_pending"]


def test_a_review_names_each_question_by_who_asks(stage: Stage, played: Played) -> None:
    scenario = played[REVIEW, ""]
    decisions = [
        ti for ti in stage.airflow.task_instances(REVIEW, scenario.run_id) if ti["task_id"] == "review.decide"
    ]
    assert "Connect Acme France to Acme UK?" in {ti["rendered_map_index"] for ti in decisions}


def test_both_sides_are_connected_and_the_source_hears_of_it(stage: Stage, played: Played) -> None:
    scenario = played[CONNECT, ""]
    result = stage.result(scenario, "ask")
    assert (result["source_entity_id"], result["target_entity_id"]) == (AUSTRALIA_ENTITY_ID, UK_ENTITY_ID)
    (post,) = stage.zuora.requests("POST", "/v1/entity-connections")
    assert post.headers["idempotency-key"]
    assert stage.zuora.store.connections.get(result["connection_id"]).status == "Connected"
    assert stage.states(scenario, "report") == ["success"]
    assert stage.states(scenario, "deny") == ["skipped"]
    assert "Pausing task as DEFERRED" in stage.logs(scenario, "decided")


def test_a_request_starts_a_run_by_itself_that_asks_and_accepts(stage: Stage, played: Played) -> None:
    connection_id = stage.zuora.send_request(APAC_ENTITY_ID, UK_ENTITY_ID)

    def question() -> dict[str, Any] | None:
        waiting = stage.airflow.pending_approvals(ON_REQUEST)
        return next((one for one in waiting if one["subject"].startswith("Connect Acme APAC")), None)

    approval = stage.airflow.wait_for("a run that started by itself", question)
    assert UK_ENTITY_ID in approval["body"]
    stage.airflow.answer(approval, "Approve")
    status = stage.zuora.store.connections.get
    stage.airflow.wait_for("the accept", lambda: status(connection_id).status == "Connected")


def test_a_restarted_triggerer_announces_nothing_again_where_airflow_can_note_it(
    stage: Stage, played: Played
) -> None:
    before = events(stage)
    stage.airflow.kill("triggerer")
    seen = len(lists(stage))
    stage.airflow.revive("triggerer")
    stage.airflow.wait_for("the watcher to read again", lambda: len(lists(stage)) > seen + 2)
    if AIRFLOW_V_3_3_PLUS:
        assert events(stage) == before
    else:  # there is no store to note it in: what is still Pending is announced once more
        stage.airflow.wait_for("the events", lambda: events(stage) > before)


def test_a_review_with_nothing_to_do_ends_with_an_empty_summary(stage: Stage, played: Played) -> None:
    connections = stage.zuora.store.connections
    for one in connections.all():
        if one.target_entity_id == UK_ENTITY_ID and one.status == "Pending":
            connections.deny(one.id, UK_ENTITY_ID)
    scenario = Scenario(REVIEW, {}, conf={})
    stage.play([scenario])
    assert stage.result(scenario, "summary") == {"accepted": [], "denied": [], "left_pending": []}
    assert stage.airflow.run_state(REVIEW, scenario.run_id) == "success"


def events(stage: Stage) -> int:
    return int(stage.airflow.call("GET", "/api/v2/assets/events")["total_entries"])


def lists(stage: Stage) -> list[Any]:
    return stage.zuora.requests("GET", "/v1/entity-connections")

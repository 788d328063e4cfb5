"""The example DAG in a real Airflow: what users, auditors and Zuora see of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_zuora.simulator.seed import UK_ENTITY_ID
from tests.airflow.plays import ACCEPT
from tests.airflow.scenarios import Scenario, Stage


def test_the_result_is_a_record_for_the_auditor(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    scenario = played[ACCEPT, "approved"]
    connection = stage.zuora.store.connections.get(scenario.connection_ids[0])
    result = stage.result(scenario)
    assert result == {
        "connection_id": connection.id,
        "source_entity_id": connection.source_entity_id,
        "target_entity_id": UK_ENTITY_ID,
        "status": "Connected",
        "previous_status": "Pending",
        "changed": True,
        "approved_by": "ann",
        "approved_at": result["approved_at"],
        "track_id": result["track_id"],
        "request_id": result["request_id"],
    }
    (line,) = (line for line in stage.logs(scenario).splitlines() if "Pending -> Connected" in line)
    for name in ("approved_by", "approved_at", "track_id", "request_id", "source_entity_id"):
        assert result[name] in line


def test_an_accept_costs_one_token_one_list_and_one_put(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    result = stage.result(played[ACCEPT, "approved"])
    requests = stage.zuora.requests()
    ours = [one for one in requests if one.track_id == result["track_id"]]
    assert [(one.method, one.path.rsplit("/", 1)[-1]) for one in ours] == [
        ("GET", "entity-connections"),
        ("PUT", "accept"),
    ]
    assert ours[1].request_id == result["request_id"]
    assert ours[1].body == {}
    same_socket = [one for one in requests if one.peer_port == ours[0].peer_port]
    assert [one.path for one in same_socket].count("/oauth/token") == 1
    assert len(same_socket) == 3


def test_a_rejected_request_stays_pending_and_the_run_succeeds(
    stage: Stage, played: Mapping[tuple[str, str], Scenario]
) -> None:
    scenario = played[ACCEPT, "rejected"]
    assert stage.states(scenario, "approve") == ["success"]
    assert stage.states(scenario) == ["skipped"]
    assert stage.airflow.run_state(ACCEPT, scenario.run_id) == "success"
    assert stage.statuses(scenario)[0] == "Pending"


@pytest.mark.parametrize(
    ("name", "words"),
    [("closed", "it is Disconnected, not Pending"), ("unknown", f"has no entity connection {'f' * 32}")],
)
def test_nobody_is_asked_about_a_request_that_cannot_be_accepted(
    stage: Stage, played: Mapping[tuple[str, str], Scenario], name: str, words: str
) -> None:
    scenario = played[ACCEPT, name]
    assert stage.states(scenario, "read_request") == ["failed"], "it fails at once, though retries are left"
    assert stage.states(scenario) == ["upstream_failed"]
    assert words in stage.logs(scenario, "read_request")

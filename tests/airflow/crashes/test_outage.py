"""Scheduler and triggerer are killed while tasks wait; once they run again, all ends as it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.crashes.conftest import WAITS
from tests.airflow.crashes.crash import LIMIT
from tests.airflow.scenarios import Scenario, Stage

INTERVAL = 2  # seconds; poke_interval of the waits
ANSWERS = [(when, option) for when in ("during the outage", "after it") for option in ("Approve", "Reject")]


@dataclass
class Outage:
    """What was there when the parts were killed, and what came after it."""

    impatient: Scenario  # a wait whose time is up some seconds later
    asking: Mapping[tuple[str, str], Scenario]  # runs that wait for an answer
    polls: list[RecordedRequest]  # what the new triggerer asked Zuora


def count(stage: Stage, scenario: Scenario, state: str) -> int:
    """Count the waits of a run that have a state."""
    path = f"/api/v2/dags/{scenario.dag_id}/dagRuns/{scenario.run_id}/taskInstances"
    found = stage.airflow.call("GET", path, params={"task_id": "wait", "state": state, "limit": 1})
    return int(found["total_entries"])


def polls(stage: Stage) -> list[RecordedRequest]:
    """Give the list requests of triggers and sensors; those of operators have a track id."""
    found = stage.zuora.requests("GET", "/v1/entity-connections")
    return [request for request in found if request.track_id is None]


@pytest.fixture(scope="module")
def outage(stage: Stage, waiting: Scenario) -> Outage:
    airflow = stage.airflow
    impatient = Scenario("impatient", (), connection_ids=[stage.unused.pop()])
    asking = {key: Scenario("accept", (key[1],), connection_ids=[stage.unused.pop()]) for key in ANSWERS}
    airflow.wait_for("all waits", lambda: count(stage, waiting, "deferred") == WAITS, timeout=LIMIT)
    for run in (impatient, *asking.values()):
        run.run_id = airflow.trigger(run.dag_id, {"id": run.connection_ids[0]})
    airflow.wait_for("the last wait", lambda: count(stage, impatient, "deferred"), timeout=LIMIT)
    airflow.wait_for(
        "the questions", lambda: len(airflow.pending_approvals("accept")) == len(asking), timeout=LIMIT
    )
    questions = {one["task_instance"]["dag_run_id"]: one for one in airflow.pending_approvals("accept")}

    airflow.kill("scheduler")
    airflow.kill("triggerer")
    polled = len(polls(stage))
    early = [run for (when, _), run in asking.items() if when == "during the outage"]
    for run in early:
        airflow.answer(questions[run.run_id], run.answers[0])
    airflow.revive("scheduler")
    airflow.revive("triggerer")

    airflow.wait_for("the new triggerer", lambda: len(polls(stage)) >= polled + 5, timeout=LIMIT)
    stage.wait(early)
    stage.wait(asking.values())  # answers the others
    return Outage(impatient, asking, polls(stage)[polled:])


def test_a_hundred_waits_still_share_one_list_request_per_interval(outage: Outage) -> None:
    seconds = outage.polls[-1].time - outage.polls[0].time
    assert len(outage.polls) - 1 <= seconds / INTERVAL + 1


def test_waits_change_nothing(stage: Stage, waiting: Scenario, outage: Outage) -> None:
    assert count(stage, waiting, "deferred") == WAITS
    assert set(stage.statuses(waiting)) == {"Pending"}
    assert not any(stage.zuora.requests("PUT", f"*/{id_}/*") for id_ in waiting.connection_ids)


def test_every_wait_ends_when_its_connection_is_accepted(
    stage: Stage, waiting: Scenario, outage: Outage
) -> None:
    for id_ in waiting.connection_ids:
        stage.zuora.store.connections.accept(id_, DEFAULT_ENTITY_ID)
    stage.airflow.wait_for("the waits", lambda: count(stage, waiting, "success") == WAITS, timeout=LIMIT)
    log = stage.logs(waiting, "wait")
    assert all(f"Entity connection {id_} is Connected" in log for id_ in waiting.connection_ids)


def test_the_timeout_of_a_wait_holds(stage: Stage, outage: Outage) -> None:
    stage.wait([outage.impatient])
    assert stage.states(outage.impatient, "wait") == ["failed"]
    log = stage.logs(outage.impatient, "wait")
    assert log.count("Pausing task as DEFERRED") == 1
    assert "AirflowSensorTimeout" in log


@pytest.mark.parametrize(("when", "option"), ANSWERS)
def test_an_answer_is_honoured_once(stage: Stage, outage: Outage, when: str, option: str) -> None:
    run = outage.asking[when, option]
    puts = stage.zuora.requests("PUT", f"/v1/entity-connections/{run.connection_ids[0]}/accept")
    found = (stage.states(run, "change"), stage.statuses(run), len(puts))
    expected = {
        "Approve": (["success"], ["Connected"], 1),
        "Reject": (["skipped"], ["Pending"], 0),
    }
    assert found == expected[option]

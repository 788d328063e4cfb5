"""Scheduler and triggerer are killed while tasks wait; when they run again, every task ends as it should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.acme import new_request, status, statuses
from tests.airflow.crashes.conftest import WAITS
from tests.airflow.runs import PATIENCE, Run, trigger

INTERVAL = 2  # seconds; poke_interval of the waits
ANSWERS = [(when, option) for when in ("during the outage", "after it") for option in ("Approve", "Reject")]


class Asking(NamedTuple):
    """A run that waits for an answer, and the request that it asks about."""

    run: Run
    request: str


class Outage(NamedTuple):
    """The runs that were waiting when the components were killed, and what happened afterwards."""

    impatient: Run  # a wait that times out some seconds later
    asking: Mapping[tuple[str, str], Asking]
    polls: list[RecordedRequest]  # what the new triggerer asked Zuora


def count(run: Run, state: str) -> int:
    """Count the waits of a run that are in a state."""
    options = {"task_id": "wait", "state": state, "limit": 1}
    return int(run.airflow.call("GET", f"{run.path}/taskInstances", params=options)["total_entries"])


def polls(zuora: ZuoraSimulator) -> list[RecordedRequest]:
    """List the reads of triggers and sensors; those of operators have a track id."""
    return [one for one in zuora.requests("GET", "/v1/entity-connections") if one.track_id is None]


@pytest.fixture(scope="module")
def outage(airflow: LocalAirflow, zuora: ZuoraSimulator, waiting: Run) -> Outage:
    """Kill scheduler and triggerer while tasks wait for Zuora and for answers, and start them again."""
    airflow.wait_for("all waits", lambda: count(waiting, "deferred") == WAITS, timeout=PATIENCE)
    impatient = trigger(airflow, "impatient", id=new_request(zuora))
    requests = {key: new_request(zuora) for key in ANSWERS}
    asking = {key: Asking(trigger(airflow, "accept", id=id_), id_) for key, id_ in requests.items()}
    airflow.wait_for("the last wait", lambda: count(impatient, "deferred"), timeout=PATIENCE)
    questions = {key: one.run.question() for key, one in asking.items()}

    airflow.kill("scheduler")
    airflow.kill("triggerer")
    polled = len(polls(zuora))
    for when, option in ANSWERS:
        if when == "during the outage":
            airflow.answer(questions[when, option], option)
    airflow.revive("scheduler")
    airflow.revive("triggerer")

    airflow.wait_for("the new triggerer", lambda: len(polls(zuora)) >= polled + 5, timeout=PATIENCE)
    for when, option in ANSWERS:
        if when == "after it":
            airflow.answer(questions[when, option], option)
    for one in asking.values():
        one.run.wait()
    return Outage(impatient, asking, polls(zuora)[polled:])


def test_a_hundred_waits_still_share_one_list_request_per_interval(outage: Outage) -> None:
    seconds = outage.polls[-1].time - outage.polls[0].time
    assert len(outage.polls) - 1 <= seconds / INTERVAL + 1


def test_waits_change_nothing(
    zuora: ZuoraSimulator, waiting: Run, awaited: list[str], outage: Outage
) -> None:
    assert count(waiting, "deferred") == WAITS
    assert set(statuses(zuora, *awaited)) == {"Pending"}
    assert not any(zuora.requests("PUT", f"*/{id_}/*") for id_ in awaited)


def test_every_wait_ends_when_its_connection_is_accepted(
    airflow: LocalAirflow, zuora: ZuoraSimulator, waiting: Run, awaited: list[str], outage: Outage
) -> None:
    for id_ in awaited:
        zuora.store.connections.accept(id_, DEFAULT_ENTITY_ID)
    airflow.wait_for("the waits", lambda: count(waiting, "success") == WAITS, timeout=PATIENCE)
    log = waiting.log("wait")
    assert all(f"Entity connection {id_} is Connected" in log for id_ in awaited)


def test_the_timeout_of_a_wait_holds(outage: Outage) -> None:
    outage.impatient.wait()
    assert outage.impatient.states("wait") == ["failed"]
    log = outage.impatient.log("wait")
    assert log.count("Pausing task as DEFERRED") == 1
    assert "AirflowSensorTimeout" in log


@pytest.mark.parametrize(("when", "option"), ANSWERS)
def test_an_answer_is_honoured_once(zuora: ZuoraSimulator, outage: Outage, when: str, option: str) -> None:
    run, request = outage.asking[when, option]
    puts = zuora.requests("PUT", f"/v1/entity-connections/{request}/accept")
    found = (run.states("change"), status(zuora, request), len(puts))
    expected = {
        "Approve": (["success"], "Connected", 1),
        "Reject": (["skipped"], "Pending", 0),
    }
    assert found == expected[option]

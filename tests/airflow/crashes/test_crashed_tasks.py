"""A change whose process is killed at the worst moment is tried again, and Zuora sees one change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.demo.airflow_api import FINISHED
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.airflow.acme import new_request
from tests.airflow.crashes.crash import AFTER, BEFORE, BETWEEN, STATUSES, Crash, hang
from tests.airflow.runs import PATIENCE, trigger

ANSWERED = {BEFORE: [None, 200], BETWEEN: [None], AFTER: [200]}  # HTTP status of each request for the change
ASKED = {BEFORE: UK_ENTITY_ID, BETWEEN: APAC_ENTITY_ID, AFTER: AUSTRALIA_ENTITY_ID}
CASES = [f"{verb} {moment}" for moment in ANSWERED for verb in STATUSES]
WITH_SUPERVISOR = [f"accept {moment} with its supervisor" for moment in (BEFORE, BETWEEN)]
each_case = pytest.mark.parametrize("case", [*CASES, *WITH_SUPERVISOR])


class Outcome(NamedTuple):
    crashes: Mapping[str, Crash]
    changes: int  # to all connections in Zuora while the crashes happened


def make_requests(zuora: ZuoraSimulator) -> Iterator[tuple[str, str, str]]:
    """Give for each case the change, its moment, and the id that it is about."""
    for case in (*CASES, *WITH_SUPERVISOR):
        verb, _, rest = case.partition(" ")
        moment = next(one for one in ANSWERED if rest.startswith(one))
        id_ = ASKED[moment] if verb == "initiate" else new_request(zuora)
        if verb == "disconnect":
            zuora.store.connections.accept(id_, DEFAULT_ENTITY_ID)
        yield verb, moment, id_


def step(airflow: LocalAirflow, crashes: Mapping[str, Crash]) -> bool:
    for question in airflow.pending_approvals("accept"):
        airflow.answer(question, "Approve")
    for crash in crashes.values():
        crash.kill()
    states = airflow.run_states()
    return all(states[crash.run.dag_id, crash.run.run_id] in FINISHED for crash in crashes.values())


@pytest.fixture(scope="module")
def outcome(
    airflow: LocalAirflow, zuora: ZuoraSimulator, awaited: list[str], request: pytest.FixtureRequest
) -> Outcome:
    """Kill each change at its first try. The crashes share the time that Airflow needs to notice them."""
    requests = list(make_requests(zuora))
    revision = zuora.store.connections.revision
    crashes = {}
    for case, (verb, moment, id_) in zip((*CASES, *WITH_SUPERVISOR), requests, strict=True):
        if moment != AFTER:  # then the task kills itself
            hang(zuora, verb, id_, moment)
        run = trigger(airflow, verb, id=id_, dies=moment == AFTER)
        crashes[case] = Crash(zuora, run, id_, moment, with_supervisor=case in WITH_SUPERVISOR)
    request.getfixturevalue("waiting")  # they start while Airflow waits for lost heartbeats
    airflow.wait_for("the crashes", lambda: step(airflow, crashes), timeout=PATIENCE)
    return Outcome(crashes, zuora.store.connections.revision - revision)


@each_case
def test_the_next_try_of_a_killed_change_succeeds(outcome: Outcome, case: str) -> None:
    crash = outcome.crashes[case]
    assert (crash.instance["state"], crash.instance["try_number"] > 1) == ("success", True)
    assert crash.status == STATUSES[crash.run.dag_id][1]


@each_case
def test_a_killed_change_is_sent_again_only_if_it_had_no_effect(outcome: Outcome, case: str) -> None:
    crash = outcome.crashes[case]
    assert [request.status for request in crash.sent] == ANSWERED[crash.moment]


def test_each_connection_is_changed_exactly_once(outcome: Outcome) -> None:
    assert outcome.changes == len(outcome.crashes)


@each_case
def test_result_and_log_of_the_next_try_tell_what_it_found_and_did(outcome: Outcome, case: str) -> None:
    crash = outcome.crashes[case]
    before, after = STATUSES[crash.run.dag_id]
    had_effect = crash.moment != BEFORE
    result = crash.run.result("change")
    assert result["status"] == after
    assert result["previous_status"] == (after if had_effect else before)
    assert result["changed"] is not had_effect
    assert result.get("approved_by") == ("ann" if crash.run.dag_id == "accept" else None)
    lines = crash.run.log("change").splitlines()
    assert any(result["connection_id"] in line and after in line for line in lines)


@pytest.mark.parametrize("case", [case for case in (*CASES, *WITH_SUPERVISOR) if "initiate" not in case])
def test_the_log_of_the_killed_try_says_what_it_sent(outcome: Outcome, case: str) -> None:
    crash = outcome.crashes[case]
    track_id = crash.sent[0].track_id
    assert track_id is not None
    (line,) = (
        line for line in crash.run.log("change").splitlines() if track_id in line and "Sending" in line
    )
    assert crash.id_ in line
    assert ("An earlier try" in crash.run.log("change")) == (crash.moment != BEFORE)


def test_an_accept_that_is_cleared_after_its_success_sends_nothing(outcome: Outcome) -> None:
    crash = outcome.crashes[f"accept {AFTER}"]
    tries = crash.instance["try_number"]
    crash.run.clear("change")
    crash.run.wait()
    assert (crash.instance["state"], crash.instance["try_number"] > tries) == ("success", True)
    assert [request.status for request in crash.sent] == ANSWERED[AFTER]
    result = crash.run.result("change")
    assert (result["status"], result["changed"], result["approved_by"]) == ("Connected", False, "ann")

"""A change whose process is killed at the worst moment is tried again, and Zuora sees one change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest

from airflow_zuora.airflow_api import FINISHED
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.airflow.crashes.crash import AFTER, BEFORE, BETWEEN, LIMIT, STATUSES, Crash
from tests.airflow.scenarios import Stage

ANSWERED = {BEFORE: [None, 200], BETWEEN: [None], AFTER: [200]}  # HTTP status of each request for the change
ASKED = {BEFORE: UK_ENTITY_ID, BETWEEN: APAC_ENTITY_ID, AFTER: AUSTRALIA_ENTITY_ID}
CASES = [f"{verb} {moment}" for moment in ANSWERED for verb in STATUSES]
WITH_SUPERVISOR = [f"accept {moment} with its supervisor" for moment in (BEFORE, BETWEEN)]
each_case = pytest.mark.parametrize("case", [*CASES, *WITH_SUPERVISOR])


class Outcome(NamedTuple):
    crashes: Mapping[str, Crash]
    changes: int  # of all connections in Zuora while the crashes were played


def make_crashes(stage: Stage) -> Iterator[tuple[str, Crash]]:
    for case in (*CASES, *WITH_SUPERVISOR):
        verb, _, rest = case.partition(" ")
        moment = next(one for one in ANSWERED if rest.startswith(one))
        id_ = ASKED[moment] if verb == "initiate" else stage.unused.pop()
        if verb == "disconnect":
            stage.zuora.store.connections.accept(id_, DEFAULT_ENTITY_ID)
        yield case, Crash(verb, (), id_=id_, moment=moment, with_supervisor=case in WITH_SUPERVISOR)


def step(stage: Stage, crashes: Mapping[str, Crash]) -> bool:
    for approval in stage.airflow.pending_approvals("accept"):
        stage.airflow.answer(approval, "Approve")
    for crash in crashes.values():
        crash.kill(stage)
    states = stage.airflow.run_states()
    return all(states[crash.dag_id, crash.run_id] in FINISHED for crash in crashes.values())


@pytest.fixture(scope="module")
def outcome(stage: Stage, request: pytest.FixtureRequest) -> Outcome:
    crashes = dict(make_crashes(stage))
    connections = stage.zuora.store.connections
    revision = connections.revision
    for crash in crashes.values():
        crash.start(stage)
    request.getfixturevalue("waiting")  # there is time for them until lost heartbeats are noticed
    stage.airflow.wait_for("the crashes", lambda: step(stage, crashes), timeout=LIMIT)
    return Outcome(crashes, connections.revision - revision)


@each_case
def test_the_next_try_of_a_killed_change_succeeds(stage: Stage, outcome: Outcome, case: str) -> None:
    crash = outcome.crashes[case]
    (ti,) = crash.instances(stage)
    assert (ti["state"], ti["try_number"] > 1) == ("success", True)
    assert crash.status(stage) == STATUSES[crash.dag_id][1]


@each_case
def test_a_killed_change_is_sent_again_only_if_it_had_no_effect(
    stage: Stage, outcome: Outcome, case: str
) -> None:
    crash = outcome.crashes[case]
    assert [request.status for request in crash.sent(stage)] == ANSWERED[crash.moment]


def test_each_connection_is_changed_exactly_once(outcome: Outcome) -> None:
    assert outcome.changes == len(outcome.crashes)


@each_case
def test_result_and_log_of_the_next_try_say_what_it_found_and_did(
    stage: Stage, outcome: Outcome, case: str
) -> None:
    crash = outcome.crashes[case]
    before, after = STATUSES[crash.dag_id]
    had_effect = crash.moment != BEFORE
    result = stage.result(crash, "change")
    assert result["status"] == after
    assert result["previous_status"] == (after if had_effect else before)
    assert result["changed"] is not had_effect
    assert result["approved_by"] == ("ann" if crash.dag_id == "accept" else None)
    assert (
        "Entity connection {connection_id} from entity {source_entity_id} to entity {target_entity_id}: "
        "{previous_status} -> {status} (changed: {changed}), approved by {approved_by} at {approved_at}"
    ).format(**result) in stage.logs(crash, "change")


def test_an_accept_that_is_cleared_after_its_success_sends_nothing(stage: Stage, outcome: Outcome) -> None:
    crash = outcome.crashes[f"accept {AFTER}"]
    (before,) = crash.instances(stage)
    stage.clear(crash, "change")
    stage.wait([crash])
    (after,) = crash.instances(stage)
    assert (after["state"], after["try_number"] > before["try_number"]) == ("success", True)
    assert [request.status for request in crash.sent(stage)] == ANSWERED[AFTER]
    result = stage.result(crash, "change")
    assert (result["status"], result["changed"], result["approved_by"]) == ("Connected", False, "ann")

"""What an operation must come to when nothing disturbs it."""

from __future__ import annotations

from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraError,
    ZuoraNotFoundError,
    ZuoraRuleError,
)
from airflow_zuora.models import EntityConnectionChange
from tests.unit.hooks.chance.trace import ENTITIES, TRANSITIONS, Rows, Run, seen_by


def check_calm(run: Run) -> None:
    """Check the outcome of an operation that nothing disturbed."""
    if run.task.verb in TRANSITIONS:
        outcome = changed_by(run)
    elif run.task.verb == "initiate":
        outcome = initiated_by(run)
    else:
        read_by(run)
        return
    if isinstance(outcome, bool):
        assert run.error is None, f"{run.error!r}"
        assert isinstance(run.result, EntityConnectionChange)
        assert run.result.changed is outcome
    else:
        assert isinstance(run.error, outcome), f"{run.error!r} {run.result}"
        assert run.end == run.rows


Outcome = bool | type[ZuoraError] | tuple[type[ZuoraError], ...]  # whether something is changed, or the error


def changed_by(run: Run) -> Outcome:
    transition = TRANSITIONS[run.task.verb]
    row = seen_by(run.here, run.rows).get(run.id)
    if row is None:
        return ZuoraNotFoundError
    if not transition.by_source and row.target_entity_id != run.here:
        return EntityConnectionStateError
    if run.task.expected is not None and row.source_entity_id != ENTITIES[run.task.expected]:
        return EntityConnectionStateError
    if row.status not in (transition.start, transition.end):
        return EntityConnectionStateError
    return row.status is transition.start


def initiated_by(run: Run) -> Outcome:
    if run.task.target == run.task.here:
        return ZuoraConfigError
    ours = [row for row in run.rows.values() if (row.source_entity_id, row.target_entity_id) == run.pair]
    if any(run.is_alive(row) for row in ours):
        return False
    if run.task.key in run.used and run.error is not None:
        return EntityConnectionStateError, ZuoraRuleError
    return ZuoraRuleError if ours and run.settings["reinitiate"] == "rule" else True


def read_by(run: Run) -> None:
    seen: Rows = seen_by(run.here, run.rows, run.task.direction)
    if run.task.verb == "get" and run.id not in seen:
        assert isinstance(run.error, ZuoraNotFoundError)
        return
    assert run.error is None, f"{run.error!r}"
    if run.task.verb == "get":
        found, wanted = [run.result], [seen[run.id]]
    elif run.task.verb == "list":
        found, wanted = run.result, list(seen.values())
    else:
        return
    assert [(one.id, one.status) for one in found] == [(row.id, row.status) for row in wanted]

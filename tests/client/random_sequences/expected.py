"""What an operation must come to when nothing disturbs it."""

from __future__ import annotations

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraError,
    ZuoraRuleError,
    ZuoraValueError,
)
from airflow_zuora.models import EntityConnectionChange
from tests.client.random_sequences.trace import TRANSITIONS, Rows, Run, seen_by


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


Outcome = bool | type[ZuoraError]  # whether something is changed, or the error


def changed_by(run: Run) -> Outcome:
    transition = TRANSITIONS[run.task.verb]
    row = seen_by(run.entity_id, run.rows).get(run.id)
    if row is None:
        return EntityConnectionNotFoundError
    if not transition.by_source and row.target_entity_id != run.entity_id:
        return EntityConnectionStateError
    if row.status not in (transition.start, transition.end):
        return EntityConnectionStateError
    return row.status is transition.start


def initiated_by(run: Run) -> Outcome:
    if run.task.target == run.task.entity:
        return ZuoraValueError
    of_pair = [row for row in run.rows.values() if (row.source_entity_id, row.target_entity_id) == run.pair]
    if any(run.is_open(row) for row in of_pair):
        return False
    return ZuoraRuleError if of_pair and run.settings["reinitiate"] == "rule" else True


def read_by(run: Run) -> None:
    seen: Rows = seen_by(run.entity_id, run.rows, run.task.direction)
    if run.task.verb == "get" and run.id not in seen:
        assert isinstance(run.error, EntityConnectionNotFoundError)
        return
    assert run.error is None, f"{run.error!r}"
    if run.task.verb == "get":
        found, wanted = [run.result], [seen[run.id]]
    elif run.task.verb == "list":
        found, wanted = run.result, list(seen.values())
    else:
        return
    assert [(one.id, one.status) for one in found] == [(row.id, row.status) for row in wanted]

"""What an operation reports, whatever happens to it: results and errors are true."""

from __future__ import annotations

from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraRuleError,
)
from airflow_zuora.models import EntityConnectionChange
from tests.unit.hooks.chance.trace import TRANSITIONS, Run, Step, name_of


def success_is_true(run: Run) -> None:
    change = run.result
    if not isinstance(change, EntityConnectionChange):
        return
    row = run.last_seen(change.id)
    if run.task.verb == "initiate":
        assert row is not None, "there is no such request"
        assert run.is_alive(row)
        assert change.status is row.status
    else:
        transition = TRANSITIONS[run.task.verb]
        assert change.id == run.id
        assert change.status is transition.end
        assert row.status is transition.end if row else transition.may_vanish
    if row:
        parties = (row.source_entity_id, row.target_entity_id)
        assert (change.source_entity_id, change.target_entity_id) == parties


def the_result_tells_what_was_done(run: Run) -> None:
    change = run.result
    if not isinstance(change, EntityConnectionChange):
        return
    sent = run.of("changes")
    if change.request_id is not None:
        assert sent[-1].request.request_id == change.request_id
        assert not sent[-1].is_lost
        assert change.changed
    else:
        had_effect = any(step.is_lost or step.had_effect for step in sent)
        # Zuora may answer for an earlier request of the same key: that was sent, and had no effect.
        assert change.changed is had_effect or (sent and change.changed and run.task.key in run.used)
    first = (
        [look.shown for look in run.steps[: run.steps.index(sent[0])] if look.is_look]
        if sent
        else [look.shown for look in run.steps if look.is_look]
    )
    if run.task.verb == "initiate":
        alive = [row for shown in first for row in shown.values() if run.is_alive(row)]
        assert change.previous_status is (alive[0].status if alive else None)
    else:
        assert change.previous_status in [shown[run.id].status for shown in first if run.id in shown]


def an_effect_that_is_not_reported_is_said_to_be_unknown(run: Run) -> None:
    """Other errors mean: no effect, or one that a later look has shown."""
    if run.error is None or isinstance(run.error, ZuoraOutcomeUnknownError):
        return
    for number, step in enumerate(run.steps):
        if step.had_effect:
            assert any(later.is_look for later in run.steps[number:]), f"{run.error!r} hides an effect"


def errors_are_true(run: Run) -> None:
    changes, looks = run.of("changes"), [step for step in run.steps if step.is_look]
    if isinstance(run.error, ZuoraOutcomeUnknownError):
        # The answer to a request that is sent tells its id, not whether it still stands: that takes a look.
        assert any(step.is_lost for step in changes) or (changes and run.task.verb == "initiate")
    elif isinstance(run.error, EntityConnectionStateError):
        if run.task.verb == "initiate":
            assert not any(run.is_alive(row) for row in looks[-1].shown.values())
        else:
            row = [look.shown[run.id] for look in looks if run.id in look.shown][-1]
            transition = TRANSITIONS[run.task.verb]
            wrong_side = not transition.by_source and row.target_entity_id != run.here
            wrong_source = run.task.expected not in (None, name_of(row.source_entity_id))
            assert wrong_side or wrong_source or row.status not in (transition.start, transition.end)
    elif isinstance(run.error, ZuoraNotFoundError) and run.task.verb not in ("initiate", "entity"):
        answered_404 = any(step.moment.trouble in ("404", "not found") for step in run.steps)
        gone = any(run.id not in step.rows or run.here not in parties(run, step) for step in looks)
        assert answered_404 or gone, "it was there all the time"


def a_refusal_is_final_only_after_a_look(run: Run) -> None:
    """Somebody else may have been faster."""
    if isinstance(run.error, (ZuoraRuleError, ZuoraNotFoundError)) and run.steps:
        assert run.steps[-1].kind != "changes"


def parties(run: Run, step: Step) -> tuple[str, str]:
    row = step.rows[run.id]
    return row.source_entity_id, row.target_entity_id


REPORTS = (
    success_is_true,
    the_result_tells_what_was_done,
    an_effect_that_is_not_reported_is_said_to_be_unknown,
    errors_are_true,
    a_refusal_is_final_only_after_a_look,
)

"""What an operation reports, whatever happens to it: results and errors are true."""

from __future__ import annotations

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraRuleError,
)
from airflow_zuora.models import Entity, EntityConnection, EntityConnectionChange
from airflow_zuora.simulator.seed import entities
from tests.client.random_sequences.trace import TRANSITIONS, Run, Step


def success_is_true(run: Run) -> None:
    change = run.result
    if not isinstance(change, EntityConnectionChange):
        return
    after = change.connection
    row = run.last_seen(after.id)
    if run.task.verb == "initiate":
        assert row is not None, "there is no such request"
        assert run.is_open(row)
        assert after.status is row.status
    else:
        transition = TRANSITIONS[run.task.verb]
        assert after.id == run.id
        assert after.status is transition.end
        assert row.status is transition.end if row else transition.may_vanish
    if row:
        sides = (row.source_entity_id, row.target_entity_id)
        assert (after.source_entity_id, after.target_entity_id) == sides


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
        assert change.changed is any(step.is_lost or step.had_effect for step in sent)
    first = [page.shown for page in run.pages if not sent or page.request.number < sent[0].request.number]
    if run.task.verb == "initiate":
        rows = [row for shown in first for row in shown.values() if run.is_open(row)]
        assert change.previous_status is (rows[0].status if rows else None)
    else:
        assert change.previous_status in [shown[run.id].status for shown in first if run.id in shown]


def what_is_read_is_what_zuora_has(run: Run) -> None:
    """Nothing comes from the answer to another request."""
    rows = run.result if isinstance(run.result, list) else [run.result]
    shown = [row for page in run.pages for row in page.shown.values()]
    for row in rows:
        if isinstance(row, EntityConnection):
            assert (row.id, row.status) in [(one.id, one.status) for one in shown]
        elif isinstance(row, Entity):
            assert row.id in {entity.id for entity in entities()}
            assert run.task.verb == "entities" or row.id == run.entity_id


def an_effect_that_is_not_reported_is_said_to_be_unknown(run: Run) -> None:
    """Other errors mean: no effect, or one that a later page has shown."""
    if run.error is None or isinstance(run.error, ZuoraOutcomeUnknownError):
        return
    for number, step in enumerate(run.steps):
        if step.had_effect:
            assert any(later.is_page for later in run.steps[number:]), f"{run.error!r} hides an effect"


def errors_are_true(run: Run) -> None:
    changes, pages = run.of("changes"), run.pages
    if isinstance(run.error, ZuoraOutcomeUnknownError):
        # The answer to a request that was sent names it, but whether it is still open only a page tells.
        assert any(step.is_lost for step in changes) or (changes and run.task.verb == "initiate")
    elif isinstance(run.error, EntityConnectionStateError):
        if run.task.verb == "initiate":
            assert not any(run.is_open(row) for row in pages[-1].shown.values())
        else:
            row = [page.shown[run.id] for page in pages if run.id in page.shown][-1]
            transition = TRANSITIONS[run.task.verb]
            is_wrong_side = not transition.by_source and row.target_entity_id != run.entity_id
            assert is_wrong_side or row.status not in (transition.start, transition.end)
    elif isinstance(run.error, EntityConnectionNotFoundError):
        assert any(is_gone(run, page) for page in pages), "it was there all the time"
    elif isinstance(run.error, ZuoraNotFoundError):
        answered = any(step.moment.fault in ("404", "not found") for step in run.steps)
        assert answered or run.task.verb == "initiate" or any(is_gone(run, page) for page in pages)


def is_gone(run: Run, page: Step) -> bool:
    """Whether the connection was not on the entity's list when a page was read."""
    row = page.rows.get(run.id)
    return row is None or run.entity_id not in (row.source_entity_id, row.target_entity_id)


def a_refusal_is_final_only_after_the_state_was_read(run: Run) -> None:
    """Somebody else may have been faster."""
    if isinstance(run.error, (ZuoraRuleError, ZuoraNotFoundError)) and run.steps:
        assert run.steps[-1].kind != "changes"


REPORTS = (
    success_is_true,
    the_result_tells_what_was_done,
    what_is_read_is_what_zuora_has,
    an_effect_that_is_not_reported_is_said_to_be_unknown,
    errors_are_true,
    a_refusal_is_final_only_after_the_state_was_read,
)

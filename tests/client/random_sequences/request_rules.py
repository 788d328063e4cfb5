"""How Zuora is asked, whatever happens: only for what was wanted, after a read, not too often or too soon."""

from __future__ import annotations

from airflow_zuora.client.retries import Retries
from airflow_zuora.client.token import LEEWAY
from airflow_zuora.models import entity_uuid
from tests.client.random_sequences.trace import LIST, TRANSITIONS, Run, Step

LIMITS = Retries()
ATTEMPTS = 2 * LIMITS.attempts  # of one request: once more as many with a new token


def only_what_was_asked_for_is_sent(run: Run) -> None:
    for step in run.steps:
        sent = step.request
        if step.kind == "tokens":
            assert "zuora-entity-ids" not in sent.headers
            continue
        assert sent.headers["zuora-entity-ids"] == entity_uuid(run.entity_id)
        if step.kind == "reads":
            continue
        assert run.task.verb in ("accept", "deny", "disconnect", "initiate")
        if run.task.verb == "initiate":
            assert (sent.method, sent.path, sent.body) == ("POST", LIST, {"targetEntityId": run.pair[1]})
        else:
            assert (sent.method, sent.path, sent.body) == ("PUT", f"{LIST}/{run.id}/{run.task.verb}", {})


def a_post_keeps_its_idempotency_key_and_no_other_has_it(run: Run) -> None:
    keys = {step.request.headers.get("idempotency-key") for step in run.of("changes")}
    if run.task.verb != "initiate":
        assert keys <= {None}
    elif keys:
        assert len(keys) == 1
        assert None not in keys
        assert not keys & run.used_keys


def only_what_was_asked_for_changes(run: Run) -> None:
    for step in run.steps:
        changed = step.effect | step.removed
        if step.kind != "changes":
            assert not changed
        elif run.task.verb == "initiate":
            assert not step.removed
            assert all(run.is_open(row) for row in step.effect.values())
        else:
            assert set(changed) <= {run.id}


def a_change_follows_a_read_that_calls_for_it(run: Run) -> None:
    """And so a change whose outcome is unknown is never repeated blindly."""
    pages: list[Step] = []
    for step in run.steps:
        if step.is_page:
            pages.append(step)
        if step.kind != "changes":
            continue
        if run.task.verb == "initiate":
            assert pages, "the state was not read before the request was sent"
            assert not any(run.is_open(row) for page in pages for row in page.shown.values())
            overlooked = [row for row in pages[0].rows.values() if run.is_open(row)]
            assert not any(all(page.rows.get(row.id) == row for page in pages) for row in overlooked)
        else:
            seen = [page.shown[run.id] for page in pages if run.id in page.shown]
            assert seen, "the state was not read before the change was sent"
            assert seen[-1].status is TRANSITIONS[run.task.verb].start
            assert run.task.verb == "disconnect" or seen[-1].target_entity_id == run.entity_id
        if step.is_lost:
            pages.clear()


def zuora_is_asked_a_bounded_number_of_times(run: Run) -> None:
    changes, reads = run.of("changes"), run.of("reads")
    assert sum(step.is_lost or step.had_effect for step in changes) <= 3
    assert len(changes) <= 3 * ATTEMPTS
    lists = 2 * (2 + 3)  # each is read once more where rows may slip from page to page
    rows = max(len(step.rows) for step in run.steps) if run.steps else 0
    assert len(reads) <= lists * (rows + 2) * ATTEMPTS
    for same in runs_of_the_same(run):
        assert len(same) <= 2 * ATTEMPTS


def runs_of_the_same(run: Run) -> list[list[Step]]:
    """Requests that follow each other and are the same; those for a token are left out."""
    groups: list[list[Step]] = []
    for step in run.steps:
        if step.kind == "tokens":
            continue
        if groups and address(groups[-1][-1]) == address(step):
            groups[-1].append(step)
        else:
            groups.append([step])
    return groups


def address(step: Step) -> tuple[str, str, str]:
    return step.request.method, step.request.path, step.request.query


def the_wait_is_as_long_as_zuora_asked(run: Run) -> None:
    for step, following in zip(run.steps, run.steps[1:], strict=False):
        waited = following.request.time - step.request.time
        assert waited >= step.asked - 0.001  # the clock is a float
    assert all(wait >= 0 for wait in run.waits)


def nothing_is_started_after_the_time_of_the_call_is_up(run: Run) -> None:
    assert sum(run.waits) < LIMITS.max_elapsed
    for step in run.steps:
        assert step.request.time - run.started < LIMITS.max_elapsed


def a_token_is_used_until_it_is_about_to_end(run: Run) -> None:
    lifetime = run.settings["token_lifetime"]
    for step in run.steps:
        if step.kind == "tokens":
            assert step.token_left is None or step.token_left <= min(LEEWAY, lifetime / 2)
        else:
            assert step.token_left is None or step.token_left > 0


REQUEST_RULES = (
    only_what_was_asked_for_is_sent,
    a_post_keeps_its_idempotency_key_and_no_other_has_it,
    only_what_was_asked_for_changes,
    a_change_follows_a_read_that_calls_for_it,
    zuora_is_asked_a_bounded_number_of_times,
    the_wait_is_as_long_as_zuora_asked,
    nothing_is_started_after_the_time_of_the_call_is_up,
    a_token_is_used_until_it_is_about_to_end,
)

"""How Zuora is asked, whatever happens: for what was wanted only, after a look, not too often or too soon."""

from __future__ import annotations

from airflow_zuora.auth import LEEWAY
from airflow_zuora.hooks.base import ZuoraBaseHook
from airflow_zuora.models import entity_uuid
from tests.unit.hooks.chance.trace import LIST, TRANSITIONS, Run, Step, name_of

ATTEMPTS = 2 * ZuoraBaseHook.max_attempts  # of one call: once more as many with a new token


def only_what_was_asked_for_is_sent(run: Run) -> None:
    for step in run.steps:
        sent = step.request
        if step.kind == "tokens":
            assert "zuora-entity-ids" not in sent.headers
            continue
        assert sent.headers["zuora-entity-ids"] == entity_uuid(run.here)
        if step.kind == "reads":
            continue
        assert run.task.verb in ("accept", "deny", "disconnect", "initiate")
        if run.task.verb == "initiate":
            assert (sent.method, sent.path, sent.body) == ("POST", LIST, {"targetEntityId": run.pair[1]})
            assert sent.headers.get("idempotency-key") == run.task.key
        else:
            assert (sent.method, sent.path, sent.body) == ("PUT", f"{LIST}/{run.id}/{run.task.verb}", {})


def only_what_was_asked_for_changes(run: Run) -> None:
    for step in run.steps:
        changed = step.effect | step.removed
        if step.kind != "changes":
            assert not changed
        elif run.task.verb == "initiate":
            assert not step.removed
            assert all(run.is_alive(row) for row in step.effect.values())
        else:
            assert set(changed) <= {run.id}


def a_change_follows_a_look_that_calls_for_it(run: Run) -> None:
    """And so a change whose outcome is not known is never repeated blindly."""
    looks: list[Step] = []
    for step in run.steps:
        if step.is_look:
            looks.append(step)
        if step.kind != "changes":
            continue
        if run.task.verb == "initiate":
            assert looks, "nobody looked before the request was sent"
            assert not any(run.is_alive(row) for look in looks for row in look.shown.values())
            overlooked = [row for row in looks[0].rows.values() if run.is_alive(row)]
            assert not any(all(look.rows.get(row.id) == row for look in looks) for row in overlooked)
        else:
            seen = [look.shown[run.id] for look in looks if run.id in look.shown]
            assert seen, "nobody looked before the change was sent"
            assert seen[-1].status is TRANSITIONS[run.task.verb].start
            assert run.task.verb == "disconnect" or seen[-1].target_entity_id == run.here
            assert run.task.expected in (None, name_of(seen[-1].source_entity_id))
        if step.is_lost:
            looks.clear()


def zuora_is_asked_a_bounded_number_of_times(run: Run) -> None:
    changes, reads = run.of("changes"), run.of("reads")
    assert sum(step.is_lost or step.had_effect for step in changes) <= 3
    assert len(changes) <= 3 * ATTEMPTS
    looks = 2 * (2 + 3)  # each is repeated at most once, where rows slip from page to page
    rows = max(len(step.rows) for step in run.steps) if run.steps else 0
    assert len(reads) <= looks * (rows + 2) * ATTEMPTS
    for same in runs_of_the_same(run):
        assert len(same) <= 2 * ATTEMPTS


def runs_of_the_same(run: Run) -> list[list[Step]]:
    """Requests that follow each other and are the same, token requests left out."""
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
    assert all(0 <= wait <= ZuoraBaseHook.max_wait for wait in run.waits)


def a_token_is_used_until_it_is_about_to_end(run: Run) -> None:
    lifetime = run.settings["token_lifetime"]
    for step in run.steps:
        if step.kind == "tokens":
            assert step.token_left is None or step.token_left <= min(LEEWAY, lifetime / 2)
        else:
            assert step.token_left is None or step.token_left > 0


MANNERS = (
    only_what_was_asked_for_is_sent,
    only_what_was_asked_for_changes,
    a_change_follows_a_look_that_calls_for_it,
    zuora_is_asked_a_bounded_number_of_times,
    the_wait_is_as_long_as_zuora_asked,
    a_token_is_used_until_it_is_about_to_end,
)

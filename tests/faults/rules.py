"""What a client must never do: each rule gives the reason why a played cell is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError
from airflow_zuora.hooks.changes import MAX_CHANGES
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator.seed import DEFAULT_SECRET
from tests.faults.catalogue import Says
from tests.faults.cells import Mode, Played
from tests.faults.operations import LIST

ATTEMPTS, MAX_WAIT = ZuoraHook.max_attempts, ZuoraHook.max_wait


def wrongs(played: Played) -> Iterator[str]:
    """Give every reason why this is wrong."""
    for rule in RULES:
        yield from rule(played)


def _outcome(played: Played) -> Iterator[str]:
    error = played.error
    if error is not None and not isinstance(error, ZuoraError):
        yield f"an error without type: {error!r}"
    if DEFAULT_SECRET in f"{error}":
        yield "the error shows the secret"
    if not played.cell.operation.is_change:
        if not played.is_same:
            yield "a read changed something"
        return
    if not played.is_same and not played.is_done:
        yield "something changed that was not asked for"
    if error is None and not played.is_done:
        yield "success without the effect"
    if error is not None and played.is_done and not isinstance(error, ZuoraOutcomeUnknownError):
        yield "effect without success, and the error does not say that the outcome is unknown"


def _gave_up(played: Played) -> Iterator[str]:
    """A fault that passes is no reason to fail."""
    passes = played.says is not Says.NO and played.cell.case.asked <= MAX_WAIT
    if played.error is not None and ((played.cell.mode is Mode.ONCE and passes) or played.says is Says.YES):
        yield f"gave up on what passes: {played.error}"


def _order(played: Played) -> Iterator[str]:
    """After a change that may have worked, no second one without a look at the state."""
    if not played.cell.operation.is_change:
        return
    main = played.main
    for one, next_ in zip(main, main[1:], strict=False):
        between = [r for r in played.requests if one.number < r.number < next_.number]
        looked = any((r.method, r.path, r.status) == ("GET", LIST, 200) for r in between)
        if one.fault is None:
            yield "a change was sent again after a success"
        elif played.says in (Says.NOTHING, Says.YES) and not looked:
            yield "a second change where the first may have worked, and the state was not read"
    if played.cell.mode is Mode.LOOK and played.says is not Says.YES and main:
        yield "a change without having read the state"


def _waits(played: Played) -> Iterator[str]:
    asked = played.cell.case.asked
    hits = len([one for one in played.requests if one.fault])
    if any(wait < asked for wait in played.waits[:hits]):
        yield f"waited {min(played.waits):.1f} seconds where Zuora asked for {asked:.0f}"
    if asked > MAX_WAIT and played.waits and not (played.error is None or played.says is Says.NOTHING):
        yield "waited though Zuora asks for more than the hook may wait"
    if asked > MAX_WAIT and isinstance(played.error, ZuoraError) and (played.error.retry_after or 0) < asked:
        yield "the error does not say how long to wait"


def _in_vain(played: Played) -> Iterator[str]:
    """What cannot succeed is not sent again; a refused token is renewed once."""
    hits = Counter((one.method, one.path) for one in played.requests if one.fault)
    most = max(hits.values(), default=0)  # a look after a change is another request
    if played.says is Says.NO and most > played.cell.case.pages:
        yield f"sent {most} times what cannot succeed"
    if played.says is Says.NEW_TOKEN and most > 2:
        yield f"sent {most} times with a token that is refused"
    if played.cell.case.asked > MAX_WAIT and len(played.main) > 1 and played.says is Says.LATER:
        yield "did not leave a long wait to Airflow"


def _bounds(played: Played) -> Iterator[str]:
    """How many requests there may be, by kind."""
    operation, mode = played.cell.operation, played.cell.mode
    sent = len(played.main)
    may_have_worked = operation.is_change and played.says in (Says.NOTHING, Says.YES)
    most = MAX_CHANGES if may_have_worked else ATTEMPTS * played.cell.case.pages
    if sent > most:
        yield f"{sent} requests, of which {most} are allowed"
    tokens = [one for one in played.requests if one.path == "/oauth/token"]
    if operation.name != "token" and len(tokens) > (2 if played.says is Says.NEW_TOKEN else 1):
        yield f"{len(tokens)} token requests"
    if operation.is_change:
        looks = len([one for one in played.requests if (one.method, one.path) == ("GET", LIST)])
        each = ATTEMPTS if mode in (Mode.SINCE, Mode.LOOK) else 1
        if looks > 1 + each * max(sent, 1):
            yield f"looked {looks} times after {sent} changes"


RULES = (_outcome, _gave_up, _order, _waits, _in_vain, _bounds)

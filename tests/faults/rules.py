"""What a client must never do: each rule yields the reasons why a played cell is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from airflow_zuora.client.entity_connections import MAX_CHANGES
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.faults.cases import TIMEOUT, Says
from tests.faults.cells import Mode, Played
from tests.faults.operations import LIST, TOKEN

LIMITS = Retries()
LONGEST_BACKOFF = 60.0  # seconds


def wrongs(played: Played) -> Iterator[str]:
    """Yield every reason why this is wrong."""
    for rule in RULES:
        yield from rule(played)


def _outcome(played: Played) -> Iterator[str]:
    """A result is true, an error says what it may say, and a read changes nothing."""
    error, case = played.error, played.cell.case
    if error is not None and not isinstance(error, ZuoraError):
        yield f"an error without type: {error!r}"
    elif error is not None and not isinstance(error, case.raises):
        yield f"{type(error).__name__} instead of {case.raises.__name__}: {error}"
    elif error is not None and case.words not in str(error):
        yield f"the error does not say {case.words!r}: {error}"
    if played.shown_secrets:
        yield f"the error shows a secret: {played.shown_secrets}"
    if error is None and not played.cell.operation.is_right(played.result):
        yield f"a wrong result: {played.result}"


def _effect(played: Played) -> Iterator[str]:
    """What the caller is told about a change is what there is in Zuora."""
    if not played.cell.operation.is_change:
        if not played.is_same:
            yield "a read changed something"
        return
    if not played.is_same and not played.is_done:
        yield "something changed that was not asked for"
    if played.error is None and not played.is_done:
        yield "success without the effect"
    if played.is_done and not isinstance(played.error, ZuoraOutcomeUnknownError | None):
        yield "effect without success, and the error does not say that the outcome is unknown"


def _next_call(played: Played) -> Iterator[str]:
    """No call gets what was left of the answer to another one."""
    if played.next_answer not in ("", DEFAULT_ENTITY_ID):
        yield f"the next call got {played.next_answer}"


def _gave_up(played: Played) -> Iterator[str]:
    """A fault that passes is no reason to fail, and one that may pass is waited for while there is time."""
    case, mode, says = played.cell.case, played.cell.mode, played.says
    if played.error is None:
        return
    passes = says is not Says.NO and case.asked < LIMITS.max_elapsed
    if says is Says.YES or (mode is Mode.ONCE and passes):
        yield f"gave up on what passes: {played.error}"
    may_repeat = says is Says.LATER or (says is Says.NOTHING and not played.cell.operation.is_change)
    has_time = sum(played.waits) + max(case.asked, LONGEST_BACKOFF) < LIMITS.max_elapsed
    if mode is Mode.ALWAYS and may_repeat and has_time and 0 < len(played.hits) < LIMITS.attempts:
        yield f"gave up after {len(played.hits)} requests, although there was time"


def _order(played: Played) -> Iterator[str]:
    """After a change that may have worked, the state is read before a second one."""
    if not played.cell.operation.is_change:
        return
    main = played.main
    for one, following in zip(main, main[1:], strict=False):
        between = [r for r in played.requests if one.number < r.number < following.number]
        was_read = any((r.method, r.path, r.status) == ("GET", LIST, 200) for r in between)
        if one.fault is None:
            yield "a change was sent again after a success"
        elif played.says in (Says.NOTHING, Says.YES) and not was_read:
            yield "a second change where the first may have worked, and the state was not read"
    if played.cell.mode is Mode.READ and played.says is not Says.YES and main:
        yield "a change without having read the state"


def _waits(played: Played) -> Iterator[str]:
    """No wait is shorter than asked, and nothing is started after the time of the call is up."""
    asked, waits = played.cell.case.asked, played.waits
    if any(wait < asked for wait in waits[: len(played.hits)]):
        yield f"waited {min(waits):.1f} seconds where Zuora asked for {asked:.0f}"
    if sum(waits) >= LIMITS.max_elapsed:
        yield f"started something after {sum(waits):.0f} seconds"
    if asked >= LIMITS.max_elapsed and isinstance(played.error, ZuoraError):
        if (played.error.retry_after or 0) < asked:
            yield "the error does not say how long to wait"
        if waits and played.says is not Says.NOTHING:
            yield "waited although Zuora asks for more than the time of the call"


def _in_vain(played: Played) -> Iterator[str]:
    """What cannot succeed is not sent again; a refused token is renewed once."""
    counts = Counter((one.method, one.path) for one in played.hits)
    most = max(counts.values(), default=0)  # reading the state after a change is another request
    if played.says is Says.NO and most > played.cell.case.pages:
        yield f"sent {most} times what cannot succeed"
    if played.says is Says.NO and played.waits:
        yield "waited for what cannot succeed"
    if played.says is Says.NEW_TOKEN and most > 2:
        yield f"sent {most} times with a token that is refused"
    if played.cell.case.asked >= LIMITS.max_elapsed and len(played.main) > 1 and played.says is Says.LATER:
        yield "did not leave a long wait to Airflow"


def _bounds(played: Played) -> Iterator[str]:
    """How many requests there may be, by kind."""
    operation, mode = played.cell.operation, played.cell.mode
    sent = len(played.main)
    may_have_worked = operation.is_change and played.says in (Says.NOTHING, Says.YES)
    most = MAX_CHANGES if may_have_worked else LIMITS.attempts * played.cell.case.pages
    if sent > most:
        yield f"{sent} requests, of which {most} are allowed"
    tokens = len([one for one in played.requests if one.path == TOKEN])
    most = LIMITS.attempts if mode is Mode.TOKEN else 2 if played.says is Says.NEW_TOKEN else 1
    if operation.name != "token" and tokens > most:
        yield f"{tokens} token requests"
    if operation.is_change:
        reads = len([one for one in played.requests if (one.method, one.path) == ("GET", LIST)])
        each = LIMITS.attempts if mode in (Mode.SINCE, Mode.READ) else 1
        if reads > 1 + each * max(sent, 1):
            yield f"read the state {reads} times after {sent} changes"


def _time(played: Played) -> Iterator[str]:
    """The time limit binds a whole exchange, however its bytes arrive."""
    most = 1 + (TIMEOUT + 1) * len(played.hits)
    if played.cell.case.is_late and played.seconds > most:
        yield f"took {played.seconds:.1f} seconds for {len(played.hits)} requests of {TIMEOUT} second each"


RULES = (_outcome, _effect, _next_call, _gave_up, _order, _waits, _in_vain, _bounds, _time)

"""How a change is made that must not be made twice: look, change, and after a lost answer look again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraRuleError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_zuora.hooks.retries import RetryingHook

MAX_CHANGES = 3  # times that a change is sent whose outcome stays unknown

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Found]):
    """
    What came of a change.

    :param before: what was found before anything was sent.
    :param after: what there is now.
    :param changed: whether something was sent.
    :param request_id: Zuora's request id of the change, ``None`` where the answer was lost.
    """

    before: Found
    after: Found
    changed: bool
    request_id: str | None = None


def change_once(
    hook: RetryingHook,
    *,
    find: Callable[[Found | None], Found],
    is_done: Callable[[Found], bool],
    send: Callable[[Found], tuple[Found, str | None]],
) -> Outcome[Found]:
    """
    Make a change unless it is made already; repeat it only after a fresh look.

    :param hook: gives the waits between attempts.
    :param find: looks at the state, and raises where the change is not allowed; it is given what the first
        look found, if this is another one.
    :param is_done: whether nothing is left to do.
    :param send: makes the change of what was found; gives the new state and Zuora's request id.
    :raises ZuoraOutcomeUnknownError: if neither answer nor state tells what became of the change.
    """
    before = find(None)
    lost: list[ZuoraOutcomeUnknownError] = []

    def attempt() -> Outcome[Found]:
        found = _look_again(find, before, lost[-1]) if lost else before
        if is_done(found):
            return Outcome(before, found, changed=bool(lost))
        if len(lost) == MAX_CHANGES:
            raise lost[-1]
        try:
            after, request_id = send(found)
        except ZuoraOutcomeUnknownError as error:
            lost.append(error)
            raise
        except (ZuoraRuleError, ZuoraNotFoundError):
            # Somebody else may have been faster.
            found = _look_again(find, before, lost[-1]) if lost else find(before)
            if not is_done(found):
                raise
            return Outcome(before, found, changed=bool(lost))
        return Outcome(before, after, changed=True, request_id=request_id)

    return hook.retrying(lambda error: error in lost, attempts=MAX_CHANGES + 1)(attempt)


def _look_again(
    find: Callable[[Found | None], Found], before: Found, lost: ZuoraOutcomeUnknownError
) -> Found:
    try:
        return find(before)
    except EntityConnectionStateError:
        raise
    except ZuoraError as error:
        if isinstance(error, ZuoraNotFoundError) and not error.http_status:
            raise  # the list was read, and the connection is not on it
        raise ZuoraOutcomeUnknownError(
            f"{lost} The state could not be read either: {error}",
            retry_after=error.retry_after,
            request_id=lost.request_id,
        ) from error

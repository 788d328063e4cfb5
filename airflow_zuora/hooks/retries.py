"""How a request is sent again: tenacity runs the rule of :func:`airflow_zuora.api.judge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tenacity

from airflow_zuora import api
from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

BACKOFF = tenacity.wait_random_exponential(multiplier=1, max=60)  # seconds


def or_unknown(send: Callable[[], dict[str, Any]], *, repeatable: bool) -> Callable[[], dict[str, Any]]:
    """
    Let a change whose answer is no answer end as one of unknown outcome.

    :param send: sends once.
    :param repeatable: whether sending it twice is harmless.
    """

    def attempt() -> dict[str, Any]:
        try:
            return send()
        except ZuoraError as error:
            if api.judge(error, repeatable=repeatable) is not api.Verdict.OUTCOME_UNKNOWN:
                raise
            raise ZuoraOutcomeUnknownError(
                f"{error} It was sent and its outcome is unknown: look at the state before repeating it.",
                retry_after=error.retry_after,
                request_id=error.request_id,
            ) from error

    return attempt


def retrying(
    again: Callable[[BaseException], bool],
    *,
    attempts: int,
    max_wait: float,
    warn: Callable[..., None],
    before: Callable[[tenacity.RetryCallState], None] = tenacity.before_nothing,
) -> tenacity.Retrying:
    """
    Repeat with waits: as long as Zuora asks, and exponential with jitter where it does not.

    :param again: which errors are worth another attempt.
    :param attempts: how many attempts there are in all.
    :param max_wait: seconds; where Zuora asks for more, the error is raised at once.
    :param warn: logs, before each wait, what happened and how long it is.
    :param before: is called before each attempt; its errors end the whole.
    """

    def log_wait(state: tenacity.RetryCallState) -> None:
        warn("%s Trying again in %.1f seconds", _error(state), state.upcoming_sleep)

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(again),
        stop=lambda state: state.attempt_number >= attempts or _asked_wait(state) > max_wait,
        wait=lambda state: max(_asked_wait(state), BACKOFF(state)),
        before=before,
        before_sleep=log_wait,
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _asked_wait(state: tenacity.RetryCallState) -> float:
    return getattr(_error(state), "retry_after", None) or 0.0

"""How a request is sent again: tenacity runs the rule of :func:`airflow_zuora.api.judge`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tenacity
from airflow.providers.http.hooks.http import HttpHook

from airflow_zuora import api
from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable

BACKOFF = tenacity.wait_random_exponential(multiplier=1, max=60)  # seconds


class RetryingHook(HttpHook):
    """What a hook repeats, how often, and how long it waits."""

    max_attempts: int = 5
    max_wait: float = 300.0  # seconds; a longer wait that Zuora asks for is left to Airflow

    def _retry(
        self,
        send: Callable[[], dict[str, Any]],
        *,
        repeatable: bool,
        before: Callable[[tenacity.RetryCallState], None] = tenacity.before_nothing,
    ) -> dict[str, Any]:
        """Send until Zuora answers, as :func:`airflow_zuora.api.judge` rules."""

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

        return self.retrying(
            lambda error: api.judge(error, repeatable=repeatable) is api.Verdict.AGAIN, before=before
        )(attempt)

    def retrying(
        self,
        again: Callable[[BaseException], bool],
        *,
        attempts: int | None = None,
        before: Callable[[tenacity.RetryCallState], None] = tenacity.before_nothing,
    ) -> tenacity.Retrying:
        """
        Repeat with waits: as long as Zuora asks, and exponential with jitter where it does not.

        :param again: which errors are worth another attempt.
        :param attempts: how many attempts there are in all; ``max_attempts`` if not given.
        :param before: is called before each attempt; its errors end the whole.
        """
        attempts = attempts or self.max_attempts
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(again),
            stop=lambda state: state.attempt_number >= attempts or _asked_wait(state) > self.max_wait,
            wait=lambda state: max(_asked_wait(state), BACKOFF(state)),
            before=before,
            before_sleep=self._log_wait,
            reraise=True,
        )

    def _log_wait(self, state: tenacity.RetryCallState) -> None:
        self.log.warning("%s Trying again in %.1f seconds", _error(state), state.upcoming_sleep)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _asked_wait(state: tenacity.RetryCallState) -> float:
    return getattr(_error(state), "retry_after", None) or 0.0

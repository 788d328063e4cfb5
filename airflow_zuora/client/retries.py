"""When a request is sent again: the retry rule, and the limits on attempts and time."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import tenacity

from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraError,
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraTransportError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BACKOFF = tenacity.wait_random_exponential(multiplier=1, max=60)  # seconds

log = logging.getLogger(__name__)


class Verdict(Enum):
    """What to do after an error."""

    AGAIN = auto()
    NEW_TOKEN = auto()
    OUTCOME_UNKNOWN = auto()
    RAISE = auto()


def judge(error: BaseException, *, repeatable: bool) -> Verdict:
    """
    Apply the retry rule.

    :param error: The outcome of a request.
    :param repeatable: Whether sending it twice is harmless, as for GET and for a token.
    """
    if isinstance(error, (ZuoraNotSentError, ZuoraBusyError)):
        return Verdict.AGAIN
    if isinstance(error, ZuoraAuthError):
        return Verdict.NEW_TOKEN
    if isinstance(error, (ZuoraTransportError, ZuoraServerError, ZuoraResponseError)):
        return Verdict.AGAIN if repeatable else Verdict.OUTCOME_UNKNOWN
    return Verdict.RAISE


def outcome_unknown(error: ZuoraError) -> ZuoraOutcomeUnknownError:
    """Return the error for a change that was sent and got no usable answer."""
    return ZuoraOutcomeUnknownError(
        f"{error} The change was sent and its outcome is unknown: read the state before you repeat it.",
        retry_after=error.retry_after,
        request_id=error.request_id,
    )


@dataclass(frozen=True, slots=True)
class Retries:
    """
    Limits of one call, with all its requests, waits and reads of the state.

    :param attempts: How often one request is sent at most while it is known to have had no effect, or is a
        read. A change whose outcome is unknown is sent again by its own limit, three times in all.
    :param max_elapsed: Seconds after which nothing new is started; a longer wait is left to Airflow.
    """

    attempts: int = 5
    max_elapsed: float = 600.0

    def start(self) -> Budget:
        """Start the clock of a call."""
        return Budget(self, time.monotonic() + self.max_elapsed)


@dataclass(frozen=True, slots=True)
class Budget:
    """
    What is left of the limits of one call.

    :param limits: The limits.
    :param ends_at: When the time is up, in seconds of :func:`time.monotonic`.
    """

    limits: Retries
    ends_at: float

    @property
    def seconds_left(self) -> float:
        """Seconds until nothing new is started."""
        return self.ends_at - time.monotonic()

    def check(self, where: str) -> None:
        """
        Check that there is time left to start a request.

        :param where: The request, for the error.
        :raises ZuoraNotSentError: If the time is up.
        """
        if self.seconds_left <= 0:
            raise ZuoraNotSentError(
                f"{where} was not sent: the call has taken {self.limits.max_elapsed:.0f} seconds, its limit. "
                "The log says what took the time, and the retries of the task can take over."
            )

    def attempts(self, rule: Callable[[BaseException], Verdict], limit: int | None = None) -> Attempts:
        """
        Iterate over the attempts of a request.

        :param rule: What to do after an error.
        :param limit: How many attempts there are at most, instead of the limits' ``attempts``.
        """
        return Attempts(self, rule, limit or self.limits.attempts)


@dataclass(slots=True)
class Attempts:
    """
    The attempts of one request, with the waits between them: ``for attempt in attempts: with attempt: ...``.

    A wait is as long as Zuora asks, or exponential with jitter where it does not. An error that is not worth
    another attempt is raised unchanged. The first refused token does not count as an attempt, unless Zuora
    asks for a wait.

    :param budget: What is left of the call's limits.
    :param rule: What to do after an error.
    :param limit: How many attempts there are at most.
    """

    budget: Budget
    rule: Callable[[BaseException], Verdict]
    limit: int
    was_refused: bool = False
    uncounted: int = 0

    def __iter__(self) -> Iterator[tenacity.AttemptManager]:
        return iter(
            tenacity.Retrying(
                retry=self._is_worthwhile,
                wait=self._wait,
                stop=self._is_over,
                before_sleep=self._log_wait,
                reraise=True,
            )
        )

    def _is_worthwhile(self, state: tenacity.RetryCallState) -> bool:
        error = _error(state)
        if error is None:
            return False
        verdict = self.rule(error)
        if verdict is Verdict.NEW_TOKEN:
            if self.was_refused:
                return False
            self.was_refused = True
            # With a wait it counts: whoever allows one attempt only does not want to wait in this thread.
            self.uncounted = 0 if getattr(error, "retry_after", None) else 1
            return True
        return verdict is Verdict.AGAIN

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = _error(state)
        asked: float = getattr(error, "retry_after", None) or 0.0
        return asked if isinstance(error, ZuoraAuthError) else max(asked, BACKOFF(state))

    def _is_over(self, state: tenacity.RetryCallState) -> bool:
        if state.attempt_number - self.uncounted >= self.limit:
            return True
        if state.upcoming_sleep < self.budget.seconds_left:
            return False
        log.warning(
            "Not trying again: the next attempt is due in %.0f seconds, and %.0f are left of the %.0f for "
            "the whole call. The task's retries can take over.",
            state.upcoming_sleep,
            max(self.budget.seconds_left, 0.0),
            self.budget.limits.max_elapsed,
        )
        return True

    def _log_wait(self, state: tenacity.RetryCallState) -> None:
        error = _error(state)
        if isinstance(error, ZuoraAuthError):
            log.info("Zuora refused the token; asking for a new one.")
        else:
            log.warning("%s Trying again in %.1f seconds.", error, state.upcoming_sleep)


def _error(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None

"""What an error of this package advises Airflow to do next; Airflow asks for it since version 3.3."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowOptionalProviderFeatureException,
)

from airflow_zuora.exceptions import ZuoraError

try:
    from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy
except ImportError as error:
    raise AirflowOptionalProviderFeatureException(
        "ZuoraRetryPolicy needs Airflow 3.3 or later. Leave it out before: without it, too, a task fails at "
        "once where a retry is in vain, and waits for its retry_delay otherwise."
    ) from error

if TYPE_CHECKING:
    from airflow.sdk import Context

MAX_DELAY = 86400.0  # seconds; Zuora's longest limit counts by the day


class ZuoraRetryPolicy(RetryPolicy):
    """
    Fails at once where a retry is in vain, and waits as long as Zuora asked where it is not.

    For any task that uses Zuora, also one that wraps the error in its own (``raise ... from error``)::

        DAG(..., default_args={"retries": 3, "retry_policy": ZuoraRetryPolicy()})

    The wait is never shorter than the task's ``retry_delay``, and never longer than a day. Errors that do not
    come from this package are left to Airflow.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """
        Decide by the first Zuora error among the exception and its causes.

        :param exception: what the task failed with.
        :param try_number: counts from 1; not used, as ``retries`` alone limits the tries.
        :param max_tries: not used either.
        :param context: of the task, for its ``retry_delay``.
        """
        error: BaseException | None = exception
        while error is not None and not isinstance(error, ZuoraError):
            error = error.__cause__
        if isinstance(error, AirflowFailException):
            return RetryDecision.fail(f"{type(error).__name__} does not pass by itself")
        asked = min(getattr(error, "retry_after", None) or 0.0, MAX_DELAY)
        own = context["task"].retry_delay.total_seconds() if context else 0.0
        if asked > own:
            return RetryDecision.retry(timedelta(seconds=asked), f"Zuora asks to wait {asked:.0f} seconds")
        return RetryDecision.default()

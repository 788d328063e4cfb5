from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowOptionalProviderFeatureException

from airflow_zuora import exceptions
from airflow_zuora.exceptions import (
    ZuoraError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRateLimitError,
    ZuoraServerError,
)

try:
    from airflow.sdk.definitions.retry_policy import RetryAction, RetryDecision

    from airflow_zuora.retry_policy import ZuoraRetryPolicy
except ImportError:
    RETRY_POLICIES = False
else:
    RETRY_POLICIES = True

needs_policies = pytest.mark.skipif(not RETRY_POLICIES, reason="Airflow has retry policies since 3.3")
ERRORS = [one for one in vars(exceptions).values() if isinstance(one, type) and issubclass(one, ZuoraError)]


def decide(error: BaseException, own: float = 0) -> RetryDecision:
    context: Any = {"task": SimpleNamespace(retry_delay=timedelta(seconds=own))}
    return ZuoraRetryPolicy().evaluate(error, 1, 3, context)


def wrapped(error: BaseException) -> BaseException:
    """Wrap an error as a task of a user may do."""
    try:
        raise RuntimeError("My task failed") from error
    except RuntimeError as outer:
        return outer


@pytest.mark.skipif(RETRY_POLICIES, reason="for an Airflow without retry policies")
def test_an_older_airflow_is_told_what_to_do() -> None:
    with pytest.raises(AirflowOptionalProviderFeatureException, match=r"needs Airflow 3.3 .*Leave it out"):
        import airflow_zuora.retry_policy  # noqa: F401


@needs_policies
@pytest.mark.parametrize("kind", ERRORS)
def test_what_cannot_succeed_fails_at_once_also_inside_another_error(kind: type[ZuoraError]) -> None:
    in_vain = issubclass(kind, AirflowFailException)
    assert (decide(wrapped(kind("no"))).action is RetryAction.FAIL) == in_vain
    assert (decide(kind("no")).action is RetryAction.FAIL) == in_vain


@needs_policies
@pytest.mark.parametrize("kind", [ZuoraRateLimitError, ZuoraServerError, ZuoraOutcomeUnknownError])
@pytest.mark.parametrize(
    ("asked", "own", "waited"),
    [(301, 0, 301), (301, 300, 301), (301, 301, None), (301, 900, None), (None, 0, None), (0, 0, None)]
    + [(1e300, 60, 86400), (0.5, 0, 0.5)],
)
def test_the_task_waits_as_long_as_zuora_asked_and_no_shorter_than_its_own_delay(
    kind: type[ZuoraError], asked: float | None, own: float, waited: float | None
) -> None:
    for error in (kind("later", retry_after=asked), wrapped(kind("later", retry_after=asked))):
        decision = decide(error, own)
        assert decision.action is (RetryAction.DEFAULT if waited is None else RetryAction.RETRY)
        assert decision.retry_delay == (None if waited is None else timedelta(seconds=waited))


@needs_policies
def test_the_reason_is_for_people() -> None:
    assert decide(ZuoraRateLimitError("x", retry_after=301)).reason == "Zuora asks to wait 301 seconds"
    assert decide(wrapped(ZuoraPermissionError())).reason == "ZuoraPermissionError does not pass by itself"


@needs_policies
def test_other_errors_are_left_to_airflow() -> None:
    for error in (ValueError("x"), wrapped(KeyError("x")), SystemExit(1)):
        assert decide(error) == RetryDecision.default()


@needs_policies
def test_it_works_without_a_context() -> None:
    decision = ZuoraRetryPolicy().evaluate(ZuoraRateLimitError(retry_after=5), 1, 3)
    assert decision.retry_delay == timedelta(seconds=5)

"""What the sensor makes of the end of its deferral."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)

from airflow_zuora import exceptions
from airflow_zuora.exceptions import ZuoraError
from tests.unit.tasks import sensor
from tests.unit.zuora import PLAIN


@pytest.mark.parametrize("soft_fail", [False, True])
def test_a_deferred_wait_ends_with_its_timeout_like_a_poking_one(soft_fail: bool) -> None:
    waiting = sensor(deferrable=True, soft_fail=soft_fail)
    kind = AirflowSkipException if soft_fail else AirflowSensorTimeout
    with pytest.raises(kind):  # what Airflow resumes with when the deferral has lasted too long
        waiting.resume_execution("__fail__", {"error": "Trigger timeout"}, {})


def test_the_event_of_the_trigger_becomes_the_result() -> None:
    waiting = sensor(deferrable=True)
    assert waiting.resume_execution("execute_complete", {"event": {"connection": PLAIN}}, {}) == PLAIN


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        [],
        "connection",
        5,
        {"status": "success"},
        {"connection": None},
        {"connection": {}},
        {"connection": {"connection_id": 1, "status": "Connected"}},
        {"connection": [PLAIN]},
        {"error": None, "message": "x"},
        {"error": "ZuoraError"},
        {"error": "ZuoraError", "message": None},
    ],
    ids=str,
)
def test_an_event_that_is_none_is_no_success(event: Any) -> None:
    with pytest.raises(ZuoraError, match="an event that is none"):
        sensor(deferrable=True).execute_complete({}, event)


ERRORS = [
    value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, ZuoraError)
]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_of_the_trigger_keeps_its_class_and_its_words(kind: type[ZuoraError]) -> None:
    with pytest.raises(kind) as caught:
        sensor(deferrable=True).execute_complete({}, {"error": kind.__name__, "message": "because"})
    assert type(caught.value) is kind
    assert str(caught.value) == "because"


@pytest.mark.parametrize("name", ["AirflowNotFoundException", "KeyError", "annotations", "AirflowException"])
def test_an_error_of_somebody_else_is_named_and_left_to_the_retries(name: str) -> None:
    with pytest.raises(ZuoraError, match=f"^{name}: because$") as caught:
        sensor(deferrable=True).execute_complete({}, {"error": name, "message": "because"})
    assert not isinstance(caught.value, AirflowFailException)

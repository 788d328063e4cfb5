"""What ends a wait means the same whether the sensor pokes, is rescheduled or is deferred."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.exceptions import AirflowRescheduleException
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraPermissionError, ZuoraServerError
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, DISCONNECTED_ID, PENDING_ID
from tests.helpers.tasks import context, sensor
from tests.helpers.zuora import LIST, after_each_page

MODES: dict[str, dict[str, Any]] = {
    "poke": {},
    "reschedule": {"mode": "reschedule"},
    "deferred": {"deferrable": True},
    "deferred, mode reschedule": {"deferrable": True, "mode": "reschedule"},
}
pytestmark = pytest.mark.parametrize("mode", MODES)


def run_to_its_end(waiting: Any) -> Any:
    """
    Run a sensor as Airflow does: again after each rescheduling, and on with the event after a deferral.

    Airflow ends a deferral that lasts too long by itself, and resumes the task with a word about it.
    """
    context_ = context(max_tries=0, start_date=None)
    begun_at = datetime.now(UTC)
    context_["ti"].get_first_reschedule_date = lambda _: begun_at
    while True:
        try:
            return waiting.execute(context_)
        except AirflowRescheduleException:
            continue
        except TaskDeferred as deferred:
            try:
                event = asyncio.run(first_event(deferred))
            except TimeoutError:
                return waiting.resume_execution("__fail__", {"error": "Trigger timeout"}, context_)
            return waiting.resume_execution(deferred.method_name, {"event": event}, context_)


async def first_event(deferred: TaskDeferred) -> Any:
    assert deferred.timeout is not None
    async with asyncio.timeout(deferred.timeout.total_seconds()):
        return (await anext(deferred.trigger.run())).payload


def make(mode: str, **arguments: Any) -> Any:
    return sensor(**MODES[mode], **arguments)


def test_the_status_that_is_reached_is_the_result(zuora_simulator: ZuoraSimulator, mode: str) -> None:
    connections = zuora_simulator.store.connections
    after_each_page(zuora_simulator, lambda _: connections.accept(PENDING_ID, DEFAULT_ENTITY_ID))
    assert run_to_its_end(make(mode))["status"] == "Connected"


@pytest.mark.parametrize("first", [True, False], ids=["at the first look", "later"])
@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({}, EntityConnectionStateError),
        ({"silent_fail": True}, EntityConnectionStateError),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
    ids=str,
)
def test_a_wait_that_can_no_longer_succeed(
    zuora_simulator: ZuoraSimulator, mode: str, option: dict[str, bool], kind: type[Exception], first: bool
) -> None:
    if not first:
        connections, left = zuora_simulator.store.connections, [PENDING_ID]
        after_each_page(zuora_simulator, lambda _: left and connections.deny(left.pop(), DEFAULT_ENTITY_ID))
    with pytest.raises(kind) as caught:
        run_to_its_end(make(mode, connection_id=DISCONNECTED_ID if first else PENDING_ID, **option))
    # Neither is retried by Airflow.
    assert isinstance(caught.value, (AirflowFailException, AirflowSkipException))


@pytest.mark.parametrize("first", [True, False], ids=["at the first look", "later"])
@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({}, ZuoraPermissionError),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSkipException),
    ],
    ids=str,
)
def test_a_permanent_error(
    zuora_simulator: ZuoraSimulator, mode: str, option: dict[str, bool], kind: type[Exception], first: bool
) -> None:
    zuora_simulator.fault("permission", path=LIST, times=None, skip=0 if first else 1)
    with pytest.raises(kind):
        run_to_its_end(make(mode, **option))


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({}, AirflowSensorTimeout),
        ({"soft_fail": True}, AirflowSkipException),
        ({"never_fail": True}, AirflowSensorTimeout),
        ({"silent_fail": True}, AirflowSensorTimeout),
    ],
    ids=str,
)
@pytest.mark.parametrize("timeout", [0, 0.3])
def test_the_timeout(
    zuora_simulator: ZuoraSimulator, mode: str, option: dict[str, bool], kind: type[Exception], timeout: float
) -> None:
    with pytest.raises(kind):
        run_to_its_end(make(mode, timeout=timeout, **option))


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({}, ZuoraServerError),
        ({"soft_fail": True}, ZuoraServerError),
        ({"never_fail": True}, AirflowSkipException),
    ],
    ids=str,
)
def test_an_error_that_is_left_to_the_retries_of_the_task(
    zuora_simulator: ZuoraSimulator,
    waits: list[float],
    mode: str,
    option: dict[str, bool],
    kind: type[Exception],
) -> None:
    zuora_simulator.fault("internal", path=LIST, times=None)
    with pytest.raises(kind) as caught:
        run_to_its_end(make(mode, **option))
    assert not isinstance(caught.value, AirflowFailException)


def test_a_sensor_that_fails_silently_looks_again(
    zuora_simulator: ZuoraSimulator, waits: list[float], mode: str
) -> None:
    zuora_simulator.fault("internal", path=LIST, times=5)  # as often as the hook tries
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    assert run_to_its_end(make(mode, silent_fail=True))["status"] == "Connected"

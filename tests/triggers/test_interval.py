"""Which intervals are refused, and that the sensor and both triggers agree."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger, EntityConnectionTrigger
from airflow_zuora.triggers.interval import check_interval
from tests.triggers.running import event

WRONG = [
    *("x", "30", "", None, True, False, b"30", [30], {}),
    *(0, -5, 0.0, -0.1, float("nan"), float("inf"), 1e300, 10**400),
    *(timedelta(0), timedelta(seconds=-1), timedelta.min),
]


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        (30, 30.0),
        (0.5, 0.5),
        (timedelta(minutes=2), 120.0),
        (86400, 86400.0),
        (timedelta.max, 86399999999999.99),
    ],
)
def test_positive_seconds_and_timedeltas_are_intervals(interval: Any, seconds: float) -> None:
    assert check_interval(interval) == pytest.approx(seconds)
    assert EntityConnectionRequestTrigger(poll_interval=interval).poll_interval == check_interval(interval)


@pytest.mark.parametrize("interval", WRONG, ids=repr)
def test_a_wrong_interval_of_a_watcher_or_a_sensor_is_refused_when_the_dag_is_parsed(interval: Any) -> None:
    with pytest.raises(ZuoraValueError, match="poll_interval must be a positive number of seconds"):
        EntityConnectionRequestTrigger(poll_interval=interval)
    arguments: dict[str, Any] = {"task_id": "wait", "poke_interval": interval}
    for deferrable in (True, False):
        with pytest.raises(ZuoraValueError, match="poke_interval must be a positive number of seconds"):
            EntityConnectionSensor(**arguments, connection_id=PENDING_ID, deferrable=deferrable)
    with pytest.raises(ZuoraValueError, match="poke_interval must be a positive number of seconds"):
        EntityConnectionSensor.partial(**arguments)
    with DAG("d", schedule=None):
        partial = EntityConnectionSensor.partial(task_id="wait", connection_id=PENDING_ID)
        with pytest.raises(ZuoraValueError, match="poke_interval must be a positive number of seconds"):
            partial.expand(poke_interval=[30, interval])
        partial.expand(poke_interval=BaseOperator(task_id="intervals").output)


@pytest.mark.asyncio
@pytest.mark.parametrize("interval", WRONG, ids=repr)
async def test_a_wait_with_a_wrong_interval_ends_before_any_request(
    zuora_simulator: ZuoraSimulator, interval: Any
) -> None:
    # The constructor takes it: an error there would end Airflow's triggerer, with all its triggers.
    trigger = EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=interval)
    (only,) = [one.payload async for one in trigger.run()]
    assert only["error"] == "ZuoraValueError"
    assert "poll_interval" in only["message"]
    assert zuora_simulator.requests() == []


@pytest.mark.asyncio
async def test_an_interval_that_was_changed_afterwards_is_checked_again(
    zuora_simulator: ZuoraSimulator,
) -> None:
    watcher = EntityConnectionRequestTrigger(poll_interval=30)
    watcher.poll_interval = 0
    with pytest.raises(ZuoraValueError, match="poll_interval"):
        await anext(watcher.run())
    assert zuora_simulator.requests() == []


@pytest.mark.asyncio
async def test_a_timedelta_is_an_interval_of_a_wait(zuora_simulator: ZuoraSimulator) -> None:
    assert (await event(connection_id="8a8080", poll_interval=timedelta(hours=1)))["error"]

"""How the sensor ends a deferral, with what the trigger has sent through Airflow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraApiError,
    ZuoraAuthError,
    ZuoraError,
    ZuoraPermissionError,
    ZuoraRequestError,
)
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID
from tests.helpers.patience import PATIENCE
from tests.helpers.tasks import context, sensor
from tests.helpers.zuora import LIST, PLAIN, after_each_page

try:
    from airflow.sdk.exceptions import TaskDeferralError
    from airflow.sdk.serde import deserialize, serialize
except ImportError:  # before Airflow 3.2
    from airflow.exceptions import TaskDeferralError
    from airflow.serialization.serialized_objects import BaseSerialization

    deserialize, serialize = BaseSerialization.deserialize, BaseSerialization.serialize


def wait_through_airflow(waiting: EntityConnectionSensor) -> Any:
    """
    Run a deferrable sensor whose first read does not end the wait.

    The trigger and its event cross to the other process as Airflow sends them: as JSON, then serialized for
    the database.
    """
    with pytest.raises(TaskDeferred) as deferred:
        waiting.execute(context())
    kind = type(deferred.value.trigger)
    _, arguments = deferred.value.trigger.serialize()
    trigger = kind(**deserialize(json.loads(json.dumps(serialize(arguments)))))

    async def first_event() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await anext(trigger.run())

    event = json.loads(asyncio.run(first_event()).model_dump_json())["payload"]
    stored = json.loads(json.dumps(serialize({"event": event})))
    return waiting.resume_execution(deferred.value.method_name, deserialize(stored), context())


def test_the_connection_that_the_trigger_found_is_the_result(zuora_simulator: ZuoraSimulator) -> None:
    connections = zuora_simulator.store.connections
    after_each_page(zuora_simulator, lambda _: connections.accept(PENDING_ID, DEFAULT_ENTITY_ID))
    result = wait_through_airflow(sensor(deferrable=True))
    assert (result["connection_id"], result["status"]) == (PENDING_ID, "Connected")


def refusal(code: int) -> dict[str, Any]:
    return {"success": False, "reasons": [{"code": code, "message": "no"}]}


@pytest.mark.parametrize(
    ("fault", "kind", "facts"),
    [
        (
            {"status": 200, "body": refusal(50000010), "headers": {"Retry-After": "90"}},
            ZuoraPermissionError,
            {"http_status": 200, "code": "50000010", "retry_after": 90.0},
        ),
        (
            {"status": 403, "body": {"message": "Forbidden"}},
            ZuoraPermissionError,
            {"http_status": 403, "code": None, "retry_after": None},
        ),
        (
            {"status": 400, "body": refusal(50000020)},
            ZuoraRequestError,
            {"http_status": 400, "code": "50000020", "retry_after": None},
        ),
        (
            {"status": 401, "body": refusal(90000011), "times": 2},  # the first one only costs a new token
            ZuoraAuthError,
            {"http_status": 401, "code": "90000011", "retry_after": None},
        ),
    ],
    ids=["HTTP 200", "403", "400", "401"],
)
def test_the_task_raises_the_error_of_the_trigger_with_its_facts(
    zuora_simulator: ZuoraSimulator, fault: dict[str, Any], kind: type[ZuoraApiError], facts: dict[str, Any]
) -> None:
    zuora_simulator.fault(**fault, path=LIST, skip=1)
    with pytest.raises(ZuoraApiError) as caught:
        wait_through_airflow(sensor(deferrable=True))
    error = caught.value
    assert type(error) is kind
    assert {name: getattr(error, name) for name in facts} == facts
    assert error.request_id == zuora_simulator.requests("GET", LIST)[-1].request_id
    assert zuora_simulator.url in str(error)
    assert isinstance(error, AirflowFailException)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda store: store.deny(PENDING_ID, DEFAULT_ENTITY_ID), EntityConnectionStateError),
        (lambda store: store.remove(PENDING_ID), EntityConnectionNotFoundError),
    ],
    ids=["denied", "removed"],
)
def test_a_wait_that_can_no_longer_succeed_fails_the_task_without_retry(
    zuora_simulator: ZuoraSimulator, change: Any, kind: type[ZuoraError]
) -> None:
    left = [change]
    after_each_page(zuora_simulator, lambda _: left and left.pop()(zuora_simulator.store.connections))
    with pytest.raises(kind, match=PENDING_ID) as caught:
        wait_through_airflow(sensor(deferrable=True))
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    ("option", "kind"),
    [({}, ZuoraError), ({"soft_fail": True}, ZuoraError), ({"never_fail": True}, AirflowSkipException)],
    ids=str,
)
def test_an_error_of_the_trigger_that_may_go_away_is_left_to_the_retries_where_a_poking_sensor_does_so(
    option: dict[str, bool], kind: type[Exception]
) -> None:
    event = {"error": "OSError", "message": "Airflow's API does not answer"}
    with pytest.raises(kind):
        sensor(deferrable=True, **option).resume_execution("execute_complete", {"event": event}, context())


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ({}, TaskDeferralError),
        ({"soft_fail": True}, TaskDeferralError),
        ({"never_fail": True}, AirflowSkipException),
    ],
    ids=str,
)
def test_a_trigger_that_fails_is_left_to_the_retries(option: dict[str, bool], kind: type[Exception]) -> None:
    failure = {"error": "Trigger failure", "traceback": ["KeyError"]}
    with pytest.raises(kind):
        sensor(deferrable=True, **option).resume_execution("__fail__", failure, context())


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
def test_an_unexpected_event_is_an_error(event: Any) -> None:
    with pytest.raises(ZuoraError, match="unexpected event"):
        sensor(deferrable=True).execute_complete({}, event)


@pytest.mark.parametrize("name", ["AirflowNotFoundException", "KeyError", "annotations", "AirflowException"])
def test_an_error_of_another_package_is_named_and_left_to_the_retries(name: str) -> None:
    with pytest.raises(ZuoraError, match=f"^{name}: because$") as caught:
        sensor(deferrable=True).execute_complete({}, {"error": name, "message": "because"})
    assert not isinstance(caught.value, AirflowFailException)

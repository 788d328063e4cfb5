"""EntityConnectionSensor, in a worker and up to its deferral."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraServerError,
    ZuoraValueError,
)
from airflow_zuora.models import EntityConnectionStatus, entity_uuid
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CANADA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    EMEA_ENTITY_ID,
    PENDING_ID,
    UK_ENTITY_ID,
)
from tests.helpers.tasks import context, sensor
from tests.helpers.zuora import PLAIN, after_each_page, fill, reads, shift_the_list

MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["poke", "deferred"])


def run(waiting: EntityConnectionSensor, **facts: Any) -> Any:
    return waiting.execute(context(**{"max_tries": 0, "start_date": None, **facts}))


def after_reads(simulator: ZuoraSimulator, number: int, happens: Callable[[], object]) -> None:
    """Let something happen in Zuora when the list was read a number of times."""
    after_each_page(simulator, lambda _: happens() if reads(simulator) == number else None)


@MODES
@pytest.mark.parametrize(
    "which",
    [
        {"connection_id": CONNECTED_ID},
        {"source_entity": EMEA_ENTITY_ID},
        {"source_entity": entity_uuid(EMEA_ENTITY_ID).upper()},
        {"source_entity": EMEA_ENTITY_ID, "target_entity": "*", "connection_id": "*"},
        {"target_entity": DEFAULT_ENTITY_ID},
    ],
    ids=str,
)
def test_a_status_that_is_reached_already_is_returned_after_one_read(
    zuora_simulator: ZuoraSimulator, which: dict[str, str], deferrable: bool
) -> None:
    assert run(sensor(**which, deferrable=deferrable)) == PLAIN
    assert reads(zuora_simulator) == 1


@MODES
def test_the_statuses_may_be_an_enumeration_and_the_list_another_entitys(
    zuora_simulator: ZuoraSimulator, deferrable: bool
) -> None:
    result = run(
        sensor(
            connection_id=CONNECTED_ID,
            statuses={EntityConnectionStatus.CONNECTED, EntityConnectionStatus.DISCONNECTED},
            entity_id=EMEA_ENTITY_ID,
            deferrable=deferrable,
        )
    )
    assert result == PLAIN
    (get,) = zuora_simulator.requests("GET")
    assert get.headers["zuora-entity-ids"] == entity_uuid(EMEA_ENTITY_ID)


def test_it_pokes_until_the_status_is_reached(zuora_simulator: ZuoraSimulator) -> None:
    connections = zuora_simulator.store.connections
    after_reads(zuora_simulator, 2, lambda: connections.accept(PENDING_ID, DEFAULT_ENTITY_ID))
    assert run(sensor())["status"] == "Connected"
    assert reads(zuora_simulator) == 3
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


def test_a_request_that_does_not_exist_yet_is_waited_for_by_its_source(
    zuora_simulator: ZuoraSimulator,
) -> None:
    send = zuora_simulator.send_request
    after_reads(zuora_simulator, 2, lambda: send(UK_ENTITY_ID, DEFAULT_ENTITY_ID))
    result = run(sensor(source_entity=UK_ENTITY_ID, statuses=["Pending"]))
    assert (result["source_entity_id"], result["status"]) == (UK_ENTITY_ID, "Pending")


@MODES
@pytest.mark.parametrize(
    ("which", "statuses"),
    [
        ({"connection_id": DISCONNECTED_ID}, ["Connected"]),
        ({"connection_id": CONNECTED_ID}, ["Pending"]),
        ({"source_entity": CANADA_ENTITY_ID}, ["Connected"]),
    ],
)
def test_a_wait_that_can_no_longer_succeed_fails_at_once_without_retry(
    zuora_simulator: ZuoraSimulator, which: dict[str, str], statuses: list[str], deferrable: bool
) -> None:
    with pytest.raises(EntityConnectionStateError) as caught:
        run(sensor(**which, statuses=statuses, poke_interval=60, deferrable=deferrable))
    assert isinstance(caught.value, AirflowFailException)
    assert reads(zuora_simulator) == 2


def test_a_denial_ends_the_wait(zuora_simulator: ZuoraSimulator) -> None:
    connections = zuora_simulator.store.connections
    after_reads(zuora_simulator, 1, lambda: connections.deny(PENDING_ID, DEFAULT_ENTITY_ID))
    with pytest.raises(EntityConnectionStateError, match="Disconnected"):
        run(sensor())


def test_a_connection_that_is_removed_ends_the_wait(zuora_simulator: ZuoraSimulator) -> None:
    after_reads(zuora_simulator, 2, lambda: zuora_simulator.store.connections.remove(PENDING_ID))
    with pytest.raises(EntityConnectionNotFoundError, match=PENDING_ID) as caught:
        run(sensor())
    assert isinstance(caught.value, AirflowFailException)
    assert reads(zuora_simulator) == 4


@MODES
@pytest.mark.parametrize("by_source", [False, True])
def test_a_row_that_moves_to_a_page_already_read_does_not_fail_the_wait(
    zuora_simulator: ZuoraSimulator, by_source: bool, deferrable: bool
) -> None:
    fill(zuora_simulator, 299)  # and one outbound: the first page is full
    new = zuora_simulator.store.connections.add(
        CANADA_ENTITY_ID, DEFAULT_ENTITY_ID, EntityConnectionStatus.CONNECTED
    ).id  # the one of Canada that is on the first page is Disconnected
    shift_the_list(zuora_simulator, CONNECTED_ID)
    which = {"source_entity": CANADA_ENTITY_ID} if by_source else {"connection_id": new}
    assert run(sensor(**which, deferrable=deferrable))["connection_id"] == new
    assert reads(zuora_simulator) == 3


@pytest.mark.parametrize("soft_fail", [False, True])
def test_poking_ends_with_its_timeout(zuora_simulator: ZuoraSimulator, soft_fail: bool) -> None:
    kind = AirflowSkipException if soft_fail else AirflowSensorTimeout
    with pytest.raises(kind):
        run(sensor(timeout=0.15, soft_fail=soft_fail))
    assert reads(zuora_simulator) in range(1, 6)


def test_deferring_hands_over_what_is_waited_for_and_the_time_limit(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(TaskDeferred) as caught:
        run(sensor(deferrable=True, timeout=timedelta(hours=2), poke_interval=timedelta(minutes=3)))
    deferred = caught.value
    assert deferred.method_name == "execute_complete"
    assert timedelta(hours=1.9) < deferred.timeout < timedelta(hours=2)  # it counts from the first look
    assert deferred.trigger.serialize() == (
        "airflow_zuora.triggers.entity_connection.EntityConnectionTrigger",
        {
            "zuora_conn_id": "zuora_default",
            "entity_id": None,
            "connection_id": PENDING_ID,
            "source_entity_id": None,
            "target_entity_id": None,
            "statuses": ["Connected"],
            "poll_interval": 180.0,
        },
    )
    assert reads(zuora_simulator) == 1


@MODES
def test_a_temporary_error_is_left_to_the_retries_of_the_task(
    zuora_simulator: ZuoraSimulator, waits: list[float], deferrable: bool
) -> None:
    zuora_simulator.fault("internal", times=None)
    with pytest.raises(ZuoraServerError) as caught:
        run(sensor(deferrable=deferrable))
    assert not isinstance(caught.value, AirflowFailException)


@MODES
@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"connection_id": None}, "Give connection_id, source_entity or target_entity"),
        ({"connection_id": "a/b"}, "connection_id"),
        ({"connection_id": PENDING_ID, "target_entity": "Acme Germany"}, "Give either connection_id, or"),
        ({"source_entity": ""}, "entity"),
        ({"target_entity": True}, "entity"),
        ({"entity_id": ""}, "entity_id"),
        ({"statuses": "Connected"}, "statuses"),
        ({"statuses": ()}, "statuses"),
        ({"statuses": ["Denied"]}, "status"),
        ({"connection_id": "{{ x }}", "statuses": ["Denied"]}, "status"),
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(
    arguments: dict[str, Any], name: str, deferrable: bool
) -> None:
    with pytest.raises(ZuoraValueError, match=name):
        sensor(**arguments, deferrable=deferrable)


@pytest.mark.parametrize(
    ("which", "name"),
    [
        ({"connection_id": PENDING_ID}, PENDING_ID),
        ({"connection_id": "*", "source_entity": "Acme US"}, "Acme US to *"),
        ({"source_entity": "Acme US", "target_entity": "Acme UK"}, "Acme US to Acme UK"),
    ],
)
def test_a_mapped_sensor_is_named_after_what_it_waits_for(which: dict[str, str], name: str) -> None:
    assert sensor(**which).instance_name == name


@MODES
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"connection_id": "../x"}, "connection_id must be an id"),
        ({"connection_id": None}, "connection_id was given"),
        ({"source_entity": None}, "source_entity was given"),
        ({"target_entity": ""}, "target_entity was given"),
        ({"entity_id": None}, "entity_id was given"),
        ({"zuora_conn_id": None}, "zuora_conn_id was given"),
        ({"connection_id": "*", "source_entity": "*", "target_entity": "*"}, "Give either connection_id, or"),
        ({"connection_id": PENDING_ID, "source_entity": UK_ENTITY_ID}, "Give either connection_id, or"),
    ],
    ids=str,
)
def test_a_value_that_is_wrong_or_missing_when_the_task_runs_fails_at_once(
    zuora_simulator: ZuoraSimulator, given: dict[str, Any], words: str, deferrable: bool
) -> None:
    values = {"connection_id": "*", "source_entity": EMEA_ENTITY_ID, "target_entity": "*", **given}
    values = {"entity_id": DEFAULT_ENTITY_ID, "zuora_conn_id": "zuora_default", **values}
    waiting = sensor(**{name: f"{{{{ {name} }}}}" for name in values}, deferrable=deferrable)
    for name, value in values.items():
        setattr(waiting, name, value)  # as rendering does, whatever type a template gives
    with pytest.raises(ZuoraValueError, match=words) as caught:
        run(waiting)
    assert isinstance(caught.value, AirflowFailException)
    assert reads(zuora_simulator) == 0

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
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraNotFoundError,
    ZuoraServerError,
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
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.unit.tasks import context, sensor
from tests.unit.zuora import PLAIN, after_each_page, fill, reads, shift_the_list

MODES = pytest.mark.parametrize("deferrable", [False, True], ids=["poke", "deferred"])


def run(waiting: EntityConnectionSensor, **facts: Any) -> Any:
    return waiting.execute(context(**{"max_tries": 0, "start_date": None, **facts}))


def after_reads(simulator: ZuoraSimulator, number: int, happens: Callable[[], object]) -> None:
    """Let something happen in Zuora once the list was read so many times."""
    after_each_page(simulator, lambda _: happens() if reads(simulator) == number else None)


@MODES
@pytest.mark.parametrize(
    "which",
    [
        {"connection_id": CONNECTED_ID},
        {"source_entity_id": EMEA_ENTITY_ID},
        {"source_entity_id": entity_uuid(EMEA_ENTITY_ID).upper()},
    ],
    ids=str,
)
def test_what_is_reached_already_is_given_as_plain_data_with_one_read(
    zuora_simulator: ZuoraSimulator, which: dict[str, str], deferrable: bool
) -> None:
    assert run(sensor(**which, deferrable=deferrable)) == PLAIN
    assert reads(zuora_simulator) == 1


@MODES
def test_the_statuses_may_be_the_enumeration_and_the_look_from_another_entity(
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


def test_it_pokes_until_the_connection_is_there(zuora_simulator: ZuoraSimulator) -> None:
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
    result = run(sensor(source_entity_id=UK_ENTITY_ID, statuses=["Pending"]))
    assert (result["source_entity_id"], result["status"]) == (UK_ENTITY_ID, "Pending")


@MODES
@pytest.mark.parametrize(
    ("which", "statuses"),
    [
        ({"connection_id": DISCONNECTED_ID}, ["Connected"]),
        ({"connection_id": CONNECTED_ID}, ["Pending"]),
        ({"source_entity_id": CANADA_ENTITY_ID}, ["Connected"]),
    ],
)
def test_a_wait_in_vain_fails_at_once_and_is_not_retried(
    zuora_simulator: ZuoraSimulator, which: dict[str, str], statuses: list[str], deferrable: bool
) -> None:
    with pytest.raises(EntityConnectionStateError, match="is in vain") as caught:
        run(sensor(**which, statuses=statuses, poke_interval=60, deferrable=deferrable))
    assert isinstance(caught.value, AirflowFailException)
    assert reads(zuora_simulator) == 2


def test_a_denial_ends_the_wait(zuora_simulator: ZuoraSimulator) -> None:
    connections = zuora_simulator.store.connections
    after_reads(zuora_simulator, 1, lambda: connections.deny(PENDING_ID, DEFAULT_ENTITY_ID))
    with pytest.raises(EntityConnectionStateError, match="is Disconnected"):
        run(sensor())


def test_a_connection_that_vanishes_ends_the_wait(zuora_simulator: ZuoraSimulator) -> None:
    after_reads(zuora_simulator, 2, lambda: zuora_simulator.store.connections.remove(PENDING_ID))
    with pytest.raises(ZuoraNotFoundError, match=f"{PENDING_ID} is not, or no longer, on the list") as caught:
        run(sensor())
    assert isinstance(caught.value, AirflowFailException)
    assert reads(zuora_simulator) == 4


@MODES
@pytest.mark.parametrize("by_source", [False, True])
def test_a_row_that_slips_between_two_pages_does_not_fail_the_wait(
    zuora_simulator: ZuoraSimulator, by_source: bool, deferrable: bool
) -> None:
    fill(zuora_simulator, 299)  # and one outbound: the first page is full
    new = zuora_simulator.store.connections.add(
        CANADA_ENTITY_ID, DEFAULT_ENTITY_ID, EntityConnectionStatus.CONNECTED
    ).id  # the one of Canada that is on the first page is Disconnected
    shift_the_list(zuora_simulator, CONNECTED_ID)
    which = {"source_entity_id": CANADA_ENTITY_ID} if by_source else {"connection_id": new}
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
    assert deferred.timeout == timedelta(hours=2)
    assert deferred.trigger.serialize() == (
        "airflow_zuora.triggers.entity_connection.EntityConnectionTrigger",
        {
            "zuora_conn_id": "zuora_default",
            "entity_id": None,
            "connection_id": PENDING_ID,
            "source_entity_id": None,
            "statuses": ["Connected"],
            "poll_interval": 180.0,
        },
    )
    assert reads(zuora_simulator) == 1


@MODES
def test_an_error_that_passes_is_left_to_the_retries(
    zuora_simulator: ZuoraSimulator, waits: list[float], deferrable: bool
) -> None:
    zuora_simulator.fault("internal", times=None)
    with pytest.raises(ZuoraServerError) as caught:
        run(sensor(deferrable=deferrable))
    assert not isinstance(caught.value, AirflowFailException)


@MODES
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"connection_id": None}, "either connection_id or source_entity_id"),
        ({"source_entity_id": SOURCE_ENTITY_ID, "connection_id": "{{ x }}"}, "either connection_id or"),
        ({"connection_id": "a/b"}, "connection_id"),
        ({"source_entity_id": "Acme"}, "source_entity_id"),
        ({"entity_id": ""}, "entity_id"),
        ({"statuses": "Connected"}, "list of statuses"),
        ({"statuses": ()}, "list of statuses"),
        ({"statuses": ["Denied"]}, "status must be one of"),
        ({"connection_id": "{{ x }}", "statuses": ["Denied"]}, "status must be one of"),
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(
    arguments: dict[str, Any], words: str, deferrable: bool
) -> None:
    with pytest.raises(ZuoraConfigError, match=words):
        sensor(**arguments, deferrable=deferrable)


@MODES
def test_templates_are_rendered_and_their_wrong_values_fail_at_once(
    zuora_simulator: ZuoraSimulator, deferrable: bool
) -> None:
    waiting = sensor(
        connection_id="{{ params.id }}", zuora_conn_id="{{ params.conn }}", deferrable=deferrable
    )
    assert {"connection_id", "source_entity_id", "zuora_conn_id", "entity_id"} <= set(waiting.template_fields)
    waiting.render_template_fields({"params": {"id": "../x", "conn": "zuora_default"}})
    assert waiting.zuora_conn_id == "zuora_default"
    with pytest.raises(AirflowFailException, match="connection_id must be an id"):
        run(waiting)

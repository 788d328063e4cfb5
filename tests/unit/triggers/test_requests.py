"""EntityConnectionRequestTrigger: new requests become events, once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseEventTrigger

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraPermissionError
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
)
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger
from tests.unit.triggers.conftest import Start, Watched, until
from tests.unit.zuora import LIST, fill, reads, shift_the_list

PATH = "airflow_zuora.triggers.entity_connection.EntityConnectionRequestTrigger"
pytestmark = pytest.mark.asyncio


class StateStore:
    """Stands in for Airflow's asset state store, which lives in its database."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.writes = 0

    @property
    def announced(self) -> set[str]:
        return set(self.state.get("announced", []))

    async def aget(self, key: str, default: Any = None) -> Any:
        return self.state.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self.writes += 1
        self.state[key] = value


def watcher(store: StateStore | None = None, **arguments: Any) -> EntityConnectionRequestTrigger:
    trigger = EntityConnectionRequestTrigger(**{"poll_interval": 0.05, **arguments})
    if store is not None:
        trigger.asset_state_store = store  # as a triggerer of Airflow 3.3 does
    return trigger


def ids(payloads: list[Any]) -> list[str]:
    return [payload["connection_id"] for payload in payloads]


async def some_reads(simulator: ZuoraSimulator, number: int = 3) -> None:
    wanted = reads(simulator) + number
    await until(lambda: reads(simulator) >= wanted)


async def announced(simulator: ZuoraSimulator, seen: Watched, number: int) -> list[str]:
    """Wait for so many announcements, and long enough for one too many."""
    await until(lambda: len(seen) >= number)
    await some_reads(simulator)
    return ids(seen)


async def test_it_serializes_to_its_class_and_its_arguments_and_comes_back() -> None:
    given = {"zuora_conn_id": "zuora_eu", "entity_id": UK_ENTITY_ID, "poll_interval": 5.0}
    assert EntityConnectionRequestTrigger(**given).serialize() == (PATH, given)
    defaults = {"zuora_conn_id": "zuora_default", "entity_id": None, "poll_interval": 60.0}
    assert EntityConnectionRequestTrigger().serialize() == (PATH, defaults)
    assert Trigger(classpath=PATH, kwargs=given).kwargs == given


async def test_equal_watchers_are_one_for_airflow() -> None:
    hashes = {BaseEventTrigger.hash(*watcher(entity_id=id_).serialize()) for id_ in (None, UK_ENTITY_ID) * 2}
    assert len(hashes) == 2


async def test_each_pending_inbound_request_is_one_event_with_ids_and_names(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = start(watcher())
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
    assert seen[0] == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "source_name": "Acme Corporation",
        "target_entity_id": DEFAULT_ENTITY_ID,
        "target_name": "Acme Germany",
        "status": "Pending",
    }
    assert not {OUTBOUND_ID, CONNECTED_ID, DISCONNECTED_ID} & set(ids(seen))
    assert len(zuora_simulator.requests("GET", "/v1/entities*")) == 1


async def test_a_new_request_is_announced_once_when_it_comes(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = start(watcher())
    await announced(zuora_simulator, seen, 3)
    zuora_simulator.send_request(DEFAULT_ENTITY_ID, UK_ENTITY_ID)
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    await until(lambda: len(seen) > 3)
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    assert await announced(zuora_simulator, seen, 4) == [*PENDING_IDS, new]
    assert seen[-1]["source_name"] == "Acme UK"


async def test_it_may_watch_another_entity(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    seen = start(watcher(entity_id=FRANCE_ENTITY_ID))
    assert await announced(zuora_simulator, seen, 1) == [OUTBOUND_ID]


@pytest.mark.parametrize("reinitiate", ["new", "same"])
@pytest.mark.parametrize("deny_result", ["disconnected", "removed"])
async def test_a_request_that_was_denied_and_comes_again_is_announced_again(
    zuora_simulator: ZuoraSimulator, start: Start, reinitiate: str, deny_result: str
) -> None:
    zuora_simulator.settings.update({"reinitiate": reinitiate, "deny_result": deny_result})
    store = StateStore()
    seen = start(watcher(store))
    await until(lambda: store.announced == set(PENDING_IDS))
    zuora_simulator.store.connections.deny(PENDING_ID, DEFAULT_ENTITY_ID)
    await until(lambda: PENDING_ID not in store.announced)
    again = zuora_simulator.send_request(SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert await announced(zuora_simulator, seen, 4) == [*PENDING_IDS, again]


async def test_what_was_announced_survives_a_restart_with_the_store(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    store = StateStore()
    first = start(watcher(store))
    await until(lambda: store.writes)
    await first.stop()
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    second = start(watcher(store))
    assert await announced(zuora_simulator, second, 1) == [new]
    assert ids(first) == list(PENDING_IDS)
    assert store.state == {"announced": sorted([*PENDING_IDS, new])}
    assert store.writes == 2


async def test_without_the_store_a_restart_announces_what_is_pending_once_more(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    for _ in range(2):
        seen = start(watcher())
        assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
        await seen.stop()


@pytest.mark.parametrize("stored", [None, []])
async def test_an_empty_store_announces_all(
    zuora_simulator: ZuoraSimulator, start: Start, stored: Any
) -> None:
    store = StateStore()
    store.state["announced"] = stored
    seen = start(watcher(store))
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)


async def test_a_watcher_of_several_assets_announces_all_though_it_cannot_note_it(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    class StoreOfSeveral(StateStore):
        async def aget(self, key: str, default: Any = None) -> Any:
            raise ValueError("Task has 2 concrete inlets and outlets")  # as Airflow 3.3 does

    watched = start(watcher(StoreOfSeveral()))
    await until(lambda: len(watched) == len(PENDING_IDS))


async def test_what_is_over_is_forgotten_so_that_the_store_does_not_grow(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.settings.update({"deny_result": "removed"})
    store, connections = StateStore(), zuora_simulator.store.connections
    start(watcher(store))
    await until(lambda: store.announced == set(PENDING_IDS))
    connections.accept(PENDING_IDS[0], DEFAULT_ENTITY_ID)
    connections.deny(PENDING_IDS[1], DEFAULT_ENTITY_ID)
    await until(lambda: store.announced == {PENDING_IDS[2]})


async def test_a_row_that_slips_between_two_pages_is_not_announced_again(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    fill(zuora_simulator, 299)  # and one outbound: the first page is full
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    seen = start(watcher(StateStore()))
    await until(lambda: new in ids(seen))
    with zuora_simulator.store.lock:
        shift_the_list(zuora_simulator, CONNECTED_ID)
    await some_reads(zuora_simulator, 6)
    assert ids(seen).count(new) == 1
    assert len(seen) == len(set(ids(seen)))


async def test_watchers_and_waits_of_an_entity_share_one_poll(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = [start(watcher(poll_interval=60)) for _ in range(5)]
    await until(lambda: all(len(one) == 3 for one in seen))
    await asyncio.sleep(0.05)
    assert reads(zuora_simulator) == 1


@pytest.mark.parametrize(
    "fault", [{"named": "permission"}, {"status": 503}, {"body": {"entities": [], "success": True}}], ids=str
)
async def test_where_the_names_cannot_be_read_the_ids_stand_for_them(
    zuora_simulator: ZuoraSimulator, start: Start, fault: dict[str, Any]
) -> None:
    zuora_simulator.fault(**fault, method="GET", path="/v1/entities*")
    seen = start(watcher())
    await until(lambda: len(seen) == 3)
    assert (seen[0]["source_name"], seen[0]["target_name"]) == (SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)


async def test_an_error_that_passes_is_waited_out(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    zuora_simulator.fault("html", times=2)
    seen = start(watcher())
    await until(lambda: len(seen) == 3)


async def test_an_error_for_good_ends_it_and_is_raised_for_the_triggerers_log(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("permission")
    seen = start(watcher(poll_interval=0.2))
    with pytest.raises(ZuoraPermissionError):
        await seen.task
    (read,) = zuora_simulator.requests("GET", LIST)
    assert time.time() - read.time > 0.18  # as Airflow starts it again at once
    other = start(watcher(entity_id="Acme"))
    with pytest.raises(ZuoraConfigError, match="entity_id"):
        await other.task
    assert seen == other == []


async def test_a_status_that_zuora_adds_later_is_no_request(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    row = {"id": "8a1", "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    body = {"entityConnections": [{**row, "status": "Draft"}], "success": True}
    zuora_simulator.fault(method="GET", body=body, times=2)
    seen = start(watcher())
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
    assert {payload["status"] for payload in seen} == {str(EntityConnectionStatus.PENDING)}

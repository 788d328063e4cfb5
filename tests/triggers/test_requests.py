"""EntityConnectionRequestTrigger: the new requests of a look become one event, and are announced once."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseEventTrigger

from airflow_zuora.exceptions import ZuoraValueError
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
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger, EntityConnectionTrigger
from tests.helpers.zuora import LIST, fill, reads, shift_the_list
from tests.triggers.conftest import Start
from tests.triggers.running import Running, nothing_is_left, until

PATH = "airflow_zuora.triggers.entity_connection.EntityConnectionRequestTrigger"
pytestmark = pytest.mark.asyncio


class StateStore:
    """
    A substitute for Airflow's asset state store, which is kept in Airflow's database.

    :ivar failures: What the next calls raise.
    """

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.writes = 0
        self.failures: list[Exception] = []

    @property
    def announced(self) -> set[str]:
        return set(self.state.get("announced", []))

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.failures:
            raise self.failures.pop(0)
        return self.state.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.writes += 1
        self.state[key] = value


def outage(number: int) -> list[Exception]:
    """Failures of several calls; a malformed answer is a ValueError, as is what Airflow raises for good."""
    return [json.JSONDecodeError("no JSON", "", 0) if odd % 2 else OSError("down") for odd in range(number)]


def watcher(store: StateStore | None = None, **arguments: Any) -> EntityConnectionRequestTrigger:
    trigger = EntityConnectionRequestTrigger(**{"poll_interval": 0.05, **arguments})
    if store is not None:
        trigger.asset_state_store = store  # as the triggerer of Airflow 3.3 does
    return trigger


def ids(payloads: list[Any]) -> list[str]:
    return [request["connection_id"] for payload in payloads for request in payload["requests"]]


async def some_reads(simulator: ZuoraSimulator, number: int = 3) -> None:
    wanted = reads(simulator) + number
    await until(lambda: reads(simulator) >= wanted)


async def announced(simulator: ZuoraSimulator, seen: Running, number: int) -> list[str]:
    """Wait for a number of announcements, and long enough to see one too many."""
    await until(lambda: len(ids(seen)) >= number)
    await some_reads(simulator)
    return ids(seen)


async def test_it_serializes_to_its_class_and_its_arguments_and_back() -> None:
    given = {"zuora_conn_id": "zuora_eu", "entity_id": UK_ENTITY_ID, "poll_interval": 5.0}
    assert EntityConnectionRequestTrigger(**given).serialize() == (PATH, given)
    defaults = {"zuora_conn_id": "zuora_default", "entity_id": None, "poll_interval": 60.0}
    assert EntityConnectionRequestTrigger().serialize() == (PATH, defaults)
    assert Trigger(classpath=PATH, kwargs=given).kwargs == given


async def test_airflow_runs_one_trigger_for_equal_watchers() -> None:
    hashes = {BaseEventTrigger.hash(*watcher(entity_id=id_).serialize()) for id_ in (None, UK_ENTITY_ID) * 2}
    assert len(hashes) == 2


async def test_all_pending_inbound_requests_of_a_look_are_one_event_with_ids_and_names(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = start(watcher())
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
    (payload,) = seen
    assert payload["requests"][0] == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "source_name": "Acme Corporation",
        "target_entity_id": DEFAULT_ENTITY_ID,
        "target_name": "Acme Germany",
        "status": "Pending",
    }
    assert json.loads(json.dumps(payload)) == payload
    assert not {OUTBOUND_ID, CONNECTED_ID, DISCONNECTED_ID} & set(ids(seen))
    assert len(zuora_simulator.requests("GET", "/v1/entities*")) == 1


async def test_five_hundred_requests_that_arrive_together_are_one_event(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    fill(zuora_simulator, 502)
    seen = start(watcher())
    assert len(set(await announced(zuora_simulator, seen, 500))) == 500
    assert len(seen) == 1


async def test_a_new_request_is_announced_once_when_it_comes(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = start(watcher())
    await announced(zuora_simulator, seen, 3)
    zuora_simulator.send_request(DEFAULT_ENTITY_ID, UK_ENTITY_ID)
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    await until(lambda: len(seen) > 1)
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    assert await announced(zuora_simulator, seen, 4) == [*PENDING_IDS, new]
    assert seen[-1]["requests"][0]["source_name"] == "Acme UK"


async def test_it_can_watch_another_entity(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    seen = start(watcher(entity_id=FRANCE_ENTITY_ID))
    assert await announced(zuora_simulator, seen, 1) == [OUTBOUND_ID]


@pytest.mark.parametrize("reinitiate", ["new", "same"])
@pytest.mark.parametrize("deny_result", ["disconnected", "removed"])
async def test_a_request_that_was_denied_and_is_sent_again_is_announced_again(
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


async def test_with_the_store_a_restart_announces_only_what_is_new(
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
    await until(lambda: store.writes == 2)
    assert store.state == {"announced": sorted([*PENDING_IDS, new])}


async def test_a_store_that_fails_when_it_is_read_does_not_bring_old_requests_back(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    store = StateStore()
    store.state["announced"] = list(PENDING_IDS)
    store.failures = outage(4)  # more than are tried at once
    seen = start(watcher(store))
    await until(lambda: not store.failures)
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert await announced(zuora_simulator, seen, 1) == [new]


@pytest.mark.parametrize("failures", [1, 4])
async def test_a_store_that_fails_when_it_is_written_is_written_again(
    zuora_simulator: ZuoraSimulator, start: Start, failures: int
) -> None:
    store = StateStore()
    first = start(watcher(store))
    await until(lambda: first)
    store.failures = outage(failures)
    await until(lambda: store.announced == set(PENDING_IDS))
    await first.stop()
    second = start(watcher(store))
    await some_reads(zuora_simulator)
    assert (ids(first), ids(second)) == (list(PENDING_IDS), [])


async def test_without_the_store_a_restart_announces_all_pending_requests_again(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    for _ in range(2):
        seen = start(watcher())
        assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
        await seen.stop()


@pytest.mark.parametrize("stored", [None, [], [5, None], 5])
async def test_with_an_empty_store_all_pending_requests_are_announced(
    zuora_simulator: ZuoraSimulator, start: Start, stored: Any
) -> None:
    store = StateStore()
    store.state["announced"] = stored
    seen = start(watcher(store))
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)


async def test_a_watcher_of_several_assets_works_without_the_store(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    class StoreOfSeveral(StateStore):
        async def aget(self, key: str, default: Any = None) -> Any:
            raise ValueError("Task has 2 concrete inlets and outlets")  # as Airflow 3.3 does

    watched = start(watcher(StoreOfSeveral()))
    assert await announced(zuora_simulator, watched, 3) == list(PENDING_IDS)


async def test_the_store_forgets_requests_that_are_no_longer_pending(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.settings.update({"deny_result": "removed"})
    store, connections = StateStore(), zuora_simulator.store.connections
    start(watcher(store))
    await until(lambda: store.announced == set(PENDING_IDS))
    connections.accept(PENDING_IDS[0], DEFAULT_ENTITY_ID)
    connections.deny(PENDING_IDS[1], DEFAULT_ENTITY_ID)
    await until(lambda: store.announced == {PENDING_IDS[2]})


async def test_a_row_that_moves_to_a_page_already_read_is_not_announced_again(
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
    assert len(ids(seen)) == len(set(ids(seen)))


async def test_watchers_and_waits_on_an_entity_share_one_read(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = [start(watcher(poll_interval=60)) for _ in range(5)]
    start(EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=60))
    await until(lambda: all(seen))
    await asyncio.sleep(0.05)
    assert reads(zuora_simulator) == 1


@pytest.mark.parametrize(
    "fault", [{"named": "permission"}, {"status": 503}, {"body": {"entities": [], "success": True}}], ids=str
)
async def test_the_ids_replace_names_that_cannot_be_read(
    zuora_simulator: ZuoraSimulator, start: Start, fault: dict[str, Any]
) -> None:
    zuora_simulator.fault(**fault, method="GET", path="/v1/entities*")
    seen = start(watcher())
    await until(lambda: seen)
    first = seen[0]["requests"][0]
    assert (first["source_name"], first["target_name"]) == (SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)


async def test_names_are_not_read_beside_the_list(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    zuora_simulator.fault(method="GET", path="/v1/entities*", delay=0.5)
    seen = start(watcher())
    start(EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=0.05))
    await until(lambda: seen)
    (names,) = zuora_simulator.requests("GET", "/v1/entities*")
    during = [one for one in zuora_simulator.requests("GET", LIST) if 0 < one.time - names.time < 0.45]
    assert during == []
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


async def test_a_watcher_that_ends_while_it_reads_names_leaves_nothing(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault(method="GET", path="/v1/entities*", delay=0.5)
    seen = start(watcher())
    await until(lambda: zuora_simulator.requests("GET", "/v1/entities*"))
    await seen.stop()
    await nothing_is_left(zuora_simulator)


async def test_watching_goes_on_after_a_temporary_error(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("html", times=2)
    seen = start(watcher())
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)


async def test_watching_goes_on_after_a_permanent_error_and_nothing_is_announced_again(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    seen = start(watcher(poll_interval=0.2))
    await announced(zuora_simulator, seen, 3)
    zuora_simulator.fault("permission", method="GET", times=2)
    await until(lambda: [one.status for one in zuora_simulator.requests("GET", LIST)].count(403) == 2)
    new = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert await announced(zuora_simulator, seen, 4) == [*PENDING_IDS, new]
    times = [one.time for one in zuora_simulator.requests("GET", LIST)]
    assert min(later - earlier for earlier, later in pairwise(times)) > 0.19


async def test_a_wrong_entity_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ZuoraValueError, match="entity_id"):
        watcher(entity_id="Acme")


@pytest.mark.parametrize("conn_id", [None, "", 5])
async def test_a_wrong_connection_id_is_refused_when_the_dag_is_parsed(conn_id: Any) -> None:
    with pytest.raises(ZuoraValueError, match="zuora_conn_id"):
        watcher(zuora_conn_id=conn_id)


async def test_a_connection_with_an_unknown_status_is_not_announced(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    row = {"id": "8a1", "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    body = {"entityConnections": [{**row, "status": "Draft"}], "success": True}
    zuora_simulator.fault(method="GET", body=body, times=2)
    seen = start(watcher())
    assert await announced(zuora_simulator, seen, 3) == list(PENDING_IDS)
    assert {one["status"] for one in seen[0]["requests"]} == {str(EntityConnectionStatus.PENDING)}

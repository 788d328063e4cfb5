"""How waits share their reads, and that they leave nothing behind."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from airflow.sdk import log as sdk_log
from airflow.sdk.bases.hook import BaseHook
from requests import Session

from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID, PENDING_ID
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger
from tests.helpers.patience import PATIENCE
from tests.helpers.zuora import LIST, reads
from tests.triggers.conftest import Start
from tests.triggers.running import (
    accept,
    answered_reads,
    event,
    nothing_is_left,
    pauses,
    poll_threads,
    until,
    wait,
)

pytestmark = pytest.mark.asyncio


async def test_fifty_waits_share_one_read_in_each_interval(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    waiting = [start(wait(poll_interval=0.1)) for _ in range(50)]
    await until(lambda: reads(zuora_simulator) >= 3)
    accept(zuora_simulator)
    await until(lambda: all(waiting))
    assert min(pauses(zuora_simulator)) > 0.09
    assert {one[0]["connection"]["status"] for one in waiting} == {"Connected"}
    assert len(zuora_simulator.requests("POST")) == 1
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


async def test_nobody_is_told_what_was_read_before_they_joined(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    start(EntityConnectionRequestTrigger(poll_interval=86400))
    await until(lambda: answered_reads(zuora_simulator) == 1)
    accept(zuora_simulator)  # the watcher's snapshot says Pending until tomorrow
    payload = await event(connection_id=PENDING_ID, poll_interval=30, statuses=["Pending", "Connected"])
    assert payload["connection"]["status"] == "Connected"
    assert reads(zuora_simulator) == 2


async def test_a_read_that_is_under_way_tells_nothing_to_those_who_join_during_it(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault(method="GET", path=LIST, delay=0.3, after_effect=True)
    start(wait())
    await until(lambda: reads(zuora_simulator) == 1)
    await asyncio.sleep(0.1)  # the answer is written, and says Pending
    accept(zuora_simulator)
    payload = await event(connection_id=PENDING_ID, poll_interval=60, statuses=["Pending", "Connected"])
    assert payload["connection"]["status"] == "Connected"
    assert reads(zuora_simulator) == 2


async def test_those_who_join_at_the_same_time_share_a_read(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    start(wait())
    await until(lambda: answered_reads(zuora_simulator) == 1)
    waiting = [start(wait(CONNECTED_ID)) for _ in range(50)]
    await until(lambda: all(waiting))
    assert reads(zuora_simulator) == 2


async def test_those_who_join_one_after_the_other_do_not_flood_zuora(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    start(wait())
    await until(lambda: answered_reads(zuora_simulator) == 1)
    waiting = []
    for _ in range(50):
        waiting.append(start(wait(CONNECTED_ID)))
        await asyncio.sleep(0.02)
    await until(lambda: all(waiting))
    assert min(pauses(zuora_simulator)) > 0.9


async def test_the_shortest_interval_holds_for_all_until_it_leaves(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    slow = start(wait())
    await until(lambda: reads(zuora_simulator) == 1)
    quick = start(wait(poll_interval=0.05))
    await until(lambda: reads(zuora_simulator) >= 4)
    await quick.stop()
    stopped = time.time()
    await asyncio.sleep(0.3)
    late = [one for one in zuora_simulator.requests("GET", LIST) if one.time > stopped]
    assert len(late) <= 1  # one may have been under way
    start(wait(poll_interval=0.05))
    accept(zuora_simulator)
    await until(lambda: slow)


async def test_an_entity_is_the_same_however_its_id_is_written(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    for entity_id in (DEFAULT_ENTITY_ID, entity_uuid(DEFAULT_ENTITY_ID).upper()):
        start(wait(entity_id=entity_id))
    await until(lambda: answered_reads(zuora_simulator) == 1)
    await asyncio.sleep(0.1)
    assert reads(zuora_simulator) == 1


async def test_a_very_short_interval_does_not_flood_zuora(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    start(wait(poll_interval=0.001))
    await until(lambda: reads(zuora_simulator) >= 5)
    assert min(pauses(zuora_simulator)) > 0.045


async def test_each_entity_and_each_airflow_connection_has_its_own_poll(
    zuora_simulator: ZuoraSimulator, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_OTHER", zuora_simulator.connection_json(client="target_only"))
    for _ in range(3):
        start(wait())
        start(wait(CONNECTED_ID, entity_id=EMEA_ENTITY_ID, statuses=["Disconnected"]))
        start(wait(zuora_conn_id="zuora_other"))
    await until(lambda: reads(zuora_simulator) >= 3)
    await asyncio.sleep(0.1)
    asked = [one.headers["zuora-entity-ids"] for one in zuora_simulator.requests("GET", LIST)]
    assert sorted(asked) == sorted(map(entity_uuid, [DEFAULT_ENTITY_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID]))


@pytest.mark.parametrize("fault", [{"times": 1, "delay": 0.2}, {"status": 503, "times": None}], ids=str)
async def test_reading_ends_with_the_last_wait_and_a_new_wait_reads_again(
    zuora_simulator: ZuoraSimulator, start: Start, fault: dict[str, Any]
) -> None:
    zuora_simulator.fault(**fault, method="GET")
    last, *others = [start(wait(poll_interval=0.05)) for _ in range(5)]
    await until(lambda: reads(zuora_simulator) >= 1)
    for one in others:
        await one.stop()
    before = reads(zuora_simulator)
    await until(lambda: reads(zuora_simulator) > before)
    await last.stop()
    await nothing_is_left(zuora_simulator)
    zuora_simulator.clear_faults()
    before = reads(zuora_simulator)
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    assert reads(zuora_simulator) == before + 1


async def test_waits_that_are_cancelled_at_any_moment_leave_nothing(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    for number in range(20):
        waiting = start(wait())
        await asyncio.sleep(number / 2000)  # from before the first request until after its answer
        await waiting.stop()
    await nothing_is_left(zuora_simulator)


async def test_another_event_loop_has_its_own_poll(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    start(wait())
    await until(lambda: reads(zuora_simulator) == 1)
    other = event(connection_id=CONNECTED_ID, poll_interval=60)
    assert "connection" in await asyncio.to_thread(asyncio.run, other)
    assert reads(zuora_simulator) == 2


@pytest.mark.parametrize("asked_for", ["token", "list"])
async def test_a_slow_zuora_does_not_hold_up_the_event_loop(
    zuora_simulator: ZuoraSimulator, start: Start, monkeypatch: pytest.MonkeyPatch, asked_for: str
) -> None:
    connection = zuora_simulator.connection_json(timeout=PATIENCE)
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
    if asked_for == "list":
        await event(connection_id=CONNECTED_ID, poll_interval=60)  # from now on the token is there
    before = len(zuora_simulator.requests())
    with zuora_simulator.store.lock:  # requests arrive, but nothing is answered
        waiting = start(wait(CONNECTED_ID))
        await until(lambda: len(zuora_simulator.requests()) > before)
    # Had the loop stood still, the read would have failed by now, and come again after two minutes.
    await until(lambda: waiting)
    assert len(zuora_simulator.requests()) <= before + 2


async def test_slow_polls_leave_the_threads_of_the_event_loop_to_others(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    entities = [one.id for one in zuora_simulator.store.entities.all() if one.provisioned]
    zuora_simulator.fault(path=LIST, times=None, delay=5)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(2))
    waiting = [start(wait(CONNECTED_ID, entity_id=entity_id)) for entity_id in entities]
    await until(lambda: reads(zuora_simulator) == len(entities))
    assert await asyncio.to_thread(lambda: "a thread") == "a thread"
    assert answered_reads(zuora_simulator) == 0
    for one in waiting:
        await one.stop()
    await until(lambda: not poll_threads())


async def test_the_thread_of_a_poll_ends_with_it(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    waiting = start(wait())
    await until(lambda: answered_reads(zuora_simulator) == 1)
    assert len(poll_threads()) == 1
    await waiting.stop()
    await until(lambda: not poll_threads())


async def test_the_thread_that_reads_does_not_call_airflow(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[str]] = {}  # by the function that they called

    def record(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def recorded(*arguments: Any, **named: Any) -> Any:
            threads.setdefault(name, set()).add(threading.current_thread().name)
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, recorded)

    record(Session, "send")
    record(BaseHook, "get_connection")
    record(sdk_log, "mask_secret")
    if hasattr(sdk_log, "amask_secret"):  # since Airflow 3.3
        record(sdk_log, "amask_secret")
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    reading = threads.pop("send")
    assert threading.current_thread().name not in reading
    assert {"mask_secret", "amask_secret"} & set(threads)
    assert all(reading.isdisjoint(calling) for calling in threads.values())

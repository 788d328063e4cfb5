"""How waits share their reads, what they do while Zuora fails, and what they leave behind."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from airflow.sdk import log as sdk_log
from airflow.sdk.bases.hook import BaseHook

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID, PENDING_ID
from airflow_zuora.triggers import poll
from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger
from tests.patience import PATIENCE
from tests.unit.bad_servers import closed_port
from tests.unit.triggers.conftest import Start, event, nothing_is_left, until
from tests.unit.zuora import LIST, reads

pytestmark = pytest.mark.asyncio


def wait(connection_id: str = PENDING_ID, poll_interval: float = 60, **more: Any) -> EntityConnectionTrigger:
    return EntityConnectionTrigger(connection_id=connection_id, poll_interval=poll_interval, **more)


def accept(simulator: ZuoraSimulator) -> None:
    simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)


def pauses(simulator: ZuoraSimulator) -> list[float]:
    """
    Give the seconds between the reads, as Zuora saw them.

    A read that is at an end has arrived before: however slow the machine is, they are no shorter than asked.
    """
    return [later.time - earlier.time for earlier, later in pairwise(simulator.requests("GET", LIST))]


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


async def test_who_joins_later_is_served_from_the_snapshot(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    start(wait())
    await until(lambda: reads(zuora_simulator) == 1)
    for _ in range(20):
        assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    start(wait())
    await asyncio.sleep(0.1)
    assert reads(zuora_simulator) == 1


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


async def test_an_interval_of_nothing_does_not_keep_zuora_busy(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    for interval in (0, -1, float("nan")):
        start(wait(poll_interval=interval))
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


PASSING: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "html": {"named": "html"},
    "empty": {"named": "empty"},
    "dropped": {"drop": True},
    "half a body": {"half_body": True},
    "lock": {"named": "lock"},
    "internal": {"named": "internal"},
    "no user info": {"named": "no_user_info"},
    "429 at the token": {"status": 429, "path": "/oauth/token"},
    "503 at the token": {"status": 503, "path": "/oauth/token"},
}


@pytest.mark.parametrize("name", PASSING)
async def test_after_an_error_that_passes_the_wait_goes_on(
    zuora_simulator: ZuoraSimulator, name: str
) -> None:
    zuora_simulator.fault(**PASSING[name])
    payload = await event(connection_id=CONNECTED_ID)
    assert payload["connection"]["status"] == "Connected"


async def test_the_pauses_grow_while_zuora_fails(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.fault(status=503, times=3)
    await event(connection_id=CONNECTED_ID)
    first, second, third, *_ = pauses(zuora_simulator)
    assert (first > 0.09, second > 0.18, third > 0.36) == (True, True, True)
    await nothing_is_left(zuora_simulator)


async def test_a_host_that_cannot_be_reached_is_no_reason_to_give_up(
    zuora_simulator: ZuoraSimulator,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(port=closed_port()))
    waiting = start(wait(CONNECTED_ID, poll_interval=0.05))
    await until(lambda: caplog.text.count("failed; trying again") >= 2)
    assert not waiting.task.done()


async def test_as_long_as_zuora_asks_for_no_wait_asks_again(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("throttle", skip=1, parameters={"reset": 60, "retry_after": 60})
    waiting = start(wait(poll_interval=0.05))
    await until(lambda: [one.status for one in zuora_simulator.requests("GET", LIST)] == [200, 429])
    await asyncio.sleep(0.05)
    in_doubt = start(wait("8a8080", poll_interval=0.05))
    await asyncio.sleep(0.2)
    assert (waiting, in_doubt, reads(zuora_simulator)) == ([], [], 2)


async def test_an_error_for_good_ends_all_waits_and_a_new_one_starts_afresh(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("permission", method="GET", skip=1)
    waiting = [start(wait(poll_interval=0.1)) for _ in range(10)]
    await until(lambda: all(waiting))
    assert {one[0]["error"] for one in waiting} == {"ZuoraPermissionError"}
    assert reads(zuora_simulator) == 2
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    assert reads(zuora_simulator) == 3


@pytest.mark.parametrize("fault", [{"times": 1, "delay": 0.2}, {"status": 503, "times": None}], ids=str)
async def test_after_the_last_wait_nothing_is_left_and_a_new_one_starts_afresh(
    zuora_simulator: ZuoraSimulator, start: Start, fault: dict[str, Any]
) -> None:
    zuora_simulator.fault(**fault, method="GET")
    waiting = [start(wait(poll_interval=0.05)) for _ in range(5)]
    await until(lambda: reads(zuora_simulator) >= 1)
    for one in waiting[1:]:
        await one.stop()
    assert len(poll._polls) == 1
    await waiting[0].stop()
    await nothing_is_left(zuora_simulator)
    zuora_simulator.clear_faults()
    before = reads(zuora_simulator)
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    assert reads(zuora_simulator) == before + 1


async def test_waits_that_come_and_go_leave_nothing(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    for _ in range(20):
        waiting = start(wait())
        await asyncio.sleep(0.002)
        await waiting.stop()
    await nothing_is_left(zuora_simulator)
    assert not [one for one in threading.enumerate() if "zuora-poll" in one.name]


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


async def test_airflow_is_not_spoken_to_from_the_thread_that_reads(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []  # function, thread

    def watch(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def noted(*arguments: Any, **named: Any) -> Any:
            seen.append((name, threading.current_thread().name))
            return real(*arguments, **named)

        monkeypatch.setattr(owner, name, noted)

    mask = "amask_secret" if hasattr(sdk_log, "amask_secret") else "mask_secret"
    watch(poll, "get_async_connection")
    watch(sdk_log, mask)
    watch(BaseHook, "get_connection")
    watch(ZuoraHook, "list_entity_connections")
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    names = [name for name, _ in seen]
    assert names.count("get_async_connection") == 1
    assert names.count(mask) >= 3  # client id, secret and token
    here = threading.current_thread().name
    (reader,) = (thread for name, thread in seen if name == "list_entity_connections")
    assert ("get_async_connection", here) in seen
    # Before Airflow 3.3 it looks connections up in a thread of its own.
    assert [name for name, thread in seen if thread == reader] == ["list_entity_connections"]
    assert reader != here

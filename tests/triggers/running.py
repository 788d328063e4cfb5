"""Run triggers as a triggerer does, and look at what is left of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import psutil
from airflow.triggers.base import BaseTrigger

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID
from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger
from tests.helpers.patience import PATIENCE
from tests.helpers.zuora import LIST


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is true that happens in other threads."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # no event of this loop tells of another thread
            await asyncio.sleep(0.005)


async def event(**arguments: Any) -> Any:
    """Return the payload of the only event of a wait."""
    trigger = EntityConnectionTrigger(**{"poll_interval": 0.05, **arguments})
    async with asyncio.timeout(PATIENCE):
        (only,) = [one.payload async for one in trigger.run()]
    return only


class Running(list[Any]):
    """The payloads so far of a trigger that runs in a task."""

    def __init__(self, trigger: BaseTrigger) -> None:
        super().__init__()
        self.task = asyncio.create_task(self._run(trigger))

    async def _run(self, trigger: BaseTrigger) -> None:
        async for one in trigger.run():
            self.append(one.payload)

    async def stop(self) -> None:
        """Cancel the trigger."""
        self.task.cancel()
        await asyncio.wait([self.task])


def answered_reads(simulator: ZuoraSimulator) -> int:
    """Count the pages of the list that were not only requested but also answered."""
    return sum(one.status is not None for one in simulator.requests("GET", LIST))


async def all_tasks_ended() -> None:
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


async def nothing_is_left(simulator: ZuoraSimulator) -> None:
    """Wait until no task runs and no TCP connection to the simulator is open any more."""
    await all_tasks_ended()
    ports = {one.peer_port for one in simulator.requests()}
    await until(lambda: not ports & open_ports())


def open_ports() -> set[int]:
    """List the local ports of this process's TCP connections."""
    return {one.laddr.port for one in psutil.Process().net_connections("tcp4") if one.raddr}


def wait(connection_id: str = PENDING_ID, poll_interval: float = 60, **more: Any) -> EntityConnectionTrigger:
    return EntityConnectionTrigger(connection_id=connection_id, poll_interval=poll_interval, **more)


def poll_threads() -> list[str]:
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name.startswith("zuora-poll")]


def accept(simulator: ZuoraSimulator) -> None:
    simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)


def pauses(simulator: ZuoraSimulator) -> list[float]:
    """
    List the seconds between the reads, as Zuora saw them.

    A slow machine makes them longer, never shorter: a pause begins when the answer to a read has arrived.
    """
    return [later.time - earlier.time for earlier, later in pairwise(simulator.requests("GET", LIST))]

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest_asyncio
from airflow.triggers.base import BaseTrigger

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger
from airflow_zuora.triggers.poll import _polls
from tests.patience import PATIENCE
from tests.unit.zuora import LIST


def answers(simulator: ZuoraSimulator) -> int:
    """Count the pages of the list that were not only asked for, but answered."""
    return sum(one.status is not None for one in simulator.requests("GET", LIST))


async def events(trigger: BaseTrigger) -> list[Any]:
    """Give the payloads of a trigger that ends by itself."""
    async with asyncio.timeout(PATIENCE):
        return [event.payload async for event in trigger.run()]


async def event(**arguments: Any) -> Any:
    """Give the one event of a wait."""
    (only,) = await events(EntityConnectionTrigger(**{"poll_interval": 0.05, **arguments}))
    return only


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110  # what is waited for happens in other threads
            await asyncio.sleep(0.005)


def open_sockets(simulator: ZuoraSimulator) -> list[socket.socket]:
    """Find the connections that this test has made to the simulator and that are still open."""
    ports = {one.peer_port for one in simulator.requests()}
    sockets = [one for one in gc.get_objects() if type(one) is socket.socket]
    return [one for one in sockets if one.family is socket.AF_INET and _port_of(one) in ports]


def _port_of(one: socket.socket) -> int | None:
    with suppress(OSError):  # it is closed
        return int(one.getsockname()[1])
    return None


def other_tasks() -> set[asyncio.Task[Any]]:
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def everything_ended() -> None:
    """Wait until no task and no poll is there any more; fail if it never comes to that."""
    await until(lambda: not _polls and not other_tasks())


async def nothing_is_left(simulator: ZuoraSimulator) -> None:
    """Wait until no socket is there any more either."""
    await everything_ended()
    await until(lambda: not open_sockets(simulator))


Start = Callable[[BaseTrigger], "Watched"]


class Watched(list[Any]):
    """The payloads of a trigger that runs in a task."""

    def __init__(self, trigger: BaseTrigger) -> None:
        super().__init__()
        self.task = asyncio.create_task(self._watch(trigger))

    async def _watch(self, trigger: BaseTrigger) -> None:
        async for one in trigger.run():
            self.append(one.payload)

    async def stop(self) -> None:
        """Cancel it, as a triggerer does."""
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Run triggers in the background; after the test they are cancelled, and nothing may be left of them."""
    running: list[Watched] = []

    def go(trigger: BaseTrigger) -> Watched:
        running.append(Watched(trigger))
        return running[-1]

    yield go
    for one in running:
        await one.stop()
    await everything_ended()

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest_asyncio
from airflow.triggers.base import BaseTrigger

from tests.triggers.running import Running, all_tasks_ended

Start = Callable[[BaseTrigger], Running]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Run triggers in the background. After the test they are cancelled, and no task may be left of them."""
    running: list[Running] = []

    def start(trigger: BaseTrigger) -> Running:
        running.append(Running(trigger))
        return running[-1]

    yield start
    for one in running:
        await one.stop()
    await all_tasks_ended()

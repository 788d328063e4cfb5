"""What 1, 100 and 1,000 waits on one entity cost: list requests, memory, and the event loop's worst delay."""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import time
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_zuora.simulator import ZuoraSimulator

INTERVAL, INTERVALS = 1.0, 4  # seconds, number


async def worst_delay() -> float:
    """Tick every 10 ms until cancelled; give the longest delay in seconds."""
    worst, before = 0.0, time.perf_counter()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.01)
            worst, before = max(worst, time.perf_counter() - before - 0.01), time.perf_counter()
    return worst


async def measure(simulator: ZuoraSimulator, waits: int) -> tuple[int, float, float]:
    """Let some waits run; give list requests, kB per wait if memory is traced, and the worst delay."""
    from airflow_zuora.simulator.seed import PENDING_ID
    from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger

    async def wait() -> None:
        async for _ in EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=INTERVAL).run():
            raise RuntimeError("The wait has ended")

    gc.collect()
    memory, requests = tracemalloc.get_traced_memory()[0], len(simulator.requests("GET"))
    ticker = asyncio.create_task(worst_delay())
    running = [asyncio.create_task(wait()) for _ in range(waits)]
    await asyncio.sleep(INTERVAL * (INTERVALS - 0.5))  # half an interval after a read none is under way
    requests = len(simulator.requests("GET")) - requests
    memory = tracemalloc.get_traced_memory()[0] - memory
    for task in (ticker, *running):
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return requests, memory / waits / 1024, await ticker


def main() -> None:
    """Measure and print a table; the ratio must be 1 in each row."""
    from airflow_zuora.simulator import ZuoraSimulator

    with ZuoraSimulator() as simulator, tempfile.TemporaryDirectory() as home:
        os.environ |= {"AIRFLOW_HOME": home, "AIRFLOW_CONN_ZUORA_DEFAULT": simulator.connection_json()}
        alone, *_ = asyncio.run(measure(simulator, 1))
        print("waits  list requests per interval  ratio to one wait  kB per wait  worst event-loop delay")
        for waits in (1, 100, 1000):
            requests, _, delay = asyncio.run(measure(simulator, waits))
            tracemalloc.start()
            _, memory, _ = asyncio.run(measure(simulator, waits))
            tracemalloc.stop()
            row = (waits, requests / INTERVALS, requests / alone, memory, delay * 1000)
            print("{:5}{:28.2f}{:19.2f}{:13.1f}{:21.1f} ms".format(*row))


main()

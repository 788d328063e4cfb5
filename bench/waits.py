"""
What 1, 100 and 500 waits on 511 connections cost a triggerer, and a watcher when 500 requests come at once.

Measured in one event loop: complete reads of the list (two pages each), how late the loop is, the processor's
time, and memory. The server runs in a process of its own. The row "idle" shows what else the machine does.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.triggers.base import BaseTrigger

INTERVAL, INTERVALS = 1.0, 6  # seconds, number
ROUNDS = 3  # in which the requests come; the best one counts, because other programs delay a loop too
TICK = 0.01  # seconds between two looks at how late the event loop is
MAX_READS, MAX_DELAY, MAX_MEMORY = 1.1, 50.0, 20.0  # in an interval, ms, KiB of a wait
COLUMNS = ("reads", "delay", "worst", "processor", "memory")
HEADER = "{:26}{:>6}{:>12}{:>12}{:>15}{:>13}".format("", *COLUMNS)
SERVER = Path(__file__).parent / "servers" / "one_entity.py"


@contextmanager
def server() -> Iterator[str]:
    """Run the server; yield its address."""
    with subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())  # type: ignore[union-attr]  # a pipe, as asked above
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@dataclass(frozen=True)
class Cost:
    """
    What some triggers cost.

    :param reads: Complete reads of the list in each interval.
    :param delay: How late the event loop is, in ms, 99th percentile.
    :param worst: The longest delay.
    :param processor: Time of the processor in each interval, in ms.
    :param memory: KiB in all, if memory is traced.
    """

    reads: float
    delay: float
    worst: float
    processor: float
    memory: float

    def show(self, name: str) -> None:
        """Print a row."""
        row = (name, self.reads, self.delay, self.worst, self.processor, self.memory)
        print("{:26}{:6.2f}{:9.1f} ms{:9.1f} ms{:12.1f} ms{:9.0f} KiB".format(*row))


async def measure(url: str, triggers: list[BaseTrigger], rows: tuple[int, int]) -> Cost:
    """Let triggers run for some intervals; see :func:`measured`."""
    delays: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            delays.append((time.perf_counter() - due) * 1000)

    await asyncio.to_thread(requests.get, f"{url}/show/{rows[0]}", timeout=10)
    gc.collect()
    memory = tracemalloc.get_traced_memory()[0]
    running = [asyncio.create_task(run(trigger)) for trigger in triggers]
    await asyncio.sleep(INTERVAL / 2)  # half an interval after a read, none is under way
    lists, processor = asked(url), time.process_time()
    ticker = asyncio.create_task(tick())
    await asyncio.sleep(INTERVAL * INTERVALS / 2)
    await asyncio.to_thread(requests.get, f"{url}/show/{rows[1]}", timeout=10)
    await asyncio.sleep(INTERVAL * INTERVALS / 2)
    ticker.cancel()
    processor = time.process_time() - processor
    lists = asked(url) - lists
    gc.collect()
    memory = tracemalloc.get_traced_memory()[0] - memory
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return Cost(
        lists / INTERVALS,
        statistics.quantiles(delays, n=100)[98],
        max(delays),
        processor * 1000 / INTERVALS,
        memory / 1024,
    )


async def run(trigger: BaseTrigger) -> None:
    """Run a trigger as a triggerer does, which writes each event to its log."""
    async for event in trigger.run():
        str(event)


def asked(url: str) -> int:
    """Return how often the whole list was read."""
    return int(requests.get(f"{url}/lists", timeout=10).json())


def measured(url: str, triggers: list[BaseTrigger], rows: tuple[int, int] = (511, 511)) -> Cost:
    """
    Measure twice: memory is traced the first time only, because that takes long.

    :param url: The server.
    :param triggers: The triggers.
    :param rows: How many connections there are, before and after the middle.
    """
    tracemalloc.start()
    memory = asyncio.run(measure(url, triggers, rows)).memory
    tracemalloc.stop()
    return replace(asyncio.run(measure(url, triggers, rows)), memory=memory)


def main() -> None:
    """Print a table; fail if reads, delay or memory are beyond their limits."""
    from airflow_zuora.triggers.entity_connection import (
        EntityConnectionRequestTrigger,
        EntityConnectionTrigger,
    )

    def waits(number: int) -> list[BaseTrigger]:
        return [
            EntityConnectionTrigger(source_entity_id=f"{source:032x}", poll_interval=INTERVAL)
            for source in range(number)
        ]

    with server() as url:
        host, _, port = url.rpartition(":")
        fields = {
            "conn_type": "zuora",
            "login": "an-id",
            "password": "a-secret",
            "host": host,
            "port": int(port),
        }
        os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"] = json.dumps(fields)
        asyncio.run(run(EntityConnectionTrigger(source_entity_id="0" * 32, statuses=["Pending"])))  # warms up
        print(HEADER)
        costs = {number: measured(url, waits(number)) for number in (0, 1, 100, 500)}
        for number, cost in costs.items():
            cost.show(f"waits: {number}" if number else "idle")
        arrivals = [
            measured(url, [EntityConnectionRequestTrigger(poll_interval=INTERVAL)], (11, 511))
            for _ in range(ROUNDS)
        ]
        arrived = min(arrivals, key=lambda cost: cost.worst)
        arrived.show("a watcher, and 500 arrive")
    # The first waits bring the poll, its client and the snapshot, which all others share.
    each = (costs[500].memory - costs[100].memory) / 400
    print(f"Each wait takes {each:.1f} KiB")
    late = max(*(cost.delay for cost in costs.values()), arrived.worst)
    if costs[500].reads > MAX_READS or late > MAX_DELAY or each > MAX_MEMORY:
        sys.exit(f"Limits: {MAX_READS} reads in an interval, {MAX_DELAY:.0f} ms, {MAX_MEMORY:.0f} KiB a wait")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        main()

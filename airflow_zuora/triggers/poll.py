"""One reader of Zuora's list for all waits of this process on the same Zuora connection and entity."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.models import entity_hex
from airflow_zuora.triggers.interval import check_interval
from airflow_zuora.triggers.reader import Reader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_zuora.triggers.reader import Snapshot

MIN_INTERVAL = 0.05  # seconds between two reads, also where a shorter interval was asked for
MIN_EXTRA = 1.0  # seconds between two reads of which the second is for somebody who has just joined
MAX_BACKOFF = 600.0  # seconds between two reads while Zuora fails, unless the interval is longer
MAX_DOUBLINGS = 20  # enough to grow from the shortest interval to the longest pause

log = logging.getLogger(__name__)


class SharedPoll:
    """
    Reads the list of connections again and again while anybody has joined; :func:`join_poll` hands it out.

    :param reader: Reads the list once; is closed with the poll.
    :param not_before: Time of the event loop before which nothing is read.
    """

    def __init__(self, reader: Reader, not_before: float = 0.0) -> None:
        self.reader = reader
        self.not_before = not_before  # as long as Zuora has asked to wait
        self.begun = 0  # reads so far
        self._intervals: list[float] = []  # of all who have joined
        self._news: tuple[int, Snapshot | Exception] = (0, RuntimeError("Nothing was read"))
        self._published = asyncio.Event()  # replaced with each news
        self._wake = asyncio.Event()  # ends a pause, so that its length is computed anew
        self._is_awaited = False  # whether anybody waits for the first read after they have joined
        self._task = asyncio.create_task(self._run())

    @property
    def is_unused(self) -> bool:
        """Whether nobody is left."""
        return not self._intervals

    def join(self, interval: float) -> None:
        """
        Add somebody.

        :param interval: Seconds between two reads; the shortest interval of all applies.
        """
        self._intervals.append(interval)
        self.ask()

    def leave(self, interval: float) -> None:
        """
        Remove somebody; the last one stops the poll.

        :param interval: The interval with which they joined.
        """
        self._intervals.remove(interval)
        if self.is_unused:
            self._task.cancel()
            self.reader.close()

    def ask(self) -> None:
        """Read without waiting for the interval, unless Zuora fails or has asked to wait."""
        self._is_awaited = True
        self._wake.set()

    async def after(self, read: int) -> tuple[int, Snapshot | Exception]:
        """
        Wait for news from a read that began after another one.

        :param read: The number of the other one.
        :return: The number of the newest read, and its snapshot or the permanent error that it met.
        """
        while self._news[0] <= read:
            await self._published.wait()
        return self._news

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        await asyncio.sleep(self.not_before - loop.time())
        while True:
            self.begun += 1
            self._is_awaited = False
            try:
                self._publish(await self.reader.snapshot())
                failures = 0
            except Exception as error:  # Whatever it is, nobody may wait forever.
                failures = min(failures + 1, MAX_DOUBLINGS)
                self.not_before = loop.time() + (getattr(error, "retry_after", None) or 0.0)  # at most a day
                if isinstance(error, ZuoraError) and not isinstance(error, AirflowFailException):
                    log.warning("Reading entity connections failed; trying again: %s", error)
                else:
                    self.reader.reset()
                    self._publish(error)
            await self._pause(failures)

    async def _pause(self, failures: int) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        while (rest := max(start + self._interval(failures), self.not_before) - loop.time()) > 0:
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._wake.wait()

    def _interval(self, failures: int) -> float:
        interval = max(MIN_INTERVAL, min(self._intervals))
        if self._is_awaited:
            return interval if failures else min(interval, MIN_EXTRA)
        return min(math.ldexp(interval, failures), max(MAX_BACKOFF, interval))

    def _publish(self, news: Snapshot | Exception) -> None:
        self._news = self.begun, news
        self._published.set()
        self._published = asyncio.Event()


@dataclass(slots=True, eq=False)
class Subscription:
    """
    One subscriber's view of a poll: only snapshots that were read after it joined.

    :param poll: The poll.
    :param seen: The newest read that they know of, or that had begun when they joined.
    """

    poll: SharedPoll
    seen: int

    async def next(self) -> Snapshot:
        """
        Wait for the next snapshot.

        :raises Exception: The permanent error that a read met; the next call waits for the next read.
        """
        self.seen, news = await self.poll.after(self.seen)
        if isinstance(news, Exception):
            raise news
        return news


Key = tuple[asyncio.AbstractEventLoop, str, str | None]  # also the Zuora connection and the entity
_polls: dict[Key, SharedPoll] = {}
_not_before: dict[Key, float] = {}  # of polls that have ended while Zuora had asked to wait


@asynccontextmanager
async def join_poll(
    zuora_conn_id: str, entity_id: str | None, interval: object
) -> AsyncIterator[Subscription]:
    """
    Join the poll of a Zuora connection and entity, or start one; it stops when the last one leaves.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: Entity whose connections are read, 32 hex digits; the connection's by default.
    :param interval: Time between two reads, in seconds or as a timedelta; the shortest of all applies.
    :raises ZuoraValueError: If the entity or the interval is wrong.
    """
    seconds = check_interval(interval)
    key = (asyncio.get_running_loop(), zuora_conn_id, None if entity_id is None else entity_hex(entity_id))
    poll = _polls.get(key)
    if poll is None:
        poll = _polls[key] = SharedPoll(Reader(*key[1:]), _not_before.get(key, 0.0))
    subscription = Subscription(poll, poll.begun)
    poll.join(seconds)
    try:
        yield subscription
    finally:
        poll.leave(seconds)
        if poll.is_unused:
            del _polls[key]
            if poll.not_before > key[0].time():
                _not_before[key] = poll.not_before
                key[0].call_at(poll.not_before, _not_before.pop, key, None)

"""One reader of Zuora's list for all who wait on the same Zuora connection and entity in this process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import log as sdk_log

from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_zuora.models import Entity, EntityConnection

MIN_INTERVAL = 0.05  # seconds; nobody may keep Zuora busy without a pause
MAX_BACKOFF = 600.0  # seconds between two attempts while Zuora fails
MAX_DOUBLINGS = 20  # enough to come to the longest pause from the shortest interval
MASK_TIMEOUT = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The connections of an entity at one moment.

    :param connections: all of them, in both directions.
    :param entity_id: the entity, as hyphenated UUID; ``None`` without Multi-entity.
    """

    connections: list[EntityConnection]
    entity_id: str | None


class SharedPoll:
    """
    Reads the list again and again while somebody waits; ask for it with :func:`shared_poll`.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: entity whose connections are read, instead of the connection's.
    """

    def __init__(self, zuora_conn_id: str, entity_id: str | None) -> None:
        self._hook = ZuoraHook(zuora_conn_id, entity_id=entity_id)
        self._hook.max_attempts = 1  # this loop waits, not a thread
        self._hook.mask = self._mask
        self._intervals: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Condition()
        self._hurry = asyncio.Event()
        self._is_doubted = False
        self._snapshot: Snapshot | None = None
        self._number = 0
        self._error: Exception | None = None
        self._reading: asyncio.Future[Snapshot] = self._loop.create_future()
        self._reading.cancel()
        self._task = asyncio.create_task(self._run(), name=f"zuora-poll-{zuora_conn_id}")

    @property
    def is_over(self) -> bool:
        """Whether it has ended with an error that will not go away."""
        return self._error is not None

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """
        Give the newest snapshot, which may be an interval old, and then each new one.

        :raises Exception: the error that ended the poll.
        """
        seen = 0
        while True:
            async with self._changed:
                await self._changed.wait_for(partial(self._has_news, seen))
                seen, snapshot = self._number, self._snapshot
            if self._error is not None:
                raise self._error
            if snapshot is not None:
                yield snapshot

    def _has_news(self, seen: int) -> bool:
        return self._number > seen or self.is_over

    async def entities(self) -> list[Entity]:
        """Read the entities, for their names; none if Zuora does not give them."""
        try:
            return await asyncio.to_thread(self._hook.list_entities)
        except ZuoraError as error:
            log.warning("The names of the entities could not be read: %s", error)
            return []

    def join(self, interval: float) -> None:
        """Count one more who waits; the shortest interval holds for all."""
        if interval < min(self._intervals, default=0.0):
            self._hurry.set()
        self._intervals.append(interval)

    def leave(self, interval: float) -> bool:
        """Count one less; tells whether it was the last."""
        self._intervals.remove(interval)
        return not self._intervals

    def doubt(self) -> None:
        """Read again at once, as somebody does not trust the newest snapshot; not while Zuora fails."""
        self._is_doubted = True
        self._hurry.set()

    async def end(self) -> None:
        """Stop reading. A request that is under way ends in its thread, which then closes its socket."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        failures = 0
        try:
            self._hook.use_connection(await get_async_connection(self._hook.zuora_conn_id))
            while True:
                asked_wait = 0.0
                try:
                    await self._publish(await self._read())
                    failures = 0
                except ZuoraError as error:
                    if isinstance(error, AirflowFailException):
                        raise
                    failures = min(failures + 1, MAX_DOUBLINGS)
                    asked_wait = error.retry_after or 0.0
                    log.warning("Reading entity connections failed; trying again: %s", error)
                await self._pause(failures, asked_wait)
        except Exception as error:  # whatever it is, nobody must wait for ever
            await self._publish(error)
        finally:
            self._reading.add_done_callback(self._close)

    async def _read(self) -> Snapshot:
        self._reading = asyncio.ensure_future(asyncio.to_thread(self._read_now))
        return await asyncio.shield(self._reading)

    def _read_now(self) -> Snapshot:
        return Snapshot(self._hook.list_entity_connections(), self._hook.find_entity())

    def _close(self, reading: asyncio.Future[Snapshot]) -> None:
        if not reading.cancelled():
            reading.exception()  # seen, so that asyncio does not complain about it
        self._hook.close()

    async def _pause(self, failures: int, asked_wait: float) -> None:
        start = self._loop.time()
        while failures or not self._is_doubted:
            self._hurry.clear()
            interval = max(MIN_INTERVAL, min(self._intervals, default=0.0))
            wait = max(min(interval * 2**failures, max(MAX_BACKOFF, interval)), asked_wait)
            rest = start + wait - self._loop.time()
            if rest <= 0:
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), rest)
        self._is_doubted = False

    def _mask(self, secret: str) -> None:
        """Hand a secret to Airflow on the event loop: this thread must not speak to Airflow."""
        asyncio.run_coroutine_threadsafe(_mask_secret(secret), self._loop).result(MASK_TIMEOUT)

    async def _publish(self, news: Snapshot | Exception) -> None:
        async with self._changed:
            self._number += 1
            if isinstance(news, Snapshot):
                self._snapshot = news
            else:
                self._error = news
            self._changed.notify_all()


_polls: dict[tuple[asyncio.AbstractEventLoop, str, str | None], SharedPoll] = {}


@asynccontextmanager
async def shared_poll(
    zuora_conn_id: str, entity_id: str | None, interval: float
) -> AsyncIterator[SharedPoll]:
    """
    Join the poll of a Zuora connection and entity, or start it; the last one out ends it.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: entity whose connections are read, instead of the connection's.
    :param interval: seconds between two reads; of all who wait the shortest holds.
    """
    key = (asyncio.get_running_loop(), zuora_conn_id, entity_id)
    poll = _polls.get(key)
    if poll is None or poll.is_over:
        poll = _polls[key] = SharedPoll(zuora_conn_id, entity_id)
    poll.join(interval)
    try:
        yield poll
    finally:
        if poll.leave(interval):
            if _polls.get(key) is poll:
                del _polls[key]
            await poll.end()


async def _mask_secret(secret: str) -> None:
    if hasattr(sdk_log, "amask_secret"):
        await sdk_log.amask_secret(secret)
    else:  # before Airflow 3.3
        sdk_log.mask_secret(secret)

"""Triggers that wait for entity connections. They only read, and may run twice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent

from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraNotFoundError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_hex
from airflow_zuora.triggers.poll import Snapshot, shared_poll
from airflow_zuora.waiting import Wait

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection

ANNOUNCED = "announced"  # key in Airflow's asset state store


class EntityConnectionTrigger(BaseTrigger):
    """
    Wait until an entity connection has one of some statuses.

    All waits of one triggerer on the same Zuora connection and entity share one list request per interval.
    Errors that will not go away end the wait with an event; others are tried again with growing pauses.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: entity to look from, instead of the connection's.
    :param connection_id: Zuora's id of the connection; or
    :param source_entity_id: the entity that asks: any of its connections will do.
    :param statuses: the statuses to wait for.
    :param poll_interval: seconds between two looks.
    """

    def __init__(
        self,
        *,
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        connection_id: str | None = None,
        source_entity_id: str | None = None,
        statuses: Collection[str] = ("Connected",),
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__()
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.connection_id = connection_id
        self.source_entity_id = source_entity_id
        self.statuses = [str(status) for status in statuses]
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments; no secret is among them."""
        return (
            "airflow_zuora.triggers.entity_connection.EntityConnectionTrigger",
            {
                "zuora_conn_id": self.zuora_conn_id,
                "entity_id": self.entity_id,
                "connection_id": self.connection_id,
                "source_entity_id": self.source_entity_id,
                "statuses": self.statuses,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Give one event: ``{"connection": {...}}``, or ``{"error": class, "message": text}``."""
        try:
            connection = await self._wait()
        except Exception as error:  # the task must hear of it, whatever it is
            yield TriggerEvent({"error": type(error).__name__, "message": str(error)})
        else:
            yield TriggerEvent({"connection": connection.as_dict()})

    async def _wait(self) -> EntityConnection:
        wait = Wait.checked(self.connection_id, self.source_entity_id, self.statuses)
        is_doubtful = False
        async with shared_poll(self.zuora_conn_id, self.entity_id, self.poll_interval) as poll:
            async for snapshot in poll.snapshots():
                try:
                    if found := wait.look(snapshot.connections):
                        return found
                    is_doubtful = False
                except (EntityConnectionStateError, ZuoraNotFoundError):
                    # The first snapshot may be old, and a list may change between two of its pages.
                    if is_doubtful:
                        raise
                    is_doubtful = True
                    poll.doubt()
        raise RuntimeError("The poll has ended")


class EntityConnectionRequestTrigger(BaseEventTrigger):
    """
    Announce each new Pending inbound request, for an ``AssetWatcher``.

    The payload has ``connection_id``, ``source_entity_id``, ``source_name``, ``target_entity_id``,
    ``target_name`` and ``status``. What was announced is kept in Airflow's asset state store (Airflow 3.3 or
    later, one asset per watcher), and not announced again after a restart; elsewhere a restarted triggerer
    announces all Pending requests once more.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: the target entity, instead of the connection's.
    :param poll_interval: seconds between two looks.
    """

    def __init__(
        self,
        *,
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__()
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class and the arguments; no secret is among them."""
        return (
            "airflow_zuora.triggers.entity_connection.EntityConnectionRequestTrigger",
            {
                "zuora_conn_id": self.zuora_conn_id,
                "entity_id": self.entity_id,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """
        Give one event for each new request, as long as the asset is watched.

        :raises ZuoraError: an interval after reading failed for good; Airflow then starts the trigger again.
        """
        try:
            async with aclosing(self._announce()) as announcements:
                async for connection in announcements:
                    yield TriggerEvent(connection)
        except Exception as error:
            # Airflow starts it again at once; that must not ask Zuora more often than watching does.
            self.log.error("Watching for entity connection requests failed: %s", error)
            await asyncio.sleep(self.poll_interval)
            raise

    async def _announce(self) -> AsyncGenerator[dict[str, str]]:
        announced = await self._load()
        missing: set[str] = set()
        async with shared_poll(self.zuora_conn_id, self.entity_id, self.poll_interval) as poll:
            async for snapshot in poll.snapshots():
                pending = {one.id: one for one in snapshot.connections if _is_request(one, snapshot)}
                new = [one for id_, one in pending.items() if id_ not in announced]
                entities = await poll.entities() if new else []
                for one in new:
                    yield one.as_dict(entities)
                # One that is missing for the first time may be back: the list can change between two pages.
                gone, missing = missing, announced - {one.id for one in snapshot.connections}
                if announced != (known := {*pending, *(missing - gone)}):
                    announced = known
                    await self._save(announced)

    async def _load(self) -> set[str]:
        store = getattr(self, "asset_state_store", None)
        if store is None:
            return set()
        try:
            return set(await store.aget(ANNOUNCED, []) or [])
        except ValueError:
            # Airflow makes one trigger of equal watchers, and the store belongs to one asset.
            self.log.warning("What is announced cannot be noted: several assets share this watcher")
            self.asset_state_store = None
            return set()

    async def _save(self, announced: set[str]) -> None:
        store = getattr(self, "asset_state_store", None)
        if store is not None:
            await store.aset(ANNOUNCED, sorted(announced))


def _is_request(connection: EntityConnection, snapshot: Snapshot) -> bool:
    here = snapshot.entity_id
    is_inbound = here is None or connection.target_entity_id == entity_hex(here)
    return is_inbound and connection.status is EntityConnectionStatus.PENDING

"""Triggers that wait for entity connections. They only read, so Airflow may run them twice."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, BaseTrigger, TriggerEvent

from airflow_zuora.arguments import check_conn_id
from airflow_zuora.exceptions import EntityConnectionNotFoundError, EntityConnectionStateError, ZuoraError
from airflow_zuora.models import entity_uuid
from airflow_zuora.transitions import Wait
from airflow_zuora.triggers.announced import Announced
from airflow_zuora.triggers.interval import check_interval
from airflow_zuora.triggers.poll import join_poll

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from airflow_zuora.models import EntityConnection


class EntityConnectionTrigger(BaseTrigger):
    """
    Wait until an entity connection reaches one of some statuses.

    All waits in one triggerer on the same Zuora connection and entity share one list request per interval.
    A permanent error ends the wait with an event; after any other error the list is read again, with growing
    pauses.

    :param zuora_conn_id: Airflow connection of type ``zuora``, default ``zuora_default``.
    :param entity_id: Entity whose connections are read, 32 hex digits; the connection's by default.
    :param connection_id: Zuora's id of the connection. Give either this or the entities.
    :param source_entity_id: Entity that sends the request, 32 hex digits; any by default.
    :param target_entity_id: Entity that decides on it, 32 hex digits; any by default. Each connection between
        the two counts, also one that does not exist yet.
    :param statuses: Statuses to wait for, default ``("Connected",)``.
    :param poll_interval: Seconds between two reads, or a timedelta; default 60.
    """

    def __init__(
        self,
        *,
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        connection_id: str | None = None,
        source_entity_id: str | None = None,
        target_entity_id: str | None = None,
        statuses: Collection[str] = ("Connected",),
        poll_interval: float | timedelta = 60.0,
    ) -> None:
        # A wrong argument is an event of the wait: an error of the constructor would end the whole triggerer.
        super().__init__()
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.connection_id = connection_id
        self.source_entity_id = source_entity_id
        self.target_entity_id = target_entity_id
        is_list = isinstance(statuses, Collection) and not isinstance(statuses, str)
        self.statuses = [str(status) for status in statuses] if is_list else statuses
        if isinstance(poll_interval, timedelta):
            poll_interval = poll_interval.total_seconds()
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path of the class and the arguments, none of which is a secret."""
        return (
            "airflow_zuora.triggers.entity_connection.EntityConnectionTrigger",
            {
                "zuora_conn_id": self.zuora_conn_id,
                "entity_id": self.entity_id,
                "connection_id": self.connection_id,
                "source_entity_id": self.source_entity_id,
                "target_entity_id": self.target_entity_id,
                "statuses": self.statuses,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``{"connection": {...}}``, or the error as :meth:`ZuoraError.as_dict`."""
        try:
            connection = await self._wait()
        except ZuoraError as error:
            yield TriggerEvent(error.as_dict())
        except Exception as error:  # Any other error must reach the task as well.
            yield TriggerEvent({"error": type(error).__name__, "message": str(error)})
        else:
            yield TriggerEvent({"connection": connection.as_dict()})

    async def _wait(self) -> EntityConnection:
        wait = Wait.checked(self.connection_id, self.source_entity_id, self.target_entity_id, self.statuses)
        failed_before = False
        async with join_poll(self.zuora_conn_id, self.entity_id, self.poll_interval) as subscription:
            while True:
                snapshot = await subscription.next()
                try:
                    if found := wait.match(snapshot.connections):
                        return found
                    failed_before = False
                except (EntityConnectionStateError, EntityConnectionNotFoundError):
                    # Read once more before giving up: the list may have changed between two of its pages.
                    if failed_before:
                        raise
                    failed_before = True
                    subscription.poll.ask()


class EntityConnectionRequestTrigger(BaseEventTrigger):
    """
    Announce new Pending inbound requests, for an ``AssetWatcher``: one event with all that a read has found.

    The payload of an event is ``{"requests": [...]}``. Each request has ``connection_id``,
    ``source_entity_id``, ``source_name``, ``target_entity_id``, ``target_name`` and ``status``. The ids of
    announced requests are kept in Airflow's asset state store (Airflow 3.3 or later, one asset for each
    watcher), so that a restarted triggerer does not announce them again. Without the store it announces all
    Pending requests once more.

    :param zuora_conn_id: Airflow connection of type ``zuora``, default ``zuora_default``.
    :param entity_id: Entity that receives the requests, 32 hex digits; the connection's by default.
    :param poll_interval: Seconds between two reads, or a timedelta; default 60.
    :raises ZuoraValueError: If the connection id, the entity or the interval is wrong.
    """

    def __init__(
        self,
        *,
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        poll_interval: float | timedelta = 60.0,
    ) -> None:
        super().__init__()
        check_conn_id(zuora_conn_id, "zuora_conn_id")
        if entity_id is not None:
            entity_uuid(entity_id)
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.poll_interval = check_interval(poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path of the class and the arguments, none of which is a secret."""
        return (
            "airflow_zuora.triggers.entity_connection.EntityConnectionRequestTrigger",
            {
                "zuora_conn_id": self.zuora_conn_id,
                "entity_id": self.entity_id,
                "poll_interval": self.poll_interval,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event for each read that finds new requests, for as long as the asset is watched."""
        announced = Announced(getattr(self, "asset_state_store", None))  # an attribute since Airflow 3.3
        async with join_poll(self.zuora_conn_id, self.entity_id, self.poll_interval) as subscription:
            while True:
                try:
                    snapshot = await subscription.next()
                    if not await announced.load():
                        continue
                    new = announced.new(snapshot)
                    requests = await subscription.poll.reader.with_names(new) if new else []
                except Exception as error:
                    # Somebody may correct the cause. If the trigger ended, Airflow would start it again at
                    # once, and it would have forgotten what it has announced.
                    self.log.error("Watching for entity connection requests failed: %s", error)
                    continue
                if requests:
                    yield TriggerEvent({"requests": requests})
                await announced.update(snapshot)

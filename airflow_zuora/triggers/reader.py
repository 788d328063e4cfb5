"""Reads Zuora in a thread of its own, so that no other trigger waits for a thread or for the event loop."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from airflow.providers.common.compat.connection import get_async_connection
from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.sdk import log as sdk_log

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.config import ZuoraConnection, unknown_connection
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraAuthError, ZuoraError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_hex
from airflow_zuora.texts import forms_of
from airflow_zuora.transitions import ConnectionIndex

MASK_TIMEOUT = 30.0  # seconds to wait until Airflow knows a secret

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    The connections of an entity at one moment.

    :param connections: All connections of the entity, in both directions.
    :param ids: Their ids.
    :param requests: The Pending inbound ones, by their ids.
    """

    connections: ConnectionIndex
    ids: frozenset[str]
    requests: dict[str, EntityConnection]

    @classmethod
    def read(cls, client: ZuoraClient) -> Snapshot:
        """Read the list of the client's entity."""
        rows = EntityConnections(client).read_all()
        target = client.acting_entity_id()  # None without Multi-entity
        inbound = [one for one in rows if target is None or one.target_entity_id == entity_hex(target)]
        requests = {one.id: one for one in inbound if one.status is EntityConnectionStatus.PENDING}
        return cls(ConnectionIndex(rows), frozenset(one.id for one in rows), requests)


class Reader:
    """
    Reads the connections of one entity; it only reads, and one request at a time.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: Entity whose connections are read, 32 hex digits; the connection's by default.
    """

    def __init__(self, zuora_conn_id: str, entity_id: str | None) -> None:
        self._zuora_conn_id = zuora_conn_id
        self._entity_id = entity_id
        self._loop = asyncio.get_running_loop()
        self._client: ZuoraClient | None = None  # until the Airflow connection was looked up
        self._needs_token = False
        self._is_closed = False
        # One thread: nothing runs beside a read, and the client is closed after the last one.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"zuora-poll-{zuora_conn_id}")

    async def snapshot(self) -> Snapshot:
        """
        Read the list once.

        :raises ZuoraError: The error that the read met.
        """
        client = self._client = self._client or await self._connect()
        needs_token, self._needs_token = self._needs_token, False
        try:
            return await self._loop.run_in_executor(self._thread, _read, client, needs_token)
        except ZuoraAuthError as error:
            if needs_token or not error.retry_after:
                raise
            # The token was refused with a wait, after which a new one is worth a try: no permanent error.
            self._needs_token = True
            raise ZuoraError(
                str(error), retry_after=error.retry_after, request_id=error.request_id
            ) from error

    async def with_names(self, connections: list[EntityConnection]) -> list[dict[str, str]]:
        """Return connections as plain data with the names of their entities; ids replace unreadable names."""
        if self._client is None:
            raise RuntimeError("The names of connections that were never read cannot be known")
        return await self._loop.run_in_executor(self._thread, _with_names, self._client, connections)

    def reset(self) -> None:
        """Look up the Airflow connection again before the next read: somebody may have corrected it."""
        if self._client is not None:
            self._thread.submit(self._client.close)
        self._client = None

    def close(self) -> None:
        """End the thread after the request that is under way, and close the connections to Zuora."""
        self._is_closed = True
        self.reset()
        self._thread.shutdown(wait=False)

    async def _connect(self) -> ZuoraClient:
        try:
            connection = await get_async_connection(self._zuora_conn_id)
        except AirflowNotFoundException:
            raise unknown_connection(self._zuora_conn_id) from None
        except Exception as error:  # Airflow's API or database is away for a moment.
            raise ZuoraError(
                f"Airflow connection {self._zuora_conn_id!r} could not be looked up: {type(error).__name__}"
            ) from error
        return ZuoraClient(
            ZuoraConnection.read(connection),
            entity_id=self._entity_id,
            retries=Retries(attempts=1),  # the poll waits, not a thread
            on_secret=self._mask,
        )

    def _mask(self, secret: str) -> None:
        """Pass a secret to Airflow on the event loop: a reading thread must not call Airflow."""
        if self._is_closed:
            raise RuntimeError("Nobody waits for this read any more, and the event loop may have ended")
        masked = asyncio.run_coroutine_threadsafe(_mask_secret(secret), self._loop)
        try:
            masked.result(MASK_TIMEOUT)
        except Exception as error:  # Airflow's supervisor is away, or the event loop is busy
            masked.cancel()
            raise ZuoraError(f"Airflow could not be told to mask a secret: {type(error).__name__}") from error


def _read(client: ZuoraClient, needs_token: bool) -> Snapshot:
    if needs_token:
        client.oauth.renew()
    return Snapshot.read(client)


def _with_names(client: ZuoraClient, connections: list[EntityConnection]) -> list[dict[str, str]]:
    try:
        entities = {one.id: one for one in client.list_entities()}
    except ZuoraError as error:
        log.warning("The names of the entities could not be read: %s", error)
        entities = {}
    rows = []
    for one in connections:
        parties = (entities.get(one.source_entity_id), entities.get(one.target_entity_id))
        rows.append(one.as_dict([entity for entity in parties if entity]))
    return rows


async def _mask_secret(secret: str) -> None:
    for text in forms_of(secret):
        if hasattr(sdk_log, "amask_secret"):
            await sdk_log.amask_secret(text)
        else:  # before Airflow 3.3
            sdk_log.mask_secret(text)

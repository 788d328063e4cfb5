"""What a wait waits for: one rule for the sensor and the trigger. No I/O."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_zuora.api import path_id
from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraConfigError, ZuoraNotFoundError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_hex

if TYPE_CHECKING:
    from collections.abc import Iterable

# From a status, the statuses that the same connection can still come to. One that Zuora adds later may lead
# anywhere.
_AHEAD = {
    EntityConnectionStatus.PENDING: {EntityConnectionStatus.CONNECTED, EntityConnectionStatus.DISCONNECTED},
    EntityConnectionStatus.CONNECTED: {EntityConnectionStatus.DISCONNECTED},
    EntityConnectionStatus.DISCONNECTED: set(),
    EntityConnectionStatus.UNKNOWN: set(EntityConnectionStatus),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """
    A wait for a connection to have one of some statuses.

    :param connection_id: Zuora's id of the connection; or
    :param source_entity_id: the entity that asks, 32 hex digits: any of its connections will do, also one
        that is not there yet.
    :param statuses: the statuses to wait for.
    """

    connection_id: str | None
    source_entity_id: str | None
    statuses: frozenset[EntityConnectionStatus]

    @classmethod
    def checked(
        cls, connection_id: str | None, source_entity_id: str | None, statuses: Collection[str]
    ) -> Wait:
        """
        Check what a user wrote.

        :raises ZuoraConfigError: unless exactly one of the two ids is given, and at least one known status.
        """
        if (connection_id is None) == (source_entity_id is None):
            raise ZuoraConfigError("Give either connection_id or source_entity_id")
        if isinstance(statuses, str) or not isinstance(statuses, Collection) or not statuses:
            raise ZuoraConfigError('statuses must be a list of statuses, such as ("Connected",)')
        return cls(
            None if connection_id is None else path_id(connection_id, "connection_id"),
            None if source_entity_id is None else entity_hex(source_entity_id, "source_entity_id"),
            frozenset(EntityConnectionStatus.parse(status) for status in statuses),
        )

    def look(self, connections: Iterable[EntityConnection]) -> EntityConnection | None:
        """
        Look whether the wait is over.

        :param connections: all connections of the entity, as they were just read.
        :return: the connection that has one of the statuses, ``None`` if the wait goes on.
        :raises ZuoraNotFoundError: if the connection with the id is not among them.
        :raises EntityConnectionStateError: if none can come to one of the statuses any more.
        """
        ours = [one for one in connections if self._is_meant(one)]
        if not ours and self.connection_id is not None:
            raise ZuoraNotFoundError(
                f"Entity connection {self.connection_id} is not, or no longer, on the list: it was denied or "
                "removed, or the id, the entity or the environment is wrong."
            )
        if reached := [one for one in ours if one.status in self.statuses]:
            return reached[0]
        if ours and not any(_AHEAD[one.status] & self.statuses for one in ours):
            self._give_up(ours)
        return None

    def _is_meant(self, connection: EntityConnection) -> bool:
        if self.connection_id is not None:
            return connection.id == self.connection_id
        return connection.source_entity_id == self.source_entity_id

    def _give_up(self, ours: list[EntityConnection]) -> None:
        if self.connection_id is None and EntityConnectionStatus.PENDING in self.statuses:
            return  # the same source may send a new request at any time
        found = ", ".join(f"{one.id} is {one.raw_status}" for one in ours)
        wanted = " or ".join(sorted(self.statuses))
        raise EntityConnectionStateError(
            f"Waiting for {wanted} is in vain: entity connection {found}, and cannot become that any more."
        )

"""Entity connections: who may do what, and which status follows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_zuora.models import EntityConnectionStatus as Status
from airflow_zuora.simulator import errors
from airflow_zuora.simulator.locking import locked
from airflow_zuora.simulator.records import Connection, new_id

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from airflow_zuora.simulator.settings import Settings


class Connections:
    """
    All connections of the tenant, by id and by entity.

    :param settings: decide where Zuora's documentation is silent.
    :param lock: the lock of the store.
    """

    def __init__(self, settings: Settings, lock: threading.RLock) -> None:
        self.lock = lock
        self.revision = 0
        """Grows with every change, so that a reader sees whether to look again."""
        self._settings = settings
        self._by_id: dict[str, Connection] = {}
        # Ids in the order of their creation: a page is a slice, however many connections there are.
        self._lists: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
        self._by_pair: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    @locked
    def get(self, connection_id: str) -> Connection:
        """Give one connection; not found is a ZuoraError of category 40."""
        if connection_id not in self._by_id:
            raise errors.not_found(connection_id)
        return self._by_id[connection_id]

    @locked
    def all(self) -> list[Connection]:
        """Give every connection of the tenant, oldest first."""
        return list(self._by_id.values())

    @locked
    def page(
        self, entity_id: str, direction: str | None, start: int, size: int
    ) -> tuple[list[Connection], bool]:
        """
        Give some connections of an entity, and whether there are more behind them.

        :param direction: ``inbound``, ``outbound``, or ``None`` for both.
        """
        ids: Sequence[str] = self._lists.get((entity_id, direction), ())
        return [self._by_id[id_] for id_ in ids[start : start + size]], len(ids) > start + size

    @locked
    def add(
        self,
        source_entity_id: str,
        target_entity_id: str,
        status: Status = Status.PENDING,
        id_: str | None = None,
    ) -> Connection:
        """Put a connection into the list, whatever the rules say."""
        connection = Connection(id_ or new_id(), source_entity_id, target_entity_id, status)
        self._put(connection)
        for ids in self._indexes(connection):
            ids.append(connection.id)
        return connection

    @locked
    def initiate(self, source_entity_id: str, target_entity_id: str) -> Connection:
        """Ask for a connection; a row of the same pair may already stand in the way."""
        rows = [self._by_id[id_] for id_ in self._by_pair.get((source_entity_id, target_entity_id), ())]
        alive = [row for row in rows if row.status is not Status.DISCONNECTED]
        choice = self._settings.duplicate_request if alive else self._settings.reinitiate
        if not rows or choice == "new":
            return self.add(source_entity_id, target_entity_id)
        if choice == "rule":
            raise errors.rule("A connection between the source entity and the target entity already exists.")
        return alive[-1] if alive else self._put(replace(rows[-1], status=Status.PENDING))

    @locked
    def accept(self, connection_id: str, entity_id: str) -> Connection:
        """Accept a request as the target entity."""
        connection = self._as_target(connection_id, entity_id)
        if connection.status is Status.PENDING:
            return self._move(connection, Status.CONNECTED)
        repeated = connection.status is Status.CONNECTED
        choice = self._settings.repeat_accept if repeated else self._settings.accept_after_end
        if choice == "success":
            return connection
        raise _refused(choice, connection, "accepted")

    @locked
    def deny(self, connection_id: str, entity_id: str) -> Connection:
        """Deny a request as the target entity."""
        connection = self._as_target(connection_id, entity_id)
        if connection.status is Status.CONNECTED and self._settings.deny_connected == "success":
            return self._move(connection, Status.DISCONNECTED)
        if connection.status is not Status.PENDING:
            raise _refused("rule", connection, "denied")
        if self._settings.deny_result == "removed":
            self.remove(connection_id)
            return connection
        return self._move(connection, Status.DISCONNECTED)

    @locked
    def disconnect(self, connection_id: str, entity_id: str) -> Connection:
        """End a connection as either side."""
        connection = self._visible(connection_id, entity_id)
        pending_too = self._settings.disconnect_pending == "success"
        if connection.status is Status.CONNECTED or (connection.status is Status.PENDING and pending_too):
            return self._move(connection, Status.DISCONNECTED)
        raise _refused("rule", connection, "disconnected")

    @locked
    def remove(self, connection_id: str) -> None:
        """Take a connection out of all lists."""
        connection = self._by_id.pop(connection_id)
        self.revision += 1
        for ids in self._indexes(connection):
            ids.remove(connection_id)

    def _visible(self, connection_id: str, entity_id: str) -> Connection:
        """To an entity that has no part in it, a connection does not exist."""
        connection = self.get(connection_id)
        if entity_id not in (connection.source_entity_id, connection.target_entity_id):
            raise errors.not_found(connection_id)
        return connection

    def _as_target(self, connection_id: str, entity_id: str) -> Connection:
        connection = self._visible(connection_id, entity_id)
        if entity_id == connection.target_entity_id:
            return connection
        if self._settings.wrong_side == "permission":
            raise errors.permission(
                "You do not have permission to respond to an outbound connection request."
            )
        raise _refused(self._settings.wrong_side, connection, "answered by its source entity")

    def _move(self, connection: Connection, status: Status) -> Connection:
        return self._put(replace(connection, status=status))

    def _put(self, connection: Connection) -> Connection:
        self._by_id[connection.id] = connection
        self.revision += 1
        return connection

    def _indexes(self, connection: Connection) -> tuple[list[str], ...]:
        source, target = connection.source_entity_id, connection.target_entity_id
        keys = ((source, "outbound"), (target, "inbound"), (source, None), (target, None))
        return (*(self._lists[key] for key in keys), self._by_pair[source, target])


def _refused(choice: str, connection: Connection, done: str) -> errors.ZuoraError:
    """Make the error that a setting asks for."""
    if choice == "not_found":
        return errors.not_found(connection.id)
    return errors.rule(f"The connection with status '{connection.status}' cannot be {done}.")

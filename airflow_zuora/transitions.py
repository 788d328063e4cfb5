"""Which change an entity connection allows, where it leads, and what can still become of it. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraValueError,
)
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_hex, zuora_id
from airflow_zuora.texts import listed

PENDING, CONNECTED, DISCONNECTED = (
    EntityConnectionStatus.PENDING,
    EntityConnectionStatus.CONNECTED,
    EntityConnectionStatus.DISCONNECTED,
)


@dataclass(frozen=True)
class Transition:
    """
    A change of an entity connection's status.

    :param verb: Last part of the path in Zuora's API.
    :param start: The status that it requires.
    :param end: The status that it leads to.
    :param advice: What to do about a connection of another status.
    :param by_source: Whether the source entity may do it as well as the target.
    :param may_vanish: Whether Zuora may remove the connection from the list instead of showing ``end``.
    """

    verb: str
    start: EntityConnectionStatus
    end: EntityConnectionStatus
    advice: str
    by_source: bool = False
    may_vanish: bool = False

    def check(self, connection: EntityConnection, acting_entity_id: str | None) -> None:
        """
        Check that the connection allows the change, or that the change has been made already.

        :param connection: The connection as it was just read.
        :param acting_entity_id: The entity that makes the change; ``None`` without Multi-entity.
        :raises EntityConnectionStateError: If its entities or its status do not allow it.
        """
        self.check_entities(connection, acting_entity_id)
        if connection.status not in (self.start, self.end):
            raise EntityConnectionStateError(
                f"Cannot {self.verb} entity connection {connection.id}: it is {connection.raw_status}, not "
                f"{self.start}. {self.advice}"
            )

    def check_entities(self, connection: EntityConnection, acting_entity_id: str | None) -> None:
        """
        Check that the acting entity may make the change.

        :raises EntityConnectionStateError: If it is not the target, where only that one may.
        """
        target = connection.target_entity_id
        if not self.by_source and acting_entity_id is not None and target != entity_hex(acting_entity_id):
            raise EntityConnectionStateError(
                f"Cannot {self.verb} entity connection {connection.id}: it is a request to entity {target}, "
                f"and the acting entity is {entity_hex(acting_entity_id)}. Only the target can {self.verb} "
                f"it: set entity_id to {target}."
            )


ACCEPT = Transition(
    "accept",
    PENDING,
    CONNECTED,
    "It was denied or disconnected; the source entity has to send a new request.",
)
DENY = Transition(
    "deny",
    PENDING,
    DISCONNECTED,
    "Only a Pending request can be denied; a Connected one can be disconnected, which cannot be undone.",
    may_vanish=True,
)
DISCONNECT = Transition(
    "disconnect",
    CONNECTED,
    DISCONNECTED,
    "Only a Connected one can be disconnected; a Pending request can be denied.",
    by_source=True,
)
TRANSITIONS = (ACCEPT, DENY, DISCONNECT)

ByStatus = dict[EntityConnectionStatus, list[EntityConnection]]


@cache
def reachable(status: EntityConnectionStatus) -> frozenset[EntityConnectionStatus]:
    """Return the statuses that a connection can still reach; all of them from an unknown one."""
    if status is EntityConnectionStatus.UNKNOWN:
        return frozenset(EntityConnectionStatus)
    ends = {transition.end for transition in TRANSITIONS if transition.start is status}
    return frozenset(ends).union(*(reachable(end) for end in ends))


class ConnectionIndex:
    """
    The connections of an entity at one moment, found by their ids or by their entities.

    :param connections: All connections of the entity, in both directions.
    """

    def __init__(self, connections: Iterable[EntityConnection]) -> None:
        self._by_id: dict[str, ByStatus] = {}
        self._by_entities: dict[tuple[str | None, str | None], ByStatus] = {}
        for one in connections:
            self._by_id[one.id] = {one.status: [one]}
            source, target = one.source_entity_id, one.target_entity_id
            for entities in ((source, target), (source, None), (None, target)):
                self._by_entities.setdefault(entities, {}).setdefault(one.status, []).append(one)

    def find(
        self, connection_id: str | None, source_entity_id: str | None, target_entity_id: str | None
    ) -> ByStatus:
        """
        Find a connection by its id, or else all between two entities.

        :param connection_id: Zuora's id of the connection.
        :param source_entity_id: The source, 32 hex digits; ``None`` for any.
        :param target_entity_id: The target, 32 hex digits; ``None`` for any.
        """
        if connection_id is not None:
            return self._by_id.get(connection_id, {})
        return self._by_entities.get((source_entity_id, target_entity_id), {})


@dataclass(frozen=True)
class Wait:
    """
    A wait for a connection to reach one of some statuses: one rule for the sensor and the trigger.

    :param connection_id: Zuora's id of the connection; or
    :param source_entity_id: the entity that sends the request, and
    :param target_entity_id: the one that decides on it, 32 hex digits; ``None`` for any. Each connection
        between them counts, also one that does not exist yet.
    :param statuses: The wanted statuses.
    """

    connection_id: str | None
    source_entity_id: str | None
    target_entity_id: str | None
    statuses: frozenset[EntityConnectionStatus]

    @classmethod
    def checked(
        cls,
        connection_id: str | None,
        source_entity_id: str | None,
        target_entity_id: str | None,
        statuses: Collection[str],
    ) -> Wait:
        """
        Check the arguments of a sensor or trigger.

        :raises ZuoraValueError: Unless either the connection or at least one of its entities is given, and at
            least one known status.
        """
        has_entities = source_entity_id is not None or target_entity_id is not None
        if (connection_id is not None) == has_entities:
            raise ZuoraValueError(
                "Give either connection_id, or the source entity, the target entity or both"
            )
        return cls(
            None if connection_id is None else zuora_id(connection_id, "connection_id"),
            None if source_entity_id is None else entity_hex(source_entity_id, "source_entity_id"),
            None if target_entity_id is None else entity_hex(target_entity_id, "target_entity_id"),
            check_statuses(statuses),
        )

    def match(self, connections: ConnectionIndex) -> EntityConnection | None:
        """
        Find the connection that ends the wait.

        :param connections: All connections of the entity, as they were just read.
        :return: The connection that has a wanted status; ``None`` while the wait goes on.
        :raises EntityConnectionNotFoundError: If no connection has the id.
        :raises EntityConnectionStateError: If none can reach a wanted status any more.
        """
        ours = connections.find(self.connection_id, self.source_entity_id, self.target_entity_id)
        if not ours and self.connection_id is not None:
            raise EntityConnectionNotFoundError(
                f"Entity connection {self.connection_id} is not on the entity's list, or no longer: it was "
                "denied or removed, or the id, the entity or the environment is wrong."
            )
        if reached := self.statuses & ours.keys():
            return ours[min(reached)][0]
        # Between entities, a new request may still arrive.
        may_arrive = self.connection_id is None and (not ours or PENDING in self.statuses)
        if not may_arrive and not any(reachable(status) & self.statuses for status in ours):
            wanted = " or ".join(sorted(self.statuses))
            raise EntityConnectionStateError(
                f"{_shown(ours)} and can no longer become {wanted}. If the DAG should go "
                "on with that, add the status to statuses; otherwise, let the source send a new request."
            )
        return None


def _shown(connections: ByStatus) -> str:
    rows = [one for group in connections.values() for one in group]
    return listed([f"Entity connection {one.id} is {one.raw_status}" for one in rows])


def check_statuses(statuses: Any) -> frozenset[EntityConnectionStatus]:
    """
    Check the statuses of a wait.

    :raises ZuoraValueError: Unless it is a collection of at least one known status.
    """
    if isinstance(statuses, str) or not isinstance(statuses, Collection) or not statuses:
        raise ZuoraValueError('statuses must be a list of statuses, such as ("Connected",)')
    return frozenset(EntityConnectionStatus.parse(status) for status in statuses)

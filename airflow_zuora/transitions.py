"""What a change of an entity connection needs, and where it leads. No I/O."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_zuora.exceptions import EntityConnectionStateError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_hex


@dataclass(frozen=True, slots=True)
class Transition:
    """
    One change of an entity connection.

    :param verb: last part of Zuora's path.
    :param start: the status that it needs.
    :param end: the status that it leads to; a connection that has it already needs no change.
    :param advice: what to do about a connection of another status.
    :param by_source: whether the source entity may do it as well as the target.
    :param may_vanish: whether Zuora may take the connection off the list instead of showing ``end``.
    """

    verb: str
    start: EntityConnectionStatus
    end: EntityConnectionStatus
    advice: str
    by_source: bool = False
    may_vanish: bool = False

    def check(
        self, connection: EntityConnection, here: str | None, expected_source_entity_id: str | None = None
    ) -> None:
        """
        Check that the connection may be changed, or was changed already.

        :param connection: as it was just read.
        :param here: the entity that changes it, ``None`` where Zuora needs none.
        :param expected_source_entity_id: the entity that the request has to come from, if that matters.
        :raises EntityConnectionStateError: if the parties or the status do not fit.
        """
        source, target = connection.source_entity_id, connection.target_entity_id
        if not self.by_source and here is not None and target != entity_hex(here):
            raise EntityConnectionStateError(
                f"Cannot {self.verb} entity connection {connection.id}: it is a request to entity {target}, "
                f"and this is {entity_hex(here)}. Only the target can {self.verb} it: set entity_id to that."
            )
        if expected_source_entity_id is not None:
            expected = entity_hex(expected_source_entity_id, "expected_source_entity_id")
            if source != expected:
                raise EntityConnectionStateError(
                    f"Cannot {self.verb} entity connection {connection.id}: it comes from entity {source}, "
                    f"not from {expected} that was expected. Review the request again."
                )
        if connection.status not in (self.start, self.end):
            raise EntityConnectionStateError(
                f"Cannot {self.verb} entity connection {connection.id}: it is {connection.raw_status}, not "
                f"{self.start}. {self.advice}"
            )


ACCEPT = Transition(
    "accept",
    EntityConnectionStatus.PENDING,
    EntityConnectionStatus.CONNECTED,
    "It was denied or disconnected; the source entity has to send a new request.",
)

DENY = Transition(
    "deny",
    EntityConnectionStatus.PENDING,
    EntityConnectionStatus.DISCONNECTED,
    "Only a Pending request can be denied; a Connected one can be disconnected, which cannot be undone.",
    may_vanish=True,
)
DISCONNECT = Transition(
    "disconnect",
    EntityConnectionStatus.CONNECTED,
    EntityConnectionStatus.DISCONNECTED,
    "Only a Connected one can be disconnected; a Pending request can be denied.",
    by_source=True,
)

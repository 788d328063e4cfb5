"""What Zuora's Multi-entity API speaks of: entities and the connections between them. No I/O."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraResponseError
from airflow_zuora.texts import one_line, shorten

ZUORA_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what may go into a path, and so what may come from Zuora
_ENTITY_ID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")


def entity_uuid(entity_id: str, what: str = "entity_id") -> str:
    """
    Write an entity id as the hyphenated UUID that headers and token scopes use.

    Zuora writes the same id in two ways: 32 hex digits in JSON bodies, 36 characters with hyphens in
    ``Zuora-Entity-Ids`` and in the token's scope. The version bits of an RFC 4122 UUID are not kept.

    :param entity_id: 32 hex digits, with or without the four hyphens.
    :param what: its name in the error.
    :raises ZuoraConfigError: (a ValueError) if it is anything else.
    """
    if not isinstance(entity_id, str) or not _ENTITY_ID.fullmatch(entity_id):
        raise ZuoraConfigError(
            f"{what} must be 32 hex digits, with or without hyphens, not {shorten(entity_id)}"
        )
    digits = entity_id.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def entity_hex(entity_id: str, what: str = "entity_id") -> str:
    """Write an entity id as the 32 hex digits that Zuora's JSON bodies use; see :func:`entity_uuid`."""
    return entity_uuid(entity_id, what).replace("-", "")


class EntityConnectionStatus(StrEnum):
    """Where an entity connection stands. A status that Zuora adds later reads as ``UNKNOWN``."""

    PENDING = "Pending"
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> EntityConnectionStatus:
        return cls.UNKNOWN

    @classmethod
    def parse(cls, status: str) -> EntityConnectionStatus:
        """
        Read a status that a user wrote.

        :raises ZuoraConfigError: if it is none that Zuora documents.
        """
        if (found := cls(status)) is cls.UNKNOWN:
            known = ", ".join(one for one in cls if one is not cls.UNKNOWN)
            raise ZuoraConfigError(f"status must be one of {known}, not {shorten(status)}")
        return found


@dataclass(frozen=True, slots=True)
class EntityConnection:
    """
    One request or connection between two entities.

    Zuora keeps no times, no requester and no comment in the record.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

    :param id: Zuora's id of the connection.
    :param source_entity_id: the entity that asked, 32 hex digits.
    :param target_entity_id: the entity that is asked, 32 hex digits.
    :param status: where it stands.
    :param raw_status: the status as Zuora wrote it, also when this package does not know it; on one line.
    """

    id: str
    source_entity_id: str
    target_entity_id: str
    status: EntityConnectionStatus
    raw_status: str

    @classmethod
    def from_api(cls, row: Any) -> EntityConnection:
        """
        Read one row of Zuora's list; fields that Zuora adds later are passed over.

        :raises ZuoraResponseError: if it is no object, one of the four fields is missing or no text, or an id
            is none.
        """
        what = "entity connection"
        id_, source, target, status = _texts(row, what, ("id", "sourceEntityId", "targetEntityId", "status"))
        if not ZUORA_ID.fullmatch(id_):
            raise ZuoraResponseError(f"Zuora sent an {what} with a bad id: {shorten(id_)}")
        source, target, status = _hex(source, what), _hex(target, what), one_line(status)
        return cls(id_, source, target, EntityConnectionStatus(status), status)

    def as_dict(self, entities: Iterable[Entity] | None = None) -> dict[str, str]:
        """
        Give the connection as plain data, for XCom and events.

        :param entities: adds ``source_name`` and ``target_name``; an id stands for an entity that is missing.
        """
        plain = {
            "connection_id": self.id,
            "source_entity_id": self.source_entity_id,
            "target_entity_id": self.target_entity_id,
            "status": self.raw_status,
        }
        if entities is None:
            return plain
        names = {entity.id: entity.display_name for entity in entities}
        return {
            **plain,
            "source_name": names.get(self.source_entity_id, self.source_entity_id),
            "target_name": names.get(self.target_entity_id, self.target_entity_id),
        }

    def moved_to(self, status: EntityConnectionStatus) -> EntityConnection:
        """Give the same connection with another status."""
        return dataclasses.replace(self, status=status, raw_status=str(status))


@dataclass(frozen=True, slots=True)
class EntityConnectionChange(EntityConnection):
    """
    A connection after a change, and how it came there.

    :param previous_status: the status that was read before anything was sent; ``None`` where there was none.
    :param changed: whether this call sent the change; ``False`` where it was done before.
    :param request_id: Zuora's ``Zuora-Request-Id`` of the change; ``None`` where the answer was lost or
        nothing was sent.
    """

    previous_status: EntityConnectionStatus | None
    changed: bool
    request_id: str | None

    @classmethod
    def of(
        cls,
        after: EntityConnection,
        previous_status: EntityConnectionStatus | None,
        *,
        changed: bool,
        request_id: str | None = None,
    ) -> EntityConnectionChange:
        """Say how a connection came to be as it is."""
        fields = {field.name: getattr(after, field.name) for field in dataclasses.fields(EntityConnection)}
        return cls(**fields, previous_status=previous_status, changed=changed, request_id=request_id)


@dataclass(frozen=True, slots=True)
class Entity:
    """
    An entity of a Zuora tenant.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entities

    :param id: 32 hex digits.
    :param name: unique in the tenant; on one line, as is what follows.
    :param display_name: what people see; the name where Zuora has none.
    :param parent_id: the entity above, ``None`` for the global entity.
    :param status: ``Provisioned`` or ``Unprovisioned``.
    """

    id: str
    name: str
    display_name: str
    parent_id: str | None
    status: str

    @classmethod
    def from_api(cls, row: Any) -> Entity:
        """
        Read one entity; fields that Zuora adds later are passed over.

        :raises ZuoraResponseError: if it is no object, the id, name or status is missing or no text, or an id
            is none.
        """
        id_, name, status = _texts(row, "entity", ("id", "name", "status"))
        shown = row.get("displayName")
        return cls(
            _hex(id_, "entity"),
            one_line(name),
            isinstance(shown, str) and one_line(shown) or one_line(name),
            _hex(row["parentId"], "entity") if row.get("parentId") else None,
            one_line(status),
        )


def _texts(row: Any, what: str, names: tuple[str, ...]) -> list[str]:
    """Take the named texts out of a JSON object."""
    if not isinstance(row, Mapping):
        raise ZuoraResponseError(f"Zuora sent {type(row).__name__} where an {what} belongs")
    if wrong := [name for name in names if not isinstance(row.get(name), str) or not one_line(row[name])]:
        raise ZuoraResponseError(f"Zuora sent an {what} without {', '.join(wrong)}")
    return [row[name] for name in names]


def _hex(entity_id: Any, what: str) -> str:
    try:
        return entity_hex(entity_id)
    except ZuoraConfigError as error:
        raise ZuoraResponseError(f"Zuora sent an {what} with a bad id: {error}") from error

"""Entities, the connections between them, and their ids. No I/O."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_zuora.exceptions import ZuoraResponseError, ZuoraValueError
from airflow_zuora.texts import one_line, shorten

# Not compiled here, but by re when the first id is checked: importing an operator costs less that way.
_ZUORA_ID = r"[A-Za-z0-9_-]{1,64}"  # safe in a path
_TRACK_ID = r"""(?! )[!#-&(-9<-~ ]+(?<! )"""  # printable ASCII but for : ; " '
_ENTITY_ID = r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}"
MAX_TRACK_ID = 64  # characters


def zuora_id(value: Any, what: str = "id") -> str:
    """
    Check an id of Zuora before it goes into a path.

    :param value: The id.
    :param what: The parameter's name, for the error.
    :return: The id, unchanged.
    :raises ZuoraValueError: Unless it is 1 to 64 ASCII letters, digits, ``-`` and ``_``.
    """
    if not isinstance(value, str) or not re.fullmatch(_ZUORA_ID, value):
        raise ZuoraValueError(
            f"{what} must be an id of Zuora, 1 to 64 letters, digits, hyphens and underscores, not "
            f"{shorten(value)}"
        )
    return value


def entity_uuid(entity_id: Any, what: str = "entity_id") -> str:
    """
    Convert an entity id to the hyphenated UUID that headers and token scopes use.

    Zuora writes the same id in two ways: 32 hex digits in JSON bodies, 36 characters with hyphens in
    ``Zuora-Entity-Ids`` and in the token's scope. It does not follow RFC 4122's version bits.

    :param entity_id: 32 hex digits, with or without the four hyphens.
    :param what: The parameter's name, for the error.
    :raises ZuoraValueError: If it is anything else.
    """
    if not is_entity_id(entity_id):
        raise ZuoraValueError(
            f"{what} must be 32 hex digits, with or without hyphens, not {shorten(entity_id)}"
        )
    digits = entity_id.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def is_entity_id(value: Any) -> bool:
    """Whether it is written like an entity id: 32 hex digits, with or without hyphens."""
    return isinstance(value, str) and re.fullmatch(_ENTITY_ID, value) is not None


def entity_hex(entity_id: Any, what: str = "entity_id") -> str:
    """Convert an entity id to the 32 hex digits that Zuora's JSON bodies use; see :func:`entity_uuid`."""
    return entity_uuid(entity_id, what).replace("-", "")


def check_track_id(track_id: Any, what: str = "track_id") -> str:
    """
    Check a value for the ``Zuora-Track-Id`` header.

    :param track_id: The value.
    :param what: The parameter's name, for the error.
    :return: The value, unchanged.
    :raises ZuoraValueError: Unless it is 1 to 64 printable ASCII characters, none of them ``: ; " '``,
        without a blank at either end, which HTTP does not keep.
    """
    is_short = isinstance(track_id, str) and len(track_id) <= MAX_TRACK_ID
    if not is_short or not re.fullmatch(_TRACK_ID, track_id):
        raise ZuoraValueError(
            f"{what} must be 1 to {MAX_TRACK_ID} printable ASCII characters without colons, semicolons, "
            f"quotes and blanks at the ends, not {shorten(track_id)}"
        )
    return str(track_id)


class EntityConnectionStatus(StrEnum):
    """The status of an entity connection. One that Zuora adds later reads as ``UNKNOWN``."""

    PENDING = "Pending"
    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"
    UNKNOWN = "Unknown"

    @classmethod
    def _missing_(cls, value: object) -> EntityConnectionStatus:
        return cls.UNKNOWN

    @classmethod
    def parse(cls, status: Any, what: str = "status") -> EntityConnectionStatus:
        """
        Read a status that a user gave.

        :param status: The status.
        :param what: The parameter's name, for the error.
        :raises ZuoraValueError: If Zuora does not document it.
        """
        if (found := cls(status)) is cls.UNKNOWN:
            known = ", ".join(one for one in cls if one is not cls.UNKNOWN)
            raise ZuoraValueError(f"{what} must be one of {known}, not {shorten(status)}")
        return found


@dataclass(frozen=True, slots=True)
class EntityConnection:
    """
    A request for a connection between two entities, or an established one.

    Zuora's record has no times, no requester and no comment.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

    :param id: Zuora's id of the connection.
    :param source_entity_id: The entity that sent the request, 32 hex digits.
    :param target_entity_id: The entity that decides on it, 32 hex digits.
    :param status: The status.
    :param raw_status: The status as Zuora wrote it, on one line; also one that this package does not know.
    """

    id: str
    source_entity_id: str
    target_entity_id: str
    status: EntityConnectionStatus
    raw_status: str

    @classmethod
    def from_api(cls, row: Any) -> EntityConnection:
        """
        Read one row of Zuora's list; unknown fields are ignored.

        :raises ZuoraResponseError: If it is not an object, or a field is missing or malformed.
        """
        what = "entity connection"
        id_, source, target, status = _texts(row, what, ("id", "sourceEntityId", "targetEntityId", "status"))
        if not re.fullmatch(_ZUORA_ID, id_):
            raise ZuoraResponseError(f"Zuora sent an {what} with a malformed id: {shorten(id_)}")
        source, target, status = _hex(source, what), _hex(target, what), one_line(status)
        return cls(id_, source, target, EntityConnectionStatus(status), status)

    @property
    def parties(self) -> tuple[str, str]:
        """The ids of its source and its target."""
        return self.source_entity_id, self.target_entity_id

    def as_dict(self, entities: Iterable[Entity] | None = None) -> dict[str, str]:
        """
        Return the connection as plain data, for XCom and events.

        :param entities: Adds ``source_name`` and ``target_name``; the id stands in for a missing entity.
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

    def with_status(self, status: EntityConnectionStatus) -> EntityConnection:
        """Return the same connection with another status."""
        return dataclasses.replace(self, status=status, raw_status=str(status))


@dataclass(frozen=True, slots=True)
class EntityConnectionChange:
    """
    What a change did to a connection.

    :param connection: The connection after the change.
    :param previous_status: Its status before; ``None`` where the connection did not exist.
    :param changed: Whether this call sent the change; ``False`` where nothing was left to do.
    :param request_id: Zuora's ``Zuora-Request-Id`` of the change; ``None`` where its answer was lost or
        nothing was sent.
    """

    connection: EntityConnection
    previous_status: EntityConnectionStatus | None
    changed: bool
    request_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the change as plain data, for XCom."""
        previous = self.previous_status
        return {
            **self.connection.as_dict(),
            "previous_status": None if previous is None else str(previous),
            "changed": self.changed,
            "request_id": self.request_id,
        }


@dataclass(frozen=True, slots=True)
class Entity:
    """
    An entity of a Zuora tenant.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entities

    :param id: 32 hex digits.
    :param name: Unique in the tenant; on one line, as the other texts.
    :param display_name: The name that people see; the unique name where Zuora has none.
    :param parent_id: The entity above, ``None`` for the global entity.
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
        Read one entity; unknown fields are ignored.

        :raises ZuoraResponseError: If it is not an object, or a field is missing or malformed.
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
    """Return the named strings of a JSON object."""
    if not isinstance(row, Mapping):
        raise ZuoraResponseError(f"Zuora sent {type(row).__name__} in place of an {what}")
    if wrong := [name for name in names if not isinstance(row.get(name), str) or not one_line(row[name])]:
        raise ZuoraResponseError(f"Zuora sent an {what} without {', '.join(wrong)}")
    return [row[name] for name in names]


def _hex(entity_id: Any, what: str) -> str:
    try:
        return entity_hex(entity_id)
    except ZuoraValueError as error:
        raise ZuoraResponseError(f"Zuora sent an {what} with a malformed entity id: {error}") from error

"""The records that the simulator keeps."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from airflow_zuora.models import EntityConnectionStatus, entity_uuid

TENANT_ID = "10019"


class Role(StrEnum):
    """What the owner of an OAuth client is in one entity."""

    ADMINISTRATOR = "administrator"
    STANDARD = "standard"


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of the tenant; ``id`` and ``parent_id`` are 32 hex digits."""

    id: str
    name: str
    display_name: str
    parent_id: str | None
    locale: str = "en_US"
    timezone: str = "America/Los_Angeles"
    provisioned: bool = True

    def to_api(self) -> dict[str, Any]:
        """Write the record as Zuora's JSON does."""
        return {
            "id": self.id,
            "name": self.name,
            "displayName": self.display_name,
            "locale": self.locale,
            "timezone": self.timezone,
            "parentId": self.parent_id,
            "tenantId": TENANT_ID,
            "status": "Provisioned" if self.provisioned else "Unprovisioned",
        }


@dataclass(frozen=True, slots=True)
class Connection:
    """A request or connection from one entity to another."""

    id: str
    source_entity_id: str
    target_entity_id: str
    status: EntityConnectionStatus

    def to_api(self) -> dict[str, str]:
        """Write the record as Zuora's JSON does."""
        return {
            "id": self.id,
            "sourceEntityId": self.source_entity_id,
            "targetEntityId": self.target_entity_id,
            "status": str(self.status),
        }


@dataclass(slots=True)
class OAuthClient:
    """
    An OAuth client.

    :param name: how tests call it.
    :param id: the Client ID, 36 characters.
    :param secret: the Client Secret, at most 42 characters.
    :param roles: what its owner is in each entity that the client may use; the first is the home entity.
    :param write_access: whether the owner holds the platform permission "API Write Access".
    :param active: false once the owner is deactivated.
    """

    name: str
    id: str
    secret: str = field(repr=False)
    roles: dict[str, Role]
    write_access: bool = True
    active: bool = True

    @property
    def home_entity_id(self) -> str:
        """The entity where the owner was created."""
        return next(iter(self.roles))


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; ``expires_at`` is Unix time."""

    value: str = field(repr=False)
    client: OAuthClient
    entity_ids: tuple[str, ...]
    expires_at: float
    jti: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def scope(self) -> str:
        """The scope as Zuora writes it, with one ``entity.<uuid>`` for each entity."""
        entities = (f"entity.{entity_uuid(id_)}" for id_ in self.entity_ids)
        user = self.client.id.replace("-", "")
        return " ".join((f"user.{user}", *entities, "service.echo.read", f"tenant.{TENANT_ID}"))


def new_id() -> str:
    """Make an id that looks like Zuora's: 32 hex digits."""
    return "8ad0" + secrets.token_hex(14)

"""Entities of the tenant and the rules of their life."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_zuora.simulator import errors
from airflow_zuora.simulator.locking import locked
from airflow_zuora.simulator.records import Entity, new_id

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

MAX_ENTITIES = 512
_MAX_NAME = 255
_NAME = re.compile(r"[A-Za-z0-9 .-]+")
_TEXT_FIELDS = ("name", "displayName", "locale", "timezone", "parentId")


class Entities:
    """
    The entity hierarchy.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entities

    :param lock: the lock of the store.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self.lock = lock
        self.revision = 0
        self._by_id: dict[str, Entity] = {}
        self._names: set[str] = set()

    @locked
    def all(self, provisioned: bool | None = None) -> list[Entity]:
        """Give the entities, parents first; ``provisioned`` keeps only those that are, or are not."""
        return [e for e in self._by_id.values() if provisioned is None or e.provisioned is provisioned]

    @locked
    def get(self, entity_id: str) -> Entity:
        """Give one entity; not found is a ZuoraError of category 40."""
        if entity_id not in self._by_id:
            raise errors.not_found(entity_id)
        return self._by_id[entity_id]

    @locked
    def find(self, entity_id: str) -> Entity | None:
        """Give one entity, or ``None``."""
        return self._by_id.get(entity_id)

    @locked
    def add(self, entity: Entity) -> Entity:
        """Put an entity into the tree, whatever the rules say."""
        if previous := self._by_id.get(entity.id):
            self._names.discard(previous.name)
        self._by_id[entity.id] = entity
        self._names.add(entity.name)
        self.revision += 1
        return entity

    @locked
    def create(self, fields: Mapping[str, Any]) -> Entity:
        """Create an unprovisioned entity from the body of a request."""
        values = _texts(fields)
        for name in ("name", "parentId", "locale", "timezone"):
            if name not in values:
                raise errors.missing(name)
        self._check_name(values["name"])
        parent = self.get(values["parentId"])
        if len(self._by_id) >= MAX_ENTITIES:
            raise errors.rule(f"An entity hierarchy can have at most {MAX_ENTITIES} entities.")
        name, locale, timezone = values["name"], values["locale"], values["timezone"]
        display_name = values.get("displayName", name)
        return self.add(Entity(new_id(), name, display_name, parent.id, locale, timezone, provisioned=False))

    @locked
    def update(self, entity_id: str, fields: Mapping[str, Any]) -> Entity:
        """Change an entity; its locale and time zone are fixed once it is provisioned."""
        entity, values = self.get(entity_id), _texts(fields)
        if entity.provisioned and ("locale" in values or "timezone" in values):
            raise errors.rule("The locale and time zone of a provisioned entity cannot be changed.")
        if entity.parent_id is None and "displayName" in values:
            raise errors.rule("The display name of the global entity cannot be changed.")
        if values.get("name", entity.name) != entity.name:
            self._check_name(values["name"])
        return self.add(
            replace(
                entity,
                name=values.get("name", entity.name),
                display_name=values.get("displayName", entity.display_name),
                locale=values.get("locale", entity.locale),
                timezone=values.get("timezone", entity.timezone),
            )
        )

    @locked
    def delete(self, entity_id: str) -> list[Entity]:
        """Delete an unprovisioned entity and all below it; give what was deleted."""
        entity = self.get(entity_id)
        gone = [entity]
        for candidate in gone:  # the list grows while it is walked: children of children
            gone += [e for e in self._by_id.values() if e.parent_id == candidate.id]
        if any(e.provisioned for e in gone):
            raise errors.rule("A provisioned entity cannot be deleted.")
        for removed in gone:
            self._names.discard(self._by_id.pop(removed.id).name)
        self.revision += 1
        return gone

    @locked
    def provision(self, entity_id: str) -> Entity:
        """Provision an entity, for ever."""
        entity = self.get(entity_id)
        if entity.provisioned:
            raise errors.rule("The entity is already provisioned.")
        if entity.parent_id is not None and not self.get(entity.parent_id).provisioned:
            raise errors.rule("The parent entity must be provisioned first.")
        return self.add(replace(entity, provisioned=True))

    def _check_name(self, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise errors.invalid("The name may hold letters, digits, spaces, periods and hyphens only.")
        if name in self._names:
            raise errors.rule(f"An entity with the name '{name}' already exists.")


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    """Take the known fields out of a request body; Zuora passes over those it does not know."""
    values = {name: fields[name] for name in _TEXT_FIELDS if fields.get(name) not in (None, "")}
    for name, value in values.items():
        if not isinstance(value, str) or len(value) > _MAX_NAME:
            raise errors.invalid(f"The field '{name}' must be a text of at most {_MAX_NAME} characters.")
    return values

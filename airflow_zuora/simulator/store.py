"""The simulated Zuora tenant: its state and its rules, without HTTP."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_zuora.simulator import errors, seed
from airflow_zuora.simulator.access import Access, require_administrator
from airflow_zuora.simulator.connections import Connections
from airflow_zuora.simulator.entities import Entities
from airflow_zuora.simulator.locking import locked
from airflow_zuora.simulator.records import Connection, Entity, OAuthClient, Role
from airflow_zuora.simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Store:
    """
    Entities, connections, and the OAuth clients that may use them.

    :param settings: behaviour where Zuora's documentation is silent; :meth:`reset` brings them back.
    :param clock: the time in Unix seconds.
    :param pending: how many Pending requests to the default entity to add to the seeded ones.
    :param roll_out: how many further entities to add, each with a Pending request from Acme Corporation.
    """

    entities: Entities
    connections: Connections
    access: Access

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Callable[[], float] = time.time,
        pending: int = 0,
        roll_out: int = 0,
    ) -> None:
        self.lock = threading.RLock()
        self.settings = settings or Settings()
        self.clock = clock
        self._first_settings = replace(self.settings)
        self._pending = pending
        self._roll_out = roll_out
        self.generation = 0
        """Grows with every reset."""
        self.reset()

    @locked
    def reset(self) -> None:
        """Bring back the seeded tenant and the first settings; every token becomes worthless."""
        self.generation += 1
        self.settings.update(self._first_settings.as_dict())
        self.entities = Entities(self.lock)
        self.connections = Connections(self.settings, self.lock)
        self.access = Access(self.settings, self.clock, self.lock)
        for entity in seed.entities(self._pending, self._roll_out):
            self.entities.add(entity)
        for id_, source, target, status in seed.connections(self._pending, self._roll_out):
            self.connections.add(source, target, status, id_)
        for client in seed.clients(self._roll_out):
            self.access.add(client)

    @locked
    def initiate(self, client: OAuthClient, source_entity_id: str, target_entity_id: str) -> Connection:
        """Ask for a connection as an administrator of the source who also has access to the target."""
        require_administrator(client, source_entity_id)
        self._check_pair(source_entity_id, target_entity_id)
        if target_entity_id not in client.roles:
            raise errors.permission("You do not have access to the target entity.")
        return self.connections.initiate(source_entity_id, target_entity_id)

    @locked
    def send_request(self, source_entity_id: str, target_entity_id: str) -> Connection:
        """Ask for a connection as somebody who may do so in every entity."""
        self._check_pair(source_entity_id, target_entity_id)
        return self.connections.initiate(source_entity_id, target_entity_id)

    @locked
    def create_entity(self, client: OAuthClient, entity_id: str, fields: Mapping[str, Any]) -> Entity:
        """Create an entity as administrator of the global entity."""
        self.require_global(client, entity_id)
        return self.entities.create(fields)

    @locked
    def provision_entity(self, client: OAuthClient, entity_id: str, provisioned_id: str) -> Entity:
        """Provision an entity; who does so becomes its administrator."""
        self.require_global(client, entity_id)
        entity = self.entities.provision(provisioned_id)
        client.roles[entity.id] = Role.ADMINISTRATOR
        return entity

    @locked
    def require_global(self, client: OAuthClient, entity_id: str) -> None:
        """Refuse all but administrators of the global entity."""
        require_administrator(client, entity_id)
        if self.entities.get(entity_id).parent_id is not None:
            raise errors.permission("Only an administrator of the global entity can perform this operation.")

    def _check_pair(self, source_entity_id: str, target_entity_id: str) -> None:
        source, target = self.entities.get(source_entity_id), self.entities.get(target_entity_id)
        if source.id == target.id:
            raise errors.rule("The source entity and the target entity must be different.")
        if not (source.provisioned and target.provisioned):
            raise errors.rule("Only provisioned entities can be connected.")

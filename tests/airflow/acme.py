"""Entities and requests of the simulated Zuora that no other test uses."""

from __future__ import annotations

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Entity, Role, new_id
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, SOURCE_ENTITY_ID

CLIENT = "marked"  # the OAuth client of the tests


def new_entity(zuora: ZuoraSimulator, name: str = "", client: str = CLIENT) -> str:
    """Add an entity, of which the owner of the OAuth client is an administrator; return its id."""
    id_ = new_id()
    name = name or f"Acme {id_[-6:]}"
    zuora.store.entities.add(Entity(id_, name, name, SOURCE_ENTITY_ID))
    zuora.store.access.named(client).roles[id_] = Role.ADMINISTRATOR
    return id_


def new_request(zuora: ZuoraSimulator, target: str = DEFAULT_ENTITY_ID, source_name: str = "") -> str:
    """Send a request from a new entity; return its id."""
    return zuora.send_request(new_entity(zuora, source_name), target)


def statuses(zuora: ZuoraSimulator, *connection_ids: str) -> list[str]:
    """List the statuses of some connections in Zuora."""
    return [str(zuora.store.connections.get(id_).status) for id_ in connection_ids]


def status(zuora: ZuoraSimulator, connection_id: str) -> str:
    return statuses(zuora, connection_id)[0]

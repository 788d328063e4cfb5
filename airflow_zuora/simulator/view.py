"""What the status page shows, as plain data."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_zuora.models import EntityConnectionStatus as Status
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID

if TYPE_CHECKING:
    from airflow_zuora.simulator.journal import RecordedRequest
    from airflow_zuora.simulator.records import Connection, Entity
    from airflow_zuora.simulator.simulation import Simulation
    from airflow_zuora.simulator.store import Store

_ORDER = (Status.PENDING, Status.CONNECTED, Status.DISCONNECTED)
_ROWS = 25
_ENTITIES = 60
_REQUESTS = 12


@dataclass(frozen=True, slots=True)
class Query:
    """What the reader wants to see: a status, a text in names and ids, and a page that counts from 1."""

    status: str = ""
    search: str = ""
    page: int = 1


def version(simulation: Simulation) -> str:
    """Name the present state, so that a reader sees whether to look again."""
    store = simulation.store
    parts = (store.generation, store.connections.revision, store.entities.revision, simulation.journal.count)
    return ".".join(map(str, parts))


def view(simulation: Simulation, query: Query) -> dict[str, Any]:
    """Give what the page shows: never more than a screenful, however large the tenant."""
    store = simulation.store
    present = version(simulation)
    connections = store.connections.all()
    counts = Counter(str(connection.status) for connection in connections)
    found = _found(store, connections, query)
    pages = max(1, -(-len(found) // _ROWS))
    page = min(max(1, query.page), pages)
    entities = store.entities.all()
    return {
        "version": present,
        "counts": {"": len(connections)} | {str(status): counts[status] for status in _ORDER},
        "connections": [
            _row(store, found[i]) for i in range((page - 1) * _ROWS, min(page * _ROWS, len(found)))
        ],
        "found": len(found),
        "page": page,
        "pages": pages,
        "entities": _tree(entities[:_ENTITIES], connections),
        "moreEntities": max(0, len(entities) - _ENTITIES),
        "requests": [_request(entry) for entry in simulation.journal.last(_REQUESTS)],
        "suggestion": {"source": AUSTRALIA_ENTITY_ID, "target": DEFAULT_ENTITY_ID},
    }


def _found(store: Store, connections: list[Connection], query: Query) -> list[Connection]:
    """Filter, and sort by status, newest first."""
    search = query.search.strip().lower()
    found = [
        connection
        for connection in reversed(connections)
        if query.status in ("", connection.status) and (not search or search in _haystack(store, connection))
    ]
    return sorted(found, key=lambda connection: _ORDER.index(connection.status))


def _haystack(store: Store, connection: Connection) -> str:
    names = (_name(store, connection.source_entity_id), _name(store, connection.target_entity_id))
    ids = (connection.id, connection.source_entity_id, connection.target_entity_id)
    return "\n".join((*names, *ids)).lower()


def _name(store: Store, entity_id: str) -> str:
    entity = store.entities.find(entity_id)
    return entity.display_name if entity else entity_id


def _row(store: Store, connection: Connection) -> dict[str, str]:
    source, target = connection.source_entity_id, connection.target_entity_id
    names = {"source": _name(store, source), "target": _name(store, target)}
    return {"id": connection.id, **names, "status": str(connection.status)}


def _tree(entities: list[Entity], connections: list[Connection]) -> list[dict[str, Any]]:
    """Order the entities as a tree, each with its depth and how many requests wait for its answer."""
    waiting = Counter(c.target_entity_id for c in connections if c.status is Status.PENDING)
    children: dict[str | None, list[Entity]] = {}
    for entity in entities:
        children.setdefault(entity.parent_id, []).append(entity)
    rows: list[dict[str, Any]] = []
    todo = [(entity, 0) for entity in children.get(None, [])]
    while todo:
        entity, depth = todo.pop()
        rows.append(
            {
                "id": entity.id,
                "name": entity.display_name,
                "depth": depth,
                "provisioned": entity.provisioned,
                "waiting": waiting[entity.id],
            }
        )
        todo += [(child, depth + 1) for child in reversed(children.get(entity.id, []))]
    return rows


def _request(entry: RecordedRequest) -> dict[str, Any]:
    at = datetime.datetime.fromtimestamp(entry.time).astimezone()
    return {
        "number": entry.number,
        "time": at.strftime("%H:%M:%S"),
        "method": entry.method,
        "path": entry.path + (f"?{entry.query}" if entry.query else ""),
        "status": entry.status,
        "fault": entry.fault,
    }

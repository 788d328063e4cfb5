"""The side of Zuora in tests: faults, what other people do there, and the requests that it has received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_zuora.models import EntityConnectionChange, EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    EMEA_ENTITY_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
)

LIST = "/v1/entity-connections"
INBOUND = {*PENDING_IDS, CONNECTED_ID, DISCONNECTED_ID}
PLAIN = {
    "connection_id": CONNECTED_ID,
    "source_entity_id": EMEA_ENTITY_ID,
    "target_entity_id": DEFAULT_ENTITY_ID,
    "status": "Connected",
}
# What is not an id of Zuora.
ODD_IDS = [
    *("../x", "..", ".", "a/b", "a\\b", "", " ", "a b", " a", "a\n", "\na", "a\r\nX: y", "a\x00", "a%2Fb"),
    *("a?b", "a#b", "a;b", "a.b", "é", "٣٤", "x" * 65, "x" * 10_000, None, 5, True, b"abc", ["abc"], {}),
]
# Faults that leave it unknown whether a change took effect.
LOST: dict[str, dict[str, Any]] = {
    "dropped": {"drop": True},
    "half a body": {"half_body": True},
    "504": {"named": "gateway_timeout"},
    "html": {"named": "html"},
    "html with 200": {"body": "<html></html>"},
    "empty": {"named": "empty"},
    "no success field": {"status": 200, "body": {}},
    "internal": {"named": "internal"},
}


def outcome(change: EntityConnectionChange) -> tuple[str, str | None, bool]:
    """The status after and before a change, and whether this call made it."""
    return change.connection.status, change.previous_status, change.changed


def reads(simulator: ZuoraSimulator) -> int:
    """Count the pages of the list that were asked for."""
    return len(simulator.requests("GET", LIST))


def order(simulator: ZuoraSimulator) -> list[str]:
    """Name the methods of all requests but those for a token."""
    return [one.method for one in simulator.requests(path="/v1/*")]


def status_of(simulator: ZuoraSimulator, id_: str = PENDING_ID) -> str | None:
    return next((str(row.status) for row in simulator.store.connections.all() if row.id == id_), None)


def fill(simulator: ZuoraSimulator, number: int) -> None:
    """Add Pending requests until the default entity has ``number`` inbound connections."""
    for _ in range(number - len(INBOUND)):
        simulator.store.connections.add(SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, EntityConnectionStatus.PENDING)


def after_each_page(simulator: ZuoraSimulator, happens: Callable[[int], object]) -> None:
    """Call a function after each page of the list that was read, with the index of its first row."""
    connections = simulator.store.connections
    real = connections.page

    def page(entity_id: str, direction: str | None, start: int, size: int) -> Any:
        result = real(entity_id, direction, start, size)
        happens(start)
        return result

    connections.page = page  # type: ignore[method-assign]  # until the simulator is reset


def shift_the_list(simulator: ZuoraSimulator, *victims: str) -> None:
    """Remove a row from the list each time that its first page was read, as somebody else may do."""
    left = list(victims)

    def remove(start: int) -> None:
        if start == 0 and left:
            simulator.store.connections.remove(left.pop(0))

    after_each_page(simulator, remove)

"""Reading the list of entity connections, page by page; Zuora has no other way to see one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_zuora import api
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotFoundError, ZuoraResponseError
from airflow_zuora.hooks.base import ZuoraBaseHook
from airflow_zuora.models import EntityConnection, EntityConnectionStatus
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECTIONS = "/v1/entity-connections"
DIRECTIONS = ("inbound", "outbound")
MAX_PAGES = 1000  # far more than 512 entities, Zuora's maximum, can fill: such a list never ends


class EntityConnectionsListHook(ZuoraBaseHook):
    """What is read of Zuora's Entity Connections; see :class:`airflow_zuora.hooks.zuora.ZuoraHook`."""

    def list_entity_connections(
        self, connection_type: str | None = None, status: EntityConnectionStatus | str | None = None
    ) -> list[EntityConnection]:
        """
        List the connections of the entity, from all pages.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

        :param connection_type: ``inbound`` (the entity is the target), ``outbound`` (it is the source), or
            ``None`` for both.
        :param status: only connections of this status; ``None`` for all.
        """
        if connection_type not in (None, *DIRECTIONS):
            raise ZuoraConfigError(
                f"connection_type must be inbound or outbound, not {shorten(connection_type)}"
            )
        wanted = None if status is None else EntityConnectionStatus.parse(status)
        return [found for found in self._pages(connection_type) if wanted in (None, found.status)]

    def get_entity_connection(self, connection_id: str) -> EntityConnection:
        """
        Find one connection of the entity. Zuora has no such call: this looks through the list.

        :raises ZuoraNotFoundError: if the entity is no party of such a connection.
        """
        found = self._look_up(connection_id)
        if found is None:
            raise self._missing(connection_id)
        return found

    def _look_up(self, connection_id: str) -> EntityConnection | None:
        api.path_id(connection_id, "connection_id")
        return self._look_for(lambda one: one.id == connection_id)

    def _look_for(
        self, is_meant: Callable[[EntityConnection], bool], connection_type: str | None = None
    ) -> EntityConnection | None:
        for _ in range(2):  # while several pages are read, a row can slip from the next one to the last one
            others = 0
            for connection in self._pages(connection_type):
                if is_meant(connection):
                    return connection
                others += 1
            if others < api.PAGE_SIZE:
                break
        return None

    def _missing(self, connection_id: str) -> ZuoraNotFoundError:
        return ZuoraNotFoundError(
            f"Entity {self.find_entity()} at {self.zuora_connection.base_url} has no entity connection "
            f"{connection_id}. Check the id, the entity, and that the connection points to the right "
            "environment."
        )

    def _pages(self, connection_type: str | None) -> Iterator[EntityConnection]:
        """Walk the list page by page, so that whoever finds what it needs asks for no more."""
        own = {"type": connection_type} if connection_type else {}
        query: dict[str, Any] | None = {"page": 1}
        seen: set[str] = set()
        pages = 0
        while query is not None:
            # Zuora's next page may leave the type and the page size out.
            payload = self.request("GET", CONNECTIONS, params={"pageSize": api.PAGE_SIZE, **query, **own})
            page = [EntityConnection.from_api(row) for row in rows_of(payload, "entityConnections")]
            new = [found for found in page if found.id not in seen]
            yield from new
            seen.update(found.id for found in new)
            pages += 1
            query = api.next_page(payload)
            if query is not None and (not new or pages == MAX_PAGES):
                raise ZuoraResponseError(
                    f"Zuora's list of entity connections does not end: after {pages} pages it names {query}"
                )


def rows_of(payload: dict[str, Any], name: str) -> list[Any]:
    """Take a list out of an answer."""
    rows = payload.get(name)
    if not isinstance(rows, list):
        raise ZuoraResponseError(f"Zuora sent no {name} (request id {payload['requestId']}).")
    return rows

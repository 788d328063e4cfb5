"""Walking Zuora's list of entity connections: the only way to see one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_zuora.client.response import next_page, rows_of
from airflow_zuora.exceptions import EntityConnectionNotFoundError, ZuoraResponseError, ZuoraValueError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, zuora_id
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_zuora.client.client import ZuoraClient
    from airflow_zuora.client.retries import Budget

CONNECTIONS = "/v1/entity-connections"
DIRECTIONS = ("inbound", "outbound")
OPEN = (EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED)
PAGE_SIZE = 300  # Zuora's maximum
MAX_PAGES = 1000  # far more than 512 entities, Zuora's maximum, can fill: such a list never ends


@dataclass(frozen=True, slots=True)
class ConnectionList:
    """
    The list of an entity's connections, read anew each time.

    :param client: Sends the requests, and says which entity it is.
    :param budget: What is left of the limits of the call that reads it.
    """

    client: ZuoraClient
    budget: Budget

    def rows(
        self, connection_type: str | None = None, *, is_thorough: bool = False
    ) -> Iterator[EntityConnection]:
        """
        Walk the list page by page, so that a caller who has found what it needs asks for no more.

        :param connection_type: ``inbound``, ``outbound``, or ``None`` for both.
        :param is_thorough: Whether to walk a list of several pages twice: while it is read, a row can slip
            to a page that was read already. Most rows come twice then.
        :raises ZuoraResponseError: If the list does not end.
        """
        if connection_type not in (None, *DIRECTIONS):
            raise ZuoraValueError(
                f"connection_type must be inbound or outbound, not {shorten(connection_type)}"
            )
        fixed = {"type": connection_type} if connection_type else {}
        query: dict[str, Any] | None = {"page": 1}
        seen: set[str] = set()
        pages = 0
        while query is not None:
            # Zuora's next page may leave out the type and the page size.
            params = {"pageSize": PAGE_SIZE, **query, **fixed}
            answer = self.client.request("GET", CONNECTIONS, params=params, budget=self.budget)
            page = [EntityConnection.from_api(row) for row in rows_of(answer, "entityConnections")]
            new = [row for row in page if row.id not in seen]
            yield from new
            seen.update(row.id for row in new)
            pages += 1
            query = next_page(answer)
            if query is not None and (not new or pages == MAX_PAGES):
                raise ZuoraResponseError(
                    f"Zuora's list of entity connections does not end: after {pages} pages it names "
                    f"{query}. Report this to Zuora's support."
                )
        if is_thorough and pages > 1:
            yield from self.rows(connection_type)

    def read(self, connection_type: str | None = None) -> list[EntityConnection]:
        """Read the whole list thoroughly; each connection once, as it was read last."""
        return list({row.id: row for row in self.rows(connection_type, is_thorough=True)}.values())

    def find(self, connection_id: str) -> EntityConnection | None:
        """Look for a connection by its id."""
        return self.find_each([connection_id]).get(connection_id)

    def find_each(self, connection_ids: Collection[str]) -> dict[str, EntityConnection]:
        """Look for connections by their ids; those that are not on the list are missing from the result."""
        wanted = {zuora_id(id_, "connection_id") for id_ in connection_ids}
        found: dict[str, EntityConnection] = {}
        for row in self.rows(is_thorough=True):
            if row.id in wanted:
                found[row.id] = row
                if len(found) == len(wanted):
                    break
        return found

    def find_open(self, target_entity_id: str, connection_id: str | None = None) -> EntityConnection | None:
        """
        Look for a Pending or Connected connection to a target.

        :param target_entity_id: 32 hex digits.
        :param connection_id: Only the connection with this id.
        """
        for row in self.rows("outbound", is_thorough=True):
            is_ours = row.target_entity_id == target_entity_id and connection_id in (None, row.id)
            if is_ours and row.status in OPEN:
                return row
        return None

    def not_found(self, connection_id: str) -> EntityConnectionNotFoundError:
        """Return the error for a connection that is not on the list."""
        entity, url = self.client.acting_entity_id(budget=self.budget), self.client.config.base_url
        if entity is None:
            missing = f"There is no entity connection {connection_id} at {url}"
        else:
            missing = f"Entity {entity} at {url} has no entity connection {connection_id}"
        return EntityConnectionNotFoundError(
            f"{missing}. Check the id, the entity, and that the Airflow connection points to the right "
            "environment."
        )

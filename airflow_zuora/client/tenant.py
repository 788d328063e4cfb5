"""Entity connections across all entities that an OAuth client may act for."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import normalize

from airflow_zuora.client.listing import ConnectionList
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    ZuoraError,
    ZuoraPermissionError,
    ZuoraValueError,
)
from airflow_zuora.models import (
    Entity,
    EntityConnection,
    EntityConnectionStatus,
    entity_hex,
    entity_uuid,
    is_entity_id,
    zuora_id,
)
from airflow_zuora.texts import MAX_LISTED, listed, one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from airflow_zuora.client.client import ZuoraClient
    from airflow_zuora.client.retries import Budget

PARALLEL = 8  # lists that are read at the same time
PROGRESS = 5.0  # seconds between two lines about the progress

log = logging.getLogger(__name__)


class Tenant:
    """
    The entities of a tenant, as far as an OAuth client may act for them.

    :param client: Sends the requests.
    :param budget: What is left of the limits of the call.
    """

    def __init__(self, client: ZuoraClient, budget: Budget) -> None:
        self.client = client
        self.budget = budget
        self.unread: list[str] = []  # names of the entities that may not be read

    @cached_property
    def entities(self) -> list[Entity]:
        """The entities that the OAuth client can see, read once."""
        return self.client.list_entities(budget=self.budget)

    @cached_property
    def names(self) -> dict[str, str]:
        """The names of the entities by their ids, for errors and the log; none where they cannot be read."""
        try:
            return {one.id: one.display_name for one in self.entities}
        except ZuoraError as error:
            log.warning("The names of the entities cannot be read: %s", error)
            return {}

    def name(self, entity_id: str) -> str:
        """Return an entity's name, or its id where the name is unknown."""
        return self.names.get(entity_hex(entity_id), entity_id)

    def pending_requests(self) -> list[EntityConnection]:
        """Read the Pending inbound requests of every entity, in the order of the token's scope."""
        return [row for row in self._inbound() if row.status is EntityConnectionStatus.PENDING]

    def locate(self, connection_ids: Collection[str]) -> dict[str, EntityConnection]:
        """
        Look for connections among the inbound ones of every entity.

        :return: The connections by their ids; those that are nowhere are missing.
        :raises EntityConnectionNotFoundError: If none of them is anywhere.
        """
        wanted = {zuora_id(id_, "connection_id") for id_ in connection_ids}
        found: dict[str, EntityConnection] = {}
        for _, rows in self._inbound_lists():
            found.update((row.id, row) for row in rows if row.id in wanted)
            if len(found) == len(wanted):
                break
        if not found:
            raise EntityConnectionNotFoundError(
                f"No entity at {self.client.config.base_url} that the OAuth client may act for has a request "
                f"{', '.join(connection_ids)}. Check the id, and the entities of the OAuth client. To act as "
                f"the source of a connection, set entity_id to the source.{self._gaps()}"
            )
        return found

    def find(
        self,
        source_entity: str | None,
        target_entity: str | None,
        status: EntityConnectionStatus,
        fallback_status: EntityConnectionStatus | None = None,
    ) -> EntityConnection:
        """
        Find the one connection between two entities that has a status.

        :param source_entity: The source's id or name; ``None`` for any.
        :param target_entity: The target's id or name; ``None`` for any.
        :param status: The status.
        :param fallback_status: The status to look for if no connection has the first one.
        :raises EntityConnectionNotFoundError: If there is none; the error lists what there is.
        :raises ZuoraValueError: If there are several, or a name is unknown.
        """
        if source_entity is None and target_entity is None:
            raise ZuoraValueError("Give source_entity, target_entity, or both")
        source = self.resolve(source_entity, "source_entity")
        target = self.resolve(target_entity, "target_entity")
        rows = [
            row
            for row in self._candidates(target)
            if source in (None, row.source_entity_id) and target in (None, row.target_entity_id)
        ]
        found = [row for row in rows if row.status is status]
        wanted = f"from {_quoted(source_entity)} to {_quoted(target_entity)}"
        if len(found) > 1:
            raise ZuoraValueError(
                f"There are {len(found)} {status} entity connections {wanted}: {self._shown(found)}. "
                f"Give {'a' if None not in (source, target) else 'the other entity too, or a'} connection_id."
            )
        found = found or [row for row in rows if row.status is fallback_status]
        if len(found) == 1:
            return found[0]
        raise EntityConnectionNotFoundError(
            f"There is no {status} entity connection {wanted}. Found: {self._shown(rows) or 'none'}."
            f"{self._gaps()}"
        )

    def resolve(self, entity: str | None, what: str) -> str | None:
        """
        Return the id of an entity, 32 hex digits.

        :param entity: Its id or its name; ``None`` stays ``None``.
        :param what: The parameter's name, for the error.
        :raises ZuoraValueError: If no entity or several have that name.
        """
        if entity is None or is_entity_id(entity):
            return None if entity is None else entity_hex(entity)
        # A name is unique, but it can also be what another entity is displayed as.
        wanted = _same(entity)
        found = [one for one in self.entities if wanted in (_same(one.name), _same(one.display_name))]
        if len(found) == 1:
            return found[0].id
        if found:
            same = listed([f"{one.name} ({one.id})" for one in found])
            raise ZuoraValueError(
                f"{what}: several entities have the name {shorten(entity)}: {same}. Give the id of one."
            )
        raise ZuoraValueError(
            f"{what}: there is no entity {shorten(entity)}. {_offered(self.entities, entity)}"
        )

    def _candidates(self, target: str | None) -> list[EntityConnection]:
        """Read the connections of the target, else of the client's entity, else of every entity."""
        if target is not None:
            scope = self.client.oauth.token(self.budget).entities
            if scope and entity_uuid(target) not in scope:
                raise ZuoraValueError(
                    f"target_entity: the OAuth client may not act for {self.name(target)}. Tick this entity "
                    "at the OAuth client in Zuora."
                )
            return ConnectionList(self.client.for_entity(target), self.budget).read("inbound")
        if self.client.has_entity(budget=self.budget):
            return ConnectionList(self.client, self.budget).read()
        return self._inbound()

    def _inbound(self) -> list[EntityConnection]:
        """Read the inbound connections of every entity, in the order of the token's scope."""
        return [row for _, rows in sorted(self._inbound_lists()) for row in rows]

    def _inbound_lists(self) -> Iterator[tuple[int, list[EntityConnection]]]:
        """
        Read the inbound connections of every entity, several at a time.

        An entity that may not be read is logged, and does not hide the others.

        :return: The lists as they arrive, each after its number in the token's scope.
        :raises ZuoraPermissionError: If none may be read.
        """
        # Before the threads start, which then need no login.
        entity_ids = self.client.oauth.token(self.budget).entities
        clients = [self.client.for_entity(one) for one in entity_ids] or [self.client]
        logged_at = time.monotonic()
        with _threads() as pool:
            reads = {pool.submit(self._inbound_of, one): number for number, one in enumerate(clients)}
            for done, read in enumerate(as_completed(reads), 1):
                if time.monotonic() - logged_at > PROGRESS:
                    log.info("Read the requests of %s of %s entities", done, len(clients))
                    logged_at = time.monotonic()
                try:
                    rows = read.result()
                except ZuoraPermissionError as error:
                    if len(self.unread) + 1 == len(clients):
                        raise
                    self.unread.append(self.name(entity_ids[reads[read]]))
                    log.warning("The requests of entity %s cannot be read: %s", self.unread[-1], error)
                else:
                    yield reads[read], rows

    def _inbound_of(self, client: ZuoraClient) -> list[EntityConnection]:
        return ConnectionList(client, self.budget).read("inbound")

    def _shown(self, rows: list[EntityConnection]) -> str:
        return listed(
            [
                f"{row.id} from {self.name(row.source_entity_id)} to {self.name(row.target_entity_id)} "
                f"({row.raw_status})"
                for row in rows
            ]
        )

    def _gaps(self) -> str:
        """Say in an error which entities could not be looked through."""
        return f" These entities cannot be read: {', '.join(self.unread)}." if self.unread else ""


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Run threads, of which none starts anything new after an error or when enough was found."""
    pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="zuora-entities")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _same(name: str) -> str:
    """Return one form of a name, in which letters with accents can be written in two ways."""
    return normalize("NFC", one_line(name))


def _quoted(entity: str | None) -> str:
    return "any entity" if entity is None else shorten(entity)


def _offered(entities: list[Entity], name: str) -> str:
    """List the names that there are, or those that are closest to a wrong one."""
    names = [
        one.name if one.name == one.display_name else f"{one.name} ({one.display_name})" for one in entities
    ]
    shown = ", ".join(get_close_matches(name, names, MAX_LISTED, cutoff=0.0))
    return f"There are: {shown}" if len(names) <= MAX_LISTED else f"The closest of {len(names)} are: {shown}"

"""What an operation did: each request, and what was so in Zuora when it was handled."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.models import EntityConnectionStatus, entity_hex
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.records import Connection
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, SOURCE_ENTITY_ID
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT, Transition
from tests.client.random_sequences.script import FAULTS, Moment, Script

ENTITIES = {"A": DEFAULT_ENTITY_ID, "B": SOURCE_ENTITY_ID, "C": FRANCE_ENTITY_ID}
OPEN = (EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED)
LIST = "/v1/entity-connections"
TOKEN = "/oauth/token"
TRANSITIONS: dict[str, Transition] = {"accept": ACCEPT, "deny": DENY, "disconnect": DISCONNECT}

Rows = dict[str, Connection]  # by id, oldest first


class Task(NamedTuple):
    """
    An operation and its arguments, as Airflow repeats them.

    :param entity: Name of the entity that the hook acts for.
    :param row: Number of the connection, in the order of their appearance.
    :param target: Name of the entity that is asked for a connection.
    """

    verb: str
    entity: str
    row: int = 0
    target: str = ""
    direction: str | None = None


@dataclass
class Step:
    """
    One request.

    :param moment: What happened to it.
    :param rows: The connections when it was handled.
    :param token_left: Seconds until the end of the token that the process then had; ``None`` if it had none
        that Zuora takes.
    :param after: The connections when it had been handled.
    """

    request: RecordedRequest
    moment: Moment
    rows: Rows
    token_left: float | None
    after: Rows = field(default_factory=dict)

    @property
    def kind(self) -> str:
        if self.request.path == TOKEN:
            return "tokens"
        return "reads" if self.request.method == "GET" else "changes"

    @property
    def is_lost(self) -> bool:
        """Whether the caller cannot tell what became of it."""
        return bool(self.moment.fault) and FAULTS[self.moment.fault].is_lost

    @property
    def arrives(self) -> bool:
        """Whether the caller gets Zuora's own answer."""
        return not self.moment.fault or FAULTS[self.moment.fault].arrives

    @property
    def asked(self) -> float:
        """Seconds that the answer asks to wait."""
        if not self.arrives:
            return FAULTS[self.moment.fault].asked
        if self.request.status != 429:
            return 0
        return 60 if self.kind == "tokens" else max(1, 60 - int(self.request.time % 60))

    @cached_property
    def effect(self) -> Rows:
        """The connections that it changed, as they then were; without those that it removed."""
        return {id_: row for id_, row in self.after.items() if self.rows.get(id_) != row}

    @cached_property
    def removed(self) -> Rows:
        return {id_: row for id_, row in self.rows.items() if id_ not in self.after}

    @property
    def had_effect(self) -> bool:
        return bool(self.effect or self.removed)

    @property
    def is_page(self) -> bool:
        """Whether it brought a page of connections."""
        request = self.request
        return (request.method, request.path, request.status) == ("GET", LIST, 200) and self.arrives

    @cached_property
    def shown(self) -> Rows:
        """The connections of the page, if it brought one."""
        if not self.is_page:
            return {}
        query = {name: values[0] for name, values in parse_qs(self.request.query).items()}
        size = int(query["pageSize"])
        start = (int(query["page"]) - 1) * size
        seen = seen_by(entity_hex(self.request.headers["zuora-entity-ids"]), self.rows, query.get("type"))
        return dict(itertools.islice(seen.items(), start, start + size))


def seen_by(entity_id: str, rows: Rows, direction: str | None = None) -> Rows:
    """The connections that an entity has part in."""
    sides = {"inbound": ("target_entity_id",), "outbound": ("source_entity_id",)}
    names = sides.get(direction or "", ("source_entity_id", "target_entity_id"))
    return {id_: row for id_, row in rows.items() if entity_id in [getattr(row, name) for name in names]}


@dataclass
class Run:
    """
    An operation that was run.

    :param id: The connection that it is about.
    :param rows: The connections before it began.
    :param settings: The settings of the simulator.
    :param started: When it began, by the clock of the sequence.
    :param used_keys: Idempotency keys that earlier operations used.
    :param result: What it returned.
    :param error: What it raised; neither of them if the worker was killed.
    """

    task: Task
    script: Script
    id: str
    rows: Rows
    settings: dict[str, Any]
    started: float
    used_keys: frozenset[str]
    result: Any = None
    error: ZuoraError | None = None
    steps: list[Step] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def of(self, kind: str) -> list[Step]:
        """Requests of a kind: tokens, reads or changes."""
        return [step for step in self.steps if step.kind == kind]

    @property
    def entity_id(self) -> str:
        return ENTITIES[self.task.entity]

    @property
    def pair(self) -> tuple[str, str]:
        """Source and target of a request that it sends."""
        return self.entity_id, ENTITIES[self.task.target]

    @property
    def end(self) -> Rows:
        """The connections when its last request had been handled."""
        return self.steps[-1].after if self.steps else self.rows

    @property
    def pages(self) -> list[Step]:
        """The requests that brought a page of connections."""
        return [step for step in self.steps if step.is_page]

    def last_seen(self, id_: str) -> Connection | None:
        """The connection as the last page showed it or the last change left it; ``None`` if it was gone."""
        for step in reversed(self.steps):
            if step.kind == "changes":
                return step.after.get(id_)
            if step.is_page and (id_ in step.shown or id_ not in step.rows):
                return step.shown.get(id_)
        return None

    def is_open(self, row: Connection) -> bool:
        """Whether a connection makes a new request of the pair superfluous."""
        return (row.source_entity_id, row.target_entity_id) == self.pair and row.status in OPEN

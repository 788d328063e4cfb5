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
from tests.unit.hooks.chance.script import FOREIGN_NEXT_PAGE, TROUBLES, Moment, Script

ENTITIES = {"A": DEFAULT_ENTITY_ID, "B": SOURCE_ENTITY_ID, "C": FRANCE_ENTITY_ID}
ALIVE = (EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED)
LIST = "/v1/entity-connections"
TRANSITIONS: dict[str, Transition] = {"accept": ACCEPT, "deny": DENY, "disconnect": DISCONNECT}

Rows = dict[str, Connection]  # by id, oldest first


class Task(NamedTuple):
    """
    An operation and its arguments, as Airflow repeats them.

    :param here: the entity that the hook works for.
    :param row: number of the connection, in the order of their appearance.
    :param expected: the expected source of a request to accept.
    """

    verb: str
    here: str
    row: int = 0
    expected: str | None = None
    target: str = ""
    key: str | None = None
    direction: str | None = None


@dataclass
class Step:
    """
    One request.

    :param moment: what happened to it.
    :param rows: the connections when it was handled.
    :param token_left: seconds until the end of the token that the process then had; ``None`` if it had none
        that Zuora takes.
    :param after: the connections when it had been handled.
    """

    request: RecordedRequest
    moment: Moment
    rows: Rows
    token_left: float | None
    after: Rows = field(default_factory=dict)

    @property
    def kind(self) -> str:
        if self.request.path == "/oauth/token":
            return "tokens"
        return "reads" if self.request.method == "GET" else "changes"

    @property
    def is_lost(self) -> bool:
        """Whether the caller cannot tell what became of it."""
        return bool(self.moment.trouble) and TROUBLES[self.moment.trouble].lost

    @property
    def asked(self) -> float:
        """Seconds that the answer asks to wait."""
        if self.moment.trouble:
            return TROUBLES[self.moment.trouble].asked
        if self.request.status != 429:
            return 0
        return 60 if self.kind == "tokens" else max(1, 60 - int(self.request.time % 60))

    @cached_property
    def effect(self) -> Rows:
        """The connections that it changed, as they then were; without those that it took away."""
        return {id_: row for id_, row in self.after.items() if self.rows.get(id_) != row}

    @cached_property
    def removed(self) -> Rows:
        return {id_: row for id_, row in self.rows.items() if id_ not in self.after}

    @property
    def had_effect(self) -> bool:
        return bool(self.effect or self.removed)

    @property
    def is_look(self) -> bool:
        """Whether it is a page of connections that arrived."""
        return (self.request.method, self.request.path, self.request.status) == (
            "GET",
            LIST,
            200,
        ) and self.moment.trouble in ("", FOREIGN_NEXT_PAGE)

    @cached_property
    def shown(self) -> Rows:
        """The connections of the page, if it arrived."""
        if not self.is_look:
            return {}
        query = {name: values[0] for name, values in parse_qs(self.request.query).items()}
        size = int(query["pageSize"])
        start = (int(query["page"]) - 1) * size
        seen = seen_by(entity_hex(self.request.headers["zuora-entity-ids"]), self.rows, query.get("type"))
        return dict(itertools.islice(seen.items(), start, start + size))


def name_of(entity_id: str) -> str:
    return next(name for name, id_ in ENTITIES.items() if id_ == entity_id)


def seen_by(entity_id: str, rows: Rows, direction: str | None = None) -> Rows:
    """The connections that an entity has part in."""
    sides = {"inbound": ("target_entity_id",), "outbound": ("source_entity_id",)}
    names = sides.get(direction or "", ("source_entity_id", "target_entity_id"))
    return {id_: row for id_, row in rows.items() if entity_id in [getattr(row, name) for name in names]}


@dataclass
class Run:
    """
    An operation that was run.

    :param id: the connection that it is about.
    :param rows: the connections before it began.
    :param settings: of the simulator.
    :param used: idempotency keys that Zuora knew before.
    :param result: what it returned.
    :param error: what it raised; neither of them if the worker was killed.
    """

    task: Task
    script: Script
    id: str
    rows: Rows
    settings: dict[str, Any]
    used: frozenset[str]
    result: Any = None
    error: ZuoraError | None = None
    steps: list[Step] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def of(self, kind: str) -> list[Step]:
        """Requests of a kind: tokens, reads or changes."""
        return [step for step in self.steps if step.kind == kind]

    @property
    def here(self) -> str:
        return ENTITIES[self.task.here]

    @property
    def pair(self) -> tuple[str, str]:
        """Source and target of a request that it sends."""
        return self.here, ENTITIES[self.task.target]

    @property
    def end(self) -> Rows:
        """The connections when its last request had been handled."""
        return self.steps[-1].after if self.steps else self.rows

    def last_seen(self, id_: str) -> Connection | None:
        """The connection as the last page showed it or the last change left it; ``None`` if it was gone."""
        for step in reversed(self.steps):
            if step.kind == "changes":
                return step.after.get(id_)
            if step.is_look and (id_ in step.shown or id_ not in step.rows):
                return step.shown.get(id_)
        return None

    def is_alive(self, row: Connection) -> bool:
        """Whether a connection makes a new request of the pair superfluous."""
        return (row.source_entity_id, row.target_entity_id) == self.pair and row.status in ALIVE

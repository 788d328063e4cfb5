"""A tenant of many entities, as a raw server plays it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.models import EntityConnection, entity_hex, entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from tests.helpers.bad_servers import TOKEN_ANSWER
from tests.helpers.raw_server import Part, RawServer, Received, answer, raw_server
from tests.helpers.zuora import LIST

REFUSAL = {"success": False, "reasons": [{"code": 50000010, "message": "No access."}]}
INVALID = {"success": False, "reasons": [{"code": 50000020, "message": "Invalid."}]}


class ManyEntities:
    """
    Answers as a tenant, each of whose entities has one Pending request.

    :param number: How many entities there are.
    :param refused: Numbers of the entities that may not be read.
    :param invalid: Numbers of the entities whose list is answered with an error.
    :param pause: Seconds until a list is answered.
    :param on_list: Is called for each list that is read.
    """

    def __init__(
        self,
        number: int,
        *,
        refused: Collection[int] = (),
        invalid: Collection[int] = (),
        pause: float = 0.0,
        on_list: Callable[[], object] = lambda: None,
    ) -> None:
        self.ids = [f"{one:032x}" for one in range(number)]
        self.refused = {entity_uuid(self.ids[one]) for one in refused}
        self.invalid = {entity_uuid(self.ids[one]) for one in invalid}
        self.pause = pause
        self.on_list = on_list
        self.at_a_time = self.most_at_a_time = 0
        self._lock = threading.Lock()

    def __call__(self, received: Received) -> Iterable[Part]:
        path, entity_id = received.line.partition("?")[0], received.headers.get("zuora-entity-ids", "")
        if path == "POST /oauth/token":
            scope = " ".join(f"entity.{entity_uuid(one)}" for one in self.ids)
            yield answer({**TOKEN_ANSWER, "scope": scope})
        elif entity_id in self.refused:
            yield answer(REFUSAL, 403)
        elif path == "GET /v1/entities":
            yield answer({"entities": [self.entity(one) for one in self.ids], "success": True})
        elif entity_id in self.invalid:
            yield answer(INVALID, 400)
        else:
            yield from self.list_of(entity_hex(entity_id))

    def entity(self, entity_id: str) -> dict[str, str]:
        return {"id": entity_id, "name": f"Store {int(entity_id, 16)}", "status": "Provisioned"}

    def list_of(self, entity_id: str) -> Iterable[Part]:
        with self._lock:
            self.at_a_time += 1
            self.most_at_a_time = max(self.at_a_time, self.most_at_a_time)
            self.on_list()
        yield self.pause
        with self._lock:
            self.at_a_time -= 1
        row = {
            "id": f"8a-{int(entity_id, 16)}",
            "sourceEntityId": "f" * 32,
            "targetEntityId": entity_id,
            "status": "Pending",
        }
        yield answer({"entityConnections": [row], "success": True})


@contextmanager
def connections_of(
    many: ManyEntities, make_client: Callable[..., ZuoraClient], **settings: Any
) -> Iterator[tuple[EntityConnections, RawServer]]:
    """Serve a tenant, and yield its connections as a client without an entity sees them."""
    with raw_server(many) as server:
        yield EntityConnections(make_client({"port": server.port, "entity_id": None}, **settings)), server


def ids(rows: Iterable[EntityConnection]) -> list[str]:
    return [row.id for row in rows]


def lists(simulator: ZuoraSimulator) -> Counter[str]:
    """Count how often the list of each entity was read."""
    return Counter(entity_hex(one.headers["zuora-entity-ids"]) for one in simulator.requests("GET", LIST))

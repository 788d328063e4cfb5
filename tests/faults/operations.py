"""The operations of the fault matrix: what a client does with Zuora, and what that changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.models import EntityConnectionChange
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    EMEA_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    connections,
    entities,
)

LIST = "/v1/entity-connections"
TOKEN = "/oauth/token"
State = Mapping[tuple[str, str], str]
"""Status of each pair's newest connection, by source and target entity."""


@dataclass(frozen=True)
class Operation:
    """
    One operation of the hook.

    :param name: Name in the table.
    :param call: Does it.
    :param method: Method of the request that it is about.
    :param path: Path of that request.
    :param is_right: Whether a result is what Zuora's state says.
    :param pair: Source and target of the connection that it changes; ``None`` for a read.
    :param wanted: The status that the connection then has; ``None`` if it is off the list.
    :param settings: Settings of the simulator.
    """

    name: str
    call: Callable[[ZuoraHook], Any]
    method: str
    path: str
    is_right: Callable[[Any], bool]
    pair: tuple[str, str] | None = None
    wanted: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def is_change(self) -> bool:
        return self.pair is not None

    def is_done(self, before: State, after: State) -> bool:
        """Whether the wanted change, and nothing else, came about."""
        assert self.pair is not None
        expected = {**before, self.pair: self.wanted}
        return {pair: status for pair, status in expected.items() if status is not None} == after


def _is_seeded_list(rows: Any) -> bool:
    seeded = {id_ for id_, source, target, _ in connections() if DEFAULT_ENTITY_ID in (source, target)}
    return {row.id for row in rows} == seeded


def _is_seeded_tree(rows: Any) -> bool:
    return {row.id for row in rows} == {entity.id for entity in entities()}


def _to(status: str) -> Callable[[Any], bool]:
    """Return a check for a change that was made, and led to a status."""

    def is_right(change: Any) -> bool:
        assert isinstance(change, EntityConnectionChange)
        return change.changed and change.connection.status == status

    return is_right


_TO_DEFAULT = (SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)
OPERATIONS = (
    Operation(
        "token", lambda hook: hook.client.oauth.renew(), "POST", TOKEN, lambda token: bool(token.value)
    ),
    Operation("list", lambda hook: hook.list_entity_connections(), "GET", LIST, _is_seeded_list),
    Operation("entities", lambda hook: hook.list_entities(), "GET", "/v1/entities", _is_seeded_tree),
    Operation(
        "initiate",
        lambda hook: hook.initiate_entity_connection(AUSTRALIA_ENTITY_ID),
        "POST",
        LIST,
        _to("Pending"),
        (DEFAULT_ENTITY_ID, AUSTRALIA_ENTITY_ID),
        "Pending",
    ),
    Operation(
        "accept",
        lambda hook: hook.accept_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/accept",
        _to("Connected"),
        _TO_DEFAULT,
        "Connected",
    ),
    Operation(
        "deny",
        lambda hook: hook.deny_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/deny",
        _to("Disconnected"),
        _TO_DEFAULT,
        "Disconnected",
    ),
    Operation(
        "deny, removed",
        lambda hook: hook.deny_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/deny",
        _to("Disconnected"),
        _TO_DEFAULT,
        None,
        {"deny_result": "removed"},
    ),
    Operation(
        "disconnect",
        lambda hook: hook.disconnect_entity_connection(CONNECTED_ID),
        "PUT",
        f"{LIST}/{CONNECTED_ID}/disconnect",
        _to("Disconnected"),
        (EMEA_ENTITY_ID, DEFAULT_ENTITY_ID),
        "Disconnected",
    ),
)

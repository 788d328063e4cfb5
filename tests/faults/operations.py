"""What a client does with Zuora, and what that changes there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    PENDING_ID,
)

LIST = "/v1/entity-connections"
State = Mapping[tuple[str, str], str]
"""Status of each pair's newest connection, by source and target entity."""


@dataclass(frozen=True)
class Operation:
    """
    One operation of the hook.

    :param name: for the table.
    :param call: does it.
    :param method: of the request that it is about.
    :param path: of that request.
    :param pair: source and target of the connection that it changes, if it does.
    :param wanted: the status that the connection then has; ``None`` if it is off the list.
    :param settings: of the simulator.
    """

    name: str
    call: Callable[[ZuoraHook], Any]
    method: str
    path: str
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


SOURCE, EMEA = "11e643f4a3ee8badb0610025904c756d", "11e6c1f3b97b03e9a4920025904c9a2d"
OPERATIONS = (
    Operation("token", lambda hook: hook.auth.token(), "POST", "/oauth/token"),
    Operation("list", lambda hook: hook.list_entity_connections(), "GET", LIST),
    Operation("entities", lambda hook: hook.list_entities(), "GET", "/v1/entities"),
    Operation(
        "initiate",
        lambda hook: hook.initiate_entity_connection(AUSTRALIA_ENTITY_ID, idempotency_key="matrix"),
        "POST",
        LIST,
        (DEFAULT_ENTITY_ID, AUSTRALIA_ENTITY_ID),
        "Pending",
    ),
    Operation(
        "accept",
        lambda hook: hook.accept_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/accept",
        (SOURCE, DEFAULT_ENTITY_ID),
        "Connected",
    ),
    Operation(
        "deny",
        lambda hook: hook.deny_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/deny",
        (SOURCE, DEFAULT_ENTITY_ID),
        "Disconnected",
    ),
    Operation(
        "deny, removed",
        lambda hook: hook.deny_entity_connection(PENDING_ID),
        "PUT",
        f"{LIST}/{PENDING_ID}/deny",
        (SOURCE, DEFAULT_ENTITY_ID),
        None,
        {"deny_result": "removed"},
    ),
    Operation(
        "disconnect",
        lambda hook: hook.disconnect_entity_connection(CONNECTED_ID),
        "PUT",
        f"{LIST}/{CONNECTED_ID}/disconnect",
        (EMEA, DEFAULT_ENTITY_ID),
        "Disconnected",
    ),
)

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_zuora.hooks.zuora import ZuoraHook
from tests.unit.bad_servers import recording_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_zuora.simulator import ZuoraSimulator
    from tests.unit.bad_servers import RecordingServer


@pytest.fixture
def make_hook(waits: list[float]) -> Iterator[Callable[..., ZuoraHook]]:
    """Make hooks; their sessions are closed after the test."""
    hooks: list[ZuoraHook] = []

    def make(*args: Any, **kwargs: Any) -> ZuoraHook:
        hooks.append(ZuoraHook(*args, **kwargs))
        return hooks[-1]

    yield make
    for hook in hooks:
        hook.close()


@pytest.fixture
def hook(zuora_simulator: ZuoraSimulator, make_hook: Callable[..., ZuoraHook]) -> ZuoraHook:
    return make_hook()


@pytest.fixture
def connect(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, make_hook: Callable[..., ZuoraHook]
) -> Callable[..., ZuoraHook]:
    """Make a hook whose connection leads to the simulator, with other fields; see ``connection_json``."""

    def make(**fields: Any) -> ZuoraHook:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(**fields))
        return make_hook()

    return make


@pytest.fixture
def evil() -> Iterator[RecordingServer]:
    """Somebody else, who writes everything down."""
    with recording_server() as server:
        yield server

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.helpers.patience import wait_for
from tests.simulator.simulator_client import NEW, Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(server: ZuoraSimulator) -> Iterator[ZuoraSimulator]:
    server.reset()
    yield server
    # Its clients are gone; nothing of a request that they left may reach into the next test.
    wait_for(lambda: not any(server._simulation.limits._in_progress.values()))


@pytest.fixture
def connect(simulator: ZuoraSimulator) -> Iterator[Callable[..., Api]]:
    """Make clients of the API; they are closed after the test."""
    clients: list[Api] = []

    def make(
        client: str = "default",
        entity_id: str | None = DEFAULT_ENTITY_ID,
        version: str | None = NEW,
        to: ZuoraSimulator = simulator,
    ) -> Api:
        clients.append(Api(to, client, entity_id, version))
        return clients[-1]

    yield make
    for client in clients:
        client.session.close()


@pytest.fixture
def api(connect: Callable[..., Api]) -> Api:
    return connect()

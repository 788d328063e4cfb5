"""Everything that a running simulator remembers, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_zuora.simulator.faults import Faults
from airflow_zuora.simulator.idempotency import StoredResults
from airflow_zuora.simulator.journal import Journal
from airflow_zuora.simulator.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from airflow_zuora.simulator.journal import RecordedRequest
    from airflow_zuora.simulator.store import Store


class Simulation:
    """
    The store and what belongs to HTTP: faults, journal, limits, and results kept by ``Idempotency-Key``.

    :param store: the simulated tenant.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settings = store.settings
        self.faults = Faults()
        self.journal = Journal()
        self.limits = Limits(store.settings, store.clock)
        self.results = StoredResults(store.clock)
        self.on_request: Callable[[RecordedRequest], object] | None = None
        """Is called with each request that just arrived."""

    def reset(self) -> None:
        """Bring back the first state of all of it."""
        self.store.reset()
        self.faults.clear()
        self.journal.clear()
        self.limits.clear()
        self.results.clear()
        self.on_request = None


def simulation_of(request: Request) -> Simulation:
    """Give the simulation that a request belongs to."""
    return cast("Simulation", request.app.state.simulation)

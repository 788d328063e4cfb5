"""What the status page is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
)
from airflow_zuora.simulator.view import Query, view

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_zuora.simulator.simulation import Simulation
    from tests.simulator.simulator_client import Api


@pytest.fixture
def simulation(simulator: ZuoraSimulator) -> Simulation:
    return simulator._simulation


def test_pending_rows_come_first_and_newest_first(simulator: ZuoraSimulator, simulation: Simulation) -> None:
    id_ = simulator.send_request(AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID)
    rows = view(simulation, Query())["connections"]
    assert rows[0]["id"] == id_
    statuses = [row["status"] for row in rows]
    assert statuses == ["Pending"] * 6 + ["Connected"] * 5 + ["Disconnected"] * 2


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (1, 1), (99, 1)])
def test_a_page_out_of_range_is_the_nearest(simulation: Simulation, asked: int, given: int) -> None:
    assert view(simulation, Query(page=asked))["page"] == given


def test_a_reader_with_the_present_version_gets_nothing(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    api = connect()
    version = api.get("/_simulator/state").json()["version"]
    assert api.get("/_simulator/state", params={"version": version}).status_code == 204
    simulator.send_request(AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert api.get("/_simulator/state", params={"version": version, "page": "x"}).status_code == 200
    simulator.reset()
    assert api.get("/_simulator/state").json()["version"] != version

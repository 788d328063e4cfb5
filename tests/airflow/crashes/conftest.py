"""A separate Airflow, whose components and tasks may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.acme import new_request
from tests.airflow.runs import Run, trigger
from tests.helpers.secret_search import add_client

WAITS = 100
SETTINGS = {
    # Seconds until Airflow detects a lost task, an expired timeout, or a lost triggerer.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
}


@pytest.fixture(scope="package")
def zuora() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator() as simulator:
        add_client(simulator)
        yield simulator


@pytest.fixture(scope="package")
def airflow(zuora: ZuoraSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    home = tmp_path_factory.mktemp("crashes") / "home"
    dags = Path(__file__).parent / "dags"
    with LocalAirflow(home, dags, users=("ann", "bob"), settings=SETTINGS) as airflow:
        airflow.add_connection("zuora_default", zuora.connection_json(client="marked"))
        yield airflow


@pytest.fixture(scope="package")
def awaited(zuora: ZuoraSimulator) -> list[str]:
    """The requests that the waits are about."""
    return [new_request(zuora) for _ in range(WAITS)]


@pytest.fixture(scope="package")
def waiting(airflow: LocalAirflow, awaited: list[str]) -> Run:
    """One run with all waits, which become deferred one after the other."""
    return trigger(airflow, "waits", ids=awaited)

"""An Airflow of its own, whose parts and tasks may be killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_zuora.local_airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.scenarios import Scenario, Stage

WAITS = 100
SETTINGS = {
    # Seconds until Airflow notices a lost task, the end of a timeout, or a lost triggerer.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "5",
}


@pytest.fixture(scope="package")
def zuora() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator(pending=120) as simulator:
        yield simulator


@pytest.fixture(scope="package")
def airflow(zuora: ZuoraSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    home = tmp_path_factory.mktemp("crashes") / "home"
    with LocalAirflow(home, Path(__file__).parent / "dags", settings=SETTINGS) as airflow:
        airflow.add_connection("zuora_default", zuora.connection_json())
        yield airflow


@pytest.fixture(scope="package")
def stage(airflow: LocalAirflow, zuora: ZuoraSimulator) -> Stage:
    return Stage(airflow, zuora)


@pytest.fixture(scope="package")
def waiting(stage: Stage) -> Scenario:
    """One run with all the waits; they become deferred one by one."""
    scenario = Scenario("waits", (), connection_ids=[stage.unused.pop() for _ in range(WAITS)])
    scenario.run_id = stage.airflow.trigger(scenario.dag_id, {"ids": scenario.connection_ids})
    return scenario

"""One real Airflow and one simulated Zuora for the tests of this folder, and others for the crashes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from airflow_zuora.local_airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID, UK_ENTITY_ID
from tests.airflow.plays import all_plays
from tests.airflow.scenarios import Scenario, Stage
from tests.airflow.troubles import Troubles, running_troubles
from tests.secret_search import add_client

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "dags"
ENTITIES = {
    "zuora_layouts": DEFAULT_ENTITY_ID,
    "zuora_default": UK_ENTITY_ID,
    "zuora_source": AUSTRALIA_ENTITY_ID,
    "zuora_expanded": EMEA_ENTITY_ID,
}
SETTINGS = {
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__CORE__PARALLELISM": "3",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",  # the files stay as they are
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))  # each in one worker


@pytest.fixture(scope="session")
def zuora() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator(pending=100) as simulator:
        add_client(simulator)
        yield simulator


@pytest.fixture(scope="session")
def troubles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Troubles]:
    with running_troubles(tmp_path_factory.mktemp("troubles")) as troubles:
        yield troubles


@pytest.fixture(scope="session")
def airflow(
    zuora: ZuoraSimulator, troubles: Troubles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    dags.mkdir()
    with LocalAirflow(folder / "home", dags, users=("ann", "bob"), settings=SETTINGS) as airflow:
        for conn_id, entity_id in ENTITIES.items():
            airflow.add_connection(conn_id, zuora.connection_json(client="marked", entity_id=entity_id))
        for name, connection in troubles.connections.items():
            airflow.add_connection(f"zuora_{name}", connection)
        # Now, as one of them calls Zuora while it is parsed.
        for path in [*EXAMPLES.glob("*.py"), *HERE.glob("dags/*.py")]:
            # As they are, but for the pace of the waits.
            (dags / path.name).write_text(re.sub(r"(?<=_interval=)\d+", "2", path.read_text()))
        yield airflow


@pytest.fixture(scope="session")
def stage(airflow: LocalAirflow, zuora: ZuoraSimulator) -> Stage:
    return Stage(airflow, zuora)


@pytest.fixture(scope="session")
def played(stage: Stage) -> Mapping[tuple[str, str], Scenario]:
    scenarios = all_plays(stage)
    first, *others = scenarios.values()
    # Airflow's API server holds SQLite for some seconds while it serves its first task.
    stage.play([first])
    stage.play(others)
    return scenarios

"""One real Airflow and one simulated Zuora for the tests of this folder; the crashes have their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID, UK_ENTITY_ID
from tests.airflow.failing_tasks import FailingConnections, failing_connections
from tests.airflow.runs import trigger
from tests.helpers.secret_search import add_client

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "dags"
ENTITIES = {
    "zuora_tests": DEFAULT_ENTITY_ID,
    "zuora_default": UK_ENTITY_ID,
    "zuora_source": AUSTRALIA_ENTITY_ID,
    "zuora_anywhere": None,
}
SEALING = {
    "ZUORA_TESTS": {"client": "marked"},
    "ZUORA_OTHER_CLIENT": {"client": "default"},
    "ZUORA_OTHER_HOST": {"client": "marked", "host": "http://localhost"},
}
SETTINGS = {
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__CORE__PARALLELISM": "3",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",  # the files stay as they are
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
}
AT_ONCE = 4  # tests: more would only wait for SQLite
_outcomes = pytest.StashKey[dict[pytest.Item, Future[None]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "side_by_side: run the test in a thread beside others, because it spends its time waiting for "
        "Airflow; it takes the fixtures airflow and zuora and no others, and shares no request with others",
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "airflow" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))  # one worker for each Airflow
    items.sort(key=lambda item: not _is_side_by_side(item))  # what the others do concerns all of Airflow


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """
    Run all tests that run side by side when the first of them is to run; the others only report an outcome.

    pytest has to wait for the last of them: between two tests it changes the environment, which they read.
    """
    if not _is_side_by_side(pyfuncitem):
        return None
    outcomes = pyfuncitem.session.stash.setdefault(_outcomes, {})
    if not outcomes:
        fixtures = {name: pyfuncitem.funcargs[name] for name in ("airflow", "zuora")}
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for item in filter(_is_side_by_side, pyfuncitem.session.items):
                parameters = item.callspec.params if hasattr(item, "callspec") else {}
                outcomes[item] = threads.submit(item.function, **fixtures, **parameters)
    outcomes[pyfuncitem].result()
    return True


def _is_side_by_side(item: pytest.Item) -> bool:
    return item.get_closest_marker("side_by_side") is not None


@pytest.fixture(scope="session")
def zuora() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator() as simulator, pytest.MonkeyPatch.context() as environment:
        add_client(simulator)
        # For the tests that seal answers themselves.
        for name, fields in SEALING.items():
            environment.setenv(f"AIRFLOW_CONN_{name}", simulator.connection_json(**fields))
        yield simulator


@pytest.fixture(scope="session")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FailingConnections]:
    with failing_connections(tmp_path_factory.mktemp("failing")) as failing:
        yield failing


@pytest.fixture(scope="session")
def airflow(
    zuora: ZuoraSimulator, failing: FailingConnections, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    dags.mkdir()
    users = ("ann", "bob:user", "eve:user")
    with LocalAirflow(folder / "home", dags, users=users, settings=SETTINGS) as airflow:
        for conn_id, entity_id in ENTITIES.items():
            airflow.add_connection(conn_id, zuora.connection_json(client="marked", entity_id=entity_id))
        for name, connection in failing.connections.items():
            airflow.add_connection(f"zuora_{name}", connection)
        # Only now: one of them calls Zuora while it is parsed, and needs the connections.
        for path in [*EXAMPLES.glob("*.py"), *HERE.glob("dags/*.py")]:
            (dags / path.name).write_text(for_tests(path.read_text()))
        # While Airflow's API server serves its first task, it locks SQLite for some seconds.
        trigger(airflow, "first").wait()
        yield airflow


def for_tests(dag: str) -> str:
    """Shorten the intervals of a DAG file, and move the schedule away from now."""
    noon = (datetime.now(UTC) + timedelta(hours=12)).hour
    return re.sub(r"(?<=_interval=)\d+", "2", dag.replace("0 7 * * MON-FRI", f"0 {noon} * * *"))

from __future__ import annotations

import ast
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

import airflow_zuora.simulator
from airflow_zuora.simulator import Settings, ZuoraSimulator
from airflow_zuora.simulator.seed import (
    DEFAULT_ENTITY_ID,
    DEFAULT_SECRET,
    PENDING_IDS,
    UK_ENTITY_ID,
)
from tests.helpers.patience import PATIENCE, own_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.simulator_client import Api


def test_it_answers_as_soon_as_it_is_started_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    with ZuoraSimulator(port=own_port()) as simulator:
        assert requests.get(f"{simulator.url}/_simulator/faults", timeout=PATIENCE).json() == []
    assert set(threading.enumerate()) <= before
    with pytest.raises(requests.ConnectionError):
        requests.get(simulator.url, timeout=PATIENCE)


def test_the_port_is_free_again_after_the_end() -> None:
    port = own_port()
    for _ in range(2):
        with ZuoraSimulator(port=port) as simulator, requests.Session() as session:
            assert session.get(simulator.url, timeout=PATIENCE).status_code == 200


def test_it_can_be_started_again_but_not_twice() -> None:
    simulator = ZuoraSimulator()
    simulator.stop()
    with simulator, pytest.raises(RuntimeError, match="running already"):
        simulator.start()
    with simulator:
        assert requests.get(simulator.url, timeout=PATIENCE).status_code == 200


def test_a_taken_port_is_an_oserror_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        ZuoraSimulator(port=taken.getsockname()[1]).start()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("fault", [{"stall": True}, {"delay": 600}, {"slow_body": 600}])
def test_it_ends_at_once_although_clients_still_wait(fault: dict[str, Any]) -> None:
    failures: list[Exception] = []
    with ZuoraSimulator() as simulator:
        simulator.fault(path="*", **fault)

        def ask() -> None:
            try:
                requests.get(f"{simulator.url}/v1/entities", timeout=2 * PATIENCE)
            except requests.RequestException as error:
                failures.append(error)

        client = threading.Thread(target=ask)
        client.start()
        wait_for(simulator.requests)
        started = time.perf_counter()
    assert time.perf_counter() - started < PATIENCE
    client.join(PATIENCE)
    assert len(failures) == 1


def test_it_ends_at_once_with_an_idle_connection_open() -> None:
    with ZuoraSimulator() as simulator, requests.Session() as session:
        session.get(simulator.url, timeout=PATIENCE)
        started = time.perf_counter()
        simulator.stop()
        assert time.perf_counter() - started < PATIENCE  # it would be kept for 75 seconds


def test_the_connection_for_airflow_leads_here(simulator: ZuoraSimulator) -> None:
    connection = json.loads(simulator.connection_json())
    assert connection == {
        "conn_type": "zuora",
        "host": "http://127.0.0.1",
        "port": simulator.port,
        "login": simulator.store.access.named("default").id,
        "password": DEFAULT_SECRET,
        "extra": {"entity_id": DEFAULT_ENTITY_ID},
    }


def test_the_connection_for_airflow_can_be_changed(simulator: ZuoraSimulator) -> None:
    text = simulator.connection_json(
        entity_id=None, client="standard", password="wrong", timeout=2, zuora_version="341.0"
    )
    connection = json.loads(text)
    assert connection["login"] == simulator.store.access.named("standard").id
    assert connection["password"] == "wrong"
    assert connection["extra"] == {"timeout": 2, "zuora_version": "341.0"}
    with pytest.raises(ValueError, match="choose from deactivated, default"):
        simulator.connection_json(client="nobody")


def test_airflow_reads_the_connection(simulator: ZuoraSimulator) -> None:
    models = pytest.importorskip("airflow.sdk")
    connection = models.Connection.from_json(simulator.connection_json(), conn_id="zuora_default")
    assert (connection.host, connection.port) == ("http://127.0.0.1", simulator.port)
    assert connection.password == DEFAULT_SECRET
    assert connection.extra_dejson == {"entity_id": DEFAULT_ENTITY_ID}


def test_settings_and_pending_requests_are_taken_and_survive_a_reset(connect: Callable[..., Api]) -> None:
    with ZuoraSimulator(pending=5, settings=Settings(repeat_accept="rule")) as simulator:
        for _ in range(2):
            rows = connect(to=simulator).connections(type="inbound")["entityConnections"]
            assert sum(row["status"] == "Pending" for row in rows) == 8
            assert {row["id"] for row in rows} > set(PENDING_IDS)
            assert simulator.settings.repeat_accept == "rule"
            simulator.reset()


def test_a_request_can_be_sent_from_python(simulator: ZuoraSimulator) -> None:
    id_ = simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    row = simulator.store.connections.get(id_)
    assert (row.source_entity_id, row.target_entity_id) == (UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert str(row.status) == "Pending"


def test_state_can_be_changed_from_many_threads_while_it_serves(simulator: ZuoraSimulator, api: Api) -> None:
    stop = threading.Event()
    errors: list[Exception] = []

    def change() -> None:
        try:
            while not stop.is_set():
                id_ = simulator.store.connections.add(UK_ENTITY_ID, DEFAULT_ENTITY_ID).id
                simulator.store.connections.accept(id_, DEFAULT_ENTITY_ID)
                simulator.store.connections.remove(id_)
                simulator.requests()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    answers = [api.get("/v1/entity-connections?pageSize=300").status_code for _ in range(40)]
    answers += [api.get("/_simulator/state").status_code for _ in range(10)]
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert set(answers) == {200}


SOURCES = Path(airflow_zuora.simulator.__file__).parent
WEB = {"fastapi", "starlette", "uvicorn", "jinja2"}


def imports(path: Path) -> set[str]:
    """Give the modules that a source file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.py")), ids=lambda path: path.stem)
def test_the_simulator_knows_the_models_and_nothing_else_of_the_package(path: Path) -> None:
    allowed = ("airflow_zuora.simulator", "airflow_zuora.models")
    own = {name for name in imports(path) if name.startswith("airflow_zuora")}
    assert {name for name in own if not name.startswith(allowed)} == set()
    assert not {name.partition(".")[0] for name in imports(path)} & {"airflow", "requests"}


def test_the_rules_know_nothing_of_http() -> None:
    todo, seen = {"store"}, set()
    while todo:
        module = todo.pop()
        seen.add(module)
        names = imports(SOURCES / f"{module}.py")
        assert not {name.partition(".")[0] for name in names} & WEB, module
        inner = {name.split(".")[2] for name in names if name.startswith("airflow_zuora.simulator.")}
        todo |= {name for name in inner - seen if (SOURCES / f"{name}.py").exists()}
    assert {"connections", "entities", "access", "settings", "records", "seed", "errors"} <= seen


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "jinja2"])
def test_a_missing_library_is_named_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for module in ("server", "app", "routes.page"):  # those that import a library first
        monkeypatch.delitem(sys.modules, f"airflow_zuora.simulator.{module}")
    monkeypatch.delattr("airflow_zuora.simulator.routes.page")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError) as caught:
        getattr(airflow_zuora.simulator, "ZuoraSimulator")  # noqa: B009 - an expression alone is no test
    assert str(caught.value) == f'The simulator needs {missing}: pip install "airflow-zuora[simulator]"'


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Simulator'"):
        getattr(airflow_zuora.simulator, "Simulator")  # noqa: B009 - mypy knows that it is not there

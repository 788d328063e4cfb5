"""Which module may import which, and what importing one costs."""

from __future__ import annotations

import ast
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_zuora

PACKAGE = Path(airflow_zuora.__file__).parent
FOLDERS = {"airflow_zuora": PACKAGE, "dags": PACKAGE.parent / "dags"}
SOURCES = {
    ".".join((root, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__"): path
    for root, folder in FOLDERS.items()
    for path in sorted(folder.rglob("*.py"))
}

# Each room with the rooms directly below it. A module may import what is in its own room or in one below.
BELOW: dict[str, tuple[str, ...]] = {
    "dags": ("operators", "sensors"),
    "testing": ("operators", "simulator"),
    "demo": ("simulator",),
    "operators": ("triggers", "approval", "arguments"),
    "sensors": ("operators",),
    "triggers": ("hooks", "arguments"),
    "hooks": ("client.entity_connections",),
    # The way of a call through the client, which never turns back.
    "client.entity_connections": ("client.tenant",),
    "client.tenant": ("client.listing",),
    "client.listing": ("client.client",),
    "client.client": ("client",),
    "client": ("transitions", "get_provider_info"),
    "approval": ("models", "get_provider_info"),
    "arguments": ("exceptions", "texts"),
    "simulator": ("models",),
    "transitions": ("models",),
    "models": ("exceptions", "texts"),
    "exceptions": ("version",),
    "texts": ("version",),
    "get_provider_info": ("version",),
    "version": (),  # the package itself
}
WITHOUT_AIRFLOW = ("client", "approval", "arguments", "transitions", "models", "texts", "get_provider_info")
WITHOUT_IO = (
    *("approval", "arguments", "transitions", "models", "texts", "get_provider_info"),
    *("client.request", "client.response", "client.waits", "client.config"),
)
HTTP = {"requests", "urllib3", "aiohttp", "httpx"}
IO = HTTP | {"socket", "ssl", "subprocess", "os", "pathlib", "tenacity", "time", "asyncio", "threading"}


def room(module: str) -> str:
    """Return the room of a module: the one whose name is the longest part of the module's."""
    name = module.removeprefix("airflow_zuora").removeprefix(".") or "version"
    while name and name not in BELOW:
        name = name.rpartition(".")[0]
    return name


def reachable(name: str) -> set[str]:
    return {name}.union(*(reachable(below) for below in BELOW[name]))


def imported(module: str) -> set[str]:
    """Name everything that a module imports anywhere, also in a function or under ``if TYPE_CHECKING``."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(SOURCES[module].read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in SOURCES else str(node.module) for name in full)
    return names


def own_imports(module: str) -> set[str]:
    return {name for name in imported(module) if name.split(".")[0] in FOLDERS}


def modules_of(*rooms: str) -> list[str]:
    """List the modules whose name begins with one of the rooms."""
    prefixes = tuple(f"airflow_zuora.{name}." for name in rooms)
    return [name for name in SOURCES if f"{name}.".startswith(prefixes)]


def test_every_module_has_a_room() -> None:
    assert [name for name in SOURCES if not room(name)] == []


def test_a_module_imports_only_from_its_own_room_and_those_below() -> None:
    wrong = [
        f"{module} imports {name}"
        for module in SOURCES
        for name in own_imports(module)
        if room(name) not in reachable(room(module))
    ]
    assert wrong == []


def test_no_imports_go_in_circles() -> None:
    graph = {name: own_imports(name) - {name} for name in SOURCES}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_the_simulator_shares_only_the_models_with_the_client() -> None:
    others = {name for module in modules_of("simulator") for name in own_imports(module)}
    assert {name for name in others if room(name) != "simulator"} <= {"airflow_zuora.models"}


@pytest.mark.parametrize(
    ("rooms", "forbidden"), [(WITHOUT_AIRFLOW, {"airflow"}), (WITHOUT_IO, IO)], ids=["Airflow", "I/O"]
)
def test_the_core_does_not_import(rooms: tuple[str, ...], forbidden: set[str]) -> None:
    roots = {module: {name.split(".")[0] for name in imported(module)} for module in modules_of(*rooms)}
    assert {module: found for module, names in roots.items() if (found := names & forbidden)} == {}


def test_the_errors_know_only_the_base_classes_of_airflow() -> None:
    modules = imported("airflow_zuora.exceptions")
    assert {name for name in modules if name.startswith("airflow")} == {"airflow.providers.common.compat.sdk"}


def loaded(*statements: str) -> list[set[str]]:
    """Name the modules that a fresh interpreter has loaded after each of some statements."""
    looks = "".join(f"{statement}\nlooks.append(list(sys.modules))\n" for statement in statements)
    program = f"import json, sys\nlooks = []\n{looks}print(json.dumps(looks))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return [set(look) for look in json.loads(done.stdout.splitlines()[-1])]


def test_importing_operators_and_sensors_loads_no_http_library_that_airflow_does_not_load_itself() -> None:
    bases = (
        "from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, conf; "
        "import airflow.providers.standard.operators.hitl"
    )
    modules = modules_of("operators", "sensors")
    before, after = loaded(bases, f"import {', '.join(modules)}")
    assert set(modules) <= after
    assert not {name for name in after - before if name.split(".")[0] in HTTP}
    assert not {
        name for name in modules_of("hooks", "client.transport", "simulator", "demo") if name in after
    }


def test_importing_the_package_or_the_simulator_loads_nothing_else_of_it() -> None:
    package, simulator = loaded("import airflow_zuora", "import airflow_zuora.simulator")
    assert {name for name in package if name.startswith("airflow")} == {"airflow_zuora"}
    assert {room(name) for name in simulator if name.startswith("airflow_zuora.")} == {"simulator"}

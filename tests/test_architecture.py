"""Who imports whom (design.md, section 2), and what an import costs."""

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
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
SOURCES = {
    **MODULES,
    **{f"dags.{path.stem}": path for path in sorted((PACKAGE.parent / "dags").glob("*.py"))},
}

# A module may import those of lower rank only, and of its own rank only its own sub-package.
RANKS = (
    ("airflow_zuora", "airflow_zuora.exceptions", "airflow_zuora.get_provider_info")
    + ("airflow_zuora.texts", "airflow_zuora.retry_after"),
    ("airflow_zuora.models",),
    ("airflow_zuora.api", "airflow_zuora.responses", "airflow_zuora.approval", "airflow_zuora.connection")
    + ("airflow_zuora.checks", "airflow_zuora.transitions", "airflow_zuora.review"),
    ("airflow_zuora.auth", "airflow_zuora.waiting"),
    ("airflow_zuora.hooks",),
    ("airflow_zuora.triggers",),
    ("airflow_zuora.operators", "airflow_zuora.sensors", "airflow_zuora.retry_policy"),
    ("dags",),
)
RANK = {name: number for number, names in enumerate(RANKS) for name in names}
APART = (
    "airflow_zuora.simulator",
    "airflow_zuora.airflow_api",
    "airflow_zuora.program",
    "airflow_zuora.local_airflow",
    "airflow_zuora.demo",
)
WITHOUT_IO = (
    "texts",
    "models",
    "api",
    "checks",
    "responses",
    "retry_after",
    "approval",
    "connection",
    "transitions",
    "review",
    "waiting",
    "get_provider_info",
)
HTTP = {"requests", "urllib3", "aiohttp", "httpx"}
IO = HTTP | {
    "airflow",
    "socket",
    "ssl",
    "subprocess",
    "os",
    "pathlib",
    "tenacity",
    "time",
    "asyncio",
    "threading",
}


def rank(module: str) -> int | None:
    while module:
        if module in RANK and (module != "airflow_zuora" or "." not in module):
            return RANK[module]
        module = module.rpartition(".")[0]
    return None


def imported(module: str) -> set[str]:
    """Name everything that a module imports anywhere, a function or ``if TYPE_CHECKING`` included."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(SOURCES[module].read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names.update(name if name in SOURCES else str(node.module) for name in full)
    return names


def own(module: str) -> set[str]:
    return {name for name in imported(module) if name.split(".")[0] in ("airflow_zuora", "dags")}


def is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_every_module_has_its_place():
    empty = {name for name in MODULES if not MODULES[name].read_text().strip()}
    placed = {
        name
        for name in SOURCES
        if is_in(name, APART) or is_in(name, tuple(RANK)[1:]) or name == "airflow_zuora"
    }
    assert set(SOURCES) - empty == placed - empty


@pytest.mark.parametrize("module", [name for name in SOURCES if not is_in(name, APART)])
def test_imports_run_one_way(module):
    mine = rank(module)
    for name in own(module):
        theirs = rank(name)
        assert not is_in(name, APART), f"{module} imports {name}"
        assert mine is not None
        assert theirs is not None
        same_package = module.rpartition(".")[0] == name.rpartition(".")[0] != "airflow_zuora"
        assert theirs < mine or (theirs == mine and same_package) or name == module, (
            f"{module} imports {name}"
        )


def test_no_imports_go_in_circles():
    graph = {name: own(name) - {name} for name in SOURCES}
    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", [name for name in SOURCES if is_in(name, APART[:1])])
def test_the_simulator_knows_nothing_of_the_package_but_its_models(module):
    for name in own(module):
        assert is_in(name, APART[:1]) or name == "airflow_zuora.models", f"{module} imports {name}"


@pytest.mark.parametrize("module", WITHOUT_IO)
def test_what_thinks_does_no_io(module):
    roots = {name.split(".")[0] for name in imported(f"airflow_zuora.{module}")}
    assert not roots & IO


def test_the_errors_know_nothing_of_airflow_but_its_base_classes():
    assert imported("airflow_zuora.exceptions") == {"__future__", "airflow.providers.common.compat.sdk"}


def test_importing_the_package_runs_nothing():
    assert not own("airflow_zuora")
    assert imported("airflow_zuora") == {"__future__"}


def loaded(*statements: str) -> list[set[str]]:
    """Name the modules that a fresh interpreter has loaded after each of some statements."""
    looks = "".join(f"{statement}\nlooks.append(list(sys.modules))\n" for statement in statements)
    program = f"import json, sys\nlooks = []\n{looks}print(json.dumps(looks))"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return [set(look) for look in json.loads(done.stdout.splitlines()[-1])]


def test_importing_an_operator_loads_no_http_library_that_airflow_does_not_load_itself():
    ours = "import airflow_zuora.operators.entity_connection"
    alone, with_ours = loaded("from airflow.sdk import BaseOperator", ours)
    assert not {name for name in with_ours - alone if name.split(".")[0] in HTTP}
    own_modules = {name for name in with_ours if name.startswith("airflow_zuora.")}
    assert not {name for name in own_modules if name.split(".")[1] in ("hooks", "auth", "simulator", "demo")}


def test_the_simulator_starts_without_the_hook_and_its_libraries():
    (names,) = loaded("import airflow_zuora.simulator")
    assert not {"airflow_zuora.hooks.base", "airflow_zuora.auth"} & names

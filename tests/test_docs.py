"""The documentation quotes the example DAGs, names everything that there is, and links to what exists."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.http.hooks.http import HttpHook

import airflow_zuora
from airflow_zuora import exceptions, testing
from airflow_zuora.approval.answer import Answer, Subject
from airflow_zuora.get_provider_info import CONN_FIELDS, ENVIRONMENTS
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.operators import entity_connection as operators
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger
from tests.client.test_connection_routes import AIRFLOW, expected
from tests.connection_routes.fields import FIELDS
from tests.connection_routes.table import print_table
from tests.demo import test_endings as endings
from tests.faults.cells import CELLS, Cell, Mode
from tests.faults.player import CLOCK, MODULES_WITH_A_CLOCK, Player
from tests.faults.playing import show
from tests.helpers.bad_servers import closed_port

ROOT = Path(__file__).parents[1]
PACKAGE = Path(airflow_zuora.__file__).parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
QUOTE = re.compile(r"<!-- quote: (\S+) (\w+) -->\n```python\n(.*?)```", re.DOTALL)
BASES = (exceptions.ZuoraError, exceptions.ZuoraApiError)
ERRORS = [kind for kind in vars(exceptions).values() if inspect.isclass(kind) and issubclass(kind, BASES)]


def page(name: str) -> str:
    return (ROOT / name).read_text()


def excerpt(path: str, name: str) -> str:
    text = (ROOT / path).read_text()
    found = re.search(rf" *# \[START {name}\]\n(.*?) *# \[END {name}\]", text, re.DOTALL)
    assert found, f"{path} has no [START {name}]"
    return textwrap.dedent(found[1])


def quotes() -> list[tuple[str, str, str, str]]:
    return [(path.name, *found) for path in PAGES for found in QUOTE.findall(path.read_text())]


@pytest.mark.parametrize(("page_name", "path", "name", "code"), quotes())
def test_a_page_quotes_the_dag_as_it_is(page_name: str, path: str, name: str, code: str) -> None:
    assert code == excerpt(path, name)


def test_the_readme_quotes_the_operator() -> None:
    assert any(page_name == "README.md" for page_name, *_ in quotes())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_inside_the_repository_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_to_a_heading_lead_to_one(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", path.read_text())
    missing = [
        f"{target}#{anchor}"
        for target, anchor in links
        if anchor not in anchors(path.parent / target if target else path)
    ]
    assert missing == []


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_files_that_a_page_names_exist(path: Path) -> None:
    names = re.findall(r"`([\w./-]+\.py|tests/[\w./-]+)`", path.read_text())
    assert [name for name in names if not any((folder / name).exists() for folder in (ROOT, PACKAGE))] == []


def test_the_connection_page_names_each_field_and_environment() -> None:
    text = page("docs/connection.md")
    for name in CONN_FIELDS:
        assert f"`extra.{name}`" in text
    for host, label in ENVIRONMENTS.items():
        assert f"| `{host}` | {label} |" in text


def test_the_hook_page_names_each_method() -> None:
    text = page("docs/hook.md")
    added = [name for name, value in vars(ZuoraHook).items() if inspect.isfunction(value)]
    public = [name for name in added if not name.startswith("_") and not hasattr(HttpHook, name)]
    assert [name for name in public if f"`{name}(" not in text] == []


@pytest.mark.parametrize("error", [error for error in ERRORS if error not in BASES])
def test_the_operators_page_says_of_each_error_whether_airflow_retries_it(error: type[Exception]) -> None:
    retried = "no" if issubclass(error, AirflowFailException) else "yes"
    assert f"| `{error.__name__}` | {retried} |" in page("docs/operators.md")


@pytest.mark.parametrize(
    ("kind", "page_name"),
    [
        *((kind, "docs/operators.md") for name, kind in vars(operators).items() if name.endswith("Operator")),
        (ReviewEntityConnectionOperator, "docs/operators.md"),
        (EntityConnectionSensor, "docs/events.md"),
        (EntityConnectionRequestTrigger, "docs/events.md"),
    ],
)
def test_a_page_names_each_parameter(kind: type, page_name: str) -> None:
    names = [
        name
        for base in kind.__mro__
        if base.__module__.startswith("airflow_zuora.") and "__init__" in vars(base)
        for name in inspect.signature(vars(base)["__init__"]).parameters
        if name not in ("self", "kwargs", "multiple_outputs")
    ]
    assert [name for name in names if not re.search(rf"`{name}\b", page(page_name))] == []


def test_the_operators_page_names_each_field_of_an_answer() -> None:
    table = page("docs/operators.md").partition("| field of the answer |")[2].partition("\n\n")[0]
    rows = [
        [re.findall(r"`(\w+)`", text) for text in line.split("|")[1:3]] for line in table.splitlines()[2:]
    ]
    sealed = Answer(**dict.fromkeys((field.name for field in fields(Answer)), "")).seal(b"key")
    assert [name for names, _ in rows for name in names] == [*sealed]
    meanings = {name: meaning for names, meaning in rows for name in names}
    named = [name for name in meanings["connections"] if name != "None"]
    assert named == [field.name for field in fields(Subject)]


def test_no_page_imports_a_private_module_of_the_simulator() -> None:
    code = [
        block for path in PAGES for block in re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
    ]
    imports = [
        node for text in code for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)
    ]
    assert [node.module for node in imports if "simulator" in str(node.module)] == []


@pytest.mark.parametrize("name", testing.__all__)
def test_the_simulator_page_names_what_the_module_for_tests_has(name: str) -> None:
    assert hasattr(testing, name)
    assert re.search(rf"\b{name}\b", page("docs/simulator.md"))


@pytest.mark.filterwarnings("ignore:Using .httpx. with .starlette.testclient.")
@pytest.mark.skipif(AIRFLOW.release[:2] != (3, 3), reason="the page shows the table of Airflow 3.3")
def test_the_reliability_page_has_the_table_of_make_routes(capsys: pytest.CaptureFixture[str]) -> None:
    # tests/client/test_connection_routes.py checks by playing them that these are the outcomes.
    from tests.connection_routes.ways import WAYS

    print_table({way: {field.name: expected(way, field.name) for field in FIELDS} for way in WAYS})
    assert f"\n\n{capsys.readouterr().out}\n" in page("docs/reliability.md")


def test_the_reliability_page_names_each_test_of_how_the_demo_ends() -> None:
    named = re.findall(r"`(test_\w+)` \|$", page("docs/reliability.md"), re.MULTILINE)
    assert named == [name for name in vars(endings) if name.startswith("test_") and "demo" in name]


def faults_on_the_page() -> list[tuple[str, dict[str, str]]]:
    """Return the lines of the page's table of faults: the fault, and the outcome of each operation."""
    table = page("docs/reliability.md").partition("Some lines of its output")[2].split("```")[1]
    head, *lines = (re.split(r" {2,}", line) for line in table.strip("\n").splitlines())
    return [(fault, dict(zip(head[1:], outcomes, strict=True))) for fault, *outcomes in lines]


def cell(operation: str, fault: str) -> Cell:
    wanted = (operation, fault, Mode.ALWAYS)
    (found,) = (one for one in CELLS if (one.operation.name, one.case.name, one.mode) == wanted)
    return found


def test_the_reliability_page_shows_what_make_faults_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MODULES_WITH_A_CLOCK:
        monkeypatch.setattr(f"{name}.time", CLOCK)
    shown: list[tuple[str, Any]] = []
    played: list[tuple[str, Any]] = []
    with closing(Player({"closed": closed_port()})) as player:
        for fault, outcomes in faults_on_the_page():
            cells = {operation: cell(operation, fault) for operation in outcomes}
            # The late ones take seconds, and a server with a certificate is not here.
            if not any(
                one.case.is_late or one.case.connection.get("port") == "tls" for one in cells.values()
            ):
                shown.append((fault, outcomes))
                played.append((fault, {name: show(player.play(one)) for name, one in cells.items()}))
    assert len(shown) == 11
    assert played == shown

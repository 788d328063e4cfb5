"""The documentation quotes the example DAGs, names what there is, and links to what is there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from airflow_zuora.get_provider_info import CONN_FIELDS, ENVIRONMENTS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
QUOTE = re.compile(r"<!-- quote: (\S+) (\w+) -->\n```python\n(.*?)```", re.DOTALL)


def excerpt(path: str, name: str) -> str:
    text = (ROOT / path).read_text()
    found = re.search(rf" *# \[START {name}\]\n(.*?) *# \[END {name}\]", text, re.DOTALL)
    assert found, f"{path} has no [START {name}]"
    return textwrap.dedent(found[1])


def quotes() -> list[tuple[str, str, str, str]]:
    return [(page.name, *found) for page in PAGES for found in QUOTE.findall(page.read_text())]


@pytest.mark.parametrize(("page", "path", "name", "code"), quotes())
def test_a_page_quotes_the_dag_as_it_is(page: str, path: str, name: str, code: str) -> None:
    assert code == excerpt(path, name)


def test_the_readme_quotes_the_operator() -> None:
    assert any(page == "README.md" for page, *_ in quotes())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_connection_page_names_each_field_and_environment() -> None:
    text = (ROOT / "docs" / "connection.md").read_text()
    for name in CONN_FIELDS:
        assert f"`extra.{name}`" in text
    for host, label in ENVIRONMENTS.items():
        assert f"| `{host}` | {label} |" in text

"""The question as people read it: every fact that the answer is bound to, and names as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from airflow_zuora.approval.question import ask, environment, plain
from airflow_zuora.texts import one_line
from tests.helpers.answers import ID, OTHER, OTHER_ID, SOURCE, SUBJECT, TARGET
from tests.helpers.hostile_names import IN_SUBJECT, IN_TEXT, NAMES

HOST = "https://rest.eu.zuora.com"
OPTIONS = ("Approve", "Deny", "Leave pending")
MARKDOWN = MarkdownIt("commonmark").enable("table")


def asked(*subjects: Any, change: str = "accept", note: str | None = None) -> tuple[str, str]:
    question = ask(change, subjects or (SUBJECT,), host=HOST, options=OPTIONS, note=note)
    return question.subject, question.body


def tokens(body: str) -> Iterator[Any]:
    """Read Markdown as a browser shows it."""
    for token in MARKDOWN.parse(body):
        yield from [token, *(token.children or [])]


def codes(body: str) -> list[str]:
    """Return the texts that are shown unchanged."""
    return [token.content for token in tokens(body) if token.type == "code_inline"]


def cells(row: str) -> list[str]:
    """Split a row where Airflow's Markdown does: at a pipe that no backslash escapes."""
    return [cell.strip() for cell in re.findall(r"(?:\\[\\|]|[^|])+", row)]


def in_cell(name: str) -> str:
    """What a cell shows of a name: before a pipe, an odd number of backslashes becomes even."""
    return re.sub(r"(\\*)\|", lambda found: found[0] if len(found[1]) % 2 == 0 else f"\\{found[0]}", name)


def test_one_request_is_shown_with_every_fact_and_what_each_option_does() -> None:
    subject, body = asked(note="See **ticket 5**.")
    assert subject == "Connect Acme Corporation to Acme Germany?"
    assert codes(body) == ["Acme Corporation", SOURCE, "Acme Germany", TARGET, ID, HOST]
    for part in (
        "**EU Production**",
        "**Approve** accepts the request in Zuora, **Deny** denies the request in Zuora",
        "**Leave pending** changes nothing",
        "disconnecting later cannot be undone",
    ):
        assert part in body
    assert body.endswith("See **ticket 5**.")


def test_a_disconnection_is_asked_about_with_what_it_means() -> None:
    subject, body = asked(change="disconnect")
    assert subject == "Disconnect Acme Corporation from Acme Germany?"
    assert "**Disconnecting cannot be undone.**" in body
    assert "**Approve** disconnects the connection in Zuora" in body
    assert "**Deny** changes nothing" in body


@pytest.mark.parametrize(
    ("change", "subject"),
    [("accept", "Accept 2 entity connection requests?"), ("disconnect", "Disconnect 2 entity connections?")],
)
def test_several_are_asked_about_in_a_table(change: str, subject: str) -> None:
    headline, body = asked(SUBJECT, OTHER, change=change)
    assert headline == subject
    first = ["Acme Corporation", SOURCE, "Acme Germany", TARGET, ID]
    second = ["Acme US", "c" * 32, "Acme Germany", TARGET, OTHER_ID]
    assert codes(body)[:10] == [*first, *second]
    assert sum(token.type == "tr_open" for token in tokens(body)) == 3


def test_the_same_question_has_the_same_text() -> None:
    """A retry is recognized by it, so nothing in it may depend on the time or the try."""
    assert asked(SUBJECT, OTHER) == asked(SUBJECT, OTHER)
    assert asked(SUBJECT) != asked(replace(SUBJECT, source_name="Acme Corp."))


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("https://rest.zuora.com", "**US Production, Cloud 2** (` https://rest.zuora.com `)"),
        ("https://rest.zuora.com:8443", "` https://rest.zuora.com:8443 `"),
        ("http://127.0.0.1:8765", "` http://127.0.0.1:8765 `"),
    ],
)
def test_the_environment_is_named_where_it_is_known(host: str, shown: str) -> None:
    assert environment(host) == shown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", ["source_name", "target_name"])
def test_a_hostile_name_is_plain_text_in_every_place(field: str, name: str) -> None:
    hostile = replace(SUBJECT, **{field: name})
    subject, body = asked(hostile)
    assert IN_SUBJECT[name] in subject
    assert IN_TEXT[name] in codes(body)
    assert in_cell(IN_TEXT[name]) in codes(asked(hostile, OTHER)[1])


@given(st.text(), st.text(st.sampled_from("a|\\`* \n<[](&"), max_size=12))
def test_no_name_adds_markup_or_lines_or_cells(one: str, other: str) -> None:
    kinds = [token.type for token in tokens(asked()[1])]
    table_kinds = [token.type for token in tokens(asked(SUBJECT, OTHER)[1])]
    for name in (one, other):
        body = asked(replace(SUBJECT, source_name=f"a{name}"))[1]
        assert [token.type for token in tokens(body)] == kinds
        assert codes(body)[0] == one_line(f"a{name}")
        table = asked(replace(SUBJECT, source_name=f"a{name}"), OTHER)[1]
        assert [token.type for token in tokens(table)] == table_kinds
        assert codes(table)[0] == in_cell(one_line(f"a{name}"))
        assert all(len(cells(row)) == 3 for row in table.split("\n\n")[0].splitlines())


@given(st.text())
def test_a_plain_text_is_one_code_span_that_nothing_in_it_can_end(text: str) -> None:
    fence, shown, end = re.fullmatch("(?s)(`+) (.*) (`+)", plain(text)).groups()  # type: ignore[union-attr]
    assert fence == end
    assert shown == one_line(text)
    assert len(fence) not in {len(run) for run in re.findall("`+", shown)}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Acme\r\nApprove", "Acme Approve"),
        ("Acme\u202egnp", "Acme\\u202egnp"),
        ("Acme\u200b", "Acme\\u200b"),
        ("a\x00\x1bb", "a\\x00\\x1bb"),
        ("Société אבג 株式会社 🚀", "Société אבג 株式会社 🚀"),
        ("{{ var.value.x }}", "{{ var.value.x }}"),
        ("x" * 300, f"{'x' * 97}..."),
    ],
)
def test_the_headline_shows_a_name_as_it_is_and_what_is_hidden_in_it(name: str, shown: str) -> None:
    subject, _ = asked(replace(SUBJECT, source_name=name))
    assert subject == f"Connect {shown} to Acme Germany?"

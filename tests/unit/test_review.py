from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.models import Entity, EntityConnection, EntityConnectionStatus
from airflow_zuora.review import describe_request, plain, question
from airflow_zuora.texts import one_line

SOURCE, TARGET = "a" * 32, "b" * 32
REQUEST = EntityConnection("8a80-1", SOURCE, TARGET, EntityConnectionStatus.PENDING, "Pending")


def row(source: str = "Acme Corporation") -> dict[str, str]:
    return REQUEST.as_dict(
        [
            Entity(SOURCE, "x", source, None, "Provisioned"),
            Entity(TARGET, "y", "Acme Germany", SOURCE, "Provisioned"),
        ]
    )


@pytest.mark.parametrize("environment", ["https://rest.eu.zuora.com", "rest.eu.zuora.com"])
def test_the_text_names_both_parties_the_request_the_environment_and_the_consequences(environment):
    text = describe_request(row(), environment)
    for part in ("Acme Corporation", "Acme Germany", SOURCE, TARGET, "8a80-1", "Pending"):
        assert f"` {part} `" in text
    assert "in EU Production (rest.eu.zuora.com)." in text
    assert "cannot be undone" in text


def test_a_host_that_is_no_known_environment_is_shown_as_it_is():
    assert "in 127.0.0.1:8765." in describe_request(row(), "http://127.0.0.1:8765")
    assert "` 8a80-1 ` is ` Pending `." in describe_request(row())


def test_an_entity_that_cannot_be_seen_is_shown_by_its_id():
    assert describe_request(REQUEST.as_dict([])).count(SOURCE) > describe_request(row()).count(SOURCE)


@pytest.mark.parametrize("field", ["connection_id", "source_entity_id", "source_name", "status"])
@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "# head",
        "[x](http://evil)",
        "<script>",
        "`x`",
        "```",
        "**Approve**",
        "www.evil.com",
        "{{ x }}",
    ],
)
def test_no_text_of_zuora_brings_markup_along(field, text):
    shown = describe_request({**row(), field: text}, "https://rest.zuora.com")
    assert plain(text) in shown
    assert len(shown.splitlines()) == len(describe_request(row()).splitlines())


@given(st.text())
def test_a_plain_text_is_one_code_span_that_nothing_in_it_can_end(text):
    fence, shown, end = re.fullmatch("(?s)(`+) (.*) (`+)", plain(text)).groups()
    assert fence == end
    assert shown == one_line(text)
    assert len(fence) not in {len(run) for run in re.findall("`+", shown)}


@given(st.text())
def test_a_text_is_one_line_with_nothing_hidden_in_it(text):
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Acme\r\nApprove", "Acme Approve"),
        ("Acme\u202egnp", "Acme\\u202egnp"),
        ("Acme\u200b", "Acme\\u200b"),
        ("a\x00\x1bb", "a\\x00\\x1bb"),
        ("\ud800", "\\ud800"),
        ("Société אבג 株式会社 🚀", "Société אבג 株式会社 🚀"),
        ("{{ var.value.x }}", "{{ var.value.x }}"),
    ],
)
def test_a_subject_shows_a_name_as_it_is_and_what_is_hidden_in_it(name, shown):
    assert question(row(name))["subject"] == f"Connect {shown} to Acme Germany?"


def test_a_long_name_is_cut_in_the_subject_and_shown_as_long_as_zuora_allows_in_the_text():
    long = "x" * 5000
    asked = question({**row(long), "target_name": long})
    assert len(asked["subject"]) < 250, "Airflow names a map index by it"
    assert "x..." in asked["subject"]
    assert "x" * 252 in asked["body"]

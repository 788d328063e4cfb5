from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora import api, exceptions
from airflow_zuora.api import Verdict, judge
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraResponseError
from tests.unit.zuora import ODD_IDS

ONE, TWO, THREE = (f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "123")

# Error to what follows for a GET, and for a PUT or POST: the table of design.md, section 4.
RULE = {
    exceptions.ZuoraNotSentError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraBusyError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraRateLimitError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraAuthError: (Verdict.NEW_TOKEN, Verdict.NEW_TOKEN),
    exceptions.ZuoraTransportError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraServerError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraResponseError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraOutcomeUnknownError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraPermissionError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraNotFoundError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraRuleError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraRequestError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraApiError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraConfigError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ApprovalError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.EntityConnectionStateError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraError: (Verdict.RAISE, Verdict.RAISE),
    ValueError: (Verdict.RAISE, Verdict.RAISE),
    OSError: (Verdict.RAISE, Verdict.RAISE),
    KeyboardInterrupt: (Verdict.RAISE, Verdict.RAISE),
}


@pytest.mark.parametrize("kind", RULE, ids=lambda kind: kind.__name__)
def test_the_retry_rule_is_the_table_of_the_design(kind):
    assert (judge(kind(), repeatable=True), judge(kind(), repeatable=False)) == RULE[kind]


def test_the_retry_rule_knows_every_error():
    errors = {kind for kind in vars(exceptions).values() if isinstance(kind, type)}
    assert {kind for kind in errors if kind.__module__ == exceptions.__name__} <= set(RULE)


@pytest.mark.parametrize("id_", ["a", "8a80825555a3c7a10155b460f53858e6", "2c92-c0f9_X", "x" * 64])
def test_an_id_of_letters_and_digits_may_go_into_a_path(id_):
    assert api.path_id(id_, "connection_id") == id_


@pytest.mark.parametrize("id_", ODD_IDS, ids=lambda id_: repr(id_)[:20])
def test_any_other_id_is_refused_by_name(id_):
    with pytest.raises(ZuoraConfigError, match=r"^connection_id must be an id of Zuora") as raised:
        api.path_id(id_, "connection_id")
    assert isinstance(raised.value, ValueError)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("track_id", ["a", "x" * 64, "dag/task 1 #2 [3]", "!~", "\\"])
def test_a_track_id_within_zuoras_rule_is_sent(track_id):
    assert api.request_headers("PUT", track_id, None) == {"Zuora-Track-Id": track_id}


@pytest.mark.parametrize(
    "track_id",
    ["", "x" * 65, "a:b", "a;b", 'a"b', "a'b", "é", "a\n", "\ta", "a\x7f", 5, b"a", True, []]
    + [" ", " a", "a "],
)
def test_a_track_id_that_breaks_zuoras_rule_is_refused(track_id):
    with pytest.raises(ZuoraConfigError, match="track_id must be 1 to 64 printable ASCII"):
        api.check_track_id(track_id)


@given(st.text(max_size=70))
def test_what_passes_as_a_track_id_is_what_zuora_documents(text):
    allowed = 1 <= len(text) <= 64 and text.isascii() and text.isprintable() and not set(text) & set(":;\"'")
    allowed = allowed and text == text.strip()  # HTTP does not keep blanks at the ends
    if allowed:
        assert api.check_track_id(text) == text
    else:
        with pytest.raises(ZuoraConfigError):
            api.check_track_id(text)


def test_an_idempotency_key_is_for_post_only():
    assert api.request_headers("POST", None, "k" * 255) == {"Idempotency-Key": "k" * 255}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        with pytest.raises(ZuoraConfigError, match=f"Zuora refuses it on {method}"):
            api.request_headers(method, None, "key")


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\n", "é", 5, b"k"])
def test_a_wrong_idempotency_key_is_refused(key):
    with pytest.raises(ZuoraConfigError, match="idempotency_key must be 1 to 255"):
        api.request_headers("POST", None, key)


def test_a_body_is_json_and_packed_only_where_asked():
    assert api.encode_body(None, compress=True) == (None, {})
    assert api.encode_body({}, compress=False) == (b"{}", {"Content-Type": "application/json"})
    body, headers = api.encode_body({"a": "é"}, compress=True)
    assert headers == {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert json.loads(gzip.decompress(body or b"")) == {"a": "é"}


def test_what_is_no_json_is_not_sent():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (object(), float("nan"), {1, 2}, {("a",): 1}, deep):
        with pytest.raises(ZuoraConfigError, match="json cannot be sent"):
            api.encode_body(value, compress=False)


@pytest.mark.parametrize(
    ("entity_id", "scope", "found"),
    [
        (None, (), None),
        (None, (ONE,), ONE),
        (ONE, (), ONE),
        (ONE.replace("-", ""), (), ONE),
        (ONE, (ONE,), ONE),
        (TWO.replace("-", ""), (ONE, TWO), TWO),
    ],
)
def test_the_entity_is_the_given_one_or_the_only_one(entity_id, scope, found):
    assert api.check_entity(entity_id, scope) == found


def test_an_entity_that_the_token_may_not_use_is_refused_with_those_that_it_may():
    with pytest.raises(ZuoraConfigError, match=f"{THREE}; its entities are {ONE}, {TWO}"):
        api.check_entity(THREE, (ONE, TWO))
    with pytest.raises(ZuoraConfigError, match=f"give entity_id as one of {ONE}, {TWO}"):
        api.check_entity(None, (ONE, TWO))
    with pytest.raises(ZuoraConfigError, match="32 hex digits"):
        api.check_entity("", ())


@pytest.mark.parametrize("payload", [{}, {"nextPage": None}, {"nextPage": ""}])
def test_without_a_next_page_the_list_ends(payload):
    assert api.next_page(payload) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://rest.zuora.com/v1/x?page=2&pageSize=300",
        "/x?page=2&pageSize=300",
        "https://evil/?page=2&pageSize=300",
    ]
    + ["?page=2&pageSize=300#top"],
)
def test_only_the_query_of_the_next_page_is_used(url):
    assert api.next_page({"nextPage": url}) == {"page": "2", "pageSize": "300"}


@pytest.mark.parametrize("url", ["https://rest.zuora.com/v1/x", "/x?", "http://[?page=2", 5, True])
def test_a_next_page_without_query_is_no_answer_of_zuora(url):
    with pytest.raises(ZuoraResponseError, match="next page without page number"):
        api.next_page({"nextPage": url})

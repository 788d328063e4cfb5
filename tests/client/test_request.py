from __future__ import annotations

import gzip
import json
import uuid

import pytest

from airflow_zuora.client.request import (
    ApiRequest,
    check_headers,
    check_path,
    encode_body,
    encode_query,
    identify,
)
from airflow_zuora.exceptions import ZuoraValueError


@pytest.mark.parametrize("track_id", ["a", "x" * 64, "dag/task 1 #2 [3]", "!~", "\\"])
def test_a_track_id_within_zuoras_rule_is_sent(track_id):
    assert identify("PUT", track_id, None) == {"Zuora-Track-Id": track_id}


def test_an_idempotency_key_is_for_post_only():
    assert identify("POST", None, "k" * 255) == {"Idempotency-Key": "k" * 255}
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        with pytest.raises(ZuoraValueError, match=f"Zuora refuses it on {method}"):
            identify(method, None, "key")


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "a\n", "é", 5, b"k"])
def test_a_wrong_idempotency_key_is_refused(key):
    with pytest.raises(ZuoraValueError, match="idempotency_key must be 1 to 255"):
        identify("POST", None, key)


def test_a_body_is_json_and_compressed_only_on_request():
    assert encode_body(None, compress=True) == (None, {})
    assert encode_body({}, compress=False) == (b"{}", {"Content-Type": "application/json"})
    body, headers = encode_body({"a": "é"}, compress=True)
    assert headers == {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert json.loads(gzip.decompress(body or b"")) == {"a": "é"}


def test_a_value_that_is_not_json_is_refused():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (object(), float("nan"), {1, 2}, {("a",): 1}, deep):
        with pytest.raises(ZuoraValueError, match="json cannot be sent"):
            encode_body(value, compress=False)


def test_a_request_has_all_parts_of_a_call():
    request = ApiRequest.build(
        "post",
        "/v1/x",
        params={"page": 1},
        json={"a": 1},
        headers={"X-More": "y"},
        track_id="dag.task",
        idempotency_key="k-1",
    )
    assert (request.method, request.path, request.query, request.body) == (
        "POST",
        "/v1/x",
        "?page=1",
        b'{"a": 1}',
    )
    assert request.headers == {
        "X-More": "y",
        "Content-Type": "application/json",
        "Zuora-Track-Id": "dag.task",
        "Idempotency-Key": "k-1",
    }


@pytest.mark.parametrize("method", [None, 5, b"GET", "", " ", "GET ", "GET\r\nX: y", "G-T", "GÉT"])
def test_a_method_that_is_not_a_word_is_refused(method):
    with pytest.raises(ZuoraValueError, match="^method must be a word"):
        ApiRequest.build(method, "/v1/x")


@pytest.mark.parametrize(
    ("method", "expected"),
    [("GET", True), ("get", True), ("PUT", False), ("POST", False), ("DELETE", False), ("PATCH", False)],
)
def test_only_reads_may_be_sent_twice(method, expected):
    assert ApiRequest.build(method, "/v1/x").is_repeatable is expected


@pytest.mark.parametrize("method", ["HEAD", "head"])
def test_head_is_refused_because_its_answer_has_no_body(method):
    with pytest.raises(ZuoraValueError, match="use GET"):
        ApiRequest.build(method, "/v1/x")
    with pytest.raises(ZuoraValueError, match="use GET"):
        identify(method, None)


def test_only_a_post_has_an_idempotency_key_and_each_has_another():
    keys = {ApiRequest.build("POST", "/v1/x").headers["Idempotency-Key"] for _ in range(2)}
    assert len({uuid.UUID(key) for key in keys}) == 2
    for method in ("GET", "PUT", "DELETE"):
        assert ApiRequest.build(method, "/v1/x").headers == {}


@pytest.mark.parametrize("path", ["/v1/x", "/v1/x/", "/v1/a%2Fb", "/v1/...", "/v1/a;b=c"])
def test_a_quoted_path_is_sent_unchanged(path):
    assert check_path(path) == path


@pytest.mark.parametrize("path", ["v1/x", "//x", "/v1/../x", "/v1/%2e%2e/x", "/v1/x?a=1", "/v1/%0a", None, 5])
def test_a_path_that_may_lead_elsewhere_is_refused(path):
    with pytest.raises(ZuoraValueError, match="^path must begin with a slash"):
        check_path(path)


@pytest.mark.parametrize(
    ("params", "query"),
    [
        (None, ""),
        ({}, ""),
        ({"a": None}, ""),
        ({"a": 1, "b": None, "c": "x y&z"}, "?a=1&c=x+y%26z"),
        ({"a": ["1", "2"]}, "?a=1&a=2"),
    ],
)
def test_a_query_holds_the_parameters_that_have_a_value(params, query):
    assert encode_query(params) == query


@pytest.mark.parametrize("params", [5, "a=b", [("a", "b")], {"a": "\ud800"}, {"a": 10**5000}])
def test_params_that_cannot_be_encoded_are_refused(params):
    with pytest.raises(ZuoraValueError, match="^params "):
        encode_query(params)


@pytest.mark.parametrize("headers", [None, {}, {"X-More": "a b"}])
def test_further_headers_are_sent_unchanged(headers):
    assert check_headers(headers) == (headers or {})


@pytest.mark.parametrize(
    "headers",
    ["X: y", [("X", "y")], {5: "y"}, {"": "y"}, {"X Y": "z"}, {"X": 5}, {"X": "a\r\nY: z"}, {"X": " a"}]
    + [{name: "x"} for name in ("authorization", "Zuora-Entity-Ids", "HOST", "Content-Length", "Cookie")],
)
def test_headers_that_cannot_be_sent_or_are_set_by_the_client_are_refused(headers):
    with pytest.raises(ZuoraValueError, match="^headers must "):
        check_headers(headers)

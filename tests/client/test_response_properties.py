"""No answer causes an exception of another package, or is taken for a success that it does not state."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.client.response import parse_response
from airflow_zuora.exceptions import ZuoraError

NAMES = ["success", "Success", "reasons", "errors", "Errors", "error", "code", "Code", "FaultCode", "message"]
NAMES += ["Message", "requestId", "errorMessage"]
WORDS = st.sampled_from(NAMES)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, inner, max_size=4)
    ),
    max_leaves=9,
)
OBJECTS = st.dictionaries(WORDS | st.text(max_size=5), JSON | st.sampled_from([70, "50000050"]), max_size=5)
HEADER_NAMES = ["Retry-After", "RateLimit-Reset", "Date", "Content-Type", "Location", "Zuora-Request-Id"]
HEADERS = st.dictionaries(st.sampled_from(HEADER_NAMES), st.text(max_size=30), max_size=6)
STATUSES = st.integers(100, 600) | st.just(200)


def parse(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """Return the value of an answer; None if it is an error of this package."""
    try:
        payload = parse_response("GET /x", status, headers, body)
    except ZuoraError as caught:
        error = caught
    else:
        assert isinstance(payload, dict)
        assert 200 <= status < 300
        return payload
    assert error.retry_after is None or error.retry_after > 0
    assert str(error).startswith("GET /x answered")
    return None


@given(STATUSES, HEADERS, st.binary(max_size=50))
def test_any_bytes_are_a_value_or_an_error_of_this_package(status, headers, body):
    parse(status, headers, body)


@given(STATUSES, HEADERS, JSON | OBJECTS)
def test_any_json_is_a_value_or_an_error_of_this_package(status, headers, value):
    payload = parse(status, headers, json.dumps(value).encode())
    stated = [] if payload is None else [payload[name] for name in ("success", "Success") if name in payload]
    assert all(one is True for one in stated)

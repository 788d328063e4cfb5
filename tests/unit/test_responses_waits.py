"""How long Zuora asks to wait; and that no answer whatsoever brings another exception or a false success."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraError, ZuoraRateLimitError, ZuoraServerError
from airflow_zuora.responses import parse_response

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
NAMES = ["Retry-After", "RateLimit-Reset", "RateLimit-Remaining", "X-RateLimit-Remaining-minute", "Date"]


def asked_wait(status: int, headers: dict[str, str], body: bytes = b"") -> float | None:
    with pytest.raises(ZuoraError) as raised:
        parse_response("GET /x", status, headers, body)
    return raised.value.retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("0", None),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("soon", None),
        ("120, 60", None),
        ("1e3", None),
        ("0x10", None),
        ("١٢", None),
        ("nan", None),
        ("inf", None),
        ("9" * 300, float("9" * 300)),
        ("9" * 301, None),
        ("9" * 5000, None),
        ("Mon, 01 Jan 2024 00:02:00 GMT", 120.0),
        ("Mon, 01 Jan 2024 01:02:00 +0100", 120.0),
        ("Sun, 31 Dec 2023 23:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:02:00 -0000", None),  # without a time zone it cannot be compared
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("Mon, 99 Jan 2024 00:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("status", [409, 429, 503])
def test_retry_after_is_read_as_seconds_or_as_a_date(text, seconds, status):
    assert asked_wait(status, {"Retry-After": text, "Date": DATE}) == seconds


@pytest.mark.parametrize("date", [None, "", "x", "Mon, 99 Jan 2024 00:00:00 GMT"])
def test_a_date_to_wait_for_says_nothing_without_the_servers_own(date):
    headers = {"Retry-After": "Mon, 01 Jan 2024 00:02:00 GMT"} | ({} if date is None else {"Date": date})
    assert asked_wait(503, headers) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, 45.0),
        ({"RateLimit-Reset": "45"}, 45.0),
        ({"RateLimit-Remaining": "399", "RateLimit-Reset": "1200"}, None),
        ({"RateLimit-Remaining": "399", "RateLimit-Reset": "1200", "Retry-After": "120"}, 120.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "45", "Retry-After": "7"}, 45.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "7", "Retry-After": "45"}, 45.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "soon"}, None),
        ({"RateLimit-Limit": "2250000, 50000;w=60", "RateLimit-Reset": "45"}, 45.0),
        ({"X-RateLimit-Remaining-minute": "0"}, 60.0),
        ({"X-RateLimit-Remaining-minute": "5"}, None),
        ({"X-RateLimit-Remaining-minute": "0", "Retry-After": "90"}, 90.0),
        ({}, None),
    ],
)
def test_a_rate_limit_asks_for_the_longest_of_its_waits(headers, seconds):
    assert asked_wait(429, headers) == seconds
    assert asked_wait(200, headers, b'{"reasons": [{"code": 70}]}') == seconds


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_the_end_of_the_window_matters_to_rate_limits_only(status):
    assert asked_wait(status, {"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}) is None


def test_the_wait_stands_in_the_text():
    with pytest.raises(ZuoraRateLimitError, match="Zuora asks to wait 600 seconds"):
        parse_response("GET /x", 429, {"Retry-After": "600"}, b"")
    with pytest.raises(ZuoraServerError) as raised:
        parse_response("GET /x", 503, {}, b"")
    assert "asks to wait" not in str(raised.value)


WORDS = st.sampled_from(
    ["success", "Success", "reasons", "errors", "Errors", "error", "code", "Code", "FaultCode", "message"]
    + ["Message", "requestId", "errorMessage"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, inner, max_size=4)
    ),
    max_leaves=9,
)
OBJECTS = st.dictionaries(WORDS | st.text(max_size=5), JSON | st.sampled_from([70, "50000050"]), max_size=5)
VALUES = st.text(max_size=30) | st.from_regex(r"[0-9]{1,9}(\.[0-9]+)?", fullmatch=True) | st.datetimes().map(
    lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT")
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from([*NAMES, "Content-Type", "Location", "Zuora-Request-Id"]), VALUES, max_size=6
)


def check(status: int, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
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


@given(st.integers(100, 600) | st.just(200), HEADERS, st.binary(max_size=50))
@example(200, {"Retry-After": "Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Date": DATE}, b"")
def test_any_bytes_are_a_value_or_an_error_of_this_package(status, headers, body):
    check(status, headers, body)


@given(st.integers(100, 600) | st.just(200), HEADERS, JSON | OBJECTS)
def test_any_json_is_a_value_or_an_error_of_this_package(status, headers, value):
    payload = check(status, headers, json.dumps(value).encode())
    if payload is not None:
        assert [payload[name] for name in ("success", "Success") if name in payload] in (
            [],
            [True],
            [True, True],
        )

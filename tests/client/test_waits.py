"""How long an answer asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.client.waits import MAX_WAIT, asked_wait
from tests.helpers.patience import PATIENCE

DATE = "Mon, 01 Jan 2024 00:00:00 GMT"
NAMES = ["Retry-After", "RateLimit-Reset", "RateLimit-Remaining", "X-RateLimit-Remaining-minute", "Date"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 120 ", 120.0),
        ("1.5", 1.5),
        ("40, 40", 40.0),  # two headers of the same name, as a proxy joins them
        ("7, 120, soon", 120.0),
        ("9" * 400, MAX_WAIT),
        ("0", None),
        ("", None),
        ("-5", None),
        ("+5", None),
        ("soon", None),
        ("1e3", None),
        ("0x10", None),
        ("١٢", None),
        ("nan", None),
        ("inf", None),
        ("Mon, 01 Jan 2024 00:02:00 GMT", 120.0),
        ("Mon, 01 Jan 2024 01:02:00 +0100", 120.0),
        ("Sun, 31 Dec 2023 23:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:02:00 -0000", 120.0),
        ("Mon, 01 Jan 2024 00:02:00 GMT, Mon, 01 Jan 2024 00:01:00 GMT", 120.0),
        ("Fri, 01 Jan 9999 00:00:00 GMT", MAX_WAIT),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
        ("Mon, 99 Jan 2024 00:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("rate_limited", [True, False])
def test_retry_after_is_a_number_of_seconds_or_a_date(text, seconds, rate_limited):
    assert asked_wait({"Retry-After": text, "Date": DATE}, rate_limited=rate_limited) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, 45.0),
        ({"RateLimit-Reset": "45"}, 45.0),
        ({"RateLimit-Reset": "45;w=60"}, 45.0),
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
    assert asked_wait(headers, rate_limited=True) == seconds


@pytest.mark.parametrize("date", [None, "", "soon", "Mon, 99 Jan 2024 00:00:00 GMT"])
def test_a_date_is_compared_with_the_own_clock_where_the_answer_has_no_date(date):
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    headers = {"Retry-After": in_an_hour} | ({} if date is None else {"Date": date})
    assert 3600 - PATIENCE < (asked_wait(headers, rate_limited=False) or 0) <= 3600


def test_the_end_of_the_window_matters_to_rate_limits_only():
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": "45", "X-RateLimit-Remaining-minute": "0"}
    assert asked_wait(headers, rate_limited=False) is None


VALUES = st.text(max_size=30) | st.from_regex(r"[0-9]{1,9}(\.[0-9]+)?", fullmatch=True)
VALUES |= st.datetimes().map(lambda at: at.strftime("%a, %d %b %Y %H:%M:%S GMT"))


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), st.booleans())
def test_any_headers_ask_for_a_positive_wait_or_for_none(headers, rate_limited):
    wait = asked_wait(headers, rate_limited=rate_limited)
    assert wait is None or 0 < wait <= MAX_WAIT

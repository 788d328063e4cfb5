"""How long an answer's headers ask to wait before the next request. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_WAIT = 86400.0  # seconds; nobody waits longer than a day
_NUMBER = re.compile(r"\s*([0-9]+(\.[0-9]*)?)\s*(;.*)?", re.DOTALL)
_VALUE = re.compile(r"[^,]*[A-Za-z],[^,]*|[^,]+")  # the name of the day in a date ends with a comma


def asked_wait(headers: Mapping[str, str], *, rate_limited: bool) -> float | None:
    """
    Return how many seconds Zuora asks to wait: the longest wait that its headers name, at most a day.

    ``RateLimit-Reset`` comes with every answer and counts only where the limit is used up.

    :param headers: Response headers; names in any case. A header that came several times is one text, with
        commas between the values.
    :param rate_limited: Whether the answer reports an exceeded limit.
    :return: Seconds; ``None`` where no header asks for a wait.
    """
    waits = [*_numbers(headers.get("Retry-After")), *_until(headers.get("Retry-After"), headers.get("Date"))]
    if rate_limited and min(_numbers(headers.get("RateLimit-Remaining")), default=0.0) == 0:
        waits += _numbers(headers.get("RateLimit-Reset"))
        if 0 in _numbers(headers.get("X-RateLimit-Remaining-minute")):
            waits.append(60.0)  # the token endpoint names no time, but counts by the minute
    longest = max(waits, default=0.0)
    return min(longest, MAX_WAIT) if longest > 0 else None


def in_words(seconds: float | None) -> str:
    """Say at the end of an error how long Zuora asks to wait; nothing where it does not."""
    return f" Zuora asks to wait {seconds:.0f} seconds." if seconds else ""


def _numbers(text: str | None) -> list[float]:
    """Parse the values of a header that are non-negative numbers, whatever parameters they have."""
    found = (_NUMBER.fullmatch(value) for value in (text or "").split(","))
    return [float(number[1]) for number in found if number]


def _until(text: str | None, date: str | None) -> list[float]:
    """Return the seconds from the answer's ``Date``, or else from now, to each HTTP date in a text."""
    now = min(_dates(date), default=datetime.now(UTC))
    return [(until - now).total_seconds() for until in _dates(text)]


def _dates(text: str | None) -> list[datetime]:
    dates = []
    for value in _VALUE.findall(text or ""):
        try:
            date = parsedate_to_datetime(value)
            dates.append(date if date.tzinfo else date.replace(tzinfo=UTC))
        except (TypeError, ValueError, OverflowError):
            continue
    return dates

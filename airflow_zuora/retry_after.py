"""How long Zuora asks to wait, by the headers of an answer. No I/O."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def asked_wait(headers: Mapping[str, str], *, rate_limited: bool) -> float | None:
    """
    Read how many seconds Zuora asks to wait, from whichever of its headers asks for most.

    ``RateLimit-Reset`` comes with every answer and counts only where the limit is used up.

    :param headers: response headers, looked up without regard to case.
    :param rate_limited: whether the answer is the refusal of a limit.
    :return: seconds, ``None`` where no header asks for any.
    """
    waits = [_seconds(headers.get("Retry-After")), _until(headers.get("Retry-After"), headers.get("Date"))]
    if rate_limited and (_seconds(headers.get("RateLimit-Remaining")) or 0) == 0:
        waits.append(_seconds(headers.get("RateLimit-Reset")))
        if _seconds(headers.get("X-RateLimit-Remaining-minute")) == 0:
            waits.append(60.0)  # the token endpoint names no time, but counts by the minute
    return max((wait for wait in waits if wait), default=None)


def _seconds(text: str | None) -> float | None:
    """A whole number that is not negative; anything else says nothing."""
    return float(text.strip()) if text and re.fullmatch(r"\s*[0-9]{1,300}(\.[0-9]*)?\s*", text) else None


def _until(text: str | None, date: str | None) -> float | None:
    """Seconds from the answer's own ``Date`` to an HTTP date."""
    try:
        wait = parsedate_to_datetime(text or "")
        return max((wait - parsedate_to_datetime(date or "")).total_seconds(), 0.0)
    except (TypeError, ValueError, OverflowError):
        return None

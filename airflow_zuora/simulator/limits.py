"""How many requests a minute, and how many at a time."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_zuora.simulator.errors import RateLimitError, too_many_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_zuora.simulator.settings import Settings

_MINUTE = 60
_HOUR_AND_DAY = "2250000;w=3600, 27000000;w=86400"


class Limits:
    """
    Counts requests per minute and requests in progress.

    Used by the server's event loop only, so it needs no lock.

    :param clock: the time in Unix seconds.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._minute = 0
        self._calls: Counter[str] = Counter()
        self._in_progress: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget the calls of this minute; what is in progress stays so."""
        self._calls.clear()

    def token_call(self, address: str) -> tuple[bool, dict[str, str]]:
        """Count a token request of a client address; say whether it may pass, and the headers to answer."""
        limit = self._settings.token_calls_per_minute
        used = self._count(f"token {address}")
        remaining = max(0, limit - used)
        headers = {"X-RateLimit-Limit-minute": str(limit), "X-RateLimit-Remaining-minute": str(remaining)}
        return used <= limit, headers

    def api_call(self) -> None:
        """Count an API request; too many is a ZuoraError of category 70."""
        if self._count("api") > self._settings.requests_per_minute:
            raise RateLimitError(self._seconds_left())

    @contextmanager
    def in_progress(self, entity_id: str | None) -> Iterator[None]:
        """Count a request as in progress for its entity as long as the block runs."""
        key = entity_id or ""
        self._in_progress[key] += 1
        try:
            yield
        finally:
            self._in_progress[key] -= 1

    def check_concurrency(self, entity_id: str) -> None:
        """Refuse the request if its entity has too many in progress, this one included."""
        if self._in_progress[entity_id] > self._settings.concurrency:
            raise too_many_at_once()

    def headers(self, entity_id: str | None) -> dict[str, str]:
        """Write the headers of every answer below ``/v1``; ``RateLimit-Limit`` is a list, not a number."""
        minute, concurrent = self._settings.requests_per_minute, self._settings.concurrency
        free = max(0, concurrent - self._in_progress[entity_id or ""])
        return {
            "RateLimit-Limit": f"2250000, {minute};w=60, {_HOUR_AND_DAY}",
            "RateLimit-Remaining": str(max(0, minute - self._calls["api"])),
            "RateLimit-Reset": str(self._seconds_left()),
            "Concurrency-Limit-Type": "Default",
            "Concurrency-Limit-Limit": str(concurrent),
            "Concurrency-Limit-Remaining": str(free),
        }

    def _count(self, key: str) -> int:
        minute = int(self._clock() // _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._calls.clear()
        self._calls[key] += 1
        return self._calls[key]

    def _seconds_left(self) -> int:
        return max(1, _MINUTE - int(self._clock() % _MINUTE))

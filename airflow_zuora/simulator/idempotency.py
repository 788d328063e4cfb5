"""Results of POST requests, kept by their ``Idempotency-Key``."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_zuora.simulator.errors import Category, ZuoraError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from airflow_zuora.simulator.answers import Answer

_MAX_KEY = 255
_KEPT = 24 * 3600
"""Seconds that Zuora keeps a result."""


@dataclass(frozen=True, slots=True)
class _Stored:
    request: tuple[str, ...]
    answer: Answer
    expires_at: float


class StoredResults:
    """
    The first result of each key, success or failure, for 24 hours.

    Source: https://developer.zuora.com/docs/guides/idempotent-requests/

    Used by the server's event loop only, so it needs no lock.

    :param clock: the time in Unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stored: dict[str, _Stored] = {}
        self._owners: dict[str, object] = {}

    def clear(self) -> None:
        """Forget all results."""
        self._stored.clear()

    @contextmanager
    def in_progress(self, key: str | None, owner: object) -> Iterator[None]:
        """
        Hold a key from the arrival of its first request until that one is answered.

        A request is slow on its way in (a delay, a queue), not in the handler: so the key counts from there.
        """
        first = key is not None and self._owners.setdefault(key, owner) is owner
        try:
            yield
        finally:
            if first and key is not None:
                del self._owners[key]

    async def once(
        self,
        key: str | None,
        request: tuple[str, ...],
        owner: object,
        handle: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """
        Handle a request, or give the stored result of its key.

        :param request: what must be the same for the same key: client, method and URL.
        :raises ZuoraError: 409 if the key's first request is in progress, 422 if it was used for another.
        """
        if key is None:
            return await handle()
        if not 0 < len(key) <= _MAX_KEY:
            raise ZuoraError(Category.INVALID_VALUE, f"Idempotency-Key must have 1 to {_MAX_KEY} characters.")
        stored = self._stored.get(key)
        if stored and stored.expires_at > self._clock():
            if stored.request != request:
                raise ZuoraError(
                    Category.INVALID_VALUE, "The Idempotency-Key was used for another request.", status=422
                )
            return stored.answer
        if self._owners.get(key, owner) is not owner:
            raise ZuoraError(Category.LOCK, "A request with this Idempotency-Key is in progress.", status=409)
        answer = await handle()
        self._stored[key] = _Stored(request, answer, self._clock() + _KEPT)
        return answer

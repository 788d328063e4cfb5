"""Which requests a watcher has announced, kept in Airflow's asset state store where there is one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import tenacity

if TYPE_CHECKING:
    from airflow_zuora.models import EntityConnection
    from airflow_zuora.triggers.reader import Snapshot

KEY = "announced"  # in the store
TRIES = 3  # to reach the store; then it is tried again after the next read
PAUSE = 1.0  # seconds between two tries

log = logging.getLogger(__name__)


class Announced:
    """
    The ids of the requests that were announced.

    :param store: Airflow's asset state store; ``None`` before Airflow 3.3.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._ids: set[str] = set()
        self._stored: set[str] | None = None  # what the store holds, as far as that is known
        self._missing: set[str] = set()  # were announced, and were not on the list of the latest read

    async def load(self) -> bool:
        """Read the store, if it was not read yet; return whether that is done."""
        if self._store is not None and self._stored is None:
            try:
                stored = await self._reach(self._store.aget, KEY, [])
            except Exception as error:
                if type(error) is ValueError:
                    # Airflow runs one trigger for equal watchers of several assets, but each has its store.
                    log.warning(
                        "Several assets share this watcher, so Airflow cannot store which requests were "
                        "announced; after a restart, all Pending requests are announced again."
                    )
                    self._store = None
                else:
                    log.warning("Nothing is announced until Airflow's asset state store answers: %s", error)
                    return False
            else:
                known = stored if isinstance(stored, list) else []
                self._stored = {id_ for id_ in known if isinstance(id_, str)}
                self._ids = set(self._stored)
        return True

    def new(self, snapshot: Snapshot) -> list[EntityConnection]:
        """Return the requests that were not announced yet."""
        return [one for id_, one in snapshot.requests.items() if id_ not in self._ids]

    async def update(self, snapshot: Snapshot) -> None:
        """
        Remember that all requests of a snapshot were announced, and forget those that are gone.

        An id is forgotten when it is missing for the second time in a row: the first time, the list may have
        changed between two of its pages.
        """
        gone, self._missing = self._missing, self._ids - snapshot.ids
        self._ids = {*snapshot.requests, *(self._missing - gone)}
        if self._store is None or self._ids == self._stored:
            return
        try:
            await self._reach(self._store.aset, KEY, sorted(self._ids))
        except Exception as error:
            log.warning(
                "Airflow's asset state store does not answer; a restart before the next read would announce "
                "requests again: %s",
                error,
            )
        else:
            self._stored = set(self._ids)

    async def _reach(self, call: Any, *arguments: Any) -> Any:
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(lambda error: type(error) is not ValueError),
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_fixed(PAUSE),
            reraise=True,
        )
        return await retrying(call, *arguments)

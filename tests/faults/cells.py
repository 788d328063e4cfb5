"""One operation under one fault: what it did, and what of that is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace

import tenacity.nap
from airflow.sdk import Connection

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from tests.faults.catalogue import TIMEOUT, Case, Says, catalogue
from tests.faults.operations import LIST, OPERATIONS, Operation


class Mode(StrEnum):
    """Which requests the fault hits."""

    ONCE = "the first time"
    ALWAYS = "every time"
    SINCE = "from then on everything"  # reading the state fails as well
    LOOK = "already when the state is read"


@dataclass(frozen=True)
class Cell:
    """A case, an operation and a mode; and, once it was played, what came of it."""

    case: Case
    operation: Operation
    mode: Mode


@dataclass(frozen=True)
class Played:
    """
    What came of a cell.

    :param error: what the hook raised, ``None`` for success.
    :param requests: all that reached Zuora, in their order.
    :param waits: seconds that the hook waited between attempts.
    :param is_same: whether nothing changed in Zuora.
    :param is_done: whether the wanted change, and nothing else, came about.
    """

    cell: Cell
    error: BaseException | None
    requests: list[RecordedRequest]
    waits: list[float]
    is_same: bool
    is_done: bool

    @property
    def main(self) -> list[RecordedRequest]:
        """The requests that the operation is about."""
        operation = self.cell.operation
        return [one for one in self.requests if (one.method, one.path) == (operation.method, operation.path)]

    @property
    def says(self) -> Says:
        """What the fault tells the client: a token that is refused while it is made is a plain no."""
        says = self.cell.case.says
        return Says.NO if says is Says.NEW_TOKEN and self.cell.operation.name == "token" else says


def cells() -> Iterator[Cell]:
    """Give every cell of the matrix."""
    for case in catalogue():
        for operation in OPERATIONS:
            if case.only and operation.name not in case.only:
                continue
            for mode in _modes(case, operation):
                yield Cell(case, operation, mode)


def _modes(case: Case, operation: Operation) -> tuple[Mode, ...]:
    if case.connection:
        return (Mode.ALWAYS,)
    if not operation.is_change:
        return (Mode.ONCE,) if case.is_single else (Mode.ONCE, Mode.ALWAYS)
    # A look has no effect that a fault could follow.
    return (Mode.ONCE, Mode.ALWAYS, Mode.SINCE) + (() if case.worked else (Mode.LOOK,))


class Player:
    """
    Plays cells on a Zuora of its own.

    :param ports: of the servers that are no Zuora, by the name that a case has for them.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._simulator = ZuoraSimulator().start()

    def close(self) -> None:
        """End its Zuora."""
        self._simulator.stop()

    def play(self, cell: Cell) -> Played:
        """Do the operation while the fault is at work."""
        simulator, operation = self._simulator, cell.operation
        simulator.reset()
        simulator.settings.update(operation.settings)
        hook = self._hook(cell.case)
        if not cell.case.connection:
            self._let_fail(cell, hook)
        before, error = self._state(), None
        with noted_waits() as waits:
            try:
                operation.call(hook)
            except BaseException as raised:
                error = raised
        simulator.clear_faults()
        hook.close()
        after = self._state()
        is_done = operation.is_change and operation.is_done(before, after)
        return Played(cell, error, simulator.requests(), waits, before == after, is_done)

    def _hook(self, case: Case) -> ZuoraHook:
        fields = dict(case.connection)
        if port := self._ports.get(fields.get("port", "")):
            fields["port"] = port
        hook = ZuoraHook(timeout=TIMEOUT if case.is_late else None)
        hook.mask = _forget  # Airflow grows slower with each secret that it masks
        text = self._simulator.connection_json(**fields)
        hook.use_connection(Connection.from_json(text, conn_id="zuora_default"))
        hook.auth.reject()  # the token of the cell before
        return hook

    def _let_fail(self, cell: Cell, hook: ZuoraHook) -> None:
        operation = cell.operation
        if operation.name != "token":
            hook.auth.token()
        method, path, times = operation.method, operation.path, None
        if cell.mode is Mode.ONCE:
            times = 1
        elif cell.mode is Mode.LOOK:
            method, path = "GET", LIST
        self._simulator.fault(**cell.case.fault, method=method, path=path, times=times)
        if cell.mode is Mode.SINCE:
            self._simulator.fault(**cell.case.fault, method="GET", path=LIST, times=None, skip=1)

    def _state(self) -> dict[tuple[str, str], str]:
        rows = self._simulator.store.connections.all()
        return {(row.source_entity_id, row.target_entity_id): str(row.status) for row in rows}


def _forget(secret: str) -> None:
    pass


_waits = threading.local()


def _note(seconds: float) -> None:
    _waits.seconds.append(seconds)


def let_waits_pass() -> None:
    """Wait between attempts no more in this process, but note how long it would have been."""
    tenacity.nap.time = SimpleNamespace(sleep=_note)


@contextmanager
def noted_waits() -> Iterator[list[float]]:
    """Collect the waits of this thread."""
    _waits.seconds = []
    yield _waits.seconds

"""One cell of the fault matrix: a case, an operation, and which requests are hit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_zuora.simulator.journal import RecordedRequest
from tests.faults.cases import Case, Says
from tests.faults.catalogue import catalogue
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.wire import WireRequest


class Mode(StrEnum):
    """Which requests are hit."""

    ONCE = "the first time"
    ALWAYS = "every time"
    SINCE = "from then on with every request"  # reading the state fails as well
    READ = "when the state is read before the change"
    TOKEN = "when the token is requested"
    IDLE = "while the connection is idle"


@dataclass(frozen=True)
class Cell:
    """A case, an operation and a mode."""

    case: Case
    operation: Operation
    mode: Mode


@dataclass(frozen=True)
class Played:
    """
    What came of a cell.

    :param result: What the hook returned; ``None`` after an error.
    :param error: What the hook raised; ``None`` after a success.
    :param requests: All requests that arrived, in their order.
    :param waits: Seconds that the hook waited between attempts.
    :param seconds: How long the call took, without these waits.
    :param is_same: Whether nothing changed in Zuora.
    :param is_done: Whether the wanted change, and nothing else, came about.
    :param next_answer: What the next call on the same hook returned or raised.
    :param shown_secrets: The secrets that the error shows.
    """

    cell: Cell
    result: Any
    error: BaseException | None
    requests: list[RecordedRequest | WireRequest]
    waits: list[float]
    seconds: float
    is_same: bool
    is_done: bool
    next_answer: str
    shown_secrets: list[str]

    @property
    def main(self) -> list[RecordedRequest | WireRequest]:
        """The requests that the operation is about."""
        operation = self.cell.operation
        return [one for one in self.requests if (one.method, one.path) == (operation.method, operation.path)]

    @property
    def hits(self) -> list[RecordedRequest | WireRequest]:
        """The requests that the fault hit."""
        return [one for one in self.requests if one.fault]

    @property
    def says(self) -> Says:
        """What the fault tells the client. A token that is refused while it is requested is a plain no."""
        says = self.cell.case.says
        return Says.NO if says is Says.NEW_TOKEN and self.cell.operation.name == "token" else says


def _modes(case: Case, operation: Operation) -> tuple[Mode, ...]:
    if case.connection:
        return (Mode.ALWAYS,)
    if case.idle:
        return (Mode.IDLE,)
    if case.only_token and operation.name != "token":
        return (Mode.TOKEN,)
    if case.is_single:
        return (Mode.ONCE,)
    also_token = (Mode.TOKEN,) if case.wire and operation.name != "token" else ()
    if not operation.is_change:
        return (Mode.ONCE, Mode.ALWAYS, *also_token)
    if case.wire and case.is_late:  # each costs seconds; a list that is late is a column of its own
        return (Mode.ONCE, Mode.ALWAYS, *also_token)
    before = () if case.worked else (Mode.READ,)  # a read has no effect that a fault could follow
    return (Mode.ONCE, Mode.ALWAYS, Mode.SINCE, *before, *also_token)


def _cells() -> Iterator[Cell]:
    for case in catalogue():
        for operation in OPERATIONS:
            if case.only and operation.name not in case.only:
                continue
            for mode in _modes(case, operation):
                yield Cell(case, operation, mode)


CELLS = tuple(_cells())

"""Which requests of a cell are hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.faults.cells import Cell, Mode
from tests.faults.operations import LIST, TOKEN
from tests.faults.wire import WireFault, WireRequest


@dataclass
class Hit:
    """
    The requests that a fault hits.

    :param times: How many; ``None`` for all.
    :param skip: How many to let through before.
    """

    method: str
    path: str
    times: int | None = None
    skip: int = 0

    def takes(self, request: WireRequest) -> bool:
        """Whether the fault hits this request."""
        if (request.method, request.path) != (self.method, self.path) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    @property
    def fields(self) -> dict[str, Any]:
        """The same as fields of a fault of the simulator."""
        return vars(self)


@dataclass
class WireFaults:
    """Decides for a :class:`WireServer` what happens to a request."""

    fault: WireFault | None
    name: str
    hits: list[Hit] = field(default_factory=list)

    def __call__(self, request: WireRequest) -> WireFault | None:
        if self.fault is None or not any(hit.takes(request) for hit in self.hits):
            return None
        request.fault = self.name
        return self.fault


def hits_of(cell: Cell) -> list[Hit]:
    """Return the requests that are hit."""
    operation = cell.operation
    match cell.mode:
        case Mode.ONCE:
            return [Hit(operation.method, operation.path, times=1)]
        case Mode.READ:
            return [Hit("GET", LIST)]
        case Mode.TOKEN:
            return [Hit("POST", TOKEN)]
        case Mode.SINCE:
            return [Hit(operation.method, operation.path), Hit("GET", LIST, skip=1)]
        case _:
            return [Hit(operation.method, operation.path), Hit("CONNECT", "zuora.invalid:443")]

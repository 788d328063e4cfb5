"""What a case of the fault matrix is: something that goes wrong, and what a client may conclude from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from airflow_zuora.exceptions import ZuoraError
from tests.faults.wire import WireFault, WireServer

CHANGES = ("initiate", "accept", "deny", "deny, removed", "disconnect")
TIMEOUT = 1  # seconds; the shortest that a hook allows
DAY = 86400.0  # seconds; the longest wait that the client reports
PROXY_PASSWORD = "7f3a9c0be18d4452"


class Says(Enum):
    """What an answer tells the client."""

    YES = auto()  # done, only late or in an odd way
    LATER = auto()  # nothing was done, the same request can be sent again
    NEW_TOKEN = auto()  # nothing was done, the token is refused
    NO = auto()  # nothing was done, and the same request cannot succeed
    NOTHING = auto()  # it is unknown whether anything was done


@dataclass(frozen=True)
class Case:
    """
    Something that goes wrong. One of ``fault``, ``wire``, ``idle`` and ``connection`` says what.

    :param name: Name in the table.
    :param says: What the client may conclude from it.
    :param fault: Fields of a fault of the simulator.
    :param wire: What happens below HTTP.
    :param idle: What happens to the connection between two requests.
    :param connection: Other fields of the Airflow connection, for a Zuora that is not reached.
    :param environment: Environment variables; ``{proxy}`` in one becomes the port of a proxy.
    :param worked: Whether a change takes effect nevertheless.
    :param asked: Seconds that Zuora asks to wait.
    :param only: The operations that it can happen to; empty for all.
    :param only_token: Whether it can happen to a request for a token only.
    :param pages: How many pages of the list the client reads before it can tell.
    :param is_late: Whether the client's time is up before the answer is there.
    :param is_single: Whether it can happen to one request only.
    :param raises: The class of the error that a client must raise.
    :param words: What its text must contain.
    """

    name: str
    says: Says
    fault: dict[str, Any] = field(default_factory=dict)
    wire: WireFault | None = None
    idle: Callable[[WireServer], None] | None = None
    connection: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    worked: bool = False
    asked: float = 0.0
    only: tuple[str, ...] = ()
    only_token: bool = False
    pages: int = 1
    is_late: bool = False
    is_single: bool = False
    raises: type[ZuoraError] = ZuoraError
    words: str = ""

    @property
    def needs_wire(self) -> bool:
        """Whether the client talks to a :class:`WireServer` instead of the simulator."""
        return self.wire is not None or self.idle is not None

"""Faults that people and tests inject: which requests they hit, and what happens then."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from airflow_zuora.simulator import named_faults
from airflow_zuora.simulator.locking import locked

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDS = ("drop", "half_body", "stall")
_EFFECTS = (*_ENDS, "status", "body", "headers", "delay", "slow_body", "damage_gzip", "named")


@dataclass(slots=True)
class Fault:
    """
    What shall go wrong.

    ``status``, ``body`` or ``named`` answer in place of the real handler; the other effects shape the real
    answer, or that one. Wrong arguments are a ValueError.

    :param named: a fault from :mod:`airflow_zuora.simulator.named_faults`, such as ``lock`` or ``throttle``.
    :param parameters: for the named fault, such as ``{"retry_after": 1}``.
    :param method: hit only this method.
    :param path: hit only paths that match this glob; default: all of ``/v1``, or the token endpoint for
        ``token_throttle``.
    :param times: how many requests to hit; ``None`` for all.
    :param skip: how many matching requests to let through first.
    :param status: HTTP status to answer; with a named fault, in place of its own.
    :param body: what to answer: a dict or list as JSON, or a text.
    :param headers: headers to add to the answer.
    :param content_type: type of the body, if not JSON or HTML.
    :param after_effect: let the real handler do its work first, then replace or drop its answer.
    :param drop: reset the TCP connection without an answer.
    :param half_body: send the head and half the body, then close the connection.
    :param stall: send the head and half the body, then nothing until the client leaves.
    :param delay: seconds before the answer; before the effect too, unless ``after_effect``.
    :param slow_body: seconds between the parts of the body, ten in all.
    :param damage_gzip: claim a gzip body that cannot be unpacked.
    """

    named: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    path: str = ""
    times: int | None = 1
    skip: int = 0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    after_effect: bool = False
    drop: bool = False
    half_body: bool = False
    stall: bool = False
    delay: float = 0
    slow_body: float = 0
    damage_gzip: bool = False

    def __post_init__(self) -> None:
        if self.body is None and not any(getattr(self, name) for name in _EFFECTS):
            raise ValueError(f"A fault needs something to happen: one of {', '.join(sorted(_EFFECTS))}")
        if self.named is not None:
            named_faults.check(self.named, self.parameters)
        if sum(getattr(self, name) for name in _ENDS) > 1:
            raise ValueError(f"Choose one of {', '.join(_ENDS)}")
        if min(self.delay, self.slow_body, self.skip) < 0 or (self.times is not None and self.times < 1):
            raise ValueError("delay, slow_body and skip cannot be negative, and times starts at 1")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status must be from 200 to 599, not {self.status}")
        self.path = self.path or ("/oauth/token" if self.named == "token_throttle" else "/v1/*")

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Fault:
        """Make a fault from the body of ``POST /_simulator/faults``."""
        names = {known.name for known in fields(cls)}
        if unknown := sorted(set(values) - names):
            raise ValueError(f"Unknown {', '.join(unknown)}; a fault has {', '.join(sorted(names))}")
        return TypeAdapter(cls).validate_python(values)  # its error is a ValueError that names the field

    @property
    def label(self) -> str:
        """How the journal calls it."""
        done = [name for name in (*_ENDS, "damage_gzip", "slow_body", "delay") if getattr(self, name)]
        main = self.named or (f"status {self.status}" if self.status else "")
        return " ".join(filter(None, (main, *done))) or "answer replaced"

    @property
    def replaces(self) -> bool:
        """Whether it brings its own answer."""
        return self.status is not None or self.body is not None

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


class Faults:
    """The faults that wait for a request."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._faults: list[Fault] = []

    @locked
    def add(self, fault: Fault) -> Fault:
        """Let a fault wait; earlier ones come first."""
        self._faults.append(fault)
        return fault

    @locked
    def clear(self) -> None:
        """Take all faults away."""
        self._faults.clear()

    @locked
    def waiting(self) -> list[Fault]:
        """Give the faults that still wait."""
        return list(self._faults)

    @locked
    def take(self, method: str, path: str) -> Fault | None:
        """Give the fault for a request; each hit uses up one of its times."""
        for fault in self._faults:
            if (fault.method or method).upper() != method or not fnmatchcase(path, fault.path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            self._use(fault)
            return fault
        return None

    def _use(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)

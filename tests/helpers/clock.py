"""A clock for tests."""

from __future__ import annotations

from collections.abc import Callable


class Clock:
    """
    Stands in for the module ``time``: it stands still until somebody sleeps or a test moves it.

    :ivar now: What it shows, in seconds.
    :ivar waits: How long each sleep was asked to last.
    :ivar meanwhile: What happens during each sleep.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] | None = None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        if self.meanwhile is not None:
            self.meanwhile()

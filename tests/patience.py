"""What keeps tests right on a slow, busy machine: they wait for what must come, and own their ports."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

PATIENCE = 60.0  # seconds for what takes milliseconds where there is nothing else to do


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so; fail if it never comes to that."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"Waited {PATIENCE:.0f} seconds in vain")
        time.sleep(0.005)


def own_port() -> int:
    """Find a free port that nobody else is given by chance: the kernel's choices begin at 32768."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("There is no free port")

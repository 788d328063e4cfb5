"""Waits and ports that keep tests reliable on a slow, busy machine."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

PATIENCE = 60.0  # seconds for what takes milliseconds on an idle machine


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; fail the test if it does not in time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"The condition did not hold within {PATIENCE:.0f} seconds")
        time.sleep(0.005)


def own_port() -> int:
    """Find a free port that the kernel gives to nobody: its choices begin at 32768."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    pytest.fail("There is no free port")

"""A program and all that it starts, found again when it has to end."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Program:
    """
    Runs in a session of its own; a process that leaves its group or loses its parent is still in the session.

    :param command: the program and its arguments.
    :param folder: working directory.
    :param environment: its environment variables.
    :param log: file that its output is added to.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path
    ) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def has_ended(self) -> bool:
        """Whether the program itself has ended; what it started may still be there."""
        return self._process.poll() is not None

    def wait(self, timeout: float) -> None:
        """Wait until the program itself has ended."""
        self._process.wait(timeout)

    def members(self) -> list[Any]:
        """List the living processes of the session."""
        return [
            process
            for process in psutil.process_iter(["status"])
            if _session(process.pid) == self._process.pid and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def terminate(self) -> None:
        """Ask all to end."""
        for member in self.members():
            with suppress(psutil.NoSuchProcess):
                member.terminate()

    def kill(self) -> None:
        """End all for certain."""
        while members := self.members():
            for member in members:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
        self._process.wait()


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None

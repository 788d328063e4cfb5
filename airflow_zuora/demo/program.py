"""A program that can be ended with all processes that it started."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]  # has no types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Program:
    """
    Run a program in a separate session, so that all processes that it starts can be found by the session.

    A process stays in the session when it leaves its process group or when its parent ends.

    :param command: The program and its arguments.
    :param folder: Working directory.
    :param environment: Environment variables.
    :param log: File to which the output is appended.
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
        """Whether the program itself has ended; processes that it started may still run."""
        return self._process.poll() is not None

    def wait(self, timeout: float) -> int | None:
        """
        Wait until the program itself has ended.

        :param timeout: Seconds.
        :return: Its exit status; ``None`` if it has not ended in time.
        """
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        return self._process.returncode

    def members(self) -> list[Any]:
        """List the running processes of the session."""
        return [
            process
            for process in psutil.process_iter(["status"])
            if _session(process.pid) == self._process.pid and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def terminate(self) -> None:
        """Ask all processes of the session to end."""
        for member in self.members():
            with suppress(psutil.NoSuchProcess):
                member.terminate()

    def kill(self) -> None:
        """Kill all processes of the session."""
        while members := self.members():
            for member in members:
                with suppress(psutil.NoSuchProcess):
                    member.kill()
        self._process.wait()


def _session(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None

"""
Ends all that the demo has started when the demo is gone, in whichever way it ended.

It runs as a process of its own, which Ctrl-C and a closed terminal do not reach, and waits until the demo
closes its end of a pipe; the operating system does that too when the demo is killed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # has no types

MODULE = "airflow_zuora.demo.guardian"
PREFIX = "airflow_zuora_demo_"  # of the demo's folder in the temporary folder
POLITE = 5.0  # seconds that a process has to end by itself


class Guardian:
    """
    Makes a folder for the demo, and sees to it that neither the folder nor a process of it outlives the demo.

    The processes are found by ``AIRFLOW_HOME`` and their working directory, which are this folder.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def finish(self) -> None:
        """End everything now; when this returns, nothing is left."""
        self._process.communicate()
        if self.folder.exists():  # the guardian was killed
            clean_up(self.folder)


def clean_up(folder: Path) -> None:
    """End the processes of the demo in a folder, politely at first, and remove the folder."""
    ends_at = time.monotonic() + POLITE
    for process in _processes_of(folder):
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    while processes := _processes_of(folder):
        if time.monotonic() > ends_at:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def clean_up_after_others() -> None:
    """Clean up after demos that were killed together with their guardians."""
    guarded = {argument for line in _command_lines() if MODULE in line for argument in line}
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if str(folder) not in guarded:
            clean_up(folder)


def _processes_of(folder: Path) -> list[Any]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it is gone, or somebody else's
            # The API server writes its title over its environment, but stays in the folder.
            is_ours = process.environ().get("AIRFLOW_HOME") == str(folder) or process.cwd() == str(folder)
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _command_lines() -> list[list[str]]:
    lines = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            lines.append(process.cmdline())
    return lines


if __name__ == "__main__":
    sys.stdin.read()  # until the demo is gone
    clean_up(Path(sys.argv[1]))

"""A program ends with everything that it started."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from airflow_zuora.demo.program import Program

SLEEP = "import time; time.sleep(600)"
LEAVE = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], process_group=0)
"""
HANDLES_SIGTERM = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("bye")))
print("up", flush=True)
{SLEEP}
"""


def start(source: str, folder: Path) -> Program:
    return Program([sys.executable, "-c", source], folder, os.environ, folder / "log")


@pytest.mark.parametrize(
    "source", [SLEEP, LEAVE], ids=["itself", "a process that left its group and its parent"]
)
def test_killing_a_program_ends_all_its_processes(tmp_path: Path, source: str) -> None:
    program = start(source, tmp_path)
    if source is LEAVE:  # like a task of Airflow 3.3 whose supervisor has ended
        program.wait(60)
        assert program.has_ended
    assert program.members()
    program.kill()
    assert program.has_ended
    assert not program.members()


def test_a_program_may_handle_its_termination(tmp_path: Path) -> None:
    program = start(HANDLES_SIGTERM, tmp_path)
    while "up" not in (tmp_path / "log").read_text():
        time.sleep(0.01)
    program.terminate()
    program.wait(60)
    assert (tmp_path / "log").read_text() == "up\nbye\n"

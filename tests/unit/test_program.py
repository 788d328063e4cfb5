"""A program that has to end leaves nothing behind."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from airflow_zuora.program import Program

SLEEP = "import time; time.sleep(600)"
LEAVE = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {SLEEP!r}], process_group=0)
"""
POLITE = f"""
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
def test_killing_a_program_ends_all_of_it(tmp_path: Path, source: str) -> None:
    program = start(source, tmp_path)
    if source is LEAVE:  # as a task of Airflow 3.3 whose supervisor has ended
        program.wait(60)
        assert program.has_ended
    assert program.members()
    program.kill()
    assert program.has_ended
    assert not program.members()


def test_a_program_may_end_politely(tmp_path: Path) -> None:
    program = start(POLITE, tmp_path)
    while "up" not in (tmp_path / "log").read_text():
        time.sleep(0.01)
    program.terminate()
    program.wait(60)
    assert (tmp_path / "log").read_text() == "up\nbye\n"

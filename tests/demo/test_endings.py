"""However the demo ends, nothing of it stays: no process, no port, no folder."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from airflow_zuora.demo.guardian import PREFIX, Guardian
from tests.helpers.patience import PATIENCE, own_port, wait_for

pytestmark = pytest.mark.xdist_group("demo endings")  # one at a time: each starts parts of Airflow
DEMO = (sys.executable, "-m", "airflow_zuora.demo")


@pytest.fixture
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the demo make its folder where it can be found."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def demo(temporary_folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the demo, and wait until it has started a part of Airflow."""
    with subprocess.Popen(
        [*DEMO, "--auto"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as demo:
        try:
            wait_for(lambda: processes_of(temporary_folder))
            yield demo
        finally:
            demo.kill()
    wait_for(lambda: not processes_of(temporary_folder))


def processes_of(temporary_folder: Path) -> list[int]:
    """Return the processes whose environment, working directory or command names a folder of the demo."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_running = process.status() != psutil.STATUS_ZOMBIE
            words = [process.environ().get("AIRFLOW_HOME", ""), process.cwd(), *process.cmdline()]
            if is_running and any(word.startswith(f"{temporary_folder}/{PREFIX}") for word in words):
                found.append(process.pid)
    return found


def is_clean(temporary_folder: Path) -> bool:
    return not processes_of(temporary_folder) and not list(temporary_folder.glob(f"{PREFIX}*"))


@pytest.mark.parametrize(
    "signals",
    [
        [signal.SIGINT],
        [signal.SIGINT, signal.SIGINT, signal.SIGINT],
        [signal.SIGTERM],
        [signal.SIGHUP],
        [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
    ],
    ids=lambda signals: " ".join(number.name for number in signals),
)
def test_a_demo_that_is_ended_cleans_up_before_it_exits(
    demo: subprocess.Popen[str], temporary_folder: Path, signals: list[signal.Signals]
) -> None:
    for number in signals:
        demo.send_signal(number)
        time.sleep(0.4)  # as fast as a person is
    output, _ = demo.communicate()
    assert demo.returncode == 1, output
    assert "before its result was checked" in output
    assert is_clean(temporary_folder)
    assert "nothing is left behind" in output


@pytest.mark.parametrize("ending", ["the terminal is closed", "Ctrl-C three times"])
def test_a_demo_that_runs_ends_with_everything_that_it_started(temporary_folder: Path, ending: str) -> None:
    zuora_port = own_port()
    with socket.create_server(("127.0.0.1", zuora_port)):
        airflow_port = own_port()
    terminal, slave = pty.openpty()
    with open(slave, "r+b", buffering=0) as inside:
        demo = subprocess.Popen(
            [*DEMO, "--zuora-port", str(zuora_port), "--airflow-port", str(airflow_port)],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
    screen = b""
    while b"Ctrl-C ends the demo" not in screen:
        screen += os.read(terminal, 10_000)
    if ending == "Ctrl-C three times":
        for _ in range(3):
            os.write(terminal, b"\x03")
            time.sleep(0.4)  # as fast as a person is
    os.close(terminal)
    assert demo.wait(PATIENCE) == 0
    assert is_clean(temporary_folder)
    for port in (zuora_port, airflow_port):
        socket.create_server(("127.0.0.1", port)).close()


def test_a_demo_that_is_killed_is_cleaned_up_after(
    demo: subprocess.Popen[str], temporary_folder: Path
) -> None:
    demo.kill()
    demo.wait()
    wait_for(lambda: is_clean(temporary_folder))


def test_a_demo_ends_with_the_process_that_started_it(temporary_folder: Path) -> None:
    starter = subprocess.Popen(
        ["/bin/sh", "-c", f"{sys.executable} -m airflow_zuora.demo --auto; true"],
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_for(lambda: processes_of(temporary_folder))
    starter.kill()
    starter.wait()
    wait_for(lambda: is_clean(temporary_folder))


def test_the_next_start_cleans_up_after_a_demo_that_was_killed_with_its_guardian(
    temporary_folder: Path,
) -> None:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={**os.environ, "AIRFLOW_HOME": str(folder)},
    )
    wait_for(lambda: processes_of(temporary_folder))
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that the next one ends at once
        subprocess.run([*DEMO, "--zuora-port", str(taken.getsockname()[1])], check=False)
    left.wait()
    assert is_clean(temporary_folder)


def test_a_demo_whose_guardian_was_killed_cleans_up_itself(temporary_folder: Path) -> None:
    guardian = Guardian()
    for process in psutil.Process().children():
        if str(guardian.folder) in process.cmdline():
            process.kill()
    guardian.finish()
    assert is_clean(temporary_folder)


@pytest.mark.parametrize("option", ["--zuora-port", "--airflow-port"])
def test_a_port_that_is_taken_is_said_at_once_in_one_line(option: str) -> None:
    other = "--airflow-port" if option == "--zuora-port" else "--zuora-port"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*DEMO, option, str(port), other, str(own_port())], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(port) in done.stderr
    assert option in done.stderr


def test_one_port_for_both_servers_is_refused_at_once_in_one_line() -> None:
    port = str(own_port())
    done = subprocess.run(
        [*DEMO, "--zuora-port", port, "--airflow-port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "--zuora-port" in done.stderr


@pytest.mark.parametrize("port", ["0", "99999", "-1", "x"])
def test_a_number_that_is_no_port_is_refused(port: str) -> None:
    done = subprocess.run([*DEMO, f"--zuora-port={port}"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "--zuora-port" in done.stderr

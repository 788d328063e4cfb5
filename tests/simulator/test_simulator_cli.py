"""``python -m airflow_zuora.simulator``, as a person runs it."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_zuora.simulator.__main__ import main
from tests.helpers.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-W", "error", "-m", "airflow_zuora.simulator"]


class _Process(subprocess.Popen[str]):
    ready_line = ""


@contextmanager
def running(*arguments: str) -> Iterator[tuple[_Process, dict[str, Any]]]:
    """Run the command until it is ready; give the process and the connection of the ready line."""
    process = _Process([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        line = process.ready_line = process.stdout.readline().strip()
        try:
            export, assignment = shlex.split(line)
            name, _, value = assignment.partition("=")
            assert (export, name) == ("export", "AIRFLOW_CONN_ZUORA_DEFAULT")
            yield process, json.loads(value)
        finally:
            process.kill()


def test_the_ready_line_is_a_connection_that_works_until_ctrl_c() -> None:
    with running("--port", "0", "--pending", "7") as (process, connection):
        base = f"{connection['host']}:{connection['port']}"
        form = {
            "client_id": connection["login"],
            "client_secret": connection["password"],
            "grant_type": "client_credentials",
        }
        token = requests.post(f"{base}/oauth/token", data=form, timeout=PATIENCE).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Zuora-Entity-Ids": connection["extra"]["entity_id"]}
        answer = requests.get(f"{base}/v1/entity-connections?type=inbound", headers=headers, timeout=PATIENCE)
        assert sum(row["status"] == "Pending" for row in answer.json()["entityConnections"]) == 10

        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert process.stderr is not None
        *others, last = process.stderr.read().splitlines()  # some versions of Airflow log at import
        assert last == f"The status page is at {base}/ - Ctrl-C stops it"
        assert "Traceback" not in "".join(others)
    script = f'{process.ready_line}\nprintf %s "$AIRFLOW_CONN_ZUORA_DEFAULT"'
    output = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert json.loads(output) == connection, "a shell takes the line as it is"


def test_a_taken_port_is_one_clear_line_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"Cannot listen on port {port}: Address already in use")
    assert "--port" in errors
    assert errors.count("\n") == 1


WRONG = "--port x|--port 65536|--port 99999|--pending -1|--pending 1.5|--roll-out 502|--host http://x|--what"


@pytest.mark.parametrize("arguments", WRONG.split("|"))
def test_a_wrong_argument_is_one_clear_line_and_2(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments.split())
    assert ended.value.code == 2
    errors = capsys.readouterr().err
    assert all(word in errors for word in arguments.split())
    assert errors.count("\n") == 1


def test_it_answers_to_a_further_name() -> None:
    with running("--port", "0", "--host", "zuora.test") as (_, connection):
        url = f"{connection['host']}:{connection['port']}/_simulator/state"
        names = ("zuora.test", "other.test")
        answers = [requests.get(url, headers={"Host": name}, timeout=PATIENCE) for name in names]
    assert [answer.status_code for answer in answers] == [200, 421]

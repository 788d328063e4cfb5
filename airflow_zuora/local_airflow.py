"""A real Airflow in one folder, on loopback: for the demo and for tests. Not for production."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sqlite3
import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

import requests

from airflow_zuora.airflow_api import AirflowApi
from airflow_zuora.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

START_TIMEOUT = 180.0  # seconds; a first start also makes the database
STOP_TIMEOUT = 5.0
POLL = 1.0


class LocalAirflow(AirflowApi):
    """
    Runs all parts of Airflow, with SQLite and LocalExecutor.

    Everybody in ``users`` is an administrator whose password is their name.

    :param folder: everything is written below it.
    :param dags: folder of the DAG files.
    :param port: port of the UI and the API; 0 takes a free one.
    :param users: names of the users.
    :param settings: more ``AIRFLOW__...`` variables.
    """

    def __init__(
        self,
        folder: Path,
        dags: Path,
        *,
        port: int = 0,
        users: Iterable[str] = ("ann",),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port or _free_port()
        super().__init__(f"http://127.0.0.1:{self.port}", users)
        self.folder = folder
        self.log = folder / "airflow.log"
        self._passwords = folder / "passwords.json"
        self._database = folder.absolute() / "airflow.db"
        tasks_port = _free_port()
        self._tasks_url = f"http://127.0.0.1:{tasks_port}"
        # The log servers of scheduler and triggerer are not needed where all share one disk.
        self._commands = {
            "scheduler": ("scheduler", "--skip-serve-logs"),
            "dag-processor": ("dag-processor",),
            "triggerer": ("triggerer", "--skip-serve-logs"),
            "api-server": ("api-server",),
            # Tasks get an API server of their own. With SQLite the one that serves people may wait for a lock
            # on its event loop, and the task that holds the lock would wait for the same loop.
            "tasks": ("api-server", "--apps", "execution", "--port", str(tasks_port)),
        }
        self._settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags), **(settings or {})}
        self._parts: dict[str, Program] = {}
        self._jwt_secret = secrets.token_hex(32)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of all parts of this Airflow, free of the caller's own Airflow settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": self._jwt_secret,
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self._tasks_url}/execution/",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:admin" for user in self.users),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}?timeout=20",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            # Seconds after which a triggerer that fell silent has lost its triggers to another one.
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
            **self._settings,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """
        Start all parts and wait until they are healthy.

        :raises RuntimeError: with the last lines of the log if one ends or it takes too long.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Write-ahead logging lets the parts of Airflow read while one of them writes; it stays with the file.
        with closing(sqlite3.connect(self._database)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        self._passwords.write_text(json.dumps({user: user for user in self.users}))
        try:
            self._parts["migration"] = self._airflow("db", "migrate")
            self._parts["migration"].wait(START_TIMEOUT)
            del self._parts["migration"]
            for part in self._commands:
                self.revive(part)
            self.wait_for("Airflow to start", self._is_healthy, timeout=START_TIMEOUT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything that was started here: politely, and then for certain."""
        end = time.monotonic() + STOP_TIMEOUT
        for program in self._parts.values():
            program.terminate()
        while any(program.members() for program in self._parts.values()) and time.monotonic() < end:
            time.sleep(0.1)
        for name in list(self._parts):
            self.kill(name)

    def kill(self, part: str) -> None:
        """
        End a part and all that it has started at once, as when its machine is lost.

        :param part: ``scheduler`` (with the running tasks), ``triggerer``, ``dag-processor``, ``api-server``,
            or ``tasks``, the API server of the tasks.
        """
        self._parts.pop(part).kill()

    def revive(self, part: str) -> None:
        """Start a part again that was killed; how far it has come is for the caller to find out."""
        self._parts[part] = self._airflow(*self._commands[part])

    def _airflow(self, *command: str) -> Program:
        return Program((sys.executable, "-m", "airflow", *command), self.folder, self.environment, self.log)

    def wait_for(self, what: str, check: Callable[[], Any], *, timeout: float = 120.0) -> Any:
        """
        Ask until ``check`` gives something true, and return that.

        :param what: what is waited for, for the error.
        :param check: is called once a second.
        :param timeout: seconds.
        :raises RuntimeError: when the time is up or a part of Airflow has ended by itself.
        """
        end = time.monotonic() + timeout
        while not (found := check()):
            ended = [name for name, part in self._parts.items() if part.has_ended]
            if ended or time.monotonic() > end:
                tail = self.log.read_text(errors="replace")[-3000:]
                why = f"{ended[0]} has ended" if ended else f"not within {timeout:.0f} seconds"
                raise RuntimeError(f"Waited for {what}: {why}. End of {self.log.name}:\n{tail}")
            time.sleep(POLL)
        return found

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read the file of a DAG."""
        self.wait_for(f"DAG {dag_id}", lambda: self.knows(dag_id))

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, *, user: str | None = None) -> str:
        """Start a DAG run as soon as the DAG is known, and give its run id."""
        self.wait_for_dag(dag_id)
        return super().trigger(dag_id, conf, user=user)

    def pending_approvals(self, dag_id: str = "~", run_id: str = "~") -> list[dict[str, Any]]:
        """
        List the questions that wait for a human, and whose tasks the scheduler has seen park.

        Airflow 3.3 fails a task that is answered in the moment before; no human is that fast.
        """
        found = super().pending_approvals(dag_id, run_id)
        log = self.log.read_text(errors="replace")
        return [detail for detail in found if _parked(detail["task_instance"]) in log]

    def _is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            health = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
            parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if all(health[part]["status"] == "healthy" for part in parts):
                return requests.get(f"{self._tasks_url}/execution/health", timeout=5).ok
        return False


def _parked(ti: Mapping[str, Any]) -> str:
    """The line of the scheduler's log that tells that a task instance has let go of its process."""
    return (
        f"executor event with state success for task instance TaskInstanceKey(dag_id='{ti['dag_id']}', "
        f"task_id='{ti['task_id']}', run_id='{ti['dag_run_id']}', try_number={ti['try_number']}, "
        f"map_index={ti['map_index']})"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

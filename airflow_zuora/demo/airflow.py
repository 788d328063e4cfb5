"""A real Airflow in one folder, on the loopback address: for the demo and for tests, not for production."""

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

from airflow_zuora.demo.airflow_api import AirflowApi
from airflow_zuora.demo.program import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

START_TIMEOUT = 180.0  # seconds; a first start also creates the database
STOP_TIMEOUT = 5.0  # seconds until what has not ended by itself is killed
POLL_INTERVAL = 1.0  # seconds


class LocalAirflow(AirflowApi):
    """
    Run all components of Airflow, with SQLite and LocalExecutor.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    :param folder: Folder that Airflow writes to, and to no other.
    :param dags: Folder of the DAG files.
    :param port: Port of the UI and the REST API; 0, the default, takes a free one.
    :param users: The users, default ``("ann",)``: ``name`` is an administrator, ``name:role`` has another
        role of Airflow's simple auth manager. The password of each is the name.
    :param settings: Further settings, as ``AIRFLOW__...`` variables.
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
        self._roles = {name: role or "admin" for name, _, role in (user.partition(":") for user in users)}
        super().__init__(f"http://127.0.0.1:{self.port}", self._roles)
        self.folder = folder
        self.log = folder / "airflow.log"
        self._passwords = folder / "passwords.json"
        self._database = folder.absolute() / "airflow.db"
        tasks_port = _free_port()
        self._tasks_url = f"http://127.0.0.1:{tasks_port}"
        # All components share one disk, so nobody needs the log servers of scheduler and triggerer.
        self._commands = {
            "scheduler": ("scheduler", "--skip-serve-logs"),
            "dag-processor": ("dag-processor",),
            "triggerer": ("triggerer", "--skip-serve-logs"),
            "api-server": ("api-server",),
            # Tasks have a separate API server. With SQLite, the one that serves people may block its event
            # loop to wait for a lock, and the task that holds the lock would wait for the same event loop.
            "tasks": ("api-server", "--apps", "execution", "--port", str(tasks_port)),
        }
        self._settings = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags), **(settings or {})}
        self._programs: dict[str, Program] = {}
        self._jwt_secret = secrets.token_hex(32)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of all components, without Airflow settings of the calling process."""
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
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(map(":".join, self._roles.items())),
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}?timeout=20",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
            # Seconds after which the triggers of a silent triggerer are given to another one.
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
        Start all components and wait until they are healthy.

        :raises RuntimeError: If a component ends, or they are not healthy in time; with the end of the log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # With write-ahead logging, components can read while another one writes. The file keeps the setting.
        with closing(sqlite3.connect(self._database)) as database:
            database.execute("PRAGMA journal_mode=WAL")
        self._passwords.write_text(json.dumps({user: user for user in self.users}))
        try:
            self._programs["migration"] = migration = self._airflow("db", "migrate")
            if migration.wait(START_TIMEOUT) != 0:
                raise RuntimeError(f"Airflow's database could not be made. {self._end_of_log()}")
            del self._programs["migration"]
            for component in self._commands:
                self.revive(component)
            self.wait_for("Airflow to start", self._is_healthy, timeout=START_TIMEOUT)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Terminate all components, and kill what has not ended after 5 seconds."""
        end = time.monotonic() + STOP_TIMEOUT
        for program in self._programs.values():
            program.terminate()
        while any(program.members() for program in self._programs.values()) and time.monotonic() < end:
            time.sleep(0.1)
        for name in list(self._programs):
            self.kill(name)

    def kill(self, component: str) -> None:
        """
        Kill a component and everything that it started, as if its machine were lost.

        :param component: ``scheduler`` (with the running tasks), ``triggerer``, ``dag-processor``,
            ``api-server``, or ``tasks``, the API server of the tasks.
        """
        self._programs.pop(component).kill()

    def revive(self, component: str) -> None:
        """
        Start a component again that was killed, without waiting until it is healthy.

        :param component: As for :meth:`kill`.
        """
        self._programs[component] = self._airflow(*self._commands[component])

    def _airflow(self, *command: str) -> Program:
        return Program((sys.executable, "-m", "airflow", *command), self.folder, self.environment, self.log)

    def wait_for(self, what: str, check: Callable[[], Any], *, timeout: float = 120.0) -> Any:
        """
        Call ``check`` once a second until it returns a true value, and return that value.

        :param what: What is waited for, for the error.
        :param check: The function to call.
        :param timeout: Seconds to wait, default 120.
        :raises RuntimeError: If the time is up, or a component has ended by itself; with the end of the log.
        """
        end = time.monotonic() + timeout
        while not (found := check()):
            ended = [name for name, program in self._programs.items() if program.has_ended]
            if ended or time.monotonic() > end:
                why = f"{ended[0]} has ended" if ended else f"{timeout:.0f} seconds are over"
                raise RuntimeError(f"Waited for {what}, but {why}. {self._end_of_log()}")
            time.sleep(POLL_INTERVAL)
        return found

    def _end_of_log(self) -> str:
        return f"End of {self.log.name}:\n{self.log.read_text(errors='replace')[-3000:]}"

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has parsed the file of a DAG."""
        self.wait_for(f"DAG {dag_id}", lambda: self.knows(dag_id))

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, *, user: str | None = None) -> str:
        """Wait for the DAG, start a run of it as :meth:`AirflowApi.trigger` does, and return the run id."""
        self.wait_for_dag(dag_id)
        return super().trigger(dag_id, conf, user=user)

    def pending_approvals(self, dag_id: str = "~", run_id: str = "~") -> list[dict[str, Any]]:
        """
        List the open questions whose tasks have left their process.

        Airflow 3.3 fails a task that is answered before that. No human is that fast, but a program is.
        """
        found = super().pending_approvals(dag_id, run_id)
        log = self.log.read_text(errors="replace") if found else ""
        return [detail for detail in found if _parked_line(detail["task_instance"]) in log]

    def _is_healthy(self) -> bool:
        with suppress(requests.RequestException):
            health = requests.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
            components = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if all(health[component]["status"] == "healthy" for component in components):
                return requests.get(f"{self._tasks_url}/execution/health", timeout=5).ok
        return False


def _parked_line(ti: Mapping[str, Any]) -> str:
    """Return the line of the scheduler's log that says that a task instance has left its process."""
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

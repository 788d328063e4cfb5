"""A DAG run, as people see and change it through Airflow's REST API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.demo.airflow_api import FINISHED

PATIENCE = 600  # seconds, on a slow, busy machine
WAITING = ("awaiting_input", "deferred")  # for an answer, the latter before Airflow 3.3
Instance = Mapping[str, Any]  # a task instance, as the REST API shows it


def trigger(airflow: LocalAirflow, dag_id: str, *, user: str = "bob", **conf: Any) -> Run:
    """Start a DAG run with the values of its Params."""
    return Run(airflow, dag_id, airflow.trigger(dag_id, conf, user=user))


@dataclass(frozen=True)
class Run:
    """
    A DAG run.

    Tasks are named without their task groups.
    """

    airflow: LocalAirflow
    dag_id: str
    run_id: str

    def __str__(self) -> str:
        return f"{self.dag_id} {self.run_id}"

    @property
    def path(self) -> str:
        return f"/api/v2/dags/{self.dag_id}/dagRuns/{self.run_id}"

    # What it shows

    def instances(self, task: str) -> list[Instance]:
        """List the instances of a task in the order of the map index."""
        found = self.airflow.task_instances(self.dag_id, self.run_id)
        ours = [ti for ti in found if ti["task_id"].split(".")[-1] == task]
        return sorted(ours, key=lambda ti: int(ti["map_index"]))

    def instance(self, task: str, map_index: int = -1) -> Instance:
        return next(ti for ti in self.instances(task) if ti["map_index"] == map_index)

    def states(self, task: str = "accept") -> list[str]:
        """List the states of a task's instances in the order of the map index."""
        return [str(ti["state"]) for ti in self.instances(task)]

    def wait(self) -> str:
        """Wait until the run has ended, and return its state."""
        return str(self.airflow.wait_for(f"the end of {self}", self._end, timeout=PATIENCE))

    def wait_for(self, task: str, *states: str, map_index: int | None = None) -> None:
        """Wait until a task is in one of some states: one of its instances, or all."""

        def there() -> bool:
            found = {ti["state"] for ti in self.instances(task) if map_index in (ti["map_index"], None)}
            return bool(found) and found <= set(states)

        self.airflow.wait_for(f"{task} of {self} to be {states}", there, timeout=PATIENCE)

    def log(self, task: str = "accept") -> str:
        """Return the logs of a task, of all instances and tries."""
        folder = self.airflow.folder / "logs" / f"dag_id={self.dag_id}" / f"run_id={self.run_id}"
        paths = {*folder.glob(f"task_id={task}/**/*.log"), *folder.glob(f"task_id=*.{task}/**/*.log")}
        return "".join(path.read_text() for path in sorted(paths))

    def result(self, task: str = "accept", map_index: int = -1) -> Any:
        """Return what a task has returned."""
        return self._result(self.instance(task, map_index))

    # What people do

    def question(self, about: str = "", task: str = "") -> dict[str, Any]:
        """Wait for an open question, the one about a connection or the one of a task."""

        def found() -> dict[str, Any] | None:
            for question in self.airflow.pending_approvals(self.dag_id, self.run_id):
                shown, ti = f"{question['subject']} {question['body']}", question["task_instance"]
                if about in shown and ti["task_id"].endswith(task) and ti["state"] in WAITING:
                    return question
            if self._end():
                pytest.fail(f"{self} has ended without a question about {about or 'anything'}")
            return None

        question: dict[str, Any] = self.airflow.wait_for(f"a question of {self}", found, timeout=PATIENCE)
        return question

    def answer(
        self, option: str, about: str = "", *, task: str = "", user: str = "ann", reason: str | None = None
    ) -> None:
        """Wait for a question, and answer it."""
        fields = {"reason": reason} if reason else {}
        self.airflow.answer(self.question(about, task), option, user=user, fields=fields)

    def clear(self, *tasks: str) -> None:
        """Clear some tasks and no others, as in the UI without "Downstream"."""
        ids = sorted({ti["task_id"] for task in tasks for ti in self.instances(task)})
        body = {
            "dry_run": False,
            "dag_run_id": self.run_id,
            "task_ids": ids,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self.airflow.call("POST", f"/api/v2/dags/{self.dag_id}/clearTaskInstances", json=body)

    def mark(self, instance: Instance, state: str, user: str = "bob") -> None:
        """Mark a task instance by hand as ``success`` or ``failed``."""
        suffix = f"/{instance['map_index']}" if instance["map_index"] >= 0 else ""
        path = f"{self.path}/taskInstances/{instance['task_id']}{suffix}"
        self.airflow.call("PATCH", path, json={"new_state": state}, user=user)

    def write_result(self, instance: Instance, value: Any, user: str = "bob") -> None:
        """Write the XCom that holds what a task instance has returned."""
        path = f"{self.path}/taskInstances/{instance['task_id']}/xcomEntries"
        body = {"value": value, "map_index": instance["map_index"]}
        try:
            self.airflow.call("POST", path, json={**body, "key": "return_value"}, user=user)
        except requests.HTTPError as error:
            if error.response.status_code != requests.codes.conflict:
                raise
            self.airflow.call("PATCH", f"{path}/return_value", json=body, user=user)

    def _end(self) -> str | None:
        state = self.airflow.run_state(self.dag_id, self.run_id)
        return state if state in FINISHED else None

    def _result(self, instance: Instance) -> Any:
        path = f"{self.path}/taskInstances/{instance['task_id']}/xcomEntries/return_value"
        options = {"deserialize": "true", "map_index": instance["map_index"]}
        return self.airflow.call("GET", path, params=options)["value"]

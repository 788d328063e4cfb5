"""Changes that are killed at a moment that is known exactly."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import psutil

from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.scenarios import Scenario, Stage

BEFORE = "before the effect"
BETWEEN = "between effect and answer"
AFTER = "after the answer"
LIMIT = 600  # seconds, on a slow machine
STATUSES = {
    "accept": ("Pending", "Connected"),
    "disconnect": ("Connected", "Disconnected"),
    "initiate": (None, "Pending"),
}


@dataclass
class Crash(Scenario):
    """
    A run whose change is killed at its first try.

    :param id_: the connection; for ``initiate`` the entity that is asked.
    :param moment: when it is killed.
    :param with_supervisor: whether Airflow's process that looks after the task is killed with it.
    """

    id_: str = ""
    moment: str = ""
    with_supervisor: bool = False
    is_killed: bool = False

    @property
    def path(self) -> str:
        return "/v1/entity-connections" + ("" if self.dag_id == "initiate" else f"/{self.id_}/{self.dag_id}")

    def start(self, stage: Stage) -> None:
        """Trigger the run; its first request waits until the process is killed, or the task kills itself."""
        is_initiate = self.dag_id == "initiate"
        if self.moment != AFTER:
            stage.zuora.fault(
                method="POST" if is_initiate else "PUT",
                path=self.path,
                delay=LIMIT,
                after_effect=self.moment == BETWEEN,
                skip=int(is_initiate and self.moment == BETWEEN),  # the second POST of the run before it
            )
        self.run_id = stage.airflow.trigger(self.dag_id, {"id": self.id_, "dies": self.moment == AFTER})

    def instances(self, stage: Stage) -> list[dict[str, Any]]:
        """Give the task instances that make the change."""
        found = stage.airflow.task_instances(self.dag_id, self.run_id)
        return [ti for ti in found if ti["task_id"] == "change"]

    def sent(self, stage: Stage) -> list[RecordedRequest]:
        """Give the requests that were to make the change."""
        if self.dag_id != "initiate":
            return stage.zuora.requests("PUT", self.path)
        posts = stage.zuora.requests("POST", self.path)
        return [post for post in posts if post.body == {"targetEntityId": self.id_}]

    def status(self, stage: Stage) -> str | None:
        """Give the status in Zuora, ``None`` where there is no such connection yet."""
        asked = (DEFAULT_ENTITY_ID, self.id_)
        for one in stage.zuora.store.connections.all():
            if one.id == self.id_ or (one.source_entity_id, one.target_entity_id) == asked:
                return str(one.status)
        return None

    def kill(self, stage: Stage) -> None:
        """Kill the process if it is at the moment for it."""
        before, after = STATUSES[self.dag_id]
        hangs = any(request.fault for request in self.sent(stage))
        awaited = before if self.moment == BEFORE else after
        if self.is_killed or not hangs or self.status(stage) != awaited:
            return
        (pid,) = [ti["pid"] for ti in self.instances(stage)]
        if self.with_supervisor:
            psutil.Process(pid).parent().kill()
        os.kill(pid, signal.SIGKILL)
        self.is_killed = True

"""Changes that are killed at a moment that is known exactly."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import psutil

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.runs import PATIENCE, Instance, Run

BEFORE = "before the effect"
BETWEEN = "between effect and answer"
AFTER = "after the answer"
STATUSES = {
    "accept": ("Pending", "Connected"),
    "disconnect": ("Connected", "Disconnected"),
    "initiate": (None, "Pending"),
}


@dataclass
class Crash:
    """
    A change that is killed at its first try.

    :param run: Its run; the DAG is named after the change.
    :param id_: Id of the connection; for ``initiate`` of the target entity.
    :param moment: When it is killed.
    :param with_supervisor: Whether Airflow's supervisor process of the task is killed with it.
    """

    zuora: ZuoraSimulator
    run: Run
    id_: str
    moment: str
    with_supervisor: bool
    is_killed: bool = False

    @property
    def instance(self) -> Instance:
        return self.run.instance("change")

    @property
    def sent(self) -> list[RecordedRequest]:
        """The requests for the change."""
        path = path_of(self.run.dag_id, self.id_)
        if self.run.dag_id != "initiate":
            return self.zuora.requests("PUT", path)
        posts = self.zuora.requests("POST", path)
        return [post for post in posts if post.body == {"targetEntityId": self.id_}]

    @property
    def status(self) -> str | None:
        """The status in Zuora; ``None`` if the connection does not exist yet."""
        asked = (DEFAULT_ENTITY_ID, self.id_)
        for one in self.zuora.store.connections.all():
            if one.id == self.id_ or (one.source_entity_id, one.target_entity_id) == asked:
                return str(one.status)
        return None

    def kill(self) -> None:
        """Kill the process if the moment has come."""
        before, after = STATUSES[self.run.dag_id]
        hangs = any(request.fault for request in self.sent)
        awaited = before if self.moment == BEFORE else after
        if self.is_killed or not hangs or self.status != awaited:
            return
        pid = self.instance["pid"]
        if self.with_supervisor:
            psutil.Process(pid).parent().kill()
        os.kill(pid, signal.SIGKILL)
        self.is_killed = True


def hang(zuora: ZuoraSimulator, verb: str, id_: str, moment: str) -> None:
    """Let the request for a change wait until its process is killed."""
    is_initiate = verb == "initiate"
    zuora.fault(
        method="POST" if is_initiate else "PUT",
        path=path_of(verb, id_),
        delay=PATIENCE,
        after_effect=moment == BETWEEN,
        skip=int(is_initiate and moment == BETWEEN),  # the second POST of the run before it
    )


def path_of(verb: str, id_: str) -> str:
    return "/v1/entity-connections" + ("" if verb == "initiate" else f"/{id_}/{verb}")

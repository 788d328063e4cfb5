"""Runs many DAG runs side by side, answers their approvals, and keeps what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_zuora.airflow_api import FINISHED
from airflow_zuora.local_airflow import LocalAirflow
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID

MARK_SUCCESS = "mark success by hand"


@dataclass
class Scenario:
    """A DAG run and the answers to its approvals, in the order of map index or task."""

    dag_id: str
    answers: tuple[str, ...] | Mapping[str, str]  # a mapping goes by the subject of the question
    connection_ids: list[str] = field(default_factory=list)
    conf: Mapping[str, Any] | None = None
    triggered_by: str = "bob"
    run_id: str = ""
    answered: set[int] = field(default_factory=set)


@dataclass
class Stage:
    """The real Airflow and the simulated Zuora that scenarios run on."""

    airflow: LocalAirflow
    zuora: ZuoraSimulator
    unused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.unused = [
            one.id
            for one in self.zuora.store.connections.all()
            if one.target_entity_id == DEFAULT_ENTITY_ID and one.status is EntityConnectionStatus.PENDING
        ]

    def play(self, scenarios: Iterable[Scenario]) -> None:
        """Start all, answer as the questions come, and wait until all have ended."""
        open_ = {}
        for scenario in scenarios:
            self._start(scenario)
            open_[scenario.run_id] = scenario
        self.wait(open_.values())

    def wait(self, scenarios: Iterable[Scenario]) -> None:
        """Answer what is asked until all runs have ended."""
        open_ = {(one.dag_id, one.run_id): one for one in scenarios}
        self.airflow.wait_for("all runs", lambda: self._step(open_), timeout=900)

    def clear(self, scenario: Scenario, task_id: str) -> None:
        """Clear one task alone, as in the UI without "downstream"."""
        body = {
            "dry_run": False,
            "dag_run_id": scenario.run_id,
            "task_ids": [task_id],
            "only_failed": False,
            "include_downstream": False,
            "reset_dag_runs": True,
        }
        self.airflow.call("POST", f"/api/v2/dags/{scenario.dag_id}/clearTaskInstances", json=body)

    def states(self, scenario: Scenario, task: str = "accept") -> list[str]:
        """Give the states of a task's instances, in the order of the map index."""
        found = self.airflow.task_instances(scenario.dag_id, scenario.run_id)
        ours = [ti for ti in found if ti["task_id"].split(".")[-1] == task]
        return [str(ti["state"]) for ti in sorted(ours, key=lambda ti: int(ti["map_index"]))]

    def result(self, scenario: Scenario, task_id: str = "accept") -> dict[str, Any]:
        """Give what a task returned."""
        path = f"/api/v2/dags/{scenario.dag_id}/dagRuns/{scenario.run_id}/taskInstances/{task_id}"
        entry = self.airflow.call("GET", f"{path}/xcomEntries/return_value", params={"deserialize": "true"})
        result: dict[str, Any] = entry["value"]
        return result

    def logs(self, scenario: Scenario, task_id: str = "accept") -> str:
        """Give the log files of a task, all tries."""
        folder = self.airflow.folder / "logs" / f"dag_id={scenario.dag_id}" / f"run_id={scenario.run_id}"
        return "".join(path.read_text() for path in sorted(folder.glob(f"task_id={task_id}/**/*.log")))

    def statuses(self, scenario: Scenario) -> list[str]:
        """Give the status in Zuora of the scenario's two connections."""
        return [str(self.zuora.store.connections.get(id_).status) for id_ in scenario.connection_ids]

    def _start(self, scenario: Scenario) -> None:
        """Trigger a run: the layouts take two ids, the example one, others what they say."""
        if scenario.connection_ids or scenario.conf is not None:
            conf = {"connection_id": next(iter(scenario.connection_ids), "")}
        else:
            scenario.connection_ids = [self.unused.pop(), self.unused.pop()]
            conf = {"connection_ids": scenario.connection_ids}
        conf = conf if scenario.conf is None else dict(scenario.conf)
        scenario.run_id = self.airflow.trigger(scenario.dag_id, conf, user=scenario.triggered_by)

    def _step(self, open_: dict[tuple[str, str], Scenario]) -> bool:
        for approval in self.airflow.pending_approvals():
            ti = approval["task_instance"]
            scenario = open_.get((ti["dag_id"], ti["dag_run_id"]))
            if scenario is not None:
                self._answer(scenario, approval)
        states = self.airflow.run_states()
        for key in [key for key in open_ if states[key] in FINISHED]:
            del open_[key]
        return not open_

    def _answer(self, scenario: Scenario, approval: dict[str, Any]) -> None:
        ti = approval["task_instance"]
        index = max(int(ti["map_index"]), 0) or int(ti["task_id"].endswith("_second"))
        if index in scenario.answered:
            return
        if isinstance(scenario.answers, Mapping):
            answer = scenario.answers.get(approval["subject"], "Leave pending")
        elif index < len(scenario.answers):
            answer = scenario.answers[index]
        else:
            return
        scenario.answered.add(index)
        if answer != MARK_SUCCESS:
            self.airflow.answer(approval, answer, user="ann")
            return
        path = f"/api/v2/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}"
        suffix = f"/{ti['map_index']}" if ti["map_index"] >= 0 else ""
        self.airflow.call("PATCH", path + suffix, json={"new_state": "success"})

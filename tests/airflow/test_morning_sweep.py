"""The morning sweep over three days in a real Airflow: how no request is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.demo.airflow_api import FINISHED
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, OUTBOUND_ID, UK_ENTITY_ID

DAG = "review_pending_connections"
FILE = Path(__file__).parents[2] / "dags" / f"{DAG}.py"
# The runs are started by the test, and time is up sooner than after 20 hours.
CHANGED = {'"0 7 * * MON-FRI"': "None", "timedelta(hours=20)": "timedelta(seconds=20)"}
SETTINGS = {
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "2",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",  # the file stays as it is
}


class Sweep:
    """The DAG in an Airflow of its own, with people who answer some of its questions."""

    def __init__(self, airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
        self.airflow = airflow
        self.zuora = zuora

    def start(self, day: str) -> str:
        """Start the run of a morning."""
        body = {"logical_date": f"{day}T07:00:00Z", "conf": {}}
        self.airflow.wait_for_dag(DAG)
        run = self.airflow.call("POST", f"/api/v2/dags/{DAG}/dagRuns", json=body)
        return str(run["dag_run_id"])

    def pause(self, paused: bool) -> None:
        """Pause the DAG, or let it go on."""
        self.airflow.call("PATCH", f"/api/v2/dags/{DAG}", json={"is_paused": paused})

    def answer(
        self,
        run_id: str,
        choices: Mapping[str, str],
        before: Callable[[str], object] = lambda subject: None,
    ) -> None:
        """
        Answer the questions of a run as they come up, until each of these is answered.

        :param run_id: The run.
        :param choices: The options to choose, by the headlines.
        :param before: Is called with the headline before a question is answered.
        """
        left = dict(choices)

        def all_are_answered() -> bool:
            for question in self.airflow.pending_approvals(DAG, run_id):
                if choice := left.pop(question["subject"], None):
                    before(question["subject"])
                    self.airflow.answer(question, choice)
            return not left

        self.airflow.wait_for("the questions", all_are_answered, timeout=300)

    def questions(self, run_id: str) -> list[str]:
        """Return the headlines of all questions of a run."""
        found = self.airflow.call("GET", f"/api/v2/dags/{DAG}/dagRuns/{run_id}/hitlDetails")
        return sorted(one["subject"] for one in found["hitl_details"])

    def summary(self, run_id: str) -> dict[str, Any]:
        """Wait until a run has ended well, and return its summary."""
        state = self.airflow.wait_for("the run", lambda: self.ended(run_id), timeout=300)
        assert state == "success"
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/summary/xcomEntries/return_value"
        summary: dict[str, Any] = self.airflow.call("GET", path, params={"deserialize": "true"})["value"]
        return {outcome: sorted(names) for outcome, names in summary.items()}

    def ended(self, run_id: str) -> str | None:
        """Return the state of a run that has ended."""
        state = self.airflow.run_state(DAG, run_id)
        return state if state in FINISHED else None


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Sweep]:
    dags = tmp_path / "dags"
    dags.mkdir()
    text = FILE.read_text()
    for written, here in CHANGED.items():
        assert text.count(written) == 1
        text = text.replace(written, here)
    (dags / FILE.name).write_text(text)
    with ZuoraSimulator() as zuora, LocalAirflow(tmp_path / "home", dags, settings=SETTINGS) as airflow:
        airflow.add_connection("zuora_default", zuora.connection_json(entity_id=None))
        yield Sweep(airflow, zuora)


def test_no_request_is_forgotten_over_three_mornings(sweep: Sweep) -> None:
    zuora = sweep.zuora

    # Monday. One request is accepted in Zuora while its question is open; one question gets no answer.
    def accept_in_zuora(subject: str) -> None:
        if subject == "Connect Acme Germany to Acme France?":
            zuora.store.connections.accept(OUTBOUND_ID, FRANCE_ENTITY_ID)

    monday = sweep.start("2025-11-17")
    sweep.answer(
        monday,
        {
            "Connect Acme US to Acme Germany?": "Approve",
            "Connect Acme Japan to Acme Germany?": "Deny",
            "Connect Acme Corporation to Acme APAC?": "Leave pending",
            "Connect Acme Germany to Acme France?": "Approve",
        },
        accept_in_zuora,
    )
    assert sweep.summary(monday) == {
        "accepted": ["Acme Germany to Acme France", "Acme US to Acme Germany"],
        "denied": ["Acme Japan to Acme Germany"],
        "unchanged": ["Acme Corporation to Acme APAC", "Acme Corporation to Acme Germany"],
    }
    assert len(zuora.requests("PUT")) == 2

    # A request arrives while the DAG is paused.
    sweep.pause(True)
    zuora.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    sweep.pause(False)

    # Tuesday. It asks about the new one, and again about what was left. Wednesday's run waits for its end.
    tuesday, wednesday = sweep.start("2025-11-18"), sweep.start("2025-11-19")
    meanwhile = []
    sweep.answer(
        tuesday,
        {"Connect Acme UK to Acme Germany?": "Approve", "Connect Acme Corporation to Acme APAC?": "Deny"},
        lambda subject: meanwhile.append(sweep.airflow.run_state(DAG, wednesday)),
    )
    assert meanwhile == ["queued", "queued"]
    assert sweep.summary(tuesday) == {
        "accepted": ["Acme UK to Acme Germany"],
        "denied": ["Acme Corporation to Acme APAC"],
        "unchanged": ["Acme Corporation to Acme Germany"],
    }

    # Wednesday. Only what nobody has answered on two mornings is left.
    sweep.answer(wednesday, {"Connect Acme Corporation to Acme Germany?": "Approve"})
    assert sweep.questions(wednesday) == ["Connect Acme Corporation to Acme Germany?"]
    assert sweep.summary(wednesday) == {
        "accepted": ["Acme Corporation to Acme Germany"],
        "denied": [],
        "unchanged": [],
    }

    # Thursday. There is nothing to ask.
    thursday = sweep.start("2025-11-20")
    assert sweep.summary(thursday) == {"accepted": [], "denied": [], "unchanged": []}
    assert sweep.questions(thursday) == []

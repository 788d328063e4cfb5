"""A review as a worker runs it, and the person who answers, without a scheduler."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CreateHITLDetailPayload, HITLDetailRequestResult

from airflow_zuora.operators.hitl import PARKED
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from tests.helpers.tasks import context


class Supervisor:
    """Airflow's supervisor of tasks, as a review sees it: the first question of a task stays."""

    def __init__(self) -> None:
        self.questions: dict[UUID, CreateHITLDetailPayload] = {}

    def send(self, msg: Any) -> HITLDetailRequestResult | None:
        if not isinstance(msg, CreateHITLDetailPayload):
            return None  # a secret to mask
        stored = self.questions.setdefault(msg.ti_id, msg)
        return HITLDetailRequestResult(**stored.model_dump(exclude={"type"}))

    @property
    def subjects(self) -> list[str]:
        """The headlines of the questions, in the order in which they were asked."""
        return [question.subject for question in self.questions.values()]


def supervise(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """Start the supervisor of the tasks that this process runs until the end of the test."""
    # Airflow 3.1 causes this itself, when a worker reads a connection from the environment.
    warnings.filterwarnings("ignore", "Using Connection.from_json from .airflow.models. is deprecated")
    supervisor = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    return supervisor


def answer(option: str = "Approve", *, map_index: int = -1, **arguments: Any) -> dict[str, Any]:
    """
    Run a review, and let Ann answer if it asks.

    :param option: What Ann chooses.
    :param map_index: The map index of the review.
    :param arguments: The arguments of the operator.
    :return: The sealed answer.
    """
    operator = ReviewEntityConnectionOperator(task_id="review", **arguments)
    running = context(task_id="review", map_index=map_index)
    try:
        sealed: dict[str, Any] = operator.execute(running)
    except PARKED as parked:
        event = {
            "chosen_options": [option],
            "params_input": {},
            "responded_at": datetime.now(UTC),
            "responded_by_user": {"id": "1", "name": "ann"},
            "timedout": False,
        }
        # What the worker that takes over knows: a fresh operator, and what was parked.
        fresh = ReviewEntityConnectionOperator(task_id="review", **arguments)
        sealed = fresh.execute_complete(running, event, **parked.kwargs)  # type: ignore[attr-defined]
    return sealed


def run(kind: type[Any], *, map_index: int = -1, **arguments: Any) -> dict[str, Any]:
    """Run a task of a kind of operator, and return its result."""
    operator = kind(task_id="change", **arguments)
    result: dict[str, Any] = operator.execute(context(task_id="change", map_index=map_index))
    return result

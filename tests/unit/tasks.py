"""Tasks as a worker runs them, without a scheduler around them."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator.seed import PENDING_ID

YES = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": datetime(2026, 11, 23, tzinfo=UTC),
    "responded_by_user": {"id": "7", "name": "ann"},
}
NO = {**YES, "chosen_options": ["Reject"]}


def context(**facts: Any) -> Any:
    ti = {"dag_id": "d", "task_id": "accept", "run_id": "manual__1", "map_index": -1, "try_number": 1}
    run = SimpleNamespace(triggering_user_name=facts.pop("triggered_by", "bob"))
    return {"ti": SimpleNamespace(**{**ti, **facts}), "dag_run": run}


def run(operator: Any, **facts: Any) -> dict[str, Any]:
    operator.pre_execute(context(**facts))
    return operator.execute(context(**facts))


def sensor(**arguments: Any) -> EntityConnectionSensor:
    """Make a sensor that waits for the seeded Pending request."""
    ids = {} if "source_entity_id" in arguments else {"connection_id": PENDING_ID}
    return EntityConnectionSensor(
        **{"task_id": "wait", "poke_interval": 0.05, "timeout": 60, **ids, **arguments}
    )

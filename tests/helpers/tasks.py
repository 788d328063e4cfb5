"""Tasks as a worker runs them, without a scheduler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator.seed import PENDING_ID


def context(**facts: Any) -> Any:
    """Return the context of a task; ``ti.xcoms`` is what it has pushed."""
    ti = SimpleNamespace(
        id=uuid4(),
        dag_id="d",
        task_id="accept",
        run_id="manual__1",
        map_index=-1,
        try_number=1,
        xcoms={},
        xcom_push=lambda key, value: ti.xcoms.update({key: value}),
    )
    vars(ti).update(facts)
    return {"ti": ti, "task_instance": ti, "outlet_events": OutletEventAccessors()}


def run(operator: Any, **facts: Any) -> dict[str, Any]:
    result: dict[str, Any] = operator.execute(context(**facts))
    return result


def sensor(**arguments: Any) -> EntityConnectionSensor:
    """Make a sensor that waits for the seeded Pending request."""
    by_entity = {"source_entity", "target_entity"} & arguments.keys()
    ids = {} if by_entity else {"connection_id": PENDING_ID}
    return EntityConnectionSensor(
        **{"task_id": "wait", "poke_interval": 0.05, "timeout": 60, **ids, **arguments}
    )

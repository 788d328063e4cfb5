"""DAGs of one change, whose process can be killed after Zuora's answer and before its result is stored."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Context, Param

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
    InitiateEntityConnectionOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator


def die_once(context: Context, result: Any) -> None:
    if context["params"]["dies"] and context["ti"].try_number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


CHANGE: dict[str, Any] = {
    "task_id": "change",
    "post_execute": die_once,
    "retries": 2,
    "retry_delay": timedelta(seconds=1),
}


def change(verb: str, **settings: Any) -> DAG:
    return DAG(verb, schedule=None, catchup=False, params={"id": "", "dies": Param(False)}, **settings)


with change("accept"):
    review = ReviewEntityConnectionOperator(task_id="review", connection_id="{{ params.id }}")
    AcceptEntityConnectionOperator(**CHANGE, approval=review.output)

with change("disconnect"):
    DisconnectEntityConnectionOperator(**CHANGE, connection_id="{{ params.id }}", confirm=True)

# One after the other, because they all look the same on the wire.
with change("initiate", max_active_runs=1):
    InitiateEntityConnectionOperator(**CHANGE, target_entity_id="{{ params.id }}")

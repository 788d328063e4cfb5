"""Reviews whose process is killed at their first try, before and after Airflow has stored the question."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, BaseNotifier, Context

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator


def die_once(context: Context) -> None:
    if context["ti"].try_number == 1:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingNotifier(BaseNotifier):
    """Airflow calls it when the question is stored, and before the task gives its process up."""

    def notify(self, context: Context) -> None:
        die_once(context)


KILLED: dict[str, dict[str, Any]] = {
    "killed_before_the_question": {"pre_execute": die_once},
    "killed_after_the_question": {"notifiers": [DyingNotifier()]},
}

for dag_id, killed in KILLED.items():
    with DAG(dag_id, schedule=None, params={"id": ""}):
        review = ReviewEntityConnectionOperator(
            task_id="review",
            connection_id="{{ params.id }}",
            retries=1,
            retry_delay=timedelta(seconds=1),
            **killed,
        )
        AcceptEntityConnectionOperator(task_id="accept", approval=review.output)

"""A task after the accept that tells somebody how a request was decided, unless it was approved."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator

with DAG(
    "rejections",
    schedule=None,
    params={"connection_id": Param(type="string")},
    default_args={"zuora_conn_id": "zuora_tests"},
):
    review = ReviewEntityConnectionOperator(task_id="review", connection_id="{{ params.connection_id }}")
    accept = AcceptEntityConnectionOperator(task_id="accept", approval=review.output)

    # [START tell]
    @task(trigger_rule="none_failed")
    def tell(answer):
        if answer["option"] in ("Approve", None):  # None: nobody was asked
            return None
        names = [f"{one['source_name']} to {one['target_name']}" for one in answer["connections"]]
        who = answer["answered_by"] or "nobody in time"
        # Send this to whoever has to know.
        return f"{', '.join(names)}: {answer['option']} by {who}, reason: {answer['reason']}"

    accept >> tell(review.output)
    # [END tell]

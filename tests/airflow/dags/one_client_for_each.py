"""Requests whose targets have an OAuth client and an Airflow connection each."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, task, task_group

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator

with DAG("one_client_for_each", schedule=None, params={"rows": Param(type="array")}):

    @task
    def read_rows(params: Any = None) -> list[dict[str, str]]:
        return params["rows"]

    rows = read_rows()

    # [START decide]
    @task_group
    def decide(zuora_conn_id: str, connection_id: str):
        review = ReviewEntityConnectionOperator(
            task_id="review", zuora_conn_id=zuora_conn_id, connection_id=connection_id
        )
        AcceptEntityConnectionOperator(task_id="accept", zuora_conn_id=zuora_conn_id, approval=review.output)

    decide.expand_kwargs(rows)
    # [END decide]

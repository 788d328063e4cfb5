"""Asks about each row of ListEntityConnectionsOperator by expand alone, without a task group."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import dag

from airflow_zuora.operators.entity_connection import ListEntityConnectionsOperator


def subject(row: dict[str, str]) -> str:
    from airflow_zuora.review import question

    return question(row)["subject"]


@dag(schedule=None)
def expanded_list():
    pending = ListEntityConnectionsOperator(
        task_id="list_pending", status="Pending", zuora_conn_id="zuora_expanded"
    )
    ApprovalOperator.partial(
        task_id="approve",
        response_timeout=timedelta(hours=1),
        defaults="Reject",
        map_index_template="{{ task.subject }}",
    ).expand(subject=pending.output.map(subject))


expanded_list()

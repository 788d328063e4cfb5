"""Ask a human about each Pending inbound request: accept it, deny it, or leave it pending."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import dag, task, task_group

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    ListEntityConnectionsOperator,
)


@dag(schedule=None, catchup=False, default_args={"retries": 3}, tags=["zuora"], doc_md=__doc__)
def review_pending_connections():
    pending = ListEntityConnectionsOperator(task_id="list_pending", status="Pending")

    @task
    def questions(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        from airflow_zuora.review import question

        return [question(row) for row in rows]

    # [START review]
    @task_group
    def review(connection_id: str, source_entity_id: str, subject: str, body: str):
        decide = HITLOperator(
            task_id="decide",
            subject=subject,
            body=body,
            options=["Accept", "Deny", "Leave pending"],
            defaults="Leave pending",
            response_timeout=timedelta(days=2),
            retries=0,
            map_index_template="{{ task.subject }}",
        )
        AcceptEntityConnectionOperator(
            task_id="accept",
            connection_id=connection_id,
            approval=decide.output,
            approving_options=["Accept"],
            expected_source_entity_id=source_entity_id,
        )
        DenyEntityConnectionOperator(
            task_id="deny", connection_id=connection_id, approval=decide.output, approving_options=["Deny"]
        )

    reviewed = review.expand_kwargs(questions(pending.output))
    # [END review]

    @task(trigger_rule="none_failed")
    def summary(rows: list[dict[str, str]], ti=None) -> dict[str, list[str]]:
        """List what was accepted, denied and left: the audit record of the run, also of an empty one."""
        results = ti.xcom_pull(task_ids=["review.accept", "review.deny"])
        status = {one["connection_id"]: one["status"] for one in results if one}
        ids = [row["connection_id"] for row in rows]
        return {
            "accepted": [id_ for id_ in ids if status.get(id_) == "Connected"],
            "denied": [id_ for id_ in ids if status.get(id_) == "Disconnected"],
            "left_pending": [id_ for id_ in ids if id_ not in status],
        }

    reviewed >> summary(pending.output)


review_pending_connections()

"""Each working morning, ask a person about every Pending request: approve it, deny it, or leave it."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task, task_group, teardown

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    ListEntityConnectionsOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator

CONNECTION = Param(
    "zuora_default",
    type="string",
    title="Airflow connection",
    description="The connection of type Zuora whose OAuth client accepts and denies the requests.",
    minLength=1,
)


@dag(
    schedule="0 7 * * MON-FRI",
    catchup=False,
    max_active_runs=1,  # what is asked already is not asked again
    params={"zuora_conn_id": CONNECTION},
    default_args={"zuora_conn_id": "{{ params.zuora_conn_id }}", "retries": 3},
    tags=["zuora"],
    description="A person decides on each Pending request of every entity; what nobody answers comes back.",
    doc_md=__doc__,
)
def review_pending_connections():
    # [START review]
    pending = ListEntityConnectionsOperator(task_id="list_pending", all_entities=True)

    def in_its_target(row: dict[str, str]) -> dict[str, str]:
        return {"connection_id": row["connection_id"], "entity_id": row["target_entity_id"]}

    @task_group
    def decide(connection_id: str, entity_id: str):
        review = ReviewEntityConnectionOperator(
            task_id="review",
            connection_id=connection_id,
            entity_id=entity_id,
            options=["Approve", "Deny", "Leave pending"],
            defaults=["Leave pending"],
            response_timeout=timedelta(hours=20),  # over before the next run
        )
        AcceptEntityConnectionOperator(task_id="accept", approval=review.output)
        DenyEntityConnectionOperator(task_id="deny", approval=review.output)

    decided = decide.expand_kwargs(pending.output.map(in_its_target))
    # [END review]

    @teardown  # it runs whatever happened before, and hides no failure: it does not decide the run's state
    @task
    def summary(rows: list[dict[str, str]], ti=None) -> dict[str, list[str]]:
        """Say by name what this run accepted, denied and did not change: its record, also if it was empty."""
        results = ti.xcom_pull(task_ids=["decide.accept", "decide.deny"])
        became = {one["connection_id"]: one["status"] for one in results if one}
        outcomes = {"Connected": "accepted", "Disconnected": "denied"}
        told = {"accepted": [], "denied": [], "unchanged": []}
        for row in rows:
            outcome = outcomes.get(became.get(row["connection_id"]), "unchanged")
            told[outcome].append(f"{row['source_name']} to {row['target_name']}")
        return told

    decided >> summary(pending.output)


review_pending_connections()

"""Start by itself when a connection request arrives in Zuora, ask a human, and accept it."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Asset, AssetWatcher, dag, task, task_group

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger

# [START watcher]
requests = Asset(
    "zuora_connection_requests",
    watchers=[
        AssetWatcher(
            name="pending_inbound",
            trigger=EntityConnectionRequestTrigger(zuora_conn_id="zuora_default", poll_interval=30),
        )
    ],
)
# [END watcher]


@dag(schedule=[requests], catchup=False, default_args={"retries": 3}, tags=["zuora"], doc_md=__doc__)
def on_connection_request():
    @task
    def new_requests(triggering_asset_events=None) -> list[dict[str, str]]:
        """Read the requests that started this run; a busy hour may bring several in one run."""
        from airflow_zuora.review import question

        return [question(event.extra["payload"]) for event in triggering_asset_events[requests]]

    @task_group
    def review(connection_id: str, source_entity_id: str, subject: str, body: str):
        approve = ApprovalOperator(
            task_id="approve",
            subject=subject,
            body=body,
            response_timeout=timedelta(days=2),
            defaults="Reject",
            retries=0,
            map_index_template="{{ task.subject }}",
        )
        AcceptEntityConnectionOperator(
            task_id="accept",
            connection_id=connection_id,
            approval=approve.output,
            expected_source_entity_id=source_entity_id,
        )

    review.expand_kwargs(new_requests())


on_connection_request()

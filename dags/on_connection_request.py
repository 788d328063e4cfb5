"""Start when a connection request arrives in Zuora, ask a person, and accept it if it is approved."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Asset, AssetWatcher, dag, task, task_group

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger

# Give the trigger an entity_id too if the Airflow connection has none, and its client may act for several.
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


@dag(
    schedule=[requests],
    catchup=False,
    default_args={"retries": 3},
    tags=["zuora"],
    description="A request that arrives in Zuora starts a run, which asks a person about it.",
    doc_md=__doc__,
)
def on_connection_request():
    @task
    def new_requests(triggering_asset_events=None) -> list[str]:
        """Return the ids of the requests that started this run; a busy hour may bring several in one run."""
        found = [event.extra["payload"]["requests"] for event in triggering_asset_events[requests]]
        return list(dict.fromkeys(request["connection_id"] for rows in found for request in rows))

    @task_group
    def decide(connection_id: str):
        review = ReviewEntityConnectionOperator(
            task_id="review", connection_id=connection_id, response_timeout=timedelta(days=2)
        )
        AcceptEntityConnectionOperator(task_id="accept", approval=review.output)

    decide.expand(connection_id=new_requests())


on_connection_request()

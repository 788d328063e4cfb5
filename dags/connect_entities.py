"""Connect two entities from both sides: the source sends a request, and a person decides for the target."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag, task

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    InitiateEntityConnectionOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor

SOURCE, TARGET = "{{ params.source_conn_id }}", "{{ params.target_conn_id }}"
PARAMS = {
    "target_entity_id": Param(
        type="string",
        title="Target entity ID",
        description="Id of the entity that decides on the request: 32 hex digits, with or without hyphens.",
        minLength=32,
    ),
    "source_conn_id": Param(
        "zuora_source",
        type="string",
        title="Airflow connection of the source entity",
        description="The connection of type Zuora that sends the request, for its Entity ID.",
    ),
    "target_conn_id": Param(
        "zuora_default",
        type="string",
        title="Airflow connection of the target entity",
        description="The connection of type Zuora whose OAuth client accepts or denies the request.",
    ),
}


@dag(
    schedule=None,
    params=PARAMS,
    default_args={"retries": 3},
    tags=["zuora"],
    description="One entity requests a connection, a person decides for the other one.",
    doc_md=__doc__,
)
def connect_entities():
    # [START connect]
    target = "{{ params.target_entity_id }}"
    initiate = InitiateEntityConnectionOperator(
        task_id="initiate", zuora_conn_id=SOURCE, target_entity_id=target
    )
    review = ReviewEntityConnectionOperator(
        task_id="review",
        zuora_conn_id=TARGET,
        connection_id=initiate.output["connection_id"],
        options=["Approve", "Deny", "Leave pending"],
        defaults=["Leave pending"],
        response_timeout=timedelta(days=2),
    )
    AcceptEntityConnectionOperator(task_id="accept", zuora_conn_id=TARGET, approval=review.output)
    DenyEntityConnectionOperator(task_id="deny", zuora_conn_id=TARGET, approval=review.output)
    decided = EntityConnectionSensor(
        task_id="decided",
        zuora_conn_id=SOURCE,
        connection_id=initiate.output["connection_id"],
        statuses=["Connected", "Disconnected"],
        deferrable=True,
        poke_interval=30,
    )
    # [END connect]

    @task
    def report(connection: dict[str, str]) -> str:
        return "Entity connection {connection_id} is {status}".format(**connection)

    report(decided.output)


connect_entities()

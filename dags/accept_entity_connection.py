"""Accept one entity connection request of Zuora after a person approved it in the Airflow UI."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator

PARAMS = {
    "source_entity": Param(
        "*",
        type="string",
        title="Source entity",
        description="Name or id of the entity that sent the request; * for any.",
        minLength=1,
    ),
    "target_entity": Param(
        "*",
        type="string",
        title="Target entity",
        description="Name or id of the entity that decides on it; * for the one of the Airflow connection, "
        "or for any if it has none.",
        minLength=1,
    ),
    "connection_id": Param(
        "*",
        type="string",
        title="Entity connection ID",
        description="Zuora's id of the request, if you have it; * where the entities are enough.",
        pattern="^([A-Za-z0-9_-]{1,64}|[*])$",
    ),
    "zuora_conn_id": Param(
        "zuora_default",
        type="string",
        title="Airflow connection",
        description="The connection of type Zuora whose OAuth client accepts the request.",
        minLength=1,
    ),
}


@dag(
    schedule=None,
    catchup=False,
    params=PARAMS,
    default_args={"zuora_conn_id": "{{ params.zuora_conn_id }}", "retries": 3},
    tags=["zuora"],
    description="A person approves one request of another entity, and Zuora connects the two.",
    doc_md=__doc__,
)
def accept_entity_connection():
    # [START review_and_accept]
    review = ReviewEntityConnectionOperator(
        task_id="review",
        source_entity="{{ params.source_entity }}",
        target_entity="{{ params.target_entity }}",
        connection_id="{{ params.connection_id }}",
        response_timeout=timedelta(days=2),
    )
    AcceptEntityConnectionOperator(task_id="accept", approval=review.output)
    # [END review_and_accept]


accept_entity_connection()

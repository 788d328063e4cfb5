"""Connect two entities from both sides: the source asks, the target decides, the source hears of it."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, task

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    InitiateEntityConnectionOperator,
)
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor

SOURCE, TARGET = "zuora_source", "zuora_default"  # two administrators, as in real life

PARAMS = {"target_entity_id": Param(type="string", description="The entity that is asked.", minLength=32)}


@dag(schedule=None, params=PARAMS, default_args={"retries": 3}, tags=["zuora"], doc_md=__doc__)
def connect_entities():
    @task
    def read_request(connection_id: str) -> dict[str, str]:
        from airflow_zuora.hooks.zuora import ZuoraHook
        from airflow_zuora.review import question

        hook = ZuoraHook(TARGET)
        return question(hook.get_entity_connection(connection_id).as_dict(hook.list_entities()))

    # [START connect]
    ask = InitiateEntityConnectionOperator(
        task_id="ask",
        zuora_conn_id=SOURCE,
        target_entity_id="{{ params.target_entity_id }}",
        multiple_outputs=True,  # so that others can take the connection_id out of the result
    )
    asked = read_request(ask.output["connection_id"])
    decide = HITLOperator(
        task_id="decide",
        subject=asked["subject"],
        body=asked["body"],
        options=["Accept", "Deny"],
        defaults="Deny",
        response_timeout=timedelta(days=2),
        retries=0,
    )
    request = {"connection_id": asked["connection_id"], "zuora_conn_id": TARGET, "approval": decide.output}
    AcceptEntityConnectionOperator(task_id="accept", approving_options=["Accept"], **request)
    DenyEntityConnectionOperator(task_id="deny", approving_options=["Deny"], **request)
    decided = EntityConnectionSensor(
        task_id="decided",
        zuora_conn_id=SOURCE,
        connection_id=ask.output["connection_id"],
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

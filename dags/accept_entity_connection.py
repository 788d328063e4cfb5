"""Accept one entity connection request of Zuora after a human approved it in the Airflow UI."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, task

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator

CONNECTION_ID = Param(
    type="string",
    title="Entity connection ID",
    description="Zuora's id of the Pending request, from the list of entity connections.",
    pattern="^[A-Za-z0-9_-]{1,64}$",
)


@dag(
    schedule=None,
    catchup=False,
    params={"connection_id": CONNECTION_ID},
    default_args={"retries": 3, "retry_delay": timedelta(minutes=1)},
    tags=["zuora"],
    doc_md=__doc__,
)
def accept_entity_connection():
    @task
    def read_request(params: dict) -> dict[str, str]:
        """Read the request, so that the human sees who asks, and nobody is asked about a closed one."""
        from airflow_zuora.hooks.zuora import ZuoraHook
        from airflow_zuora.review import question
        from airflow_zuora.transitions import ACCEPT

        hook = ZuoraHook()
        request = hook.get_entity_connection(params["connection_id"])
        ACCEPT.check(request, hook.find_entity())
        return question(request.as_dict(hook.list_entities()), hook.zuora_connection.base_url)

    request = read_request()

    # [START approve_and_accept]
    approve = ApprovalOperator(
        task_id="approve",
        subject=request["subject"],
        body=request["body"],
        response_timeout=timedelta(days=2),
        defaults="Reject",
        retries=0,
    )
    AcceptEntityConnectionOperator(
        task_id="accept",
        connection_id="{{ params.connection_id }}",
        approval=approve.output,
        expected_source_entity_id=request["source_entity_id"],
    )
    # [END approve_and_accept]


accept_entity_connection()

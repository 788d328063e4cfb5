"""Each way in which approval and accept can be laid out, as DAGs of their own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task_group

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator

IDS = ["{{ params.connection_ids[0] }}", "{{ params.connection_ids[1] }}"]
WAITING: dict[str, Any] = {
    "task_id": "approve",
    "response_timeout": timedelta(hours=1),
    "defaults": "Reject",
    "retries": 0,
}
ACCEPTING: dict[str, Any] = {"task_id": "accept", "zuora_conn_id": "zuora_layouts"}
SUBJECTS = ["first", "second"]


def layout(dag_id: str) -> DAG:
    return DAG(dag_id, schedule=None, catchup=False, params={"connection_ids": Param(type="array")})


with layout("unmapped"):
    approve = ApprovalOperator(subject="first", **WAITING)
    AcceptEntityConnectionOperator(**ACCEPTING, connection_id=IDS[0], approval=approve.output)

with layout("mapped_by_expand"):
    approve = ApprovalOperator.partial(**WAITING).expand(subject=SUBJECTS)
    AcceptEntityConnectionOperator.partial(**ACCEPTING, approval=approve.output).expand(connection_id=IDS)

with layout("mapped_group"):

    @task_group
    def review(subject: str) -> None:
        approve = ApprovalOperator(subject=subject, **WAITING)
        AcceptEntityConnectionOperator(
            **ACCEPTING,
            connection_id="{{ params.connection_ids[ti.map_index] }}",
            approval=approve.output,
        )

    review.expand(subject=SUBJECTS)

with layout("unmapped_to_mapped"):
    approve = ApprovalOperator(subject="first", **WAITING)
    AcceptEntityConnectionOperator.partial(**ACCEPTING, approval=approve.output).expand(connection_id=IDS)

with layout("mapped_to_unmapped"):
    approve = ApprovalOperator.partial(**WAITING).expand(subject=SUBJECTS)
    AcceptEntityConnectionOperator(**ACCEPTING, connection_id=IDS[0], approval=approve.output)

with layout("several_approvers"):
    approvals = [
        ApprovalOperator(subject=name, **{**WAITING, "task_id": f"approve_{name}"}) for name in SUBJECTS
    ]
    AcceptEntityConnectionOperator(
        **ACCEPTING, connection_id=IDS[0], approval=[one.output for one in approvals]
    )

with layout("expanded_approval"):
    approve = ApprovalOperator.partial(**WAITING).expand(subject=SUBJECTS)
    AcceptEntityConnectionOperator.partial(**ACCEPTING, connection_id=IDS[0]).expand(approval=approve.output)

for default in ("Approve", "Reject"):
    with layout(f"timed_out_{default.lower()}"):
        approve = ApprovalOperator(
            subject="first", **{**WAITING, "response_timeout": timedelta(seconds=30), "defaults": default}
        )
        AcceptEntityConnectionOperator(**ACCEPTING, connection_id=IDS[0], approval=approve.output)

with layout("four_eyes"):
    approve = ApprovalOperator(subject="first", **WAITING)
    AcceptEntityConnectionOperator(**ACCEPTING, connection_id=IDS[0], approval=approve.output, four_eyes=True)

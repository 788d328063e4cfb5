"""Reviews and accepts with one particular setting each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, BaseNotifier, Context, Param

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator as Accept,
)
from airflow_zuora.operators.entity_connection import (
    DisconnectEntityConnectionOperator as Disconnect,
)
from airflow_zuora.operators.entity_connection import (
    ListEntityConnectionsOperator as List,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator as Review

FIRST, SECOND = IDS = ["{{ params.connection_ids[0] }}", "{{ params.connection_ids[1] }}"]


class BrokenNotifier(BaseNotifier):
    def notify(self, context: Context) -> None:
        raise RuntimeError("The mail server is down")


def one_dag(dag_id: str, **params: Any) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        params={"connection_ids": Param([], type="array"), "zuora_conn_id": "zuora_tests", **params},
        default_args={"zuora_conn_id": "{{ params.zuora_conn_id }}"},
    )


for dag_id in ("two_reviews", "two_reviews_and_a_pause"):
    with one_dag(dag_id):
        reviews = [Review(task_id=name, connection_id=FIRST) for name in ("legal", "finance")]
        Accept(task_id="accept", approval=[review.output for review in reviews])

with one_dag("held"):  # between answer and accept, until somebody lets it go on
    review = Review(task_id="review", connection_id=FIRST)
    hold = ApprovalOperator(task_id="hold", subject="Go on?")
    review >> hold >> Accept(task_id="accept", approval=review.output)

with one_dag("listed", entity_id=Param(type="string")):
    pending = List(task_id="list", status="Pending", entity_id="{{ params.entity_id }}")
    ids = pending.output.map(lambda row: row["connection_id"])
    review = Review.partial(task_id="review", entity_id="{{ params.entity_id }}").expand(connection_id=ids)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=ids)

with one_dag("assigned_to_ann"):
    review = Review(task_id="review", connection_id=FIRST, assigned_users=[{"id": "ann", "name": "ann"}])
    Accept(task_id="accept", approval=review.output)

with one_dag("impatient"):
    review = Review.partial(task_id="review", response_timeout=timedelta(seconds=30)).expand(
        connection_id=IDS
    )
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=IDS)

with one_dag("mapped"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=IDS)

with one_dag("asked_twice"):
    review = Review.partial(task_id="review").expand(connection_id=[FIRST, FIRST])
    Accept(task_id="accept", connection_id=FIRST, approval=review.output)

with one_dag("all_done"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept.partial(task_id="accept", approval=review.output, trigger_rule="all_done_min_one_success").expand(
        connection_id=IDS
    )

with one_dag("broken_notifier"):
    review = Review(task_id="review", connection_id=FIRST, notifiers=[BrokenNotifier()])
    Accept(task_id="accept", approval=review.output)

with one_dag("disconnect"):
    review = Review(task_id="review", connection_id=FIRST, change="disconnect")
    Disconnect(task_id="disconnect", approval=review.output)

with one_dag("unreviewed"):
    Accept(task_id="accept", connection_id=FIRST)

with one_dag("unreviewed_and_hurried"):
    Accept(task_id="accept", connection_id=FIRST, execution_timeout=timedelta(seconds=5))

"""Each way to lay out a review and an accept, as a separate DAG about three requests."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, task, task_group

from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator as Accept
from airflow_zuora.operators.review import ReviewEntityConnectionOperator as Review

FIRST, SECOND, THIRD = IDS = [f"{{{{ params.connection_ids[{index}] }}}}" for index in range(3)]


def layout(dag_id: str) -> DAG:
    return DAG(
        dag_id,
        schedule=None,
        params={"connection_ids": Param(type="array")},
        default_args={"zuora_conn_id": "zuora_tests"},
    )


@task
def ids(params: Any = None) -> list[str]:
    return params["connection_ids"]


@task
def to_rows(answer: Any) -> list[dict[str, Any]]:
    return [{"connection_id": one["connection_id"], "approval": answer} for one in answer["connections"]]


# One question.

with layout("unmapped"):
    review = Review(task_id="review", connection_id=FIRST)
    Accept(task_id="accept", approval=review.output)

with layout("approval_set_later"):
    review = Review(task_id="review", connection_id=FIRST)
    accept = Accept(task_id="accept", connection_id=FIRST)
    accept.approval = review.output

with layout("list_to_unmapped"):
    review = Review(task_id="review", connection_id=IDS)
    Accept(task_id="accept", connection_id=FIRST, approval=review.output)

with layout("list_to_mapped"):
    review = Review(task_id="review", connection_id=IDS)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=IDS)

with layout("first_to_mapped"):
    review = Review(task_id="review", connection_id=FIRST)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=IDS)

# A question about each request.

with layout("mapped_to_unmapped"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept(task_id="accept", connection_id=FIRST, approval=review.output)

with layout("mapped_to_mapped"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=IDS)

with layout("mapped_to_mapped_in_another_order"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept.partial(task_id="accept", approval=review.output).expand(connection_id=[SECOND, THIRD, FIRST])

with layout("expanded_approval"):
    review = Review.partial(task_id="review").expand(connection_id=IDS)
    Accept.partial(task_id="accept").expand(approval=review.output)

with layout("group"):

    @task_group
    def decide(connection_id: str) -> None:
        review = Review(task_id="review", connection_id=connection_id)
        Accept(task_id="accept", approval=review.output)

    decide.expand(connection_id=ids())

with layout("group_with_steps"):

    @task_group
    def decide_in_steps(connection_id: str) -> None:
        review = Review(task_id="review", connection_id=connection_id)
        accept = Accept(task_id="accept", connection_id=connection_id, approval=review.output)
        review >> EmptyOperator(task_id="step") >> accept

    decide_in_steps.expand(connection_id=ids())

with layout("rows"):
    review = Review(task_id="review", connection_id=FIRST)
    Accept.partial(task_id="accept").expand_kwargs(to_rows(review.output))

with layout("group_in_group"):
    requests = ids()

    @task_group
    def outer(connection_id: str) -> None:
        review = Review(task_id="review", connection_id=connection_id)

        @task_group
        def inner(connection_id: str) -> None:
            Accept(task_id="accept", connection_id=connection_id, approval=review.output)

        inner.expand(connection_id=requests)

    outer.expand(connection_id=requests)

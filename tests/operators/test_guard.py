"""However an approval is asked for, no value that it comes to lets a change pass without one."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, TaskGroup, XComArg, task, task_group
from airflow.serialization import serialized_objects

from airflow_zuora.exceptions import ApprovalError, ZuoraValueError
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, PENDING_ID
from tests.helpers.tasks import context, run

AnswerMaker = Callable[..., dict[str, Any]]
# Airflow 3.1 has both in one class.
SERIALIZATION: Any = getattr(serialized_objects, "DagSerialization", serialized_objects.SerializedDAG)
IDS = {"connection_id": PENDING_ID}
OPERATORS = [
    (AcceptEntityConnectionOperator, {"connection_id": PENDING_ID}),
    (DenyEntityConnectionOperator, {"connection_id": PENDING_ID}),
    (DisconnectEntityConnectionOperator, {"connection_id": CONNECTED_ID, "confirm": True}),
]
# What an XCom may come to. The last is the text that stands for an approval that was not asked for.
WORTHLESS = [None, "", "Approve", True, 0, [], {}, [None], {"option": "Approve"}, "<not given>"]


def review(task_id: str = "review") -> ReviewEntityConnectionOperator:
    return ReviewEntityConnectionOperator(task_id=task_id, connection_id=PENDING_ID)


def given_as_argument() -> AcceptEntityConnectionOperator:
    return AcceptEntityConnectionOperator(task_id="accept", approval=review().output, **IDS)


def given_by_default_args() -> AcceptEntityConnectionOperator:
    defaults = {"approval": review().output}
    return AcceptEntityConnectionOperator(task_id="accept", default_args=defaults, **IDS)


def set_later() -> AcceptEntityConnectionOperator:
    accept = AcceptEntityConnectionOperator(task_id="accept", **IDS)
    accept.approval = review().output
    return accept


def given_by_partial() -> Any:
    partial = AcceptEntityConnectionOperator.partial(task_id="accept", approval=review().output)
    return partial.expand(connection_id=[PENDING_ID])


def given_by_default_args_of_partial() -> Any:
    defaults = {"approval": review().output}
    partial = AcceptEntityConnectionOperator.partial(task_id="accept", default_args=defaults)
    return partial.expand(connection_id=[PENDING_ID])


WAYS: list[Callable[[], Any]] = [
    given_as_argument,
    given_by_default_args,
    set_later,
    given_by_partial,
    given_by_default_args_of_partial,
]


def in_dag(make: Callable[[], Any]) -> Any:
    with DAG("d", schedule=None):
        return make()


def rendered(operator: Any, output: Any) -> Any:
    """Render an operator as Airflow does, where the review's XCom has a value."""
    running = context(xcom_pull=lambda **_: output, map_index=0 if operator.is_mapped else -1)
    running |= {"dag": operator.dag, "params": {}, "dag_run": None}
    if operator.is_mapped:
        operator = operator.unmap({name: value[0] for name, value in operator.expand_input.value.items()})
    operator.render_template_fields(running)
    return operator


@pytest.mark.parametrize("give", WAYS)
@pytest.mark.parametrize("output", WORTHLESS, ids=repr)
def test_an_output_that_is_not_an_answer_fails_at_once_without_any_request(
    zuora_simulator: ZuoraSimulator, give: Callable[[], Any], output: Any
) -> None:
    operator = rendered(in_dag(give), output)
    with pytest.raises(ApprovalError) as caught:
        run(operator)
    assert isinstance(caught.value, AirflowFailException)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("give", WAYS)
def test_a_genuine_answer_lets_it_go_on(give: Callable[[], Any], approval: dict[str, Any]) -> None:
    operator = rendered(in_dag(give), approval)
    assert run(operator)["approved_by"] == "ann"


@pytest.mark.parametrize("give", WAYS)
def test_the_answer_of_another_review_does_not_count(
    zuora_simulator: ZuoraSimulator, give: Callable[[], Any], answer: AnswerMaker
) -> None:
    operator = rendered(in_dag(give), answer(PENDING_ID, task_id="another"))
    with pytest.raises(ApprovalError, match="given to task 'another'.*output of 'review'"):
        run(operator)
    assert zuora_simulator.requests() == []


def test_the_answer_of_another_review_does_not_count_where_the_approval_is_mapped(
    answer: AnswerMaker,
) -> None:
    with DAG("d", schedule=None):
        partial = AcceptEntityConnectionOperator.partial(task_id="accept")
        accept = partial.expand(approval=review().output)
    assert run(accept.unmap({"approval": answer(PENDING_ID)}))["changed"]
    with pytest.raises(ApprovalError, match="given to task 'another'"):
        run(accept.unmap({"approval": answer(PENDING_ID, task_id="another")}))


@pytest.mark.parametrize("output", [None, "Approve", {}, [None], "<not given>"], ids=repr)
def test_a_mapped_approval_that_is_not_an_answer_fails_at_once(
    zuora_simulator: ZuoraSimulator, output: Any
) -> None:
    with DAG("d", schedule=None):
        partial = AcceptEntityConnectionOperator.partial(task_id="accept", connection_id=PENDING_ID)
        accept = partial.expand(approval=review().output)
    with pytest.raises(ApprovalError):
        run(accept.unmap({"approval": output}))
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("output", WORTHLESS, ids=repr)
@pytest.mark.parametrize(("kind", "arguments"), OPERATORS)
def test_every_operator_is_guarded(
    zuora_simulator: ZuoraSimulator, kind: type[Any], arguments: dict[str, Any], output: Any
) -> None:
    operator = in_dag(lambda: kind(task_id="change", approval=review().output, **arguments))
    operator.approval = output
    with pytest.raises(ApprovalError):
        run(operator)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("output", [None, "Approve", {}, []], ids=repr)
@pytest.mark.usefixtures("zuora_simulator")
def test_an_approval_that_is_set_later_is_asked_for_whatever_it_is(output: Any) -> None:
    accept = AcceptEntityConnectionOperator(task_id="accept", **IDS)
    accept.approval = output
    with pytest.raises(ApprovalError):
        run(accept)


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
@pytest.mark.parametrize("is_guarded", [True, False])
@pytest.mark.parametrize(("kind", "arguments"), OPERATORS)
def test_a_copy_is_guarded_as_the_original_is(
    kind: type[Any], arguments: dict[str, Any], is_guarded: bool, make_copy: Callable[[Any], Any]
) -> None:
    output = {"approval": {"not": "an answer"}} if is_guarded else {}
    operator = make_copy(kind(task_id="change", **arguments, **output))
    assert operator.is_guarded is is_guarded


@pytest.mark.parametrize("give", [*WAYS, lambda: AcceptEntityConnectionOperator(task_id="accept", **IDS)])
def test_the_serialized_dag_is_the_same_in_each_process(give: Callable[[], Any]) -> None:
    dags = [SERIALIZATION.to_dict(in_dag(give).dag) for _ in range(2)]
    assert msgspec.msgpack.encode(dags[0]) == msgspec.msgpack.encode(dags[1]), "as the DAG processor sends it"
    assert SERIALIZATION.from_dict(dags[0]).task_dict.keys() == in_dag(give).dag.task_dict.keys()


@pytest.mark.parametrize("give", WAYS)
def test_the_review_comes_before_the_accept(give: Callable[[], Any]) -> None:
    assert in_dag(give).upstream_task_ids == {"review"}


def mapped_review() -> XComArg:
    made = ReviewEntityConnectionOperator.partial(task_id="mapped").expand(connection_id=["8a80-1", "8a80-2"])
    return XComArg(made)


@pytest.mark.parametrize(
    "approval",
    [
        lambda: review().output,
        lambda: mapped_review(),
        lambda: [review().output, review("second").output],
        lambda: [mapped_review(), review().output],
        lambda: mapped_review().zip(review().output),
        lambda: mapped_review().concat(review().output),
        lambda: mapped_review().map(lambda answer: answer),
    ],
    ids=["one", "mapped", "list", "list with a mapped one", "zip", "concat", "map"],
)
def test_the_outputs_of_reviews_are_taken(approval: Callable[[], Any]) -> None:
    operator = in_dag(lambda: AcceptEntityConnectionOperator(task_id="accept", approval=approval(), **IDS))
    assert operator.review_ids == operator.upstream_task_ids


@pytest.mark.parametrize("others", [{}, {"entity_id": lambda: rows()}], ids=["alone", "with another task"])
def test_an_approval_may_come_from_the_mapping_of_a_task_group(others: dict[str, Callable[[], Any]]) -> None:
    @task_group
    def decide(approval: Any, entity_id: Any = None) -> None:
        AcceptEntityConnectionOperator(task_id="accept", approval=approval, entity_id=entity_id)

    with DAG("d", schedule=None) as dag:
        decide.expand(approval=mapped_review(), **{name: make() for name, make in others.items()})
    accept: Any = dag.get_task("decide.accept")
    assert (accept.is_guarded, accept.review_ids) == (True, {"mapped"})


def test_the_mapping_of_a_task_group_over_another_task_is_no_approval() -> None:
    @task_group
    def decide(approval: Any) -> None:
        AcceptEntityConnectionOperator(task_id="accept", approval=approval)

    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match="task 'rows' is of type"):
        decide.expand(approval=rows())


def approve() -> ApprovalOperator:
    return ApprovalOperator(task_id="approve", subject="Accept?")


def mapped_approve() -> XComArg:
    return XComArg(ApprovalOperator.partial(task_id="approve").expand(subject=["one", "two"]))


@task
def decide() -> bool:
    return True


WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "text": lambda: "Approve",
    "template": lambda: "{{ ti.xcom_pull(task_ids='review') }}",
    "truth": lambda: True,
    "empty list": lambda: [],
    "empty object": lambda: {},
    "the task": lambda: review(),
    "list with the task": lambda: [review().output, review("second")],
    "list with None": lambda: [review().output, None],
    "ApprovalOperator": lambda: approve().output,
    "mapped ApprovalOperator": lambda: mapped_approve(),
    "list with an ApprovalOperator": lambda: [review().output, approve().output],
    "tuple with an ApprovalOperator": lambda: (approve().output,),
    "zip with an ApprovalOperator": lambda: mapped_review().zip(approve().output),
    "map over an ApprovalOperator": lambda: mapped_approve().map(lambda answer: answer),
    "decorated task": lambda: decide(),
    "part of an answer": lambda: review().output["option"],
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(("kind", "arguments"), OPERATORS)
def test_anything_but_the_output_of_a_review_is_refused_when_the_dag_is_parsed(
    wrong: str, kind: type[Any], arguments: dict[str, Any]
) -> None:
    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match="^approval must be the .*output of"):
        kind(task_id="change", approval=WRONG[wrong](), **arguments)


@pytest.mark.parametrize("wrong", WRONG)
def test_anything_but_the_output_of_a_review_is_refused_in_partial_too(wrong: str) -> None:
    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match="^approval must be the .*output of"):
        AcceptEntityConnectionOperator.partial(task_id="change", approval=WRONG[wrong]())


@pytest.mark.parametrize(
    "wrong", ["ApprovalOperator", "mapped ApprovalOperator", "decorated task", "empty list"]
)
def test_anything_but_the_output_of_a_review_is_refused_in_expand_too(wrong: str) -> None:
    with DAG("d", schedule=None):
        partial = AcceptEntityConnectionOperator.partial(task_id="change")
        with pytest.raises(ZuoraValueError, match="^approval must be the .*output of"):
            partial.expand(approval=WRONG[wrong]())
        partial.expand(approval=review().output)


@pytest.mark.parametrize("wrong", ["ApprovalOperator", "mapped ApprovalOperator", "decorated task"])
def test_the_output_of_another_task_is_refused_where_it_is_set_later(wrong: str) -> None:
    with DAG("d", schedule=None):
        accept = AcceptEntityConnectionOperator(task_id="accept", **IDS)
        with pytest.raises(ZuoraValueError, match="Review with a ReviewEntityConnectionOperator"):
            accept.approval = WRONG[wrong]()


def test_the_refusal_names_the_task_and_both_ways_out() -> None:
    words = "task 'approve' is of type ApprovalOperator.*Review with.*or leave approval out"
    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match=words):
        AcceptEntityConnectionOperator(task_id="accept", approval=approve().output, **IDS)


def test_a_change_needs_an_id_or_an_approval_that_names_one() -> None:
    for kind in (AcceptEntityConnectionOperator, DenyEntityConnectionOperator):
        with pytest.raises(ZuoraValueError, match="an approval that names the connection"):
            kind(task_id="change")


@task
def rows() -> list[dict[str, Any]]:
    return []


@pytest.mark.parametrize(("kind", "arguments"), OPERATORS)
def test_a_row_of_another_task_cannot_leave_the_approval_out(
    zuora_simulator: ZuoraSimulator, kind: type[Any], arguments: dict[str, Any]
) -> None:
    with DAG("d", schedule=None):
        change = kind.partial(task_id="change").expand_kwargs(rows())
    with pytest.raises(ZuoraValueError, match="no approval in this row"):
        change.unmap(arguments)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("dag", [None, "", 0, [], {}, DAG("other", schedule=None)])
@pytest.mark.parametrize(("kind", "arguments"), OPERATORS)
def test_a_row_cannot_hide_that_it_is_one(
    zuora_simulator: ZuoraSimulator, kind: type[Any], arguments: dict[str, Any], dag: Any
) -> None:
    with DAG("d", schedule=None):
        change = kind.partial(task_id="change").expand_kwargs(rows())
    with pytest.raises((ZuoraValueError, TypeError), match="dag"):  # the latter from Airflow
        change.unmap({**arguments, "dag": dag})
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("given_by", ["partial", "default_args"])
def test_a_row_cannot_do_with_fewer_reviews_than_the_author_asked_for(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], given_by: str
) -> None:
    with DAG("d", schedule=None):
        both = {"approval": [review().output, review("second").output]}
        with TaskGroup("group", default_args=both if given_by == "default_args" else {}):
            partial = AcceptEntityConnectionOperator.partial(
                task_id="accept", **(both if given_by == "partial" else {})
            )
            accept = partial.expand_kwargs(rows(), strict=False)
    for forged in ({"approval": approval}, {"approval": approval, "task_group": None}):
        with pytest.raises(ZuoraValueError, match="^approval is given by"):
            accept.unmap({**IDS, **forged})
    assert zuora_simulator.requests("PUT") == []


def test_the_author_may_override_the_review_in_a_row(approval: dict[str, Any]) -> None:
    with DAG("d", schedule=None):
        partial = AcceptEntityConnectionOperator.partial(task_id="accept", approval=review("other").output)
        rows = [{**IDS, "approval": review().output}]
        accept = partial.expand_kwargs(rows, strict=False)
    assert run(accept.unmap({**IDS, "approval": approval}))["approved_by"] == "ann"


def test_a_row_may_bring_the_approval(approval: dict[str, Any]) -> None:
    with DAG("d", schedule=None):
        accept = AcceptEntityConnectionOperator.partial(task_id="accept").expand_kwargs(rows())
    assert run(accept.unmap({**IDS, "approval": approval}))["approved_by"] == "ann"


def test_the_author_of_the_dag_may_write_rows_without_an_approval() -> None:
    with DAG("d", schedule=None):
        accept = AcceptEntityConnectionOperator.partial(task_id="accept").expand_kwargs([IDS])
    assert accept.unmap(IDS).is_guarded is False


@pytest.mark.parametrize("name", ["approval", "connection_id", "zuora_conn_id"])
def test_an_argument_that_is_set_on_a_mapped_task_is_refused_as_airflow_would_ignore_it(name: str) -> None:
    with DAG("d", schedule=None):
        accept = AcceptEntityConnectionOperator.partial(task_id="accept").expand(connection_id=[PENDING_ID])
        setattr(accept, name, review().output)
    with pytest.raises(ZuoraValueError, match=f"^{name} was set on a mapped task, and Airflow ignores that"):
        accept.unmap(IDS)

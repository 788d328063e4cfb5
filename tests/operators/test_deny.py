"""What is the denial's own; what all changes share is shown on the accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_zuora.exceptions import (
    ApprovalError,
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraValueError,
)
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, PENDING_ID, PENDING_IDS
from tests.helpers.tasks import run
from tests.helpers.zuora import status_of

AnswerMaker = Callable[..., dict[str, Any]]


def deny(**arguments: Any) -> DenyEntityConnectionOperator:
    return DenyEntityConnectionOperator(task_id="deny", **arguments)


@pytest.fixture
def denied(answer: AnswerMaker) -> dict[str, Any]:
    """Ann's denial of the Pending request."""
    return answer(PENDING_ID, option="Deny")


def test_a_denied_request_is_recorded(zuora_simulator: ZuoraSimulator, denied: dict[str, Any]) -> None:
    result = run(deny(approval=denied), task_id="deny")
    assert (result["status"], result["previous_status"], result["changed"]) == (
        "Disconnected",
        "Pending",
        True,
    )
    (put,) = zuora_simulator.requests("PUT")
    assert put.path == f"/v1/entity-connections/{PENDING_ID}/deny"
    assert status_of(zuora_simulator) == "Disconnected"


def test_running_it_again_changes_nothing_and_succeeds(
    zuora_simulator: ZuoraSimulator, denied: dict[str, Any]
) -> None:
    assert [run(deny(approval=denied))["changed"] for _ in range(2)] == [True, False]
    assert len(zuora_simulator.requests("PUT")) == 1


@pytest.mark.parametrize("option", ["Approve", "Reject", "Leave pending"])
def test_any_other_option_skips_it_without_any_request(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker, option: str
) -> None:
    with pytest.raises(AirflowSkipException, match=f"Will not deny .* ann chose {option}"):
        run(deny(approval=answer(PENDING_ID, option=option)))
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("option", ["Approve", "Deny", "Leave pending"])
def test_of_accept_and_deny_after_one_review_at_most_one_acts(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker, option: str
) -> None:
    approval = answer(PENDING_ID, option=option)
    changed = {}
    for operator in (
        AcceptEntityConnectionOperator(task_id="accept", approval=approval),
        deny(approval=approval),
    ):
        try:
            changed[operator.task_id] = run(operator)["status"]
        except AirflowSkipException:
            changed[operator.task_id] = None
    assert changed == {
        "accept": "Connected" if option == "Approve" else None,
        "deny": "Disconnected" if option == "Deny" else None,
    }


def test_a_question_about_disconnecting_allows_no_denial(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker
) -> None:
    with pytest.raises(ApprovalError, match='give the review change="accept"'):
        run(deny(approval=answer(PENDING_ID, option="Deny", change="disconnect")))
    assert zuora_simulator.requests() == []


def test_a_denial_that_cannot_be_made_fails_at_once_without_a_change(
    zuora_simulator: ZuoraSimulator, denied: dict[str, Any]
) -> None:
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    for operator, kind in (
        (deny(approval=denied), EntityConnectionStateError),
        (deny(connection_id=CONNECTED_ID), EntityConnectionStateError),
        (deny(connection_id="8a8080"), EntityConnectionNotFoundError),
    ):
        with pytest.raises(kind) as caught:
            run(operator)
        assert isinstance(caught.value, AirflowFailException)
    assert zuora_simulator.requests("PUT") == []


def test_the_deny_of_a_removed_request_is_not_taken_for_a_success(
    zuora_simulator: ZuoraSimulator, denied: dict[str, Any]
) -> None:
    zuora_simulator.settings.update({"deny_result": "removed"})
    assert run(deny(approval=denied))["changed"]
    with pytest.raises(EntityConnectionNotFoundError):
        run(deny(approval=denied))


def test_each_of_a_list_is_denied_alone(zuora_simulator: ZuoraSimulator, answer: AnswerMaker) -> None:
    denied = answer(*PENDING_IDS, option="Deny")
    run(deny(approval=denied, connection_id=PENDING_IDS[1]))
    assert [status_of(zuora_simulator, id_) for id_ in PENDING_IDS] == ["Pending", "Disconnected", "Pending"]


@pytest.mark.parametrize(
    "arguments", [{"connection_id": "../x"}, {"connection_id": ""}, {"connection_id": None}], ids=str
)
def test_a_wrong_id_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraValueError, match="connection_id"):
        deny(**arguments)

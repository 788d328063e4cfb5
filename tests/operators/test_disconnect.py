"""What is the disconnection's own: it cannot be undone, so somebody has to want it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import DAG

from airflow_zuora.exceptions import ApprovalError, EntityConnectionStateError, ZuoraValueError
from airflow_zuora.models import entity_uuid
from airflow_zuora.operators.entity_connection import DisconnectEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID, PENDING_ID
from tests.helpers.tasks import context, run
from tests.helpers.zuora import status_of

AnswerMaker = Callable[..., dict[str, Any]]
WORDS = "cannot be undone.*lose their mapping.*Give an approval, or confirm=True"


def disconnect(**arguments: Any) -> DisconnectEntityConnectionOperator:
    return DisconnectEntityConnectionOperator(
        **{"task_id": "disconnect", "connection_id": CONNECTED_ID, **arguments}
    )


def rendered(template: str, native: bool = False, **params: Any) -> DisconnectEntityConnectionOperator:
    with DAG("d", schedule=None, render_template_as_native_obj=native):
        operator = disconnect(confirm=template)
    operator.render_template_fields({**context(), "params": params})
    return operator


@pytest.fixture
def approved(answer: AnswerMaker) -> dict[str, Any]:
    """Ann's approval of the end of the connection."""
    return answer(CONNECTED_ID, change="disconnect")


@pytest.mark.parametrize("side", [None, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID])
def test_an_approved_disconnect_is_recorded_and_made_on_either_side(
    zuora_simulator: ZuoraSimulator, approved: dict[str, Any], side: str | None
) -> None:
    result = run(disconnect(approval=approved, connection_id=None, entity_id=side))
    assert (result["status"], result["previous_status"], result["changed"]) == (
        "Disconnected",
        "Connected",
        True,
    )
    assert (result["source_name"], result["target_name"]) == ("Acme EMEA", "Acme Germany")
    (put,) = zuora_simulator.requests("PUT")
    assert put.path == f"/v1/entity-connections/{CONNECTED_ID}/disconnect"
    assert put.headers["zuora-entity-ids"] == entity_uuid(side or DEFAULT_ENTITY_ID)


@pytest.mark.parametrize("option", ["Reject", "Deny"])
def test_any_other_option_skips_it_without_any_request(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker, option: str
) -> None:
    refused = answer(CONNECTED_ID, change="disconnect", option=option)
    with pytest.raises(AirflowSkipException, match=f"Will not disconnect .* ann chose {option}"):
        run(disconnect(approval=refused))
    assert zuora_simulator.requests() == []


def test_a_question_about_accepting_allows_no_disconnection(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker
) -> None:
    with pytest.raises(ApprovalError, match='give the review change="disconnect"'):
        run(disconnect(approval=answer(CONNECTED_ID)))
    assert zuora_simulator.requests() == []


def test_a_confirmed_disconnect_needs_no_approval(zuora_simulator: ZuoraSimulator) -> None:
    assert run(disconnect(confirm=True))["changed"]
    assert status_of(zuora_simulator, CONNECTED_ID) == "Disconnected"


def test_a_pending_request_is_not_disconnected(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.settings.update({"disconnect_pending": "success"})
    with pytest.raises(EntityConnectionStateError, match="a Pending request can be denied"):
        run(disconnect(connection_id=PENDING_ID, confirm=True))
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize(
    "arguments",
    [{}, *({"confirm": value} for value in (False, None, "", "False", "true", "yes", "None", "True "))],
    ids=str,
)
def test_without_approval_and_confirmation_it_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraValueError, match="confirm"):
        disconnect(**arguments)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("confirm", [True, "True"])
def test_a_template_may_confirm(zuora_simulator: ZuoraSimulator, confirm: Any, native: bool) -> None:
    assert run(rendered("{{ params.confirm }}", native, confirm=confirm))["changed"]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("confirm", [False, None, "", 1, "true", "TRUE", "yes", "1", [True], "x" * 200])
def test_any_other_value_of_a_template_fails_at_once_without_request(
    zuora_simulator: ZuoraSimulator, confirm: Any, native: bool
) -> None:
    with pytest.raises(ZuoraValueError, match="confirm") as caught:
        run(rendered("{{ params.confirm }}", native, confirm=confirm))
    assert isinstance(caught.value, AirflowFailException)
    assert len(str(caught.value)) < 300
    assert zuora_simulator.requests() == []


@pytest.mark.usefixtures("zuora_simulator")
def test_a_confirmation_does_not_replace_an_approval_that_is_asked_for(approved: dict[str, Any]) -> None:
    with DAG("d", schedule=None):
        review = ReviewEntityConnectionOperator(
            task_id="review", connection_id=CONNECTED_ID, change="disconnect"
        )
        operator = disconnect(confirm=True, approval=review.output)
    operator.approval = None  # as rendering does, where the review has no answer
    with pytest.raises(ApprovalError):
        run(operator)
    operator.approval = approved
    assert run(operator)["changed"]


def test_the_refusal_and_the_docstring_say_that_it_cannot_be_undone() -> None:
    with pytest.raises(ZuoraValueError, match=WORDS):
        disconnect()
    words = " ".join((DisconnectEntityConnectionOperator.__doc__ or "").split())
    assert "This cannot be undone" in words

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG

from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraConfigError
from airflow_zuora.operators.entity_connection import DisconnectEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, EMEA_ENTITY_ID, PENDING_ID
from tests.unit.tasks import NO, YES, context, run

WORDS = "cannot be undone: .* lose their mapping, and it cannot be recovered. Give confirm=True"


def disconnect(**arguments: Any) -> DisconnectEntityConnectionOperator:
    return DisconnectEntityConnectionOperator(
        **{"task_id": "disconnect", "connection_id": CONNECTED_ID, "confirm": True, **arguments}
    )


def rendered(template: str, native: bool = False, **params: Any) -> DisconnectEntityConnectionOperator:
    with DAG("d", schedule=None, render_template_as_native_obj=native):
        operator = disconnect(confirm=template)
    operator.render_template_fields({**context(), "params": params})
    return operator


@pytest.mark.parametrize("side", [DEFAULT_ENTITY_ID, EMEA_ENTITY_ID], ids=["target", "source"])
def test_a_confirmed_disconnect_is_recorded(zuora_simulator: ZuoraSimulator, side: str) -> None:
    result = run(disconnect(approval=YES, entity_id=side))
    assert (result["status"], result["previous_status"], result["changed"]) == (
        "Disconnected",
        "Connected",
        True,
    )
    assert (result["source_entity_id"], result["target_entity_id"]) == (EMEA_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert str(zuora_simulator.store.connections.get(CONNECTED_ID).status) == "Disconnected"


def test_a_pending_request_is_not_disconnected(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.settings.update({"disconnect_pending": "success"})
    with pytest.raises(EntityConnectionStateError, match="a Pending request can be denied"):
        run(disconnect(connection_id=PENDING_ID))
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize(
    "arguments",
    [{}, *({"confirm": value} for value in (False, None, "", "False", "true", "yes", "None", "True "))],
    ids=str,
)
def test_without_confirm_it_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraConfigError, match=WORDS):
        DisconnectEntityConnectionOperator(task_id="disconnect", connection_id=CONNECTED_ID, **arguments)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("confirm", [True, "True"])
def test_a_template_may_confirm(zuora_simulator: ZuoraSimulator, confirm: Any, native: bool) -> None:
    assert run(rendered("{{ params.confirm }}", native, confirm=confirm))["changed"]


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("confirm", [False, None, "", 1, "true", "TRUE", "yes", "1", [True], "x" * 200])
def test_any_other_value_of_a_template_fails_at_once_without_request(
    zuora_simulator: ZuoraSimulator, confirm: Any, native: bool
) -> None:
    with pytest.raises(ZuoraConfigError, match=WORDS) as caught:
        run(rendered("{{ params.confirm }}", native, confirm=confirm))
    assert isinstance(caught.value, AirflowFailException)
    assert len(str(caught.value)) < 260
    assert zuora_simulator.requests() == []


def test_an_approval_does_not_replace_the_confirmation(zuora_simulator: ZuoraSimulator) -> None:
    operator = disconnect(confirm="{{ params.confirm }}", approval=YES)
    with pytest.raises(ZuoraConfigError, match=WORDS):
        run(operator)  # the template was never rendered
    assert zuora_simulator.requests() == []


def test_a_missing_confirmation_fails_even_where_a_human_rejected(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(ZuoraConfigError, match=WORDS):
        run(disconnect(confirm="{{ params.confirm }}", approval=NO))


def test_the_docstring_says_that_it_cannot_be_undone() -> None:
    words = " ".join((DisconnectEntityConnectionOperator.__doc__ or "").split())
    assert "This cannot be undone" in words
    assert "their mapping to the source's cannot be recovered" in words

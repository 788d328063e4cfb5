"""A template that gives a wrong value fails the task for good, and nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.operators import entity_connection as operators
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator.seed import PENDING_ID, SOURCE_ENTITY_ID
from tests.client.test_injection_ids import DEEP, odd_for
from tests.helpers.tasks import context

TASKS: dict[str, Any] = {
    "accept": (operators.AcceptEntityConnectionOperator, {"connection_id": PENDING_ID}),
    "deny": (operators.DenyEntityConnectionOperator, {"connection_id": PENDING_ID}),
    "disconnect": (
        operators.DisconnectEntityConnectionOperator,
        {"connection_id": PENDING_ID, "confirm": True},
    ),
    "initiate": (operators.InitiateEntityConnectionOperator, {"target_entity_id": SOURCE_ENTITY_ID}),
    "list": (operators.ListEntityConnectionsOperator, {}),
    "wait": (EntityConnectionSensor, {"connection_id": PENDING_ID}),
}
FIELDS = [(task, field) for task, (_, needed) in TASKS.items() for field in (*needed, "entity_id")]
FIELDS += [(task, "track_id") for task in TASKS if task != "wait"]
FIELDS += [("list", "connection_type"), ("list", "status")]


@pytest.mark.parametrize(("task", "field"), FIELDS)
def test_a_wrong_value_from_a_template_fails_the_task_and_sends_nothing(task, field, zuora_simulator):
    kind, needed = TASKS[task]
    for odd in odd_for(field):
        # Airflow itself cannot hold the nested lists; a whole number counts as a text, and True is right.
        if odd is DEEP or type(odd) is int or (field, odd) == ("confirm", True):
            continue
        operator = kind(task_id="t", **{**needed, field: "{{ later }}"})
        setattr(operator, field, odd)  # as Airflow does with what the template gave
        words = "confirm" if field == "confirm" else f"^{field} "
        with pytest.raises(AirflowFailException, match=words) as raised:
            operator.execute(context())
        assert isinstance(raised.value, ZuoraValueError)
        assert str(raised.value).isprintable()
    assert zuora_simulator.requests() == []

from __future__ import annotations

import uuid
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraError, ZuoraOutcomeUnknownError
from airflow_zuora.models import entity_uuid
from airflow_zuora.operators.entity_connection import InitiateEntityConnectionOperator, idempotency_key
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    UNPROVISIONED_ENTITY_ID,
)
from tests.unit.tasks import YES, context, run

LIST = "/v1/entity-connections"


def initiate(**arguments: Any) -> InitiateEntityConnectionOperator:
    return InitiateEntityConnectionOperator(
        **{"task_id": "initiate", "target_entity_id": AUSTRALIA_ENTITY_ID, **arguments}
    )


def test_a_new_request_is_recorded_as_pending_from_nothing(zuora_simulator: ZuoraSimulator) -> None:
    result = run(initiate(target_entity_id=entity_uuid(AUSTRALIA_ENTITY_ID), approval=YES))
    (post,) = zuora_simulator.requests("POST", LIST)
    (row,) = (
        one
        for one in zuora_simulator.store.connections.all()
        if one.target_entity_id == AUSTRALIA_ENTITY_ID and one.source_entity_id == DEFAULT_ENTITY_ID
    )
    assert result == {
        "connection_id": row.id,
        "source_entity_id": DEFAULT_ENTITY_ID,
        "target_entity_id": AUSTRALIA_ENTITY_ID,
        "status": "Pending",
        "previous_status": None,
        "changed": True,
        "approved_by": "ann",
        "approved_at": "2026-11-23T00:00:00+00:00",
        "track_id": "d.accept.manual__1.1",
        "request_id": post.request_id,
    }
    assert post.headers["idempotency-key"] == idempotency_key(context())


def test_a_request_that_waits_already_is_left_as_it_is(zuora_simulator: ZuoraSimulator) -> None:
    result = run(initiate(target_entity_id=FRANCE_ENTITY_ID))
    assert (result["connection_id"], result["changed"]) == (OUTBOUND_ID, False)
    assert (result["status"], result["previous_status"], result["request_id"]) == ("Pending", "Pending", None)
    assert zuora_simulator.requests("POST", LIST) == []


def test_all_tries_of_a_task_instance_send_the_same_key(
    zuora_simulator: ZuoraSimulator, waits: list[float]
) -> None:
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=4)
    with pytest.raises(ZuoraOutcomeUnknownError) as caught:
        run(initiate(), try_number=1)
    assert not isinstance(caught.value, AirflowFailException)  # so Airflow tries again
    assert run(initiate(), try_number=2)["changed"]
    posts = zuora_simulator.requests("POST", LIST)
    assert len(posts) == 5
    assert {one.headers["idempotency-key"] for one in posts} == {idempotency_key(context())}


def test_each_task_instance_has_its_own_key() -> None:
    tries = [idempotency_key(context(try_number=number)) for number in range(5)]
    facts: list[dict[str, Any]] = [{"map_index": index} for index in range(-1, 20)]
    facts += [{"run_id": f"manual__{number}"} for number in range(2, 20)]
    facts += [{"task_id": "other"}, {"dag_id": "other"}]
    keys = [idempotency_key(context(**fact)) for fact in facts]
    assert len(set(tries)) == 1
    assert len(set(keys)) == len(facts)
    assert all(str(uuid.UUID(key)) == key for key in keys)


@pytest.mark.parametrize("target", ["f" * 32, UNPROVISIONED_ENTITY_ID, DEFAULT_ENTITY_ID])
def test_a_target_that_zuora_refuses_fails_at_once(zuora_simulator: ZuoraSimulator, target: str) -> None:
    with pytest.raises(ZuoraError) as caught:
        run(initiate(target_entity_id=target))
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    "arguments",
    [
        {"target_entity_id": "Acme France"},
        {"target_entity_id": ""},
        {"target_entity_id": None},
        {"entity_id": "x"},
        {"track_id": ""},
        {"four_eyes": True},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraConfigError, match=next(iter(arguments))):
        initiate(**arguments)


def test_a_wrong_value_of_a_template_fails_the_task_at_once(zuora_simulator: ZuoraSimulator) -> None:
    for value in ("None", "", None):
        operator = initiate(target_entity_id="{{ params.target }}")
        operator.target_entity_id = value  # as rendering does
        with pytest.raises(AirflowFailException, match="target_entity_id"):
            run(operator)
    assert zuora_simulator.requests("POST", LIST) == []

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError, ZuoraValueError
from airflow_zuora.models import entity_uuid
from airflow_zuora.operators.entity_connection import InitiateEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    UNPROVISIONED_ENTITY_ID,
)
from tests.helpers.tasks import run

LIST = "/v1/entity-connections"


def initiate(**arguments: Any) -> InitiateEntityConnectionOperator:
    return InitiateEntityConnectionOperator(
        **{"task_id": "initiate", "target_entity_id": AUSTRALIA_ENTITY_ID, **arguments}
    )


def test_a_new_request_is_recorded_as_pending_from_nothing(zuora_simulator: ZuoraSimulator) -> None:
    result = run(initiate(target_entity_id=entity_uuid(AUSTRALIA_ENTITY_ID)))
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
        "track_id": "d.accept.manual__1.1",
        "request_id": post.request_id,
    }


def test_a_request_that_waits_already_is_left_as_it_is(zuora_simulator: ZuoraSimulator) -> None:
    result = run(initiate(target_entity_id=FRANCE_ENTITY_ID))
    assert (result["connection_id"], result["changed"]) == (OUTBOUND_ID, False)
    assert (result["status"], result["previous_status"], result["request_id"]) == ("Pending", "Pending", None)
    assert zuora_simulator.requests("POST", LIST) == []


def test_a_lost_answer_is_left_to_the_retries_of_the_task_which_send_a_new_key(
    zuora_simulator: ZuoraSimulator, waits: list[float]
) -> None:
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=3)
    with pytest.raises(ZuoraOutcomeUnknownError) as caught:
        run(initiate(), try_number=1)
    assert not isinstance(caught.value, AirflowFailException)  # so Airflow tries again
    assert run(initiate(), try_number=2)["changed"]
    *first, second = (one.headers["idempotency-key"] for one in zuora_simulator.requests("POST", LIST))
    assert first == [first[0]] * 3
    assert second != first[0]


def test_a_try_that_does_not_come_back_has_said_what_it_sends(
    zuora_simulator: ZuoraSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=3)
    with pytest.raises(ZuoraOutcomeUnknownError):
        run(initiate())
    track_ids = {one.track_id for one in zuora_simulator.requests("POST", LIST)}
    assert track_ids == {"d.accept.manual__1.1"}
    line = f"connection to entity {AUSTRALIA_ENTITY_ID} unless there is one, Zuora-Track-Id {track_ids.pop()}"
    assert line in capsys.readouterr().out


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
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraValueError, match=next(iter(arguments))):
        initiate(**arguments)


def test_a_wrong_value_of_a_template_fails_the_task_at_once(zuora_simulator: ZuoraSimulator) -> None:
    for value in ("None", "", None):
        operator = initiate(target_entity_id="{{ params.target }}")
        operator.target_entity_id = value  # as rendering does
        with pytest.raises(AirflowFailException, match="target_entity_id"):
            run(operator)
    assert zuora_simulator.requests("POST", LIST) == []

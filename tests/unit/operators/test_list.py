from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraError
from airflow_zuora.operators.entity_connection import ListEntityConnectionsOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.unit.tasks import context


def listed(**arguments: Any) -> list[dict[str, str]]:
    operator = ListEntityConnectionsOperator(task_id="list", **arguments)
    operator.pre_execute(context(task_id="list"))
    return operator.execute(context(task_id="list"))


def ids(rows: list[dict[str, str]]) -> set[str]:
    return {row["connection_id"] for row in rows}


def test_each_row_has_the_names_of_both_entities_and_is_plain(zuora_simulator: ZuoraSimulator) -> None:
    rows = listed(status="Pending")
    assert rows[0] == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "source_name": "Acme Corporation",
        "target_entity_id": DEFAULT_ENTITY_ID,
        "target_name": "Acme Germany",
        "status": "Pending",
    }
    assert json.loads(json.dumps(rows)) == rows
    assert [one.track_id for one in zuora_simulator.requests("GET")] == ["d.list.manual__1.1"] * 2


def test_what_is_listed_can_be_narrowed(zuora_simulator: ZuoraSimulator) -> None:
    inbound = {*PENDING_IDS, CONNECTED_ID, DISCONNECTED_ID}
    assert ids(listed()) == inbound
    assert ids(listed(connection_type=None)) == {*inbound, OUTBOUND_ID}
    assert ids(listed(connection_type="outbound")) == {OUTBOUND_ID}
    assert ids(listed(status="Connected")) == {CONNECTED_ID}
    assert ids(listed(connection_type=None, status="Disconnected")) == {DISCONNECTED_ID}
    assert ids(listed(entity_id=FRANCE_ENTITY_ID, status="Pending")) == {OUTBOUND_ID}


def test_an_empty_list_asks_for_no_entities(zuora_simulator: ZuoraSimulator) -> None:
    assert listed(entity_id=UK_ENTITY_ID) == []
    assert [one.path for one in zuora_simulator.requests("GET")] == ["/v1/entity-connections"]


def test_all_pages_are_listed(zuora_simulator: ZuoraSimulator) -> None:
    for _ in range(700):
        zuora_simulator.store.connections.add(SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)
    rows = listed()
    assert len(rows) == len(ids(rows)) == 705
    assert len(zuora_simulator.requests("GET", "/v1/entities*")) == 1


def test_an_entity_that_is_not_in_the_list_shows_as_its_id(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.fault(method="GET", path="/v1/entities*", body={"entities": [], "success": True})
    row = listed(status="Connected")[0]
    assert row["target_name"] == row["target_entity_id"] == DEFAULT_ENTITY_ID


def test_a_list_without_names_is_a_failure_not_a_list(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.fault("permission", method="GET", path="/v1/entities*")
    with pytest.raises(ZuoraError):
        listed()


@pytest.mark.parametrize(
    "arguments",
    [
        {"connection_type": "both"},
        {"connection_type": "Inbound"},
        {"connection_type": ""},
        {"status": "pending"},
        {"status": "Denied"},
        {"status": ""},
        {"entity_id": "Acme"},
        {"track_id": "a;b"},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraConfigError, match=next(iter(arguments))):
        ListEntityConnectionsOperator(task_id="list", **arguments)


@pytest.mark.parametrize(("field", "value"), [("connection_type", "both"), ("status", "Denied")])
def test_a_wrong_value_of_a_template_fails_at_once_without_request(
    zuora_simulator: ZuoraSimulator, field: str, value: str
) -> None:
    operator = ListEntityConnectionsOperator(task_id="list", **{field: "{{ params.it }}"})
    setattr(operator, field, value)  # as rendering does
    with pytest.raises(AirflowFailException, match=field):
        operator.execute(context())
    assert zuora_simulator.requests() == []
    assert {"connection_type", "status", "entity_id", "zuora_conn_id"} <= set(operator.template_fields)

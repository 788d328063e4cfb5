"""ListEntityConnectionsOperator: the connections of one entity, and the requests of every entity."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG

from airflow_zuora.exceptions import ZuoraError, ZuoraPermissionError, ZuoraValueError
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
    UNRELATED_ID,
)
from tests.helpers.many_entities import ManyEntities
from tests.helpers.raw_server import raw_server
from tests.helpers.tasks import context
from tests.helpers.zuora import LIST


def listed(**arguments: Any) -> list[dict[str, str]]:
    return ListEntityConnectionsOperator(task_id="list", **arguments).execute(context(task_id="list"))


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


def test_an_empty_list_asks_for_no_names(zuora_simulator: ZuoraSimulator) -> None:
    assert listed(entity_id=UK_ENTITY_ID) == []
    assert [one.path for one in zuora_simulator.requests("GET")] == [LIST]


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


@pytest.mark.parametrize("entity_id", [None, UK_ENTITY_ID], ids=["no entity", "another entity"])
def test_the_pending_requests_of_every_entity_are_listed_with_names(
    entity_id: str | None, zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = zuora_simulator.connection_json(entity_id=entity_id)
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
    rows = listed(all_entities=True)
    assert ids(rows) == {*PENDING_IDS, OUTBOUND_ID, UNRELATED_ID}
    assert {
        (row["source_name"], row["target_name"]) for row in rows if row["connection_id"] == OUTBOUND_ID
    } == {("Acme Germany", "Acme France")}
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 1
    assert len(zuora_simulator.requests("GET", "/v1/entities*")) == 1


def test_the_requests_to_501_targets_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ZuoraSimulator(roll_out=501) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", simulator.connection_json(entity_id=None))
        rows = listed(all_entities=True)
        stores = {row["target_name"] for row in rows if row["target_name"].startswith("Acme Store")}
        assert len(stores) == 501
        # Zuora's maximum is 512 entities; the client may not act for the one that is not provisioned.
        assert len(simulator.requests("GET", LIST)) == 511


def test_an_entity_that_may_not_be_read_is_named_and_does_not_hide_the_others(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with raw_server(ManyEntities(4, refused=[0, 2])) as server:
        connection = zuora_simulator.connection_json(port=server.port, entity_id=None)
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
        rows = listed(all_entities=True)
    assert [row["target_name"] for row in rows] == ["Store 1", "Store 3"]
    assert "Store 0" in caplog.text
    assert "Store 2" in caplog.text


def test_if_no_entity_may_be_read_the_task_fails_at_once(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(entity_id=None))
    zuora_simulator.fault("permission", times=None)
    with pytest.raises(ZuoraPermissionError) as raised:
        listed(all_entities=True)
    assert isinstance(raised.value, AirflowFailException)


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
        {"all_entities": True, "status": "Connected"},
        {"all_entities": True, "status": "{{ params.status }}"},
        {"all_entities": True, "connection_type": "outbound"},
        {"all_entities": True, "connection_type": None},
        {"all_entities": "{{ params.all }}"},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraValueError, match=next(iter(arguments))):
        ListEntityConnectionsOperator(task_id="list", **arguments)


@pytest.mark.parametrize("arguments", [{}, {"status": "Pending"}, {"connection_type": "inbound"}], ids=str)
def test_all_entities_may_say_what_is_listed_anyway(arguments: dict[str, Any]) -> None:
    assert ListEntityConnectionsOperator(task_id="list", all_entities=True, **arguments).all_entities is True


@pytest.mark.parametrize(("field", "value"), [("connection_type", "both"), ("status", "Denied")])
def test_a_wrong_value_of_a_template_fails_at_once_without_request(
    zuora_simulator: ZuoraSimulator, field: str, value: str
) -> None:
    operator = ListEntityConnectionsOperator(task_id="list", **{field: "{{ params.it }}"})
    setattr(operator, field, value)  # as rendering does
    with pytest.raises(AirflowFailException, match=field):
        operator.execute(context(task_id="list"))
    assert zuora_simulator.requests() == []
    assert {"connection_type", "status", "entity_id", "zuora_conn_id"} <= set(operator.template_fields)


def test_a_mapped_list_can_list_every_entity_of_each_airflow_connection() -> None:
    with DAG("d", schedule=None):
        mapped = ListEntityConnectionsOperator.partial(task_id="list", all_entities=True).expand(
            zuora_conn_id=["zuora_us", "zuora_eu"]
        )
    assert mapped.task_id == "list"

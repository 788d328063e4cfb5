from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotFoundError, ZuoraResponseError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_uuid
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UNPROVISIONED_ENTITY_ID,
)
from tests.unit.zuora import INBOUND, LIST, fill


def ids(found: list[EntityConnection]) -> set[str]:
    return {one.id for one in found}


def rows(*numbers: int, **more: Any) -> dict[str, Any]:
    made = [
        {"id": f"8a{number}", "sourceEntityId": "a" * 32, "targetEntityId": "b" * 32, "status": "Pending"}
        for number in numbers
    ]
    return {"entityConnections": made, "success": True, **more}


def test_the_list_can_be_narrowed_by_direction_and_status(hook):
    assert ids(hook.list_entity_connections()) == {*INBOUND, OUTBOUND_ID}
    assert ids(hook.list_entity_connections("inbound")) == INBOUND
    assert ids(hook.list_entity_connections("outbound")) == {OUTBOUND_ID}
    assert ids(hook.list_entity_connections("inbound", "Pending")) == set(PENDING_IDS)
    assert ids(hook.list_entity_connections(status=EntityConnectionStatus.CONNECTED)) == {CONNECTED_ID}


@pytest.mark.parametrize(
    "arguments", [("both",), ("Inbound",), ("",), (None, "pending"), (None, "Denied"), (None, "")]
)
def test_a_wrong_filter_is_refused_before_any_request(arguments, hook, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match="must be"):
        hook.list_entity_connections(*arguments)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("next_page", ["absolute", "relative", "foreign", "without_type"])
@pytest.mark.parametrize(("number", "calls"), [(300, 1), (301, 2), (900, 3)])
def test_all_pages_of_300_are_read_on_the_own_host_and_for_the_same_type(
    number, calls, next_page, hook, zuora_simulator
):
    zuora_simulator.settings.update({"next_page": next_page})
    fill(zuora_simulator, number)
    assert len(ids(hook.list_entity_connections("inbound"))) == number
    asked = zuora_simulator.requests("GET", LIST)
    assert len(asked) == calls
    assert all("type=inbound" in one.query and "pageSize=300" in one.query for one in asked)
    assert len({one.peer_port for one in asked}) == 1


def test_the_token_does_not_follow_a_next_page_to_another_host(hook, zuora_simulator):
    fill(zuora_simulator, 301)
    zuora_simulator.fault("foreign_next_page")
    assert len(hook.list_entity_connections("inbound")) == 301
    assert len(zuora_simulator.requests("GET", LIST)) == 2


def test_looking_for_one_connection_ends_where_it_is_found(hook, zuora_simulator):
    fill(zuora_simulator, 301)
    assert hook.get_entity_connection(PENDING_IDS[0]).id == PENDING_IDS[0]
    assert len(zuora_simulator.requests("GET", LIST)) == 1


def test_a_list_that_goes_in_circles_ends_with_an_error(hook, zuora_simulator):
    zuora_simulator.fault(times=None, body=rows(1, 2, nextPage="/entity-connections?page=1"))
    with pytest.raises(ZuoraResponseError, match="does not end: after"):
        hook.list_entity_connections()
    assert len(zuora_simulator.requests("GET", LIST)) == 2


def test_an_empty_page_that_names_another_ends_with_an_error(hook, zuora_simulator):
    zuora_simulator.fault(body=rows(nextPage="/entity-connections?page=2"))
    with pytest.raises(ZuoraResponseError, match="does not end: after"):
        hook.list_entity_connections()


def test_rows_that_move_between_pages_are_given_once(hook, zuora_simulator):
    zuora_simulator.fault(body=rows(1, 2, nextPage="/entity-connections?page=2"))
    zuora_simulator.fault(body=rows(2, 3))
    assert [one.id for one in hook.list_entity_connections()] == ["8a1", "8a2", "8a3"]


@pytest.mark.parametrize(
    "body",
    [
        {"success": True, "x": 1},
        {"entityConnections": {}},
        {"entityConnections": None},
        {"entityConnections": [5]},
    ]
    + [
        {"entityConnections": [{"id": "8a1"}]},
        rows(1, nextPage="https://rest.zuora.com/v1/entity-connections"),
    ],
)
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(body, hook, zuora_simulator):
    zuora_simulator.fault(body=body)
    with pytest.raises(ZuoraResponseError):
        hook.list_entity_connections()


def test_entities_are_listed_all_or_by_provisioning(hook, zuora_simulator):
    everything = {one.id for one in hook.list_entities()}
    assert {SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, UNPROVISIONED_ENTITY_ID} <= everything
    assert {one.id for one in hook.list_entities(provisioned=False)} == {UNPROVISIONED_ENTITY_ID}
    assert {one.id for one in hook.list_entities(provisioned=True)} == everything - {UNPROVISIONED_ENTITY_ID}
    assert [one.query for one in zuora_simulator.requests("GET")] == [
        "",
        "provisioned=false",
        "provisioned=true",
    ]


@pytest.mark.parametrize("write", [str, entity_uuid, str.upper])
def test_one_entity_is_read_by_either_form_of_its_id(write, hook: ZuoraHook):
    entity = hook.get_entity(write(DEFAULT_ENTITY_ID))
    assert (entity.id, entity.display_name, entity.status) == (
        DEFAULT_ENTITY_ID,
        "Acme Germany",
        "Provisioned",
    )
    assert entity.parent_id is not None


def test_an_entity_that_is_not_there_or_no_id_at_all_is_an_error(hook, zuora_simulator):
    with pytest.raises(ZuoraNotFoundError):
        hook.get_entity("f" * 32)
    for wrong in ("../x", "", "a/b", None, "f" * 31):
        with pytest.raises(ZuoraConfigError, match="entity_id must be"):
            hook.get_entity(wrong)
    assert len(zuora_simulator.requests("GET")) == 1

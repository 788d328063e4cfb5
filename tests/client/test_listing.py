from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.client import listing
from airflow_zuora.exceptions import EntityConnectionNotFoundError, ZuoraResponseError, ZuoraValueError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_uuid
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, OUTBOUND_ID, PENDING_IDS
from tests.helpers.zuora import INBOUND, LIST, fill


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
    with pytest.raises(ZuoraValueError, match="must be"):
        hook.list_entity_connections(*arguments)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("next_page", ["absolute", "relative", "foreign", "without_type"])
@pytest.mark.parametrize(("number", "calls"), [(300, 1), (301, 2), (900, 3)])
def test_all_pages_are_read_from_the_same_host_and_for_the_same_type(
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


def test_no_further_page_is_read_once_a_connection_is_found(hook, zuora_simulator):
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


def test_a_row_that_is_on_two_pages_is_listed_once(hook, zuora_simulator):
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
def test_an_invalid_list_is_not_taken_for_an_empty_one(body, hook, zuora_simulator):
    zuora_simulator.fault(body=body)
    with pytest.raises(ZuoraResponseError):
        hook.list_entity_connections()


def test_a_connection_that_is_not_on_the_list_has_an_error_of_its_own(hook, zuora_simulator):
    with pytest.raises(EntityConnectionNotFoundError, match="8a8080") as raised:
        hook.get_entity_connection("8a8080")
    assert entity_uuid(DEFAULT_ENTITY_ID) in str(raised.value)
    assert zuora_simulator.url in str(raised.value)


def test_a_tenant_without_entities_is_named_by_its_address_alone(connect, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": "user.1 tenant.19"})
    zuora_simulator.fault(method="GET", body=rows(1))
    with pytest.raises(EntityConnectionNotFoundError) as raised:
        connect(entity_id=None).get_entity_connection("8a8080")
    assert str(raised.value).startswith(
        f"There is no entity connection 8a8080 at {zuora_simulator.url}. Check the id, "
    )


def test_a_list_that_never_ends_is_not_read_for_ever(hook, zuora_simulator, monkeypatch):
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    for number in range(4):
        zuora_simulator.fault(method="GET", body=rows(number, nextPage="/entity-connections?page=2"))
    with pytest.raises(ZuoraResponseError, match="does not end: after 3 pages"):
        hook.list_entity_connections()
    assert len(zuora_simulator.requests("GET")) == 3

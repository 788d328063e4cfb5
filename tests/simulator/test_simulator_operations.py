"""The five operations on entity connections, over a socket."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CANADA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
    UNPROVISIONED_ENTITY_ID,
    UNRELATED_ID,
)
from tests.helpers.patience import PATIENCE
from tests.simulator.simulator_client import error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.simulator.simulator_client import Api


def test_the_list_has_the_documented_shape(api: Api) -> None:
    content = api.connections(type="inbound")
    assert content.keys() == {"entityConnections", "success"}
    assert content["entityConnections"][0] == {
        "id": PENDING_ID,
        "sourceEntityId": SOURCE_ENTITY_ID,
        "targetEntityId": DEFAULT_ENTITY_ID,
        "status": "Pending",
    }


def test_inbound_and_outbound_are_seen_from_the_entity(api: Api) -> None:
    inbound = {row["id"] for row in api.connections(type="inbound")["entityConnections"]}
    outbound = {row["id"] for row in api.connections(type="outbound")["entityConnections"]}
    both = {row["id"] for row in api.connections()["entityConnections"]}
    assert inbound == {*PENDING_IDS, CONNECTED_ID, DISCONNECTED_ID}
    assert outbound == {OUTBOUND_ID}
    assert both == inbound | outbound
    assert UNRELATED_ID not in both


@pytest.mark.parametrize(
    "query",
    [
        "type=both",
        "type=",
        "pageSize=0",
        "pageSize=x",
        "pageSize=-1",
        "pageSize=2&page=0",
        "page=1.5",
        "page=²",
    ],
)
def test_a_wrong_query_is_an_error(api: Api, query: str) -> None:
    response = api.get(f"/v1/entity-connections?{query}")
    assert (response.status_code, error_code(response)) == (400, 50000020)


def test_pages_lead_to_each_other_until_the_last(api: Api) -> None:
    seen, url = [], f"{api.url}/v1/entity-connections?type=inbound&pageSize=2"
    while url:
        content = api.session.get(url, timeout=PATIENCE).json()
        seen.append([row["id"] for row in content["entityConnections"]])
        url = content.get("nextPage")
    assert [len(page) for page in seen] == [2, 2, 1]
    assert len({id_ for page in seen for id_ in page}) == 5
    assert api.connections(pageSize=5, type="inbound").keys() == {"entityConnections", "success"}


def test_a_page_after_the_last_is_empty(api: Api) -> None:
    assert api.connections(page=99, pageSize=300) == {"entityConnections": [], "success": True}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("absolute", "{url}/v1/entity-connections?page=2&pageSize=2&type=inbound"),
        ("relative", "/entity-connections?page=2&pageSize=2&type=inbound"),
        ("foreign", "https://localhost:8080/apps/v1/entity-connections?page=2&pageSize=2&type=inbound"),
        ("without_type", "{url}/v1/entity-connections?page=2&pageSize=2"),
    ],
)
def test_the_address_of_the_next_page_is_a_setting(
    simulator: ZuoraSimulator, api: Api, setting: Any, expected: str
) -> None:
    simulator.settings.next_page = setting
    content = api.connections(type="inbound", pageSize=2)
    assert content["nextPage"] == expected.format(url=simulator.url)


@pytest.fixture(scope="module")
def crowded() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator(pending=10_000) as simulator:
        yield simulator


def test_ten_thousand_connections_are_paged_without_slowing_down(
    crowded: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    api = connect(to=crowded)
    ids, number, slowest, query = set(), 1, 0.0, "type=inbound&pageSize=300"
    while True:
        started = time.process_time()  # other processes do not count
        content = api.get(f"/v1/entity-connections?{query}&page={number}").json()
        slowest = max(slowest, time.process_time() - started)
        ids |= {row["id"] for row in content["entityConnections"]}
        if "nextPage" not in content:
            break
        number += 1
    assert (number, len(ids)) == (34, 10_005)
    assert slowest < 0.5


def test_a_page_has_30_rows_unless_told_and_at_most_300(
    crowded: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    api = connect(to=crowded)
    assert len(api.connections()["entityConnections"]) == 30
    clamped = api.connections(pageSize=1000)
    assert len(clamped["entityConnections"]) == 300
    assert "pageSize=300" in clamped["nextPage"]
    crowded.settings.large_page = "error"
    assert error_code(api.get("/v1/entity-connections?pageSize=301")) == 50000020


def test_accept_deny_and_disconnect_answer_success_only(simulator: ZuoraSimulator, api: Api) -> None:
    for id_, verb, status in (
        (PENDING_IDS[0], "accept", "Connected"),
        (PENDING_IDS[1], "deny", "Disconnected"),
        (CONNECTED_ID, "disconnect", "Disconnected"),
    ):
        response = api.answer(id_, verb)
        assert (response.status_code, response.json()) == (200, {"success": True})
        assert str(simulator.store.connections.get(id_).status) == status


@pytest.mark.parametrize("verb", ["accept", "deny", "disconnect"])
@pytest.mark.parametrize("id_", [UNRELATED_ID, "nope"])
def test_an_unknown_connection_has_zuoras_text(api: Api, verb: str, id_: str) -> None:
    response = api.answer(id_, verb)
    assert response.status_code == 404
    assert response.json()["reasons"] == [
        {"code": 50000040, "message": f"Cannot find entity by key: '{id_}'."}
    ]


@pytest.mark.parametrize(
    ("client", "text"), [("standard", "administrator of the entity"), ("read_only", "API Write Access")]
)
@pytest.mark.parametrize("verb", ["accept", "deny", "disconnect"])
def test_a_client_without_the_right_changes_nothing(
    simulator: ZuoraSimulator, connect: Callable[..., Api], client: str, text: str, verb: str
) -> None:
    response = connect(client).answer(PENDING_ID, verb)
    assert (response.status_code, error_code(response)) == (403, 50000010)
    assert text in response.json()["reasons"][0]["message"]
    assert str(simulator.store.connections.get(PENDING_ID).status) == "Pending"


def test_a_client_without_the_right_can_read(connect: Callable[..., Api]) -> None:
    for client in ("standard", "read_only", "target_only"):
        assert len(connect(client).connections()["entityConnections"]) == 6


def test_a_request_gets_an_id_and_is_pending_on_the_other_side(api: Api, connect: Callable[..., Api]) -> None:
    content = api.post("/v1/entity-connections", {"targetEntityId": UK_ENTITY_ID}).json()
    assert content.keys() == {"id", "success"}
    rows = connect(entity_id=UK_ENTITY_ID).connections(type="inbound")["entityConnections"]
    assert {"id": content["id"], "status": "Pending"}.items() <= rows[-1].items()


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({}, 400, 50000022),
        ({"targetEntityId": ""}, 400, 50000022),
        ({"targetEntityId": 7}, 400, 50000020),
        ({"targetEntityId": "11e643f4-a3ee-8bad-b061-0025904c756d"}, 400, 50000020),
        ({"targetEntityId": "0" * 32}, 404, 50000040),
        ({"targetEntityId": DEFAULT_ENTITY_ID}, 400, 50000030),
        ({"targetEntityId": UNPROVISIONED_ENTITY_ID}, 400, 50000030),
    ],
)
def test_a_wrong_target_is_an_error(api: Api, body: Any, status: int, expected: int) -> None:
    response = api.post("/v1/entity-connections", body)
    assert (response.status_code, error_code(response)) == (status, expected)


def test_who_asks_must_administer_the_source_and_have_access_to_the_target(
    connect: Callable[..., Api],
) -> None:
    body = {"targetEntityId": CANADA_ENTITY_ID}
    assert error_code(connect("standard").post("/v1/entity-connections", body)) == 50000010
    response = connect("target_only").post("/v1/entity-connections", body)
    assert "access to the target entity" in response.json()["reasons"][0]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_json_object_is_an_error(api: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for method, path in (("PUT", f"/v1/entity-connections/{PENDING_ID}/accept"), ("POST", "/v1/entities")):
        response = api.call(
            method, path, data=body, headers={**headers, "Zuora-Entity-Ids": DEFAULT_ENTITY_ID}
        )
        assert (response.status_code, error_code(response)) == (400, 50000090)

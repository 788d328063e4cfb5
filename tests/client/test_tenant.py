"""The connections of every entity that an OAuth client may act for, over the socket."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from airflow_zuora.client import tenant
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    ZuoraNotSentError,
    ZuoraPermissionError,
    ZuoraRequestError,
)
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator.seed import (
    OUTBOUND_ID,
    PENDING_IDS,
    UK_ENTITY_ID,
    UNRELATED_ID,
)
from tests.helpers.clock import Clock
from tests.helpers.many_entities import ManyEntities, connections_of, ids, lists
from tests.helpers.zuora import LIST

ALL_PENDING = {*PENDING_IDS, OUTBOUND_ID, UNRELATED_ID}


def test_the_pending_requests_of_every_entity_are_listed(everywhere, zuora_simulator):
    found = everywhere.pending_requests()
    assert set(ids(found)) == ALL_PENDING
    assert {row.status for row in found} == {EntityConnectionStatus.PENDING}
    assert set(lists(zuora_simulator).values()) == {1}
    assert {one.query for one in zuora_simulator.requests("GET", LIST)} == {
        "pageSize=300&page=1&type=inbound"
    }


def test_requests_are_listed_in_the_order_of_the_scope(everywhere, zuora_simulator):
    order = list(zuora_simulator.store.access.named("default").roles)
    targets = [row.target_entity_id for row in everywhere.pending_requests()]
    assert targets == sorted(targets, key=order.index)


def test_a_client_with_an_entity_of_its_own_lists_every_entity_too(make_client):
    client = make_client({"entity_id": UK_ENTITY_ID})
    assert set(ids(EntityConnections(client).pending_requests())) == ALL_PENDING


def test_a_tenant_without_entities_has_one_list(make_client, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": "tenant.19"})
    zuora_simulator.fault(body={"entityConnections": [], "success": True})
    assert EntityConnections(make_client({"entity_id": None})).pending_requests() == []
    (read,) = zuora_simulator.requests("GET")
    assert "zuora-entity-ids" not in read.headers


def test_all_512_entities_of_the_largest_tenant_are_read_with_one_token(make_client):
    with connections_of(ManyEntities(512), make_client) as (connections, server):
        found = connections.pending_requests()
    assert ids(found) == [f"8a-{number}" for number in range(512)]
    assert Counter(one.line.partition("?")[0] for one in server.received) == {
        "POST /oauth/token": 1,
        f"GET {LIST}": 512,
    }


def test_at_most_8_lists_are_read_at_a_time(make_client):
    many = ManyEntities(40, pause=0.05)
    with connections_of(many, make_client) as (connections, server):
        assert len(connections.pending_requests()) == 40
    assert many.most_at_a_time == 8
    assert server.connections <= 8


def test_a_token_that_ends_meanwhile_is_renewed_once(everywhere, zuora_simulator):
    zuora_simulator.fault("expired_token", path=LIST, skip=2)
    assert set(ids(everywhere.pending_requests())) == ALL_PENDING
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 2


def test_a_busy_entity_is_read_again(everywhere, zuora_simulator, waits):
    zuora_simulator.fault("throttle", path=LIST, parameters={"reset": 7})
    assert set(ids(everywhere.pending_requests())) == ALL_PENDING
    assert waits == [7]


def test_an_entity_that_may_not_be_read_is_named_in_the_log_and_hides_no_others(make_client, caplog):
    with connections_of(ManyEntities(5, refused=[3]), make_client) as (connections, _):
        assert ids(connections.pending_requests()) == ["8a-0", "8a-1", "8a-2", "8a-4"]
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "Store 3" in record.getMessage()
    assert "No access." in record.getMessage()


def test_an_entity_that_may_not_be_read_does_not_hide_the_names_of_the_others(make_client, caplog):
    with connections_of(ManyEntities(3, refused=[0, 1]), make_client) as (connections, _):
        assert ids(connections.pending_requests()) == ["8a-2"]
        assert [one.name for one in connections.client.list_entities()] == [
            "Store 0",
            "Store 1",
            "Store 2",
        ]
    assert all(name in caplog.text for name in ("Store 0", "Store 1"))


def test_if_no_entity_may_be_read_it_is_an_error(make_client):
    with (
        connections_of(ManyEntities(12, refused=range(12)), make_client) as (connections, server),
        pytest.raises(ZuoraPermissionError, match=r"No access\."),
    ):
        connections.pending_requests()
    assert len({one.headers["zuora-entity-ids"] for one in server.received[1:]}) == 12


def test_a_search_names_the_entities_that_it_could_not_look_through(make_client):
    with connections_of(ManyEntities(3, refused=[1]), make_client) as (connections, _):
        with pytest.raises(EntityConnectionNotFoundError, match=r"cannot be read: Store 1\."):
            connections.get(["8a-1"])
        with pytest.raises(EntityConnectionNotFoundError, match=r"cannot be read: Store 1\."):
            connections.find("e" * 32, None)


def test_an_error_in_one_list_stops_new_ones(make_client):
    many = ManyEntities(100, invalid=[2], pause=0.05)
    with (
        connections_of(many, make_client) as (connections, server),
        pytest.raises(ZuoraRequestError, match=r"Invalid\."),
    ):
        connections.pending_requests()
    assert len(server.lines) < 30


def test_one_time_budget_binds_all_lists_together(make_client, clock: Clock):
    def take_ten_seconds() -> None:
        clock.now += 10

    many = ManyEntities(100, on_list=take_ten_seconds)
    with (
        connections_of(many, make_client, retries=Retries(max_elapsed=100)) as (connections, server),
        pytest.raises(ZuoraNotSentError, match="100 seconds, its limit"),
    ):
        connections.pending_requests()
    # Those that were under way when the time was up may end.
    assert 10 <= len(server.lines) < 10 + 8


def test_the_progress_is_logged_every_few_seconds(make_client, clock: Clock, monkeypatch, caplog):
    def take_a_second() -> None:
        clock.now += 1

    monkeypatch.setattr(tenant, "time", clock)
    caplog.set_level("INFO")
    with connections_of(ManyEntities(60, on_list=take_a_second), make_client) as (connections, _):
        connections.pending_requests()
    lines = [re.fullmatch(r"Read .* (\d+) of 60 entities", one.getMessage()) for one in caplog.records]
    numbers = [int(line[1]) for line in lines if line]
    assert 4 <= len(numbers) <= 10
    assert numbers == sorted(set(numbers))


def test_lists_that_are_read_quickly_log_no_progress(everywhere, caplog):
    caplog.set_level("INFO")
    everywhere.pending_requests()
    assert caplog.records == []


def test_the_hook_lists_the_requests_of_every_entity(hook):
    assert set(ids(hook.list_pending_requests())) == ALL_PENDING

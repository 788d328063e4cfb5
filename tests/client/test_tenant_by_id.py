"""Connections by their ids, where nobody named the entity, over the socket."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_zuora.exceptions import EntityConnectionNotFoundError, ZuoraValueError
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    UNRELATED_ID,
)
from tests.helpers.many_entities import ManyEntities, connections_of, ids, lists
from tests.helpers.zuora import LIST, fill, outcome, shift_the_list, status_of


def test_a_connection_is_looked_for_in_every_entity(everywhere):
    found = everywhere.get([UNRELATED_ID])[UNRELATED_ID]
    assert (found.id, found.target_entity_id) == (UNRELATED_ID, APAC_ENTITY_ID)


def test_50_connections_in_50_entities_cost_one_read_of_each_list(make_client):
    wanted = [f"8a-{number}" for number in range(50)]
    with connections_of(ManyEntities(50), make_client) as (connections, server):
        assert list(connections.get(wanted)) == wanted
    assert Counter(server.lines) == {f"GET {LIST}": 50}


def test_no_more_lists_are_read_once_everything_is_found(make_client):
    with connections_of(ManyEntities(200, pause=0.05), make_client) as (connections, server):
        connections.get(["8a-0", "8a-1"])
    assert len(server.lines) < 30


def test_what_is_nowhere_is_named(everywhere, zuora_simulator):
    with pytest.raises(EntityConnectionNotFoundError, match="request 8a8080, 8a8081") as raised:
        everywhere.get(["8a8080", "8a8081"])
    assert zuora_simulator.url in str(raised.value)


def test_what_is_nowhere_does_not_hide_the_others(everywhere):
    assert list(everywhere.get(["8a8080", PENDING_ID, "8a8081"])) == [PENDING_ID]


def test_a_request_that_slips_to_a_page_already_read_is_found_in_every_entity(
    everywhere, zuora_simulator, monkeypatch
):
    monkeypatch.setattr("airflow_zuora.simulator.routes.connections.MAX_PAGE", 30)
    fill(zuora_simulator, 40)
    slipping = zuora_simulator.store.connections.page(DEFAULT_ENTITY_ID, "inbound", 30, 1)[0][0].id
    shift_the_list(zuora_simulator, DISCONNECTED_ID)
    assert everywhere.get([slipping])[slipping].target_entity_id == DEFAULT_ENTITY_ID
    assert slipping in ids(everywhere.pending_requests())


def test_a_malformed_id_is_refused_before_any_list_is_read(everywhere, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="connection_id"):
        everywhere.get(["a/b"])
    assert zuora_simulator.requests("GET") == []


@pytest.mark.parametrize(
    ("change", "connection_id", "target", "after"),
    [
        ("accept", UNRELATED_ID, APAC_ENTITY_ID, "Connected"),
        ("deny", OUTBOUND_ID, FRANCE_ENTITY_ID, "Disconnected"),
        ("disconnect", CONNECTED_ID, DEFAULT_ENTITY_ID, "Disconnected"),
    ],
)
def test_the_hook_makes_a_change_in_the_target(
    change, connection_id, target, after, connect, zuora_simulator
):
    made = getattr(connect(entity_id=None), f"{change}_entity_connection")(connection_id)
    assert outcome(made)[0] == status_of(zuora_simulator, connection_id) == after
    (put,) = zuora_simulator.requests("PUT")
    assert put.headers["zuora-entity-ids"] == entity_uuid(target)


def test_the_hook_gets_a_connection_wherever_it_is(connect):
    assert connect(entity_id=None).get_entity_connection(UNRELATED_ID).target_entity_id == APAC_ENTITY_ID


def test_a_hook_for_another_entity_shares_the_token_and_the_tcp_connection(hook, zuora_simulator):
    hook.list_entities()
    other = hook.for_entity(APAC_ENTITY_ID)
    assert ids(other.list_entity_connections("inbound")) == [UNRELATED_ID]
    assert ids(hook.list_entity_connections("inbound", "Pending")) == list(PENDING_IDS)
    assert len(zuora_simulator.requests("POST")) == 1
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


def test_an_entity_that_is_set_is_the_only_one_that_is_asked(connect, zuora_simulator):
    with pytest.raises(EntityConnectionNotFoundError, match=entity_uuid(DEFAULT_ENTITY_ID)):
        connect().get_entity_connection(UNRELATED_ID)
    assert set(lists(zuora_simulator)) == {DEFAULT_ENTITY_ID}


def test_the_only_entity_of_a_client_need_not_be_set(connect, zuora_simulator):
    connect(entity_id=None, client="target_only").accept_entity_connection(PENDING_ID)
    assert set(lists(zuora_simulator)) == {DEFAULT_ENTITY_ID}

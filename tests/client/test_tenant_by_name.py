"""One connection, found by the ids or names of its entities, over the socket."""

from __future__ import annotations

import pytest

from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.exceptions import EntityConnectionNotFoundError, ZuoraValueError
from airflow_zuora.models import EntityConnectionStatus, entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Entity, Role
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    EMEA_ENTITY_ID,
    FRANCE_ENTITY_ID,
    JAPAN_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
    UNRELATED_ID,
    US_ENTITY_ID,
)
from tests.helpers.many_entities import ManyEntities, connections_of, lists


def names_read(simulator: ZuoraSimulator) -> int:
    return len(simulator.requests("GET", "/v1/entities"))


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("Acme US", "Acme Germany", PENDING_IDS[1]),
        (US_ENTITY_ID, DEFAULT_ENTITY_ID, PENDING_IDS[1]),
        (entity_uuid(US_ENTITY_ID), entity_uuid(DEFAULT_ENTITY_ID).upper(), PENDING_IDS[1]),
        (" Acme  Japan ", "Acme Germany", PENDING_IDS[2]),
        (None, "Acme France", OUTBOUND_ID),
        (None, APAC_ENTITY_ID, UNRELATED_ID),
        ("Acme Japan", None, PENDING_IDS[2]),
    ],
)
def test_a_request_is_found_by_names_and_ids(source, target, found, everywhere):
    assert everywhere.find(source, target).id == found


def test_the_hook_finds_a_connection_by_names_too(hook):
    found = hook.find_entity_connection(source_entity="Acme US", target_entity="Acme Germany")
    assert found.id == PENDING_IDS[1]
    assert hook.find_entity_connection(source_entity="Acme EMEA", status="Connected").id == CONNECTED_ID


@pytest.mark.parametrize(
    ("status", "found"), [("Connected", CONNECTED_ID), ("Disconnected", DISCONNECTED_ID)]
)
def test_the_status_may_be_another_one(status, found, everywhere):
    assert everywhere.find(None, "Acme Germany", status).id == found


def test_where_there_is_none_of_that_status_another_one_will_do_if_asked_for(everywhere):
    wanted = ("Acme EMEA", "Acme Germany", EntityConnectionStatus.PENDING)
    assert everywhere.find(*wanted, EntityConnectionStatus.CONNECTED).id == CONNECTED_ID
    with pytest.raises(EntityConnectionNotFoundError):
        everywhere.find(*wanted, EntityConnectionStatus.DISCONNECTED)


def test_the_other_status_will_not_do_where_there_are_several(everywhere, zuora_simulator):
    for source in (EMEA_ENTITY_ID, US_ENTITY_ID):
        zuora_simulator.store.connections.add(source, UK_ENTITY_ID, EntityConnectionStatus.CONNECTED)
    with pytest.raises(EntityConnectionNotFoundError, match="no Pending entity connection"):
        everywhere.find(None, "Acme UK", EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED)


def test_a_display_name_will_do_where_no_entity_has_it_as_name(everywhere, zuora_simulator):
    add_entity(zuora_simulator, "a" * 32, "de-02", "Acme Deutschland")
    added = zuora_simulator.store.connections.add(SOURCE_ENTITY_ID, "a" * 32)
    assert everywhere.find(None, "Acme Deutschland").id == added.id
    assert everywhere.find(None, "de-02").id == added.id


def test_a_name_that_another_entity_is_displayed_as_is_not_guessed(everywhere, zuora_simulator):
    add_entity(zuora_simulator, "a" * 32, "de-02", "Acme France")
    with pytest.raises(ZuoraValueError, match=f"{FRANCE_ENTITY_ID}.*{'a' * 32}.*Give the id of one"):
        everywhere.find(None, "Acme France")


@pytest.mark.parametrize(
    ("set_entity", "source", "target", "asked"),
    [
        (None, None, "Acme France", {FRANCE_ENTITY_ID}),
        (UK_ENTITY_ID, "Acme Germany", "Acme France", {FRANCE_ENTITY_ID}),
        (DEFAULT_ENTITY_ID, "Acme US", None, {DEFAULT_ENTITY_ID}),
    ],
    ids=["target", "target before the client's entity", "the client's entity"],
)
def test_a_request_is_looked_for_in_one_list_where_that_is_known(
    set_entity, source, target, asked, make_client, zuora_simulator
):
    EntityConnections(make_client({"entity_id": set_entity})).find(source, target)
    assert lists(zuora_simulator) == dict.fromkeys(asked, 1)


def test_a_request_is_looked_for_in_every_entity_otherwise(everywhere, zuora_simulator):
    everywhere.find("Acme US", None)
    assert lists(zuora_simulator) == dict.fromkeys(zuora_simulator.store.access.named("default").roles, 1)


def test_ids_cost_no_read_of_the_names(everywhere, zuora_simulator):
    everywhere.find(US_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert names_read(zuora_simulator) == 0


def test_two_names_cost_one_read_of_the_names(everywhere, zuora_simulator):
    everywhere.find("Acme US", "Acme Germany")
    assert names_read(zuora_simulator) == 1


def test_several_requests_are_an_error_that_lists_them_by_name(everywhere):
    with pytest.raises(ZuoraValueError, match="There are 3 Pending entity connections") as raised:
        everywhere.find(None, DEFAULT_ENTITY_ID)
    text = str(raised.value)
    assert f"{PENDING_ID} from Acme Corporation to Acme Germany (Pending)" in text
    assert all(id_ in text for id_ in PENDING_IDS)
    assert CONNECTED_ID not in text


def test_of_several_requests_between_two_entities_one_is_chosen_by_its_id(everywhere, zuora_simulator):
    zuora_simulator.store.connections.add(US_ENTITY_ID, DEFAULT_ENTITY_ID)
    with pytest.raises(ZuoraValueError, match=r"There are 2 Pending .*\. Give a connection_id\."):
        everywhere.find("Acme US", "Acme Germany")


def test_a_name_is_the_same_in_both_ways_of_writing_its_accents(everywhere, zuora_simulator):
    add_entity(zuora_simulator, "a" * 32, "fr-02", "Cafe\u0301")
    zuora_simulator.store.connections.add("a" * 32, UK_ENTITY_ID)
    assert everywhere.find("Caf\u00e9", "Acme UK").source_entity_id == "a" * 32


def test_no_request_is_an_error_that_lists_the_other_connections_by_name(everywhere, zuora_simulator):
    with pytest.raises(EntityConnectionNotFoundError, match="no Pending entity connection") as raised:
        everywhere.find(EMEA_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert f"{CONNECTED_ID} from Acme EMEA to Acme Germany (Connected)" in str(raised.value)
    assert names_read(zuora_simulator) == 1


def test_no_connection_at_all_is_an_error_that_says_so(everywhere):
    with pytest.raises(EntityConnectionNotFoundError, match="Found: none"):
        everywhere.find("Acme France", "Acme Germany")


def test_a_long_list_is_cut(everywhere, zuora_simulator):
    for _ in range(30):
        zuora_simulator.store.connections.add(JAPAN_ENTITY_ID, UK_ENTITY_ID)
    with pytest.raises(ZuoraValueError, match="There are 30 .* and 10 more"):
        everywhere.find(None, "Acme UK")


def test_names_that_cannot_be_read_show_as_ids(everywhere, zuora_simulator):
    zuora_simulator.fault("permission", path="/v1/entities", times=None)
    with pytest.raises(EntityConnectionNotFoundError, match=f"from {EMEA_ENTITY_ID} to"):
        everywhere.find(EMEA_ENTITY_ID, DEFAULT_ENTITY_ID)


@pytest.mark.parametrize("what", ["source_entity", "target_entity"])
def test_an_unknown_name_lists_the_names_that_there_are(what, everywhere, zuora_simulator):
    add_entity(zuora_simulator, "a" * 32, "de-02", "Acme Deutschland")
    wanted = {"source_entity": None, "target_entity": None, what: "Acme Gremany"}
    with pytest.raises(ZuoraValueError, match=f"^{what}: there is no entity 'Acme Gremany'") as raised:
        everywhere.find(**wanted)
    assert "Acme Germany" in str(raised.value)
    assert "de-02 (Acme Deutschland)" in str(raised.value)
    assert lists(zuora_simulator) == {}


def test_of_many_names_the_closest_are_listed(make_client):
    with (
        connections_of(ManyEntities(300), make_client) as (connections, _),
        pytest.raises(ZuoraValueError, match="The closest of 300 are: Store 123, ") as raised,
    ):
        connections.find(None, "Store123")
    assert str(raised.value).count("Store ") == 20


def test_a_name_of_several_entities_lists_them(everywhere, zuora_simulator):
    for number in (1, 2):
        add_entity(zuora_simulator, f"{number}" * 32, f"de-{number}", "Acme Deutschland")
    with pytest.raises(ZuoraValueError, match="several entities have the name") as raised:
        everywhere.find(None, "Acme Deutschland")
    assert f"de-1 ({'1' * 32}); de-2 ({'2' * 32})" in str(raised.value)


def test_a_target_outside_the_scope_is_named(make_client, zuora_simulator):
    connections = EntityConnections(make_client({"client": "target_only", "entity_id": None}))
    with pytest.raises(ZuoraValueError, match="may not act for Acme France"):
        connections.find(None, FRANCE_ENTITY_ID)
    assert lists(zuora_simulator) == {}


def test_at_least_one_entity_has_to_be_given(everywhere, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="Give source_entity, target_entity, or both"):
        everywhere.find(None, None)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("status", ["pending", "Denied", "", None])
def test_a_wrong_status_is_refused_before_any_request(status, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="status must be"):
        hook.find_entity_connection(target_entity=DEFAULT_ENTITY_ID, status=status)
    assert zuora_simulator.requests() == []


def add_entity(simulator: ZuoraSimulator, id_: str, name: str, display_name: str) -> None:
    """Add an entity for which the default OAuth client may act."""
    simulator.store.entities.add(Entity(id_, name, display_name, SOURCE_ENTITY_ID))
    simulator.store.access.named("default").roles[id_] = Role.ADMINISTRATOR

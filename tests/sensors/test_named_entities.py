"""The sensor by the names of entities, and in which entity it looks."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraValueError
from airflow_zuora.models import entity_hex
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    EMEA_ENTITY_ID,
    JAPAN_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UNRELATED_ID,
)
from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger
from tests.helpers.tasks import context, sensor
from tests.helpers.zuora import LIST, PLAIN, after_each_page

JAPAN_CONNECTED = "8a8082636c05f1da016c1b7e0a94de52"  # from Acme APAC


def asked(simulator: ZuoraSimulator) -> list[str]:
    """Name the entities whose lists were read."""
    return [entity_hex(one.headers["zuora-entity-ids"]) for one in simulator.requests("GET", LIST)]


def deferred(**arguments: Any) -> EntityConnectionTrigger:
    with pytest.raises(TaskDeferred) as caught:
        sensor(**arguments, deferrable=True).execute(context())
    assert isinstance(caught.value.trigger, EntityConnectionTrigger)
    return caught.value.trigger


@pytest.fixture
def several(zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch) -> ZuoraSimulator:
    """An Airflow connection without an entity, whose OAuth client may act for ten."""
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(entity_id=None))
    return zuora_simulator


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize(
    ("which", "found", "entity"),
    [
        ({"source_entity": "Acme EMEA"}, CONNECTED_ID, DEFAULT_ENTITY_ID),
        ({"source_entity": "Acme EMEA", "target_entity": "Acme Germany"}, CONNECTED_ID, DEFAULT_ENTITY_ID),
        ({"source_entity": "Acme APAC", "target_entity": "Acme Japan"}, JAPAN_CONNECTED, JAPAN_ENTITY_ID),
        ({"source_entity": "*", "target_entity": "Acme Japan"}, JAPAN_CONNECTED, JAPAN_ENTITY_ID),
        (
            {"source_entity": "Acme EMEA", "target_entity": "Acme Germany", "entity_id": EMEA_ENTITY_ID},
            CONNECTED_ID,
            EMEA_ENTITY_ID,
        ),
    ],
    ids=str,
)
def test_entities_may_be_named_and_the_list_is_that_of_the_acting_one(
    zuora_simulator: ZuoraSimulator, which: dict[str, str], found: str, entity: str, deferrable: bool
) -> None:
    result = sensor(**which, deferrable=deferrable).execute(context())
    assert result["connection_id"] == found
    assert asked(zuora_simulator) == [entity]


def test_the_trigger_gets_ids_and_the_entity_in_which_to_look(zuora_simulator: ZuoraSimulator) -> None:
    trigger = deferred(source_entity="Acme Corporation", target_entity="Acme APAC")
    assert (trigger.connection_id, trigger.source_entity_id, trigger.target_entity_id) == (
        None,
        SOURCE_ENTITY_ID,
        APAC_ENTITY_ID,
    )
    assert entity_hex(trigger.entity_id) == APAC_ENTITY_ID


def test_names_are_resolved_once_while_it_pokes(zuora_simulator: ZuoraSimulator) -> None:
    def accept(_: int) -> None:
        if len(asked(zuora_simulator)) == 3:
            zuora_simulator.store.connections.accept(UNRELATED_ID, APAC_ENTITY_ID)

    after_each_page(zuora_simulator, accept)
    result = sensor(source_entity="Acme Corporation", target_entity="Acme APAC").execute(context())
    assert result["status"] == "Connected"
    assert asked(zuora_simulator) == [APAC_ENTITY_ID] * 4
    assert len(zuora_simulator.requests("GET", "/v1/entities")) == 1  # for both names


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_unknown_name_fails_at_once_and_the_error_lists_what_there_is(
    zuora_simulator: ZuoraSimulator, deferrable: bool
) -> None:
    with pytest.raises(ZuoraValueError, match=r"target_entity: there is no entity 'Acme'.*Acme Germany"):
        sensor(target_entity="Acme", deferrable=deferrable).execute(context())
    assert asked(zuora_simulator) == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_connection_whose_entity_nobody_named_is_located(several: ZuoraSimulator, deferrable: bool) -> None:
    assert sensor(connection_id=CONNECTED_ID, deferrable=deferrable).execute(context()) == PLAIN
    assert asked(several)[-1] == DEFAULT_ENTITY_ID


def test_a_connection_is_located_once_and_then_its_target_is_asked(several: ZuoraSimulator) -> None:
    after_each_page(several, lambda _: accept_after(several, 4))
    assert sensor(connection_id=PENDING_ID).execute(context())["status"] == "Connected"
    assert asked(several)[-4:] == [DEFAULT_ENTITY_ID] * 4
    located = asked(several)[:-4]
    assert len(located) == len(set(located)) <= 10


def accept_after(simulator: ZuoraSimulator, number: int) -> None:
    """Accept the request when its target's list was read as often as that."""
    if asked(simulator).count(DEFAULT_ENTITY_ID) >= number:
        simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)


def test_a_located_connection_is_polled_in_its_target(several: ZuoraSimulator) -> None:
    trigger = deferred(connection_id=PENDING_ID)
    assert entity_hex(trigger.entity_id) == DEFAULT_ENTITY_ID


def test_a_source_alone_needs_an_entity_in_which_to_look(several: ZuoraSimulator) -> None:
    with pytest.raises(ZuoraConfigError, match="set entity_id"):
        sensor(source_entity="Acme EMEA").execute(context())

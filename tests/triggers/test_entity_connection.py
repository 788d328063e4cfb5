"""EntityConnectionTrigger: what a wait reports, and when."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.models.trigger import Trigger

from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CANADA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DEFAULT_SECRET,
    DISCONNECTED_ID,
    EMEA_ENTITY_ID,
    PENDING_ID,
    UK_ENTITY_ID,
)
from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger
from tests.helpers.zuora import PLAIN, fill, reads, shift_the_list
from tests.triggers.conftest import Start
from tests.triggers.running import event, nothing_is_left, until

PATH = "airflow_zuora.triggers.entity_connection.EntityConnectionTrigger"
GIVEN = {
    "zuora_conn_id": "zuora_eu",
    "entity_id": DEFAULT_ENTITY_ID,
    "connection_id": PENDING_ID,
    "source_entity_id": None,
    "target_entity_id": None,
    "statuses": ["Connected", "Disconnected"],
    "poll_interval": 30.0,
}
DEFAULTS = {
    "zuora_conn_id": "zuora_default",
    "entity_id": None,
    "connection_id": None,
    "source_entity_id": None,
    "target_entity_id": None,
    "statuses": ["Connected"],
    "poll_interval": 60.0,
}
pytestmark = pytest.mark.asyncio


async def test_it_serializes_to_its_class_and_its_arguments() -> None:
    assert EntityConnectionTrigger(**GIVEN).serialize() == (PATH, GIVEN)
    assert EntityConnectionTrigger().serialize() == (PATH, DEFAULTS)
    assert EntityConnectionTrigger(statuses=("Connected",)).serialize() == (PATH, DEFAULTS)


async def test_it_comes_back_from_airflows_database_as_it_was() -> None:
    classpath, arguments = EntityConnectionTrigger(**GIVEN).serialize()
    stored = Trigger(classpath=classpath, kwargs=arguments)
    assert stored.kwargs == arguments
    again = EntityConnectionTrigger(**stored.kwargs)
    assert again.serialize() == (classpath, arguments)
    assert json.loads(json.dumps(arguments)) == arguments


@pytest.mark.parametrize(
    "which",
    [
        {"connection_id": CONNECTED_ID},
        {"source_entity_id": EMEA_ENTITY_ID},
        {"source_entity_id": entity_uuid(EMEA_ENTITY_ID), "statuses": ["Pending", "Connected"]},
        {"source_entity_id": EMEA_ENTITY_ID, "target_entity_id": DEFAULT_ENTITY_ID},
        {"target_entity_id": DEFAULT_ENTITY_ID},
    ],
    ids=str,
)
async def test_a_status_that_is_reached_is_reported_after_one_read(
    zuora_simulator: ZuoraSimulator, which: dict[str, Any]
) -> None:
    assert await event(**which, poll_interval=60) == {"connection": PLAIN}
    assert reads(zuora_simulator) == 1
    await nothing_is_left(zuora_simulator)


async def test_it_waits_until_the_status_is_reached(zuora_simulator: ZuoraSimulator, start: Start) -> None:
    waiting = start(EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=0.05))
    await until(lambda: reads(zuora_simulator) >= 3)
    assert waiting == []
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    await until(lambda: waiting)
    assert waiting[0]["connection"]["status"] == "Connected"
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


async def test_a_request_that_is_not_there_yet_is_waited_for_by_its_source(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    waiting = start(
        EntityConnectionTrigger(source_entity_id=UK_ENTITY_ID, statuses=["Pending"], poll_interval=0.05)
    )
    await until(lambda: reads(zuora_simulator) >= 2)
    sent = zuora_simulator.send_request(UK_ENTITY_ID, DEFAULT_ENTITY_ID)
    await until(lambda: waiting)
    assert waiting[0]["connection"]["connection_id"] == sent


@pytest.mark.parametrize(
    ("which", "error"),
    [
        ({"connection_id": DISCONNECTED_ID}, "EntityConnectionStateError"),
        ({"connection_id": CONNECTED_ID, "statuses": ["Pending"]}, "EntityConnectionStateError"),
        ({"source_entity_id": CANADA_ENTITY_ID}, "EntityConnectionStateError"),
        ({"connection_id": "8a8080"}, "EntityConnectionNotFoundError"),
    ],
)
async def test_a_wait_that_can_no_longer_succeed_ends_after_a_second_read(
    zuora_simulator: ZuoraSimulator, which: dict[str, Any], error: str
) -> None:
    payload = await event(**which, poll_interval=60)
    assert payload["error"] == error
    assert reads(zuora_simulator) == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda store: store.deny(PENDING_ID, DEFAULT_ENTITY_ID), "EntityConnectionStateError"),
        (lambda store: store.remove(PENDING_ID), "EntityConnectionNotFoundError"),
    ],
    ids=["denied", "removed"],
)
async def test_a_request_that_is_denied_or_removed_ends_the_wait(
    zuora_simulator: ZuoraSimulator, start: Start, change: Any, error: str
) -> None:
    waiting = start(EntityConnectionTrigger(connection_id=PENDING_ID, poll_interval=0.05))
    await until(lambda: reads(zuora_simulator) >= 2)
    change(zuora_simulator.store.connections)
    await until(lambda: waiting)
    assert (waiting[0]["error"], len(waiting)) == (error, 1)
    assert PENDING_ID in waiting[0]["message"]


@pytest.mark.parametrize("by_source", [False, True])
async def test_a_row_that_moves_to_a_page_already_read_does_not_fail_the_wait(
    zuora_simulator: ZuoraSimulator, by_source: bool
) -> None:
    fill(zuora_simulator, 299)  # and one outbound: the first page is full
    new = zuora_simulator.send_request(CANADA_ENTITY_ID, DEFAULT_ENTITY_ID)
    zuora_simulator.store.connections.accept(new, DEFAULT_ENTITY_ID)
    shift_the_list(zuora_simulator, CONNECTED_ID)
    which = {"source_entity_id": CANADA_ENTITY_ID} if by_source else {"connection_id": new}
    payload = await event(**which, poll_interval=60)
    assert payload["connection"]["connection_id"] == new


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"connection_id": "8a1", "source_entity_id": "a" * 32},
        {"connection_id": "8a1", "target_entity_id": "a" * 32},
        {"connection_id": "../x"},
        {"source_entity_id": "Acme"},
        {"connection_id": "8a1", "statuses": []},
        {"connection_id": "8a1", "statuses": None},
        {"connection_id": "8a1", "statuses": "Connected"},
        {"connection_id": "8a1", "statuses": ["Denied"]},
        {"connection_id": "8a1", "entity_id": "Acme"},
        {"connection_id": "8a1", "entity_id": "f" * 32},
    ],
    ids=str,
)
async def test_a_wrong_argument_ends_the_wait_before_any_read(
    zuora_simulator: ZuoraSimulator, arguments: dict[str, Any]
) -> None:
    assert (await event(**arguments))["error"] == "ZuoraValueError"
    assert reads(zuora_simulator) == 0
    await nothing_is_left(zuora_simulator)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"named": "expired_token", "times": 2}, "ZuoraAuthError"),
        ({"named": "permission"}, "ZuoraPermissionError"),
        ({"status": 403}, "ZuoraPermissionError"),
        ({"named": "redirect"}, "ZuoraRequestError"),
        ({"status": 401, "path": "/oauth/token"}, "ZuoraAuthError"),
    ],
    ids=str,
)
async def test_a_permanent_error_ends_the_wait_with_a_clear_event(
    zuora_simulator: ZuoraSimulator, fault: dict[str, Any], error: str
) -> None:
    zuora_simulator.fault(**fault)
    payload = await event(connection_id=CONNECTED_ID)
    assert payload["error"] == error
    assert zuora_simulator.url in payload["message"]
    assert DEFAULT_SECRET not in json.dumps(payload)
    await nothing_is_left(zuora_simulator)


async def test_one_refused_token_is_renewed(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.fault("expired_token")
    assert await event(connection_id=CONNECTED_ID) == {"connection": PLAIN}
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 2


@pytest.mark.parametrize(
    "fields", [{"unknown": 1}, {"host": "http://zuora.example.com"}, {"login": ""}, {"timeout": 0}], ids=str
)
async def test_a_wrong_airflow_connection_ends_the_wait_with_its_name_in_the_event(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(**fields))
    payload = await event(connection_id=CONNECTED_ID)
    assert payload["error"] == "ZuoraConfigError"
    assert "zuora_default" in payload["message"]
    assert zuora_simulator.requests() == []


async def test_an_airflow_connection_that_does_not_exist_is_named_and_not_retried() -> None:
    payload = await event(connection_id=CONNECTED_ID, zuora_conn_id="zuora_nowhere")
    assert payload["error"] == "ZuoraConfigError"
    assert "zuora_nowhere" in payload["message"]


async def test_no_secret_is_in_the_arguments_the_text_the_events_or_the_log(
    zuora_simulator: ZuoraSimulator,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    zuora_simulator.fault("html")
    zuora_simulator.fault("expired_token", times=2)
    trigger = EntityConnectionTrigger(connection_id=CONNECTED_ID, poll_interval=0.05)
    payloads = [one.payload async for one in trigger.run()]
    log = capsys.readouterr()
    seen = f"{trigger.serialize()} {trigger!r} {vars(trigger)} {payloads} {log.out} {log.err} {caplog.text}"
    assert payloads[0]["error"] == "ZuoraAuthError"
    assert "trying again" in seen
    client, tokens = zuora_simulator.store.access.named("default"), zuora_simulator.store.access.issued
    assert tokens
    for secret in (client.id, client.secret, *tokens):
        assert secret not in seen

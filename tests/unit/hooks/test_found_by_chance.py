"""What the random sequences have found, each as the shortest sequence that shows it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraOutcomeUnknownError
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    FRANCE_ENTITY_ID,
    PENDING_ID,
    UK_ENTITY_ID,
)

LIST = "/v1/entity-connections"
TOKEN = "/oauth/token"
NEW = AUSTRALIA_ENTITY_ID  # nothing is between the default entity and this one yet
KEY = "key-1"


def statuses(simulator: ZuoraSimulator, target: str = NEW) -> dict[str, str]:
    """Status of each connection from the default entity to a target, by id."""
    rows = simulator.store.connections.all()
    return {
        row.id: str(row.status)
        for row in rows
        if (row.source_entity_id, row.target_entity_id) == (DEFAULT_ENTITY_ID, target)
    }


def meanwhile(simulator: ZuoraSimulator, method: str, act: Any) -> None:
    """Let somebody act when the first request of a method arrives."""
    left = [act]

    def arrived(request: RecordedRequest) -> None:
        if request.path.startswith(LIST) and request.method == method and left:
            left.pop()()

    simulator.on_request(arrived)


def test_a_request_that_was_denied_and_removed_is_not_reported_again(hook, zuora_simulator):
    zuora_simulator.settings.deny_result = "removed"
    first = hook.initiate_entity_connection(NEW, idempotency_key=KEY)
    zuora_simulator.store.connections.deny(first.id, NEW)
    with pytest.raises(EntityConnectionStateError, match="Use another idempotency_key"):
        hook.initiate_entity_connection(NEW, idempotency_key=KEY)


def test_a_key_that_was_used_for_another_target_brings_no_success(hook, zuora_simulator):
    hook.initiate_entity_connection(NEW, idempotency_key=KEY)
    with pytest.raises(EntityConnectionStateError, match="Use another idempotency_key"):
        hook.initiate_entity_connection(UK_ENTITY_ID, idempotency_key=KEY)
    assert statuses(zuora_simulator, UK_ENTITY_ID) == {}


def test_a_request_that_stands_is_reported_and_not_the_ended_one_that_zuora_names(hook, zuora_simulator):
    first = hook.initiate_entity_connection(NEW, idempotency_key=KEY)
    zuora_simulator.store.connections.deny(first.id, NEW)
    meanwhile(zuora_simulator, "POST", lambda: zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW))
    change = hook.initiate_entity_connection(NEW, idempotency_key=KEY)
    assert statuses(zuora_simulator) == {first.id: "Disconnected", change.id: "Pending"}


def test_a_request_that_was_accepted_at_once_is_reported_as_connected(hook, zuora_simulator):
    zuora_simulator.settings.duplicate_request = "same"

    def ask_and_accept() -> None:
        id_ = zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW)
        zuora_simulator.store.connections.accept(id_, NEW)

    meanwhile(zuora_simulator, "POST", ask_and_accept)
    assert hook.initiate_entity_connection(NEW).status is EntityConnectionStatus.CONNECTED


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 404}, {"drop": True}], ids=str)
def test_a_request_that_was_taken_but_cannot_be_looked_at_is_unknown(fault, hook, zuora_simulator):
    zuora_simulator.settings.reinitiate = "same"
    first = hook.initiate_entity_connection(NEW)
    zuora_simulator.store.connections.deny(first.id, NEW)
    zuora_simulator.fault(method="GET", skip=1, times=None, **fault)
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.initiate_entity_connection(NEW)
    assert statuses(zuora_simulator) == {first.id: "Pending"}


@pytest.mark.parametrize("verb", ["accept", "deny"])
def test_if_the_list_is_not_found_after_a_lost_answer_the_outcome_is_unknown(verb, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    zuora_simulator.fault(method="GET", skip=1, status=404)
    with pytest.raises(ZuoraOutcomeUnknownError, match="The state could not be read either"):
        getattr(hook, f"{verb}_entity_connection")(PENDING_ID)


def test_a_token_that_lives_shorter_than_the_leeway_is_used_for_half_its_life(hook, zuora_simulator, clock):
    zuora_simulator.settings.token_lifetime = 30
    hook.accept_entity_connection(PENDING_ID)
    assert len(zuora_simulator.requests(path=TOKEN)) == 1
    clock.now += 16
    hook.list_entities()
    assert len(zuora_simulator.requests(path=TOKEN)) == 2


def test_the_wait_for_a_token_does_not_shorten_its_life(hook, zuora_simulator, clock, monkeypatch):
    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=sleep))
    zuora_simulator.settings.token_lifetime = 180
    zuora_simulator.fault("token_throttle", times=2)
    hook.list_entities()
    assert len(zuora_simulator.requests(path=TOKEN)) == 3


def test_a_request_that_slips_to_a_page_that_was_read_is_not_sent_again(hook, zuora_simulator):
    zuora_simulator.settings.duplicate_request = "new"
    connections = zuora_simulator.store.connections
    for number in range(299):
        connections.add(DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, EntityConnectionStatus.PENDING, f"8a80{number}")
    connections.add(DEFAULT_ENTITY_ID, NEW, EntityConnectionStatus.PENDING, "8a80standing")

    def arrived(request: RecordedRequest) -> None:
        if "page=2" in request.query and "8a800" in {row.id for row in connections.all()}:
            connections.remove("8a800")

    zuora_simulator.on_request(arrived)
    assert hook.initiate_entity_connection(NEW).id == "8a80standing"

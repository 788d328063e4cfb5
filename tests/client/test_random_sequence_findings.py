"""What the random sequences have found, each as the shortest sequence that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

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
)

LIST = "/v1/entity-connections"
TOKEN = "/oauth/token"
NEW = AUSTRALIA_ENTITY_ID  # there is no connection between the default entity and this one yet


def statuses(simulator: ZuoraSimulator) -> list[str]:
    """Status of each connection from the default entity to the new one, oldest first."""
    pair = (DEFAULT_ENTITY_ID, NEW)
    rows = simulator.store.connections.all()
    return [str(row.status) for row in rows if (row.source_entity_id, row.target_entity_id) == pair]


def meanwhile(simulator: ZuoraSimulator, acts: Mapping[tuple[str, int], Callable[[], object]]) -> None:
    """Let somebody act when a request arrives, such as ``("POST", 2)``, the second POST."""
    counts: Counter[str] = Counter()

    def arrived(request: RecordedRequest) -> None:
        counts[request.method] += request.path == LIST
        if request.path == LIST and (act := acts.get((request.method, counts[request.method]))):
            act()

    simulator.on_request(arrived)


def deny(simulator: ZuoraSimulator) -> None:
    """Let the new entity deny the open request of the default entity."""
    (row,) = (row for row in simulator.store.connections.all() if row.target_entity_id == NEW)
    simulator.store.connections.deny(row.id, NEW)


def test_a_request_that_was_denied_and_removed_is_not_reported_as_sent(hook, zuora_simulator):
    zuora_simulator.settings.deny_result = "removed"
    zuora_simulator.fault(method="POST", path=LIST, status=504, after_effect=True)
    meanwhile(zuora_simulator, {("GET", 2): lambda: deny(zuora_simulator)})
    with pytest.raises(EntityConnectionStateError, match="none is open"):
        hook.initiate_entity_connection(NEW)
    assert statuses(zuora_simulator) == []


def test_an_open_request_is_reported_and_not_the_ended_one_that_zuora_names(hook, zuora_simulator):
    zuora_simulator.fault(method="POST", path=LIST, status=504, after_effect=True)
    others = {
        ("GET", 2): lambda: deny(zuora_simulator),
        ("POST", 2): lambda: zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW),
    }
    meanwhile(zuora_simulator, others)
    change = hook.initiate_entity_connection(NEW)
    assert change.connection.status is EntityConnectionStatus.PENDING
    assert statuses(zuora_simulator) == ["Disconnected", "Pending"]


def test_a_request_that_was_accepted_at_once_is_reported_as_connected(hook, zuora_simulator):
    zuora_simulator.settings.duplicate_request = "same"

    def ask_and_accept() -> None:
        id_ = zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW)
        zuora_simulator.store.connections.accept(id_, NEW)

    meanwhile(zuora_simulator, {("POST", 1): ask_and_accept})
    change = hook.initiate_entity_connection(NEW)
    assert change.connection.status is EntityConnectionStatus.CONNECTED


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 404}, {"drop": True}], ids=str)
def test_a_request_that_was_taken_but_cannot_be_read_is_unknown(fault, hook, zuora_simulator):
    zuora_simulator.settings.reinitiate = "same"
    hook.initiate_entity_connection(NEW)
    deny(zuora_simulator)
    zuora_simulator.fault(method="GET", skip=1, times=None, **fault)
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.initiate_entity_connection(NEW)
    assert statuses(zuora_simulator) == ["Pending"]


@pytest.mark.parametrize("verb", ["accept", "deny"])
def test_if_the_list_is_not_found_after_a_lost_answer_the_outcome_is_unknown(verb, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    zuora_simulator.fault(method="GET", skip=1, status=404)
    with pytest.raises(ZuoraOutcomeUnknownError):
        getattr(hook, f"{verb}_entity_connection")(PENDING_ID)


def test_a_token_that_lives_shorter_than_the_leeway_is_used_for_half_its_life(hook, zuora_simulator, clock):
    zuora_simulator.settings.token_lifetime = 30
    hook.accept_entity_connection(PENDING_ID)
    assert len(zuora_simulator.requests(path=TOKEN)) == 1
    clock.now += 16
    hook.list_entities()
    assert len(zuora_simulator.requests(path=TOKEN)) == 2


def test_the_wait_for_a_token_does_not_shorten_its_life(hook, zuora_simulator, waits):
    zuora_simulator.settings.token_lifetime = 180
    zuora_simulator.fault("token_throttle", times=2)
    hook.list_entities()
    assert sum(waits) >= 120
    assert len(zuora_simulator.requests(path=TOKEN)) == 3


def test_a_request_that_slips_to_a_page_that_was_read_is_not_sent_again(hook, zuora_simulator):
    zuora_simulator.settings.duplicate_request = "new"
    connections = zuora_simulator.store.connections
    for number in range(299):
        connections.add(DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, EntityConnectionStatus.PENDING, f"8a80{number}")
    connections.add(DEFAULT_ENTITY_ID, NEW, EntityConnectionStatus.PENDING, "8a80open")
    meanwhile(zuora_simulator, {("GET", 2): lambda: connections.remove("8a800")})
    assert hook.initiate_entity_connection(NEW).connection.id == "8a80open"

from __future__ import annotations

import pytest

from airflow_zuora.client.entity_connections import MAX_CHANGES
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraOutcomeUnknownError,
    ZuoraRuleError,
)
from airflow_zuora.models import EntityConnection, EntityConnectionChange, EntityConnectionStatus
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    EMEA_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    UNRELATED_ID,
)
from tests.helpers.zuora import LIST, LOST, order, outcome, status_of

CONNECTED, DISCONNECTED = EntityConnectionStatus.CONNECTED, EntityConnectionStatus.DISCONNECTED


@pytest.mark.parametrize("side", [DEFAULT_ENTITY_ID, EMEA_ENTITY_ID], ids=["target", "source"])
def test_either_side_may_disconnect(side, make_hook, zuora_simulator):
    change = make_hook(entity_id=side).disconnect_entity_connection(CONNECTED_ID)
    (put,) = zuora_simulator.requests("PUT")
    assert change == EntityConnectionChange(
        EntityConnection(CONNECTED_ID, EMEA_ENTITY_ID, DEFAULT_ENTITY_ID, DISCONNECTED, "Disconnected"),
        previous_status=CONNECTED,
        changed=True,
        request_id=put.request_id,
    )
    assert (put.path, put.body) == (f"{LIST}/{CONNECTED_ID}/disconnect", {})
    assert order(zuora_simulator) == ["GET", "PUT"]
    assert status_of(zuora_simulator, CONNECTED_ID) == "Disconnected"


def test_disconnecting_a_disconnected_connection_sends_nothing(hook, zuora_simulator):
    change = hook.disconnect_entity_connection(DISCONNECTED_ID)
    assert outcome(change) == (DISCONNECTED, DISCONNECTED, False)
    assert (change.request_id, order(zuora_simulator)) == (None, ["GET"])


def test_disconnecting_twice_from_both_sides_sends_one_change(make_hook, zuora_simulator):
    changes = [
        make_hook(entity_id=side).disconnect_entity_connection(CONNECTED_ID)
        for side in (DEFAULT_ENTITY_ID, EMEA_ENTITY_ID)
    ]
    assert [one.changed for one in changes] == [True, False]
    assert len(zuora_simulator.requests("PUT")) == 1


@pytest.mark.parametrize("disconnect_pending", ["rule", "success"])
@pytest.mark.parametrize(
    ("id_", "kind", "words"),
    [
        (PENDING_ID, EntityConnectionStateError, "it is Pending, not Connected. .* request can be denied"),
        (OUTBOUND_ID, EntityConnectionStateError, "it is Pending, not Connected"),
        (UNRELATED_ID, EntityConnectionNotFoundError, UNRELATED_ID),
        ("8a8080", EntityConnectionNotFoundError, "8a8080"),
    ],
)
def test_a_connection_that_is_not_connected_is_refused_before_anything_is_sent(
    id_, kind, words, disconnect_pending, hook, zuora_simulator
):
    zuora_simulator.settings.update({"disconnect_pending": disconnect_pending})
    before = status_of(zuora_simulator, id_)
    with pytest.raises(kind, match=words):
        hook.disconnect_entity_connection(id_)
    assert (order(zuora_simulator), status_of(zuora_simulator, id_)) == (["GET"], before)


@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_found_out_without_a_second_change(name, version, connect, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", after_effect=True, **LOST[name])
    change = connect(zuora_version=version).disconnect_entity_connection(CONNECTED_ID)
    assert outcome(change) == (DISCONNECTED, CONNECTED, True)
    assert change.request_id is None
    assert (order(zuora_simulator), len(waits)) == (["GET", "PUT", "GET"], 1)


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_between_two_changes_there_is_always_a_fresh_read(name, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", **LOST[name])
    assert hook.disconnect_entity_connection(CONNECTED_ID).changed
    assert order(zuora_simulator) == ["GET", "PUT", "GET", "PUT"]


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_an_outcome_that_stays_unknown_is_given_up_after_a_last_read(name, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", times=None, **LOST[name])
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.disconnect_entity_connection(CONNECTED_ID)
    assert order(zuora_simulator) == ["GET", "PUT"] * MAX_CHANGES + ["GET"]
    assert status_of(zuora_simulator, CONNECTED_ID) == "Connected"


@pytest.mark.parametrize("named", ["lock", "throttle", "expired_token"])
def test_a_change_that_zuora_did_not_start_is_sent_again_without_a_read(named, hook, zuora_simulator):
    zuora_simulator.fault(named, method="PUT")
    assert hook.disconnect_entity_connection(CONNECTED_ID).changed
    assert order(zuora_simulator) == ["GET", "PUT", "PUT"]


def test_a_change_is_not_sent_again_while_the_state_cannot_be_read(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True)
    zuora_simulator.fault(method="GET", skip=1, times=None, status=503)
    with pytest.raises(ZuoraOutcomeUnknownError, match="could not be read either"):
        hook.disconnect_entity_connection(CONNECTED_ID)
    assert order(zuora_simulator) == ["GET", "PUT"] + ["GET"] * hook.client.retries.attempts


def test_a_connection_that_is_gone_after_a_lost_answer_is_not_reported_as_disconnected(
    hook, zuora_simulator, clock
):
    zuora_simulator.fault(method="PUT", drop=True)
    remove = zuora_simulator.store.connections.remove
    clock.meanwhile = lambda: remove(CONNECTED_ID)
    with pytest.raises(EntityConnectionNotFoundError, match=CONNECTED_ID):
        hook.disconnect_entity_connection(CONNECTED_ID)
    assert order(zuora_simulator) == ["GET", "PUT", "GET"]


@pytest.mark.parametrize("error_mode", ["always_200", "status"])
def test_the_other_side_may_be_faster(error_mode, hook, zuora_simulator):
    zuora_simulator.settings.update({"error_mode": error_mode})
    zuora_simulator.fault("rule", method="PUT", after_effect=True)
    change = hook.disconnect_entity_connection(CONNECTED_ID)
    assert outcome(change) == (DISCONNECTED, CONNECTED, False)
    assert order(zuora_simulator) == ["GET", "PUT", "GET"]


def test_a_refusal_that_the_state_confirms_is_raised(hook, zuora_simulator):
    zuora_simulator.fault("rule", method="PUT")
    with pytest.raises(ZuoraRuleError, match="PUT http"):
        hook.disconnect_entity_connection(CONNECTED_ID)
    assert (order(zuora_simulator), status_of(zuora_simulator, CONNECTED_ID)) == (
        ["GET", "PUT", "GET"],
        "Connected",
    )

from __future__ import annotations

import uuid

import pytest

from airflow_zuora.client.entity_connections import MAX_CHANGES
from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRuleError,
    ZuoraValueError,
)
from airflow_zuora.models import (
    EntityConnection,
    EntityConnectionChange,
    EntityConnectionStatus,
    entity_uuid,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    EMEA_ENTITY_ID,
    FRANCE_ENTITY_ID,
    JAPAN_ENTITY_ID,
    OUTBOUND_ID,
    UK_ENTITY_ID,
    UNPROVISIONED_ENTITY_ID,
)
from tests.helpers.zuora import LIST, LOST, order

PENDING, CONNECTED = EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED
DISCONNECTED = EntityConnectionStatus.DISCONNECTED
NEW = AUSTRALIA_ENTITY_ID  # without a connection to the default entity


def pairs(simulator: ZuoraSimulator, target: str = NEW) -> list[tuple[str, str]]:
    rows = simulator.store.connections.all()
    return [
        (row.id, str(row.status))
        for row in rows
        if (row.source_entity_id, row.target_entity_id) == (DEFAULT_ENTITY_ID, target)
    ]


def idempotency_keys(simulator: ZuoraSimulator) -> list[str]:
    return [one.headers["idempotency-key"] for one in simulator.requests("POST", LIST)]


@pytest.mark.parametrize("write", [str, entity_uuid, str.upper])
def test_a_new_request_is_pending_and_names_the_target_as_zuora_writes_it(write, hook, zuora_simulator):
    change = hook.initiate_entity_connection(write(NEW))
    (post,) = zuora_simulator.requests("POST", LIST)
    ((new_id, status),) = pairs(zuora_simulator)
    assert change == EntityConnectionChange(
        EntityConnection(new_id, DEFAULT_ENTITY_ID, NEW, PENDING, "Pending"),
        previous_status=None,
        changed=True,
        request_id=post.request_id,
    )
    assert post.body == {"targetEntityId": NEW}
    assert (status, order(zuora_simulator)) == ("Pending", ["GET", "POST", "GET"])
    assert "type=outbound" in zuora_simulator.requests("GET", LIST)[0].query


def test_each_call_has_its_own_idempotency_key(hook, zuora_simulator):
    for target in (NEW, JAPAN_ENTITY_ID):
        assert hook.initiate_entity_connection(target).changed
    first, second = idempotency_keys(zuora_simulator)
    assert uuid.UUID(first) != uuid.UUID(second)


@pytest.mark.parametrize("status", [PENDING, CONNECTED])
@pytest.mark.parametrize("duplicate_request", ["rule", "new", "same"])
def test_nothing_is_sent_where_the_pair_has_an_open_request_or_connection(
    status, duplicate_request, hook, zuora_simulator
):
    zuora_simulator.settings.update({"duplicate_request": duplicate_request})
    for older in (DISCONNECTED, status):
        zuora_simulator.store.connections.add(DEFAULT_ENTITY_ID, NEW, older, f"8a80{older}")
    change = hook.initiate_entity_connection(NEW)
    assert (change.connection.id, change.connection.status) == (f"8a80{status}", status)
    assert change.previous_status is status
    assert (change.changed, change.request_id, order(zuora_simulator)) == (False, None, ["GET"])


def test_a_connection_in_the_other_direction_does_not_count(hook, zuora_simulator):
    assert hook.initiate_entity_connection(EMEA_ENTITY_ID).changed
    assert len(zuora_simulator.requests("POST", LIST)) == 1


@pytest.mark.parametrize(("reinitiate", "rows"), [("new", 2), ("same", 1), ("rule", 1)])
def test_after_the_end_of_a_connection_a_new_one_can_be_requested(reinitiate, rows, hook, zuora_simulator):
    zuora_simulator.settings.update({"reinitiate": reinitiate})
    zuora_simulator.store.connections.add(DEFAULT_ENTITY_ID, NEW, DISCONNECTED, "8a80old")
    if reinitiate == "rule":
        with pytest.raises(ZuoraRuleError, match="already exists"):
            hook.initiate_entity_connection(NEW)
    else:
        change = hook.initiate_entity_connection(NEW)
        assert (change.connection.id, change.connection.status) == (pairs(zuora_simulator)[-1][0], PENDING)
        assert (change.previous_status, change.changed) == (None, True)
    assert len(pairs(zuora_simulator)) == rows
    assert len(zuora_simulator.requests("POST", LIST)) == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (DEFAULT_ENTITY_ID, "is the source entity itself"),
        (entity_uuid(DEFAULT_ENTITY_ID).upper(), "is the source entity itself"),
        ("Acme France", "target_entity_id must be 32 hex digits"),
        ("", "target_entity_id must be 32 hex digits"),
        (None, "target_entity_id must be 32 hex digits"),
    ],
)
def test_a_wrong_target_is_refused_before_any_request(target, words, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match=words):
        hook.initiate_entity_connection(target)
    assert order(zuora_simulator) == []


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("f" * 32, ZuoraNotFoundError, "Cannot find entity by key"),
        (UNPROVISIONED_ENTITY_ID, ZuoraRuleError, "Only provisioned entities can be connected"),
    ],
    ids=["unknown", "unprovisioned"],
)
@pytest.mark.parametrize("error_mode", ["always_200", "status"])
def test_a_target_that_zuora_refuses_is_requested_once_and_its_message_is_kept(
    target, kind, words, error_mode, hook, zuora_simulator
):
    zuora_simulator.settings.update({"error_mode": error_mode})
    with pytest.raises(kind, match=words):
        hook.initiate_entity_connection(target)
    assert order(zuora_simulator) == ["GET", "POST", "GET"]


def test_only_an_administrator_may_request_a_connection(connect, zuora_simulator):
    with pytest.raises(ZuoraPermissionError):
        connect(client="standard").initiate_entity_connection(NEW)
    assert (pairs(zuora_simulator), order(zuora_simulator)) == ([], ["GET", "POST"])


@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
@pytest.mark.parametrize("name", LOST)
def test_a_request_whose_answer_was_lost_is_found_on_the_list(name, version, connect, zuora_simulator, waits):
    zuora_simulator.fault(method="POST", after_effect=True, **LOST[name])
    hook = connect(zuora_version=version)
    hook.client.oauth.token()
    change = hook.initiate_entity_connection(NEW)
    assert pairs(zuora_simulator) == [(change.connection.id, "Pending")]
    assert (change.previous_status, change.changed, change.request_id) == (None, True, None)
    assert (order(zuora_simulator), len(waits)) == (["GET", "POST", "GET"], 1)


@pytest.mark.parametrize("body", [{"success": True}, {"success": True, "id": 7}])
def test_an_answer_without_an_id_is_resolved_like_a_lost_one(body, hook, zuora_simulator):
    zuora_simulator.fault(method="POST", after_effect=True, body=body)
    found = hook.initiate_entity_connection(NEW).connection.id
    assert [found] == [id_ for id_, _ in pairs(zuora_simulator)]


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_a_request_that_did_not_take_effect_is_sent_again_with_the_same_key(name, hook, zuora_simulator):
    zuora_simulator.fault(method="POST", **LOST[name], path=LIST)
    change = hook.initiate_entity_connection(NEW)
    posts = zuora_simulator.requests("POST", LIST)
    assert len(set(idempotency_keys(zuora_simulator))) == 1
    assert order(zuora_simulator) == ["GET", "POST", "GET", "POST", "GET"]
    assert (pairs(zuora_simulator), change.request_id) == (
        [(change.connection.id, "Pending")],
        posts[-1].request_id,
    )


def test_an_outcome_that_stays_unknown_is_given_up_and_raised_as_unknown(hook, zuora_simulator, waits):
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=None)
    with pytest.raises(ZuoraOutcomeUnknownError, match="its outcome is unknown"):
        hook.initiate_entity_connection(NEW)
    assert order(zuora_simulator) == ["GET", "POST"] * MAX_CHANGES + ["GET"]
    assert (pairs(zuora_simulator), len(waits)) == ([], MAX_CHANGES)


def test_the_last_lost_answer_is_found_out_too(hook, zuora_simulator):
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=MAX_CHANGES - 1)
    zuora_simulator.fault(method="POST", path=LIST, drop=True, after_effect=True)
    assert hook.initiate_entity_connection(NEW).changed
    assert len(pairs(zuora_simulator)) == 1


@pytest.mark.parametrize("duplicate_request", ["rule", "same", "new"])
def test_a_request_that_somebody_else_sends_at_the_same_time_is_not_a_failure(
    duplicate_request, hook, zuora_simulator
):
    zuora_simulator.settings.update({"duplicate_request": duplicate_request})
    other = zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW)
    zuora_simulator.fault(method="GET", body={"entityConnections": [], "success": True})  # before they asked
    change = hook.initiate_entity_connection(NEW)
    assert change.connection.status is PENDING
    assert change.connection.id in {id_ for id_, _ in pairs(zuora_simulator)}
    assert (change.connection.id == other) is (duplicate_request != "new")
    assert change.changed is (duplicate_request != "rule")
    assert len(zuora_simulator.requests("POST", LIST)) == 1


def test_a_request_that_zuora_names_but_that_has_ended_is_not_taken_for_a_new_one(hook, zuora_simulator):
    zuora_simulator.store.connections.add(DEFAULT_ENTITY_ID, NEW, DISCONNECTED, "8a80old")
    zuora_simulator.fault(method="POST", path=LIST, body={"success": True, "id": "8a80old"})
    with pytest.raises(EntityConnectionStateError, match="8a80old"):
        hook.initiate_entity_connection(NEW)
    assert pairs(zuora_simulator) == [("8a80old", "Disconnected")]


def test_initiating_twice_sends_one_request(hook, zuora_simulator):
    first, second = (hook.initiate_entity_connection(NEW) for _ in range(2))
    assert (first.changed, second.changed) == (True, False)
    assert first.connection == second.connection
    assert len(zuora_simulator.requests("POST", LIST)) == 1


def test_a_lock_is_waited_for_with_the_same_key(hook, zuora_simulator, waits):
    zuora_simulator.fault("lock", method="POST", path=LIST, times=2)
    assert hook.initiate_entity_connection(NEW).changed
    assert (order(zuora_simulator), len(waits)) == (["GET", "POST", "POST", "POST", "GET"], 2)
    assert len(set(idempotency_keys(zuora_simulator))) == 1


def test_the_source_is_the_entity_of_the_hook(make_hook, zuora_simulator):
    assert make_hook().initiate_entity_connection(FRANCE_ENTITY_ID).connection.id == OUTBOUND_ID
    other = make_hook(entity_id=UK_ENTITY_ID).initiate_entity_connection(FRANCE_ENTITY_ID)
    assert (other.connection.source_entity_id, other.changed) == (UK_ENTITY_ID, True)


def test_a_tenant_without_entities_cannot_request_a_connection(connect, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": "tenant.19"})
    with pytest.raises(ZuoraValueError, match="set entity_id"):
        connect(entity_id=None).initiate_entity_connection(NEW)
    assert order(zuora_simulator) == []

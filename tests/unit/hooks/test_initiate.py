from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRuleError,
)
from airflow_zuora.hooks.changes import MAX_CHANGES
from airflow_zuora.models import EntityConnectionChange, EntityConnectionStatus, entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    EMEA_ENTITY_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    UK_ENTITY_ID,
    UNPROVISIONED_ENTITY_ID,
)
from tests.unit.zuora import LIST, LOST, order

PENDING, CONNECTED = EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED
DISCONNECTED = EntityConnectionStatus.DISCONNECTED
NEW = AUSTRALIA_ENTITY_ID  # nothing is between the default entity and this one yet


def pairs(simulator: ZuoraSimulator, target: str = NEW) -> list[tuple[str, str]]:
    rows = simulator.store.connections.all()
    return [
        (row.id, str(row.status))
        for row in rows
        if (row.source_entity_id, row.target_entity_id) == (DEFAULT_ENTITY_ID, target)
    ]


@pytest.mark.parametrize("write", [str, entity_uuid, str.upper])
def test_a_new_request_is_pending_and_names_the_target_as_zuora_writes_it(write, hook, zuora_simulator):
    change = hook.initiate_entity_connection(write(NEW), idempotency_key="key-1")
    (post,) = zuora_simulator.requests("POST", LIST)
    ((new_id, status),) = pairs(zuora_simulator)
    assert change == EntityConnectionChange(
        id=new_id,
        source_entity_id=DEFAULT_ENTITY_ID,
        target_entity_id=NEW,
        status=PENDING,
        raw_status="Pending",
        previous_status=None,
        changed=True,
        request_id=post.request_id,
    )
    assert (post.body, post.headers["idempotency-key"]) == ({"targetEntityId": NEW}, "key-1")
    assert (status, order(zuora_simulator)) == ("Pending", ["GET", "POST", "GET"])
    assert "type=outbound" in zuora_simulator.requests("GET", LIST)[0].query


def test_without_a_key_none_is_sent(hook, zuora_simulator):
    assert hook.initiate_entity_connection(NEW).changed
    (post,) = zuora_simulator.requests("POST", LIST)
    assert "idempotency-key" not in post.headers


@pytest.mark.parametrize("status", [PENDING, CONNECTED])
@pytest.mark.parametrize("duplicate_request", ["rule", "new", "same"])
def test_a_request_or_connection_of_the_pair_is_left_as_it_is(
    status, duplicate_request, hook, zuora_simulator
):
    zuora_simulator.settings.update({"duplicate_request": duplicate_request})
    for older in (DISCONNECTED, status):
        zuora_simulator.store.connections.add(DEFAULT_ENTITY_ID, NEW, older, f"8a80{older}")
    change = hook.initiate_entity_connection(NEW)
    assert (change.id, change.status, change.previous_status) == (f"8a80{status}", status, status)
    assert (change.changed, change.request_id, order(zuora_simulator)) == (False, None, ["GET"])


def test_a_connection_the_other_way_round_is_another_one(hook, zuora_simulator):
    assert hook.initiate_entity_connection(EMEA_ENTITY_ID).changed
    assert len(zuora_simulator.requests("POST", LIST)) == 1


@pytest.mark.parametrize(("reinitiate", "rows"), [("new", 2), ("same", 1), ("rule", 1)])
@pytest.mark.parametrize("key", [None, "key-1"])
def test_after_the_end_of_a_connection_a_new_one_may_be_asked_for(
    reinitiate, rows, key, hook, zuora_simulator
):
    zuora_simulator.settings.update({"reinitiate": reinitiate})
    zuora_simulator.store.connections.add(DEFAULT_ENTITY_ID, NEW, DISCONNECTED, "8a80old")
    if reinitiate == "rule":
        with pytest.raises(ZuoraRuleError, match="already exists"):
            hook.initiate_entity_connection(NEW, idempotency_key=key)
    else:
        change = hook.initiate_entity_connection(NEW, idempotency_key=key)
        assert (change.id, change.status) == (pairs(zuora_simulator)[-1][0], PENDING)
        assert (change.previous_status, change.changed) == (None, True)
    assert len(pairs(zuora_simulator)) == rows
    assert len(zuora_simulator.requests("POST", LIST)) == 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (DEFAULT_ENTITY_ID, "is the entity that asks"),
        (entity_uuid(DEFAULT_ENTITY_ID).upper(), "is the entity that asks"),
        ("Acme France", "target_entity_id must be 32 hex digits"),
        ("", "target_entity_id must be 32 hex digits"),
        (None, "target_entity_id must be 32 hex digits"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_asked(target, words, hook, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match=words):
        hook.initiate_entity_connection(target)
    assert order(zuora_simulator) == []


def test_a_bad_key_is_refused_before_the_request(hook, zuora_simulator):
    for key in ("", "a b", "x" * 256):
        with pytest.raises(ZuoraConfigError, match="idempotency_key must be 1 to 255"):
            hook.initiate_entity_connection(NEW, idempotency_key=key)
    assert zuora_simulator.requests("POST", LIST) == []


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        ("f" * 32, ZuoraNotFoundError, "Cannot find entity by key"),
        (UNPROVISIONED_ENTITY_ID, ZuoraRuleError, "Only provisioned entities can be connected"),
    ],
    ids=["unknown", "unprovisioned"],
)
@pytest.mark.parametrize("error_mode", ["always_200", "status"])
def test_a_target_that_zuora_refuses_is_asked_once_and_its_words_are_kept(
    target, kind, words, error_mode, hook, zuora_simulator
):
    zuora_simulator.settings.update({"error_mode": error_mode})
    with pytest.raises(kind, match=words):
        hook.initiate_entity_connection(target)
    assert order(zuora_simulator) == ["GET", "POST", "GET"]


def test_only_an_administrator_may_ask(connect, zuora_simulator):
    with pytest.raises(ZuoraPermissionError):
        connect(client="standard").initiate_entity_connection(NEW)
    assert (pairs(zuora_simulator), order(zuora_simulator)) == ([], ["GET", "POST"])


@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
@pytest.mark.parametrize("name", LOST)
def test_a_request_whose_answer_was_lost_is_found_on_the_list(name, version, connect, zuora_simulator, waits):
    zuora_simulator.fault(method="POST", after_effect=True, **LOST[name])
    hook = connect(zuora_version=version)
    hook.auth.token()
    change = hook.initiate_entity_connection(NEW, idempotency_key="key-1")
    assert pairs(zuora_simulator) == [(change.id, "Pending")]
    assert (change.previous_status, change.changed, change.request_id) == (None, True, None)
    assert (order(zuora_simulator), len(waits)) == (["GET", "POST", "GET"], 1)


@pytest.mark.parametrize("body", [{"success": True}, {"success": True, "id": 7}])
def test_an_answer_without_id_is_found_out_like_a_lost_one(body, hook, zuora_simulator):
    zuora_simulator.fault(method="POST", after_effect=True, body=body)
    assert [hook.initiate_entity_connection(NEW).id] == [id_ for id_, _ in pairs(zuora_simulator)]


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_a_request_that_did_not_arrive_is_sent_again_with_the_same_key(name, hook, zuora_simulator):
    zuora_simulator.fault(method="POST", **LOST[name], path=LIST)
    change = hook.initiate_entity_connection(NEW, idempotency_key="key-1")
    posts = zuora_simulator.requests("POST", LIST)
    assert [one.headers["idempotency-key"] for one in posts] == ["key-1", "key-1"]
    assert order(zuora_simulator) == ["GET", "POST", "GET", "POST", "GET"]
    assert (pairs(zuora_simulator), change.request_id) == ([(change.id, "Pending")], posts[-1].request_id)


def test_what_stays_unknown_is_given_up_and_said_to_be_unknown(hook, zuora_simulator, waits):
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=None)
    with pytest.raises(ZuoraOutcomeUnknownError, match="its outcome is unknown"):
        hook.initiate_entity_connection(NEW, idempotency_key="key-1")
    assert order(zuora_simulator) == ["GET", "POST"] * MAX_CHANGES + ["GET"]
    assert (pairs(zuora_simulator), len(waits)) == ([], MAX_CHANGES)


def test_the_last_lost_answer_is_found_out_too(hook, zuora_simulator):
    zuora_simulator.fault(method="POST", path=LIST, drop=True, times=MAX_CHANGES - 1)
    zuora_simulator.fault(method="POST", path=LIST, drop=True, after_effect=True)
    assert hook.initiate_entity_connection(NEW).changed
    assert len(pairs(zuora_simulator)) == 1


@pytest.mark.parametrize("duplicate_request", ["rule", "same", "new"])
def test_somebody_who_asks_at_the_same_moment_makes_no_failure(duplicate_request, hook, zuora_simulator):
    zuora_simulator.settings.update({"duplicate_request": duplicate_request})
    other = zuora_simulator.send_request(DEFAULT_ENTITY_ID, NEW)
    zuora_simulator.fault(method="GET", body={"entityConnections": [], "success": True})  # before they asked
    change = hook.initiate_entity_connection(NEW)
    assert change.status is PENDING
    assert change.id in {id_ for id_, _ in pairs(zuora_simulator)}
    assert (change.id == other) is (duplicate_request != "new")
    assert change.changed is (duplicate_request != "rule")
    assert len(zuora_simulator.requests("POST", LIST)) == 1


@pytest.mark.parametrize("reinitiate", ["new", "same", "rule"])
def test_an_old_answer_that_zuora_gives_again_is_not_taken_for_a_new_request(
    reinitiate, hook, zuora_simulator
):
    zuora_simulator.settings.update({"reinitiate": reinitiate})
    first = hook.initiate_entity_connection(NEW, idempotency_key="key-1")
    zuora_simulator.store.connections.deny(first.id, NEW)
    with pytest.raises(
        EntityConnectionStateError, match=f"names request {first.id} .* none stands.* Use another"
    ):
        hook.initiate_entity_connection(NEW, idempotency_key="key-1")
    assert pairs(zuora_simulator) == [(first.id, "Disconnected")]


def test_asking_twice_sends_one_request(hook, zuora_simulator):
    first, second = (hook.initiate_entity_connection(NEW, idempotency_key="key-1") for _ in range(2))
    assert (first.id, first.changed, second.changed) == (second.id, True, False)
    assert len(zuora_simulator.requests("POST", LIST)) == 1


def test_a_key_whose_first_request_is_still_in_progress_waits(hook, zuora_simulator, waits):
    zuora_simulator.fault("lock", method="POST", path=LIST, times=2)
    assert hook.initiate_entity_connection(NEW, idempotency_key="key-1").changed
    assert (order(zuora_simulator), len(waits)) == (["GET", "POST", "POST", "POST", "GET"], 2)


def test_the_seeded_request_is_found_and_the_entity_of_the_hook_asks(make_hook, zuora_simulator):
    assert make_hook().initiate_entity_connection(FRANCE_ENTITY_ID).id == OUTBOUND_ID
    other: Any = make_hook(entity_id=UK_ENTITY_ID).initiate_entity_connection(FRANCE_ENTITY_ID)
    assert (other.source_entity_id, other.changed) == (UK_ENTITY_ID, True)


def test_without_multi_entity_nobody_can_ask(hook, zuora_simulator):
    zuora_simulator.fault(
        path="/oauth/token",
        body={"access_token": "t", "token_type": "bearer", "expires_in": 3599, "scope": "tenant.19"},
    )
    hook.zuora_connection = dataclasses.replace(hook.zuora_connection, entity_id=None)
    with pytest.raises(ZuoraConfigError, match="give entity_id, the source entity"):
        hook.initiate_entity_connection(NEW)

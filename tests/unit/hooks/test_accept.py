from __future__ import annotations

import pytest

from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRuleError,
)
from airflow_zuora.hooks.changes import MAX_CHANGES
from airflow_zuora.models import EntityConnectionChange, EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    OUTBOUND_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UNRELATED_ID,
    US_ENTITY_ID,
)
from tests.unit.zuora import LIST, LOST, ODD_IDS, reads, status_of

PENDING, CONNECTED = EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED


def changes(simulator: ZuoraSimulator) -> int:
    return len(simulator.requests("PUT"))


def test_a_pending_request_is_accepted_with_three_calls_over_one_tcp_connection(hook, zuora_simulator):
    change = hook.accept_entity_connection(PENDING_ID)
    received = zuora_simulator.requests()
    assert change == EntityConnectionChange(
        id=PENDING_ID,
        source_entity_id=SOURCE_ENTITY_ID,
        target_entity_id=DEFAULT_ENTITY_ID,
        status=CONNECTED,
        raw_status="Connected",
        previous_status=PENDING,
        changed=True,
        request_id=received[-1].request_id,
    )
    assert [(one.method, one.path) for one in received] == [
        ("POST", "/oauth/token"),
        ("GET", LIST),
        ("PUT", f"{LIST}/{PENDING_ID}/accept"),
    ]
    assert len({one.peer_port for one in received}) == 1
    assert received[-1].body == {}
    assert status_of(zuora_simulator) == "Connected"


def test_what_is_connected_already_is_left_alone(hook, zuora_simulator):
    change = hook.accept_entity_connection(CONNECTED_ID)
    assert (change.status, change.previous_status, change.changed) == (CONNECTED, CONNECTED, False)
    assert change.request_id is None
    assert changes(zuora_simulator) == 0


def test_accepting_twice_sends_one_change(hook, zuora_simulator):
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert hook.accept_entity_connection(PENDING_ID).changed is False
    assert changes(zuora_simulator) == 1


@pytest.mark.parametrize(
    ("connection_id", "expected_source", "words"),
    [
        (DISCONNECTED_ID, None, "it is Disconnected, not Pending"),
        (OUTBOUND_ID, None, "Only the target can accept it"),
        (PENDING_ID, US_ENTITY_ID, f"comes from entity {SOURCE_ENTITY_ID}, not from {US_ENTITY_ID}"),
        (CONNECTED_ID, US_ENTITY_ID, "that was expected"),
    ],
)
def test_what_must_not_be_accepted_is_refused_before_anything_is_sent(
    connection_id, expected_source, words, hook, zuora_simulator
):
    with pytest.raises(EntityConnectionStateError, match=words):
        hook.accept_entity_connection(connection_id, expected_source_entity_id=expected_source)
    assert changes(zuora_simulator) == 0


def test_the_expected_source_may_be_written_with_hyphens(hook):
    source = "-".join(
        (SOURCE_ENTITY_ID[:8], *(SOURCE_ENTITY_ID[i : i + 4] for i in (8, 12, 16)), SOURCE_ENTITY_ID[20:])
    )
    assert hook.accept_entity_connection(PENDING_ID, expected_source_entity_id=source).changed


def test_a_wrong_expected_source_is_refused(hook, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match="expected_source_entity_id must be 32 hex digits"):
        hook.accept_entity_connection(PENDING_ID, expected_source_entity_id="x")
    assert changes(zuora_simulator) == 0


def test_a_status_that_zuora_adds_later_is_not_accepted(hook, zuora_simulator):
    row = {"id": PENDING_ID, "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    body = {"entityConnections": [{**row, "status": "Expired"}], "success": True}
    zuora_simulator.fault(method="GET", body=body)
    with pytest.raises(EntityConnectionStateError, match="it is Expired, not Pending"):
        hook.accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 0


@pytest.mark.parametrize("connection_id", ["8a8080", UNRELATED_ID])
def test_what_the_entity_cannot_see_is_not_found(connection_id, hook, zuora_simulator):
    with pytest.raises(
        ZuoraNotFoundError, match=f"no entity connection {connection_id}. Check the id"
    ) as raised:
        hook.accept_entity_connection(connection_id)
    assert "11e7215c-5d0c-9f86-b7e4-f2c1d9a1b38e" in str(raised.value)
    assert changes(zuora_simulator) == 0


@pytest.mark.parametrize("id_", ODD_IDS, ids=lambda id_: repr(id_)[:20])
def test_an_odd_id_is_refused_before_any_request(id_, hook, zuora_simulator):
    for use in (hook.accept_entity_connection, hook.get_entity_connection):
        with pytest.raises(ZuoraConfigError, match="connection_id must be an id of Zuora"):
            use(id_)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_found_out_by_reading(name, version, connect, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", after_effect=True, **LOST[name])
    change = connect(zuora_version=version).accept_entity_connection(PENDING_ID)
    assert (change.status, change.previous_status, change.changed) == (CONNECTED, PENDING, True)
    assert change.request_id is None
    assert (changes(zuora_simulator), reads(zuora_simulator), len(waits)) == (1, 2, 1)


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_a_change_that_did_not_arrive_is_sent_again_after_a_fresh_read(name, hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", **LOST[name])
    change = hook.accept_entity_connection(PENDING_ID)
    assert (change.status, change.changed) == (CONNECTED, True)
    assert change.request_id == zuora_simulator.requests("PUT")[-1].request_id
    order = [one.method for one in zuora_simulator.requests(path="/v1/*")]
    assert order == ["GET", "PUT", "GET", "PUT"]
    assert len(waits) == 1


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_what_stays_unknown_is_given_up_and_said_to_be_unknown(name, hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", times=None, **LOST[name])
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.accept_entity_connection(PENDING_ID)
    order = [one.method for one in zuora_simulator.requests(path="/v1/*")]
    assert order == ["GET", "PUT"] * MAX_CHANGES + ["GET"]
    assert status_of(zuora_simulator) == "Pending"
    assert len(waits) == MAX_CHANGES


def test_the_last_change_is_found_out_too(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", times=MAX_CHANGES - 1, drop=True)
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert changes(zuora_simulator) == MAX_CHANGES


def test_if_the_state_cannot_be_read_after_a_lost_answer_the_outcome_is_unknown(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    zuora_simulator.fault(method="GET", skip=1, times=None, status=503, headers={"Retry-After": "9"})
    with pytest.raises(ZuoraOutcomeUnknownError, match="The state could not be read either: GET") as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert raised.value.retry_after == 9
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (1, 1 + hook.max_attempts)


def test_a_connection_that_is_gone_after_a_lost_answer_is_not_found(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True)
    zuora_simulator.fault(method="GET", skip=1, body={"entityConnections": [], "success": True})
    with pytest.raises(ZuoraNotFoundError):
        hook.accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 1


@pytest.mark.parametrize("named", ["rule", "not_found"])
@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
def test_a_refusal_because_somebody_else_was_faster_is_no_failure(named, version, connect, zuora_simulator):
    zuora_simulator.fault(named, method="PUT", after_effect=True)
    change = connect(zuora_version=version).accept_entity_connection(PENDING_ID)
    assert (change.status, change.previous_status, change.changed) == (CONNECTED, PENDING, False)
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (1, 2)


@pytest.mark.parametrize(("named", "kind"), [("rule", ZuoraRuleError), ("not_found", ZuoraNotFoundError)])
def test_a_refusal_that_the_state_confirms_stays_one(named, kind, hook, zuora_simulator):
    zuora_simulator.fault(named, method="PUT")
    with pytest.raises(kind, match="PUT http"):
        hook.accept_entity_connection(PENDING_ID)
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (1, 2)
    assert status_of(zuora_simulator) == "Pending"


@pytest.mark.parametrize("repeat_accept", ["success", "rule", "not_found"])
@pytest.mark.parametrize("error_mode", ["version", "always_200", "status"])
def test_whatever_zuora_says_to_a_second_accept_the_outcome_is_the_same(
    repeat_accept, error_mode, hook, zuora_simulator
):
    zuora_simulator.settings.update({"repeat_accept": repeat_accept, "error_mode": error_mode})
    stale = hook.request("GET", LIST)
    hook.accept_entity_connection(PENDING_ID)
    zuora_simulator.fault(method="GET", body={name: stale[name] for name in ("entityConnections", "success")})
    assert hook.accept_entity_connection(PENDING_ID).status is CONNECTED
    assert changes(zuora_simulator) == 2
    assert status_of(zuora_simulator) == "Connected"


@pytest.mark.parametrize("client", ["standard", "read_only"])
@pytest.mark.parametrize("error_mode", ["always_200", "status"])
def test_a_client_without_the_right_gets_told_which(client, error_mode, connect, zuora_simulator):
    zuora_simulator.settings.update({"error_mode": error_mode})
    with pytest.raises(
        ZuoraPermissionError, match="administrator of this entity and hold .* 'API Write Access'"
    ):
        connect(client=client).accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 1
    assert status_of(zuora_simulator) == "Pending"


def test_http_200_with_success_false_is_a_failure(hook, zuora_simulator):
    zuora_simulator.fault("no_reasons", method="PUT")
    with pytest.raises(ZuoraError, match="no reason given"):
        hook.accept_entity_connection(PENDING_ID)
    assert status_of(zuora_simulator) == "Pending"

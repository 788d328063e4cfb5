from __future__ import annotations

import pytest

from airflow_zuora.client.entity_connections import MAX_CHANGES
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraError,
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
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UNRELATED_ID,
)
from tests.helpers.zuora import LIST, LOST, ODD_IDS, outcome, reads, status_of

PENDING, CONNECTED = EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED


def changes(simulator: ZuoraSimulator) -> int:
    return len(simulator.requests("PUT"))


def test_a_pending_request_is_accepted_with_three_calls_over_one_tcp_connection(hook, zuora_simulator):
    change = hook.accept_entity_connection(PENDING_ID)
    received = zuora_simulator.requests()
    assert change == EntityConnectionChange(
        EntityConnection(PENDING_ID, SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, CONNECTED, "Connected"),
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


def test_accepting_a_connected_connection_sends_nothing(hook, zuora_simulator):
    change = hook.accept_entity_connection(CONNECTED_ID)
    assert outcome(change) == (CONNECTED, CONNECTED, False)
    assert change.request_id is None
    assert changes(zuora_simulator) == 0


def test_accepting_twice_sends_one_change(hook, zuora_simulator):
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert hook.accept_entity_connection(PENDING_ID).changed is False
    assert changes(zuora_simulator) == 1


@pytest.mark.parametrize(
    ("connection_id", "words"),
    [(DISCONNECTED_ID, "it is Disconnected, not Pending"), (OUTBOUND_ID, "Only the target can accept it")],
)
def test_a_connection_that_must_not_be_accepted_is_refused_before_anything_is_sent(
    connection_id, words, hook, zuora_simulator
):
    with pytest.raises(EntityConnectionStateError, match=words):
        hook.accept_entity_connection(connection_id)
    assert changes(zuora_simulator) == 0


def test_a_status_that_zuora_adds_later_is_not_accepted(hook, zuora_simulator):
    row = {"id": PENDING_ID, "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    body = {"entityConnections": [{**row, "status": "Expired"}], "success": True}
    zuora_simulator.fault(method="GET", body=body)
    with pytest.raises(EntityConnectionStateError, match="it is Expired, not Pending"):
        hook.accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 0


@pytest.mark.parametrize("connection_id", ["8a8080", UNRELATED_ID])
def test_a_connection_that_the_entity_cannot_see_is_not_found(connection_id, hook, zuora_simulator):
    with pytest.raises(EntityConnectionNotFoundError, match=connection_id) as raised:
        hook.accept_entity_connection(connection_id)
    assert entity_uuid(DEFAULT_ENTITY_ID) in str(raised.value)
    assert zuora_simulator.url in str(raised.value)
    assert changes(zuora_simulator) == 0


@pytest.mark.parametrize("id_", ODD_IDS, ids=lambda id_: repr(id_)[:20])
def test_an_odd_id_is_refused_before_any_request(id_, hook, zuora_simulator):
    for use in (hook.accept_entity_connection, hook.get_entity_connection):
        with pytest.raises(ZuoraValueError, match="connection_id must be an id of Zuora"):
            use(id_)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_found_out_by_reading(name, version, connect, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", after_effect=True, **LOST[name])
    change = connect(zuora_version=version).accept_entity_connection(PENDING_ID)
    assert outcome(change) == (CONNECTED, PENDING, True)
    assert change.request_id is None
    assert (changes(zuora_simulator), reads(zuora_simulator), len(waits)) == (1, 2, 1)


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_a_change_that_did_not_take_effect_is_sent_again_after_a_fresh_read(
    name, hook, zuora_simulator, waits
):
    zuora_simulator.fault(method="PUT", **LOST[name])
    change = hook.accept_entity_connection(PENDING_ID)
    assert (change.connection.status, change.changed) == (CONNECTED, True)
    assert change.request_id == zuora_simulator.requests("PUT")[-1].request_id
    order = [one.method for one in zuora_simulator.requests(path="/v1/*")]
    assert order == ["GET", "PUT", "GET", "PUT"]
    assert len(waits) == 1


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_an_outcome_that_stays_unknown_is_given_up_and_raised_as_unknown(name, hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", times=None, **LOST[name])
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.accept_entity_connection(PENDING_ID)
    order = [one.method for one in zuora_simulator.requests(path="/v1/*")]
    assert order == ["GET", "PUT"] * MAX_CHANGES + ["GET"]
    assert status_of(zuora_simulator) == "Pending"
    assert len(waits) == MAX_CHANGES


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        ({"status": 403}, "HTTP 403"),
        ({"named": "rule"}, "The next attempt failed"),
        ({"status": 400}, "HTTP 400"),
        ({"status": 429, "times": None, "headers": {"Retry-After": "700"}}, "HTTP 429"),
    ],
)
def test_a_refusal_does_not_hide_that_an_answer_was_lost_before(refusal, words, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", status=504)  # it may still take effect
    zuora_simulator.fault(method="PUT", **refusal)
    with pytest.raises(ZuoraOutcomeUnknownError, match=f"HTTP 504.*outcome is unknown.*{words}"):
        hook.accept_entity_connection(PENDING_ID)
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (2, 3)


def test_a_lost_change_that_takes_effect_before_the_next_one_is_refused_is_a_success(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", status=504)
    zuora_simulator.fault(method="PUT", status=403, after_effect=True)
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (2, 3)


def test_the_last_lost_answer_is_found_out_too(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", times=MAX_CHANGES - 1, drop=True)
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert changes(zuora_simulator) == MAX_CHANGES


def test_if_the_state_cannot_be_read_after_a_lost_answer_the_outcome_is_unknown(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    zuora_simulator.fault(method="GET", skip=1, times=None, status=503, headers={"Retry-After": "9"})
    with pytest.raises(ZuoraOutcomeUnknownError, match="could not be read either: GET") as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert raised.value.retry_after == 9
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (1, 1 + hook.client.retries.attempts)


def test_a_connection_that_is_gone_after_a_lost_answer_is_not_found(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", drop=True)
    zuora_simulator.fault(method="GET", skip=1, body={"entityConnections": [], "success": True})
    with pytest.raises(EntityConnectionNotFoundError):
        hook.accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 1


@pytest.mark.parametrize("named", ["rule", "not_found"])
@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
def test_a_refusal_because_somebody_else_was_faster_is_no_failure(named, version, connect, zuora_simulator):
    zuora_simulator.fault(named, method="PUT", after_effect=True)
    change = connect(zuora_version=version).accept_entity_connection(PENDING_ID)
    assert outcome(change) == (CONNECTED, PENDING, False)
    assert (changes(zuora_simulator), reads(zuora_simulator)) == (1, 2)


@pytest.mark.parametrize(("named", "kind"), [("rule", ZuoraRuleError), ("not_found", ZuoraNotFoundError)])
def test_a_refusal_that_the_state_confirms_is_raised(named, kind, hook, zuora_simulator):
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
    assert hook.accept_entity_connection(PENDING_ID).connection.status is CONNECTED
    assert changes(zuora_simulator) == 2
    assert status_of(zuora_simulator) == "Connected"


@pytest.mark.parametrize("client", ["standard", "read_only"])
@pytest.mark.parametrize("error_mode", ["always_200", "status"])
def test_a_client_without_the_permission_is_told_which_one_it_needs(
    client, error_mode, connect, zuora_simulator
):
    zuora_simulator.settings.update({"error_mode": error_mode})
    with pytest.raises(ZuoraPermissionError, match="API Write Access"):
        connect(client=client).accept_entity_connection(PENDING_ID)
    assert changes(zuora_simulator) == 1
    assert status_of(zuora_simulator) == "Pending"


def test_http_200_with_success_false_is_a_failure(hook, zuora_simulator):
    zuora_simulator.fault("no_reasons", method="PUT")
    with pytest.raises(ZuoraError, match="no reason given"):
        hook.accept_entity_connection(PENDING_ID)
    assert status_of(zuora_simulator) == "Pending"


def test_a_connection_that_became_another_request_is_not_accepted(hook, zuora_simulator, clock):
    zuora_simulator.fault(method="PUT", drop=True)
    connections = zuora_simulator.store.connections

    def replace() -> None:
        connections.remove(PENDING_ID)
        connections.add(FRANCE_ENTITY_ID, DEFAULT_ENTITY_ID, id_=PENDING_ID)

    clock.meanwhile = replace
    with pytest.raises(EntityConnectionStateError, match=f"another request now: from.*{FRANCE_ENTITY_ID}"):
        hook.accept_entity_connection(PENDING_ID)
    assert len(zuora_simulator.requests("PUT")) == 1
    assert status_of(zuora_simulator) == "Pending"

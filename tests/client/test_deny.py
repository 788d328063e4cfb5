from __future__ import annotations

import pytest

from airflow_zuora.client.entity_connections import MAX_CHANGES
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRuleError,
    ZuoraValueError,
)
from airflow_zuora.models import EntityConnection, EntityConnectionChange, EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UNRELATED_ID,
)
from tests.helpers.zuora import (
    LIST,
    LOST,
    ODD_IDS,
    after_each_page,
    fill,
    order,
    outcome,
    shift_the_list,
    status_of,
)

PENDING, DISCONNECTED = EntityConnectionStatus.PENDING, EntityConnectionStatus.DISCONNECTED


@pytest.fixture(params=["disconnected", "removed"])
def end(request: pytest.FixtureRequest, zuora_simulator: ZuoraSimulator) -> str | None:
    """What becomes of a denied request; Zuora does not document it, so both are tested."""
    zuora_simulator.settings.update({"deny_result": request.param})
    return "Disconnected" if request.param == "disconnected" else None


def test_a_pending_request_is_denied_with_one_change(end, hook, zuora_simulator):
    change = hook.deny_entity_connection(PENDING_ID)
    (put,) = zuora_simulator.requests("PUT")
    assert change == EntityConnectionChange(
        EntityConnection(PENDING_ID, SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, DISCONNECTED, "Disconnected"),
        previous_status=PENDING,
        changed=True,
        request_id=put.request_id,
    )
    assert (put.path, put.body) == (f"{LIST}/{PENDING_ID}/deny", {})
    assert (status_of(zuora_simulator), order(zuora_simulator)) == (end, ["GET", "PUT"])


def test_denying_a_denied_request_sends_nothing(hook, zuora_simulator):
    assert hook.deny_entity_connection(PENDING_ID).changed
    again = hook.deny_entity_connection(PENDING_ID)
    assert outcome(again) == (DISCONNECTED, DISCONNECTED, False)
    assert (again.request_id, order(zuora_simulator)) == (None, ["GET", "PUT", "GET"])


def test_a_request_that_left_the_list_when_it_was_denied_is_not_found_again(hook, zuora_simulator):
    zuora_simulator.settings.update({"deny_result": "removed"})
    hook.deny_entity_connection(PENDING_ID)
    with pytest.raises(EntityConnectionNotFoundError, match=PENDING_ID):
        hook.deny_entity_connection(PENDING_ID)
    assert len(zuora_simulator.requests("PUT")) == 1


@pytest.mark.parametrize("deny_connected", ["rule", "success"])
@pytest.mark.parametrize(
    ("id_", "kind", "words"),
    [
        (CONNECTED_ID, EntityConnectionStateError, "it is Connected, not Pending. Only a Pending request"),
        (OUTBOUND_ID, EntityConnectionStateError, "Only the target can deny it"),
        (UNRELATED_ID, EntityConnectionNotFoundError, UNRELATED_ID),
        ("8a8080", EntityConnectionNotFoundError, "8a8080"),
    ],
)
def test_a_connection_that_must_not_be_denied_is_refused_before_anything_is_sent(
    id_, kind, words, deny_connected, hook, zuora_simulator
):
    zuora_simulator.settings.update({"deny_connected": deny_connected})
    before = status_of(zuora_simulator, id_)
    with pytest.raises(kind, match=words):
        hook.deny_entity_connection(id_)
    assert (status_of(zuora_simulator, id_), order(zuora_simulator)) == (before, ["GET"])


def test_an_odd_id_is_refused_before_any_request(hook, zuora_simulator):
    for id_ in ODD_IDS:
        for use in (hook.deny_entity_connection, hook.disconnect_entity_connection):
            with pytest.raises(ZuoraValueError, match="connection_id must be an id of Zuora"):
                use(id_)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("name", LOST)
def test_a_lost_answer_is_found_out_by_reading(name, end, hook, zuora_simulator, waits):
    zuora_simulator.fault(method="PUT", after_effect=True, **LOST[name])
    change = hook.deny_entity_connection(PENDING_ID)
    assert outcome(change) == (DISCONNECTED, PENDING, True)
    assert (change.connection.id, change.request_id) == (PENDING_ID, None)
    assert (order(zuora_simulator), len(waits)) == (["GET", "PUT", "GET"], 1)
    assert status_of(zuora_simulator) == end


@pytest.mark.parametrize("name", [name for name in LOST if name != "half a body"])
def test_a_denial_that_did_not_take_effect_is_sent_again_after_a_fresh_read(name, end, hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", **LOST[name])
    change = hook.deny_entity_connection(PENDING_ID)
    assert (change.changed, change.request_id) == (True, zuora_simulator.requests("PUT")[-1].request_id)
    assert order(zuora_simulator) == ["GET", "PUT", "GET", "PUT"]
    assert status_of(zuora_simulator) == end


def test_an_outcome_that_stays_unknown_is_given_up_and_raised_as_unknown(hook, zuora_simulator):
    zuora_simulator.fault(method="PUT", times=None, drop=True)
    with pytest.raises(ZuoraOutcomeUnknownError):
        hook.deny_entity_connection(PENDING_ID)
    assert order(zuora_simulator) == ["GET", "PUT"] * MAX_CHANGES + ["GET"]
    assert status_of(zuora_simulator) == "Pending"


@pytest.mark.parametrize("named", ["rule", "not_found"])
def test_a_refusal_because_somebody_else_denied_it_first_is_no_failure(named, end, hook, zuora_simulator):
    zuora_simulator.fault(named, method="PUT", after_effect=True)
    change = hook.deny_entity_connection(PENDING_ID)
    assert outcome(change) == (DISCONNECTED, PENDING, False)
    assert (order(zuora_simulator), status_of(zuora_simulator)) == (["GET", "PUT", "GET"], end)


@pytest.mark.parametrize("deny_connected", ["rule", "success"])
def test_a_request_that_somebody_accepts_after_a_lost_denial_is_not_denied_any_more(
    deny_connected, hook, zuora_simulator, clock
):
    zuora_simulator.settings.update({"deny_connected": deny_connected})
    zuora_simulator.fault(method="PUT", drop=True)
    accept = zuora_simulator.store.connections.accept
    clock.meanwhile = lambda: accept(PENDING_ID, DEFAULT_ENTITY_ID)
    with pytest.raises(EntityConnectionStateError, match="it is Connected, not Pending"):
        hook.deny_entity_connection(PENDING_ID)
    assert (order(zuora_simulator), status_of(zuora_simulator)) == (["GET", "PUT", "GET"], "Connected")


@pytest.mark.parametrize(("named", "kind"), [("rule", ZuoraRuleError), ("not_found", ZuoraNotFoundError)])
def test_a_refusal_that_the_state_confirms_is_raised(named, kind, hook, zuora_simulator):
    zuora_simulator.fault(named, method="PUT")
    with pytest.raises(kind, match="PUT http"):
        hook.deny_entity_connection(PENDING_ID)
    assert (order(zuora_simulator), status_of(zuora_simulator)) == (["GET", "PUT", "GET"], "Pending")


@pytest.mark.parametrize("client", ["standard", "read_only"])
@pytest.mark.parametrize("verb", ["deny", "disconnect"])
def test_a_client_without_the_permission_changes_nothing(client, verb, connect, zuora_simulator):
    id_ = PENDING_ID if verb == "deny" else CONNECTED_ID
    before = status_of(zuora_simulator, id_)
    with pytest.raises(ZuoraPermissionError):
        getattr(connect(client=client), f"{verb}_entity_connection")(id_)
    assert (order(zuora_simulator), status_of(zuora_simulator, id_)) == (["GET", "PUT"], before)


def behind_the_first_page(simulator: ZuoraSimulator, page_size: int) -> str:
    """Fill two pages, and return the id of the first row of the second one."""
    fill(simulator, page_size + 10)
    rows, _ = simulator.store.connections.page(DEFAULT_ENTITY_ID, None, page_size, 1)
    return rows[0].id


@pytest.fixture(params=[300, 30])
def page_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The size of Zuora's pages, which may be smaller than what the client asks for."""
    monkeypatch.setattr("airflow_zuora.simulator.routes.connections.MAX_PAGE", request.param)
    return int(request.param)


def test_a_row_that_slips_to_a_page_already_read_is_found_by_reading_the_list_again(
    hook, zuora_simulator, page_size
):
    slipping = behind_the_first_page(zuora_simulator, page_size)
    shift_the_list(zuora_simulator, DISCONNECTED_ID)
    assert hook.get_entity_connection(slipping).id == slipping
    assert len(zuora_simulator.requests("GET", LIST)) == 3


def test_a_row_that_slips_is_not_taken_for_one_that_was_denied(hook, zuora_simulator, clock, page_size):
    slipping = behind_the_first_page(zuora_simulator, page_size)
    zuora_simulator.settings.update({"deny_result": "removed"})
    zuora_simulator.fault(method="PUT", drop=True)
    clock.meanwhile = lambda: shift_the_list(zuora_simulator, DISCONNECTED_ID)
    assert hook.deny_entity_connection(slipping).changed
    assert order(zuora_simulator) == ["GET", "GET", "PUT", "GET", "GET", "GET", "PUT"]
    assert status_of(zuora_simulator, slipping) is None


def test_a_list_that_changes_while_it_is_read_gives_no_row_twice_and_no_error(hook, zuora_simulator):
    fill(zuora_simulator, 950)
    connections = zuora_simulator.store.connections

    def change(_: int) -> None:
        for _ in range(10):
            connections.remove(connections.all()[12].id)
            connections.add(SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, PENDING)

    after_each_page(zuora_simulator, change)
    for _ in range(5):
        found = [one.id for one in hook.list_entity_connections("inbound")]
        assert len(found) == len(set(found))
        assert len(found) > 900
        assert set(PENDING_IDS) <= set(found)


def test_an_error_of_the_list_is_not_taken_for_a_request_that_is_gone(hook, zuora_simulator):
    zuora_simulator.fault("not_found", times=None, skip=1)  # after the first read
    with pytest.raises(ZuoraNotFoundError):
        hook.deny_entity_connection(PENDING_ID)
    assert zuora_simulator.store.connections.get(PENDING_ID).status == "Pending"

from __future__ import annotations

import pytest

from airflow_zuora.exceptions import EntityConnectionStateError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_uuid
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT

SOURCE, TARGET, OTHER = "a" * 32, "b" * 32, "c" * 32


def connection(status: str) -> EntityConnection:
    return EntityConnection("8a80", SOURCE, TARGET, EntityConnectionStatus(status), status)


@pytest.mark.parametrize("status", ["Pending", "Connected"])
@pytest.mark.parametrize("here", [None, TARGET, entity_uuid(TARGET).upper()])
@pytest.mark.parametrize("expected", [None, SOURCE, entity_uuid(SOURCE)])
def test_the_target_may_accept_what_waits_or_is_accepted_already(status, here, expected):
    ACCEPT.check(connection(status), here, expected)


@pytest.mark.parametrize("status", ["Disconnected", "Denied", "Unknown"])
def test_another_status_is_named_with_what_to_do(status):
    with pytest.raises(EntityConnectionStateError, match=f"8a80: it is {status}, not Pending. It was denied"):
        ACCEPT.check(connection(status), TARGET)


@pytest.mark.parametrize("here", [SOURCE, OTHER])
@pytest.mark.parametrize("status", ["Pending", "Connected", "Disconnected"])
def test_only_the_target_may_accept(here, status):
    with pytest.raises(EntityConnectionStateError, match=f"request to entity {TARGET}, and this is {here}"):
        ACCEPT.check(connection(status), here)


@pytest.mark.parametrize("status", ["Pending", "Connected", "Disconnected"])
def test_a_request_of_another_source_than_the_human_saw_is_refused(status):
    with pytest.raises(EntityConnectionStateError, match=f"comes from entity {SOURCE}, not from {OTHER}"):
        ACCEPT.check(connection(status), TARGET, OTHER)


@pytest.mark.parametrize(
    ("transition", "fits", "advice"),
    [
        (DENY, {"Pending", "Disconnected"}, "Only a Pending request can be denied"),
        (DISCONNECT, {"Connected", "Disconnected"}, "a Pending request can be denied"),
    ],
    ids=["deny", "disconnect"],
)
@pytest.mark.parametrize("status", ["Pending", "Connected", "Disconnected", "Unknown"])
def test_each_change_has_its_own_start_and_end(transition, fits, advice, status):
    if status in fits:
        transition.check(connection(status), TARGET)
    else:
        with pytest.raises(EntityConnectionStateError, match=f"Cannot {transition.verb} .* {advice}"):
            transition.check(connection(status), TARGET)


def test_the_source_may_disconnect_but_not_deny():
    DISCONNECT.check(connection("Connected"), SOURCE)
    with pytest.raises(EntityConnectionStateError, match="Only the target can deny it"):
        DENY.check(connection("Pending"), SOURCE)

from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraValueError,
)
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_uuid
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT, ConnectionIndex, Transition, Wait, reachable

SOURCE, TARGET, OTHER = "a" * 32, "b" * 32, "c" * 32
PENDING, CONNECTED, DISCONNECTED = "Pending", "Connected", "Disconnected"
NEW = "Expired"  # a status that Zuora may add later
STATUSES = (PENDING, CONNECTED, DISCONNECTED, NEW)


def connection(status: str, id_: str = "8a1", source: str = SOURCE) -> EntityConnection:
    return EntityConnection(id_, source, TARGET, EntityConnectionStatus(status), status)


@pytest.mark.parametrize("acting", [None, TARGET, entity_uuid(TARGET).upper()])
@pytest.mark.parametrize(
    ("transition", "statuses"),
    [
        (ACCEPT, (PENDING, CONNECTED)),
        (DENY, (PENDING, DISCONNECTED)),
        (DISCONNECT, (CONNECTED, DISCONNECTED)),
    ],
    ids=["accept", "deny", "disconnect"],
)
def test_the_target_may_make_a_change_from_its_start_or_after_its_end(
    transition: Transition, statuses: tuple[str, ...], acting: str | None
) -> None:
    for status in STATUSES:
        if status in statuses:
            transition.check(connection(status), acting)
        else:
            with pytest.raises(EntityConnectionStateError) as raised:
                transition.check(connection(status), acting)
            for part in (transition.verb, "8a1", f"is {status}, not {transition.start}", transition.advice):
                assert part in str(raised.value)


@pytest.mark.parametrize("transition", [ACCEPT, DENY], ids=["accept", "deny"])
@pytest.mark.parametrize("acting", [SOURCE, OTHER])
@pytest.mark.parametrize("status", STATUSES)
def test_only_the_target_may_accept_or_deny(transition: Transition, acting: str, status: str) -> None:
    with pytest.raises(
        EntityConnectionStateError, match=f"Only the target .*entity_id to {TARGET}"
    ) as raised:
        transition.check(connection(status), acting)
    assert acting in str(raised.value)


def test_the_source_may_disconnect() -> None:
    DISCONNECT.check(connection(CONNECTED), SOURCE)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(PENDING, {CONNECTED, DISCONNECTED}), (CONNECTED, {DISCONNECTED}), (DISCONNECTED, set())],
)
def test_what_can_become_of_a_status_follows_from_the_changes(status: str, expected: set[str]) -> None:
    assert reachable(EntityConnectionStatus(status)) == expected


def test_a_status_that_is_not_known_may_become_any_other() -> None:
    assert reachable(EntityConnectionStatus.UNKNOWN) == set(EntityConnectionStatus)


WANTED = [
    (PENDING,),
    (CONNECTED,),
    (DISCONNECTED,),
    (PENDING, CONNECTED),
    (PENDING, DISCONNECTED),
    (CONNECTED, DISCONNECTED),
    (PENDING, CONNECTED, DISCONNECTED),
]
# A wait goes on from the one status for the others.
GOES_ON = {
    (PENDING, (CONNECTED,)),
    (PENDING, (DISCONNECTED,)),
    (PENDING, (CONNECTED, DISCONNECTED)),
    (CONNECTED, (DISCONNECTED,)),
    (CONNECTED, (PENDING, DISCONNECTED)),
    *((NEW, wanted) for wanted in WANTED),
}


def by_id(*statuses: str) -> Wait:
    return Wait.checked("8a1", None, None, statuses)


def by_source(*statuses: str) -> Wait:
    return Wait.checked(None, SOURCE, None, statuses)


def match(wait: Wait, *connections: EntityConnection) -> EntityConnection | None:
    return wait.match(ConnectionIndex(connections))


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
@pytest.mark.parametrize("status", STATUSES)
def test_a_wait_by_id_ends_goes_on_or_fails(status: str, wanted: tuple[str, ...]) -> None:
    found = connection(status)
    if status in wanted:
        assert match(by_id(*wanted), connection(CONNECTED, "8a2"), found) == found
    elif (status, wanted) in GOES_ON:
        assert match(by_id(*wanted), found) is None
    else:
        words = f"8a1 is {status} .*no longer become {' or '.join(sorted(wanted))}"
        with pytest.raises(EntityConnectionStateError, match=words):
            match(by_id(*wanted), found)


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
@pytest.mark.parametrize("status", STATUSES)
def test_a_wait_by_source_goes_on_for_a_new_request_where_pending_is_wanted(
    status: str, wanted: tuple[str, ...]
) -> None:
    found = connection(status)
    if status in wanted:
        assert match(by_source(*wanted), connection(wanted[0], "8a2", OTHER), found) == found
    elif (status, wanted) in GOES_ON or PENDING in wanted:
        assert match(by_source(*wanted), found) is None
    else:
        with pytest.raises(EntityConnectionStateError, match="no longer become"):
            match(by_source(*wanted), found)


@pytest.mark.parametrize("others", [[], [connection(CONNECTED, "8a2")], [connection(CONNECTED, "8a10")]])
def test_a_wait_for_a_connection_that_is_not_on_the_list_fails(others: list[EntityConnection]) -> None:
    with pytest.raises(EntityConnectionNotFoundError, match="8a1"):
        match(by_id(CONNECTED), *others)


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
def test_a_source_without_a_request_is_waited_for(wanted: tuple[str, ...]) -> None:
    assert match(by_source(*wanted)) is None
    assert match(by_source(*wanted), connection(wanted[0], source=OTHER)) is None


@pytest.mark.parametrize(
    ("source", "target", "ids"),
    [(SOURCE, None, "12"), (None, TARGET, "13"), (SOURCE, TARGET, "1"), (OTHER, SOURCE, "")],
)
def test_a_wait_may_name_the_source_the_target_or_both(
    source: str | None, target: str | None, ids: str
) -> None:
    rows = [
        EntityConnection("1", SOURCE, TARGET, EntityConnectionStatus.CONNECTED, CONNECTED),
        EntityConnection("2", SOURCE, OTHER, EntityConnectionStatus.CONNECTED, CONNECTED),
        EntityConnection("3", OTHER, TARGET, EntityConnectionStatus.CONNECTED, CONNECTED),
    ]
    wait = Wait.checked(None, source, target, [CONNECTED])
    found = {row.id for row in rows if match(wait, row)}
    assert found == set(ids)
    assert (match(wait, *rows) is None) == (not ids)


def test_one_of_several_connections_of_a_source_is_enough() -> None:
    ended, pending, connected = (
        connection(DISCONNECTED, "8a1"),
        connection(PENDING, "8a2"),
        connection(CONNECTED, "8a3"),
    )
    assert match(by_source(CONNECTED), ended, pending, connected) == connected
    assert match(by_source(CONNECTED), ended, pending) is None
    with pytest.raises(EntityConnectionStateError, match=r"8a1 is Disconnected.*8a4 is Disconnected"):
        match(by_source(CONNECTED), ended, connection(DISCONNECTED, "8a4"))


def test_an_error_about_hundreds_of_connections_stays_readable() -> None:
    ended = [connection(DISCONNECTED, f"8a{number}") for number in range(511)]
    with pytest.raises(EntityConnectionStateError, match="491 more and can no longer become") as raised:
        match(by_source(CONNECTED), *ended)
    assert len(str(raised.value)) < 2000


def test_the_entities_of_a_wait_may_be_written_with_hyphens_and_capitals() -> None:
    wait = Wait.checked(None, entity_uuid(SOURCE).upper(), entity_uuid(TARGET), [CONNECTED])
    assert wait == Wait.checked(None, SOURCE, TARGET, [CONNECTED])
    assert match(wait, connection(CONNECTED)) == connection(CONNECTED)


def test_the_statuses_of_a_wait_may_be_any_collection() -> None:
    status = EntityConnectionStatus.CONNECTED
    for statuses in ([status], {"Connected"}, ("Connected", "Connected"), frozenset({status})):
        assert Wait.checked("8a1", None, None, statuses).statuses == {status}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None, None, None, [CONNECTED]), "either connection_id, or"),
        (("8a1", SOURCE, None, [CONNECTED]), "either connection_id, or"),
        (("8a1", None, TARGET, [CONNECTED]), "either connection_id, or"),
        (("../x", None, None, [CONNECTED]), "connection_id must be an id"),
        (("", None, None, [CONNECTED]), "connection_id must be an id"),
        ((8, None, None, [CONNECTED]), "connection_id must be an id"),
        ((None, "Acme", None, [CONNECTED]), "source_entity_id must be 32 hex digits"),
        ((None, "", None, [CONNECTED]), "source_entity_id must be 32 hex digits"),
        ((None, SOURCE, "Acme", [CONNECTED]), "target_entity_id must be 32 hex digits"),
        (("8a1", None, None, "Connected"), "statuses must be a list"),
        (("8a1", None, None, []), "statuses must be a list"),
        (("8a1", None, None, None), "statuses must be a list"),
        (("8a1", None, None, 5), "statuses must be a list"),
        (("8a1", None, None, ["connected"]), "status must be one of Pending, Connected, Disconnected"),
        (("8a1", None, None, ["Unknown"]), "status must be one of"),
        (("8a1", None, None, [CONNECTED, None]), "status must be one of"),
        (("8a1", None, None, [[CONNECTED]]), "status must be one of"),
    ],
    ids=str,
)
def test_wrong_arguments_of_a_wait_are_named(arguments: Any, words: str) -> None:
    with pytest.raises(ZuoraValueError, match=words):
        Wait.checked(*arguments)

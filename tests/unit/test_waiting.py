from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraConfigError, ZuoraNotFoundError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus, entity_uuid
from airflow_zuora.waiting import Wait

OURS, OTHERS, TARGET = "a" * 32, "b" * 32, "c" * 32
PENDING, CONNECTED, DISCONNECTED = "Pending", "Connected", "Disconnected"
EVERY = (PENDING, CONNECTED, DISCONNECTED, "Expired")


def row(status: str, id_: str = "8a1", source: str = OURS) -> EntityConnection:
    return EntityConnection(id_, source, TARGET, EntityConnectionStatus(status), status)


def by_id(*statuses: str) -> Wait:
    return Wait.checked("8a1", None, statuses)


def by_source(*statuses: str) -> Wait:
    return Wait.checked(None, OURS, statuses)


# From which status a wait for which statuses goes on; Expired is one that Zuora may add later.
GOES_ON = {
    (PENDING, (CONNECTED,)),
    (PENDING, (DISCONNECTED,)),
    (PENDING, (CONNECTED, DISCONNECTED)),
    (CONNECTED, (DISCONNECTED,)),
    (CONNECTED, (PENDING, DISCONNECTED)),
    *(("Expired", wanted) for wanted in [(PENDING,), (CONNECTED,), (DISCONNECTED,)]),
    *(("Expired", wanted) for wanted in [(PENDING, CONNECTED), (CONNECTED, DISCONNECTED)]),
    ("Expired", (PENDING, DISCONNECTED)),
    ("Expired", (PENDING, CONNECTED, DISCONNECTED)),
}
WANTED = [
    (PENDING,),
    (CONNECTED,),
    (DISCONNECTED,),
    (PENDING, CONNECTED),
    (PENDING, DISCONNECTED),
    (CONNECTED, DISCONNECTED),
    (PENDING, CONNECTED, DISCONNECTED),
]


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
@pytest.mark.parametrize("status", EVERY)
def test_a_wait_by_id_is_over_goes_on_or_is_in_vain(status: str, wanted: tuple[str, ...]) -> None:
    found = row(status)
    if status in wanted:
        assert by_id(*wanted).look([row(CONNECTED, "8a2"), found]) == found
    elif (status, wanted) in GOES_ON:
        assert by_id(*wanted).look([found]) is None
    else:
        words = f"Waiting for {' or '.join(sorted(wanted))} is in vain: .* 8a1 is {status}, and cannot"
        with pytest.raises(EntityConnectionStateError, match=words):
            by_id(*wanted).look([found])


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
@pytest.mark.parametrize("status", EVERY)
def test_a_wait_by_source_waits_for_a_new_request_where_pending_will_do(
    status: str, wanted: tuple[str, ...]
) -> None:
    found = row(status)
    if status in wanted:
        assert by_source(*wanted).look([row(wanted[0], "8a2", OTHERS), found]) == found
    elif (status, wanted) in GOES_ON or PENDING in wanted:
        assert by_source(*wanted).look([found]) is None
    else:
        with pytest.raises(EntityConnectionStateError, match="is in vain"):
            by_source(*wanted).look([found])


@pytest.mark.parametrize("others", [[], [row(CONNECTED, "8a2")], [row(CONNECTED, "8a10")]])
def test_a_connection_that_is_not_on_the_list_is_not_found(others: list[EntityConnection]) -> None:
    with pytest.raises(ZuoraNotFoundError, match="8a1 is not, or no longer, on the list"):
        by_id(CONNECTED).look(others)


@pytest.mark.parametrize("wanted", WANTED, ids="+".join)
def test_a_source_that_has_not_asked_yet_is_waited_for(wanted: tuple[str, ...]) -> None:
    assert by_source(*wanted).look([]) is None
    assert by_source(*wanted).look([row(wanted[0], source=OTHERS)]) is None


def test_of_several_connections_of_a_source_one_is_enough() -> None:
    old, waiting, connected = row(DISCONNECTED, "8a1"), row(PENDING, "8a2"), row(CONNECTED, "8a3")
    assert by_source(CONNECTED).look(iter([old, waiting, connected])) == connected
    assert by_source(CONNECTED).look([old, waiting]) is None
    with pytest.raises(EntityConnectionStateError, match="8a1 is Disconnected, 8a4 is Disconnected"):
        by_source(CONNECTED).look([old, row(DISCONNECTED, "8a4")])


def test_the_source_may_be_written_with_hyphens_and_capitals() -> None:
    wait = Wait.checked(None, entity_uuid(OURS).upper(), [CONNECTED])
    assert wait == by_source(CONNECTED)
    assert wait.look([row(CONNECTED)]) == row(CONNECTED)


def test_statuses_may_be_any_collection_of_names() -> None:
    status = EntityConnectionStatus.CONNECTED
    for statuses in ([status], {"Connected"}, ("Connected", "Connected"), frozenset({status})):
        assert Wait.checked("8a1", None, statuses).statuses == {status}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None, None, [CONNECTED]), "either connection_id or source_entity_id"),
        (("8a1", OURS, [CONNECTED]), "either connection_id or source_entity_id"),
        (("../x", None, [CONNECTED]), "connection_id must be an id"),
        (("", None, [CONNECTED]), "connection_id must be an id"),
        ((8, None, [CONNECTED]), "connection_id must be an id"),
        ((None, "Acme", [CONNECTED]), "source_entity_id must be 32 hex digits"),
        ((None, "", [CONNECTED]), "source_entity_id must be 32 hex digits"),
        (("8a1", None, "Connected"), "must be a list of statuses"),
        (("8a1", None, []), "must be a list of statuses"),
        (("8a1", None, None), "must be a list of statuses"),
        (("8a1", None, 5), "must be a list of statuses"),
        (("8a1", None, ["connected"]), "status must be one of Pending, Connected, Disconnected"),
        (("8a1", None, ["Unknown"]), "status must be one of"),
        (("8a1", None, [CONNECTED, None]), "status must be one of"),
        (("8a1", None, [[CONNECTED]]), "status must be one of"),
    ],
    ids=str,
)
def test_what_cannot_be_waited_for_is_refused_with_what_belongs_there(arguments: Any, words: str) -> None:
    with pytest.raises(ZuoraConfigError, match=words):
        Wait.checked(*arguments)

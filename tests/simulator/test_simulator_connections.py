"""The life of a connection: each status, each action, each setting, without HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora.models import EntityConnectionStatus as Status
from airflow_zuora.simulator import seed
from airflow_zuora.simulator.errors import Category, ZuoraError
from airflow_zuora.simulator.settings import Settings
from airflow_zuora.simulator.store import Store

SOURCE, TARGET, OTHER = seed.JAPAN_ENTITY_ID, seed.UK_ENTITY_ID, seed.FRANCE_ENTITY_ID
PENDING, CONNECTED, DISCONNECTED = Status.PENDING, Status.CONNECTED, Status.DISCONNECTED
RULE, NOT_FOUND, PERMISSION = Category.RULE, Category.NOT_FOUND, Category.PERMISSION


def outcome(
    action: str, status: Status, entity_id: str = TARGET, **settings: Any
) -> Status | Category | None:
    """Act on a connection; give its status afterwards, ``None`` if it is gone, or the error's category."""
    store = Store(Settings(**settings))
    row = store.connections.add(SOURCE, TARGET, status)
    try:
        getattr(store.connections, action)(row.id, entity_id)
    except ZuoraError as error:
        assert store.connections.get(row.id).status is status, "a refused action changes nothing"
        return error.category
    return next((c.status for c in store.connections.all() if c.id == row.id), None)


@pytest.mark.parametrize(
    ("action", "status", "settings", "expected"),
    [
        ("accept", PENDING, {}, CONNECTED),
        ("accept", CONNECTED, {}, CONNECTED),
        ("accept", CONNECTED, {"repeat_accept": "rule"}, RULE),
        ("accept", CONNECTED, {"repeat_accept": "not_found"}, NOT_FOUND),
        ("accept", DISCONNECTED, {}, RULE),
        ("accept", DISCONNECTED, {"accept_after_end": "not_found"}, NOT_FOUND),
        ("deny", PENDING, {}, DISCONNECTED),
        ("deny", PENDING, {"deny_result": "removed"}, None),
        ("deny", CONNECTED, {}, RULE),
        ("deny", CONNECTED, {"deny_connected": "success"}, DISCONNECTED),
        ("deny", DISCONNECTED, {}, RULE),
        ("disconnect", CONNECTED, {}, DISCONNECTED),
        ("disconnect", PENDING, {}, RULE),
        ("disconnect", PENDING, {"disconnect_pending": "success"}, DISCONNECTED),
        ("disconnect", DISCONNECTED, {}, RULE),
    ],
)
def test_an_action_leads_to_the_status_that_the_settings_say(
    action: str, status: Status, settings: dict[str, Any], expected: object
) -> None:
    assert outcome(action, status, **settings) == expected


@pytest.mark.parametrize("action", ["accept", "deny"])
@pytest.mark.parametrize(
    ("setting", "expected"), [("permission", PERMISSION), ("rule", RULE), ("not_found", NOT_FOUND)]
)
def test_the_source_cannot_answer_its_own_request(action: str, setting: str, expected: Category) -> None:
    assert outcome(action, PENDING, SOURCE, wrong_side=setting) == expected


def test_either_side_may_disconnect() -> None:
    assert outcome("disconnect", CONNECTED, SOURCE) is DISCONNECTED


@pytest.mark.parametrize("action", ["accept", "deny", "disconnect"])
def test_a_connection_does_not_exist_for_others(action: str) -> None:
    assert outcome(action, PENDING, OTHER) is NOT_FOUND


@pytest.mark.parametrize(
    ("status", "settings", "expected"),
    [
        (PENDING, {}, RULE),
        (PENDING, {"duplicate_request": "new"}, "another row"),
        (PENDING, {"duplicate_request": "same"}, "the same row"),
        (CONNECTED, {}, RULE),
        (CONNECTED, {"duplicate_request": "same"}, "the same row"),
        (DISCONNECTED, {}, "another row"),
        (DISCONNECTED, {"reinitiate": "same"}, "the same row"),
        (DISCONNECTED, {"reinitiate": "rule"}, RULE),
    ],
)
def test_asking_again_does_what_the_settings_say(
    status: Status, settings: dict[str, Any], expected: object
) -> None:
    store = Store(Settings(**settings))
    row = store.connections.add(SOURCE, TARGET, status)
    if expected is RULE:
        with pytest.raises(ZuoraError, match="already exists"):
            store.send_request(SOURCE, TARGET)
        return
    again = store.send_request(SOURCE, TARGET)
    assert expected == ("the same row" if again.id == row.id else "another row")
    kept = again.id == row.id and status is CONNECTED
    assert again.status is (CONNECTED if kept else PENDING)


def test_a_live_row_counts_although_a_newer_one_has_ended() -> None:
    store = Store(Settings(duplicate_request="new"))
    store.send_request(SOURCE, TARGET)
    second = store.send_request(SOURCE, TARGET)
    store.connections.deny(second.id, TARGET)
    store.settings.duplicate_request = "rule"
    with pytest.raises(ZuoraError, match="already exists"):
        store.send_request(SOURCE, TARGET)


@pytest.mark.parametrize(
    ("source", "target", "category"),
    [
        (SOURCE, SOURCE, RULE),
        (SOURCE, seed.UNPROVISIONED_ENTITY_ID, RULE),
        (SOURCE, "0" * 32, NOT_FOUND),
        ("0" * 32, TARGET, NOT_FOUND),
    ],
)
def test_a_request_needs_two_different_provisioned_entities(
    source: str, target: str, category: Category
) -> None:
    with pytest.raises(ZuoraError) as caught:
        Store().send_request(source, target)
    assert caught.value.category is category


def test_a_page_is_a_slice_of_the_list_in_the_order_of_creation() -> None:
    store = Store(pending=100)
    first, more = store.connections.page(seed.DEFAULT_ENTITY_ID, "inbound", 0, 60)
    rest, end = store.connections.page(seed.DEFAULT_ENTITY_ID, "inbound", 60, 60)
    assert (len(first), more, len(rest), end) == (60, True, 45, False)
    inbound = [c for c in store.connections.all() if c.target_entity_id == seed.DEFAULT_ENTITY_ID]
    assert first + rest == inbound
    assert store.connections.page("0" * 32, None, 0, 60) == ([], False)


def test_the_seed_is_what_its_constants_say() -> None:
    store = Store()
    get = store.connections.get
    for id_ in seed.PENDING_IDS:
        assert (get(id_).target_entity_id, get(id_).status) == (seed.DEFAULT_ENTITY_ID, PENDING)
    assert get(seed.PENDING_ID).source_entity_id == seed.SOURCE_ENTITY_ID
    assert get(seed.CONNECTED_ID).status is CONNECTED
    assert get(seed.DISCONNECTED_ID).status is DISCONNECTED
    assert get(seed.OUTBOUND_ID).source_entity_id == seed.DEFAULT_ENTITY_ID
    unrelated = get(seed.UNRELATED_ID)
    assert seed.DEFAULT_ENTITY_ID not in (unrelated.source_entity_id, unrelated.target_entity_id)
    assert not store.entities.get(seed.UNPROVISIONED_ENTITY_ID).provisioned


def test_the_seed_has_no_two_rows_of_the_same_pair_and_only_real_looking_ids() -> None:
    store = Store(pending=1000)
    rows = store.connections.all()
    assert len({(row.source_entity_id, row.target_entity_id) for row in rows}) == len(rows)
    ids = [row.id for row in rows] + [entity.id for entity in store.entities.all()]
    assert len(set(ids)) == len(ids)
    assert all(len(id_) == 32 and int(id_, 16) for id_ in ids)
    for client in seed.clients():
        assert len(client.id) == 36
        assert len(client.secret) <= 42


def test_a_reset_brings_back_rows_settings_and_revokes_tokens() -> None:
    store = Store(Settings(repeat_accept="rule"))
    before = store.connections.all()
    store.settings.update({"repeat_accept": "not_found"})
    store.connections.accept(seed.PENDING_ID, seed.DEFAULT_ENTITY_ID)
    token = store.access.issue(store.access.named("default"))
    store.reset()
    assert store.connections.all() == before
    assert store.settings.repeat_accept == "rule"
    with pytest.raises(ZuoraError):
        store.access.token(f"Bearer {token.value}")

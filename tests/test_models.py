from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraResponseError, ZuoraValueError
from airflow_zuora.models import (
    Entity,
    EntityConnection,
    EntityConnectionChange,
    EntityConnectionStatus,
    check_track_id,
    entity_hex,
    entity_uuid,
    zuora_id,
)
from airflow_zuora.texts import shorten
from tests.helpers.zuora import ODD_IDS

HEX = "11e643f4a3ee8badb0610025904c756d"
UUID = "11e643f4-a3ee-8bad-b061-0025904c756d"
ROW = {"id": "8a80", "sourceEntityId": HEX, "targetEntityId": UUID.upper(), "status": "Pending"}


@pytest.mark.parametrize("text", [HEX, UUID, HEX.upper(), UUID.upper()])
def test_an_entity_id_is_read_in_both_forms(text):
    assert entity_uuid(text) == UUID
    assert entity_hex(text) == HEX


@pytest.mark.parametrize(
    "wrong",
    [None, 5, b"11e643f4a3ee8badb0610025904c756d", "", " ", HEX[:-1], HEX + "0", HEX[:-1] + "g", UUID + "\n"]
    + [UUID.replace("-", "", 1), "-" + HEX, "{" + UUID + "}", "١" * 32, HEX[:31] + "é", "x" * 10_000],
)
def test_anything_else_is_refused_as_an_entity_id(wrong):
    with pytest.raises(ZuoraValueError, match="entity_id must be 32 hex digits") as raised:
        entity_uuid(wrong)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("id_", ["a", "8a80825555a3c7a10155b460f53858e6", "2c92-c0f9_X", "x" * 64])
def test_an_id_of_letters_and_digits_may_go_into_a_path(id_):
    assert zuora_id(id_, "connection_id") == id_


@pytest.mark.parametrize("id_", ODD_IDS, ids=lambda id_: repr(id_)[:20])
def test_any_other_id_is_refused_by_name(id_):
    with pytest.raises(ZuoraValueError, match=r"^connection_id must be an id of Zuora") as raised:
        zuora_id(id_, "connection_id")
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    "track_id",
    ["", "x" * 65, "a:b", "a;b", 'a"b', "a'b", "é", "a\n", "\ta", "a\x7f", 5, b"a", True, []]
    + [" ", " a", "a "],
)
def test_a_track_id_that_breaks_zuoras_rule_is_refused(track_id):
    with pytest.raises(ZuoraValueError, match="track_id must be 1 to 64 printable ASCII"):
        check_track_id(track_id)


@given(st.text(max_size=70))
def test_what_passes_as_a_track_id_is_what_zuora_documents(text):
    allowed = 1 <= len(text) <= 64 and text.isascii() and text.isprintable() and not set(text) & set(":;\"'")
    allowed = allowed and text == text.strip()  # HTTP does not keep blanks at the ends
    if allowed:
        assert check_track_id(text) == text
    else:
        with pytest.raises(ZuoraValueError):
            check_track_id(text)


@given(st.uuids())
def test_both_forms_of_any_uuid_lead_to_each_other(uuid):
    assert entity_uuid(uuid.hex) == str(uuid)
    assert entity_hex(str(uuid)) == uuid.hex


def test_a_status_is_known_or_unknown():
    assert EntityConnectionStatus("Pending") is EntityConnectionStatus.PENDING
    assert EntityConnectionStatus("Denied") is EntityConnectionStatus.UNKNOWN
    assert EntityConnectionStatus.parse("Connected") is EntityConnectionStatus.CONNECTED


@pytest.mark.parametrize("wrong", ["pending", "", "Unknown", None, 5, [], {}])
def test_a_status_that_a_user_gives_must_be_documented(wrong):
    with pytest.raises(ZuoraValueError, match="one of Pending, Connected, Disconnected"):
        EntityConnectionStatus.parse(wrong)


def test_a_connection_is_read_and_unknown_fields_are_ignored():
    found = EntityConnection.from_api({**ROW, "createdOn": "2026-01-01", "more": {}})
    assert found == EntityConnection(
        id="8a80",
        source_entity_id=HEX,
        target_entity_id=HEX,
        status=EntityConnectionStatus.PENDING,
        raw_status="Pending",
    )


def test_a_new_status_is_kept_as_zuora_wrote_it():
    found = EntityConnection.from_api({**ROW, "status": "Denied"})
    assert (found.status, found.raw_status) == (EntityConnectionStatus.UNKNOWN, "Denied")


@pytest.mark.parametrize("field", list(ROW))
@pytest.mark.parametrize("value", [None, "", 5, True, [], {}])
def test_a_connection_without_one_of_its_fields_is_refused(field, value):
    with pytest.raises(ZuoraResponseError, match=f"an entity connection without {field}"):
        EntityConnection.from_api({**ROW, field: value})


@pytest.mark.parametrize("row", [None, 5, "Pending", [ROW]])
def test_a_row_must_be_an_object(row):
    with pytest.raises(ZuoraResponseError, match="in place of an entity connection"):
        EntityConnection.from_api(row)


@pytest.mark.parametrize("field", ["sourceEntityId", "targetEntityId"])
def test_a_connection_with_a_malformed_entity_id_is_refused(field):
    with pytest.raises(ZuoraResponseError, match="malformed entity id: entity_id must be"):
        EntityConnection.from_api({**ROW, field: "x"})


def test_a_connection_with_another_status_is_otherwise_the_same():
    found = EntityConnection.from_api(ROW).with_status(EntityConnectionStatus.CONNECTED)
    assert found == EntityConnection("8a80", HEX, HEX, EntityConnectionStatus.CONNECTED, "Connected")


@pytest.mark.parametrize(("previous", "written"), [(EntityConnectionStatus.PENDING, "Pending"), (None, None)])
def test_a_change_as_plain_data_is_json(previous, written):
    change = EntityConnectionChange(EntityConnection.from_api(ROW), previous, changed=True, request_id="r-1")
    assert json.loads(json.dumps(change.as_dict())) == {
        "connection_id": "8a80",
        "source_entity_id": HEX,
        "target_entity_id": HEX,
        "status": "Pending",
        "previous_status": written,
        "changed": True,
        "request_id": "r-1",
    }
    assert type(change.as_dict()["previous_status"]) in (str, type(None))


@pytest.mark.parametrize("read", [entity_uuid, entity_hex])
def test_a_wrong_entity_id_is_named_as_the_argument(read):
    with pytest.raises(ZuoraValueError, match="^target_entity_id must be 32 hex digits"):
        read("x", "target_entity_id")


def test_a_connection_as_plain_data_names_its_entities_where_they_are_known():
    plain = {"connection_id": "8a80", "source_entity_id": HEX, "target_entity_id": HEX, "status": "Denied"}
    found = EntityConnection.from_api({**ROW, "status": "Denied"})
    assert found.as_dict() == plain
    assert found.as_dict([]) == {**plain, "source_name": HEX, "target_name": HEX}
    known = [Entity(HEX, "x", "Acme", None, "Provisioned")]
    assert found.as_dict(known) == {**plain, "source_name": "Acme", "target_name": "Acme"}


def test_an_entity_shows_its_display_name_or_its_name():
    row: dict[str, Any] = {
        "id": HEX,
        "name": "Acme",
        "status": "Provisioned",
        "parentId": None,
        "locale": "x",
    }
    assert Entity.from_api(row) == Entity(HEX, "Acme", "Acme", None, "Provisioned")
    assert Entity.from_api({**row, "displayName": "ACME Inc."}).display_name == "ACME Inc."


def test_an_entity_knows_its_parent():
    row = {"id": HEX, "name": "Acme", "status": "Provisioned", "parentId": UUID}
    assert Entity.from_api(row).parent_id == HEX


@pytest.mark.parametrize(
    "row", [None, [], {}, {"id": HEX, "name": "Acme"}, {"id": 5, "name": "a", "status": "b"}]
)
def test_an_entity_without_its_fields_is_refused(row):
    with pytest.raises(ZuoraResponseError, match="an entity"):
        Entity.from_api(row)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(ROW)), inner),
    )
)
def test_any_row_is_a_connection_or_an_error_of_the_answer(row):
    with suppress(ZuoraResponseError):
        assert isinstance(EntityConnection.from_api(row), EntityConnection)


@given(st.text() | st.integers())
def test_a_shown_value_is_one_short_line(value):
    shown = shorten(value)
    assert len(shown) <= 100
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize("id_", ["a/b", "..", "x" * 65, "a b"])
def test_a_connection_whose_id_does_not_belong_in_a_path_is_refused(id_: str) -> None:
    row = {"id": id_, "sourceEntityId": "a" * 32, "targetEntityId": "b" * 32, "status": "Pending"}
    with pytest.raises(ZuoraResponseError):
        EntityConnection.from_api(row)

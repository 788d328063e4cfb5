from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraResponseError
from airflow_zuora.models import (
    Entity,
    EntityConnection,
    EntityConnectionChange,
    EntityConnectionStatus,
    entity_hex,
    entity_uuid,
)
from airflow_zuora.texts import shorten

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
def test_anything_else_is_no_entity_id(wrong):
    with pytest.raises(ZuoraConfigError, match="entity_id must be 32 hex digits") as raised:
        entity_uuid(wrong)
    assert isinstance(raised.value, ValueError)
    assert len(str(raised.value)) < 200


@given(st.uuids())
def test_both_forms_of_any_uuid_lead_to_each_other(uuid):
    assert entity_uuid(uuid.hex) == str(uuid)
    assert entity_hex(str(uuid)) == uuid.hex


def test_a_status_is_known_or_unknown():
    assert EntityConnectionStatus("Pending") is EntityConnectionStatus.PENDING
    assert EntityConnectionStatus("Denied") is EntityConnectionStatus.UNKNOWN
    assert EntityConnectionStatus.parse("Connected") is EntityConnectionStatus.CONNECTED


@pytest.mark.parametrize("wrong", ["pending", "", "Unknown", None, 5, [], {}])
def test_a_status_that_a_user_writes_must_be_documented(wrong):
    with pytest.raises(ZuoraConfigError, match="one of Pending, Connected, Disconnected"):
        EntityConnectionStatus.parse(wrong)


def test_a_connection_is_read_and_new_fields_are_passed_over():
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
def test_a_connection_without_one_of_its_fields_is_no_answer_of_zuora(field, value):
    with pytest.raises(ZuoraResponseError, match=f"an entity connection without {field}"):
        EntityConnection.from_api({**ROW, field: value})


@pytest.mark.parametrize("row", [None, 5, "Pending", [ROW]])
def test_a_row_must_be_an_object(row):
    with pytest.raises(ZuoraResponseError, match="where an entity connection belongs"):
        EntityConnection.from_api(row)


@pytest.mark.parametrize("field", ["sourceEntityId", "targetEntityId"])
def test_a_connection_with_a_bad_entity_id_is_an_error_of_the_answer(field):
    with pytest.raises(ZuoraResponseError, match="bad id: entity_id must be"):
        EntityConnection.from_api({**ROW, field: "x"})


def test_a_change_tells_where_it_came_from():
    after = EntityConnection.from_api(ROW).moved_to(EntityConnectionStatus.CONNECTED)
    change = EntityConnectionChange.of(after, EntityConnectionStatus.PENDING, changed=True, request_id="r-1")
    assert (change.id, change.source_entity_id, change.target_entity_id) == ("8a80", HEX, HEX)
    assert (change.previous_status, change.status, change.raw_status) == ("Pending", "Connected", "Connected")
    assert (change.changed, change.request_id) == (True, "r-1")


@pytest.mark.parametrize("read", [entity_uuid, entity_hex])
def test_a_wrong_entity_id_is_called_by_its_name(read):
    with pytest.raises(ZuoraConfigError, match="^target_entity_id must be 32 hex digits"):
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


@pytest.mark.parametrize(
    "row", [None, [], {}, {"id": HEX, "name": "Acme"}, {"id": 5, "name": "a", "status": "b"}]
)
def test_an_entity_without_its_fields_is_no_answer_of_zuora(row):
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

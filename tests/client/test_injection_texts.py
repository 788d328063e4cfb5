"""Text from outside is safe to show in a log line, in a terminal and to the person who decides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.client.response import parse_response
from airflow_zuora.exceptions import ZuoraApiError, ZuoraResponseError
from airflow_zuora.models import Entity, EntityConnection
from airflow_zuora.texts import one_line, shorten

HEX = "11e643f4a3ee8badb0610025904c756d"
ROW = {"id": "8a80", "sourceEntityId": HEX, "targetEntityId": HEX, "status": "Pending"}
ENTITY = {"id": HEX, "name": "Acme", "displayName": "Acme Inc.", "parentId": HEX, "status": "Provisioned"}
FORGED = "Acme\r\n\u2028[INFO] approved by ann\x1b[2K\x1b]0;x\x07\u202eemcA\u202c\u200b\ufeff\x00\x85\ud800"
CLEAN = r"Acme [INFO] approved by ann\x1b[2K\x1b]0;x\x07\u202eemcA\u202c\u200b\ufeff\x00 \ud800"


def test_names_and_statuses_show_hidden_characters_and_keep_every_script():
    assert one_line(FORGED) == CLEAN
    entity = Entity.from_api({**ENTITY, "name": FORGED, "displayName": FORGED * 1000, "status": FORGED})
    assert (entity.name, entity.status, len(entity.display_name)) == (CLEAN, CLEAN, 255)
    assert entity.display_name.endswith("...")
    assert EntityConnection.from_api({**ROW, "status": FORGED}).raw_status == CLEAN
    for name in (
        "Ünïted Kingdom & Söhne (№ 7)",
        "アクメ株式会社",
        "شركة أكمي",
        "Компания «Акме»",
        "एक्मे",
        "Acme 🏭",
    ):
        assert Entity.from_api({**ENTITY, "displayName": name}).display_name == name


@pytest.mark.parametrize("empty", ["", " ", "\n", "\u2028\u3000"])
def test_a_name_of_blanks_counts_as_missing(empty):
    assert Entity.from_api({**ENTITY, "displayName": empty}).display_name == "Acme"
    with pytest.raises(ZuoraResponseError, match="without name"):
        Entity.from_api({**ENTITY, "name": empty})


@pytest.mark.parametrize(
    "id_", [f"{HEX}\n", "../x", "a/b", "a\u200b", "é", "a b", "x" * 65, FORGED, "%2e%2e"]
)
def test_an_invalid_id_is_refused_and_not_corrected(id_):
    with pytest.raises(ZuoraResponseError, match="entity connection with a malformed id: ") as raised:
        EntityConnection.from_api({**ROW, "id": id_})
    assert str(raised.value).isprintable()
    for field in ("id", "parentId"):
        with pytest.raises(ZuoraResponseError, match="entity with a malformed entity id: "):
            Entity.from_api({**ENTITY, field: id_})


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 429, 500])
def test_the_text_of_an_error_is_one_line_of_bounded_length(status):
    reasons = [{"code": FORGED * 100, "message": FORGED * 1000}] * 20
    headers = dict.fromkeys(("Zuora-Request-Id", "Content-Type", "Retry-After", "Date"), FORGED * 100)
    headers["Location"] = f"https://{'x' * 50_000}\x1b\u202e/"
    for body in (json.dumps({"success": False, "reasons": reasons}).encode(), b"no JSON"):
        with pytest.raises((ZuoraApiError, ZuoraResponseError)) as raised:
            parse_response("GET https://rest.zuora.com/v1/x", status, headers, body)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 12_000
        assert len(raised.value.request_id or "") <= 500


def test_of_many_reasons_all_are_considered():
    reasons = [{"code": 50000050, "message": "locked"}] * 100 + [{"code": 50000030, "message": "a rule"}]
    body = json.dumps({"success": False, "reasons": reasons}).encode()
    with pytest.raises(ZuoraApiError) as raised:
        parse_response("GET x", 200, {}, body)
    assert (raised.value.code, len(raised.value.reasons)) == ("50000030", 10)


HEADER = st.text(st.sampled_from("0123456789 ,:-+;GMT()") | st.characters(max_codepoint=255), max_size=40)
HEADER |= st.sampled_from(
    ["9" * 300, "Wed, 21 Oct 9999 07:28:00 GMT", "Wed, 21 Oct 0000 07:28:00 +9999", "1e3", "-1"]
)
HEADERS = ("Retry-After", "Date", "RateLimit-Remaining", "RateLimit-Reset", "Location", "Content-Type")


@given(st.sampled_from([200, 302, 429, 503]), st.dictionaries(st.sampled_from(HEADERS), HEADER))
def test_no_header_hides_the_error_that_it_comes_with(status, headers):
    with pytest.raises((ZuoraApiError, ZuoraResponseError)) as raised:
        parse_response("GET x", status, headers, b"")
    assert str(raised.value).isprintable()
    assert raised.value.retry_after is None or raised.value.retry_after >= 0


def test_a_wrong_value_of_any_kind_can_be_shown():
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    assert shorten(deep) == "<list>"
    assert shorten(10**5000) == "<int>"
    assert shorten(FORGED).isprintable()

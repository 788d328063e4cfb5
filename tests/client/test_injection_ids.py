"""Ids and keys from templates, people and programs are sent unchanged, or nothing is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.models import zuora_id
from airflow_zuora.simulator.seed import PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.bad_servers import headers_of, recording_server

LIST = "/v1/entity-connections"
DEEP: list[Any] = []
for _ in range(10_000):
    DEEP = [DEEP]
ODD: list[Any] = ["", " ", "..", "../x", "%2e%2e", "a/b", "a//b", "a\\b", "a%2Fb", "a;b", "a?b"]
ODD += ["a#b", "a@b", "a:b\n"]
ODD += [
    f"{PENDING_ID}\n",
    f" {PENDING_ID}",
    f"{PENDING_ID}\r\nX: y",
    f"{PENDING_ID}\x00",
    f"{PENDING_ID}/accept;",
]
ODD += [
    f"{SOURCE_ENTITY_ID}\n",
    f"{SOURCE_ENTITY_ID},{SOURCE_ENTITY_ID}",
    "\uff10" * 32,
    "٣" * 32,
    "а" * 32,
    "\u200b",
]
ODD += ["ﬁ" * 16, "\u3002", "\ud800", "\x1b[31m", "é", "\u2028", "{{ x }}", "None'", "x;" * 5000]
ODD += [b"8a80", 5, 1.5, True, False, ["8a80"], {"id": "8a80"}, (), DEEP, 10**5000, object()]
CALLS: dict[str, Any] = {
    "connection_id of get": lambda hook, odd: hook.get_entity_connection(odd),
    "connection_id of accept": lambda hook, odd: hook.accept_entity_connection(odd),
    "connection_id of deny": lambda hook, odd: hook.deny_entity_connection(odd),
    "connection_id of disconnect": lambda hook, odd: hook.disconnect_entity_connection(odd),
    "target_entity_id of initiate": lambda hook, odd: hook.initiate_entity_connection(odd),
    "idempotency_key of request": lambda hook, odd: hook.request("POST", LIST, idempotency_key=odd),
    "entity_id of get_entity": lambda hook, odd: hook.get_entity(odd),
    "entity_id of request": lambda hook, odd: hook.request("GET", LIST, entity_id=odd),
    "track_id of request": lambda hook, odd: hook.request("GET", LIST, track_id=odd),
    "connection_type of list": lambda hook, odd: hook.list_entity_connections(odd),
    "status of list": lambda hook, odd: hook.list_entity_connections(status=odd),
}


def odd_for(field: str) -> list[Any]:
    """The values that are wrong for a field; a header takes any printable ASCII."""
    is_header = field in ("track_id", "idempotency_key")
    return [
        odd
        for odd in ODD
        if not (is_header and isinstance(odd, str) and re.fullmatch("[!-~]([ -~]*[!-~])?", odd))
    ]


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_argument_of_a_call_is_named_before_anything_is_sent(call, hook, zuora_simulator):
    field = call.split(" ")[0]
    for odd in odd_for(field):
        with pytest.raises(ZuoraValueError, match=f"^{field} must be ") as raised:
            CALLS[call](hook, odd)
        assert str(raised.value).isprintable()
        assert len(str(raised.value)) < 300
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("field", ["entity_id", "track_id"])
def test_a_hook_with_a_wrong_argument_sends_nothing(field, make_hook, zuora_simulator):
    for odd in odd_for(field):
        with pytest.raises(ZuoraValueError, match=f"^{field} must be "):
            make_hook(**{field: odd}).list_entities()
    assert zuora_simulator.requests() == []


@given(st.text(st.sampled_from("aZ09-_") | st.characters(), max_size=70) | st.binary() | st.integers())
def test_an_id_for_a_path_contains_letters_digits_hyphens_and_underscores_only(value):
    try:
        found = zuora_id(value, "connection_id")
    except ZuoraValueError as error:
        shown = str(error)
    else:
        assert found == value
        assert 1 <= len(found) <= 64
        assert found.isascii()
        assert found.replace("-", "a").replace("_", "a").isalnum()
        return
    assert shown.startswith("connection_id must be an id of Zuora")
    assert shown.isprintable()


TEXT = st.text(st.sampled_from("aZ9 :;'\"\r\n\0") | st.characters(max_codepoint=130), max_size=66)


@settings(
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(track_id=TEXT, key=TEXT)
def test_a_track_id_and_a_key_are_sent_unchanged_or_nothing_is_sent(track_id, key, connect):
    with recording_server() as server:
        try:
            connect(port=server.port).request("POST", LIST, track_id=track_id, idempotency_key=key)
        except ZuoraValueError:
            assert server.received == []
            return
        sent = headers_of(server.received[-1])
        assert (sent["zuora-track-id"], sent["idempotency-key"]) == (track_id, key)
        assert len(sent) == 11

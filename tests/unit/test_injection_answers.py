"""Whatever JSON comes back, it becomes checked values or a typed error of one line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError, ZuoraResponseError
from airflow_zuora.models import Entity, EntityConnection, entity_hex
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.unit.bad_servers import TOKEN_ANSWER, http, recording_server

quick = settings(derandomize=True, max_examples=50, deadline=None)
quick = settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
ENTITY = {"id": SOURCE_ENTITY_ID, "name": "x", "displayName": "X", "parentId": None, "status": "Provisioned"}
TARGET = entity_hex(DEFAULT_ENTITY_ID)
ROW = {"id": PENDING_ID, "sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": TARGET, "status": "Pending"}
FORGED = "Acme\r\n\x1b[2K\u202eemcA\u200b\x00\ud800"

NAMES = [*ROW, *ENTITY, *TOKEN_ANSWER, "success", "Success", "entityConnections", "entities"]
NAMES += ["nextPage", "requestId"]
NAMES += ["reasons", "errors", "code", "message", "scope"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
SCALARS |= st.sampled_from(
    [PENDING_ID, SOURCE_ENTITY_ID, TARGET, "Pending", "Connected", FORGED, "?page=2", 10**400]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=12,
)


def bent(row: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Give a documented object of which each field may be anything."""
    return st.fixed_dictionaries({name: st.just(value) | JSON for name, value in row.items()})


def answers(row: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    return (
        JSON | bent({**row, "success": True}) | st.fixed_dictionaries({name: st.lists(bent(row), max_size=3)})
    )


@pytest.fixture
def said(connect) -> Any:
    """Give a hook, and who answers it: ``page`` to reads, ``change`` to changes, ``token`` to token calls."""
    say = SimpleNamespace(page={"entityConnections": [ROW]}, change={"success": True}, token=TOKEN_ANSWER)

    def answer(line: str) -> list[bytes]:
        return [http(say.token if " /oauth" in line else say.page if line.startswith("GET") else say.change)]

    with recording_server(answer) as server:
        say.hook = connect(port=server.port)
        say.hook.max_attempts = 1
        yield say


def is_fit(text: str | None) -> bool:
    return text is None or (text.isprintable() and 0 < len(text) <= 500 and text == " ".join(text.split()))


def outcome(call: Any) -> Any:
    """Give a value or a typed error; anything else ends the test."""
    try:
        return call()
    except ZuoraError as raised:
        error = raised
    assert str(error).isprintable()
    assert len(str(error)) < 20_000
    return error


@quick
@given(page=answers(ROW, "entityConnections"))
def test_any_answer_to_the_list_is_a_list_of_checked_connections_or_an_error(page, said):
    said.page = page
    found = outcome(said.hook.list_entity_connections)
    for one in found if isinstance(found, list) else []:
        assert isinstance(one, EntityConnection)
        assert entity_hex(one.source_entity_id) == one.source_entity_id
        assert entity_hex(one.target_entity_id) == one.target_entity_id
        assert is_fit(one.raw_status)
        assert one.id.replace("-", "a").replace("_", "a").isalnum()
        assert one.id.isascii()


@quick
@given(page=answers(ENTITY, "entities"))
def test_any_answer_about_entities_is_made_of_checked_entities_or_an_error(page, said):
    said.page = page
    for found in (outcome(said.hook.list_entities), [outcome(lambda: said.hook.get_entity(TARGET))]):
        for one in found if isinstance(found, list) else []:
            assert isinstance(one, (Entity, ZuoraError))
            if isinstance(one, Entity):
                assert all(map(is_fit, (one.name, one.display_name, one.status)))
                assert {entity_hex(one.id), entity_hex(one.parent_id or one.id)} == {
                    one.id,
                    one.parent_id or one.id,
                }


@quick
@given(change=JSON | bent({"success": True, "requestId": "r-1"}))
def test_no_answer_to_an_accept_is_a_success_but_one_that_says_so(change, said):
    said.change = change
    found = outcome(lambda: said.hook.accept_entity_connection(PENDING_ID))
    if isinstance(found, ZuoraError):
        assert not (isinstance(change, dict) and change == {"success": True})
    else:
        assert change["success"] is True
        assert (found.id, found.status, found.changed) == (PENDING_ID, "Connected", True)
        assert is_fit(found.request_id)


@quick
@given(change=JSON | bent({"success": True, "id": PENDING_ID}))
def test_no_answer_to_an_initiate_is_a_success_but_one_that_says_so_and_names_the_request(change, said):
    said.page, said.change = {"entityConnections": []}, change
    found = outcome(lambda: said.hook.initiate_entity_connection(SOURCE_ENTITY_ID))
    if not isinstance(found, ZuoraError):
        assert change["success"] is True
        assert (found.id, found.target_entity_id) == (change["id"], SOURCE_ENTITY_ID)


@quick
@given(token=JSON | bent({**TOKEN_ANSWER, "scope": f"entity.{TARGET}"}))
def test_any_answer_to_the_token_call_is_a_token_or_an_error_that_does_not_show_it(token, said):
    said.token = token
    said.hook.auth.reject()
    found = outcome(said.hook.auth.token)
    if not isinstance(found, ZuoraError):
        assert found.value == token["access_token"]
        assert found.value.isascii()
        assert " " not in found.value
        assert all(len(entity) == 36 for entity in found.entities)


@pytest.mark.parametrize("depth", [900, 980, 100_000])
@pytest.mark.parametrize(
    "field", ["page", "change", "token", "name", "status", "id", "nextPage", "requestId", "reasons"]
)
def test_no_depth_of_an_answer_is_too_much(depth, field, said):
    deep = b"[" * depth + b"]" * depth
    whole = (
        b'{"entityConnections": [{"id": '
        + (deep if field == "id" else b'"a"')
        + b'}], "success": true, "%s": %s}'
    )
    said.page = whole % (field.encode(), deep)
    assert isinstance(outcome(said.hook.list_entity_connections), ZuoraResponseError)
    said.page, said.change = (
        {"entityConnections": [ROW]},
        b'{"success": true, "%s": %s}' % (field.encode(), deep),
    )
    found = outcome(lambda: said.hook.accept_entity_connection(PENDING_ID))
    assert isinstance(found, ZuoraOutcomeUnknownError) or found.changed

"""Any JSON that a server sends becomes checked values or a typed error of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraError, ZuoraOutcomeUnknownError, ZuoraResponseError
from airflow_zuora.models import Entity, EntityConnection, entity_hex
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.bad_servers import TOKEN_ANSWER, RecordingServer, http, recording_server

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
    """A documented object in which each field may be anything."""
    return st.fixed_dictionaries({name: st.just(value) | JSON for name, value in row.items()})


def documents(row: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
    return (
        JSON | bent({**row, "success": True}) | st.fixed_dictionaries({name: st.lists(bent(row), max_size=3)})
    )


class Answers:
    """
    What the server answers.

    :ivar page: To reads.
    :ivar change: To changes.
    :ivar token: To requests for a token.
    """

    def __init__(self) -> None:
        self.page: Any = {"entityConnections": [ROW]}
        self.change: Any = {"success": True}
        self.token: Any = TOKEN_ANSWER

    def to(self, line: str) -> list[bytes]:
        return [
            http(self.token if " /oauth" in line else self.page if line.startswith("GET") else self.change)
        ]


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as server:
        yield server


@pytest.fixture
def answers(server: RecordingServer) -> Answers:
    answers = Answers()
    server.answer = answers.to
    return answers


@pytest.fixture
def client(server: RecordingServer, make_client: Callable[..., ZuoraClient]) -> ZuoraClient:
    return make_client({"port": server.port}, retries=Retries(attempts=1))


@pytest.fixture
def connections(client: ZuoraClient) -> EntityConnections:
    return EntityConnections(client)


def is_fit(text: str | None) -> bool:
    return text is None or (text.isprintable() and 0 < len(text) <= 500 and text == " ".join(text.split()))


def outcome(call: Any) -> Any:
    """Return a value or a typed error; anything else fails the test."""
    try:
        return call()
    except ZuoraError as raised:
        error = raised
    assert str(error).isprintable()
    assert len(str(error)) < 20_000
    return error


@quick
@given(page=documents(ROW, "entityConnections"))
def test_any_list_is_made_of_checked_connections_or_is_an_error(page, answers, connections):
    answers.page = page
    found = outcome(connections.read_all)
    for one in found if isinstance(found, list) else []:
        assert isinstance(one, EntityConnection)
        assert entity_hex(one.source_entity_id) == one.source_entity_id
        assert entity_hex(one.target_entity_id) == one.target_entity_id
        assert is_fit(one.raw_status)
        assert one.id.replace("-", "a").replace("_", "a").isalnum()
        assert one.id.isascii()


@quick
@given(page=documents(ENTITY, "entities"))
def test_any_entities_are_checked_or_an_error(page, answers, client):
    answers.page = page
    for found in (outcome(client.list_entities), [outcome(lambda: client.get_entity(TARGET))]):
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
def test_only_an_answer_that_states_it_is_the_success_of_an_accept(change, answers, connections):
    answers.change = change
    found = outcome(lambda: connections.accept(PENDING_ID))
    if isinstance(found, ZuoraError):
        assert not (isinstance(change, dict) and change == {"success": True})
    else:
        assert change["success"] is True
        assert (found.connection.id, found.connection.status) == (PENDING_ID, "Connected")
        assert found.changed is True
        assert is_fit(found.request_id)


@quick
@given(change=JSON | bent({"success": True, "id": PENDING_ID}))
def test_only_an_answer_that_states_it_and_names_the_request_is_the_success_of_an_initiate(
    change, answers, connections
):
    answers.page, answers.change = {"entityConnections": []}, change
    found = outcome(lambda: connections.initiate(SOURCE_ENTITY_ID))
    if not isinstance(found, ZuoraError):
        assert change["success"] is True
        assert (found.connection.id, found.connection.target_entity_id) == (change["id"], SOURCE_ENTITY_ID)


@quick
@given(token=JSON | bent({**TOKEN_ANSWER, "scope": f"entity.{TARGET}"}))
def test_any_answer_to_a_token_request_is_a_token_or_an_error_that_does_not_show_it(token, answers, client):
    answers.token = token
    found = outcome(client.oauth.renew)
    if not isinstance(found, ZuoraError):
        assert found.value == token["access_token"]
        assert found.value.isascii()
        assert " " not in found.value
        assert all(len(entity) == 36 for entity in found.entities)


@pytest.mark.parametrize("depth", [900, 980, 100_000])
@pytest.mark.parametrize(
    "field", ["page", "change", "token", "name", "status", "id", "nextPage", "requestId", "reasons"]
)
def test_an_answer_of_any_depth_is_a_value_or_an_error(depth, field, answers, connections):
    deep = b"[" * depth + b"]" * depth
    whole = (
        b'{"entityConnections": [{"id": '
        + (deep if field == "id" else b'"a"')
        + b'}], "success": true, "%s": %s}'
    )
    answers.page = whole % (field.encode(), deep)
    assert isinstance(outcome(connections.read_all), ZuoraResponseError)
    answers.page, answers.change = (
        {"entityConnections": [ROW]},
        b'{"success": true, "%s": %s}' % (field.encode(), deep),
    )
    found = outcome(lambda: connections.accept(PENDING_ID))
    assert isinstance(found, ZuoraOutcomeUnknownError) or found.changed

"""What goes over the wire: headers, entity, body, ids."""

from __future__ import annotations

import pytest

from airflow_zuora import __version__
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraError
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID

LIST = "/v1/entity-connections"
ACCEPT = f"{LIST}/{PENDING_ID}/accept"
INITIATE = {"targetEntityId": FRANCE_ENTITY_ID}


def last(simulator: ZuoraSimulator) -> RecordedRequest:
    return simulator.requests(path="/v1/*")[-1]


def test_a_read_carries_these_headers_and_no_others(hook, zuora_simulator):
    hook.request("GET", LIST)
    assert last(zuora_simulator).headers == {
        "host": f"127.0.0.1:{zuora_simulator.port}",
        "user-agent": f"airflow-zuora/{__version__}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "connection": "keep-alive",
        "authorization": "***",
        "zuora-version": "2025-08-12",
        "zuora-entity-ids": entity_uuid(DEFAULT_ENTITY_ID),
    }


def test_a_change_says_that_its_body_is_json(hook, zuora_simulator):
    hook.request("put", ACCEPT, json={})
    assert (last(zuora_simulator).method, last(zuora_simulator).body) == ("PUT", {})
    assert last(zuora_simulator).headers["content-type"] == "application/json"
    assert "content-encoding" not in last(zuora_simulator).headers


def test_a_compressed_body_can_be_read_by_zuora(hook, zuora_simulator):
    answer = hook.request(
        "POST", LIST, json=INITIATE, compress=True, entity_id=SOURCE_ENTITY_ID, idempotency_key="k-1"
    )
    assert answer["success"] is True
    headers = last(zuora_simulator).headers
    assert (headers["content-encoding"], headers["content-type"]) == ("gzip", "application/json")
    assert headers["idempotency-key"] == "k-1"


def test_a_compressed_answer_is_unpacked(hook, zuora_simulator):
    assert hook.get_conn().get(f"{zuora_simulator.url}/v1/entities").headers["Content-Encoding"] == "gzip"
    assert len(hook.request("GET", "/v1/entities")["entities"]) > 5


def test_without_a_body_nothing_is_said_about_its_encoding(hook, zuora_simulator):
    hook.request("GET", LIST, compress=True)
    assert not {"content-encoding", "content-type"} & set(last(zuora_simulator).headers)


def test_the_track_id_is_the_calls_or_the_hooks(make_hook, zuora_simulator):
    hook = make_hook(track_id="dag/task 1")
    hook.list_entities()
    assert last(zuora_simulator).track_id == "dag/task 1"
    hook.request("GET", LIST, track_id="another")
    assert last(zuora_simulator).track_id == "another"
    assert zuora_simulator.requests("POST")[0].track_id is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"track_id": "a:b"}, "track_id must be"),
        ({"track_id": ""}, "track_id must be"),
        ({"idempotency_key": "k"}, "Zuora refuses it on GET"),
        ({"method": "POST", "idempotency_key": "k k"}, "idempotency_key must be"),
        ({"path": "v1/entities"}, "path must begin with a slash, .* It is 'v1/entities'"),
        ({"path": ""}, "path must begin with a slash"),
        ({"path": "https://evil.example.com/"}, "path must begin with a slash"),
        ({"path": "@evil.example.com/"}, "path must begin with a slash"),
        ({"method": "GET\r\nX: y"}, "method must be a word"),
        ({"method": ""}, "method must be a word"),
        ({"method": "GET "}, "method must be a word"),
        ({"json": {1}}, "json cannot be sent"),
        ({"entity_id": "x"}, "entity_id must be 32 hex digits"),
        ({"entity_id": ""}, "entity_id must be 32 hex digits"),
        ({"headers": {"X-More": "a\r\nX: y"}}, "headers must be printable ASCII"),
        ({"headers": {"X-More\r\nX": "y"}}, "headers must not hold"),
        ({"headers": {"X-More": "日本"}}, "headers must be printable ASCII"),
        ({"headers": {"X-More": 5}}, "headers must be printable ASCII"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_argument_is_refused_before_the_call(arguments, words, hook, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match=words) as raised:
        hook.request(**{"method": "GET", "path": LIST, **arguments})
    assert isinstance(raised.value, ValueError)
    assert zuora_simulator.requests() == []


def test_more_headers_are_sent_but_never_instead_of_the_hooks_own(hook, zuora_simulator):
    more = {"X-More": "1", "ZUORA-TRACK-ID": "x"}
    hook.request("GET", LIST, headers=more, track_id="own")
    headers = last(zuora_simulator).headers
    assert headers["x-more"] == "1"
    assert headers["zuora-entity-ids"] == entity_uuid(DEFAULT_ENTITY_ID)
    assert headers["zuora-track-id"] == "own"
    assert last(zuora_simulator).status == 200


@pytest.mark.parametrize("version", ["2024-05-20", "341.0"])
def test_the_version_of_the_connection_is_sent(version, connect, zuora_simulator):
    connect(zuora_version=version).list_entities()
    assert last(zuora_simulator).headers["zuora-version"] == version


def test_the_entity_is_the_calls_the_hooks_or_the_connections(make_hook, zuora_simulator):
    hook = make_hook(entity_id=SOURCE_ENTITY_ID)
    hook.request("GET", LIST, entity_id=FRANCE_ENTITY_ID)
    hook.request("GET", LIST, entity_id=entity_uuid(FRANCE_ENTITY_ID))
    hook.request("GET", LIST)
    make_hook().request("GET", LIST)
    sent = [one.headers["zuora-entity-ids"] for one in zuora_simulator.requests("GET")]
    wanted = (FRANCE_ENTITY_ID, FRANCE_ENTITY_ID, SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID)
    assert sent == [entity_uuid(one) for one in wanted]


def test_the_only_entity_of_a_client_needs_no_setting(connect, zuora_simulator):
    connect(client="target_only", entity_id=None).list_entities()
    assert last(zuora_simulator).headers["zuora-entity-ids"] == entity_uuid(DEFAULT_ENTITY_ID)


def test_several_entities_and_none_chosen_is_an_error_that_lists_them(connect, zuora_simulator):
    with pytest.raises(
        ZuoraConfigError, match="may use several entities; give entity_id as one of"
    ) as raised:
        connect(entity_id=None).list_entities()
    assert entity_uuid(DEFAULT_ENTITY_ID) in str(raised.value)
    assert zuora_simulator.requests(path="/v1/*") == []


def test_an_entity_out_of_scope_is_an_error_that_lists_those_in_it(connect, zuora_simulator):
    with pytest.raises(
        ZuoraConfigError, match=f"may not use entity_id {entity_uuid(SOURCE_ENTITY_ID)}"
    ) as raised:
        connect(client="target_only", entity_id=SOURCE_ENTITY_ID).list_entities()
    assert f"its entities are {entity_uuid(DEFAULT_ENTITY_ID)}" in str(raised.value)
    assert zuora_simulator.requests(path="/v1/*") == []


def test_a_tenant_without_entities_gets_no_entity_header(connect, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": "user.1 tenant.19"})
    zuora_simulator.fault(times=2, body={"entities": [], "success": True})
    hook = connect(entity_id=None)
    assert hook.run("/v1/entities").json()["entities"] == hook.list_entities() == []
    assert "zuora-entity-ids" not in last(zuora_simulator).headers


@pytest.mark.parametrize("bad_entity_status", [200, 400, 401, 403])
def test_an_entity_that_zuora_itself_refuses_is_explained(bad_entity_status, connect, zuora_simulator):
    zuora_simulator.settings.update({"bad_entity_status": bad_entity_status})
    zuora_simulator.fault(path="/oauth/token", times=None, body={"access_token": "x" * 32})
    body = {"success": False, "reasons": [{"code": 90000020, "message": "Invalid entity id."}]}
    zuora_simulator.fault(status=bad_entity_status, body=body)
    with pytest.raises(ZuoraError, match=r"\[90000020\] Invalid entity id.*check entity_id and the entities"):
        connect().list_entities()
    assert len(zuora_simulator.requests("GET")) == 1


def test_every_call_of_a_hook_uses_one_tcp_connection(hook, zuora_simulator):
    for _ in range(5):
        hook.list_entities()
    hook.accept_entity_connection(PENDING_ID)
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


def test_the_error_names_the_call_the_host_and_the_entity(hook, zuora_simulator):
    zuora_simulator.fault("permission")
    with pytest.raises(ZuoraError) as raised:
        hook.request("GET", LIST)
    text = str(raised.value)
    assert text.startswith(
        f"GET {zuora_simulator.url}{LIST} for entity {entity_uuid(DEFAULT_ENTITY_ID)} answered"
    )
    assert raised.value.request_id == last(zuora_simulator).request_id
    assert last(zuora_simulator).request_id in text

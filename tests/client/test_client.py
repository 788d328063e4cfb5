"""What a call sends: headers, entity, body and ids; and the entities of the tenant."""

from __future__ import annotations

import time
import uuid

import pytest

from airflow_zuora import __version__
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraError, ZuoraNotFoundError, ZuoraValueError
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.journal import RecordedRequest
from airflow_zuora.simulator.seed import (
    DEFAULT_ENTITY_ID,
    FRANCE_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UNPROVISIONED_ENTITY_ID,
)

LIST = "/v1/entity-connections"
ACCEPT = f"{LIST}/{PENDING_ID}/accept"
INITIATE = {"targetEntityId": FRANCE_ENTITY_ID}
ONE, TWO, THREE = (entity_uuid(digit * 32) for digit in "123")


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


def test_a_body_is_sent_as_json(hook, zuora_simulator):
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


def test_a_call_without_a_body_has_no_content_headers(hook, zuora_simulator):
    hook.request("GET", LIST, compress=True)
    assert not {"content-encoding", "content-type"} & set(last(zuora_simulator).headers)


def test_the_track_id_is_that_of_the_call_or_of_the_hook(make_hook, zuora_simulator):
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
        ({"path": "v1/entities"}, "path must begin with a slash, .*'v1/entities'"),
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
        ({"headers": {"X-More\r\nX": "y"}}, "headers must not contain"),
        ({"headers": {"X-More": "日本"}}, "headers must be printable ASCII"),
        ({"headers": {"X-More": 5}}, "headers must be printable ASCII"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_wrong_argument_is_refused_before_the_call(arguments, words, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match=words):
        hook.request(**{"method": "GET", "path": LIST, **arguments})
    assert zuora_simulator.requests() == []


def test_further_headers_are_sent_but_do_not_replace_those_of_the_client(hook, zuora_simulator):
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


def test_the_entity_is_that_of_the_call_of_the_hook_or_of_the_connection(make_hook, zuora_simulator):
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


def test_an_entity_must_be_chosen_where_there_are_several(connect, zuora_simulator):
    with pytest.raises(ZuoraConfigError, match=f"set entity_id .*{entity_uuid(DEFAULT_ENTITY_ID)}"):
        connect(entity_id=None).request("GET", LIST)
    assert zuora_simulator.requests(path="/v1/*") == []


def test_an_entity_out_of_scope_is_a_wrong_connection_or_a_wrong_argument(connect, zuora_simulator):
    wrong, known = entity_uuid(SOURCE_ENTITY_ID), entity_uuid(DEFAULT_ENTITY_ID)
    with pytest.raises(ZuoraConfigError, match=f"{wrong}.*{known}"):
        connect(client="target_only", entity_id=SOURCE_ENTITY_ID).list_entities()
    with pytest.raises(ZuoraValueError, match=f"{wrong}.*{known}"):
        connect(client="target_only").request("GET", LIST, entity_id=SOURCE_ENTITY_ID)
    assert zuora_simulator.requests(path="/v1/*") == []


@pytest.mark.parametrize(
    ("entity_id", "scope", "acting"),
    [
        (None, [], None),
        (None, [ONE], ONE),
        (ONE, [], ONE),
        (ONE.replace("-", ""), [], ONE),
        (ONE, [ONE], ONE),
        (TWO.replace("-", ""), [ONE, TWO], TWO),
        (THREE, [ONE, TWO], ZuoraValueError),
        (None, [ONE, TWO], ZuoraConfigError),
    ],
)
def test_the_acting_entity_is_the_given_one_or_the_only_one_of_the_scope(
    entity_id, scope, acting, make_client, zuora_simulator
):
    token = {"access_token": "x" * 32, "scope": " ".join(f"entity.{one}" for one in scope)}
    zuora_simulator.fault(path="/oauth/token", body=token)
    client = make_client({"entity_id": None}, entity_id=entity_id)
    if isinstance(acting, type):
        with pytest.raises(acting, match=f"{ONE}, {TWO}"):
            client.acting_entity_id()
    else:
        assert client.acting_entity_id() == acting


def test_a_call_takes_no_time_to_describe_entities_that_no_error_shows(make_client, zuora_simulator):
    scope = " ".join(f"entity.{number:032x}" for number in range(512))  # Zuora's maximum
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": scope})
    client = make_client({"entity_id": f"{511:032x}"})
    client.acting_entity_id()
    started = time.thread_time()
    for _ in range(2000):
        client.acting_entity_id()
    assert time.thread_time() - started < 1


def test_a_tenant_without_entities_gets_no_entity_header(connect, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", body={"access_token": "x" * 32, "scope": "user.1 tenant.19"})
    zuora_simulator.fault(times=2, body={"entities": [], "success": True})
    hook = connect(entity_id=None)
    assert hook.run("/v1/entities").json()["entities"] == hook.list_entities() == []
    assert "zuora-entity-ids" not in last(zuora_simulator).headers


@pytest.mark.parametrize("bad_entity_status", [200, 400, 401, 403])
def test_an_entity_that_zuora_refuses_is_explained(bad_entity_status, connect, zuora_simulator):
    zuora_simulator.settings.update({"bad_entity_status": bad_entity_status})
    zuora_simulator.fault(path="/oauth/token", times=None, body={"access_token": "x" * 32})
    body = {"success": False, "reasons": [{"code": 90000020, "message": "Invalid entity id."}]}
    zuora_simulator.fault(status=bad_entity_status, body=body)
    with pytest.raises(ZuoraError, match=r"\[90000020\] Invalid entity id.*entity_id"):
        connect().list_entities()
    assert len(zuora_simulator.requests("GET")) == 1


def test_every_call_of_a_hook_uses_one_tcp_connection(hook, zuora_simulator):
    for _ in range(5):
        hook.list_entities()
    hook.accept_entity_connection(PENDING_ID)
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


def test_an_error_names_the_call_the_host_the_entity_and_the_request_id(hook, zuora_simulator):
    zuora_simulator.fault("permission")
    with pytest.raises(ZuoraError) as raised:
        hook.request("GET", LIST)
    text = str(raised.value)
    assert text.startswith(
        f"GET {zuora_simulator.url}{LIST} for entity {entity_uuid(DEFAULT_ENTITY_ID)} answered"
    )
    assert raised.value.request_id == last(zuora_simulator).request_id
    assert last(zuora_simulator).request_id in text


def test_every_post_has_an_idempotency_key_of_its_own(hook, zuora_simulator):
    zuora_simulator.fault(method="POST", times=2, body={"success": True})
    for _ in range(2):
        hook.request("POST", "/v1/x", json={})
        hook.request("GET", LIST)
    first, second = (one.headers["idempotency-key"] for one in zuora_simulator.requests("POST", "/v1/x"))
    assert uuid.UUID(first) != uuid.UUID(second)
    assert not any("idempotency-key" in one.headers for one in zuora_simulator.requests("GET"))


@pytest.mark.parametrize("key", [None, "k-1"])
def test_a_post_keeps_its_idempotency_key_when_it_is_sent_again(key, hook, zuora_simulator):
    zuora_simulator.fault("throttle", method="POST", path=LIST)
    zuora_simulator.fault("expired_token", method="POST", path=LIST)
    hook.request("POST", LIST, json=INITIATE, entity_id=SOURCE_ENTITY_ID, idempotency_key=key)
    sent = [one.headers["idempotency-key"] for one in zuora_simulator.requests("POST", LIST)]
    assert len(sent) == 3
    assert set(sent) == {key or str(uuid.UUID(sent[0]))}


def test_entities_are_listed_all_or_by_whether_they_are_provisioned(hook, zuora_simulator):
    everything = {one.id for one in hook.list_entities()}
    assert {SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, UNPROVISIONED_ENTITY_ID} <= everything
    assert {one.id for one in hook.list_entities(provisioned=False)} == {UNPROVISIONED_ENTITY_ID}
    assert {one.id for one in hook.list_entities(provisioned=True)} == everything - {UNPROVISIONED_ENTITY_ID}
    assert [one.query for one in zuora_simulator.requests("GET")] == [
        "",
        "provisioned=false",
        "provisioned=true",
    ]


@pytest.mark.parametrize("write", [str, entity_uuid, str.upper])
def test_one_entity_is_read_by_either_form_of_its_id(write, hook):
    entity = hook.get_entity(write(DEFAULT_ENTITY_ID))
    assert (entity.id, entity.display_name, entity.status) == (
        DEFAULT_ENTITY_ID,
        "Acme Germany",
        "Provisioned",
    )
    assert entity.parent_id is not None


def test_an_entity_that_does_not_exist_or_is_not_an_id_is_an_error(hook, zuora_simulator):
    with pytest.raises(ZuoraNotFoundError):
        hook.get_entity("f" * 32)
    for wrong in ("../x", "", "a/b", None, "f" * 31):
        with pytest.raises(ZuoraValueError, match="entity_id must be"):
            hook.get_entity(wrong)
    assert len(zuora_simulator.requests("GET")) == 1

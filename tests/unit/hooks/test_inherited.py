"""What Airflow and users of HttpHook call: ``run``, ``get_conn``, ``test_connection``."""

from __future__ import annotations

import time

import pytest
from airflow.sdk import Connection

from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraConfigError,
    ZuoraPermissionError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraTransportError,
)
from airflow_zuora.hooks import zuora
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, SOURCE_ENTITY_ID
from tests.patience import PATIENCE, wait_for
from tests.unit.bad_servers import closed_port, plain_server, silent_server

ENTITIES = "/v1/entities"


def test_the_constructor_does_nothing(make_hook):
    hook = make_hook("no_such_connection", entity_id="x", timeout=-1, track_id=":")
    assert hook.zuora_conn_id == "no_such_connection"


def test_a_connection_that_was_looked_up_before_is_not_looked_up_again(make_hook, zuora_simulator):
    hook = make_hook("no_such_connection")
    hook.use_connection(Connection.get("zuora_default"))
    assert hook.list_entities()


def test_a_closed_hook_can_be_used_again(hook, zuora_simulator):
    hook.list_entities()
    hook.close()
    assert hook.list_entities()
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 2


def test_get_conn_gives_the_one_session(hook):
    assert hook.get_conn() is hook.get_conn({"X": "y"}, {"timeout": 1}) is hook.session
    assert "X" not in hook.session.headers


@pytest.mark.parametrize("endpoint", [ENTITIES, "v1/entities"])
def test_run_sends_the_same_headers_as_the_hook(endpoint, hook, zuora_simulator):
    hook.track_id = "the close of May"
    response = hook.run(endpoint, headers={"X-More": "1"})
    hook.request("GET", ENTITIES)
    assert response.json()["success"] is True
    by_run, by_request = (one.headers for one in zuora_simulator.requests("GET"))
    assert by_run.pop("x-more") == "1"
    assert by_run == by_request
    assert by_run["zuora-entity-ids"] == entity_uuid(DEFAULT_ENTITY_ID)
    assert by_run["zuora-track-id"] == "the close of May"


def test_run_checks_the_track_id_first(hook, zuora_simulator):
    hook.track_id = "a:b"
    with pytest.raises(ZuoraConfigError, match="track_id"):
        hook.run(ENTITIES)
    assert not zuora_simulator.requests()


def test_headers_of_one_run_do_not_stay_for_the_next(hook, zuora_simulator):
    hook.run(ENTITIES, headers={"X-More": "1"})
    hook.run(ENTITIES)
    assert "x-more" not in zuora_simulator.requests("GET")[-1].headers


def test_extras_of_the_connection_are_not_sent_as_headers(connect, zuora_simulator):
    connect(timeout=7, zuora_version="2024-05-20").run(ENTITIES)
    for request in zuora_simulator.requests():
        assert not {"timeout", "entity_id", "zuora_version", "environment"} & set(request.headers)


def test_run_keeps_one_tcp_connection(hook, zuora_simulator):
    for _ in range(3):
        hook.run(ENTITIES)
    assert len({one.peer_port for one in zuora_simulator.requests()}) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"named": "no_reasons"}, ZuoraRequestError),
        ({"named": "permission"}, ZuoraPermissionError),
        ({"status": 503}, ZuoraServerError),
        ({"body": "<html></html>"}, ZuoraResponseError),
        ({"named": "redirect"}, ZuoraRequestError),
    ],
)
@pytest.mark.parametrize("version", ["341.0", "2025-08-12"])
def test_run_checks_what_comes_back(fault, kind, version, connect, zuora_simulator):
    zuora_simulator.fault(**fault)
    with pytest.raises(kind, match=f"^GET {zuora_simulator.url}{ENTITIES}"):
        connect(zuora_version=version).run(ENTITIES)
    assert len(zuora_simulator.requests("GET")) == 1


def test_run_does_not_follow_redirects_even_if_asked_to(hook, zuora_simulator):
    zuora_simulator.fault("redirect", parameters={"location": ENTITIES})
    with pytest.raises(ZuoraApiError, match="redirects are not followed"):
        hook.run(ENTITIES, extra_options={"allow_redirects": True})
    assert len(zuora_simulator.requests("GET")) == 1


@pytest.mark.parametrize("extra_options", [None, {"timeout": 1}])
def test_the_timeout_of_run_really_fires(extra_options, connect, zuora_simulator):
    connect().list_entities()  # the token need not hurry
    hook = connect(timeout=1 if extra_options is None else 600)
    zuora_simulator.fault(stall=True)
    started = time.monotonic()
    with pytest.raises(ZuoraTransportError):
        hook.run(ENTITIES, extra_options=extra_options)
    assert 0.9 < time.monotonic() - started < PATIENCE
    wait_for(lambda: len(zuora_simulator.requests("GET")) == 2)


def test_testing_a_connection_that_works_says_so(hook, zuora_simulator):
    found, message = hook.test_connection()
    assert found is True
    assert message == f"{zuora_simulator.url} gave a token and reads entity {entity_uuid(DEFAULT_ENTITY_ID)}"
    assert [one.method for one in zuora_simulator.requests()] == ["POST", "GET"]
    assert zuora_simulator.requests()[-1].query == "pageSize=1"


def test_testing_a_connection_asks_for_a_new_token(make_hook, connect):
    make_hook().list_entities()
    assert make_hook().test_connection()[0] is True
    assert connect(password="wrong-now").test_connection()[0] is False


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"password": "wr0ng-wr0ng"}, "Credentials: Zuora at "),
        ({"login": "unknown"}, "Credentials: Zuora at "),
        ({"client": "deactivated"}, "Credentials: Zuora at "),
        ({"entity_id": None}, "Entity: The OAuth client may use several entities"),
        ({"client": "target_only", "entity_id": SOURCE_ENTITY_ID}, "Entity: The OAuth client may not use"),
        ({"unknown": 1}, "Connection: Airflow connection 'zuora_default': unknown extra"),
        ({"password": ""}, "Connection: Airflow connection 'zuora_default': Client Secret"),
        ({"host": "https://zuora.invalid", "port": None}, "Address: POST https://zuora.invalid"),
    ],
)
def test_testing_a_connection_names_the_part_that_fails(fields, message, connect, waits):
    found, said = connect(**fields).test_connection()
    assert found is False
    assert said.startswith(message)
    assert "wr0ng" not in said
    assert waits == []


def test_testing_a_connection_to_something_else_than_zuora_blames_the_address(connect):
    assert connect(port=closed_port()).test_connection()[1].startswith("Address: POST http")
    with plain_server() as server:
        assert connect(port=server.server_port).test_connection()[1].startswith("Address: POST http")


def test_testing_a_connection_without_the_right_to_read_blames_the_permission(hook, zuora_simulator, waits):
    zuora_simulator.fault("permission")
    assert hook.test_connection()[1].startswith("Permission: GET http")
    zuora_simulator.fault("throttle")
    assert hook.test_connection()[0] is False
    assert waits == []


@pytest.mark.parametrize("where", ["token", "read"])
def test_testing_a_silent_server_ends_in_time(where, connect, zuora_simulator, monkeypatch):
    assert 2 * zuora.TEST_TIMEOUT <= 10
    monkeypatch.setattr(zuora, "TEST_TIMEOUT", 1.0)
    with silent_server() as port:
        hook = connect(port=port) if where == "token" else connect()
        zuora_simulator.fault(stall=True)
        started = time.monotonic()
        assert hook.test_connection()[1].startswith("Address: ")
        assert time.monotonic() - started < PATIENCE

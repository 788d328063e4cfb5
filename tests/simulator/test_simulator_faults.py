from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_zuora.simulator import named_faults
from airflow_zuora.simulator.faults import Fault
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID
from tests.helpers.patience import PATIENCE, wait_for
from tests.simulator.simulator_client import error_code, reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_zuora.simulator import ZuoraSimulator
    from tests.simulator.simulator_client import Api

LIST = "/v1/entity-connections"


def status_of(simulator: ZuoraSimulator) -> str:
    return str(simulator.store.connections.get(PENDING_ID).status)


CATEGORIES = {
    "lock": (409, 58730050),
    "temporary": (500, 50000061),
    "internal": (500, 50000060),
    "integration": (500, 50000099),
    "permission": (403, 50000010),
    "rule": (400, 50000030),
    "not_found": (404, 50000040),
}


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_fault_with_a_category_follows_the_version(
    simulator: ZuoraSimulator, connect: Callable[..., Api], name: str
) -> None:
    status, expected = CATEGORIES[name]
    for version, http_status in (("2025-08-12", status), ("341.0", 200)):
        simulator.fault(name)
        response = connect(version=version).answer(PENDING_ID)
        assert (response.status_code, error_code(response)) == (http_status, expected)
        assert response.json()["success"] is False
        assert response.json()["requestId"] == response.headers["Zuora-Request-Id"]
    assert status_of(simulator) == "Pending"


def test_a_status_replaces_that_of_a_named_fault(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(named="lock", status=200)
    response = api.get(LIST)
    assert (response.status_code, error_code(response)) == (200, 58730050)


def test_a_message_can_be_given_to_a_named_fault(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("rule", parameters={"message": "Already accepted."})
    assert reason(api.get(LIST))["message"] == "Already accepted."


def test_throttling_names_the_seconds(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("throttle", parameters={"reset": 7})
    response = api.get(LIST)
    assert response.status_code == 429
    assert response.json() == {
        "reasons": [{"code": 70, "message": "API Rate limit exceeded for the minute, retry after 7 seconds"}]
    }
    assert response.headers["RateLimit-Remaining"] == "0"
    assert response.headers["RateLimit-Reset"] == "7"
    assert "Retry-After" not in response.headers
    simulator.fault("throttle", parameters={"retry_after": 3})
    assert api.get(LIST).headers["Retry-After"] == "3"


def test_too_much_concurrency_says_when_to_come_back(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("concurrency")
    response = api.get(LIST)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "120")
    assert error_code(response) == 50000070
    simulator.fault("concurrency", parameters={"retry_after": 1})
    assert api.get(LIST).headers["Retry-After"] == "1"


def test_the_token_throttle_hits_the_token_endpoint(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("token_throttle")
    assert api.get(LIST).status_code == 200
    response = api.call("POST", "/oauth/token")
    assert (response.status_code, response.content) == (429, b"")
    assert response.headers["X-RateLimit-Remaining-minute"] == "0"


def test_an_expired_token_is_really_worthless(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("expired_token")
    for _ in range(2):
        response = api.get(LIST)
        assert (response.status_code, error_code(response)) == (401, "90000011")
    assert not simulator.requests()[-1].fault


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("no_user_info", 401, '{"message":"Failed to get user info"}'),
        ("html", 503, "<h1>Service Unavailable</h1>"),
        ("empty", 200, ""),
        ("broken_json", 200, '{"success": tru'),
        ("no_reasons", 200, '{"success":false,"reasons":[]}'),
        ("bad_gateway", 502, "Bad Gateway"),
        ("gateway_timeout", 504, "Gateway Timeout"),
    ],
)
def test_other_bad_answers(simulator: ZuoraSimulator, api: Api, name: str, status: int, text: str) -> None:
    simulator.fault(name)
    response = api.get(LIST)
    assert response.status_code == status
    assert text in response.text
    assert bool(text) or not response.content


def test_an_html_page_can_come_with_any_status_and_names_its_server(
    simulator: ZuoraSimulator, api: Api
) -> None:
    simulator.fault("html", status=200, parameters={"title": "Bad Request"})
    response = api.get(LIST)
    assert (response.status_code, response.headers["Server"]) == (200, "AkamaiGHost")
    assert response.headers["Content-Type"].startswith("text/html")
    assert "<h1>Bad Request</h1>" in response.text


def test_a_redirect_leads_elsewhere(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("redirect", status=307, parameters={"location": "https://evil.example/"})
    response = api.get(LIST)
    assert (response.status_code, response.headers["Location"]) == (307, "https://evil.example/")


def test_the_next_page_can_lead_to_another_host(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("foreign_next_page")
    content = api.connections()
    assert content["nextPage"].startswith("https://zuora.example.com/v1/")
    assert len(content["entityConnections"]) == 6
    assert "nextPage" not in api.connections()


def test_every_name_can_happen(simulator: ZuoraSimulator, api: Api) -> None:
    for name in named_faults.NAMES:
        simulator.fault(name, path=LIST)
        api.get(LIST)
        assert simulator.requests()[-1].fault == name


@pytest.mark.parametrize(
    ("fields", "status", "content_type", "text"),
    [
        ({"status": 418}, 418, None, ""),
        ({"body": {"a": [1]}}, 200, "application/json; charset=utf-8", '{"a":[1]}'),
        ({"body": []}, 200, "application/json; charset=utf-8", "[]"),
        ({"body": "<b>", "status": 500}, 500, "text/html; charset=utf-8", "<b>"),
        ({"body": "x", "content_type": "text/plain"}, 200, "text/plain", "x"),
        ({"named": "lock", "body": {"a": 1}}, 409, "application/json; charset=utf-8", '{"a":1}'),
    ],
)
def test_an_answer_can_be_given_in_full(
    simulator: ZuoraSimulator, api: Api, fields: Any, status: int, content_type: str | None, text: str
) -> None:
    simulator.fault(**fields, headers={"X-Extra": "1"})
    response = api.answer(PENDING_ID)
    assert (response.status_code, response.text) == (status, text)
    assert response.headers.get("Content-Type") == content_type
    assert response.headers["X-Extra"] == "1"
    assert status_of(simulator) == "Pending"


def test_headers_alone_are_added_to_the_real_answer(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(headers={"Retry-After": "x"})
    response = api.answer(PENDING_ID)
    assert (response.json(), response.headers["Retry-After"]) == ({"success": True}, "x")


def test_a_fault_after_the_effect_hides_a_success(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("gateway_timeout", after_effect=True)
    assert api.answer(PENDING_ID).status_code == 504
    assert status_of(simulator) == "Connected"


@pytest.mark.parametrize(("after_effect", "status"), [(False, "Pending"), (True, "Connected")])
def test_a_dropped_connection_is_reset_before_or_after_the_effect(
    simulator: ZuoraSimulator, api: Api, after_effect: bool, status: str
) -> None:
    simulator.fault(drop=True, after_effect=after_effect)
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        api.answer(PENDING_ID)
    assert status_of(simulator) == status
    assert simulator.requests()[-1].status is None
    assert api.get(LIST).status_code == 200


def test_half_a_body_ends_before_its_length(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(half_body=True)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        api.get(LIST)


def test_a_stalled_body_runs_into_the_clients_timeout(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(stall=True)
    answer = api.get(LIST, stream=True)
    answer.raw.connection.sock.settimeout(0.2)
    with pytest.raises(requests.ConnectionError, match="timed out"):
        answer.json()
    assert api.get(LIST).status_code == 200


def test_a_delay_comes_before_the_effect(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(delay=600)
    with pytest.raises(requests.ReadTimeout):
        api.answer(PENDING_ID, timeout=0.2)
    wait_for(lambda: simulator.requests("PUT"))
    limits = simulator._simulation.limits
    wait_for(lambda: limits.headers(DEFAULT_ENTITY_ID)["Concurrency-Limit-Remaining"] == "40")
    assert status_of(simulator) == "Pending"


def test_a_delay_after_the_effect_leaves_the_outcome_unknown(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(delay=600, after_effect=True)
    with pytest.raises(requests.ReadTimeout):
        api.answer(PENDING_ID, timeout=0.2)
    wait_for(lambda: status_of(simulator) == "Connected")


def test_a_delayed_answer_is_a_good_one(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(delay=0.15)
    started = time.perf_counter()
    assert api.answer(PENDING_ID).json() == {"success": True}
    assert time.perf_counter() - started >= 0.15


def test_a_slow_body_arrives_whole(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(slow_body=0.02)
    started = time.perf_counter()
    assert len(api.connections()["entityConnections"]) == 6
    assert time.perf_counter() - started >= 0.18


def test_delays_of_one_client_do_not_slow_down_another(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    simulator.fault(delay=600, method="PUT")
    slow, fast = connect(), connect()
    with slow.asking("PUT", f"{LIST}/{PENDING_ID}/accept"):
        assert fast.get(LIST).status_code == 200


def test_damaged_gzip_cannot_be_unpacked(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault(damage_gzip=True)
    with pytest.raises(requests.exceptions.ContentDecodingError):
        api.get("/v1/entities")


def test_a_fault_happens_once_unless_told(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("html")
    assert [api.get(LIST).status_code for _ in range(3)] == [503, 200, 200]
    simulator.fault("html", times=2, skip=1)
    assert [api.get(LIST).status_code for _ in range(4)] == [200, 503, 503, 200]
    simulator.fault("html", times=None)
    assert [api.get(LIST).status_code for _ in range(3)] == [503, 503, 503]
    simulator.clear_faults()
    assert api.get(LIST).status_code == 200


def test_a_fault_hits_only_its_method_and_path(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("html", method="put", path="/v1/entity-connections/*/accept")
    assert api.get(LIST).status_code == 200
    assert api.answer(PENDING_ID, "deny").status_code == 200
    assert api.answer(PENDING_ID).status_code == 503


def test_faults_happen_in_the_order_in_which_they_were_added(simulator: ZuoraSimulator, api: Api) -> None:
    for name in ("lock", "html"):
        simulator.fault(name)
    assert [api.get(LIST).status_code for _ in range(3)] == [409, 503, 200]


def test_the_simulators_own_pages_are_spared(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.fault("html", path="*", times=None)
    assert api.get("/").status_code == 200
    assert api.get("/_simulator/faults").json()[0]["named"] == "html"
    assert api.call("POST", "/oauth/token").status_code == 503


def test_a_reset_is_a_real_reset_on_the_wire(simulator: ZuoraSimulator) -> None:
    simulator.fault(drop=True)
    with socket.create_connection((simulator.host, simulator.port), timeout=PATIENCE) as client:
        client.sendall(b"GET /v1/entities HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            client.recv(1)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "needs something to happen"),
        ({"path": "/v1/*"}, "needs something to happen"),
        ({"named": "loch"}, "choose from .*lock"),
        ({"named": "lock", "parameters": {"reset": 1}}, "lock has no parameter reset; it has message"),
        ({"named": "empty", "parameters": {"x": 1}}, "it has none"),
        ({"named": "foreign_next_page", "parameters": {"x": 1}}, "it has host"),
        ({"drop": True, "stall": True}, "Choose one of drop, half_body, stall"),
        ({"delay": -1}, "cannot be negative"),
        ({"named": "lock", "times": 0}, "times starts at 1"),
        ({"status": 99}, "from 200 to 599"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    simulator: ZuoraSimulator, api: Api, fields: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        Fault(**fields)
    response = api.post("/_simulator/faults", fields)
    assert response.status_code == 400
    assert simulator._simulation.faults.waiting() == []


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"nmaed": "lock"}, "Unknown nmaed"), ({"drop": "perhaps"}, "drop"), ({"status": {}}, "status")],
)
def test_a_fault_in_json_is_checked(api: Api, fields: Any, text: str) -> None:
    response = api.post("/_simulator/faults", fields)
    assert response.status_code == 400
    assert text in response.json()["message"]


def test_a_fault_can_be_added_and_cleared_over_http(simulator: ZuoraSimulator, api: Api) -> None:
    added = api.post("/_simulator/faults", {"named": "lock", "times": None})
    assert (added.status_code, added.json()["path"]) == (200, "/v1/*")
    assert api.get(LIST).status_code == 409
    assert api.call("DELETE", "/_simulator/faults").json() == {"success": True}
    assert api.get(LIST).status_code == 200

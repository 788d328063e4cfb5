"""What every call below /v1 goes through: token, entity, version, media type, limits, keys."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.helpers.patience import wait_for
from tests.simulator.simulator_client import reason

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from tests.simulator.simulator_client import Api

LIST = "/v1/entity-connections"
MISSING = f"{LIST}/nope/accept"


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Bearer", "Basic YTpi", ""])
@pytest.mark.parametrize("path", [LIST, "/v1/nowhere"])
def test_no_valid_token_is_401_whatever_the_path(api: Api, header: str | None, path: str) -> None:
    api.session.headers.pop("Authorization")
    api.session.trust_env = False
    response = api.get(path, headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    assert response.json() == {
        "success": False,
        "reasons": [{"code": "90000011", "message": "Authentication error"}],
    }


def test_a_deactivated_owner_loses_the_token(api: Api) -> None:
    assert api.get(LIST).status_code == 200
    api.oauth.active = False
    assert api.get(LIST).status_code == 401


@pytest.mark.parametrize(
    ("form", "setting", "status"),
    [
        (entity_uuid(DEFAULT_ENTITY_ID), "both", 200),
        (DEFAULT_ENTITY_ID, "both", 200),
        (entity_uuid(DEFAULT_ENTITY_ID).upper(), "both", 200),
        (entity_uuid(DEFAULT_ENTITY_ID), "uuid", 200),
        (DEFAULT_ENTITY_ID, "uuid", 400),
        ("nonsense", "both", 400),
        ("", "both", 400),
        (f"{DEFAULT_ENTITY_ID},{UK_ENTITY_ID}", "both", 400),
    ],
)
def test_the_entity_header_takes_the_forms_that_the_setting_allows(
    simulator: ZuoraSimulator, api: Api, form: str, setting: Any, status: int
) -> None:
    simulator.settings.entity_header_format = setting
    response = api.get(LIST, headers={"Zuora-Entity-Ids": form})
    assert response.status_code == status
    assert status == 200 or reason(response)["code"] == 90000020


def test_an_entity_outside_the_scope_is_refused(connect: Callable[..., Api]) -> None:
    response = connect("target_only", UK_ENTITY_ID).get(LIST)
    assert reason(response) == {"code": 90000020, "message": f"Invalid entity id '{UK_ENTITY_ID}'."}


def test_a_token_for_one_entity_needs_no_header(connect: Callable[..., Api]) -> None:
    assert len(connect("target_only", None).connections()["entityConnections"]) == 6


def test_a_token_for_several_entities_needs_a_header_unless_set(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    api = connect(entity_id=None)
    assert reason(api.get(LIST))["code"] == 90000020
    simulator.settings.missing_entity_header = "home"
    rows = api.connections(type="outbound")["entityConnections"]
    assert {row["sourceEntityId"] for row in rows} == {SOURCE_ENTITY_ID}


@pytest.mark.parametrize(
    ("setting", "version", "status"),
    [(None, "2025-08-12", 400), (None, "341.0", 200), (403, "341.0", 403), (200, "2025-08-12", 200)],
)
def test_the_status_of_a_bad_entity_is_a_setting(
    simulator: ZuoraSimulator, connect: Callable[..., Api], setting: Any, version: str, status: int
) -> None:
    simulator.settings.bad_entity_status = setting
    response = connect(entity_id=None, version=version).get(LIST)
    assert (response.status_code, reason(response)["code"]) == (status, 90000020)


@pytest.mark.parametrize(
    ("version", "mode", "status"),
    [
        (None, "version", 200),
        ("186.0", "version", 200),
        ("341.0", "version", 200),
        ("2024-05-19", "version", 200),
        ("2024-05-20", "version", 404),
        ("2025-08-12", "version", 404),
        ("nonsense", "version", 200),
        ("2025-08-12", "always_200", 200),
        ("186.0", "status", 404),
        (None, "status", 404),
    ],
)
def test_the_version_decides_between_an_error_status_and_200(
    simulator: ZuoraSimulator, connect: Callable[..., Api], version: str | None, mode: Any, status: int
) -> None:
    simulator.settings.error_mode = mode
    response = connect(version=version).put(MISSING)
    assert response.status_code == status
    content = response.json()
    assert content["success"] is False
    assert re.fullmatch(r"[0-9A-F]{16}", content["processId"])
    assert content["requestId"] == response.headers["Zuora-Request-Id"]
    assert content["reasons"][0]["code"] == 50000040


def test_even_401_can_come_as_200(simulator: ZuoraSimulator, api: Api) -> None:
    simulator.settings.error_mode = "always_200"
    response = api.get(LIST, headers={"Authorization": "Bearer x"})
    assert (response.status_code, reason(response)["code"]) == (200, "90000011")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_an_unknown_path_reads_like_an_object_that_is_not_there(api: Api, method: str) -> None:
    response = api.call(method, "/v1/nowhere/x", json=None if method == "GET" else {})
    assert response.status_code == 404
    assert reason(response) == {
        "code": 50000040,
        "message": "The endpoint /v1/nowhere/x does not exist. "
        "Please check the URL or refer to the API documentation.",
    }


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", LIST), ("GET", f"{LIST}/{PENDING_ID}/accept"), ("PATCH", "/v1/entities")]
)
def test_a_wrong_method_is_405(api: Api, method: str, path: str) -> None:
    response = api.call(method, path)
    assert (response.status_code, reason(response)["code"]) == (405, 50000045)


def test_there_is_no_way_to_get_one_connection(api: Api) -> None:
    assert api.get(f"{LIST}/{PENDING_ID}").status_code == 404


@pytest.mark.parametrize("path", [LIST, MISSING, "/v1/nowhere"])
def test_every_answer_carries_limits_and_ids(api: Api, path: str) -> None:
    headers = api.get(path, headers={"Zuora-Track-Id": "run-1"}).headers
    assert headers["RateLimit-Limit"] == "2250000, 50000;w=60, 2250000;w=3600, 27000000;w=86400"
    assert int(headers["RateLimit-Remaining"]) < 50_000
    assert 1 <= int(headers["RateLimit-Reset"]) <= 60
    assert headers["Concurrency-Limit-Type"] == "Default"
    assert headers["Concurrency-Limit-Limit"] == "40"
    assert headers["Concurrency-Limit-Remaining"] == "39"
    assert len(headers["Zuora-Request-Id"]) == 36
    assert headers["Zuora-Track-Id"] == "run-1"
    assert "Zuora-Track-Id" not in api.get(path).headers


@pytest.mark.parametrize("track_id", ["x" * 65, "a:b", "a;b", "a'b", 'a"b', "é"])
def test_a_bad_track_id_is_an_error_only_if_set(simulator: ZuoraSimulator, api: Api, track_id: str) -> None:
    headers = {"Zuora-Track-Id": track_id.encode("latin-1")}
    assert api.get(LIST, headers=headers).status_code == 200
    simulator.settings.bad_track_id = "error"
    assert reason(api.get(LIST, headers=headers))["code"] == 50000020
    assert api.get(LIST, headers={"Zuora-Track-Id": "x" * 64}).status_code == 200


def test_answers_above_1000_bytes_are_compressed_for_those_who_can_read_it(
    simulator: ZuoraSimulator, api: Api
) -> None:
    large, small = api.get("/v1/entities"), api.put(f"{LIST}/{PENDING_ID}/accept")
    assert large.headers["Content-Encoding"] == "gzip"
    assert int(large.headers["Content-Length"]) < len(large.content)
    assert len(large.json()["entities"]) == 11
    assert "Content-Encoding" not in small.headers
    plain = api.get("/v1/entities", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == large.json()


def test_a_compressed_body_is_unpacked(api: Api) -> None:
    body = gzip.compress(json.dumps({"targetEntityId": UK_ENTITY_ID}).encode())
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    assert api.post(LIST, data=body, headers=headers).json()["success"] is True


@pytest.mark.parametrize("body", [b"{}", gzip.compress(b"{}" * 99, mtime=0)[:-9]])
def test_a_body_that_only_claims_to_be_compressed_is_an_error(api: Api, body: bytes) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = api.call("PUT", f"{LIST}/{PENDING_ID}/accept", data=body, headers=headers)
    assert (response.status_code, reason(response)["code"]) == (400, 50000090)


def test_a_put_without_body_and_content_type_is_415_unless_set(simulator: ZuoraSimulator, api: Api) -> None:
    response = api.call("PUT", f"{LIST}/{PENDING_ID}/accept")
    assert response.status_code == 415
    assert reason(response) == {
        "code": 50000045,
        "message": "Cannot extract parameter (Map body): no Content-Type found",
    }
    simulator.settings.bodyless_put = "accept"
    assert api.call("PUT", f"{LIST}/{PENDING_ID}/accept").json() == {"success": True}


def test_a_body_of_another_type_is_415(api: Api) -> None:
    response = api.call("PUT", f"{LIST}/{PENDING_ID}/accept", data={"a": "b"})
    assert (response.status_code, reason(response)["code"]) == (415, 50000045)


@pytest.mark.parametrize("version", ["2025-08-12", "341.0"])
def test_a_key_on_put_is_400_in_every_version(connect: Callable[..., Api], version: str) -> None:
    response = connect(version=version).answer(PENDING_ID, headers={"Idempotency-Key": "k"})
    assert response.status_code == 400
    assert reason(response)["message"] == "Request method 'PUT' not supported with Idempotency-Key header"


def ask(api: Api, key: str, target: str = UK_ENTITY_ID, path: str = LIST) -> requests.Response:
    return api.post(path, {"targetEntityId": target}, headers={"Idempotency-Key": key})


def test_the_same_key_gives_the_first_result_again(simulator: ZuoraSimulator, api: Api) -> None:
    before = len(simulator.store.connections.all())
    first, second = ask(api, "k1"), ask(api, "k1")
    assert first.json() == second.json()
    assert len(simulator.store.connections.all()) == before + 1
    assert first.headers["Zuora-Request-Id"] != second.headers["Zuora-Request-Id"]
    assert reason(ask(api, "k2"))["code"] == 50000030


def test_a_failure_is_kept_too(simulator: ZuoraSimulator, api: Api) -> None:
    failed = ask(api, "k", "0" * 32)
    again = ask(api, "k", UK_ENTITY_ID)
    assert again.status_code == failed.status_code == 404
    assert again.json() == failed.json()


def test_a_key_for_another_url_is_422(api: Api) -> None:
    ask(api, "k")
    response = ask(api, "k", path="/v1/entities")
    assert (response.status_code, reason(response)["code"]) == (422, 50000020)


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_1_to_255_characters(api: Api, key: str) -> None:
    assert reason(ask(api, key))["code"] == 50000020


def test_a_key_in_progress_is_409_for_the_second_request(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    simulator.fault(delay=600, method="POST")
    slow, fast = connect(), connect()
    with slow.asking("POST", LIST, **{"Idempotency-Key": "k"}):
        response = ask(fast, "k")
        assert (response.status_code, reason(response)["code"]) == (409, 50000050)
    wait_for(lambda: ask(fast, "k").status_code == 200)  # who came first has left


def test_too_many_requests_in_a_minute_are_429(connect: Callable[..., Api]) -> None:
    with ZuoraSimulator(clock=lambda: 1_767_225_600 + 18) as simulator:
        simulator.settings.requests_per_minute = 0
        response = connect(to=simulator).get(LIST)
    assert response.status_code == 429
    assert "success" not in response.json()
    assert reason(response)["code"] == 70
    assert (response.headers["RateLimit-Remaining"], response.headers["RateLimit-Reset"]) == ("0", "42")
    assert "retry after 42 seconds" in reason(response)["message"]


def test_too_many_requests_at_a_time_are_429_for_that_entity_only(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    simulator.settings.concurrency = 1
    simulator.fault(delay=600, method="PUT")
    slow, fast, other = connect(), connect(), connect(entity_id=UK_ENTITY_ID)
    with slow.asking("PUT", f"{LIST}/{CONNECTED_ID}/accept"):
        response = fast.get(LIST)
        assert (response.status_code, reason(response)["code"]) == (429, 50000070)
        assert response.headers["Retry-After"] == "120"
        assert response.headers["Concurrency-Limit-Remaining"] == "0"
        assert other.get(LIST).status_code == 200
    wait_for(lambda: fast.get(LIST).status_code == 200)

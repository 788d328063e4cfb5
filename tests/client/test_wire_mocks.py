"""Tests of users that replace the network: what counts on ``Session.send`` sees every request."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
import requests_mock

from airflow_zuora.exceptions import (
    ZuoraNotSentError,
    ZuoraOutcomeUnknownError,
    ZuoraRequestError,
    ZuoraRuleError,
)
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID

LIST = "/v1/entity-connections"
ROW = {
    "id": PENDING_ID,
    "sourceEntityId": SOURCE_ENTITY_ID,
    "targetEntityId": DEFAULT_ENTITY_ID,
    "status": "Pending",
}
PAGE = {"entityConnections": [ROW], "success": True}


@pytest.fixture
def mocker():
    """Zuora, replaced with requests_mock; whatever is not mocked is an error."""
    with requests_mock.Mocker() as mocker:
        mocker.post("/oauth/token", json={"access_token": "x" * 32, "expires_in": 3599})
        mocker.get(LIST, json=PAGE)
        yield mocker


def test_requests_mock_answers_every_request_of_a_hook(hook, mocker, zuora_simulator):
    mocker.put(f"{LIST}/{PENDING_ID}/accept", json={"success": True})
    assert hook.accept_entity_connection(PENDING_ID).changed is True
    assert [one.method for one in mocker.request_history] == ["POST", "GET", "PUT"]
    assert zuora_simulator.requests() == []


def test_requests_mock_answers_run_too(hook, mocker, zuora_simulator):
    assert hook.run(LIST).json() == PAGE
    assert mocker.last_request.headers["Authorization"] == f"Bearer {'x' * 32}"
    assert zuora_simulator.requests() == []


def test_an_error_of_requests_mock_is_the_same_error(hook, mocker):
    mocker.put(
        f"{LIST}/{PENDING_ID}/accept",
        status_code=400,
        json={"success": False, "reasons": [{"code": 50000030, "message": "No."}]},
    )
    with pytest.raises(ZuoraRuleError):
        hook.accept_entity_connection(PENDING_ID)


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (requests.ReadTimeout, ZuoraOutcomeUnknownError),
        (requests.ConnectionError, ZuoraOutcomeUnknownError),
        (requests.ConnectTimeout, ZuoraNotSentError),
    ],
)
def test_an_exception_of_requests_mock_means_what_it_means_on_the_wire(raised, kind, hook, mocker):
    mocker.put("/v1/x", exc=raised)
    with pytest.raises(kind):
        hook.request("PUT", "/v1/x", json={})


def test_a_request_that_is_not_mocked_goes_nowhere(hook, mocker, zuora_simulator):
    with pytest.raises(requests_mock.NoMockAddress):
        hook.list_entities()
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize(
    "body",
    [
        {"content": b'{"success": true}'},
        {"text": '{"success": true}'},
        {"body": io.BytesIO(b'{"success": true}')},
    ],
    ids=["content", "text", "body"],
)
def test_every_kind_of_body_is_read(body, hook, mocker):
    mocker.get("/v1/x", **body)
    assert hook.request("GET", "/v1/x")["success"] is True


def test_a_redirect_of_requests_mock_is_not_followed(hook, mocker):
    mocker.get("/v1/x", status_code=302, headers={"Location": "https://login.example.com/"})
    with pytest.raises(ZuoraRequestError, match=r"login\.example\.com"):
        hook.request("GET", "/v1/x")


def test_what_wraps_session_send_sees_every_request(hook, monkeypatch):
    """As the instrumentation of requests by OpenTelemetry does."""
    seen = []
    send = requests.Session.send

    def traced(session: requests.Session, request: requests.PreparedRequest, **kwargs: Any) -> Any:
        response = send(session, request, **kwargs)
        seen.append((request.method, response.status_code))
        return response

    monkeypatch.setattr(requests.Session, "send", traced)
    hook.accept_entity_connection(PENDING_ID)
    hook.run(LIST)
    assert seen == [("POST", 200), ("GET", 200), ("PUT", 200), ("GET", 200)]

"""Every row of the retry rule, shown by the requests that reach the server."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_zuora import exceptions
from airflow_zuora.client.retries import Verdict, judge
from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraPermissionError,
    ZuoraRateLimitError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraRuleError,
    ZuoraServerError,
    ZuoraTransportError,
)
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator.seed import PENDING_ID

LIST = "/v1/entity-connections"
ACCEPT = f"{LIST}/{PENDING_ID}/accept"
OLD, NEW = "341.0", "2025-08-12"

# Zuora did nothing: sent again, whatever the method.
BUSY: dict[str, tuple[dict[str, Any], type[ZuoraError]]] = {
    "lock": ({"named": "lock"}, ZuoraBusyError),
    "HTTP 409": ({"status": 409}, ZuoraBusyError),
    "rate limit": ({"named": "throttle"}, ZuoraRateLimitError),
    "concurrency": ({"named": "concurrency"}, ZuoraRateLimitError),
    "HTTP 429": ({"status": 429}, ZuoraRateLimitError),
    "no user info": ({"named": "no_user_info"}, ZuoraBusyError),
    "word": ({"body": {"success": False, "code": "LOCK_COMPETITION"}}, ZuoraBusyError),
}
# Zuora may have done something: a GET is sent again, a change is not.
UNKNOWN: dict[str, tuple[dict[str, Any], type[ZuoraError]]] = {
    "dropped before the effect": ({"drop": True}, ZuoraTransportError),
    "dropped after the effect": ({"drop": True, "after_effect": True}, ZuoraTransportError),
    "half a body": ({"half_body": True}, ZuoraTransportError),
    "damaged gzip": ({"damage_gzip": True}, ZuoraTransportError),
    "HTML with 503": ({"named": "html"}, ZuoraServerError),
    "502": ({"named": "bad_gateway"}, ZuoraServerError),
    "504": ({"named": "gateway_timeout"}, ZuoraServerError),
    "500": ({"status": 500}, ZuoraServerError),
    "408": ({"status": 408}, ZuoraServerError),
    "internal": ({"named": "internal"}, ZuoraServerError),
    "temporary": ({"named": "temporary"}, ZuoraServerError),
    "integration": ({"named": "integration"}, ZuoraServerError),
    "empty 200": ({"named": "empty"}, ZuoraResponseError),
    "broken JSON": ({"named": "broken_json"}, ZuoraResponseError),
    "HTML with 200": ({"body": "<html></html>"}, ZuoraResponseError),
    "a list": ({"body": [1]}, ZuoraResponseError),
}
# A refusal.
FINAL: dict[str, tuple[dict[str, Any], type[ZuoraError]]] = {
    "permission": ({"named": "permission"}, ZuoraPermissionError),
    "rule": ({"named": "rule"}, ZuoraRuleError),
    "not found": ({"named": "not_found"}, ZuoraNotFoundError),
    "success false": ({"named": "no_reasons"}, ZuoraRequestError),
    "redirect": ({"named": "redirect"}, ZuoraRequestError),
    "400": ({"status": 400}, ZuoraRequestError),
    "403": ({"status": 403}, ZuoraPermissionError),
    "404": ({"status": 404}, ZuoraNotFoundError),
    "501": ({"status": 501}, ZuoraRequestError),
}


# What follows an error of a GET, and of a PUT or POST.
RULE = {
    exceptions.ZuoraNotSentError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraBusyError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraRateLimitError: (Verdict.AGAIN, Verdict.AGAIN),
    exceptions.ZuoraAuthError: (Verdict.NEW_TOKEN, Verdict.NEW_TOKEN),
    exceptions.ZuoraTransportError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraServerError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraResponseError: (Verdict.AGAIN, Verdict.OUTCOME_UNKNOWN),
    exceptions.ZuoraOutcomeUnknownError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraPermissionError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraNotFoundError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraRuleError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraRequestError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraApiError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraConfigError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraValueError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ApprovalError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.EntityConnectionNotFoundError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.EntityConnectionStateError: (Verdict.RAISE, Verdict.RAISE),
    exceptions.ZuoraError: (Verdict.RAISE, Verdict.RAISE),
    ValueError: (Verdict.RAISE, Verdict.RAISE),
    OSError: (Verdict.RAISE, Verdict.RAISE),
    KeyboardInterrupt: (Verdict.RAISE, Verdict.RAISE),
}


@pytest.mark.parametrize("kind", RULE, ids=lambda kind: kind.__name__)
def test_the_retry_rule_is_this_table(kind):
    assert (judge(kind("x"), repeatable=True), judge(kind("x"), repeatable=False)) == RULE[kind]


def test_the_retry_rule_knows_every_error():
    errors = {kind for kind in vars(exceptions).values() if isinstance(kind, type)}
    assert {kind for kind in errors if kind.__module__ == exceptions.__name__} <= set(RULE)


@pytest.fixture(params=[OLD, NEW])
def versioned(request, connect) -> ZuoraHook:
    """A hook that gets errors with HTTP 200, and one that gets them with their own status."""
    hook: ZuoraHook = connect(zuora_version=request.param)
    return hook


def call(hook: ZuoraHook, method: str) -> dict[str, Any]:
    return hook.request(method, LIST if method == "GET" else ACCEPT, json=None if method == "GET" else {})


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", BUSY)
def test_a_busy_zuora_is_asked_again(name, method, versioned, zuora_simulator, waits):
    zuora_simulator.fault(method=method, times=2, **BUSY[name][0])
    assert call(versioned, method)["success"] is True
    assert len(zuora_simulator.requests(method, f"{LIST}*")) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", BUSY)
def test_a_zuora_that_stays_busy_is_given_up_after_five_attempts(
    name, method, versioned, zuora_simulator, waits
):
    zuora_simulator.fault(method=method, times=None, **BUSY[name][0])
    with pytest.raises(BUSY[name][1]):
        call(versioned, method)
    assert len(zuora_simulator.requests(method, f"{LIST}*")) == 5
    assert len(waits) == 4


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_read_is_repeated_after_a_failure(name, versioned, zuora_simulator, waits):
    fault, kind = UNKNOWN[name]
    zuora_simulator.fault(method="GET", times=4, **fault)
    assert call(versioned, "GET")["success"] is True
    assert len(zuora_simulator.requests("GET", LIST)) == 5
    zuora_simulator.fault(method="GET", times=None, **fault)
    with pytest.raises(kind):
        call(versioned, "GET")
    assert len(zuora_simulator.requests("GET", LIST)) == 10
    assert len(waits) == 8


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_change_is_not_repeated_after_a_failure(name, versioned, zuora_simulator, waits):
    fault, kind = UNKNOWN[name]
    zuora_simulator.fault(method="PUT", **fault)
    with pytest.raises(ZuoraOutcomeUnknownError, match="outcome is unknown") as raised:
        call(versioned, "PUT")
    assert isinstance(raised.value.__cause__, kind)
    assert len(zuora_simulator.requests("PUT")) == 1
    assert waits == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", FINAL)
def test_a_refusal_is_final(name, method, versioned, zuora_simulator, waits):
    zuora_simulator.fault(method=method, **FINAL[name][0])
    with pytest.raises(FINAL[name][1]):
        call(versioned, method)
    assert len(zuora_simulator.requests(method, f"{LIST}*")) == 1
    assert waits == []


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    "fault",
    [
        {"named": "expired_token"},
        {"status": 401},
        {"body": {"success": False, "reasons": [{"code": 90000011}]}},
    ],
    ids=["expired", "401", "category 11 with 200"],
)
def test_a_refused_token_is_renewed_once(fault, method, versioned, zuora_simulator, waits):
    zuora_simulator.fault(method=method, **fault)
    assert call(versioned, method)["success"] is True
    assert len(zuora_simulator.requests(method, f"{LIST}*")) == 2
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 2
    zuora_simulator.fault(method="GET", times=None, **fault)
    with pytest.raises(ZuoraAuthError):
        call(versioned, "GET")
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 3
    assert sum(waits) == 0


def test_a_failure_to_renew_the_token_is_not_an_unknown_outcome(hook, zuora_simulator):
    hook.list_entities()
    zuora_simulator.fault("expired_token", method="PUT")
    zuora_simulator.fault(status=503, path="/oauth/token", times=None)
    with pytest.raises(ZuoraServerError, match="POST http"):
        call(hook, "PUT")
    assert len(zuora_simulator.requests("PUT")) == 1
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 1 + hook.client.retries.attempts


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        ({"named": "concurrency"}, 120),
        ({"named": "concurrency", "parameters": {"retry_after": 190}}, 190),
        ({"named": "throttle", "parameters": {"reset": 61}}, 61),
        ({"named": "throttle", "parameters": {"reset": 61, "retry_after": 90}}, 90),
        ({"named": "lock", "headers": {"Retry-After": "77"}}, 77),
    ],
)
def test_no_wait_is_shorter_than_zuora_asks(fault, seconds, method, versioned, zuora_simulator, waits):
    zuora_simulator.fault(method=method, times=3, **fault)
    call(versioned, method)
    assert len(waits) == 3
    assert all(seconds <= wait <= max(seconds, 60) for wait in waits)


def test_without_a_wait_of_zuora_the_waits_grow_with_jitter(hook, zuora_simulator, waits):
    zuora_simulator.fault(status=503, times=4)
    call(hook, "GET")
    assert all(0 <= wait <= 2**number for number, wait in enumerate(waits))
    assert len(set(waits)) == 4

"""What a hook spends at most on one call: time, bytes, requests."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from airflow_zuora.exceptions import ZuoraOutcomeUnknownError, ZuoraResponseError, ZuoraTransportError
from airflow_zuora.hooks import listing, transport
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID

LIST = "/v1/entity-connections"
ACCEPT = f"{LIST}/{PENDING_ID}/accept"


@pytest.fixture
def dripping(connect, zuora_simulator, monkeypatch) -> ZuoraHook:
    """A hook that gets one drop of an answer; when it looks at its clock again, its minute is over."""
    hook: ZuoraHook = connect(timeout=60)
    hook.list_entities()
    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=itertools.count(0, 61).__next__))
    zuora_simulator.fault(slow_body=600)
    hook.max_attempts = 1
    return hook


def test_a_server_that_drips_does_not_outlast_the_timeout(dripping):
    with pytest.raises(ZuoraTransportError, match="did not arrive whole within 60 seconds"):
        dripping.get_entity(DEFAULT_ENTITY_ID)


def test_a_change_whose_answer_drips_is_of_unknown_outcome(dripping, zuora_simulator):
    with pytest.raises(ZuoraOutcomeUnknownError, match="within 60 seconds"):
        dripping.request("PUT", ACCEPT, json={})
    assert len(zuora_simulator.requests("PUT")) == 1


@pytest.mark.parametrize("fault", ["lock", "concurrency"])
def test_a_token_that_ends_between_two_attempts_is_renewed_before_the_next(
    fault, hook, zuora_simulator, waits, clock, monkeypatch
):
    hook.list_entities()
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: setattr(clock, "now", clock.now + 4000))
    zuora_simulator.fault(fault, method="PUT")
    assert hook.request("PUT", ACCEPT, json={})["success"] is True
    sent = [(one.method, one.path) for one in zuora_simulator.requests()]
    assert sent[-3:] == [("PUT", ACCEPT), ("POST", "/oauth/token"), ("PUT", ACCEPT)]


def test_a_token_that_cannot_be_renewed_between_two_attempts_leaves_no_unknown_outcome(
    hook, zuora_simulator, waits, clock, monkeypatch
):
    hook.list_entities()
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: setattr(clock, "now", clock.now + 4000))
    zuora_simulator.fault("lock", method="PUT", times=None)
    zuora_simulator.fault("html", path="/oauth/token", times=None)
    with pytest.raises(Exception, match="POST http.*/oauth/token answered HTTP 503") as raised:
        hook.request("PUT", ACCEPT, json={})
    assert not isinstance(raised.value, ZuoraOutcomeUnknownError)
    assert len(zuora_simulator.requests("PUT")) == 1


def test_a_list_that_never_ends_is_left(hook, zuora_simulator, monkeypatch):
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    rows = [
        {"id": f"{number:032x}", "sourceEntityId": "a" * 32, "targetEntityId": "b" * 32, "status": "Pending"}
        for number in range(10)
    ]
    for row in rows:
        zuora_simulator.fault(
            method="GET", body={"entityConnections": [row], "nextPage": "/entity-connections?page=2"}
        )
    with pytest.raises(ZuoraResponseError, match="does not end: after 3 pages"):
        hook.list_entity_connections()
    assert len(zuora_simulator.requests("GET")) == 3

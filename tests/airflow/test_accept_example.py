"""The example DAG ``accept_entity_connection``, as users, auditors and Zuora see it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.airflow.acme import new_entity, new_request, status
from tests.airflow.runs import Run, trigger

pytestmark = pytest.mark.side_by_side


def accept(airflow: LocalAirflow, **conf: Any) -> Run:
    return trigger(airflow, "accept_entity_connection", zuora_conn_id="zuora_tests", **conf)


def test_result_and_log_are_an_audit_record(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora, source_name="Acme Norway")
    run = accept(airflow, connection_id=request)
    run.answer("Approve", user="ann", reason="as agreed")
    run.wait()
    result = run.result()
    (put,) = zuora.requests("PUT", f"*/{request}/accept")
    assert result == {
        "connection_id": request,
        "source_entity_id": zuora.store.connections.get(request).source_entity_id,
        "source_name": "Acme Norway",
        "target_entity_id": DEFAULT_ENTITY_ID,
        "target_name": "Acme Germany",
        "status": "Connected",
        "previous_status": "Pending",
        "changed": True,
        "approved_by": "ann",
        "approved_at": run.result("review")["answered_at"],
        "reason": "as agreed",
        "track_id": put.track_id,
        "request_id": put.request_id,
    }
    events = [json.loads(line)["event"] for line in run.log().splitlines()]
    ours = [event for event in events if "Acme Norway" in event]
    assert ours[0].startswith("Sending accept: Acme Norway to Acme Germany")
    assert ours[-1].startswith("Acme Norway to Acme Germany")
    assert "Connected, was Pending" in ours[-1]
    for word in ("ann", "as agreed", put.track_id, put.request_id):
        assert any(str(word) in event for event in events)


def test_an_accept_costs_one_token_one_list_and_one_put(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    request = new_request(zuora)
    run = accept(airflow, connection_id=request)
    run.answer("Approve")
    run.wait()
    (put,) = zuora.requests("PUT", f"*/{request}/accept")
    same_socket = [one for one in zuora.requests() if one.peer_port == put.peer_port]
    assert [(one.method, one.path) for one in same_socket] == [
        ("POST", "/oauth/token"),
        ("GET", "/v1/entity-connections"),
        ("PUT", f"/v1/entity-connections/{request}/accept"),
    ]
    assert put.body == {}


def test_a_request_is_found_by_the_names_of_its_entities(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora, new_entity(zuora, "Acme Finland"), source_name="Acme Denmark")
    run = accept(airflow, source_entity="Acme Denmark", target_entity="Acme Finland")
    assert run.question()["subject"] == "Connect Acme Denmark to Acme Finland?"
    run.answer("Approve")
    run.wait()
    assert status(zuora, request) == "Connected"


def test_a_rejected_request_stays_pending_and_the_run_succeeds(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    run = accept(airflow, connection_id=request)
    run.answer("Reject", reason="the wrong one")
    assert run.wait() == "success"
    assert (run.states("review"), run.states()) == (["success"], ["skipped"])
    for words in ("ann chose Reject", "the wrong one"):
        assert words in run.log()
    assert status(zuora, request) == "Pending"


def test_nobody_is_asked_about_a_request_that_was_denied(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora)
    zuora.store.connections.deny(request, DEFAULT_ENTITY_ID)
    run = accept(airflow, connection_id=request)
    run.wait()
    assert (run.states("review"), run.states()) == (["success"], ["failed"]), "despite retries"
    assert run.result("review")["option"] is None
    assert "EntityConnectionStateError" in run.log()


def test_nobody_is_asked_about_an_unknown_request(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    run = accept(airflow, connection_id="f" * 32)
    run.wait()
    assert (run.states("review"), run.states()) == (["failed"], ["upstream_failed"]), (
        "though retries are left"
    )
    assert f"no entity connection {'f' * 32}" in run.log("review")

"""The main job: a request that a person approved is accepted, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_zuora.exceptions import (
    ApprovalError,
    EntityConnectionStateError,
    ZuoraOutcomeUnknownError,
    ZuoraValueError,
)
from airflow_zuora.models import entity_uuid
from airflow_zuora.operators.base import default_track_id
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    DEFAULT_ENTITY_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
    US_ENTITY_ID,
)
from tests.helpers.tasks import context, run
from tests.helpers.zuora import LIST, order, status_of

AnswerMaker = Callable[..., dict[str, Any]]


def accept(**arguments: Any) -> AcceptEntityConnectionOperator:
    return AcceptEntityConnectionOperator(task_id="accept", **arguments)


def test_an_approved_request_is_accepted_and_recorded(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker
) -> None:
    approval = answer(PENDING_ID, reason="as agreed")
    result = run(accept(approval=approval))
    (put,) = zuora_simulator.requests("PUT")
    assert result == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "source_name": "Acme Corporation",
        "target_entity_id": DEFAULT_ENTITY_ID,
        "target_name": "Acme Germany",
        "status": "Connected",
        "previous_status": "Pending",
        "changed": True,
        "approved_by": "ann",
        "approved_at": approval["answered_at"],
        "reason": "as agreed",
        "track_id": "d.accept.manual__1.1",
        "request_id": put.request_id,
    }
    assert put.track_id == "d.accept.manual__1.1"
    assert put.path == f"/v1/entity-connections/{PENDING_ID}/accept"


def test_running_it_again_changes_nothing_and_succeeds(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    run(accept(approval=approval))
    second = run(accept(approval=approval))
    assert (second["status"], second["previous_status"]) == ("Connected", "Connected")
    assert (second["changed"], second["request_id"], second["approved_by"]) == (False, None, "ann")
    assert len(zuora_simulator.requests("PUT")) == 1


def test_without_an_approval_the_dag_alone_decides(zuora_simulator: ZuoraSimulator) -> None:
    result = run(accept(connection_id=PENDING_ID))
    assert (result["status"], result["source_name"]) == ("Connected", "Acme Corporation")
    assert (result["approved_by"], result["approved_at"], result["reason"]) == (None, None, None)


def test_it_acts_in_the_target_entity_that_the_answer_names(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = zuora_simulator.connection_json(entity_id=UK_ENTITY_ID)
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", elsewhere)
    assert run(accept(approval=approval))["changed"]
    sent = {one.headers["zuora-entity-ids"] for one in zuora_simulator.requests(path="/v1/*")}
    assert sent == {entity_uuid(DEFAULT_ENTITY_ID)}


def test_it_acts_in_the_entity_that_is_given(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    with pytest.raises(EntityConnectionStateError, match=f"set entity_id to {DEFAULT_ENTITY_ID}"):
        run(accept(approval=approval, entity_id=SOURCE_ENTITY_ID))
    assert zuora_simulator.requests("PUT") == []
    assert run(accept(approval=approval, entity_id=DEFAULT_ENTITY_ID))["changed"]


@pytest.mark.parametrize("connection_id", [None, PENDING_ID])
def test_the_id_may_be_left_out_where_the_answer_names_one_connection(
    approval: dict[str, Any], connection_id: str | None
) -> None:
    assert run(accept(approval=approval, connection_id=connection_id))["connection_id"] == PENDING_ID


def test_an_id_that_the_answer_is_not_about_is_refused(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    with pytest.raises(
        ApprovalError, match=f"no answer of 'review' about entity connection {PENDING_IDS[1]}"
    ):
        run(accept(approval=approval, connection_id=PENDING_IDS[1]))
    assert zuora_simulator.requests() == []


def test_of_an_answer_about_several_the_id_says_which(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker
) -> None:
    several = answer(*PENDING_IDS)
    with pytest.raises(
        ZuoraValueError,
        match="about 3 entity connections: Acme Corporation to Acme Germany.*Give the connection_id",
    ):
        run(accept(approval=several))
    assert zuora_simulator.requests() == []
    assert run(accept(approval=several, connection_id=PENDING_IDS[2]))["connection_id"] == PENDING_IDS[2]
    assert [status_of(zuora_simulator, id_) for id_ in PENDING_IDS] == ["Pending", "Pending", "Connected"]


@pytest.mark.parametrize("option", ["Reject", "Deny", "Leave pending"])
def test_any_other_option_skips_it_without_any_request(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker, option: str
) -> None:
    refused = answer(PENDING_ID, option=option, reason="too early")
    with pytest.raises(AirflowSkipException) as caught:
        run(accept(approval=refused))
    for part in ("accept", "Acme Corporation to Acme Germany", PENDING_ID, "ann", option, "too early"):
        assert part in str(caught.value)
    assert refused["answered_at"] in str(caught.value)
    assert zuora_simulator.requests() == []


def test_two_people_have_to_approve_where_there_are_two_reviews(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker
) -> None:
    legal = answer(PENDING_ID, task_id="legal", reason="checked")
    with pytest.raises(ApprovalError, match="ann answered more than one of the reviews"):
        run(accept(approval=[legal, answer(PENDING_ID, task_id="finance")]))
    assert zuora_simulator.requests() == []
    finance = answer(PENDING_ID, task_id="finance", answered_by="bob", reason="paid")
    result = run(accept(approval=[legal, finance]))
    assert (result["approved_by"], result["reason"]) == ("bob, ann", "paid; checked")
    assert result["approved_at"] == finance["answered_at"]


@pytest.mark.parametrize(
    ("elsewhere", "advice"),
    [
        ({"dag_id": "another"}, "of DAG 'another'"),
        ({"run_id": "manual__0"}, "run 'manual__0'"),
        ({"change": "disconnect"}, 'change="accept"'),
        ({"answered_at": datetime.now(UTC) - timedelta(days=8)}, "more than 7 days ago"),
        ({"zuora_conn_id": "zuora_renewed"}, "Client Secret was renewed"),
        ({"zuora_conn_id": "zuora_elsewhere"}, "this task acts at"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_answer_from_elsewhere_is_refused_without_any_request(
    zuora_simulator: ZuoraSimulator,
    answer: AnswerMaker,
    monkeypatch: pytest.MonkeyPatch,
    elsewhere: dict[str, Any],
    advice: str,
) -> None:
    renewed = zuora_simulator.connection_json(password="renewed")
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_RENEWED", renewed)
    other_host = zuora_simulator.connection_json(host="https://rest.zuora.com", port=None)
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_ELSEWHERE", other_host)
    with pytest.raises(ApprovalError, match=advice) as caught:
        run(accept(approval=answer(PENDING_ID, **elsewhere)))
    assert isinstance(caught.value, AirflowFailException)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("side", ["sourceEntityId", "targetEntityId"])
def test_a_request_that_is_between_other_entities_now_is_refused(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], side: str
) -> None:
    row = {**zuora_simulator.store.connections.get(PENDING_ID).to_api(), side: US_ENTITY_ID}
    zuora_simulator.fault(method="GET", path=LIST, body={"success": True, "entityConnections": [row]})
    with pytest.raises(ApprovalError, match=f"Now it is .*{US_ENTITY_ID}.*Trigger a new run"):
        run(accept(approval=approval, entity_id=row["targetEntityId"]))
    assert zuora_simulator.requests("PUT") == []


def test_a_request_that_is_denied_meanwhile_fails_at_once(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    zuora_simulator.store.connections.deny(PENDING_ID, DEFAULT_ENTITY_ID)
    with pytest.raises(EntityConnectionStateError, match="it is Disconnected, not Pending"):
        run(accept(approval=approval))
    assert zuora_simulator.requests("PUT") == []


def test_a_request_that_is_accepted_meanwhile_is_a_success(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    assert run(accept(approval=approval))["changed"] is False
    assert zuora_simulator.requests("PUT") == []


def test_a_lost_answer_is_looked_up_and_not_sent_again(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], waits: list[float]
) -> None:
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    result = run(accept(approval=approval))
    assert (result["status"], result["changed"], result["request_id"]) == ("Connected", True, None)
    assert order(zuora_simulator) == ["GET", "PUT", "GET"]


def test_an_outcome_that_stays_unknown_is_left_to_the_retries_of_the_task(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], waits: list[float]
) -> None:
    zuora_simulator.fault(method="PUT", drop=True, times=3)
    with pytest.raises(ZuoraOutcomeUnknownError) as caught:
        run(accept(approval=approval))
    assert not isinstance(caught.value, AirflowFailException)
    assert run(accept(approval=approval), try_number=2)["changed"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"connection_id": "../x"},
        {"connection_id": ""},
        {"connection_id": None},
        {"connection_id": PENDING_ID, "entity_id": "Acme"},
        {"connection_id": PENDING_ID, "track_id": "a:b"},
        {"connection_id": PENDING_ID, "approval": None},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraValueError, match=list(arguments)[-1]):
        accept(**arguments)


@pytest.mark.parametrize("value", ["a/b", "", None, "None", 5.0])
def test_a_wrong_value_of_a_template_fails_the_task_at_once(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], value: Any
) -> None:
    operator = accept(approval=approval, connection_id="{{ params.connection_id }}")
    operator.connection_id = value  # as rendering does
    with pytest.raises(AirflowFailException, match="connection_id"):
        run(operator)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize(
    "run_id", ["manual__1", "manual__2026-11-23T12:00:00+00:00", "ü" * 100, "a;\"'b", "x" * 300]
)
@pytest.mark.parametrize("map_index", [-1, 0, 12])
def test_the_track_id_is_readable_and_allowed_by_zuora(run_id: str, map_index: int) -> None:
    track_id = default_track_id(context(run_id=run_id, map_index=map_index))
    assert re.fullmatch("[!-~]{1,64}", track_id)
    assert not set(track_id) & set(":;\"'")
    assert track_id.startswith("d.accept")
    assert ("[12]" in track_id) == (map_index == 12)


def test_track_ids_of_different_tries_differ() -> None:
    long = "manual__2026-11-23T12:00:00.123456+00:00"
    ids = {default_track_id(context(run_id=long, try_number=number)) for number in range(1, 10)}
    assert len(ids) == 9


def test_the_known_limit_an_approval_covers_a_new_request_to_which_zuora_gives_the_same_id(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    zuora_simulator.settings.update({"reinitiate": "same"})
    assert run(accept(approval=approval))["changed"]
    zuora_simulator.store.connections.disconnect(PENDING_ID, DEFAULT_ENTITY_ID)
    assert zuora_simulator.send_request(SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID) == PENDING_ID
    assert run(accept(approval=approval))["changed"]  # as somebody does who clears the task

"""What the changing operators share, shown on DenyEntityConnectionOperator, and what is its own."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_zuora.exceptions import (
    ApprovalError,
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraNotFoundError,
)
from airflow_zuora.operators.entity_connection import (
    DenyEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
    InitiateEntityConnectionOperator,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    AUSTRALIA_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
)
from tests.unit.tasks import NO, YES, run

KEYS = {
    "connection_id",
    "source_entity_id",
    "target_entity_id",
    "status",
    "previous_status",
    "changed",
    "approved_by",
    "approved_at",
    "track_id",
    "request_id",
}
CHANGING: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "deny": (DenyEntityConnectionOperator, {"connection_id": PENDING_ID}),
    "disconnect": (DisconnectEntityConnectionOperator, {"connection_id": CONNECTED_ID, "confirm": True}),
    "initiate": (InitiateEntityConnectionOperator, {"target_entity_id": AUSTRALIA_ENTITY_ID}),
}


def make(verb: str, **arguments: Any) -> Any:
    kind, own = CHANGING[verb]
    return kind(**{"task_id": verb, **own, **arguments})


def deny(**arguments: Any) -> DenyEntityConnectionOperator:
    return DenyEntityConnectionOperator(
        **{"task_id": "deny", "connection_id": PENDING_ID, "approval": YES, **arguments}
    )


def changes(simulator: ZuoraSimulator) -> list[str]:
    return [one.path for one in simulator.requests(path="/v1/*") if one.method != "GET"]


@pytest.mark.parametrize("verb", CHANGING)
def test_each_change_has_the_same_plain_record(zuora_simulator: ZuoraSimulator, verb: str) -> None:
    result = run(make(verb, approval=YES), task_id=verb)
    assert set(result) == KEYS
    assert {type(value) for value in result.values()} <= {str, bool, type(None)}
    assert (result["approved_by"], result["approved_at"]) == ("ann", "2026-11-23T00:00:00+00:00")
    (change,) = (one for one in zuora_simulator.requests(path="/v1/*") if one.method != "GET")
    assert (result["request_id"], result["changed"]) == (change.request_id, True)
    assert result["track_id"] == change.track_id == f"d.{verb}.manual__1.1"


@pytest.mark.parametrize("verb", CHANGING)
@pytest.mark.parametrize("approval", [NO, [YES, NO]])
def test_a_rejected_change_is_skipped_without_any_request(
    zuora_simulator: ZuoraSimulator, verb: str, approval: Any
) -> None:
    with pytest.raises(AirflowSkipException, match="chose Reject"):
        run(make(verb, approval=approval))
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("verb", CHANGING)
@pytest.mark.parametrize("approval", [None, "", "Approve", True, [], {}, {**YES, "responded_by_user": None}])
def test_a_change_without_a_human_answer_fails_at_once_without_any_request(
    zuora_simulator: ZuoraSimulator, verb: str, approval: Any
) -> None:
    operator = make(verb, approval=YES)
    operator.approval = approval  # as rendering does
    with pytest.raises(ApprovalError) as caught:
        run(operator)
    assert isinstance(caught.value, AirflowFailException)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize("verb", CHANGING)
def test_four_eyes_and_other_options_work_for_each_change(zuora_simulator: ZuoraSimulator, verb: str) -> None:
    yes = {**YES, "chosen_options": ["Go"]}
    with pytest.raises(ApprovalError, match="four_eyes"):
        run(make(verb, approval=yes, approving_options=["Go"], four_eyes=True), triggered_by="ann")
    assert zuora_simulator.requests() == []
    assert run(make(verb, approval=yes, approving_options=["Go"], four_eyes=True))["changed"]


@pytest.mark.parametrize("verb", CHANGING)
def test_running_a_change_again_changes_nothing_and_succeeds(
    zuora_simulator: ZuoraSimulator, verb: str
) -> None:
    first, second = (run(make(verb)) for _ in range(2))
    assert (first["changed"], second["changed"]) == (True, False)
    assert (second["connection_id"], second["status"]) == (first["connection_id"], first["status"])
    assert (second["previous_status"], second["request_id"]) == (first["status"], None)
    assert len(changes(zuora_simulator)) == 1


def test_a_denied_request_is_recorded(zuora_simulator: ZuoraSimulator) -> None:
    result = run(deny(), task_id="deny")
    assert {name: result[name] for name in KEYS - {"request_id", "approved_at"}} == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "target_entity_id": DEFAULT_ENTITY_ID,
        "status": "Disconnected",
        "previous_status": "Pending",
        "changed": True,
        "approved_by": "ann",
        "track_id": "d.deny.manual__1.1",
    }
    assert str(zuora_simulator.store.connections.get(PENDING_ID).status) == "Disconnected"


def test_a_denial_that_cannot_be_fails_at_once_without_a_change(zuora_simulator: ZuoraSimulator) -> None:
    for id_, kind in ((CONNECTED_ID, EntityConnectionStateError), ("8a8080", ZuoraNotFoundError)):
        with pytest.raises(kind) as caught:
            run(deny(connection_id=id_))
        assert isinstance(caught.value, AirflowFailException)
    assert changes(zuora_simulator) == []


def test_the_deny_of_a_removed_request_is_not_taken_for_a_success(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.settings.update({"deny_result": "removed"})
    assert run(deny())["changed"]
    with pytest.raises(ZuoraNotFoundError):
        run(deny())


@pytest.mark.parametrize("verb", ["deny", "disconnect"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"connection_id": "../x"},
        {"connection_id": ""},
        {"connection_id": None},
        {"entity_id": "Acme"},
        {"track_id": "a:b"},
        {"approving_options": ()},
        {"four_eyes": True},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(verb: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraConfigError, match=next(iter(arguments))):
        make(verb, **arguments)


@pytest.mark.parametrize("verb", ["deny", "disconnect"])
def test_a_wrong_value_of_a_template_fails_the_task_at_once(
    zuora_simulator: ZuoraSimulator, verb: str
) -> None:
    for value in ("a/b", "", None):
        operator = make(verb, connection_id="{{ params.connection_id }}")
        operator.connection_id = value  # as rendering does
        with pytest.raises(AirflowFailException, match="connection_id"):
            run(operator)
    assert zuora_simulator.requests() == []


def test_the_ids_and_the_guard_can_be_templated() -> None:
    for verb, field in (
        ("deny", "connection_id"),
        ("disconnect", "connection_id"),
        ("initiate", "target_entity_id"),
    ):
        fields = set(make(verb).template_fields)
        assert {field, "approval", "zuora_conn_id", "entity_id", "track_id"} <= fields
    assert "confirm" in make("disconnect").template_fields

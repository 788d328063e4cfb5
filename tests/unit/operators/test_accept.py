"""AcceptEntityConnectionOperator against the simulator, without a scheduler around it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
from airflow.sdk import DAG

from airflow_zuora.exceptions import ApprovalError, EntityConnectionStateError, ZuoraConfigError
from airflow_zuora.operators.base import default_track_id
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID, US_ENTITY_ID
from tests.unit.tasks import NO, YES, context, run


def accept(**arguments: Any) -> AcceptEntityConnectionOperator:
    return AcceptEntityConnectionOperator(**{"task_id": "accept", "connection_id": PENDING_ID, **arguments})


def status(simulator: ZuoraSimulator) -> str:
    return str(simulator.store.connections.get(PENDING_ID).status)


def test_an_approved_request_is_accepted_and_recorded(zuora_simulator: ZuoraSimulator) -> None:
    result = run(accept(approval=YES, expected_source_entity_id=SOURCE_ENTITY_ID))
    (put,) = zuora_simulator.requests("PUT")
    assert result == {
        "connection_id": PENDING_ID,
        "source_entity_id": SOURCE_ENTITY_ID,
        "target_entity_id": DEFAULT_ENTITY_ID,
        "status": "Connected",
        "previous_status": "Pending",
        "changed": True,
        "approved_by": "ann",
        "approved_at": "2026-11-23T00:00:00+00:00",
        "track_id": "d.accept.manual__1.1",
        "request_id": put.request_id,
    }
    assert put.track_id == "d.accept.manual__1.1"


def test_running_it_again_changes_nothing_and_succeeds(zuora_simulator: ZuoraSimulator) -> None:
    first, second = (run(accept(approval=YES)) for _ in range(2))
    assert (second["status"], second["previous_status"], second["changed"]) == (
        "Connected",
        "Connected",
        False,
    )
    assert second["request_id"] is None
    assert first["connection_id"] == second["connection_id"]
    assert len(zuora_simulator.requests("PUT")) == 1


def test_it_works_without_a_task_instance(zuora_simulator: ZuoraSimulator) -> None:
    assert accept(approval=YES).execute({})["changed"]


def test_without_approval_the_dag_alone_decides_and_the_log_says_so(
    zuora_simulator: ZuoraSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(accept())
    assert (result["status"], result["approved_by"], result["approved_at"]) == ("Connected", None, None)
    assert "No approval= was given" in capsys.readouterr().out


@pytest.mark.parametrize("approval", [NO, [YES, NO], {**NO, "responded_by_user": None}])
def test_a_rejected_request_is_skipped_without_any_request(
    zuora_simulator: ZuoraSimulator, approval: Any
) -> None:
    with pytest.raises(AirflowSkipException, match="Not approved: .* chose Reject"):
        run(accept(approval=approval))
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize(
    "approval",
    [
        None,
        "",
        "".join(["<not", " given>"]),
        "Approve",
        True,
        [],
        {},
        [YES, None],
        {"chosen_options": ["Approve"]},
        {**YES, "responded_by_user": None},
        {**YES, "chosen_options": []},
    ],
)
def test_without_a_human_answer_it_fails_at_once_without_any_request(
    zuora_simulator: ZuoraSimulator, approval: Any
) -> None:
    operator = accept(approval=YES)
    operator.approval = approval  # as rendering does
    with pytest.raises(ApprovalError) as caught:
        run(operator)
    assert isinstance(caught.value, AirflowFailException)
    assert zuora_simulator.requests() == []


def test_other_options_can_mean_yes(zuora_simulator: ZuoraSimulator) -> None:
    approval = {**YES, "chosen_options": ["Accept"]}
    assert run(accept(approval=approval, approving_options=["Accept"]))["status"] == "Connected"


def test_four_eyes_refuses_the_one_who_triggered_and_nobody(zuora_simulator: ZuoraSimulator) -> None:
    for triggered_by in ("ann", "ANN", "7", None):
        with pytest.raises(ApprovalError, match="four_eyes"):
            run(accept(approval=YES, four_eyes=True), triggered_by=triggered_by)
    assert zuora_simulator.requests() == []
    assert run(accept(approval=YES, four_eyes=True))["approved_by"] == "ann"


def test_several_approvers_are_all_named(zuora_simulator: ZuoraSimulator) -> None:
    later = {
        **YES,
        "responded_by_user": {"id": "8", "name": "eve"},
        "responded_at": "2026-11-24T00:00:00+00:00",
    }
    result = run(accept(approval=[YES, later]))
    assert (result["approved_by"], result["approved_at"]) == ("ann, eve", "2026-11-24T00:00:00+00:00")


def test_a_mapped_accept_refuses_an_answer_of_unknown_origin(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(ApprovalError, match=re.escape("expand()")):
        run(accept(approval=YES), map_index=0)
    assert zuora_simulator.requests() == []


def test_a_request_of_another_source_is_not_accepted(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(EntityConnectionStateError, match="that was expected"):
        run(accept(approval=YES, expected_source_entity_id=US_ENTITY_ID))
    assert status(zuora_simulator) == "Pending"


@pytest.mark.parametrize("field", ["expected_source_entity_id", "entity_id"])
def test_an_entity_that_is_given_but_missing_fails(field: str, zuora_simulator: ZuoraSimulator) -> None:
    operator = accept(approval=YES, **{field: "{{ ti.xcom_pull('gone') }}"})
    setattr(operator, field, None)  # as rendering an XCom that is gone does
    with pytest.raises(ZuoraConfigError, match="its value is missing"):
        run(operator)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"connection_id": "../x"},
        {"connection_id": ""},
        {"connection_id": None},
        {"entity_id": "Acme"},
        {"track_id": "a:b"},
        {"expected_source_entity_id": ""},
        {"approving_options": ()},
        {"approving_options": "Approve"},
        {"four_eyes": True},
    ],
    ids=str,
)
def test_a_wrong_argument_fails_when_the_dag_is_parsed(arguments: dict[str, Any]) -> None:
    with pytest.raises(ZuoraConfigError, match=next(iter(arguments))):
        accept(**arguments)


def test_a_wrong_value_of_a_template_fails_the_task_at_once(zuora_simulator: ZuoraSimulator) -> None:
    operator = accept(approval=YES, connection_id="{{ params.connection_id }}")
    operator.connection_id = "a/b"  # as rendering does
    with pytest.raises(AirflowFailException, match="connection_id"):
        run(operator)
    assert zuora_simulator.requests() == []


def test_the_serialized_dag_is_the_same_in_each_process() -> None:
    with DAG("d", schedule=None):
        operator = accept()
    assert operator.approval == "<not given>"


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

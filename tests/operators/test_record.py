"""What a change leaves behind: log lines, the result, asset events, and names in the Airflow UI."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias, task_group
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID, PENDING_ID, PENDING_IDS
from tests.helpers.tasks import context, run

AnswerMaker = Callable[..., dict[str, Any]]
WHAT = f"Acme Corporation to Acme Germany (entity connection {PENDING_ID})"


def accept(**arguments: Any) -> AcceptEntityConnectionOperator:
    return AcceptEntityConnectionOperator(task_id="accept", **arguments)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    """Read the lines that operators have logged since the last time."""
    line = re.compile(r"\S+ \[(?:info|warning|error) *\] (.*?) +\[airflow\.task\.operators\.")
    return lambda: [
        text for text in line.findall(capsys.readouterr().out) if "outside of the Task Runner" not in text
    ]


def test_the_log_says_who_decided_what_was_sent_and_what_came_of_it(
    zuora_simulator: ZuoraSimulator, answer: AnswerMaker, logged: Callable[[], list[str]]
) -> None:
    approval = answer(PENDING_ID, reason="as agreed")
    result = run(accept(approval=approval))
    assert logged() == [
        f"ann chose Approve at {approval['answered_at']} (as agreed)",
        f"Sending accept: {WHAT}, Zuora-Track-Id d.accept.manual__1.1",
        f"{WHAT}: Connected, was Pending",
        f"Zuora-Request-Id {result['request_id']}",
    ]


def test_what_is_sent_is_logged_before_it_is_sent(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], logged: Callable[[], list[str]]
) -> None:
    """So that a try that is killed while it waits for Zuora has said what it sent."""
    before: list[str] = []

    def note_the_log(request: Any) -> None:
        if request.method == "PUT":
            before.extend(logged())

    zuora_simulator.on_request(note_the_log)
    run(accept(approval=approval))
    assert before[-1].startswith(f"Sending accept: {WHAT}")


def test_a_reason_that_nobody_gave_is_not_mentioned(
    approval: dict[str, Any], logged: Callable[[], list[str]]
) -> None:
    run(accept(approval=approval))
    assert not [line for line in logged() if "None" in line or "()" in line]


def test_a_later_try_says_that_an_earlier_one_may_have_made_the_change(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any], logged: Callable[[], list[str]]
) -> None:
    run(accept(approval=approval))
    for try_number, is_said in ((1, False), (2, True)):
        logged()
        run(accept(approval=approval), try_number=try_number)
        said = logged()
        assert f"{WHAT}: Connected, was Connected" in said
        assert any("earlier try of this task" in line for line in said) == is_said
        assert not any(line.startswith(("Sending", "Zuora-Request-Id")) for line in said)


def test_a_change_whose_answer_was_lost_is_logged_without_a_request_id(
    zuora_simulator: ZuoraSimulator,
    approval: dict[str, Any],
    waits: list[float],
    logged: Callable[[], list[str]],
) -> None:
    zuora_simulator.fault(method="PUT", drop=True, after_effect=True)
    run(accept(approval=approval))
    assert logged()[-1] == f"{WHAT}: Connected, was Pending"


def test_without_an_approval_the_log_says_that_nothing_is_checked(
    zuora_simulator: ZuoraSimulator, logged: Callable[[], list[str]]
) -> None:
    run(accept(connection_id=PENDING_ID))
    assert "No approval= is given" in logged()[0]


def test_names_that_cannot_be_read_do_not_stop_a_change(
    zuora_simulator: ZuoraSimulator, logged: Callable[[], list[str]]
) -> None:
    zuora_simulator.fault("permission", path="/v1/entities", times=9)
    result = run(accept(connection_id=PENDING_ID))
    assert result["changed"]
    assert result["source_name"] == result["source_entity_id"]
    assert any("names of the entities cannot be read" in line for line in logged())


def test_a_change_that_nobody_was_asked_about_names_nobody(
    zuora_simulator: ZuoraSimulator, approval: dict[str, Any]
) -> None:
    result = run(accept(connection_id=PENDING_ID))
    assert (result["approved_by"], result["approved_at"], result["reason"]) == (None, None, None)


def test_asset_events_carry_the_result(approval: dict[str, Any]) -> None:
    assets = [Asset("connections"), Asset("audit")]
    running = context()
    result = accept(approval=approval, outlets=assets).execute(running)
    assert [running["outlet_events"][asset].extra for asset in assets] == [result, result]


def test_the_result_is_handed_out_as_an_xcom(approval: dict[str, Any]) -> None:
    running = context()
    result = accept(approval=approval).execute(running)
    assert running["ti"].xcoms == {"return_value": result}


def test_an_xcom_that_nobody_wants_is_not_written(approval: dict[str, Any]) -> None:
    running = context()
    accept(approval=approval, do_xcom_push=False).execute(running)
    assert running["ti"].xcoms == {}


def test_an_alias_among_the_outlets_does_no_harm(approval: dict[str, Any]) -> None:
    asset = Asset("connections")
    running = context()
    result = accept(approval=approval, outlets=[AssetAlias("alias"), asset]).execute(running)
    assert running["outlet_events"][asset].extra == result


def test_an_asset_event_that_fails_does_not_fail_the_change_nor_the_other_events(
    approval: dict[str, Any], logged: Callable[[], list[str]]
) -> None:
    class OneBroken(OutletEventAccessors):
        def __getitem__(self, key: Any) -> Any:
            if key.name == "broken":
                raise RuntimeError("no such asset")
            return super().__getitem__(key)

    wanted, events = Asset("audit"), OneBroken()
    operator = accept(approval=approval, outlets=[Asset("broken"), wanted])
    result = operator.execute({**context(), "outlet_events": events})
    assert result["changed"]
    assert events[wanted].extra == result
    assert any("could not be attached" in line and PENDING_ID in line for line in logged())


def test_an_xcom_backend_that_is_down_does_not_fail_the_change(
    approval: dict[str, Any], logged: Callable[[], list[str]]
) -> None:
    def fail(key: str, value: Any) -> None:
        raise ConnectionError("The backend is down")

    operator = accept(approval=approval)
    result = run(operator, xcom_push=fail)
    assert result["changed"]
    assert operator.do_xcom_push is False  # or Airflow writes it once more, and fails the task
    assert any("could not be written to XCom" in line and PENDING_ID in line for line in logged())


def test_a_denial_and_a_disconnection_leave_the_same_record(
    answer: AnswerMaker, logged: Callable[[], list[str]]
) -> None:
    denied = answer(PENDING_ID, option="Deny", reason="unknown to us")
    result = run(DenyEntityConnectionOperator(task_id="deny", approval=denied), task_id="deny")
    assert (result["status"], result["approved_by"], result["reason"]) == (
        "Disconnected",
        "ann",
        "unknown to us",
    )
    first, second, *_ = logged()
    assert first.startswith("ann chose Deny at")
    assert second == f"Sending deny: {WHAT}, Zuora-Track-Id d.deny.manual__1.1"
    approved = answer(CONNECTED_ID, change="disconnect")
    other = run(DisconnectEntityConnectionOperator(task_id="disconnect", approval=approved))
    assert result.keys() == other.keys()
    assert {type(value) for value in (*result.values(), *other.values())} <= {str, bool, type(None)}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"connection_id": PENDING_ID}, PENDING_ID),
        ({"connection_id": 5, "approval": {"x": 1}}, "5"),
        ({"approval": {"connections": [{"connection_id": "a"}, {"connection_id": "b"}]}}, "a, b"),
        ({"approval": [{"connections": [{"connection_id": "a"}]}] * 2}, "a"),
        ({"connection_id": "*", "approval": {"connections": [{"connection_id": "a"}]}}, "a"),
        ({"approval": {"connections": "x"}}, "zuora_default"),
        ({"approval": {"connections": ["x", None]}}, "zuora_default"),
        ({"approval": {"x": 1}, "entity_id": "f" * 32}, "f" * 32),
    ],
    ids=str,
)
def test_a_mapped_change_is_named_after_its_connections_whatever_it_got(
    arguments: dict[str, Any], name: str
) -> None:
    assert accept(**arguments).instance_name == name


@pytest.mark.parametrize(
    ("connection_id", "name"),
    [(PENDING_ID, PENDING_ID), (list(PENDING_IDS), ", ".join(PENDING_IDS)), (5, "5"), ([5, None], "5, None")],
    ids=str,
)
def test_a_mapped_review_is_named_after_its_connections_whatever_it_got(
    connection_id: Any, name: str
) -> None:
    operator = ReviewEntityConnectionOperator(task_id="review", connection_id="{{ later }}")
    operator.connection_id = connection_id
    assert operator.instance_name == name


@pytest.mark.parametrize(
    ("entities", "name"),
    [
        ({"source_entity": "Acme US", "target_entity": "Acme Germany"}, "Acme US to Acme Germany"),
        ({"target_entity": "Acme Germany"}, "* to Acme Germany"),
        ({"connection_id": "*", "source_entity": "Acme US", "target_entity": "*"}, "Acme US to *"),
    ],
)
def test_a_mapped_review_by_entities_is_named_after_them(entities: dict[str, str], name: str) -> None:
    assert ReviewEntityConnectionOperator(task_id="review", **entities).instance_name == name


def test_the_instances_of_mapped_tasks_and_groups_get_names() -> None:
    @task_group
    def decide(connection_id: str) -> None:
        review = ReviewEntityConnectionOperator(task_id="review", connection_id=connection_id)
        accept(approval=review.output)

    with DAG("d", schedule=None) as dag:
        decide.expand(connection_id=["8a80-1"])
        ReviewEntityConnectionOperator.partial(task_id="mapped").expand(connection_id=["8a80-1"])
        accept(connection_id="8a80-1")
    templates = {task.task_id: task.map_index_template for task in dag.tasks}
    assert templates.pop("accept") is None
    assert set(templates) == {"decide.review", "decide.accept", "mapped"}
    assert all(templates.values())


def test_a_name_fits_into_the_column_of_airflow() -> None:
    """A database other than SQLite refuses a longer one, and with it the state of the task."""
    with DAG("d", schedule=None) as dag:
        mapped = ReviewEntityConnectionOperator.partial(task_id="mapped").expand(connection_id=[["x"]])
    operator = mapped.unmap({"connection_id": [f"8a80{number:028}" for number in range(50)]})
    template = dag.get_template_env().from_string(mapped.map_index_template)
    name = template.render({"task": operator})
    assert len(name) == 250
    assert operator.instance_name.startswith(name)

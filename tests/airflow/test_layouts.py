"""A request that nobody approved is not accepted, however review and accept are laid out."""

from __future__ import annotations

import pytest

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, UK_ENTITY_ID
from tests.airflow.acme import new_request, statuses
from tests.airflow.runs import trigger

pytestmark = pytest.mark.side_by_side


@pytest.mark.parametrize(
    "layout",
    [
        "mapped_to_unmapped",
        "mapped_to_mapped",
        "mapped_to_mapped_in_another_order",
        "expanded_approval",
        "group",
        "group_with_steps",
    ],
)
def test_of_three_requests_only_the_approved_one_is_accepted(
    airflow: LocalAirflow, zuora: ZuoraSimulator, layout: str
) -> None:
    approved, rejected, marked_by_hand = ids = [new_request(zuora) for _ in range(3)]
    run = trigger(airflow, layout, connection_ids=ids)
    run.mark(run.question(about=marked_by_hand)["task_instance"], "success")
    run.answer("Reject", about=rejected)
    run.answer("Approve", about=approved)
    run.wait()
    assert statuses(zuora, *ids) == ["Connected", "Pending", "Pending"]


def test_a_group_within_a_group_accepts_only_the_approved_request(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    rejected, approved = ids = [new_request(zuora) for _ in range(2)]
    run = trigger(airflow, "group_in_group", connection_ids=ids)
    run.answer("Reject", about=rejected)
    run.answer("Approve", about=approved)
    run.wait()
    assert len(run.states()) == 4, "two accepts for each review"
    assert statuses(zuora, *ids) == ["Pending", "Connected"]


def test_each_target_may_have_a_client_of_its_own(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    targets = {"zuora_tests": DEFAULT_ENTITY_ID, "zuora_default": UK_ENTITY_ID}
    approved, rejected = ids = [new_request(zuora, target) for target in targets.values()]
    rows = [
        {"zuora_conn_id": conn_id, "connection_id": id_} for conn_id, id_ in zip(targets, ids, strict=True)
    ]
    run = trigger(airflow, "one_client_for_each", rows=rows)
    run.answer("Reject", about=rejected)
    run.answer("Approve", about=approved)
    run.wait()
    assert statuses(zuora, *ids) == ["Connected", "Pending"]


@pytest.mark.parametrize(
    ("layout", "accepted"),
    [
        ("unmapped", ["Connected", "Pending", "Pending"]),
        ("approval_set_later", ["Connected", "Pending", "Pending"]),
        ("list_to_unmapped", ["Connected", "Pending", "Pending"]),
        ("list_to_mapped", ["Connected", "Connected", "Connected"]),
        ("first_to_mapped", ["Connected", "Pending", "Pending"]),
        ("rows", ["Connected", "Pending", "Pending"]),
    ],
)
@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_one_answer_accepts_what_it_is_about(
    airflow: LocalAirflow, zuora: ZuoraSimulator, layout: str, option: str, accepted: list[str]
) -> None:
    ids = [new_request(zuora) for _ in range(3)]
    run = trigger(airflow, layout, connection_ids=ids)
    run.answer(option)
    run.wait()
    assert statuses(zuora, *ids) == (accepted if option == "Approve" else ["Pending"] * 3)

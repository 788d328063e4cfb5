"""The example DAG ``review_pending_connections``."""

from __future__ import annotations

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_2_PLUS

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Role
from tests.airflow.acme import new_entity, new_request, statuses
from tests.airflow.runs import trigger
from tests.helpers.secret_search import add_client

pytestmark = pytest.mark.side_by_side


def connect(airflow: LocalAirflow, zuora: ZuoraSimulator, name: str, *entity_ids: str) -> str:
    """Add an Airflow connection whose OAuth client may act for some entities only."""
    add_client(zuora, name=name, roles=dict.fromkeys(entity_ids, Role.ADMINISTRATOR))
    airflow.add_connection(name, zuora.connection_json(client=name, entity_id=None))
    return name


def test_every_request_of_every_entity_is_decided_as_a_person_chose(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    spain, italy = new_entity(zuora, "Acme Spain"), new_entity(zuora, "Acme Italy")
    ids = approved, denied, left = [
        new_request(zuora, target, name)
        for target, name in ((spain, "Acme Malta"), (italy, "Acme Cyprus"), (italy, "Acme Greece"))
    ]
    conn_id = connect(airflow, zuora, "zuora_south", spain, italy)
    run = trigger(airflow, "review_pending_connections", zuora_conn_id=conn_id)
    run.answer("Approve", about=approved)
    run.answer("Deny", about=denied)
    run.answer("Leave pending", about=left)
    assert run.wait() == "success"
    assert statuses(zuora, *ids) == ["Connected", "Disconnected", "Pending"]
    assert run.result("summary") == {
        "accepted": ["Acme Malta to Acme Spain"],
        "denied": ["Acme Cyprus to Acme Italy"],
        "unchanged": ["Acme Greece to Acme Italy"],
    }


def test_each_instance_is_named_after_its_request(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    target = new_entity(zuora)
    ids = {new_request(zuora, target), new_request(zuora, target)}
    conn_id = connect(airflow, zuora, "zuora_named", target)
    run = trigger(airflow, "review_pending_connections", zuora_conn_id=conn_id)
    for id_ in ids:
        run.question(about=id_)
    if AIRFLOW_V_3_2_PLUS:  # earlier versions name an instance when it has ended
        assert {ti["rendered_map_index"] for ti in run.instances("review")} == ids
    for id_ in ids:
        run.answer("Approve", about=id_)
    run.wait()
    for task in ("review", "accept"):
        assert {ti["rendered_map_index"] for ti in run.instances(task)} == ids


def test_a_run_with_nothing_to_do_ends_with_an_empty_summary(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    conn_id = connect(airflow, zuora, "zuora_empty", new_entity(zuora))
    run = trigger(airflow, "review_pending_connections", zuora_conn_id=conn_id)
    assert run.wait() == "success"
    assert run.result("summary") == {"accepted": [], "denied": [], "unchanged": []}

"""One source and many targets: reviewed in one run, and accepted each in its own target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_zuora.exceptions import ApprovalError, ZuoraValueError
from airflow_zuora.models import entity_hex
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    ListEntityConnectionsOperator,
)
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Role
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    DEFAULT_ENTITY_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    UNRELATED_ID,
)
from tests.helpers.reviews import Supervisor, answer, run, supervise
from tests.helpers.tasks import context
from tests.helpers.zuora import LIST

TARGETS = {PENDING_ID: DEFAULT_ENTITY_ID, OUTBOUND_ID: FRANCE_ENTITY_ID, UNRELATED_ID: APAC_ENTITY_ID}


@pytest.fixture(autouse=True)
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    return supervise(monkeypatch)


@pytest.fixture
def hierarchy(zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """One Airflow connection, whose client acts for every entity."""
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(entity_id=None))


@pytest.fixture
def one_for_each(zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One Airflow connection for each target, each with a client of its own: their ids by target."""
    access = zuora_simulator.store.access
    for number, target in enumerate(TARGETS.values()):
        client = replace(
            access.named("default"),
            name=f"client_{number}",
            id=f"{number}" * 36,
            secret=f"secret-{number}",
            roles={target: Role.ADMINISTRATOR},
        )
        access.add(client)
        connection = zuora_simulator.connection_json(client=client.name, entity_id=None)
        monkeypatch.setenv(f"AIRFLOW_CONN_ZUORA_{number}", connection)
    return {target: f"zuora_{number}" for number, target in enumerate(TARGETS.values())}


def changes(simulator: ZuoraSimulator) -> dict[str, str]:
    """Map each connection that was changed to the entity that changed it."""
    puts = simulator.requests("PUT")
    return {one.path.split("/")[-2]: entity_hex(one.headers["zuora-entity-ids"]) for one in puts}


@pytest.mark.usefixtures("hierarchy")
def test_one_question_for_many_requests_is_accepted_in_each_target(zuora_simulator: ZuoraSimulator) -> None:
    approval = answer(connection_id=list(TARGETS))
    results = [
        run(AcceptEntityConnectionOperator, connection_id=id_, approval=approval, map_index=index)
        for index, id_ in enumerate(TARGETS)
    ]
    assert {one["connection_id"]: one["target_entity_id"] for one in results} == TARGETS
    assert {one["status"] for one in results} == {"Connected"}
    assert changes(zuora_simulator) == TARGETS
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 1


@pytest.mark.usefixtures("hierarchy")
def test_a_question_for_each_request_is_accepted_in_its_target(zuora_simulator: ZuoraSimulator) -> None:
    options = ["Approve", "Deny", "Leave pending"]
    chosen = {PENDING_ID: "Approve", OUTBOUND_ID: "Deny", UNRELATED_ID: "Approve"}
    approvals = [
        answer(
            chosen[id_],
            connection_id=id_,
            entity_id=target,
            options=options,
            defaults=["Leave pending"],
            map_index=index,
        )
        for index, (id_, target) in enumerate(TARGETS.items())
    ]
    for approval in approvals:
        denied = approval["option"] == "Deny"
        run(DenyEntityConnectionOperator if denied else AcceptEntityConnectionOperator, approval=approval)
    assert changes(zuora_simulator) == TARGETS
    statuses = {one.id: str(one.status) for one in zuora_simulator.store.connections.all()}
    assert {id_: statuses[id_] for id_ in TARGETS} == {
        PENDING_ID: "Connected",
        OUTBOUND_ID: "Disconnected",
        UNRELATED_ID: "Connected",
    }


@pytest.mark.usefixtures("hierarchy")
def test_what_the_list_hands_out_is_what_review_and_accept_take(zuora_simulator: ZuoraSimulator) -> None:
    rows = ListEntityConnectionsOperator(task_id="list", all_entities=True).execute(context(task_id="list"))
    for row in rows:
        approval = answer(connection_id=row["connection_id"], entity_id=row["target_entity_id"])
        result = run(AcceptEntityConnectionOperator, approval=approval)
        assert {name: result[name] for name in row} == {**row, "status": "Connected"}
    assert changes(zuora_simulator) == {row["connection_id"]: row["target_entity_id"] for row in rows}


def test_each_target_may_have_an_airflow_connection_of_its_own(
    one_for_each: dict[str, str], zuora_simulator: ZuoraSimulator
) -> None:
    for id_, target in TARGETS.items():
        conn_id = one_for_each[target]
        approval = answer(connection_id=id_, zuora_conn_id=conn_id)
        run(AcceptEntityConnectionOperator, approval=approval, zuora_conn_id=conn_id)
    assert changes(zuora_simulator) == TARGETS
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == len(TARGETS)


def test_an_answer_counts_only_for_the_airflow_connection_of_its_review(
    one_for_each: dict[str, str], zuora_simulator: ZuoraSimulator
) -> None:
    germany, france, _ = one_for_each.values()
    approval = answer(connection_id=PENDING_ID, zuora_conn_id=germany)
    with pytest.raises(ApprovalError, match="another Airflow connection"):
        run(AcceptEntityConnectionOperator, approval=approval, zuora_conn_id=france)
    assert changes(zuora_simulator) == {}


def test_one_question_about_50_targets_reads_each_list_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with ZuoraSimulator(roll_out=60) as simulator:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", simulator.connection_json(entity_id=None))
        stores = [row.id for row in simulator.store.connections.all()][-60:]
        approval = answer(connection_id=stores[:50])
        asked = [one.headers["zuora-entity-ids"] for one in simulator.requests("GET", LIST)]
    assert [one["connection_id"] for one in approval["connections"]] == stores[:50]
    assert len(asked) == len(set(asked))


@pytest.mark.usefixtures("hierarchy")
def test_a_question_about_more_than_50_is_refused(zuora_simulator: ZuoraSimulator) -> None:
    wanted: list[Any] = [f"8a80{number}" for number in range(51)]
    with pytest.raises(ZuoraValueError, match="50"):
        answer(connection_id=wanted)


@pytest.mark.usefixtures("hierarchy")
def test_what_was_decided_meanwhile_does_not_stop_the_others(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.store.connections.accept(OUTBOUND_ID, FRANCE_ENTITY_ID)
    approval = answer(connection_id=list(TARGETS))
    results = {
        id_: run(AcceptEntityConnectionOperator, connection_id=id_, approval=approval) for id_ in TARGETS
    }
    assert {id_: one["changed"] for id_, one in results.items()} == {
        PENDING_ID: True,
        OUTBOUND_ID: False,
        UNRELATED_ID: True,
    }
    assert results[OUTBOUND_ID]["approved_by"] is None

"""The example DAGs ``connect_entities`` and ``on_connection_request``."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, UK_ENTITY_ID
from tests.airflow.acme import new_entity, new_request, status
from tests.airflow.runs import PATIENCE, trigger

ON_REQUEST = "on_connection_request"


@pytest.mark.side_by_side
@pytest.mark.parametrize(
    ("option", "end", "accept", "deny"),
    [("Approve", "Connected", "success", "skipped"), ("Deny", "Disconnected", "skipped", "success")],
)
def test_one_entity_asks_the_other_decides_and_the_decision_is_reported(
    airflow: LocalAirflow, zuora: ZuoraSimulator, option: str, end: str, accept: str, deny: str
) -> None:
    target = new_entity(zuora)
    run = trigger(airflow, "connect_entities", target_entity_id=target, target_conn_id="zuora_anywhere")
    run.answer(option)
    run.wait()
    result = run.result("initiate")
    assert (result["source_entity_id"], result["target_entity_id"]) == (AUSTRALIA_ENTITY_ID, target)
    assert status(zuora, result["connection_id"]) == end
    assert (run.states("accept"), run.states("deny")) == ([accept], [deny])
    assert run.result("report") == f"Entity connection {result['connection_id']} is {end}"
    assert "Pausing task as DEFERRED" in run.log("decided")


@pytest.mark.side_by_side
def test_a_new_request_starts_a_run_that_asks_and_accepts(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    request = new_request(zuora, UK_ENTITY_ID, "Acme Iceland")

    def question() -> dict[str, Any] | None:
        found = airflow.pending_approvals(ON_REQUEST)
        return next((one for one in found if one["subject"] == "Connect Acme Iceland to Acme UK?"), None)

    asked = airflow.wait_for("a run that started by itself", question, timeout=PATIENCE)
    airflow.answer(asked, "Approve")
    airflow.wait_for("the accept", lambda: status(zuora, request) == "Connected", timeout=PATIENCE)


def test_a_restarted_triggerer_announces_nothing_again_where_airflow_has_a_store(
    airflow: LocalAirflow, zuora: ZuoraSimulator
) -> None:
    def events() -> int:
        return int(airflow.call("GET", "/api/v2/assets/events")["total_entries"])

    def reads() -> int:
        return len(zuora.requests("GET", "/v1/entity-connections"))

    before = events()
    new_request(zuora, UK_ENTITY_ID)
    airflow.wait_for("the announcement", lambda: events() > before, timeout=PATIENCE)
    announced = events()
    airflow.kill("triggerer")
    seen = reads()
    airflow.revive("triggerer")
    airflow.wait_for("the watcher to read again", lambda: reads() > seen + 2, timeout=PATIENCE)
    if AIRFLOW_V_3_3_PLUS:
        assert events() == announced
    else:  # there is no store, and what is still Pending is announced once more
        airflow.wait_for("the events", lambda: events() > announced, timeout=PATIENCE)

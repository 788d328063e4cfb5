"""What an error means for the next try of a task in a real Airflow, with and without ``ZuoraRetryPolicy``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow.sdk import __version__

from airflow_zuora.local_airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow.scenarios import Scenario, Stage

HAS_POLICIES = tuple(map(int, __version__.split(".")[:2])) >= (1, 3)  # the SDK of Airflow 3.3
SETTLED = {"refused", "refused_in_own_words"}


@pytest.fixture(scope="module")
def run(airflow: LocalAirflow, stage: Stage) -> Iterator[Scenario]:
    with ZuoraSimulator() as refusing, ZuoraSimulator() as throttled:
        refusing.fault("permission", method="GET", times=None)
        throttled.fault("throttle", method="GET", times=None, parameters={"reset": 7200})
        airflow.add_connection("zuora_refusing", refusing.connection_json())
        airflow.add_connection("zuora_throttled", throttled.connection_json())
        scenario = Scenario("retries", (), run_id=airflow.trigger("retries"))
        tried = {"failed", "up_for_retry"}
        airflow.wait_for(
            "the first try of all tasks",
            lambda: all(set(stage.states(scenario, task)) & tried for task in (*SETTLED, "asked_to_wait")),
            timeout=300,
        )
        yield scenario
        path = f"/api/v2/dags/{scenario.dag_id}/dagRuns/{scenario.run_id}"
        airflow.call("PATCH", path, json={"state": "failed"})


def tries(airflow: LocalAirflow, scenario: Scenario) -> dict[str, tuple[str, int]]:
    found = airflow.task_instances(scenario.dag_id, scenario.run_id)
    return {ti["task_id"]: (str(ti["state"]), int(ti["try_number"])) for ti in found}


def test_what_cannot_succeed_fails_at_once_though_a_retry_is_left(
    airflow: LocalAirflow, run: Scenario
) -> None:
    assert tries(airflow, run)["refused"] == ("failed", 1)


@pytest.mark.skipif(not HAS_POLICIES, reason="Airflow has retry policies since 3.3")
def test_with_the_policy_also_if_the_task_wraps_the_error(airflow: LocalAirflow, run: Scenario) -> None:
    assert tries(airflow, run)["refused_in_own_words"] == ("failed", 1)


@pytest.mark.skipif(not HAS_POLICIES, reason="Airflow has retry policies since 3.3")
def test_with_the_policy_the_next_try_waits_as_long_as_zuora_asked(
    airflow: LocalAirflow, stage: Stage, run: Scenario
) -> None:
    assert tries(airflow, run)["asked_to_wait"] == ("up_for_retry", 1)
    assert "Zuora asks to wait 7200 seconds" in stage.logs(run, "asked_to_wait")

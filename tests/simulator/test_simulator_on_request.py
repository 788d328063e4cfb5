from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID

if TYPE_CHECKING:
    from airflow_zuora.simulator import ZuoraSimulator
    from airflow_zuora.simulator.journal import RecordedRequest
    from tests.simulator.simulator_client import Api

ACCEPT = f"/v1/entity-connections/{PENDING_ID}/accept"


def test_other_people_can_act_between_the_arrival_of_a_request_and_its_effect(
    api: Api, simulator: ZuoraSimulator
) -> None:
    arrived: list[tuple[str, str, int | None]] = []

    def deny(request: RecordedRequest) -> None:
        arrived.append((request.method, request.path, request.status))
        simulator.store.connections.deny(PENDING_ID, DEFAULT_ENTITY_ID)

    simulator.on_request(deny)
    answer = api.put(ACCEPT, json={})
    assert arrived == [("PUT", ACCEPT, None)]
    assert "'Disconnected' cannot be accepted" in answer.json()["reasons"][0]["message"]


def test_a_fault_that_is_added_on_arrival_hits_that_very_request(api: Api, simulator: ZuoraSimulator) -> None:
    simulator.on_request(lambda request: simulator.fault(method=request.method, status=503))
    assert [api.put(ACCEPT, json={}).status_code for _ in range(2)] == [503, 503]
    assert simulator.store.connections.get(PENDING_ID).status == "Pending"


def test_the_simulators_own_pages_call_nobody_and_a_reset_ends_it(
    api: Api, simulator: ZuoraSimulator
) -> None:
    arrived: list[RecordedRequest] = []
    simulator.on_request(arrived.append)
    api.get("/_simulator/faults")
    simulator.reset()
    api.get("/v1/entities")
    assert arrived == []

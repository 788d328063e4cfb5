from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, UK_ENTITY_ID

if TYPE_CHECKING:
    from airflow_zuora.simulator import ZuoraSimulator
    from tests.simulator.simulator_client import Api

LIST = "/v1/entity-connections"


def test_settings_can_be_read_and_changed(simulator: ZuoraSimulator, api: Api) -> None:
    changed = api.put("/_simulator/settings", {"repeat_accept": "rule", "bad_entity_status": 401}).json()
    assert changed == api.get("/_simulator/settings").json() == simulator.settings.as_dict()
    assert (simulator.settings.repeat_accept, simulator.settings.bad_entity_status) == ("rule", 401)


@pytest.mark.parametrize("body", [{"repeat_accept": "x"}, {"nonsense": 1}, [1]])
def test_a_wrong_setting_is_400_with_the_reason(simulator: ZuoraSimulator, api: Api, body: Any) -> None:
    before = simulator.settings.as_dict()
    response = api.put("/_simulator/settings", body)
    assert response.status_code == 400
    assert response.json()["message"]
    assert simulator.settings.as_dict() == before


def test_a_body_that_is_no_json_is_400(api: Api) -> None:
    assert api.call("PUT", "/_simulator/settings", data="{").status_code == 400


def test_a_reset_over_http_brings_everything_back(simulator: ZuoraSimulator, api: Api) -> None:
    before = [row.id for row in simulator.store.connections.all()]
    api.answer(PENDING_ID)
    api.post(LIST, {"targetEntityId": UK_ENTITY_ID}, headers={"Idempotency-Key": "k"})
    simulator.fault("html", times=None)
    simulator.settings.concurrency = 1
    assert api.post("/_simulator/reset").json() == {"success": True}
    assert [row.id for row in simulator.store.connections.all()] == before
    assert str(simulator.store.connections.get(PENDING_ID).status) == "Pending"
    assert simulator.requests() == []
    assert simulator.settings.concurrency == 40
    assert api.get(LIST).status_code == 401


def test_a_request_can_be_sent_between_any_two_entities(simulator: ZuoraSimulator, api: Api) -> None:
    body = {"sourceEntityId": UK_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    sent = api.post("/_simulator/connections", body).json()
    assert sent["status"] == "Pending"
    assert sent in api.connections(type="inbound")["entityConnections"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"sourceEntityId": UK_ENTITY_ID, "targetEntityId": UK_ENTITY_ID}, "must be different"),
        ({"sourceEntityId": UK_ENTITY_ID}, "Cannot find entity"),
        ({}, "Cannot find entity"),
    ],
)
def test_a_wrong_pair_is_400_with_the_reason(api: Api, body: Any, text: str) -> None:
    response = api.post("/_simulator/connections", body)
    assert response.status_code == 400
    assert text in response.json()["message"]

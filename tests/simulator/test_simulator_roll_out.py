"""The seed of a roll-out: one source, and as many targets as asked, each with a Pending request."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest
import requests

from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.__main__ import main
from airflow_zuora.simulator.seed import SOURCE_ENTITY_ID
from tests.helpers.patience import PATIENCE


class Tenant:
    """The tenant that an Airflow connection leads to, as its OAuth client sees it."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.url = f"{connection['host']}:{connection['port']}"
        form = {"client_id": connection["login"], "client_secret": connection["password"]}
        token = self.call("POST", "/oauth/token", data={**form, "grant_type": "client_credentials"})
        self.headers = {"Authorization": f"Bearer {token['access_token']}"}
        self.scope = [word[7:] for word in token["scope"].split() if word.startswith("entity.")]

    def call(self, method: str, path: str, **options: Any) -> Any:
        return requests.request(method, f"{self.url}{path}", timeout=PATIENCE, **options).json()

    def get(self, path: str, entity_id: str) -> Any:
        return self.call("GET", path, headers={**self.headers, "Zuora-Entity-Ids": entity_uuid(entity_id)})

    def stores(self) -> dict[str, str]:
        """Map the names of the roll-out's entities to their ids."""
        entities = self.get("/v1/entities", SOURCE_ENTITY_ID)["entities"]
        return {one["name"]: one["id"] for one in entities if one["name"].startswith("Acme Store")}

    def inbound(self, entity_id: str) -> list[tuple[str, str, str]]:
        rows = self.get("/v1/entity-connections?type=inbound", entity_id)["entityConnections"]
        return [(row["sourceEntityId"], row["targetEntityId"], row["status"]) for row in rows]


def test_each_further_entity_has_a_pending_request_from_the_source() -> None:
    with ZuoraSimulator(roll_out=3) as simulator:
        tenant = Tenant(json.loads(simulator.connection_json()))
        stores = tenant.stores()
        assert list(stores) == ["Acme Store 001", "Acme Store 002", "Acme Store 003"]
        for id_ in stores.values():
            assert tenant.inbound(id_) == [(SOURCE_ENTITY_ID, id_, "Pending")]
            assert entity_uuid(id_) in tenant.scope


def test_a_request_is_accepted_in_its_own_target() -> None:
    with ZuoraSimulator(roll_out=2) as simulator:
        tenant = Tenant(json.loads(simulator.connection_json()))
        first, second = tenant.stores().values()
        row = tenant.get("/v1/entity-connections?type=inbound", first)["entityConnections"][0]
        path = f"/v1/entity-connections/{row['id']}/accept"
        for entity_id, success in ((second, False), (first, True)):
            headers = {**tenant.headers, "Zuora-Entity-Ids": entity_uuid(entity_id)}
            assert tenant.call("PUT", path, json={}, headers=headers)["success"] is success
        assert [status for *_, status in tenant.inbound(first)] == ["Connected"]


def test_a_tenant_of_zuoras_maximum_has_512_entities() -> None:
    with ZuoraSimulator(roll_out=501) as simulator:
        tenant = Tenant(json.loads(simulator.connection_json()))
        assert len(tenant.get("/v1/entities", SOURCE_ENTITY_ID)["entities"]) == 512
        assert len(tenant.stores()) == 501


def test_a_reset_brings_the_same_roll_out_back() -> None:
    with ZuoraSimulator(roll_out=2) as simulator:
        before = Tenant(json.loads(simulator.connection_json())).stores()
        simulator.reset()
        assert Tenant(json.loads(simulator.connection_json())).stores() == before


def test_the_command_takes_the_number_of_targets() -> None:
    command = [sys.executable, "-m", "airflow_zuora.simulator", "--port", "0", "--roll-out", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            _, assignment = shlex.split(process.stdout.readline())
            tenant = Tenant(json.loads(assignment.partition("=")[2]))
            assert len(tenant.stores()) == 2
        finally:
            process.terminate()


@pytest.mark.parametrize("number", ["502", "-1", "two", ""])
def test_the_command_refuses_another_number(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--roll-out={number}"])
    assert "from 0 to 501" in capsys.readouterr().err

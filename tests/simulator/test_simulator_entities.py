from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_zuora.simulator import seed
from airflow_zuora.simulator.entities import MAX_ENTITIES
from airflow_zuora.simulator.records import Entity
from tests.simulator.simulator_client import error_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_zuora.simulator import ZuoraSimulator
    from tests.simulator.simulator_client import Api

NEW_ENTITY = {"name": "Acme Chile", "parentId": seed.SOURCE_ENTITY_ID, "locale": "es_CL", "timezone": "UTC"}


@pytest.fixture
def admin(connect: Callable[..., Api]) -> Api:
    """Give the administrator of the global entity."""
    return connect(entity_id=seed.SOURCE_ENTITY_ID)


def test_the_list_has_the_documented_fields(api: Api) -> None:
    content = api.get("/v1/entities").json()
    assert content["success"] is True
    assert content["entities"][0] == {
        "id": seed.SOURCE_ENTITY_ID,
        "name": "Acme Corporation",
        "displayName": "Acme Corporation",
        "locale": "en_US",
        "timezone": "America/New_York",
        "parentId": None,
        "tenantId": "10019",
        "status": "Provisioned",
    }
    assert len(content["entities"]) == 11


@pytest.mark.parametrize(("value", "number"), [("true", 10), ("false", 1)])
def test_the_list_can_be_filtered(api: Api, value: str, number: int) -> None:
    assert len(api.get(f"/v1/entities?provisioned={value}").json()["entities"]) == number


def test_a_wrong_filter_is_an_error(api: Api) -> None:
    assert error_code(api.get("/v1/entities?provisioned=yes")) == 50000020


def test_one_entity_can_be_read(api: Api) -> None:
    content = api.get(f"/v1/entities/{seed.UNPROVISIONED_ENTITY_ID}").json()
    assert (content["name"], content["status"], content["success"]) == ("Acme Brasil", "Unprovisioned", True)
    assert api.get("/v1/entities/nope").status_code == 404


def test_an_entity_is_created_provisioned_and_usable(admin: Api, connect: Callable[..., Api]) -> None:
    created = admin.post("/v1/entities", NEW_ENTITY).json()
    assert (created["status"], created["displayName"]) == ("Unprovisioned", "Acme Chile")
    assert admin.put(f"/v1/entities/{created['id']}/provision").json() == {"success": True}
    assert admin.get(f"/v1/entities/{created['id']}").json()["status"] == "Provisioned"
    newcomer = connect(entity_id=created["id"])
    assert newcomer.connections()["entityConnections"] == []
    asked = newcomer.post("/v1/entity-connections", {"targetEntityId": seed.DEFAULT_ENTITY_ID})
    assert asked.json()["success"] is True


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": None}, 50000022),
        ({"parentId": None}, 50000022),
        ({"locale": ""}, 50000022),
        ({"timezone": None}, 50000022),
        ({"name": "Acme & Sons"}, 50000020),
        ({"name": "<script>"}, 50000020),
        ({"name": "x" * 256}, 50000020),
        ({"name": 7}, 50000020),
        ({"displayName": "x" * 256}, 50000020),
        ({"name": "Acme US"}, 50000030),
        ({"parentId": "0" * 32}, 50000040),
    ],
)
def test_a_wrong_field_of_a_new_entity_is_an_error(admin: Api, change: Any, expected: int) -> None:
    assert error_code(admin.post("/v1/entities", {**NEW_ENTITY, **change})) == expected


def test_a_display_name_may_hold_what_a_name_may_not(admin: Api) -> None:
    created = admin.post("/v1/entities", {**NEW_ENTITY, "displayName": "Acme & Söhne"}).json()
    assert created["displayName"] == "Acme & Söhne"


def test_a_tenant_has_at_most_512_entities(simulator: ZuoraSimulator, admin: Api) -> None:
    for number in range(len(simulator.store.entities.all()), MAX_ENTITIES):
        simulator.store.entities.add(Entity(f"{number:032x}", f"E{number}", "E", seed.SOURCE_ENTITY_ID))
    assert error_code(admin.post("/v1/entities", NEW_ENTITY)) == 50000030


def test_an_unprovisioned_entity_can_be_changed(admin: Api) -> None:
    path = f"/v1/entities/{seed.UNPROVISIONED_ENTITY_ID}"
    changes = {"name": "Acme Brazil", "displayName": "Brazil", "locale": "en_US", "timezone": "UTC"}
    assert admin.put(path, changes).json() == {"success": True}
    assert admin.get(path).json().items() >= changes.items()
    freed = admin.post("/v1/entities", {**NEW_ENTITY, "name": "Acme Brasil"})
    assert freed.json()["success"] is True


@pytest.mark.parametrize(
    ("entity_id", "change", "expected"),
    [
        (seed.DEFAULT_ENTITY_ID, {"locale": "en_US"}, 50000030),
        (seed.DEFAULT_ENTITY_ID, {"timezone": "UTC"}, 50000030),
        (seed.SOURCE_ENTITY_ID, {"displayName": "Global"}, 50000030),
        (seed.DEFAULT_ENTITY_ID, {"name": "Acme US"}, 50000030),
        (seed.DEFAULT_ENTITY_ID, {"name": "a/b"}, 50000020),
        ("0" * 32, {"name": "X"}, 50000040),
    ],
)
def test_what_cannot_be_changed_is_an_error(
    admin: Api, entity_id: str, change: dict[str, str], expected: int
) -> None:
    assert error_code(admin.put(f"/v1/entities/{entity_id}", change)) == expected


def test_deleting_takes_the_sub_entities_along(admin: Api) -> None:
    below = {**NEW_ENTITY, "parentId": seed.UNPROVISIONED_ENTITY_ID}
    child = admin.post("/v1/entities", below).json()["id"]
    assert admin.call("DELETE", f"/v1/entities/{seed.UNPROVISIONED_ENTITY_ID}").json() == {"success": True}
    assert admin.get(f"/v1/entities/{child}").status_code == 404


@pytest.mark.parametrize(
    ("entity_id", "status"), [(seed.DEFAULT_ENTITY_ID, 400), (seed.SOURCE_ENTITY_ID, 400), ("0" * 32, 404)]
)
def test_a_provisioned_or_unknown_entity_cannot_be_deleted(admin: Api, entity_id: str, status: int) -> None:
    assert admin.call("DELETE", f"/v1/entities/{entity_id}").status_code == status


def test_provisioning_needs_a_provisioned_parent_and_happens_once(admin: Api) -> None:
    below = {**NEW_ENTITY, "parentId": seed.UNPROVISIONED_ENTITY_ID}
    child = admin.post("/v1/entities", below).json()["id"]
    assert error_code(admin.put(f"/v1/entities/{child}/provision")) == 50000030
    assert error_code(admin.put(f"/v1/entities/{seed.DEFAULT_ENTITY_ID}/provision")) == 50000030


def test_only_the_global_administrator_changes_entities(api: Api, connect: Callable[..., Api]) -> None:
    unprovisioned = f"/v1/entities/{seed.UNPROVISIONED_ENTITY_ID}"
    for caller in (api, connect("standard", seed.SOURCE_ENTITY_ID)):
        assert error_code(caller.post("/v1/entities", NEW_ENTITY)) == 50000010
        assert error_code(caller.put(unprovisioned, {"name": "X"})) == 50000010
        assert error_code(caller.put(f"{unprovisioned}/provision")) == 50000010
        assert error_code(caller.call("DELETE", unprovisioned)) == 50000010

"""
The operations on entities.

Source: https://developer.zuora.com/v1-api-reference/older-api/entities
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from airflow_zuora.simulator import errors
from airflow_zuora.simulator.routes.pipeline import CurrentCall, ZuoraRoute

_DONE = {"success": True}
_FILTER = {None: None, "true": True, "false": False}

router = APIRouter(prefix="/v1", route_class=ZuoraRoute)


@router.get("/entities")
async def list_entities(request: Request, call: CurrentCall) -> dict[str, Any]:
    """List the entities of the tenant."""
    provisioned = request.query_params.get("provisioned")
    if provisioned not in _FILTER:
        raise errors.invalid(f"The query parameter 'provisioned' must be true or false, not '{provisioned}'.")
    entities = call.store.entities.all(_FILTER[provisioned])
    return {"entities": [entity.to_api() for entity in entities], **_DONE}


@router.post("/entities")
async def create_entity(call: CurrentCall) -> dict[str, Any]:
    """Create an entity."""
    return {**call.store.create_entity(call.client, call.entity_id, call.json()).to_api(), **_DONE}


@router.get("/entities/{entity_id}")
async def get_entity(entity_id: str, call: CurrentCall) -> dict[str, Any]:
    """Give one entity."""
    return {**call.store.entities.get(entity_id).to_api(), **_DONE}


@router.put("/entities/{entity_id}")
async def update_entity(entity_id: str, call: CurrentCall) -> dict[str, Any]:
    """Change an entity."""
    call.store.require_global(call.client, call.entity_id)
    call.store.entities.update(entity_id, call.json())
    return _DONE


@router.delete("/entities/{entity_id}")
async def delete_entity(entity_id: str, call: CurrentCall) -> dict[str, Any]:
    """Delete an unprovisioned entity and what is below it."""
    call.store.require_global(call.client, call.entity_id)
    call.store.entities.delete(entity_id)
    return _DONE


@router.put("/entities/{entity_id}/provision")
async def provision_entity(entity_id: str, call: CurrentCall) -> dict[str, Any]:
    """Provision an entity."""
    call.store.provision_entity(call.client, call.entity_id, entity_id)
    return _DONE

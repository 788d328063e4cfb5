"""The simulator's own controls: faults, settings, journal, reset, new requests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from airflow_zuora.simulator.faults import Fault
from airflow_zuora.simulator.simulation import simulation_of

router = APIRouter(prefix="/_simulator")


@router.get("/requests")
async def requests(request: Request) -> list[dict[str, Any]]:
    """Give the received requests, oldest first; ``method`` and ``path`` (a glob) filter."""
    query = request.query_params
    return [
        asdict(entry) for entry in simulation_of(request).journal.find(query.get("method"), query.get("path"))
    ]


@router.get("/faults")
async def waiting_faults(request: Request) -> list[dict[str, Any]]:
    """Give the faults that still wait for a request."""
    return [fault.as_dict() for fault in simulation_of(request).faults.waiting()]


@router.post("/faults")
async def add_fault(request: Request) -> dict[str, Any]:
    """Add a fault; the body has the fields of :class:`~airflow_zuora.simulator.faults.Fault`."""
    return simulation_of(request).faults.add(Fault.from_json(await _object(request))).as_dict()


@router.delete("/faults")
async def clear_faults(request: Request) -> dict[str, bool]:
    """Take all faults away."""
    simulation_of(request).faults.clear()
    return {"success": True}


@router.get("/settings")
async def get_settings(request: Request) -> dict[str, Any]:
    """Give all settings."""
    return simulation_of(request).settings.as_dict()


@router.put("/settings")
async def change_settings(request: Request) -> dict[str, Any]:
    """Change the settings that the body names; give all of them."""
    settings = simulation_of(request).settings
    settings.update(await _object(request))
    return settings.as_dict()


@router.post("/reset")
async def reset(request: Request) -> dict[str, bool]:
    """Bring back the first state of all of it."""
    simulation_of(request).reset()
    return {"success": True}


@router.post("/connections")
async def send_request(request: Request) -> dict[str, str]:
    """Send a connection request from ``sourceEntityId`` to ``targetEntityId``."""
    body = await _object(request)
    ids = [str(body.get(name, "")) for name in ("sourceEntityId", "targetEntityId")]
    return simulation_of(request).store.send_request(*ids).to_api()


async def _object(request: Request) -> dict[str, Any]:
    content = await request.json()
    if not isinstance(content, dict):
        raise ValueError("Send a JSON object")
    return content

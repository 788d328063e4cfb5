"""
The five operations on entity connections.

Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request

from airflow_zuora.simulator import errors
from airflow_zuora.simulator.access import require_administrator
from airflow_zuora.simulator.routes.pipeline import CurrentCall, ZuoraRoute

if TYPE_CHECKING:
    from airflow_zuora.simulator.settings import Settings

_PATH = "/v1/entity-connections"
_PAGE = 30
MAX_PAGE = 300
_ID_LENGTH = 32
_DONE = {"success": True}

router = APIRouter(prefix=_PATH, route_class=ZuoraRoute)


@router.get("")
async def list_connections(request: Request, call: CurrentCall) -> dict[str, Any]:
    """List the connections of the entity, a page at a time."""
    query, settings = request.query_params, call.store.settings
    direction = query.get("type")
    if direction not in (None, "inbound", "outbound"):
        raise errors.invalid(f"The query parameter 'type' must be inbound or outbound, not '{direction}'.")
    size = _page_size(query.get("pageSize"), settings)
    page = _positive("page", query.get("page", "1"))
    rows, more = call.store.connections.page(call.entity_id, direction, (page - 1) * size, size)
    content: dict[str, Any] = {"entityConnections": [row.to_api() for row in rows]}
    if more:
        content["nextPage"] = _next_page(request, page + 1, size, direction, settings)
    return {**content, **_DONE}


@router.post("")
async def initiate(call: CurrentCall) -> dict[str, Any]:
    """Ask another entity for a connection."""
    target_id = call.json().get("targetEntityId")
    if target_id in (None, ""):
        raise errors.missing("targetEntityId")
    if not isinstance(target_id, str) or len(target_id) > _ID_LENGTH:
        raise errors.invalid(f"The field 'targetEntityId' must be a text of at most {_ID_LENGTH} characters.")
    connection = call.store.initiate(call.client, call.entity_id, target_id)
    return {"id": connection.id, **_DONE}


@router.put("/{connection_id}/accept")
async def accept(connection_id: str, call: CurrentCall) -> dict[str, Any]:
    """Accept a request."""
    _check_change(call)
    call.store.connections.accept(connection_id, call.entity_id)
    return _DONE


@router.put("/{connection_id}/deny")
async def deny(connection_id: str, call: CurrentCall) -> dict[str, Any]:
    """Deny a request."""
    _check_change(call)
    call.store.connections.deny(connection_id, call.entity_id)
    return _DONE


@router.put("/{connection_id}/disconnect")
async def disconnect(connection_id: str, call: CurrentCall) -> dict[str, Any]:
    """End a connection."""
    _check_change(call)
    call.store.connections.disconnect(connection_id, call.entity_id)
    return _DONE


def _check_change(call: CurrentCall) -> None:
    require_administrator(call.client, call.entity_id)
    call.json()  # whatever is in it has no meaning, but it must be JSON


def _positive(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise errors.invalid(f"The query parameter '{name}' must be a whole number from 1, not '{text}'.")
    return int(text)


def _page_size(text: str | None, settings: Settings) -> int:
    size = _PAGE if text is None else _positive("pageSize", text)
    if size > MAX_PAGE and settings.large_page == "error":
        raise errors.invalid(f"The query parameter 'pageSize' must be at most {MAX_PAGE}.")
    return min(size, MAX_PAGE)


def _next_page(request: Request, page: int, size: int, direction: str | None, settings: Settings) -> str:
    """Write the address of the next page in the shape that the settings ask for."""
    query: dict[str, int | str] = {"page": page, "pageSize": size}
    if direction and settings.next_page != "without_type":
        query["type"] = direction
    if settings.next_page == "relative":
        return f"{_PATH.removeprefix('/v1')}?{urlencode(query)}"
    foreign = settings.next_page == "foreign"
    base = "https://localhost:8080/apps" if foreign else str(request.base_url).rstrip("/")
    return f"{base}{_PATH}?{urlencode(query)}"

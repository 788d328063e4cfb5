"""
The token endpoint.

Source: https://developer.zuora.com/v1-api-reference/api/tag/OAuth/#operation/createToken
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from airflow_zuora.models import entity_hex, entity_uuid
from airflow_zuora.simulator.fault_answers import response_headers
from airflow_zuora.simulator.simulation import Simulation, simulation_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_zuora.simulator.records import OAuthClient

_FORM = "application/x-www-form-urlencoded"
_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 415: "Unsupported Media Type"}

router = APIRouter()


class _RefusedError(Exception):
    """The token is not given; ``status`` and the text go into the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@router.post("/oauth/token")
async def create_token(request: Request) -> Response:
    """Give a token to an OAuth client."""
    simulation = simulation_of(request)
    may_pass, limits = simulation.limits.token_call(request.client.host if request.client else "")
    headers = {**limits, **response_headers(request.headers, request.scope)}
    if not may_pass:
        return Response(status_code=429, headers=headers)
    try:
        content = _token(simulation, request, await request.body())
    except _RefusedError as refused:
        return JSONResponse(_spring_body(simulation, refused), refused.status, headers)
    return JSONResponse(content, 200, headers)


def _token(simulation: Simulation, request: Request, body: bytes) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise _RefusedError(415, f"Content type must be {_FORM}")
    form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if form.get("grant_type") != "client_credentials":
        raise _RefusedError(400, "Unsupported grant type")
    client = _client(simulation, form)
    token = simulation.store.access.issue(client, _narrowed(simulation, client, request))
    return {
        "access_token": token.value,
        "token_type": "bearer",
        "expires_in": simulation.settings.token_lifetime,
        "jti": token.jti,
        "scope": token.scope,
    }


def _client(simulation: Simulation, form: Mapping[str, str]) -> OAuthClient:
    client = simulation.store.access.client(form.get("client_id", ""))
    if client is None:
        raise _RefusedError(400, "Invalid client id")
    if form.get("client_secret") != client.secret:
        raise _RefusedError(simulation.settings.wrong_secret_status, "Invalid client secret")
    if not client.active:
        raise _RefusedError(403, "Forbidden")
    return client


def _narrowed(simulation: Simulation, client: OAuthClient, request: Request) -> list[str] | None:
    """Give the one entity that the token shall be for; ``None`` for all that the client may use."""
    header = request.headers.get("zuora-entity-ids")
    if header is None or simulation.settings.token_entity_header == "ignore":
        return None
    try:
        allowed = header.lower() == entity_uuid(header) and entity_hex(header) in client.roles
    except ValueError:
        allowed = False
    if not allowed:
        raise _RefusedError(400, f"Invalid entity id '{header}'")
    return [entity_hex(header)]


def _spring_body(simulation: Simulation, refused: _RefusedError) -> dict[str, Any]:
    """Write the error as the framework behind the token endpoint does."""
    return {
        "timestamp": int(simulation.store.clock() * 1000),
        "status": refused.status,
        "error": _TITLES[refused.status],
        "message": str(refused),
        "path": "/oauth/token",
    }

"""What every call below ``/v1`` goes through, in Zuora's order, before and after its handler."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from airflow_zuora.simulator import errors
from airflow_zuora.simulator.access import require_write_access
from airflow_zuora.simulator.answers import Answer
from airflow_zuora.simulator.errors import Category, ZuoraError
from airflow_zuora.simulator.fault_answers import error_answer, response_headers
from airflow_zuora.simulator.simulation import Simulation, simulation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from airflow_zuora.simulator.records import OAuthClient
    from airflow_zuora.simulator.settings import Settings
    from airflow_zuora.simulator.store import Store

_MAX_TRACK_ID = 64
_NOT_IN_TRACK_ID = frozenset(":;\"'")


@dataclass(frozen=True, slots=True)
class Call:
    """
    A call that was let in.

    :param client: the OAuth client that calls.
    :param entity_id: the entity that it speaks for, 32 hex digits.
    :param body: the body, without compression.
    """

    store: Store
    client: OAuthClient
    entity_id: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; anything else is a ZuoraError of category 90."""
        try:
            content = json.loads(self.body or b"{}")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ZuoraError(Category.MALFORMED, "The request body is not a well-formed JSON object.")
        return content


class ZuoraRoute(APIRoute):
    """A route that answers the way Zuora does, errors included. Its handlers take a :class:`Call`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handler = super().get_route_handler()

        async def zuora_handler(request: Request) -> Response:
            simulation = simulation_of(request)
            answer = await _answered(simulation, request, handler)
            entity_id = getattr(request.state, "entity_id", None)
            headers = MutableHeaders({**simulation.limits.headers(entity_id), **dict(answer.headers)})
            headers.update(response_headers(request.headers, request.scope))
            complete = Answer(answer.status, headers, answer.body).compressed_for(request.headers)
            return Response(complete.body, complete.status, dict(complete.headers))

        return zuora_handler


async def _answered(
    simulation: Simulation, request: Request, handler: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Answer:
    async def handle() -> Answer:
        try:
            response = await handler(request)
        except ZuoraError as error:
            return error_answer(error, request.headers, simulation, request.scope)
        content_type = response.headers["content-type"]
        return Answer.of(bytes(response.body), response.status_code, content_type=content_type)

    try:
        request.state.call = call = _let_in(simulation, request, await request.body())
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        same = (call.client.id, request.method, str(request.url))
        return await simulation.results.once(key, same, request.scope["state"], handle)
    except ZuoraError as error:
        return error_answer(error, request.headers, simulation, request.scope)


def _let_in(simulation: Simulation, request: Request, body: bytes) -> Call:
    """Check what Zuora checks before it looks at the operation; a ZuoraError says what is wrong."""
    store, headers = simulation.store, request.headers
    token = store.access.token(headers.get("authorization"))
    simulation.limits.api_call()
    request.state.entity_id = entity_id = store.access.entity_id(token, headers.get("zuora-entity-ids"))
    simulation.limits.check_concurrency(entity_id)
    _check_track_id(headers.get("zuora-track-id"), store.settings)
    if request.method != "GET":
        require_write_access(token.client)
        _check_media_type(request, body, store.settings)
    if headers.get("content-encoding", "").lower() == "gzip":
        body = _unpacked(body)
    return Call(store, token.client, entity_id, body)


def _check_track_id(track_id: str | None, settings: Settings) -> None:
    if track_id is None or settings.bad_track_id == "accept":
        return
    if len(track_id) > _MAX_TRACK_ID or not track_id.isascii() or _NOT_IN_TRACK_ID & set(track_id):
        raise errors.invalid("The request header Zuora-Track-Id is invalid.")


def _check_media_type(request: Request, body: bytes, settings: Settings) -> None:
    content_type = request.headers.get("content-type")
    if request.method != "POST" and "idempotency-key" in request.headers:
        message = f"Request method '{request.method}' not supported with Idempotency-Key header"
        raise ZuoraError(Category.UNSUPPORTED, message, status=400)
    if body and "json" not in (content_type or ""):
        raise ZuoraError(Category.UNSUPPORTED, f"Content type '{content_type or ''}' not supported")
    if request.method == "PUT" and not body and content_type is None and settings.bodyless_put == "415":
        raise ZuoraError(Category.UNSUPPORTED, "Cannot extract parameter (Map body): no Content-Type found")


def _unpacked(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ZuoraError(Category.MALFORMED, "The request body is not in gzip format.") from error


def _call_of(request: Request) -> Call:
    return cast("Call", request.state.call)


CurrentCall = Annotated[Call, Depends(_call_of)]
"""The call that a handler answers."""

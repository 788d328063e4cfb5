"""The answer of every path below ``/v1`` that Zuora does not know; to be included last."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.routing import Match

from airflow_zuora.simulator.errors import Category, ZuoraError
from airflow_zuora.simulator.routes import connections, entities
from airflow_zuora.simulator.routes.pipeline import CurrentCall, ZuoraRoute

router = APIRouter(prefix="/v1", route_class=ZuoraRoute)


@router.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def unknown(request: Request, call: CurrentCall) -> None:
    """Refuse a path that is not there, or a method that its path does not take."""
    known = (*connections.router.routes, *entities.router.routes)
    if any(route.matches(request.scope)[0] is Match.PARTIAL for route in known):
        message = f"Request method '{request.method}' not supported"
        raise ZuoraError(Category.UNSUPPORTED, message, category_status=405)
    advice = "Please check the URL or refer to the API documentation."
    raise ZuoraError(Category.NOT_FOUND, f"The endpoint {request.url.path} does not exist. {advice}")

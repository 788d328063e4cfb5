"""The status page and the data that keeps it alive."""

from __future__ import annotations

from fastapi import APIRouter, Request
from jinja2 import Environment, PackageLoader
from starlette.responses import HTMLResponse, JSONResponse, Response

from airflow_zuora.simulator.simulation import simulation_of
from airflow_zuora.simulator.view import Query, version, view

router = APIRouter()

_TEMPLATES = Environment(loader=PackageLoader("airflow_zuora.simulator"), autoescape=True)


@router.get("/")
async def page(request: Request) -> HTMLResponse:
    """Show the tenant; the page keeps itself up to date."""
    state = view(simulation_of(request), Query())
    return HTMLResponse(_TEMPLATES.get_template("page.html").render(state=state, nonce=request.state.nonce))


@router.get("/_simulator/state")
async def state(request: Request) -> Response:
    """Give what the page shows; 204 if it is still what the reader has (``version``)."""
    simulation, query = simulation_of(request), request.query_params
    if query.get("version") == version(simulation):
        return Response(status_code=204)
    number = query.get("page", "1")
    asked = Query(query.get("status", ""), query.get("search", ""), int(number) if number.isdecimal() else 1)
    return JSONResponse(view(simulation, asked), headers={"Cache-Control": "no-store"})

"""The simulator as a web application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.responses import JSONResponse

from airflow_zuora.simulator.errors import ZuoraError
from airflow_zuora.simulator.guard import Guard
from airflow_zuora.simulator.middleware import Recorder
from airflow_zuora.simulator.routes import connections, control, entities, oauth, page, unknown
from airflow_zuora.simulator.simulation import Simulation

if TYPE_CHECKING:
    from starlette.requests import Request

    from airflow_zuora.simulator.store import Store


def create_app(store: Store, hosts: tuple[str, ...] = ()) -> FastAPI:
    """
    Build the application; its state is in ``app.state.simulation``.

    :param store: The tenant to serve.
    :param hosts: Further names under which the simulator may be reached.
    """
    app = FastAPI(title="Zuora simulator", openapi_url=None, redirect_slashes=False)
    app.state.simulation = simulation = Simulation(store)
    for part in (oauth, connections, entities, unknown, control, page):
        app.include_router(part.router)
    app.add_exception_handler(ValueError, _refuse)
    app.add_exception_handler(ZuoraError, _refuse)
    app.add_middleware(Recorder, simulation=simulation)
    app.add_middleware(Guard, hosts=hosts)  # outermost
    return app


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer a wrong request to the simulator's own controls."""
    if not request.url.path.startswith("/_simulator/"):
        raise error  # there it is a fault of the simulator itself
    return JSONResponse({"success": False, "message": str(error)}, 400)

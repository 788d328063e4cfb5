"""
A local Zuora for demos and tests: entities, entity connections, OAuth, limits, and faults on demand.

Start it with ``python -m airflow_zuora.simulator``, or in a test with :mod:`airflow_zuora.testing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_zuora.simulator.server import ZuoraSimulator
    from airflow_zuora.simulator.settings import Settings

__all__ = ["Settings", "ZuoraSimulator"]

_EXTRA = frozenset({"fastapi", "jinja2", "starlette", "uvicorn"})


def __getattr__(name: str) -> Any:
    # Lazy, so that the rules can be imported without a web framework.
    if name == "Settings":
        from airflow_zuora.simulator.settings import Settings

        return Settings
    if name == "ZuoraSimulator":
        return _simulator_class()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _simulator_class() -> type[ZuoraSimulator]:
    try:
        from airflow_zuora.simulator.server import ZuoraSimulator
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        message = f'The simulator needs {error.name}: pip install "airflow-zuora[simulator]"'
        raise ImportError(message, name=error.name) from error
    return ZuoraSimulator

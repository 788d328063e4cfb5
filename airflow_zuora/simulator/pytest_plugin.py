"""
A simulated Zuora for tests of DAGs.

Add ``pytest_plugins = ["airflow_zuora.simulator.pytest_plugin"]`` to ``conftest.py`` and ask for the fixture
``zuora_simulator``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_zuora.simulator import ZuoraSimulator


@pytest.fixture(scope="session")
def _zuora_simulator_server() -> Iterator[ZuoraSimulator]:
    from airflow_zuora.simulator import ZuoraSimulator  # here: without a test that asks, no server is needed

    with ZuoraSimulator() as simulator:
        yield simulator


@pytest.fixture
def zuora_simulator(
    _zuora_simulator_server: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> ZuoraSimulator:
    """Give a simulator in its first state; the Airflow connection ``zuora_default`` leads to it."""
    _zuora_simulator_server.reset()
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", _zuora_simulator_server.connection_json())
    return _zuora_simulator_server

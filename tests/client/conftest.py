from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections


@pytest.fixture
def everywhere(make_client: Callable[..., ZuoraClient]) -> EntityConnections:
    """The connections of the simulator's tenant, for a client that has no entity set."""
    return EntityConnections(make_client({"entity_id": None}))

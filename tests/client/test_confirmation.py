"""A change that is answered with something else than its confirmation."""

from __future__ import annotations

import pytest

from airflow_zuora.exceptions import ZuoraOutcomeUnknownError, ZuoraResponseError
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID


@pytest.mark.parametrize("body", [{}, {"success": True, "name": "x"}])
def test_the_error_names_the_place_and_what_to_do(body, make_hook, zuora_simulator, waits):
    hook = make_hook(entity_id=DEFAULT_ENTITY_ID)
    zuora_simulator.fault(method="PUT", times=None, status=200, body=body)
    with pytest.raises(ZuoraOutcomeUnknownError, match="read the state before you repeat it") as raised:
        hook.accept_entity_connection(PENDING_ID)
    assert isinstance(raised.value.__cause__, ZuoraResponseError)
    place = f"PUT {zuora_simulator.url}/v1/entity-connections/{PENDING_ID}/accept for entity "
    assert str(raised.value).startswith(place)
    assert raised.value.request_id in str(raised.value)

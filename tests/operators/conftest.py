from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_zuora.simulator.seed import PENDING_ID
from airflow_zuora.testing import ZuoraReviews


@pytest.fixture
def answer(zuora_reviews: ZuoraReviews) -> Callable[..., dict[str, Any]]:
    """Seal Ann's answer about connections, in the DAG run of ``tests.helpers.tasks.context``."""
    return partial(zuora_reviews.answer, dag_id="d", run_id="manual__1")


@pytest.fixture
def approval(answer: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Ann's approval of the Pending request."""
    return answer(PENDING_ID)

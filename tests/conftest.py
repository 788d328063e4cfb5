from __future__ import annotations

import os
import tempfile
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, settings

# Before anything imports Airflow: it reads these once, and must not touch the user's own.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]
_home = tempfile.TemporaryDirectory(prefix="airflow-zuora-tests-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

# A busy machine is no failure.
# The same examples each time: what chance finds must not stop somebody else's change.
settings.register_profile(
    "calm", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("calm")

pytest_plugins = ["airflow_zuora.simulator.pytest_plugin"]


def pytest_configure(config: pytest.Config) -> None:
    # Airflow 3.1 comes upon these of its own when it looks a connection up.
    for warning in (
        "The .airflow.operators.branch.BaseBranchOperator. attribute is deprecated",
        "The ..noload.. loader strategy is deprecated",
    ):
        config.addinivalue_line("filterwarnings", f"ignore:{warning}")


def pytest_unconfigure() -> None:
    _home.cleanup()


@pytest.fixture(autouse=True)
def _fresh_tokens() -> None:
    from airflow.sdk._shared.secrets_masker import reset_secrets_masker

    from airflow_zuora.auth import forget_tokens

    forget_tokens()
    # Airflow makes one pattern of all secrets anew with each that it learns.
    reset_secrets_masker()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let the waits between attempts pass at once; gives the seconds that were asked for."""
    seconds: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Give tokens a clock that stands still until ``clock.now`` is moved."""
    fake = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("airflow_zuora.auth.time", SimpleNamespace(monotonic=lambda: fake.now))
    monkeypatch.setattr("airflow_zuora.hooks.base.time", SimpleNamespace(monotonic=lambda: fake.now))
    return fake

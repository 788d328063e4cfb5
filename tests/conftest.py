from __future__ import annotations

import os
import tempfile
import threading
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers.clock import Clock
from tests.helpers.patience import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_zuora.client.client import ZuoraClient
    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.simulator import ZuoraSimulator
    from tests.helpers.bad_servers import RecordingServer

# Before anything imports Airflow: it reads these once, and must not touch the user's own. And no test may go
# through the user's proxy: all servers are on this machine.
for _name in [name for name in os.environ if name.startswith("AIRFLOW_") or name.lower().endswith("_proxy")]:
    del os.environ[_name]
_home = tempfile.TemporaryDirectory(prefix="airflow-zuora-tests-")
os.environ["AIRFLOW_HOME"] = _home.name
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

# A busy machine is not a failure, and the same examples each time: an example that is found by chance must
# not stop an unrelated change.
settings.register_profile(
    "calm", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("calm")

pytest_plugins = ["airflow_zuora.testing"]


def pytest_configure(config: pytest.Config) -> None:
    # Airflow 3.1 causes these itself, when it looks up a connection or imports a human-in-the-loop operator.
    for warning in (
        r"The .airflow.operators.branch.\w+. attribute is deprecated",
        "The ..noload.. loader strategy is deprecated",
    ):
        config.addinivalue_line("filterwarnings", f"ignore:{warning}")


def pytest_unconfigure() -> None:
    _home.cleanup()


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Let neither a token nor a read that is under way survive a test."""
    from airflow.sdk._shared.secrets_masker import reset_secrets_masker

    from airflow_zuora.client.oauth import forget_tokens

    forget_tokens()
    # Airflow compiles one pattern of all secrets again for each new one.
    reset_secrets_masker()
    yield
    wait_for(lambda: not any(one.name.startswith("zuora-poll") for one in threading.enumerate()))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of tokens and time budgets: it stands still until a retry waits or the test moves it."""
    clock = Clock()
    for module in ("tenacity.nap", "airflow_zuora.client.retries", "airflow_zuora.client.oauth"):
        monkeypatch.setattr(f"{module}.time", clock)
    return clock


@pytest.fixture
def waits(clock: Clock) -> list[float]:
    """The waits between attempts, in seconds. They pass at once, and the clock goes on by them."""
    return clock.waits


@pytest.fixture
def make_hook(clock: Clock) -> Iterator[Callable[..., ZuoraHook]]:
    """Make hooks; their connections are closed after the test."""
    from airflow_zuora.hooks.zuora import ZuoraHook

    with ExitStack() as stack:

        def make(*args: Any, **kwargs: Any) -> ZuoraHook:
            return stack.enter_context(closing(ZuoraHook(*args, **kwargs)))

        yield make


@pytest.fixture
def make_client(zuora_simulator: ZuoraSimulator, clock: Clock) -> Iterator[Callable[..., ZuoraClient]]:
    """Make clients of the simulator, with other fields of the connection and other settings."""
    from airflow.sdk import Connection

    from airflow_zuora.client.client import ZuoraClient
    from airflow_zuora.client.config import ZuoraConnection

    with ExitStack() as stack:

        def make(fields: Mapping[str, Any] | None = None, **settings: Any) -> ZuoraClient:
            conn = Connection.from_json(zuora_simulator.connection_json(**fields or {}), "zuora_default")
            return stack.enter_context(closing(ZuoraClient(ZuoraConnection.read(conn), **settings)))

        yield make


@pytest.fixture
def hook(zuora_simulator: ZuoraSimulator, make_hook: Callable[..., ZuoraHook]) -> ZuoraHook:
    return make_hook()


@pytest.fixture
def connect(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, make_hook: Callable[..., ZuoraHook]
) -> Callable[..., ZuoraHook]:
    """Make a hook whose connection leads to the simulator, with other fields; see ``connection_json``."""

    def make(**fields: Any) -> ZuoraHook:
        monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(**fields))
        return make_hook()

    return make


@pytest.fixture
def evil() -> Iterator[RecordingServer]:
    """A server that is not Zuora, and that records what it receives."""
    from tests.helpers.bad_servers import recording_server

    with recording_server() as server:
        yield server

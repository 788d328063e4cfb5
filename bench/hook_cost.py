"""What ZuoraHook adds to a request: its time over that of a bare ``requests.Session``, on the simulator."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 15
CALLS = 100  # in each round


def seconds_of(call: Callable[[], object]) -> float:
    """Time one round; give the seconds of one call."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS


def main() -> None:
    """Measure both in turn, so that a busy machine slows both, and print the medians."""
    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.simulator import ZuoraSimulator

    with ZuoraSimulator() as simulator, requests.Session() as session:
        os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"] = simulator.connection_json()
        simulator.settings.requests_per_minute = 10_000_000
        hook = ZuoraHook()
        hook.list_entities()  # gets the token
        sent = simulator.requests("GET")[-1].headers
        names = ("accept", "accept-encoding", "user-agent", "zuora-version", "zuora-entity-ids")
        session.headers.update({name: sent[name] for name in names})
        session.headers["Authorization"] = f"Bearer {hook.auth.token().value}"

        def bare() -> object:
            response = session.get(f"{simulator.url}/v1/entity-connections?pageSize=300&page=1", timeout=130)
            response.raise_for_status()
            return response.json()

        rounds = [(seconds_of(hook.list_entity_connections), seconds_of(bare)) for _ in range(ROUNDS)]
        hook.session.close()
    ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(one / other for one, other in rounds)
    print(f"hook {ours * 1000:.2f} ms, bare session {theirs * 1000:.2f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        main()

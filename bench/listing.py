"""What it costs to list the requests of 200 and of 511 entities, where each answer takes 50 ms."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY = 0.05  # seconds
PARALLEL = 8  # lists that are read at the same time
LIMIT = 1.3  # times the ideal
ROUNDS = 3
SERVER = Path(__file__).parent / "servers" / "many_entities.py"


@contextmanager
def server(entities: int) -> Iterator[str]:
    """Run the server in a process of its own, so that its work does not count; yield its address."""
    command = [sys.executable, str(SERVER), str(entities), str(LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(process.stdout.readline())  # type: ignore[union-attr]  # a pipe, as asked above
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def listing(entities: int) -> float:
    """List once with a new hook and a new token; return the seconds that it takes."""
    from airflow_zuora.client.oauth import forget_tokens
    from airflow_zuora.hooks.zuora import ZuoraHook

    forget_tokens()
    hook = ZuoraHook()
    started = time.perf_counter()
    found = hook.list_pending_requests()
    elapsed = time.perf_counter() - started
    hook.close()
    if len(found) != entities:
        raise RuntimeError(f"Found {len(found)} of {entities} requests")
    return elapsed


def measure(entities: int) -> float:
    """Print a row; return the time as a multiple of the ideal, in which 8 requests are always under way."""
    with server(entities) as url:
        host, _, port = url.rpartition(":")
        fields = {
            "conn_type": "zuora",
            "login": "an-id",
            "password": "a-secret",
            "host": host,
            "port": int(port),
        }
        os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"] = json.dumps(fields)
        elapsed = min(listing(entities) for _ in range(ROUNDS))
        tracemalloc.start()
        listing(entities)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        counts = requests.get(f"{url}/counts", timeout=10).json()
    tokens, lists = (counts[name] / (ROUNDS + 1) for name in ("tokens", "lists"))
    ideal = (entities + 1) / PARALLEL * LATENCY
    row = (entities, elapsed, ideal, elapsed / ideal, tokens, lists, peak / 1024)
    print("{:8}{:8.2f} s{:8.2f} s{:13.2f}{:8.0f}{:7.0f}{:15.0f} kB".format(*row))
    return elapsed / ideal


def main() -> None:
    """Measure both sizes; fail if one takes much longer than the ideal."""
    print("entities   elapsed     ideal  of the ideal  tokens  lists   peak of memory")
    if max(measure(entities) for entities in (200, 511)) > LIMIT:
        sys.exit(f"Listing takes more than {LIMIT} times the ideal")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        main()

"""What one request costs with ZuoraHook, with HttpHook and with a bare session, on loopback http and TLS."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import requests
import trustme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 25
CALLS = 100  # in each round
PATH = "/v1/entity-connections"
QUERY = {"pageSize": 300, "page": 1}
SERVER = Path(__file__).parent / "servers" / "canned.py"


class Cost(NamedTuple):
    """Seconds that one call takes, and seconds of the processor that it uses in this process."""

    elapsed: float
    processor: float


def cost_of(call: Callable[[], object]) -> Cost:
    """Time one round of calls."""
    elapsed, processor = time.perf_counter(), time.process_time()
    for _ in range(CALLS):
        call()
    return Cost((time.perf_counter() - elapsed) / CALLS, (time.process_time() - processor) / CALLS)


@contextmanager
def server(*arguments: str) -> Iterator[int]:
    """Run the server in a process of its own, so that its work does not count; yield its port."""
    command = [sys.executable, str(SERVER), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline())  # type: ignore[union-attr]  # a pipe, as asked above
        finally:
            process.terminate()


@contextmanager
def callers(base_url: str) -> Iterator[dict[str, Callable[[], object]]]:
    """Yield the ways to make the same request, by name."""
    from airflow.providers.http.hooks.http import HttpHook

    from airflow_zuora.hooks.zuora import ZuoraHook

    scheme, host, port = base_url.replace("//", "").split(":")
    address = {"host": f"{scheme}://{host}", "port": int(port)}
    zuora = {"conn_type": "zuora", "login": "an-id", "password": "a-secret", **address}
    os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"] = json.dumps(zuora)
    os.environ["AIRFLOW_CONN_PLAIN"] = json.dumps({"conn_type": "http", **address})
    hook, plain = ZuoraHook(), HttpHook("GET", "plain")
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Authorization": f"Bearer {hook.client.oauth.token().value}",
        "User-Agent": "bench",
        "Zuora-Version": "2025-08-12",
    }
    with requests.Session() as session:
        session.headers.update(headers)
        yield {
            "bare session": lambda: session.get(f"{base_url}{PATH}", params=QUERY, timeout=130).json(),
            "HttpHook.run": lambda: plain.run(PATH, QUERY, headers).json(),
            "ZuoraHook.run": lambda: hook.run(PATH, QUERY).json(),
            "ZuoraHook.request": lambda: hook.request("GET", PATH, params=QUERY),
            "ZuoraHook.list_entity_connections": hook.list_entity_connections,
        }
        hook.close()


def measure(calls: dict[str, Callable[[], object]]) -> dict[str, Cost]:
    """Measure all calls in turn, so that a busy machine slows all of them; return the medians."""
    for call in calls.values():
        call()
    rounds = [{name: cost_of(call) for name, call in calls.items()} for _ in range(ROUNDS)]
    return {
        name: Cost(
            *(statistics.median(column) for column in zip(*(one[name] for one in rounds), strict=True))
        )
        for name in calls
    }


def main(folder: Path) -> None:
    """Print a table for http and one for TLS."""
    authority, bundle, identity = trustme.CA(), folder / "authority.pem", folder / "server.pem"
    authority.cert_pem.write_to_path(str(bundle))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(identity))
    os.environ["REQUESTS_CA_BUNDLE"] = str(bundle)
    for scheme, arguments in {"http": (), "https": (str(identity),)}.items():
        with server(*arguments) as port, callers(f"{scheme}://127.0.0.1:{port}") as calls:
            costs = measure(calls)
        bare = costs["bare session"]
        print(f"{scheme:36}{'elapsed':>11}{'processor':>13}{'of a bare session':>20}")
        for name, cost in costs.items():
            ratio = cost.processor / bare.processor
            print(f"{name:36}{cost.elapsed * 1000:8.3f} ms{cost.processor * 1000:10.3f} ms{ratio:20.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIRFLOW_HOME"] = home
        main(Path(home))

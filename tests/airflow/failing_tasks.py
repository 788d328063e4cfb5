"""Everything that can go wrong with Zuora, each behind a separate Airflow connection."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airflow_zuora.simulator import ZuoraSimulator
from tests.helpers.bad_servers import plain_server, self_signed_certificate
from tests.helpers.secret_search import add_client, awkward_secret

TOKEN, LIST = "/oauth/token", "/v1/entity-connections"
# Each in a separate simulator.
FAULTS: dict[str, dict[str, Any]] = {
    "expired_token": {"named": "expired_token"},
    "forbidden": {"named": "permission"},
    "not_found": {"named": "not_found", "method": "PUT"},
    "rule": {"named": "rule", "method": "PUT"},
    "lock": {"named": "lock"},
    "throttle": {"named": "throttle", "parameters": {"reset": 3600}},
    "server_error": {"status": 500, "body": "<html><body>It broke</body></html>"},
    "half_body": {"half_body": True},
    "dropped": {"drop": True},
    "lost_change": {"method": "PUT", "drop": True},
    "timed_out": {"stall": True},
    "redirect": {"named": "redirect"},
    "foreign_page": {"named": "foreign_next_page"},
    "no_token": {"path": TOKEN, "status": 503},
    "odd_token": {"path": TOKEN, "body": {"access_token": None}},
    # The first read of a deferrable sensor succeeds, and the read of the triggerer fails.
    "later_expired": {"named": "expired_token", "path": LIST, "skip": 1},
    "later_refused": {"path": TOKEN, "skip": 1, "status": 401, "body": {"message": "Bad credentials"}},
}
# Each in a field of the Airflow connection.
FIELDS: dict[str, dict[str, Any]] = {
    "wrong_secret": {"password": awkward_secret()},
    "unknown_client": {"login": str(uuid.uuid4())},
    "refused_port": {"port": 1},
    "unknown_host": {"host": "https://zuora.invalid", "port": None},
    "unknown_extra": {"retries": 3},
}
NAMES = (*FAULTS, *FIELDS, "deactivated", "bad_certificate")
DEFERRED = ("later_expired", "later_refused")
SHOWN = [f"zuora_{name}" for name in NAMES if name not in DEFERRED]


@dataclass
class FailingConnections:
    """
    Airflow connections that fail.

    :param simulators: The simulators that they lead to.
    :param connections: The connections as JSON, by the name of the failure.
    """

    simulators: list[ZuoraSimulator] = field(default_factory=list)
    connections: dict[str, str] = field(default_factory=dict)

    def add(self, simulator: ZuoraSimulator, name: str, **fields: Any) -> None:
        self.connections[name] = simulator.connection_json(client="marked", timeout=1, **fields)


@contextmanager
def failing_connections(folder: Path) -> Iterator[FailingConnections]:
    failing = FailingConnections()
    with ExitStack() as stack:

        def start(**client: Any) -> ZuoraSimulator:
            simulator = stack.enter_context(ZuoraSimulator())
            add_client(simulator, **client)
            failing.simulators.append(simulator)
            return simulator

        for name, fault in FAULTS.items():
            simulator = start()
            simulator.fault(times=None, **fault)
            failing.add(simulator, name)
        sane = start()
        for name, fields in FIELDS.items():
            failing.add(sane, name, **fields)
        failing.add(start(active=False), "deactivated")
        server = stack.enter_context(plain_server(self_signed_certificate(folder)))
        failing.add(sane, "bad_certificate", host="https://127.0.0.1", port=server.server_port)
        yield failing

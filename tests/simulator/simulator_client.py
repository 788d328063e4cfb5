"""A bare client of the simulated API, for tests of the simulator itself."""

from __future__ import annotations

import http.client
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from tests.helpers.patience import PATIENCE, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_zuora.simulator import ZuoraSimulator

NEW, OLD = "2025-08-12", "341.0"
"""``Zuora-Version`` with and without HTTP status for errors."""


class Api:
    """It checks nothing and repeats nothing."""

    def __init__(
        self, simulator: ZuoraSimulator, client: str, entity_id: str | None, version: str | None
    ) -> None:
        self._simulator = simulator
        self.url = simulator.url
        self.oauth = simulator.store.access.named(client)
        self.session = requests.Session()
        token = simulator.store.access.issue(self.oauth).value
        headers = {
            "Authorization": f"Bearer {token}",
            "Zuora-Entity-Ids": entity_id,
            "Zuora-Version": version,
        }
        self.session.headers.update({name: value for name, value in headers.items() if value is not None})

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        kwargs = {"timeout": PATIENCE, "allow_redirects": False, **kwargs}
        return self.session.request(method, self.url + path, **kwargs)

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.call("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> requests.Response:
        return self.call("POST", path, json=json, **kwargs)

    def put(self, path: str, json: Any = None, **kwargs: Any) -> requests.Response:
        return self.call("PUT", path, json={} if json is None else json, **kwargs)

    @contextmanager
    def asking(self, method: str, path: str, **headers: str) -> Iterator[None]:
        """Send a request whose answer takes its time; leave at the end of the block."""
        number = len(self._simulator.requests(method, path))
        connection = http.client.HTTPConnection(self._simulator.host, self._simulator.port, PATIENCE)
        connection.request(method, path, "{}", {**self.session.headers, **headers})
        try:
            wait_for(lambda: len(self._simulator.requests(method, path)) > number)
            yield
        finally:
            connection.close()

    def connections(self, **params: Any) -> dict[str, Any]:
        return dict(self.get("/v1/entity-connections", params=params).json())

    def answer(self, connection_id: str, verb: str = "accept", **kwargs: Any) -> requests.Response:
        return self.put(f"/v1/entity-connections/{connection_id}/{verb}", **kwargs)


def reason(response: requests.Response) -> dict[str, Any]:
    """Give the first reason of an error."""
    return dict(response.json()["reasons"][0])


def error_code(response: requests.Response) -> int | str:
    """Give the code of an error."""
    code: int | str = reason(response)["code"]
    return code

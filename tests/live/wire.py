"""Single requests to Zuora, without the retries and errors of the client, which would hide the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from airflow_zuora import __version__
from airflow_zuora.client.client import ZuoraClient

TRACK_ID = "airflow-zuora tests/live"


@dataclass(frozen=True)
class Exchange:
    """
    An answer as it came.

    :ivar fields: The JSON object; empty where there is none.
    :ivar kind: What there is instead of a JSON object.
    """

    status: int
    headers: Any
    fields: dict[str, Any]
    kind: str | None

    @property
    def code(self) -> Any:
        """Zuora's code; ``None`` without one."""
        reasons = self.fields.get("reasons") or [{}]
        return reasons[0].get("code")

    @property
    def entities(self) -> int:
        """How many entities the scope of a token names."""
        return sum(word.startswith("entity.") for word in self.words)

    @property
    def words(self) -> list[str]:
        """The words of the scope of a token."""
        return str(self.fields.get("scope", "")).split()


class Wire:
    """
    Sends single requests.

    :param client: Has the address, the token and the credentials.
    """

    def __init__(self, client: ZuoraClient) -> None:
        self.client = client
        self.session = requests.Session()
        self.session.headers["User-Agent"] = f"airflow-zuora/{__version__} tests/live"

    def close(self) -> None:
        self.session.close()

    def get(self, path: str, entity: str | None = None, version: str | None = None) -> Exchange:
        """
        Read a path.

        :param path: Path and query.
        :param entity: ``Zuora-Entity-Ids``, in whatever format.
        :param version: ``Zuora-Version`` instead of the connection's.
        """
        headers = {
            "Zuora-Version": version or self.client.config.zuora_version,
            "Zuora-Track-Id": TRACK_ID,
            "Accept-Encoding": "gzip",
            "Zuora-Entity-Ids": entity,
        }
        return self._send("GET", path, headers=headers, auth=self.client.oauth.token().sign)

    def token(self, entity: str | None = None) -> Exchange:
        """Ask for one more token, with an entity or without."""
        config = self.client.config
        form = {
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "grant_type": "client_credentials",
        }
        headers = {"Zuora-Entity-Ids": entity}
        # The auth that does nothing keeps a netrc file from adding an Authorization.
        return self._send("POST", "/oauth/token", data=form, headers=headers, auth=lambda request: request)

    def _send(self, method: str, path: str, **options: Any) -> Exchange:
        url = f"{self.client.config.base_url}{path}"
        response = self.session.request(method, url, timeout=130, allow_redirects=False, **options)
        try:
            body = response.json()
        except ValueError:
            body = None
        kind = f"{len(response.content)} bytes of {response.headers.get('Content-Type')}"
        is_object = isinstance(body, dict)
        return Exchange(
            response.status_code, response.headers, body if is_object else {}, None if is_object else kind
        )

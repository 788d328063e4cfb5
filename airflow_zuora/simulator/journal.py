"""What the simulator received, with secrets blanked."""

from __future__ import annotations

import json
import threading
from collections import deque
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from airflow_zuora.simulator.locking import locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BLANK = "***"
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie"})
_SECRET_FIELDS = frozenset({"client_id", "client_secret", "access_token", "password"})
_SIZE = 10_000  # requests
_MAX_BODY = 10_000  # bytes of a body that is kept


@dataclass(slots=True)
class RecordedRequest:
    """
    One request.

    :param number: counts up from 1, also beyond what is kept.
    :param time: Unix time of its arrival.
    :param headers: names in lower case; ``authorization`` is ``***``.
    :param body: decoded JSON or form fields, else text; ``None`` without a body; of more than 10,000 bytes
        only the length.
    :param status: HTTP status of the answer; ``None`` while in progress, or if the connection was dropped.
    :param fault: the injected fault that hit it.
    :param peer_port: the client's TCP port: two requests with the same one used the same TCP connection.
    """

    number: int
    time: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    peer_port: int | None
    status: int | None = None
    request_id: str | None = None
    track_id: str | None = None
    fault: str | None = None


class Journal:
    """The last 10,000 requests."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.count = 0
        self._requests: deque[RecordedRequest] = deque(maxlen=_SIZE)

    @locked
    def record(
        self,
        time: float,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        peer_port: int | None,
    ) -> RecordedRequest:
        """Write down a request that just arrived."""
        self.count += 1
        blanked = {name: _BLANK if name in _SECRET_HEADERS else value for name, value in headers.items()}
        content = _decode(body, headers.get("content-type", ""))
        entry = RecordedRequest(
            self.count, time, method, path, _blank_form(query), blanked, content, peer_port
        )
        entry.track_id = headers.get("zuora-track-id")
        self._requests.append(entry)
        return entry

    @locked
    def find(self, method: str | None = None, path: str | None = None) -> list[RecordedRequest]:
        """Give the requests, oldest first; ``path`` is a glob such as ``/v1/entity-connections*``."""
        return [
            entry
            for entry in self._requests
            if (method is None or entry.method == method.upper())
            and (path is None or fnmatchcase(entry.path, path))
        ]

    @locked
    def last(self, number: int) -> list[RecordedRequest]:
        """Give the newest requests, newest first."""
        return [self._requests[-i] for i in range(1, min(number, len(self._requests)) + 1)]

    @locked
    def clear(self) -> None:
        """Forget all requests; the numbers go on."""
        self._requests.clear()


def _decode(body: bytes, content_type: str) -> Any:
    if len(body) > _MAX_BODY:
        return f"<{len(body)} bytes>"
    text = body.decode("utf-8", "replace")
    if not text:
        return None
    if "form" in content_type:
        return dict(_pairs(text))
    try:
        return _blank(json.loads(text))
    except (ValueError, RecursionError):  # the latter for lists that are nested too deeply
        # Somebody may send credentials in a wrong format: what looks like a form is blanked as one.
        return _blank_form(text)


def _blank(value: Any) -> Any:
    """Blank secrets in decoded JSON, however deep."""
    if isinstance(value, dict):
        return {key: _BLANK if key in _SECRET_FIELDS else _blank(item) for key, item in value.items()}
    return [_blank(item) for item in value] if isinstance(value, list) else value


def _pairs(form: str) -> Iterable[tuple[str, str]]:
    for name, value in parse_qsl(form, keep_blank_values=True):
        yield name, _BLANK if name in _SECRET_FIELDS else value


def _blank_form(form: str) -> str:
    """Blank the secret fields of a form; leave a text without any as it is."""
    if not any(name in form for name in _SECRET_FIELDS):
        return form
    return urlencode(list(_pairs(form)), safe="*")

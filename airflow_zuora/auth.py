"""
OAuth client credentials: the token, its cache and its renewal.

Source: https://developer.zuora.com/v1-api-reference/api/operation/createToken/
"""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.auth import AuthBase

from airflow_zuora.exceptions import ZuoraApiError, ZuoraAuthError, ZuoraConfigError, ZuoraResponseError
from airflow_zuora.models import entity_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests import PreparedRequest

    from airflow_zuora.connection import ZuoraConnection

_TOKEN = re.compile(r"[!-~]{1,16384}")  # what a header can carry; servers refuse longer ones
LEEWAY = 60.0  # seconds before its end at which a token is no longer used, if it lives that long
DEFAULT_LIFETIME = 3599.0


@dataclass(frozen=True, slots=True)
class Token:
    """
    A bearer token.

    :param value: goes into the ``Authorization`` header.
    :param renew_at: when it is no longer used, in seconds of :func:`time.monotonic`.
    :param entities: entities that its scope names, as hyphenated UUIDs.
    """

    value: str = field(repr=False)
    renew_at: float
    entities: tuple[str, ...]

    @classmethod
    def from_api(cls, payload: Mapping[str, Any], *, asked_at: float) -> Token:
        """
        Read the answer of ``POST /oauth/token``.

        :param payload: the JSON object.
        :param asked_at: when the request left, in seconds of :func:`time.monotonic`.
        :raises ZuoraResponseError: if it holds no usable token; the answer itself is not shown.
        """
        value, scope = payload.get("access_token"), payload.get("scope")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise ZuoraResponseError(
                "Zuora's token endpoint sent no access_token; check the host of the connection."
            )
        words = scope.split() if isinstance(scope, str) else []
        lifetime = _lifetime(payload.get("expires_in"))
        renew_at = asked_at + lifetime - min(LEEWAY, lifetime / 2)
        return cls(value, renew_at, tuple(_entities(words)))

    @property
    def is_fresh(self) -> bool:
        """Whether there is enough time left to use it."""
        return time.monotonic() < self.renew_at


def _lifetime(seconds: Any) -> float:
    """Zuora documents a whole number; of anything that says nothing, its usual hour is assumed."""
    try:
        lifetime = float(seconds)
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return lifetime if 0 < lifetime < math.inf else DEFAULT_LIFETIME


def _entities(words: list[str]) -> list[str]:
    found: dict[str, None] = {}  # each once, in the order of the scope
    for word in words:
        if word.startswith("entity."):
            with suppress(ZuoraConfigError):  # a scope such as entity.read names no entity
                found[entity_uuid(word.removeprefix("entity."))] = None
    return list(found)


# One token per client and entity list, shared by all hooks of this process; never written anywhere.
_tokens: dict[tuple[str, ...], Token] = {}
_locks: defaultdict[tuple[str, ...], Lock] = defaultdict(Lock)


def forget_tokens() -> None:
    """Drop all tokens of this process; for tests."""
    _tokens.clear()


class ZuoraOAuth(AuthBase):
    """
    Puts the bearer token on requests to Zuora, and on no others.

    :param connection: address and credentials.
    :param fetch: asks Zuora for a new token.
    """

    def __init__(self, connection: ZuoraConnection, fetch: Callable[[], Token]) -> None:
        self._origin = _origin(connection.base_url)
        secret = sha256(connection.client_secret.encode()).hexdigest()
        self._key = (connection.base_url, connection.client_id, secret)
        self._fetch = fetch

    def token(self) -> Token:
        """Give a token that can be used now; at most one thread asks Zuora for it."""
        with _locks[self._key]:
            token = _tokens.get(self._key)
            if token is None or not token.is_fresh:
                token = _tokens[self._key] = self._fetch()
            return token

    def reject(self, token: Token | None = None) -> None:
        """
        Drop a token that Zuora refused, unless another thread has renewed it already.

        :param token: the refused one; ``None`` drops whichever there is.
        """
        with _locks[self._key]:
            if token is None or _tokens.get(self._key) is token:
                _tokens.pop(self._key, None)

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """
        Sign a request.

        :raises ZuoraConfigError: if it goes to another scheme, host or port than the connection's.
        """
        if _origin(r.url or "") != self._origin:
            raise ZuoraConfigError(
                f"Refused to send the token to another address than {'://'.join(self._origin[:2])}"
            )
        r.headers["Authorization"] = f"Bearer {self.token().value}"
        return r


def _origin(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", str(parts.port or {"http": 80, "https": 443}.get(parts.scheme))


def explain_token_error(error: ZuoraApiError, base_url: str) -> ZuoraApiError:
    """Say what to do about a refusal of the token endpoint; errors that pass by themselves stay as is."""
    status = error.http_status
    if not 400 <= status < 500 or status in (408, 409, 429):
        return error
    advice = {
        400: "The Client ID is not known there: it may belong to another tenant or data centre, so check the "
        "environment first, then the Client ID.",
        401: "The Client Secret is wrong, or the client belongs to another tenant or data centre: check the "
        "environment, then make a new secret in Zuora.",
        403: "The user who owns the OAuth client is deactivated or may not use the API: activate the user in "
        "Zuora, or make a client for another one.",
    }.get(status, "Check that the host of the connection is a REST host of Zuora.")
    said = "; ".join(message for _, message in error.reasons) or "no reason given"
    return ZuoraAuthError(
        f"Zuora at {base_url} gives no token (HTTP {status}, request id {error.request_id}): {said}. "
        f"{advice}",
        http_status=status,
        code=error.code,
        reasons=error.reasons,
        request_id=error.request_id,
    )

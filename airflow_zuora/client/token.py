"""A bearer token, and the tokens of this process. No I/O."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_zuora.exceptions import ZuoraResponseError, ZuoraValueError
from airflow_zuora.models import entity_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests import PreparedRequest

_TOKEN = re.compile(r"[!-~]{1,16384}")  # what fits into a header; servers refuse longer ones
LEEWAY = 60.0  # seconds before its end at which a token is renewed, if it lives that long
DEFAULT_LIFETIME = 3599.0


@dataclass(frozen=True, slots=True)
class Token:
    """
    A bearer token.

    :param value: Value for the ``Authorization`` header.
    :param renew_at: When it is no longer used, in seconds of :func:`time.monotonic`.
    :param entities: Entities that its scope names, as hyphenated UUIDs.
    """

    value: str = field(repr=False)
    renew_at: float
    entities: tuple[str, ...]

    @classmethod
    def from_api(cls, payload: Mapping[str, Any], *, asked_at: float) -> Token:
        """
        Read the answer of ``POST /oauth/token``.

        :param payload: The JSON object.
        :param asked_at: When the request was sent, in seconds of :func:`time.monotonic`.
        :raises ZuoraResponseError: If it contains no usable token; the answer itself is not shown.
        """
        value, scope = payload.get("access_token"), payload.get("scope")
        if not isinstance(value, str) or not _TOKEN.fullmatch(value):
            raise ZuoraResponseError(
                "Zuora's token endpoint sent no access_token; check the host of the connection."
            )
        lifetime = _lifetime(payload.get("expires_in"))
        renew_at = asked_at + lifetime - min(LEEWAY, lifetime / 2)
        return cls(value, renew_at, tuple(dict.fromkeys(_entities(scope))))

    def sign(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token to a request, as the ``auth`` of requests."""
        request.headers["Authorization"] = f"Bearer {self.value}"
        return request


def _lifetime(seconds: Any) -> float:
    """Zuora documents a whole number; anything unusable reads as its usual hour."""
    try:
        lifetime = float(seconds)
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return lifetime if 0 < lifetime < math.inf else DEFAULT_LIFETIME


def _entities(scope: Any) -> Iterator[str]:
    for word in scope.split() if isinstance(scope, str) else ():
        if word.startswith("entity."):
            with suppress(ZuoraValueError):  # a scope such as entity.read names no entity
                yield entity_uuid(word.removeprefix("entity."))


class TokenCache:
    """The tokens in use, one for each OAuth client. They are never written anywhere."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, ...], Token] = {}

    def get(self, client: tuple[str, ...], now: float) -> Token | None:
        """
        Return the token of a client, if it can still be used.

        :param client: Address and credentials.
        :param now: Seconds of :func:`time.monotonic`.
        """
        token = self._tokens.get(client)
        return token if token is not None and now < token.renew_at else None

    def put(self, client: tuple[str, ...], token: Token, now: float) -> None:
        """
        Keep a new token, and drop those that have ended.

        :param client: Address and credentials.
        :param token: The token.
        :param now: Seconds of :func:`time.monotonic`.
        """
        self._tokens[client] = token
        for other in list(self._tokens):  # a copy: other threads put their tokens meanwhile
            if self.get(other, now) is None:
                self._tokens.pop(other, None)

    def clear(self) -> None:
        """Drop all tokens."""
        self._tokens.clear()

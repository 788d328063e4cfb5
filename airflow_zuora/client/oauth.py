"""
OAuth client credentials: the token, its cache in this process, and its renewal.

Source: https://developer.zuora.com/v1-api-reference/api/operation/createToken/
"""

from __future__ import annotations

import os
import time
from hashlib import sha256
from threading import TIMEOUT_MAX, Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from requests import Request
from requests.auth import AuthBase

from airflow_zuora.client.response import parse_response
from airflow_zuora.client.retries import Verdict, judge
from airflow_zuora.client.token import Token, TokenCache
from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraNotSentError,
    ZuoraServerError,
    ZuoraValueError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest

    from airflow_zuora.client.config import ZuoraConnection
    from airflow_zuora.client.retries import Budget, Retries
    from airflow_zuora.client.transport import Transport

# By OAuth's code where there is one, or else by the status.
_ADVICE: dict[str | int, str] = {
    **dict.fromkeys(
        ("unauthorized_client", "unsupported_grant_type"),
        "This client may not ask for a token with its secret: create an OAuth client in Zuora under Settings "
        "> Administration > Manage Users.",
    ),
    400: "The Client ID is unknown there: it may belong to another tenant or data centre, so check the "
    "environment first, then the Client ID.",
    401: "The Client Secret is wrong, or the client belongs to another tenant or data centre: check the "
    "environment, then create a new secret in Zuora.",
    403: "The user who owns the OAuth client is deactivated or may not use the API: activate the user in "
    "Zuora, or create a client for another one.",
    404: "Check that the host of the connection is a REST host of Zuora.",
}
_ADVICE.update(invalid_client=_ADVICE[401], access_denied=_ADVICE[403])
_OTHER_ADVICE = (
    "Check environment, Client ID and Client Secret of the connection, and the OAuth client in Zuora."
)


class _FetchLock:
    """Lets one thread at a time ask for a token."""

    def __init__(self) -> None:
        self.lock = Lock()


TOKENS = TokenCache()  # shared by all clients of this process
_locks: WeakValueDictionary[tuple[str, ...], _FetchLock] = WeakValueDictionary()


def _replace_locks() -> None:
    """Replace the locks of a forked process, in which the thread that holds one does not exist."""
    for holder in list(_locks.values()):
        holder.lock = Lock()


os.register_at_fork(after_in_child=_replace_locks)


def forget_tokens() -> None:
    """Drop all tokens of this process, as between two tests."""
    TOKENS.clear()


class ZuoraOAuth(AuthBase):
    """
    The token of one OAuth client.

    :param config: Address and credentials.
    :param transport: Sends the request for a token.
    :param retries: Limits of a call that asks for a token on its own.
    :param on_secret: Is called with each new token before it is used, so that logs can mask it.
    """

    def __init__(
        self,
        config: ZuoraConnection,
        transport: Transport,
        retries: Retries,
        on_secret: Callable[[str], None],
    ) -> None:
        secret = sha256(config.client_secret.encode()).hexdigest()
        self._key = (config.base_url, config.client_id, secret)
        self._holder = _locks.setdefault(self._key, _FetchLock())
        self._config = config
        self._transport = transport
        self._retries = retries
        self._on_secret = on_secret

    def token(self, budget: Budget | None = None, *, refused: Token | None = None) -> Token:
        """
        Return a token that can be used now; one thread at a time asks Zuora for it.

        :param budget: What is left of the limits of the call that needs it.
        :param refused: A token that Zuora refused, and that must not be returned again.
        :raises ZuoraAuthError: If Zuora refuses the credentials.
        """
        budget = budget or self._retries.start()
        lock = self._holder.lock
        if not lock.acquire(timeout=min(max(budget.seconds_left, 0.0), TIMEOUT_MAX)):
            raise ZuoraNotSentError(
                f"POST {self._config.base_url}/oauth/token was not sent: another thread was still "
                "requesting a token when the time limit of this call ended. Try again; the log shows what "
                "delays that request."
            )
        try:
            token = TOKENS.get(self._key, time.monotonic())
            if token is None or token is refused:
                token = self._renew(budget)
            return token
        finally:
            lock.release()

    def renew(self, budget: Budget | None = None) -> Token:
        """
        Ask for a new token, whether or not there is a usable one.

        :param budget: What is left of the limits of the call that needs it.
        """
        return self.token(budget, refused=TOKENS.get(self._key, time.monotonic()))

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """
        Sign a request of :meth:`~airflow.providers.http.hooks.http.HttpHook.run`.

        :raises ZuoraValueError: If it goes to another scheme, host or port than the connection's.
        """
        if _origin(r.url or "") != _origin(self._config.base_url):
            raise ZuoraValueError(
                f"The token is for {self._config.base_url} only: give run() a path such as "
                "/v1/catalog/products"
            )
        return self.token().sign(r)

    def _renew(self, budget: Budget) -> Token:
        base_url = self._config.base_url
        request = Request(
            "POST",
            f"{base_url}/oauth/token",
            data={
                "client_id": self._config.client_id,
                "client_secret": self._config.client_secret,
                "grant_type": "client_credentials",
            },
            auth=_unsigned,
        )
        where = f"POST {request.url}"
        budget.check(where)
        # Asking twice does no harm, so a lost answer is asked for again.
        for attempt in budget.attempts(_judge):
            with attempt:
                asked_at = time.monotonic()
                try:
                    answer = self._transport.exchange(request, where)
                    payload = parse_response(
                        where, answer.status_code, answer.headers, answer.content, is_token=True
                    )
                except ZuoraApiError as error:
                    raise _explain(error, base_url) from error
                token = Token.from_api(payload, asked_at=asked_at)
        self._on_secret(token.value)
        TOKENS.put(self._key, token, time.monotonic())
        return token


def _judge(error: BaseException) -> Verdict:
    """Apply the retry rule to a request for a token, whose refusal is final."""
    return Verdict.RAISE if isinstance(error, ZuoraAuthError) else judge(error, repeatable=True)


def _unsigned(request: PreparedRequest) -> PreparedRequest:
    """Keep ``Authorization`` off the token request: Zuora forbids it, and a netrc file would add one."""
    return request


def _origin(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", str(parts.port or {"http": 80, "https": 443}.get(parts.scheme))


def _explain(error: ZuoraApiError, base_url: str) -> ZuoraApiError:
    """Turn a refusal of the token endpoint into advice; temporary errors and redirects stay as they are."""
    status = error.http_status or 0
    if isinstance(error, (ZuoraBusyError, ZuoraServerError)) or 300 <= status < 400 or status >= 500:
        return error
    reported = "; ".join(": ".join(filter(None, reason)) for reason in error.reasons) or "no reason given"
    return ZuoraAuthError(
        f"Zuora at {base_url} refuses to issue a token (HTTP {status}, request id {error.request_id}): "
        f"{reported.rstrip('.')}. {_advice(error)}",
        http_status=status,
        code=error.code,
        reasons=error.reasons,
        request_id=error.request_id,
    )


def _advice(error: ZuoraApiError) -> str:
    if error.code and not error.code.isdigit():
        return _ADVICE.get(error.code, _OTHER_ADVICE)
    return _ADVICE.get(error.http_status or 0, _OTHER_ADVICE if error.reasons else _ADVICE[404])

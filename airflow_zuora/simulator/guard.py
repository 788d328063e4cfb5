"""Refuses requests to other host names than the simulator's, and from web pages other than its own."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """
    ASGI middleware that refuses requests to other host names and from other web pages.

    A name in the DNS can lead to this machine, and any web page can send requests to it: neither may read a
    token or reset the tenant.

    :param app: The application inside.
    :param hosts: Further names under which the simulator may be reached.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()) -> None:
        self._app = app
        self._names = {*LOOPBACK, *(name for host in hosts if (name := _name(host)))}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if _name(host) not in self._names:
            refusal = f"The simulator does not answer to the name {host!r}; see its option --host.\n"
            await PlainTextResponse(refusal, 421)(scope, receive, send)
        elif origin is not None and origin.lower() not in (f"http://{host}", f"https://{host}"):
            refusal = f"The simulator does not answer to pages of {origin!r}.\n"
            await PlainTextResponse(refusal, 403)(scope, receive, send)
        else:
            nonce = secrets.token_urlsafe(16)
            scope.setdefault("state", {})["nonce"] = nonce
            await self._app(scope, receive, _with_policy(send, nonce))


def _name(host: str) -> str:
    """Return a host in lower case and without its port; an empty string if it is not a valid host."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _with_policy(send: Send, nonce: str) -> Send:
    """Keep other pages from using a response, and the simulator's page from loading anything else."""
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            headers["X-Content-Type-Options"] = "nosniff"
            if headers.get("content-type", "").startswith("text/html"):
                headers["Content-Security-Policy"] = policy
                headers["X-Frame-Options"] = "DENY"
        await send(message)

    return sending

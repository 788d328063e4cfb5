"""The outermost layer: writes down each request and lets injected faults happen."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.datastructures import Headers

from airflow_zuora.simulator.answers import Answer, Collector
from airflow_zuora.simulator.delivery import deliver
from airflow_zuora.simulator.errors import ZuoraError
from airflow_zuora.simulator.fault_answers import replacement, reshaped

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from airflow_zuora.simulator.faults import Fault
    from airflow_zuora.simulator.journal import RecordedRequest
    from airflow_zuora.simulator.simulation import Simulation

_OWN_PATHS = ("/_simulator/", "/favicon.ico")


class Recorder:
    """
    ASGI middleware around everything that belongs to Zuora; the simulator's own pages pass it by.

    :param app: the application inside.
    :param simulation: the state.
    """

    def __init__(self, app: ASGIApp, simulation: Simulation) -> None:
        self._app = app
        self._simulation = simulation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] == "/" or scope["path"].startswith(_OWN_PATHS):
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            return
        headers = Headers(scope=scope)
        scope.setdefault("state", {})["request_id"] = str(uuid4())
        entry = self._record(scope, headers, body)
        if self._simulation.on_request is not None:
            self._simulation.on_request(entry)
        fault = self._simulation.faults.take(scope["method"], scope["path"])
        exchange = _Exchange(self._app, scope, body, receive, _noting(send, entry))
        with ExitStack() as stack:
            stack.enter_context(self._simulation.limits.in_progress(self._entity_id(headers)))
            stack.enter_context(
                self._simulation.results.in_progress(headers.get("idempotency-key"), scope["state"])
            )
            if fault is None:
                await exchange.run(exchange.send)
            else:
                entry.fault = fault.label
                await self._fail(fault, exchange, headers)

    def _record(self, scope: Scope, headers: Headers, body: bytes) -> RecordedRequest:
        peer = scope.get("client")
        entry = self._simulation.journal.record(
            self._simulation.store.clock(),
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            dict(headers),
            body,
            peer[1] if peer else None,
        )
        entry.request_id = scope["state"]["request_id"]
        return entry

    def _entity_id(self, headers: Headers) -> str | None:
        """Give the entity that a request will count for; one that is refused counts for none."""
        access = self._simulation.store.access
        try:
            token = access.token(headers.get("authorization"))
            return access.entity_id(token, headers.get("zuora-entity-ids"))
        except ZuoraError:
            return None

    async def _fail(self, fault: Fault, exchange: _Exchange, headers: Headers) -> None:
        own = replacement(fault, headers, self._simulation, exchange.scope)
        if not fault.after_effect and await exchange.client_leaves_within(fault.delay):
            return
        if fault.after_effect or (own is None and not fault.drop):
            real = await exchange.collect()
            own = own or real
        if fault.after_effect and await exchange.client_leaves_within(fault.delay):
            return
        answer = reshaped(fault, own or Answer(200))
        await deliver(fault, answer, exchange.scope, exchange.send, exchange.client_leaves_within)


class _Exchange:
    """One request on its way through the application."""

    def __init__(self, app: ASGIApp, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.send = send
        self._app = app
        self._body = body
        self._receive = receive
        self._sent_body = False

    async def run(self, send: Send) -> None:
        """Let the application answer."""
        await self._app(self.scope, self._replay, send)

    async def collect(self) -> Answer:
        """Let the application answer, but keep what it says."""
        collector = Collector()
        await self.run(collector)
        return collector.answer

    async def client_leaves_within(self, seconds: float | None) -> bool:
        """Wait some seconds (``None``: for ever); stop as soon as the client is gone, and say so."""
        if seconds == 0:
            return False
        try:
            async with asyncio.timeout(seconds):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return False
        return True

    async def _replay(self) -> Message:
        if self._sent_body:
            return await self._receive()
        self._sent_body = True
        return {"type": "http.request", "body": self._body, "more_body": False}


async def _read(receive: Receive) -> bytes | None:
    """Read the whole body; ``None`` if the client leaves meanwhile."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _noting(send: Send, entry: RecordedRequest) -> Send:
    """Note the status of the answer before the client can see it."""

    async def noting(message: dict[str, Any] | Message) -> None:
        if message["type"] == "http.response.start":
            entry.status = message["status"]
        await send(message)

    return noting

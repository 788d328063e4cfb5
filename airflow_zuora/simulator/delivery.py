"""How an answer travels when a fault is at work: reset, cut, stalled or slow."""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Scope, Send

    from airflow_zuora.simulator.answers import Answer
    from airflow_zuora.simulator.faults import Fault

TRANSPORT = "transport"
"""Where the server puts the connection's transport into the request's state."""

_PARTS = 10
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time: the peer gets a reset, not an end of file

Wait = Callable[[float | None], Awaitable[bool]]
"""Waits some seconds, or for ever with ``None``; true as soon as the client is gone."""


async def deliver(fault: Fault, answer: Answer, scope: Scope, send: Send, client_leaves_within: Wait) -> None:
    """Send an answer the way that the fault wants it."""
    if fault.drop:
        _reset(scope["state"][TRANSPORT])
        await client_leaves_within(None)
    elif fault.half_body or fault.stall:
        await send(answer.start)
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        if fault.half_body:
            scope["state"][TRANSPORT].close()
        await client_leaves_within(None)
    elif fault.slow_body:
        await _send_slowly(answer, fault.slow_body, send, client_leaves_within)
    else:
        await answer.send(send)


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


async def _send_slowly(answer: Answer, seconds: float, send: Send, client_leaves_within: Wait) -> None:
    await send(answer.start)
    size = max(1, -(-len(answer.body) // _PARTS))
    for start in range(0, len(answer.body), size):
        if start and await client_leaves_within(seconds):
            return
        part = answer.body[start : start + size]
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})

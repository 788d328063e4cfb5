"""Answers as plain data, so that they can be kept, replaced and damaged."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message, Send

_GZIP_ABOVE = 1000
"""Bytes; Zuora leaves shorter answers as they are."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: MutableHeaders = field(default_factory=MutableHeaders)
    body: bytes = b""

    @classmethod
    def of(
        cls,
        content: object,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> Answer:
        """Make an answer: a text or bytes as they are (HTML unless told otherwise), anything else as JSON."""
        if isinstance(content, str | bytes):
            body = content.encode() if isinstance(content, str) else content
            media_type = content_type or "text/html; charset=utf-8"
        else:
            body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
            media_type = content_type or "application/json; charset=utf-8"
        own = {"content-type": media_type} if body or content_type else {}
        return cls(status, MutableHeaders({**own, **(headers or {})}), body)

    def with_body(self, body: bytes) -> Answer:
        """Give the same answer with another body, not compressed."""
        headers = self.headers.mutablecopy()
        del headers["content-encoding"]
        return replace(self, headers=headers, body=body)

    def plain_body(self) -> bytes:
        """Give the body without compression."""
        return gzip.decompress(self.body) if self.headers.get("content-encoding") == "gzip" else self.body

    def compressed_for(self, request: Headers) -> Answer:
        """Compress the body if it is long enough and the client takes gzip."""
        if len(self.body) <= _GZIP_ABOVE or "gzip" not in request.get("accept-encoding", ""):
            return self
        headers = self.headers.mutablecopy()
        headers["content-encoding"] = "gzip"
        headers.add_vary_header("Accept-Encoding")
        return replace(self, headers=headers, body=gzip.compress(self.body, compresslevel=1))

    @property
    def start(self) -> Message:
        """The ASGI message that opens the answer; its length is always told."""
        headers = self.headers.mutablecopy()
        headers["content-length"] = str(len(self.body))
        return {"type": "http.response.start", "status": self.status, "headers": headers.raw}

    async def send(self, send: Send) -> None:
        """Send the whole answer."""
        await send(self.start)
        await send({"type": "http.response.body", "body": self.body})


class Collector:
    """An ASGI ``send`` that keeps the answer in place of sending it."""

    def __init__(self) -> None:
        self._start: dict[str, Any] = {}
        self._chunks: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Take one message."""
        if message["type"] == "http.response.start":
            self._start = dict(message)
        else:
            self._chunks.append(message.get("body", b""))

    @property
    def answer(self) -> Answer:
        """What was collected."""
        headers = MutableHeaders(raw=list(self._start["headers"]))
        return Answer(self._start["status"], headers, b"".join(self._chunks))

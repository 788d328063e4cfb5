"""A server that keeps connections alive, and sends whatever bytes it is told to, when it is told to."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.bad_servers import TOKEN_ANSWER
from tests.helpers.serving import serving

Part = bytes | float  # bytes to send, or seconds to pause
Script = Callable[["Received"], Iterable[Part]]


@dataclass(frozen=True, slots=True)
class Received:
    """
    A request as it arrived.

    :param line: Method and path with query.
    :param headers: Names in lower case.
    :param body: The body.
    :param connection: Which connection it came on, from 1.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


def answer(body: Any = b"", status: int = 200, *headers: str, length: int | None = None) -> bytes:
    """
    Write an HTTP answer after which the connection may stay open.

    :param body: What is not bytes goes out as JSON.
    :param status: HTTP status.
    :param headers: Lines such as ``Retry-After: 1``.
    :param length: Another ``Content-Length`` than the body's.
    """
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    length = len(content) if length is None else length
    head = (f"HTTP/1.1 {status} -", *headers, f"Content-Length: {length}", "", "")
    return "\r\n".join(head).encode("latin-1") + content


def drip(text: bytes, pause: float = 0.2) -> Iterator[Part]:
    """Send a text byte by byte."""
    for at in range(len(text)):
        yield text[at : at + 1]
        yield pause


TOKEN = answer(TOKEN_ANSWER)


def after_token(script: Script) -> Script:
    """Issue a token, and play a script for every other request."""
    return lambda received: [TOKEN] if received.line == "POST /oauth/token" else script(received)


class _Handler(socketserver.StreamRequestHandler):
    server: RawServer

    def handle(self) -> None:
        with suppress(OSError):  # the client may leave at any time
            self._send(self.server.greeting)
            number = self.server.new_connection()
            while received := self._receive(number):
                self.server.received.append(received)
                self._send(self.server.script(received))

    def _receive(self, connection: int) -> Received | None:
        lines = []
        while (line := self.rfile.readline()) != b"\r\n":
            if not line:
                return None  # the client has left
            lines.append(line.decode("latin-1").strip())
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        return Received(lines[0].rpartition(" ")[0], headers, body, connection)

    def _send(self, parts: Iterable[Part]) -> None:
        for part in parts:
            if isinstance(part, bytes):
                self.wfile.write(part)
            else:
                time.sleep(part)


class RawServer(socketserver.ThreadingTCPServer):
    """
    Plays a script for each request, on connections that it keeps open.

    :param script: Gives the parts of the answer to a request.
    :param greeting: What is sent before the first request of a connection.
    """

    daemon_threads = True

    def __init__(self, script: Script, greeting: Iterable[Part] = ()) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.greeting = greeting
        self.received: list[Received] = []
        self.connections = 0
        self._lock = threading.Lock()

    def new_connection(self) -> int:
        with self._lock:
            self.connections += 1
            return self.connections

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    @property
    def lines(self) -> list[str]:
        """Methods and paths of the requests, without queries, but of those for a token."""
        lines = [one.line.partition("?")[0] for one in self.received]
        return [line for line in lines if line != "POST /oauth/token"]


def raw_server(
    script: Script, certificate: Path | None = None, greeting: Iterable[Part] = ()
) -> AbstractContextManager[RawServer]:
    """Serve, by TLS with a certificate."""
    return serving(RawServer(script, greeting), certificate)

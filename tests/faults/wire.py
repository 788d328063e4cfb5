"""A server in front of the simulator that keeps connections alive and sends what no sane server sends."""

from __future__ import annotations

import itertools
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage, parse_headers

Parts = Iterable[bytes | float | None]
"""What is sent, one after the other; a number is a pause in seconds, ``None`` closes the connection."""


@dataclass(frozen=True)
class WireFault:
    """
    What happens to a request below HTTP.

    :param answer: Makes what is sent from the real answer.
    :param is_forwarded: Whether the request reaches the simulator; if not, the real answer is empty.
    """

    answer: Callable[[bytes], Parts]
    is_forwarded: bool = True


@dataclass(slots=True)
class WireRequest:
    """
    A request that arrived.

    :param number: Counts up from 1.
    :param status: Status of the simulator's answer; ``None`` if the request was not forwarded.
    :param fault: The name of what happened to it.
    """

    number: int
    method: str
    path: str
    status: int | None = None
    fault: str | None = None


Choose = Callable[[WireRequest], WireFault | None]
"""Decides what happens to a request."""


class WireServer(socketserver.ThreadingTCPServer):
    """
    Forwards requests to a simulator, and answers as a :class:`WireFault` says.

    :param upstream: Port of the simulator.
    :param choose: Decides what happens to a request.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, upstream: int, choose: Choose) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.choose = choose
        self.requests: list[WireRequest] = []
        self.open_sockets: set[socket.socket] = set()
        self._numbers = itertools.count(1)

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    def record(self, method: str, path: str) -> WireRequest:
        """Record a request that has just arrived."""
        self.requests.append(WireRequest(next(self._numbers), method, path))
        return self.requests[-1]

    def push(self, data: bytes) -> None:
        """Send something to all clients that nobody has asked for."""
        for connection in list(self.open_sockets):
            with suppress(OSError):  # a client that has left
                connection.sendall(data)

    def hang_up(self) -> None:
        """Close the connections of all clients."""
        for connection in list(self.open_sockets):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        raise


class _Handler(socketserver.StreamRequestHandler):
    server: WireServer
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.add(self.connection)
        self.upstream = HTTPConnection("127.0.0.1", self.server.upstream)

    def handle(self) -> None:
        # The client may leave at any time, and the simulator is stopped without waiting for its clients.
        with suppress(OSError, HTTPException):
            while line := self.rfile.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                for part in self._answer(method, target):
                    if part is None:
                        return
                    if isinstance(part, bytes):
                        self.wfile.write(part)
                    else:
                        time.sleep(part)

    def finish(self) -> None:
        self.server.open_sockets.discard(self.connection)
        self.upstream.close()
        super().finish()

    def _answer(self, method: str, target: str) -> Parts:
        headers = parse_headers(self.rfile)
        body = self.rfile.read(int(headers.get("Content-Length", 0)))
        request = self.server.record(method, target.partition("?")[0])
        fault = self.server.choose(request)
        answer = b""
        if fault is None or fault.is_forwarded:
            request.status, answer = self._forward(method, target, headers, body)
        return [answer] if fault is None else fault.answer(answer)

    def _forward(self, method: str, target: str, headers: HTTPMessage, body: bytes) -> tuple[int, bytes]:
        self.upstream.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self.upstream.putheader(name, value)
        self.upstream.endheaders(body or None)
        response = self.upstream.getresponse()
        content = response.read()
        lines = [f"HTTP/1.1 {response.status} {response.reason}"]
        lines += [f"{name}: {value}" for name, value in response.getheaders() if name.lower() not in _FRAMING]
        lines += [f"Content-Length: {len(content)}", "", ""]
        return response.status, "\r\n".join(lines).encode("latin-1") + content


_FRAMING = ("content-length", "transfer-encoding", "connection")


@contextmanager
def wire_server(upstream: int, choose: Choose) -> Iterator[WireServer]:
    """Serve until the block ends; open connections are then cut."""
    with WireServer(upstream, choose) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()

"""A proxy that opens a tunnel to wherever it is asked to."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import AbstractContextManager, suppress

from tests.helpers.serving import serving


class _Tunnel(socketserver.StreamRequestHandler):
    server: TunnelProxy

    def handle(self) -> None:
        target = self.rfile.readline().split()[1].decode()
        self.server.targets.append(target)
        while self.rfile.readline() not in (b"\r\n", b""):
            pass
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(server, self.connection))
            back.start()
            _copy(self.connection, server)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class TunnelProxy(socketserver.ThreadingTCPServer):
    """Notes in ``targets`` where it was asked to connect to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.targets: list[str] = []

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port


def tunnel_proxy() -> AbstractContextManager[TunnelProxy]:
    """Serve."""
    return serving(TunnelProxy())

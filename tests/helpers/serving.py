"""Run a server of the standard library in a thread."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.TCPServer)


@contextmanager
def serving(server: Server, certificate: Path | None = None) -> Iterator[Server]:
    """Serve until the block ends, over TLS if a certificate is given."""
    with server:
        if certificate is not None:
            server.socket = by_tls(server.socket, certificate)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def by_tls(listener: socket.socket, certificate: Path) -> socket.socket:
    """Add TLS to a listener; the handshake happens at the first read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)

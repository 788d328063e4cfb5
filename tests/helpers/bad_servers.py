"""Servers on the loopback address that behave as Zuora never should."""

from __future__ import annotations

import datetime
import ipaddress
import json
import socket
import socketserver
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.helpers.serving import serving


def closed_port() -> int:
    """Return a port on which nothing listens, and nothing else can."""
    port: int = _bound_only().getsockname()[1]
    return port


@cache
def _bound_only() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def silent_server() -> Iterator[int]:
    """Accept connections and send nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the standard library's name
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # the server below has it
        self.send_response(200)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def plain_server(certificate: Path | None = None) -> AbstractContextManager[_Server]:
    """Serve empty answers, over TLS if a certificate is given; ``asked`` lists the paths of the requests."""
    return serving(_Server(), certificate)


def self_signed_certificate(folder: Path) -> Path:
    """Make a self-signed certificate for 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "not Zuora")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def http(body: Any = b"", status: int = 200, *headers: str) -> bytes:
    """Build an HTTP answer; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (f"HTTP/1.1 {status} -", *headers, f"Content-Length: {len(content)}", "Connection: close", "", "")
    return "\r\n".join(head).encode("latin-1") + content


TOKEN = "0123456789abcdef-the-token"
TOKEN_ANSWER = {"access_token": TOKEN, "expires_in": 3599}
Answer = Callable[[str], Iterable[bytes]]


def after_token(*parts: bytes) -> Answer:
    """Answer a token request with a token, and every other request with these bytes."""
    return lambda line: [http(TOKEN_ANSWER)] if " /oauth/token " in line else parts


class _Recording(socketserver.StreamRequestHandler):
    server: RecordingServer

    def handle(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b"\r\n":
            if not line:
                return  # the client has left
            lines.append(line)
        length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
        self.server.received.append(b"".join(lines) + b"\r\n" + self.rfile.read(length))
        with suppress(OSError):  # the client may leave at any time
            for part in self.server.answer(lines[0].decode("latin-1")):
                self.wfile.write(part)


class RecordingServer(socketserver.ThreadingTCPServer):
    """
    Answers each request with the given bytes, and closes the connection.

    :param answer: Returns the parts of the answer to a request line.
    """

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Recording)
        self.answer = answer
        self.received: list[bytes] = []

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    @property
    def lines(self) -> list[str]:
        """The first lines of all requests but those for a token."""
        lines = [one.partition(b"\r\n")[0].decode("latin-1") for one in self.received]
        return [line for line in lines if " /oauth/token " not in line]


def headers_of(request: bytes) -> dict[str, str]:
    """Parse the headers of a request as they were sent; none may come twice."""
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if len(headers) < len(lines):
        raise ValueError(f"a header comes twice: {lines}")
    return headers


ALWAYS_SUCCESS = after_token(http({"success": True}))


def recording_server(
    answer: Answer = ALWAYS_SUCCESS, certificate: Path | None = None
) -> AbstractContextManager[RecordingServer]:
    """Serve, over TLS if a certificate is given; ``received`` holds every byte of every request."""
    return serving(RecordingServer(answer), certificate)

"""A server with one answer for each path, over connections that are kept alive. Prints its port."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys

ENTITY = "11e64eef71f2d4b3a1de0025904c9a21"
ROWS = [
    {
        "id": f"8a80825555a3c7a10155b460f538{number:04x}",
        "sourceEntityId": ENTITY,
        "targetEntityId": "11e7215c5d0c9f86b7e4f2c1d9a1b38e",
        "type": "inbound",
        "status": "Pending",
    }
    for number in range(8)
]
TOKEN = {"access_token": "a" * 32, "expires_in": 3599, "token_type": "bearer", "scope": f"entity.{ENTITY}"}
LIST = {"success": True, "entityConnections": ROWS}


def answer(payload: object) -> bytes:
    """Write an HTTP answer."""
    body = json.dumps(payload).encode()
    head = (
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        "Zuora-Request-Id: 7a5d9f52-90a6-4c2b-a6ce-f2ba2c4f1d20",
        "RateLimit-Limit: 50000, 50000;w=60",
        "RateLimit-Remaining: 49999",
        "RateLimit-Reset: 59",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*head, "", "")).encode() + body


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, _, length = head.partition(b"content-length:")
            await reader.readexactly(int(length.split(b"\r\n")[0] or 0))
            writer.write(answer(TOKEN if b" /oauth/token " in head else LIST))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve until the process is ended; over TLS where the file of a certificate and its key is given."""
    context = None
    if certificate := sys.argv[1:]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[0])
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

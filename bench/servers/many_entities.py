"""A tenant of many entities whose answers take a while. Arguments: entities, seconds. Prints its port."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

SOURCE = "f" * 32
NUMBER, LATENCY = int(sys.argv[1]), float(sys.argv[2])
ENTITIES = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(NUMBER)]
TOKEN = {"access_token": "a" * 32, "expires_in": 3599, "scope": " ".join(f"entity.{one}" for one in ENTITIES)}
received: Counter[str] = Counter()


def list_of(entity_id: str) -> dict[str, object]:
    """Return the list of an entity: one Pending request from the source."""
    target = entity_id.replace("-", "")
    row = {"id": f"8a80{target[:8]}", "sourceEntityId": SOURCE, "targetEntityId": target, "status": "Pending"}
    return {"success": True, "entityConnections": [row]}


def body_for(head: str) -> object:
    """Return what to answer to a request."""
    if head.startswith("get /counts "):
        return dict(received)
    if head.startswith("post /oauth/token "):
        received["tokens"] += 1
        return TOKEN
    received["lists"] += 1
    return list_of(head.partition("zuora-entity-ids: ")[2].split("\r\n")[0])


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, each after a while."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0] or 0))
            await asyncio.sleep(LATENCY)
            body = json.dumps(body_for(head)).encode()
            lines = ("HTTP/1.1 200 OK", "Content-Type: application/json", f"Content-Length: {len(body)}")
            writer.write("\r\n".join((*lines, "", "")).encode() + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())

"""An entity with up to 511 Pending requests, each from another one. Prints its port."""

from __future__ import annotations

import asyncio
import json
import re

PAGE = 300
NUMBER = 511
TARGET = "f" * 32
TOKEN = {"access_token": "a" * 32, "expires_in": 3599, "scope": f"entity.{TARGET}"}
SOURCES = [f"{number:032x}" for number in range(NUMBER)]
ROWS = [
    {"id": f"8a80{source[-8:]}", "sourceEntityId": source, "targetEntityId": TARGET, "status": "Pending"}
    for source in SOURCES
]
ENTITIES = [
    {"id": id_, "name": f"Entity {id_}", "displayName": f"Entity {id_}", "status": "Provisioned"}
    for id_ in (*SOURCES, TARGET)
]


class Shown:
    """What the server shows, and what it was asked."""

    def __init__(self) -> None:
        self.rows = NUMBER
        self.lists = 0


shown = Shown()


def body_for(head: str) -> object:
    """Return what to answer to a request."""
    path = head.split()[1]
    if path.startswith("/oauth/token"):
        return TOKEN
    if path.startswith("/v1/entities"):
        return {"success": True, "entities": ENTITIES}
    if path.startswith("/lists"):
        return shown.lists
    if number := re.match(r"/show/(\d+)", path):
        shown.rows = int(number[1])
        return shown.rows
    page = re.search(r"[?&]page=(\d+)", path)
    start = (int(page[1]) - 1) * PAGE if page else 0
    rows = ROWS[: shown.rows]
    answer: dict[str, object] = {"success": True, "entityConnections": rows[start : start + PAGE]}
    if start + PAGE < len(rows):
        answer["nextPage"] = f"/v1/entity-connections?page={start // PAGE + 2}"
    else:
        shown.lists += 1
    return answer


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0] or 0))
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

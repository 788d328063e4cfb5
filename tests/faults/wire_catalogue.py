"""What can go wrong below HTTP: interim answers, answers that are too long or too many, drips, proxies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from airflow_zuora.exceptions import ZuoraConfigError
from tests.faults.cases import CHANGES, DAY, PROXY_PASSWORD, Case, Says
from tests.faults.wire import Parts, WireFault

SUCCESS = b'{"success": true, "id": "8a80000000000000000000000000beef"}'
DRIP = (0.25, 16)  # seconds between two bytes, and how many: four times what the client has


def wire_catalogue() -> Iterator[Case]:
    """Yield all cases below HTTP."""
    yield from _interim_answers()
    yield from _doubled_headers()
    yield from _misleading_lengths()
    yield from _idle_connections()
    yield from _drips()
    yield from _proxies()


def http(status: int, *headers: str, body: bytes = b"") -> bytes:
    """Write an answer that leaves the connection open."""
    lines = (f"HTTP/1.1 {status} -", *headers, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode() + body


def interim(status: int) -> bytes:
    """Write an interim answer."""
    return f"HTTP/1.1 {status} -\r\nLink: </style.css>; rel=preload\r\n\r\n".encode()


def parts(answer: bytes) -> tuple[bytes, bytes, bytes]:
    """Split an answer into its status line, its other headers without a length, and its body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    kept = [line + b"\r\n" for line in headers if not line.lower().startswith(b"content-length:")]
    return status + b"\r\n", b"".join(kept), body


def with_length(answer: bytes, surplus: int) -> bytes:
    """Change the length that an answer claims."""
    status, headers, body = parts(answer)
    return b"%sContent-Length: %d\r\n%s\r\n%s" % (status, len(body) + surplus, headers, body)


def _before(*sent: bytes | float) -> WireFault:
    """Send something before the real answer."""
    return WireFault(lambda real: [*sent, real])


def _behind(extra: bytes) -> WireFault:
    """Send something together with the real answer, behind it."""
    return WireFault(lambda real: [real + extra])


def _instead(answer: bytes, *, closes: bool = False, is_forwarded: bool = False) -> WireFault:
    """Send another answer."""
    return WireFault(lambda _: [answer, None] if closes else [answer], is_forwarded)


def _interim_answers() -> Iterator[Case]:
    """An interim answer says nothing, and the final one follows."""
    for status in (100, 102, 103, 199):
        yield Case(f"interim {status}", Says.YES, wire=_before(interim(status)))
    yield Case("interim 103, answer later", Says.YES, wire=_before(interim(103), 0.2))
    several = interim(100) + interim(103) + interim(102) + interim(103)
    yield Case("several interim answers", Says.YES, wire=_before(several, 0.01))
    closed = _instead(interim(103), closes=True, is_forwarded=True)
    yield Case("interim 103, then closed, done", Says.NOTHING, wire=closed, worked=True)
    yield Case("switching protocols, done", Says.NOTHING, wire=_before(interim(101)), worked=True)


def _doubled_headers() -> Iterator[Case]:
    """Headers that come twice, that a proxy has joined, or that have parameters."""
    none_left = "RateLimit-Remaining: 0"
    for name, asked, headers in (
        ("Retry-After 40 twice", 40.0, ("Retry-After: 40", "Retry-After: 40")),
        ("Retry-After 10 and 40", 40.0, ("Retry-After: 10", "retry-after: 40")),
        ("RateLimit-Reset 40 twice", 40.0, (none_left, "RateLimit-Reset: 40", "RateLimit-Reset: 40")),
        ("RateLimit-Reset 40;w=60", 40.0, (none_left, "RateLimit-Reset: 40;w=60")),
        ("Retry-After 5, reset 40, 40", 40.0, (none_left, "Retry-After: 5", "RateLimit-Reset: 40, 40")),
        ("Retry-After of 300 digits", DAY, (f"Retry-After: {'9' * 300}",)),
    ):
        yield Case(f"HTTP 429, {name}", Says.LATER, wire=_instead(http(429, *headers)), asked=asked)
    dated = WireFault(lambda _: [http(429, f"Retry-After: {_in(60)}")], is_forwarded=False)
    yield Case("HTTP 429, a date without Date", Says.LATER, wire=dated, asked=50)
    dated = WireFault(lambda _: [http(503, f"Retry-After: {_in(60)}")])
    yield Case("HTTP 503, a date without Date, done", Says.NOTHING, wire=dated, asked=50, worked=True)


def _in(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def _misleading_lengths() -> Iterator[Case]:
    """An answer that ends somewhere else than it says: what is left must not be taken for the next answer."""
    yield Case("extra bytes behind the answer", Says.YES, wire=_behind(b"\r\n\r\n and more"))
    yield Case("another answer behind the answer", Says.YES, wire=_behind(http(200, body=SUCCESS)))
    yield Case("an interim answer behind it", Says.YES, wire=_behind(interim(103)))
    yield Case("the same answer twice", Says.YES, wire=WireFault(lambda real: [real + real]))
    empty = http(204, body=SUCCESS)
    yield Case("HTTP 204 with a body", Says.NOTHING, wire=_instead(empty), only=CHANGES)
    done = _instead(empty, is_forwarded=True)
    yield Case("HTTP 204 with a body, done", Says.NOTHING, wire=done, only=CHANGES, worked=True)
    yield Case("HTTP 304 with a body", Says.NO, wire=_instead(http(304, body=SUCCESS)))
    lengths = {
        "Content-Length too short": WireFault(lambda real: [with_length(real, -5)]),
        "Content-Length 0": WireFault(lambda real: [with_length(real, -len(parts(real)[2]))]),
        "Content-Length too long, then closed": WireFault(lambda real: [with_length(real, 5), None]),
        "no HTTP at all": _instead(b"SSH-2.0-x\r\n", is_forwarded=True),
        "chunk without a size": WireFault(lambda real: _chunked(real, b"\r\n", b"0\r\n\r\n")),
    }
    for name, fault in lengths.items():
        yield Case(f"{name}, done", Says.NOTHING, wire=fault, worked=True)
    fault = WireFault(lambda real: [with_length(real, 5)])
    yield Case("Content-Length too long, done", Says.NOTHING, wire=fault, worked=True, is_late=True)


def _chunked(answer: bytes, *after: bytes | float | None) -> Parts:
    status, headers, body = parts(answer)
    yield b"%sTransfer-Encoding: chunked\r\n%s\r\n%X\r\n%s\r\n" % (status, headers, len(body), body)
    yield from after


def _idle_connections() -> Iterator[Case]:
    """What a server does while nobody has asked for anything."""
    answer = http(200, body=SUCCESS)
    yield Case("an answer before the request", Says.YES, idle=lambda server: server.push(answer))
    yield Case("an interim answer before it", Says.YES, idle=lambda server: server.push(interim(103)))
    yield Case("connection closed", Says.YES, idle=lambda server: server.hang_up())


def _drips() -> Iterator[Case]:
    """A byte now and then, so that no single read takes long."""
    for name, drip in {
        "head drips": _dripping_head,
        "chunk size drips": lambda real: _chunked(real, *_slowly(b"0" * DRIP[1]), b"0\r\n\r\n"),
        "trailers drip": lambda real: _chunked(real, b"0\r\nX-", *_slowly(b"a" * DRIP[1]), b": b\r\n\r\n"),
        "gzip drips": _dripping_gzip,
        "interim answers without end": lambda real: [*_slowly([interim(103)] * DRIP[1]), real],
    }.items():
        yield Case(f"{name}, done", Says.NOTHING, wire=WireFault(drip), worked=True, is_late=True)


def _slowly(pieces: bytes | list[bytes]) -> Parts:
    for piece in pieces:
        yield bytes([piece]) if isinstance(piece, int) else piece
        yield DRIP[0]


def _dripping_head(answer: bytes) -> Parts:
    status, headers, body = parts(answer)
    yield status + b"X-Slow: "
    yield from _slowly(b"a" * DRIP[1])
    yield b"\r\n%sContent-Length: %d\r\n\r\n%s" % (headers, len(body), body)


def _dripping_gzip(answer: bytes) -> Parts:
    """The head of a gzip stream may name a file, which unpacks to nothing."""
    status, headers, body = parts(answer)
    yield b"%sContent-Encoding: gzip\r\n%sContent-Length: 10000\r\n\r\n" % (status, headers)
    yield bytes([0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 0])
    yield from _slowly(b"a" * DRIP[1])


def _proxies() -> Iterator[Case]:
    """A proxy that does not let the client through, or that cannot be one."""
    zuora = {"host": "https://zuora.invalid", "port": None}
    proxy = f"http://user:{PROXY_PASSWORD}@127.0.0.1:{{proxy}}"
    for status, says in {407: Says.NO, 403: Says.NO, 502: Says.LATER, 503: Says.LATER}.items():
        yield Case(
            f"proxy says {status}",
            says,
            wire=_instead(http(status), closes=True),
            connection=zuora,
            environment={"HTTPS_PROXY": proxy},
            raises=ZuoraConfigError if says is Says.NO else Case.raises,
            words=str(status),
        )
    for name, address in {
        "a port that is none": f"http://user:{PROXY_PASSWORD}@127.0.0.1:99999",
        "an unknown scheme": f"socks9://user:{PROXY_PASSWORD}@127.0.0.1:1080",
        "SOCKS without PySocks": f"socks5://user:{PROXY_PASSWORD}@127.0.0.1:1080",
    }.items():
        environment = {"HTTPS_PROXY": address}
        yield Case(
            f"proxy: {name}", Says.NO, connection=zuora, environment=environment, raises=ZuoraConfigError
        )

"""Everything that the simulator and the network can do wrong, and what each means for the client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from airflow_zuora.simulator.errors import Category


class Says(Enum):
    """What an answer tells the client."""

    YES = auto()  # done, only late or odd
    LATER = auto()  # nothing was done; come again
    NEW_TOKEN = auto()  # nothing was done; the token is not accepted
    NO = auto()  # nothing was done; asking again is in vain
    NOTHING = auto()  # whether anything was done stays open


@dataclass(frozen=True)
class Case:
    """
    One fault.

    :param name: for the table.
    :param says: what the client may conclude from it.
    :param fault: for ``ZuoraSimulator.fault``; or
    :param connection: other fields of the Airflow connection, for a Zuora that is not reached.
    :param worked: whether the change takes effect all the same.
    :param asked: seconds that Zuora asks to wait.
    :param only: the operations that it can happen to; empty for all.
    :param pages: how many pages of the list the client reads before it can tell.
    :param is_late: whether the client's time is up before the answer is there.
    :param is_single: whether it can happen to one request only.
    """

    name: str
    says: Says
    fault: dict[str, Any] = field(default_factory=dict)
    connection: dict[str, Any] = field(default_factory=dict)
    worked: bool = False
    asked: float = 0.0
    only: tuple[str, ...] = ()
    pages: int = 1
    is_late: bool = False
    is_single: bool = False


CHANGES = ("initiate", "accept", "deny", "deny, removed", "disconnect")
TIMEOUT = 1  # seconds; the hook's shortest
HTML = "<html><head><title>Error</title></head><body><h1>Reference #9.2f6d3e17</h1></body></html>"
BODIES: dict[str, Any] = {"JSON": {"message": "Something happened", "path": "/v1"}, "HTML": HTML, "empty": ""}

BY_CATEGORY = {
    **dict.fromkeys((10, 20, 21, 22, 23, 27, 30, 40, 45, 90), Says.NO),
    11: Says.NEW_TOKEN,
    **dict.fromkeys((50, 70), Says.LATER),
    **dict.fromkeys((60, 61, 99), Says.NOTHING),
}
BY_STATUS = {
    **dict.fromkeys((400, 403, 404, 405, 415, 422, 501), Says.NO),
    401: Says.NEW_TOKEN,
    **dict.fromkeys((409, 429), Says.LATER),
    **dict.fromkeys((408, 500, 502, 503, 504, 520), Says.NOTHING),
}


def catalogue() -> Iterator[Case]:
    """Give all cases."""
    yield from _categories()
    yield from _statuses()
    yield from _tokens()
    yield from _busy()
    yield from _odd_answers()
    yield from _broken_answers()
    yield from _late_answers()
    yield from _redirects()
    yield from _lists()
    yield from _unreached()


def _categories() -> Iterator[Case]:
    """Each category with HTTP 200, and with its own status."""
    for number, says in BY_CATEGORY.items():
        body = {
            "success": False,
            "processId": "8CF944C78E50988F",
            "reasons": [{"code": 50000000 + number, "message": f"A reason of category {number}"}],
        }
        known = number in Category.__members__.values()
        for status in (200, Category(number).http_status if known else 400):
            yield Case(f"category {number}, HTTP {status}", says, {"status": status, "body": body})
            if says is Says.NOTHING:
                fault = {"status": status, "body": body, "after_effect": True}
                yield Case(f"category {number}, HTTP {status}, done", says, fault, worked=True)


def _statuses() -> Iterator[Case]:
    """Each status with JSON that has no code, with HTML and with nothing."""
    for status, says in BY_STATUS.items():
        for kind, body in BODIES.items():
            yield Case(f"HTTP {status}, {kind}", says, {"status": status, "body": body})
            if says is Says.NOTHING:
                fault = {"status": status, "body": body, "after_effect": True}
                yield Case(f"HTTP {status}, {kind}, done", says, fault, worked=True)


def _tokens() -> Iterator[Case]:
    yield Case("token expired", Says.NEW_TOKEN, {"named": "expired_token"})
    yield Case("user info not read", Says.LATER, {"named": "no_user_info"})


def _busy() -> Iterator[Case]:
    """The three limits of Zuora, its locks, and headers that say how long to wait, or say nonsense."""
    yield Case("lock", Says.LATER, {"named": "lock"})
    yield Case("lock, wait 77", Says.LATER, {"named": "lock", "headers": {"Retry-After": "77"}}, asked=77)
    body = {
        "success": False,
        "reasons": [{"code": 50000050, "message": "A request with this Idempotency-Key is in progress."}],
    }
    yield Case("idempotency conflict", Says.LATER, {"status": 409, "body": body})
    for seconds in (1, 60, 300, 301, 10**9):
        rate = {"named": "throttle", "parameters": {"reset": seconds}}
        yield Case(f"rate limit, reset {seconds}", Says.LATER, rate, asked=seconds)
        both = {"named": "throttle", "parameters": {"reset": 1, "retry_after": seconds}}
        yield Case(f"rate limit, Retry-After {seconds}", Says.LATER, both, asked=seconds)
        many = {"named": "concurrency", "parameters": {"retry_after": seconds}}
        yield Case(f"concurrency, Retry-After {seconds}", Says.LATER, many, asked=seconds)
    yield Case("token limit", Says.LATER, {"named": "token_throttle"}, asked=60)
    for text in ("", "0", "-5", "soon", "1e3", "inf", "NaN", "120, 60", "0x10", "9" * 300, "9" * 400):
        headers = {"Retry-After": text, "RateLimit-Reset": text, "RateLimit-Limit": text}
        asked = float(text) if text.isdigit() and len(text) <= 300 else 0.0
        name = f"HTTP 429, wait {text[:8]!r} ({len(text)} characters)"
        yield Case(name, Says.LATER, {"status": 429, "headers": headers}, asked=asked)
    date = {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}
    yield Case("HTTP 503, wait until 2099", Says.NOTHING, {"status": 503, "headers": date}, asked=10**9)
    yield Case(
        "HTTP 503, wait 45, done",
        Says.NOTHING,
        {"status": 503, "headers": {"Retry-After": "45"}, "after_effect": True},
        worked=True,
        asked=45,
    )


def _odd_answers() -> Iterator[Case]:
    """HTTP 200 whose body says no, or says nothing."""
    yield Case("success false, no reasons", Says.NO, {"named": "no_reasons"})
    text = {"success": False, "reasons": [{"code": "50000050", "message": "code as text"}]}
    yield Case("code as text", Says.LATER, {"body": text})
    yield Case("word of the action API", Says.LATER, {"body": {"success": False, "code": "LOCK_COMPETITION"}})
    several = [{"code": 50000050, "message": "busy"}, {"code": 50000030, "message": "not allowed"}]
    yield Case("busy and forbidden", Says.NO, {"body": {"success": False, "reasons": several}})
    for name, body in {
        "HTML, HTTP 200": HTML,
        "empty, HTTP 200": "",
        "half JSON": '{"success": tru',
        "a list": [1],
        "a text": '"success"',
        "null": "null",
        "success as text": {"success": "true"},
        "deep JSON": "[" * 100_000,
    }.items():
        says = Says.NO if name == "success as text" else Says.NOTHING
        yield Case(name, says, {"body": body})
        if says is Says.NOTHING:
            yield Case(f"{name}, done", says, {"body": body, "after_effect": True}, worked=True)

    # To a read it is an answer without rows, which no repetition mends.
    yield Case("an empty object", Says.NOTHING, {"body": {}}, only=CHANGES)
    yield Case(
        "an empty object, done", Says.NOTHING, {"body": {}, "after_effect": True}, worked=True, only=CHANGES
    )


def _broken_answers() -> Iterator[Case]:
    """The connection breaks, before or after the effect."""
    for name, fault in {
        "reset": {"drop": True},
        "half a body": {"half_body": True, "body": {"success": True}},
        "damaged gzip": {"damage_gzip": True, "body": {"success": True}},
    }.items():
        yield Case(name, Says.NOTHING, fault)
        yield Case(f"{name}, done", Says.NOTHING, {**fault, "after_effect": True}, worked=True)


def _late_answers() -> Iterator[Case]:
    """Slow is no fault; too slow is."""
    yield Case("slow head", Says.YES, {"delay": 0.05})
    yield Case("slow body", Says.YES, {"slow_body": 0.005})
    late = TIMEOUT + 0.5
    for name, fault in {
        "head too late": {"delay": late},
        "head too late, done": {"delay": late, "after_effect": True},
        "body stalls, done": {"stall": True},
        "body drips, done": {"slow_body": late / 5},
    }.items():
        yield Case(name, Says.NOTHING, fault, worked="done" in name, is_late=True)


def _redirects() -> Iterator[Case]:
    for status in (301, 302, 303, 307, 308):
        for location in ("https://zuora.example.com/v1", "/v1/entities"):
            fault = {"named": "redirect", "parameters": {"location": location}, "status": status}
            where = "elsewhere" if "://" in location else "to itself"
            yield Case(f"HTTP {status} {where}", Says.NO, fault)


def _lists() -> Iterator[Case]:
    """What only a list can have."""
    foreign = {"named": "foreign_next_page"}
    yield Case("next page on a foreign host", Says.YES, foreign, only=("list",), is_single=True)
    row = {"id": "8a80", "sourceEntityId": "a" * 32, "targetEntityId": "b" * 32, "status": "Pending"}
    body = {"success": True, "entityConnections": [row], "nextPage": "/entity-connections?page=1"}
    yield Case("pages in a circle", Says.NO, {"body": body}, only=("list",), pages=2)


def _unreached() -> Iterator[Case]:
    yield Case("host not known", Says.LATER, connection={"host": "https://zuora.invalid", "port": None})
    yield Case("port closed", Says.LATER, connection={"port": "closed"})
    yield Case(
        "certificate does not verify", Says.NO, connection={"host": "https://127.0.0.1", "port": "tls"}
    )
    yield Case("no TLS there", Says.NOTHING, connection={"host": "https://127.0.0.1"})

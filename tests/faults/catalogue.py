"""Everything that can go wrong, and what each case means for the client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_zuora.exceptions import ZuoraAuthError, ZuoraConfigError
from airflow_zuora.simulator.errors import Category
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.faults.cases import CHANGES, DAY, TIMEOUT, Case, Says
from tests.faults.wire_catalogue import wire_catalogue

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
    """Yield all cases."""
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
    yield from wire_catalogue()


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
    """Each status with JSON that has no code, with HTML, and with an empty body."""
    for status, says in BY_STATUS.items():
        for kind, body in BODIES.items():
            yield Case(f"HTTP {status}, {kind}", says, {"status": status, "body": body})
            if says is Says.NOTHING:
                fault = {"status": status, "body": body, "after_effect": True}
                yield Case(f"HTTP {status}, {kind}, done", says, fault, worked=True)


def _tokens() -> Iterator[Case]:
    yield Case("token expired", Says.NEW_TOKEN, {"named": "expired_token"})
    yield Case("user info not read", Says.LATER, {"named": "no_user_info"})
    words = "Client secret expired"
    for status in (200, 400, 401):
        for error in ("invalid_client", "invalid_grant", "unauthorized_client"):
            yield Case(
                f"OAuth {error}, HTTP {status}",
                Says.NO,
                {"status": status, "body": {"error": error, "error_description": words}},
                only_token=True,
                raises=ZuoraAuthError,
                words=words,
            )
    body = {"error": "temporarily_unavailable", "error_description": "Try again"}
    for status in (200, 503):
        fault = {"status": status, "body": body}
        yield Case(f"OAuth not available, HTTP {status}", Says.LATER, fault, only_token=True)


def _busy() -> Iterator[Case]:
    """The limits of Zuora, its locks, and headers that say how long to wait, or something meaningless."""
    yield Case("lock", Says.LATER, {"named": "lock"})
    yield Case("lock, wait 77", Says.LATER, {"named": "lock", "headers": {"Retry-After": "77"}}, asked=77)
    body = {
        "success": False,
        "reasons": [{"code": 50000050, "message": "A request with this Idempotency-Key is in progress."}],
    }
    yield Case("idempotency conflict", Says.LATER, {"status": 409, "body": body})
    for seconds in (1, 60, 300, 590, 601, 10**9):
        rate = {"named": "throttle", "parameters": {"reset": seconds}}
        yield Case(f"rate limit, reset {seconds}", Says.LATER, rate, asked=min(seconds, DAY))
        both = {"named": "throttle", "parameters": {"reset": 1, "retry_after": seconds}}
        yield Case(f"rate limit, Retry-After {seconds}", Says.LATER, both, asked=min(seconds, DAY))
        many = {"named": "concurrency", "parameters": {"retry_after": seconds}}
        yield Case(f"concurrency, Retry-After {seconds}", Says.LATER, many, asked=min(seconds, DAY))
    yield Case("token limit", Says.LATER, {"named": "token_throttle"}, asked=60)
    meaningless = dict.fromkeys(("", "0", "-5", "soon", "1e3", "inf", "NaN", "0x10"), 0.0)
    readable = {"120, 60": 120, "40;w=60": 40, "1.5": 1.5, "9" * 300: DAY, "9" * 400: DAY}
    for text, asked in {**meaningless, **readable}.items():
        headers = {"Retry-After": text, "RateLimit-Reset": text, "RateLimit-Limit": text}
        name = f"HTTP 429, wait {text[:8]!r} ({len(text)} characters)"
        yield Case(name, Says.LATER, {"status": 429, "headers": headers}, asked=asked)
    date = {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}
    yield Case("HTTP 503, wait until 2099", Says.NOTHING, {"status": 503, "headers": date}, asked=DAY)
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
        "success as a number": {"success": 1},
        "success null": {"success": None},
        "deep JSON": "[" * 100_000,
    }.items():
        yield Case(name, Says.NOTHING, {"body": body})
        yield Case(f"{name}, done", Says.NOTHING, {"body": body, "after_effect": True}, worked=True)

    # To a read these are answers without rows, which no repetition repairs.
    bodies: dict[str, Any] = {
        "an empty object": {},
        "the answer to a token request": {"success": True, "access_token": "a" * 32},
    }
    for name, body in bodies.items():
        yield Case(name, Says.NOTHING, {"body": body}, only=CHANGES)
        fault = {"body": body, "after_effect": True}
        yield Case(f"{name}, done", Says.NOTHING, fault, worked=True, only=CHANGES)
    fault = {"body": {"success": True, "entityConnections": []}}
    yield Case("the answer to a list request", Says.NOTHING, fault, only=CHANGES, is_single=True)


def _broken_answers() -> Iterator[Case]:
    """The connection breaks, before or after the effect."""
    broken: dict[str, dict[str, Any]] = {
        "reset": {"drop": True},
        "half a body": {"half_body": True, "body": {"success": True}},
        "damaged gzip": {"damage_gzip": True, "body": {"success": True}},
    }
    for name, fault in broken.items():
        yield Case(name, Says.NOTHING, fault)
        yield Case(f"{name}, done", Says.NOTHING, {**fault, "after_effect": True}, worked=True)


def _late_answers() -> Iterator[Case]:
    """A slow answer is an answer; one that is too slow is not."""
    yield Case("slow head", Says.YES, {"delay": 0.05})
    yield Case("slow body", Says.YES, {"slow_body": 0.005})
    late = TIMEOUT + 0.5
    too_slow: dict[str, dict[str, Any]] = {
        "head too late": {"delay": late},
        "head too late, done": {"delay": late, "after_effect": True},
        "body stalls, done": {"stall": True},
        "body drips, done": {"slow_body": late / 3},
    }
    for name, fault in too_slow.items():
        yield Case(name, Says.NOTHING, fault, worked="done" in name, is_late=True)


def _redirects() -> Iterator[Case]:
    for status in (301, 302, 303, 307, 308):
        for location in ("https://zuora.example.com/v1", "/v1/entities"):
            fault = {"named": "redirect", "parameters": {"location": location}, "status": status}
            where = "elsewhere" if "://" in location else "to itself"
            yield Case(f"HTTP {status} {where}", Says.NO, fault)


def _lists() -> Iterator[Case]:
    """What can happen to a list only."""
    foreign = {"named": "foreign_next_page"}
    yield Case("next page on a foreign host", Says.YES, foreign, only=("list",), is_single=True)
    row = {"id": PENDING_ID, "status": "Pending"}
    row |= {"sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
    body = {"success": True, "entityConnections": [row], "nextPage": "/entity-connections?page=1"}
    yield Case("pages in a circle", Says.NO, {"body": body}, only=("list",), pages=2)


def _unreached() -> Iterator[Case]:
    tls = {"host": "https://127.0.0.1", "port": "tls"}
    yield Case("host not known", Says.LATER, connection={"host": "https://zuora.invalid", "port": None})
    yield Case("port closed", Says.LATER, connection={"port": "closed"})
    yield Case("certificate does not verify", Says.NO, connection=tls, raises=ZuoraConfigError)
    yield Case("no TLS there", Says.LATER, connection={"host": "https://127.0.0.1"})
    for name, path in {
        "without a certificate": "/dev/null",
        "that does not exist": "/nowhere/ca.pem",
    }.items():
        environment = {"REQUESTS_CA_BUNDLE": path}
        yield Case(
            f"CA bundle {name}", Says.NO, connection=tls, environment=environment, raises=ZuoraConfigError
        )

"""Token and secret are sent to the host, port and scheme of the connection, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from airflow_zuora.exceptions import ZuoraError, ZuoraResponseError, ZuoraValueError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator.seed import CONNECTED_ID, DEFAULT_ENTITY_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.bad_servers import (
    TOKEN_ANSWER,
    after_token,
    headers_of,
    http,
    recording_server,
)

LIST = "/v1/entity-connections"
PARTIES = {"sourceEntityId": SOURCE_ENTITY_ID, "targetEntityId": DEFAULT_ENTITY_ID}
ROWS = [
    {"id": PENDING_ID, "status": "Pending", **PARTIES},
    {"id": CONNECTED_ID, "status": "Connected", **PARTIES},
]
PAGE = {"entityConnections": ROWS, "success": True}
CHANGES = ("accept", "deny", "disconnect", "initiate")
OPERATIONS: dict[str, Callable[[ZuoraHook], Any]] = {
    "list": lambda hook: hook.list_entity_connections(),
    "entities": lambda hook: hook.list_entities(),
    "entity": lambda hook: hook.get_entity(SOURCE_ENTITY_ID),
    "accept": lambda hook: hook.accept_entity_connection(PENDING_ID),
    "deny": lambda hook: hook.deny_entity_connection(PENDING_ID),
    "disconnect": lambda hook: hook.disconnect_entity_connection(CONNECTED_ID),
    "initiate": lambda hook: hook.initiate_entity_connection(SOURCE_ENTITY_ID),
    "request": lambda hook: hook.request("DELETE", "/v1/x"),
    "run": lambda hook: hook.run("/v1/x"),
}


def zuora(answer: bytes, *, token: bytes = http(TOKEN_ANSWER), page: bytes = http(PAGE)) -> Any:
    """Answer the last request of an operation so, and the requests before it as Zuora does."""

    def answers(line: str) -> Iterable[bytes]:
        is_before = line.startswith("GET") and LIST in line
        return [token if " /oauth/token " in line else page if is_before else answer]

    return answers


LOCATIONS = r"""
http://127.0.0.1:{evil}/ //127.0.0.1:{evil}/ http://localhost:{evil}/ https://127.0.0.1:{evil}/
http://127.0.0.1:{own}@127.0.0.1:{evil}/ http://127.0.0.1:{evil}\@127.0.0.1:{own}/ \\127.0.0.1:{evil}/
http://127.0.0.1:{own}/v1/x /v1/entities ?x javascript:x http://[
"""


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", [*LOCATIONS.split(), "", "\x1b[31m"])
def test_no_operation_follows_a_redirect(status, location, connect, evil):
    with recording_server() as own:
        redirect = http(b"", status, f"Location: {location.format(own=own.port, evil=evil.port)}")
        for name, operate in OPERATIONS.items():
            own.answer = zuora(redirect, page=redirect if name == "list" else http(PAGE))
            before = len(own.lines)
            with pytest.raises(ZuoraError, match="Redirects are not followed") as raised:
                operate(connect(port=own.port))
            assert str(raised.value).isprintable()
            assert len(own.lines) - before == (2 if name in CHANGES else 1)
    assert evil.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_secret_does_not_follow_a_redirect_of_a_token_request(status, connect, evil):
    token = http(b"", status, f"Location: http://127.0.0.1:{evil.port}/oauth/token")
    with recording_server(zuora(http(PAGE), token=token)) as own:
        for operate in OPERATIONS.values():
            with pytest.raises(ZuoraError, match="Redirects are not followed"):
                operate(connect(port=own.port))
        assert len(own.received) == len(OPERATIONS)
    assert evil.received == []


def test_other_headers_that_name_an_address_are_not_followed(connect, evil):
    address = f"http://127.0.0.1:{evil.port}/"
    headers = [f"{name}: {address}" for name in ("Location", "Content-Location", "Alt-Svc", "URI", "Link")]
    headers.append(f"Refresh: 0; url={address}")
    for status in (200, 201, 202):
        with recording_server(after_token(http({"success": True}, status, *headers))) as own:
            connect(port=own.port).request("POST", "/v1/x")
            connect(port=own.port).run("/v1/x")
            assert len(own.lines) == 2
    assert evil.received == []


NEXT_PAGES = r"""
http://127.0.0.1:{evil}/x?page=2 https://127.0.0.1:{evil}/x?page=2 //127.0.0.1:{evil}/x?page=2 ?page=2
http://127.0.0.1:{own}@127.0.0.1:{evil}/?page=2 http://127.0.0.1:{evil}\@127.0.0.1:{own}?page=2
/../../x?page=2 file:///etc/passwd?page=2 ?page=2#http://127.0.0.1:{evil}/ ?page=2&page=2 ?page=2&pageSize=1
?page=2&x=%0d%0aX:%20y ?page=2&x=%00 ?page=2&x=/../..
"""


@pytest.mark.parametrize("next_page", NEXT_PAGES.split())
def test_of_a_next_page_only_the_query_is_used(next_page, connect, evil):
    with recording_server() as own:
        first = http({**PAGE, "nextPage": next_page.format(own=own.port, evil=evil.port)})
        last = http({"entityConnections": []})
        own.answer = lambda line: zuora(b"", page=last if "page=2" in line else first)(line)
        assert [one.id for one in connect(port=own.port).list_entity_connections("inbound")] == [
            PENDING_ID,
            CONNECTED_ID,
        ]
        assert len(own.lines) == 2
        assert own.lines[1].startswith(f"GET {LIST}?")
        assert "type=inbound" in own.lines[1]
        assert headers_of(own.received[1]).keys() == headers_of(own.received[2]).keys()
    assert evil.received == []


NO_PAGES = ["http://127.0.0.1", "x", "?", "?page", "http://[?page=2", "?page=\ud800", "?page=é"]
NOT_STRINGS = [5, True, ["?page=2"], {"page": 2}]


@pytest.mark.parametrize(
    "next_page", [*NO_PAGES, "?a=" + "x" * 9999, *NOT_STRINGS], ids=lambda one: ascii(one)[:12]
)
def test_a_next_page_that_is_not_an_address_is_an_error(next_page, connect):
    with recording_server(after_token(http({**PAGE, "nextPage": next_page}))) as own:
        with pytest.raises(ZuoraResponseError, match="nextPage") as raised:
            connect(port=own.port).list_entity_connections()
        assert len(str(raised.value)) < 200
        assert len(own.lines) == 1


COOKIES = [f"Set-Cookie: a=1{more}" for more in ("", "; Path=/", "; Domain=127.0.0.1", "; Max-Age=99999")]


def test_no_answer_sets_a_cookie_for_later_requests(connect):
    answer = zuora(http({"success": True}, 200, *COOKIES), token=http(TOKEN_ANSWER, 200, *COOKIES))
    with recording_server(answer) as own:
        hook = connect(port=own.port)
        for _ in range(2):
            hook.run("/v1/x")
            hook.get_conn().get(f"http://127.0.0.1:{own.port}/v1/x")
            hook.request("GET", "/v1/x")
            hook.client.oauth.renew()
        assert len(own.received) == 9
        assert not any("cookie" in headers_of(one) for one in own.received)


def test_a_session_that_a_user_sends_with_gives_the_token_to_nobody_else(connect, evil):
    redirect = http(b"", 302, f"Location: http://127.0.0.1:{evil.port}/")
    with recording_server(after_token(redirect)) as own:
        session = connect(port=own.port).get_conn()
        assert session.get(f"http://127.0.0.1:{own.port}/v1/x").status_code == 302
        for url in (f"http://127.0.0.1:{evil.port}/", f"http://127.0.0.1:{own.port}@127.0.0.1:{evil.port}/"):
            with pytest.raises(ZuoraValueError, match=f"http://127.0.0.1:{own.port} only"):
                session.get(url)
    assert evil.received == []

"""What an error of requests and urllib3 is called, and that it shows no password of a proxy."""

from __future__ import annotations

import pytest
from urllib3.connection import HTTPSConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from airflow_zuora.client.transport_errors import MAX_DETAILS, transport_error, without_userinfo
from airflow_zuora.client.wire import Connection, Deadline, NotConnectedError
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotSentError


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to http://user:secret@proxy:1 and on", "to ***@proxy:1 and on"),
        ("user:secret@proxy:1", "***@proxy:1"),
        ("http://user:sec@ret@proxy:1", "***@proxy:1"),
        ("http://user:se cret@proxy:1", "***@proxy:1"),
        ("http://user:sec/ret@proxy:1", "***@proxy:1"),
        ("http://user:secret@proxy\r\nX-Forged: 1", "***@proxy X-Forged: 1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_users_and_passwords_are_cut_from_the_addresses_in_a_text(text, shown):
    assert without_userinfo(text) == shown


def test_a_text_of_others_is_cut():
    assert len(without_userinfo("x" * 10_000)) == MAX_DETAILS


def socks_error(words: str) -> MaxRetryError:
    """Return what urllib3 makes of an error of PySocks, which tells its reason in words only."""
    conn = type("SOCKSHTTPSConnection", (Connection, HTTPSConnection), {})("zuora.invalid", 443)
    cause = NewConnectionError(conn, f"Failed to establish a new connection: {words}")
    return MaxRetryError(None, "/v1/x", NotConnectedError(conn, cause))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        "SOCKS5 authentication failed",
        "All offered SOCKS5 authentication methods were rejected",
        "0x02: Connection not allowed by ruleset",
        "0x5d: Request rejected because the client program and identd report different user-ids",
    ],
)
def test_a_socks_proxy_that_refuses_is_an_error_of_the_configuration(words):
    error = transport_error("GET x", Exception(socks_error(words)), Deadline(1))
    assert type(error) is ZuoraConfigError
    for part in ("the SOCKS proxy refuses to connect", words, "Nothing was sent. Check the proxy, its user"):
        assert part in str(error)


@pytest.mark.parametrize("words", ["0x04: Host unreachable", "0x05: Connection refused", "Socket error: x"])
def test_a_socks_proxy_that_cannot_connect_now_is_asked_again(words):
    error = transport_error("GET x", Exception(socks_error(words)), Deadline(1))
    assert type(error) is ZuoraNotSentError
    assert words in str(error)

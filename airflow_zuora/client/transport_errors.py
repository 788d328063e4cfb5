"""What an error of requests and urllib3 means: whether Zuora can have received the request."""

from __future__ import annotations

import re
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING

from requests.exceptions import ConnectTimeout, InvalidProxyURL, InvalidSchema, RequestException
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from airflow_zuora.client.wire import NotConnectedError
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraError, ZuoraNotSentError, ZuoraTransportError
from airflow_zuora.texts import one_line

if TYPE_CHECKING:
    from airflow_zuora.client.wire import Deadline

MAX_DETAILS = 500  # characters
# http.client tells the status of a proxy in this text only.
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: ([0-9]{3}.*)")
# PySocks tells in words only that a proxy refuses the user, or by its rules.
_REFUSED_SOCKS = re.compile("SOCKS5 authentication|0x02: |0x5[cd]: ")
_TEMPORARY = ("408", "429", "5")  # beginnings of what a proxy says that may go away


def transport_error(where: str, error: Exception, limit: Deadline) -> ZuoraError:
    """
    Return the error that says whether Zuora can have received a request.

    :param where: Method, address and entity, for the error.
    :param error: What ``requests`` or ``urllib3`` raised.
    :param limit: The time limit of the exchange.
    """
    reason = getattr(error.args[0], "reason", None) if error.args else None
    inner = reason.original_error if isinstance(reason, ProxyError) else reason
    if isinstance(inner, NotConnectedError):
        return _not_connected(where, inner, limit.seconds - limit.seconds_left)
    if isinstance(error, ConnectTimeout):
        return _connect_timed_out(where, limit.seconds - limit.seconds_left)
    if not limit.was_started and (isinstance(error, ValueError) or not isinstance(error, RequestException)):
        return _not_begun(where, error)
    if not limit.seconds_left:
        return timed_out(where, limit)
    details = without_userinfo(str(error))
    return ZuoraTransportError(
        f"{where}: no complete answer arrived ({type(error).__name__}: {details}). If this persists, check "
        "host and port of the connection, firewall and proxy."
    )


def timed_out(where: str, limit: Deadline) -> ZuoraTransportError:
    """
    Return the error for an exchange that was not over in time.

    :param where: Method, address and entity, for the error.
    :param limit: The time limit of the exchange.
    """
    return ZuoraTransportError(
        f"{where}: no complete answer arrived within {limit.seconds:.0f} seconds. If this persists, set a "
        "longer timeout in the connection, or check firewall and proxy."
    )


def without_userinfo(text: str) -> str:
    """
    Remove users and passwords from the addresses in a text that others wrote, and make it one line.

    :param text: The text. Whatever stands before an ``@`` is cut, since an address that is not valid has no
        certain beginning.
    """
    text = re.sub(r"://[^\n]*@", "://***@", text[: 10 * MAX_DETAILS])
    words = (f"***@{word.rpartition('@')[2]}" if "@" in word else word for word in text.split())
    return one_line(" ".join(words), MAX_DETAILS)


def _not_begun(where: str, error: Exception) -> ZuoraConfigError:
    """Return the error for settings of the machine with which requests cannot even begin."""
    details = without_userinfo(str(error))
    if isinstance(error, ValueError) and not isinstance(error, (InvalidProxyURL, InvalidSchema)):
        # The other address, of the connection, was checked. The text may quote any part of the proxy's.
        details = "the address of the proxy is not valid, or of an unknown kind"
    return ZuoraConfigError(
        f"{where}: {details}. Nothing was sent. Check the proxy and the certificate authorities that the "
        "environment names, as in HTTPS_PROXY and REQUESTS_CA_BUNDLE."
    )


def _connect_timed_out(where: str, seconds: float) -> ZuoraNotSentError:
    return ZuoraNotSentError(
        f"{where}: connecting timed out after {seconds:.0f} seconds. Nothing was sent. Check host and port "
        "of the connection, firewall and proxy."
    )


def _not_connected(where: str, error: NotConnectedError, seconds: float) -> ZuoraError:
    """Return the error for a request that was not sent, because connecting failed after some seconds."""
    cause, host = error.error, error.conn.host
    if isinstance(cause, NameResolutionError):
        return ZuoraNotSentError(
            f"{where}: the host name cannot be resolved ({host}). Nothing was sent. Check environment and "
            "host of the connection, and the proxy if there is one."
        )
    if isinstance(cause, (TimeoutError, ConnectTimeoutError)) and not isinstance(cause, NewConnectionError):
        return _connect_timed_out(where, seconds)
    if refused := _REFUSED_TUNNEL.fullmatch(str(cause)):
        status = one_line(refused[1], MAX_DETAILS)
        kind = ZuoraNotSentError if status.startswith(_TEMPORARY) else ZuoraConfigError
        return kind(
            f"{where}: the proxy {host} refuses to connect (HTTP {status}). Nothing was sent. Check the "
            "proxy, its user and its password, and which hosts it allows."
        )
    details = without_userinfo(str(cause))
    if wrong := _wrong_setting(error, details):
        return ZuoraConfigError(f"{where}: {wrong}")
    return ZuoraNotSentError(
        f"{where}: connecting failed ({type(cause).__name__}). Check host and port of the connection, "
        f"firewall and proxy. Nothing was sent: {details}"
    )


def _wrong_setting(error: NotConnectedError, details: str) -> str | None:
    """Return what is wrong where another attempt would fail in the same way, and what to do."""
    cause, host = error.error, error.conn.host
    if any(isinstance(part, SSLCertVerificationError) for part in (cause, *cause.args)):
        whose = f"the certificate of the proxy {host}" if error.is_of_proxy else "the server's certificate"
        where = "proxy" if error.is_of_proxy else "host of the connection"
        return (
            f"{whose} cannot be verified ({details}). Nothing was sent. Check the {where}; for a private "
            "certificate authority set REQUESTS_CA_BUNDLE."
        )
    if isinstance(cause, SSLError):  # urllib3's own, for what it cannot even begin with
        return (
            f"the certificate authorities cannot be loaded ({details}). Nothing was sent. Check the file "
            "that REQUESTS_CA_BUNDLE names."
        )
    if isinstance(cause, LocationParseError):  # the connection's own host was checked
        return f"{one_line(host)} is not a host name. Nothing was sent. Check the address of the proxy."
    if _REFUSED_SOCKS.search(str(cause)):
        return (
            f"the SOCKS proxy refuses to connect ({details}). Nothing was sent. Check the proxy, its user "
            "and its password, and which hosts it allows."
        )
    return None

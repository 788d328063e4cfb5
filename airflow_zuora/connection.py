"""Reads the fields of an Airflow connection of type ``zuora``; no I/O, and every mistake named."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from airflow_zuora.exceptions import ZuoraConfigError
from airflow_zuora.get_provider_info import CONN_FIELDS, DEFAULT_TIMEOUT, DEFAULT_ZUORA_VERSION, ENVIRONMENTS
from airflow_zuora.models import entity_uuid
from airflow_zuora.texts import one_line, shorten

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=[^:]{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:[0-9]*)?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]*)?")  # without a zone; urlsplit sees to the rest
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{3}(\.[0-9]{1,2})?")
_PORTS = {"https": 443, "http": 80}


class AirflowConnection(Protocol):
    """The fields of an Airflow connection that are read here."""

    conn_id: str
    host: str | None
    schema: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


@dataclass(frozen=True, slots=True)
class ZuoraConnection:
    """
    An Airflow connection that was checked.

    :param base_url: scheme, host and port of Zuora's REST API, without a slash at the end.
    :param client_id: of the OAuth client.
    :param client_secret: of the OAuth client.
    :param entity_id: default entity as hyphenated UUID, ``None`` where none is set.
    :param timeout: seconds to wait for an answer.
    :param zuora_version: value of the ``Zuora-Version`` header.
    """

    base_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    entity_id: str | None
    timeout: float
    zuora_version: str

    @classmethod
    def read(cls, conn: AirflowConnection) -> ZuoraConnection:
        """
        Check an Airflow connection.

        :raises ZuoraConfigError: naming the connection, the field and what belongs there.
        """
        try:
            extra = _extra(conn.extra)
            entity_id = extra.get("entity_id")
            return cls(
                base_url=_base_url(conn, extra.get("environment")),
                client_id=_credential("Client ID (login)", conn.login),
                client_secret=_credential("Client Secret (password)", conn.password),
                entity_id=None if entity_id is None else entity_uuid(entity_id),
                timeout=check_timeout(extra.get("timeout", DEFAULT_TIMEOUT)),
                zuora_version=_version(extra.get("zuora_version", DEFAULT_ZUORA_VERSION)),
            )
        except ValueError as error:
            raise ZuoraConfigError(f"Airflow connection {conn.conn_id!r}: {error}") from None


def check_timeout(value: Any) -> float:
    """
    Check a time limit: a number of seconds from 1 to 3600, as a number or as text.

    :raises ZuoraConfigError: if it is anything else.
    """
    try:
        seconds = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        seconds = float("nan")
    if not 1 <= seconds <= 3600:
        raise ZuoraConfigError(f"timeout must be a number of seconds from 1 to 3600, not {shorten(value)}")
    return seconds


def _extra(text: str | None) -> dict[str, Any]:
    """Read the extra JSON by known names; the form stores ``null`` for fields left empty."""
    try:
        extra = json.loads(text or "{}")
    except (TypeError, ValueError, RecursionError):
        raise ValueError("extra is not valid JSON") from None
    if not isinstance(extra, Mapping):
        raise ValueError("extra must be a JSON object")
    if unknown := sorted(set(extra) - set(CONN_FIELDS)):
        raise ValueError(f"unknown extra {one_line(', '.join(unknown))}; known are {', '.join(CONN_FIELDS)}")
    return {name: value for name, value in extra.items() if value not in (None, "")}


def _base_url(conn: AirflowConnection, environment: Any) -> str:
    if conn.schema:
        raise ValueError(
            "schema must stay empty; write the scheme before the host, such as https://rest.zuora.com"
        )
    if conn.host:
        if not isinstance(conn.host, str) or not conn.host.isprintable() or " " in conn.host:
            raise ValueError("host has blanks or line breaks in it, or is no text")
        return _checked_url(conn.host if "://" in conn.host else f"https://{conn.host}", conn.port)
    if environment is None:
        raise ValueError("choose an environment, or give a host such as https://rest.zuora.com")
    if not isinstance(environment, str) or environment not in ENVIRONMENTS:
        raise ValueError(
            f"environment {shorten(environment)} is none of {', '.join(ENVIRONMENTS)}; use host for others"
        )
    return _checked_url(f"https://{environment}", conn.port)


def _checked_url(text: str, port: int | None) -> str:
    url, own_port = _split(text)
    if port and not (type(port) is int and 1 <= port <= 65535):  # Airflow's form sends 0 for an empty field
        raise ValueError(f"port must be from 1 to 65535, not {shorten(port)}")
    if url.scheme not in _PORTS:
        raise ValueError("host must begin with https://")
    if url.username is not None or url.password is not None:
        raise ValueError("host must not hold a user or a password; they go into Client ID and Client Secret")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("host must be scheme and host only, without a path, such as https://rest.zuora.com")
    name = url.hostname or ""
    # All that was written, not what urlsplit makes of it: it drops what stands around brackets, and its lower
    # case turns letters that only look like ASCII into ASCII.
    if not _HOST_NAME.fullmatch(url.netloc) and not _IPV6.fullmatch(url.netloc):
        raise ValueError(f"host {shorten(url.netloc)} is not a host name")
    if own_port and port and own_port != port:
        raise ValueError(f"host says port {own_port}, but port says {port}")
    if url.scheme == "http" and not _is_loopback(name):
        raise ValueError(f"plain http to {name} would show the Client Secret to the network; use https")
    port = own_port or port or _PORTS[url.scheme]
    shown = f"[{name}]" if ":" in name else name
    return f"{url.scheme}://{shown}" + ("" if port == _PORTS[url.scheme] else f":{port}")


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ValueError(f"host is not an address: {one_line(str(error))}") from None
    if port == 0:
        raise ValueError("host says port 0, which nothing listens on")
    return url, port


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _credential(what: str, value: str | None) -> str:
    if not value:
        raise ValueError(
            f"{what} is missing; make an OAuth client in Zuora under Settings > Administration > Users"
        )
    if not isinstance(value, str) or value != value.strip() or not value.isprintable():
        raise ValueError(f"{what} has blanks or line breaks around it, or is no text; copy it again")
    return value


def _version(value: Any) -> str:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError(
            f"zuora_version must be a date such as {DEFAULT_ZUORA_VERSION}, not {shorten(value)}"
        )
    return value

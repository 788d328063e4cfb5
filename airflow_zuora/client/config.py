"""The fields of an Airflow connection of type ``zuora``, checked. No I/O."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol
from urllib.parse import SplitResult, urlsplit

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraValueError
from airflow_zuora.get_provider_info import CONN_FIELDS, DEFAULT_TIMEOUT, DEFAULT_ZUORA_VERSION, ENVIRONMENTS
from airflow_zuora.models import entity_uuid
from airflow_zuora.texts import one_line, shorten

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=[^:]{{1,253}}(:|$)){_LABEL}(\.{_LABEL})*(:[0-9]*)?")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\](:[0-9]*)?")  # without a zone; urlsplit sees to the rest
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{3}(\.[0-9]{1,2})?")
_DIGITS = re.compile(r"[0-9]{1,5}")
_PORTS = {"https": 443, "http": 80}


class AirflowConnection(Protocol):
    """The fields of an Airflow connection that are read."""

    conn_id: str
    host: str | None
    schema: str | None
    login: str | None
    password: str | None
    port: int | None
    extra: str | None


class HasSecrets:
    """Refuses to be pickled: its secrets would be written down."""

    __slots__ = ()

    def __reduce__(self) -> NoReturn:
        """Refuse, also :func:`copy.deepcopy`."""
        raise TypeError(
            f"A {type(self).__name__} has secrets and cannot be pickled: pickle or copy the ZuoraHook instead"
        )


@dataclass(frozen=True, slots=True)
class ZuoraConnection(HasSecrets):
    """
    An Airflow connection whose fields were checked.

    :param base_url: Scheme, host and port of Zuora's REST API, without a slash at the end.
    :param client_id: Client ID of the OAuth client.
    :param client_secret: Client Secret of the OAuth client.
    :param entity_id: Default entity as hyphenated UUID; ``None`` without one.
    :param timeout: Seconds that one request may take.
    :param zuora_version: Value of the ``Zuora-Version`` header.
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

        :raises ZuoraConfigError: If a field is wrong; the error names the connection, the field and what
            belongs there.
        """
        try:
            extra = _extra(conn.extra)
            entity_id = extra.get("entity_id")
            return cls(
                base_url=_base_url(conn, extra.get("environment")),
                client_id=_credential("Client ID (login)", conn.login),
                client_secret=_credential("Client Secret (password)", conn.password),
                entity_id=None if entity_id is None else _entity_id(entity_id),
                timeout=check_timeout(extra.get("timeout", DEFAULT_TIMEOUT)),
                zuora_version=_version(extra.get("zuora_version", DEFAULT_ZUORA_VERSION)),
            )
        except ValueError as error:
            raise ZuoraConfigError(f"Airflow connection {conn.conn_id!r}: {error}") from None


def check_timeout(value: Any) -> float:
    """
    Check a time limit: 1 to 3600 seconds, as a number or as text.

    :raises ZuoraValueError: If it is anything else.
    """
    try:
        seconds = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        seconds = float("nan")
    if not 1 <= seconds <= 3600:
        raise ZuoraValueError(f"timeout must be a number of seconds from 1 to 3600, not {shorten(value)}")
    return seconds


def unknown_connection(conn_id: str) -> ZuoraConfigError:
    """
    Return the error for a connection that Airflow does not find.

    Airflow gives no other answer where the definition cannot be read, or a secrets backend fails.
    """
    return ZuoraConfigError(
        f"Airflow connection {shorten(conn_id)} is not defined, or Airflow could not read its definition. "
        "Check its id, and that each value in a file or in JSON is a string, in quotes. If a secrets backend "
        "was down for a moment, clear the task."
    )


def _extra(text: str | None) -> dict[str, Any]:
    """Read the extra JSON by known names; the form stores ``null`` for fields left empty."""
    try:
        extra = json.loads(text or "{}")
    except (TypeError, ValueError, RecursionError):
        raise ValueError(
            'extra is not valid JSON: give an object such as {"environment": "rest.zuora.com"}'
        ) from None
    if not isinstance(extra, Mapping):
        raise ValueError('extra must be a JSON object, such as {"environment": "rest.zuora.com"}')
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
            raise ValueError("host is not a string, or contains blanks or line breaks")
        return _checked_url(conn.host if "://" in conn.host else f"https://{conn.host}", conn.port)
    if environment is None:
        raise ValueError("choose an environment, or give a host such as https://rest.zuora.com")
    if not isinstance(environment, str) or environment not in ENVIRONMENTS:
        raise ValueError(
            f"environment {shorten(environment)} is not one of {', '.join(ENVIRONMENTS)}; use host for others"
        )
    return _checked_url(f"https://{environment}", conn.port)


def _checked_url(text: str, port_field: Any) -> str:
    url, port_in_host = _split(text)
    port = _port(port_field)
    if url.scheme not in _PORTS:
        raise ValueError("host must begin with https://")
    if url.username is not None or url.password is not None:
        raise ValueError("host must not hold a user or a password; they go into Client ID and Client Secret")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("host must be scheme and host only, without a path, such as https://rest.zuora.com")
    name = url.hostname or ""
    # The text as written, not urlsplit's reading of it: that drops what stands around brackets, and its lower
    # case turns letters that only look like ASCII into ASCII.
    if not _HOST_NAME.fullmatch(url.netloc) and not _IPV6.fullmatch(url.netloc):
        raise ValueError(f"host {shorten(url.netloc)} is not a host name")
    if port_in_host and port and port_in_host != port:
        raise ValueError(f"host contains port {port_in_host}, but the field port is {port}")
    if url.scheme == "http" and not _is_loopback(name):
        raise ValueError(f"plain http to {name} would send the Client Secret unencrypted; use https")
    port = port_in_host or port or _PORTS[url.scheme]
    shown = f"[{name}]" if ":" in name else name
    return f"{url.scheme}://{shown}" + ("" if port == _PORTS[url.scheme] else f":{port}")


def _port(value: Any) -> int | None:
    """Read the field Port: a file may give 443 as text or as 443.0, and Airflow's form sends 0 for none."""
    if (isinstance(value, str) and _DIGITS.fullmatch(value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        value = int(value)
    if not value:
        return None
    if type(value) is not int or not 1 <= value <= 65535:
        raise ValueError(f"port must be from 1 to 65535, not {shorten(value)}")
    return value


def _split(text: str) -> tuple[SplitResult, int | None]:
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise ValueError(f"host is not a valid address: {one_line(str(error))}") from None
    if port == 0:
        raise ValueError("host contains port 0, which is not a valid port")
    return url, port


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _credential(what: str, value: str | None) -> str:
    if not value:
        raise ValueError(
            f"{what} is missing; create an OAuth client in Zuora under Settings > Administration > Manage "
            "Users"
        )
    if not isinstance(value, str) or value != value.strip() or not value.isprintable():
        raise ValueError(f"{what} is not a string, or has blanks or line breaks around it; copy it again")
    return value


def _entity_id(value: Any) -> str:
    """
    Read an entity id. In a URI, Airflow reads one of digits as a number, whose text may be lost.

    :raises ValueError: If it is lost, or no id.
    """
    if type(value) is int and len(str(value)) == 32:
        value = str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(
            f"entity_id was read as the number {shorten(value)}: give the connection as JSON with the id in "
            "quotes, or write the id with hyphens"
        )
    return entity_uuid(value)


def _version(value: Any) -> str:
    """
    Read the ``Zuora-Version``. In a URI, JSON or YAML it may be a number, such as 341 or 341.0.

    :raises ValueError: If it is wrong, or a number that may have lost digits, as 341.10 does.
    """
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(
            f"zuora_version was read as the number {shorten(value)}, which may have lost digits: give the "
            "connection as JSON with the version in quotes"
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise ValueError(
            f"zuora_version must be a date such as {DEFAULT_ZUORA_VERSION}, or a number such as 341.0, not "
            f"{shorten(value)}"
        )
    return value

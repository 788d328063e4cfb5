"""What is sent to Zuora: path, query, headers and body, checked before anything leaves. No I/O."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import unquote, urlencode

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.models import check_track_id
from airflow_zuora.texts import shorten

_METHOD = re.compile(r"[A-Z]+")
_PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")  # RFC 3986, no empty segments
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"(?! )[ -~]*(?<! )")
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
# With these a caller could send the token elsewhere, act for another entity, or end the message early.
_PROTOCOL_HEADERS = frozenset(
    {"authorization", "cookie", "host", "proxy-authorization", "zuora-entity-ids"}
    | {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """
    A request to Zuora's API that was checked.

    :param method: HTTP method in capitals.
    :param path: Quoted path from the root.
    :param query: Query with its question mark; empty without parameters.
    :param headers: All headers of this request but for those of token and entity.
    :param body: Encoded body; ``None`` without one.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None

    @classmethod
    def build(
        cls,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        track_id: str | None = None,
        idempotency_key: str | None = None,
        compress: bool = False,
    ) -> Self:
        """
        Check the arguments of a call and encode them; see :meth:`~ZuoraClient.request`.

        :raises ZuoraValueError: If one of them cannot be sent; the error names it.
        """
        method = check_method(method)
        if idempotency_key is None and method == "POST":
            idempotency_key = str(uuid.uuid4())
        body, content_headers = encode_body(json, compress=compress)
        return cls(
            method,
            check_path(path),
            encode_query(params),
            {**check_headers(headers), **content_headers, **identify(method, track_id, idempotency_key)},
            body,
        )

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice has no more effect than sending it once."""
        return self.method == "GET"


def check_method(method: Any) -> str:
    """
    Check an HTTP method, and return it in capitals.

    :raises ZuoraValueError: If it is not a word, or gets no answer that tells whether it succeeded.
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method.upper()):
        raise ZuoraValueError(f"method must be a word such as GET, not {shorten(method)}")
    if method.upper() == "HEAD":
        raise ZuoraValueError("method HEAD gets no JSON from Zuora; use GET")
    return method.upper()


def identify(method: str, track_id: str | None, idempotency_key: str | None = None) -> dict[str, str]:
    """
    Check the method of a call, and build the headers that identify the call.

    :param method: HTTP method.
    :param track_id: ``Zuora-Track-Id``, if any.
    :param idempotency_key: ``Idempotency-Key``, if any.
    :raises ZuoraValueError: If one of them is not allowed.
    """
    method, headers = check_method(method), {}
    if track_id is not None:
        headers["Zuora-Track-Id"] = check_track_id(track_id)
    if idempotency_key is not None:
        if method != "POST":
            raise ZuoraValueError(f"idempotency_key is for POST only; Zuora refuses it on {method}")
        if not isinstance(idempotency_key, str) or not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise ZuoraValueError(
                "idempotency_key must be 1 to 255 printable ASCII characters without blanks"
            )
        headers["Idempotency-Key"] = idempotency_key
    return headers


def encode_body(value: Any, *, compress: bool) -> tuple[bytes | None, dict[str, str]]:
    """
    Encode a JSON body, and build the headers that describe it.

    :param value: The JSON value; ``None`` for no body.
    :param compress: Whether to compress it with gzip.
    :raises ZuoraValueError: If it cannot be written as JSON.
    """
    if value is None:
        return None, {}
    try:
        body = json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ZuoraValueError(f"json cannot be sent: {error}") from error
    headers = {"Content-Type": "application/json"}
    if compress:
        return gzip.compress(body, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return body, headers


def check_path(path: Any) -> str:
    """
    Check a path before it is joined to the host.

    :raises ZuoraValueError: Unless it begins with a slash, is quoted, has no query, and no segment that leads
        elsewhere, such as ``..`` in any encoding.
    """
    plain = unquote(path) if isinstance(path, str) and _PATH.fullmatch(path) else ".."
    # Servers differ in what ends a segment, and some drop what follows a semicolon.
    if not plain.isprintable() or {".", ".."} & set(re.split(r"[/\\;]", plain)):
        raise ZuoraValueError(
            "path must begin with a slash, such as /v1/catalog/products; quote each id in it, and give the "
            f"query as params. It is {shorten(path)}"
        )
    return str(path)


def encode_query(params: Any) -> str:
    """
    Encode a query, with its question mark; empty without parameters.

    :param params: Names to values or lists of values; a name whose value is ``None`` is left out.
    :raises ZuoraValueError: If they cannot be encoded.
    """
    if not isinstance(params, (Mapping, type(None))):
        raise ZuoraValueError(f"params must be a dict, not {shorten(params)}")
    given = {name: value for name, value in (params or {}).items() if value is not None}
    try:
        query = urlencode(given, doseq=True)
    except (ValueError, RecursionError) as error:  # half of a surrogate pair, lists nested too deep
        raise ZuoraValueError(f"params cannot be sent: {error}") from error
    return f"?{query}" if query else ""


def check_headers(headers: Any) -> dict[str, str]:
    """
    Check headers that a caller adds to a request.

    :raises ZuoraValueError: If one cannot be sent as it is, or is set by the client itself.
    """
    if not isinstance(headers, (Mapping, type(None))):
        raise ZuoraValueError(f"headers must be a dict, not {shorten(headers)}")
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ZuoraValueError(f"headers must not contain {shorten(name)}, which is not a header name")
        if name.lower() in _PROTOCOL_HEADERS:
            raise ZuoraValueError(f"headers must not contain {name}: the client sets it itself")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ZuoraValueError(
                f"headers must be printable ASCII without blanks at the ends; {shorten(name)} is not"
            )
    return dict(headers or {})

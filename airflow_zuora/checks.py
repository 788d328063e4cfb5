"""Path, query and headers that a caller gives, checked before anything is sent. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlencode

from airflow_zuora.exceptions import ZuoraConfigError
from airflow_zuora.texts import shorten

_PATH = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")  # RFC 3986, no empty segments
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"(?! )[ -~]*(?<! )")
# A caller's own value would send the token elsewhere, speak for another entity, or end a message early.
_WHO_AND_WHOM = {"authorization", "cookie", "host", "proxy-authorization", "zuora-entity-ids"}
_WHERE_IT_ENDS = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade"}


def check_path(path: Any) -> str:
    """
    Check a path before it is joined to the host.

    :raises ZuoraConfigError: unless it begins with a slash, is quoted, has no query, and no segment that
        leads elsewhere, such as ``..`` in any writing.
    """
    plain = unquote(path) if isinstance(path, str) and _PATH.fullmatch(path) else ".."
    # Servers differ in what ends a segment, and some take what follows a semicolon out of it.
    if not plain.isprintable() or {".", ".."} & set(re.split(r"[/\\;]", plain)):
        raise ZuoraConfigError(
            "path must begin with a slash, such as /v1/catalog/products; put each id through path_id, and "
            f"give the query as params. It is {shorten(path)}"
        )
    return str(path)


def encode_query(params: Any) -> str:
    """
    Write a query, with its question mark; empty without parameters.

    :param params: names to values or lists of values; a name whose value is ``None`` is left out.
    :raises ZuoraConfigError: if they cannot be written.
    """
    if not isinstance(params, (Mapping, type(None))):
        raise ZuoraConfigError(f"params must be a dict, not {shorten(params)}")
    given = {name: value for name, value in (params or {}).items() if value is not None}
    try:
        query = urlencode(given, doseq=True)
    except (ValueError, RecursionError) as error:  # half of a surrogate pair, lists too deep in each other
        raise ZuoraConfigError(f"params cannot be sent: {error}") from error
    return f"?{query}" if query else ""


def check_headers(headers: Any) -> dict[str, str]:
    """
    Check headers that a caller adds to a request.

    :raises ZuoraConfigError: if one could not be sent as it is, or is the hook's own.
    """
    if not isinstance(headers, (Mapping, type(None))):
        raise ZuoraConfigError(f"headers must be a dict, not {shorten(headers)}")
    for name, value in (headers or {}).items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
            raise ZuoraConfigError(f"headers must not hold {shorten(name)}, which is no name of a header")
        if name.lower() in _WHO_AND_WHOM | _WHERE_IT_ENDS:
            raise ZuoraConfigError(f"headers must not hold {name}: the hook sets it itself")
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ZuoraConfigError(
                f"headers must be printable ASCII without blanks at the ends; {shorten(name)} is not"
            )
    return dict(headers or {})

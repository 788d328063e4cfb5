"""
What goes to Zuora, and when it goes again: headers, ids, bodies, the retry rule, paging. No I/O.

What comes back is read in :mod:`airflow_zuora.responses`.
"""

from __future__ import annotations

import gzip
import json
import re
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraConfigError,
    ZuoraNotSentError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraTransportError,
)
from airflow_zuora.models import ZUORA_ID, entity_uuid
from airflow_zuora.texts import one_line, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_SIZE = 300  # Zuora's maximum
_IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,255}")
_TRACK_ID = re.compile(r"""(?! )[!#-&(-9<-~ ]{1,64}(?<! )""")  # printable ASCII but for : ; " '
_MAX_URL = 2000
_MAX_SCOPE = 20_000  # characters; 512 entities, Zuora's maximum, need 19,454


class Verdict(Enum):
    """What to do after an error."""

    AGAIN = auto()
    NEW_TOKEN = auto()
    OUTCOME_UNKNOWN = auto()
    RAISE = auto()


def judge(error: BaseException, *, repeatable: bool) -> Verdict:
    """
    The retry rule.

    :param error: what came of a request.
    :param repeatable: whether sending it twice is harmless, as it is for GET and for a token.
    """
    if isinstance(error, (ZuoraNotSentError, ZuoraBusyError)):
        return Verdict.AGAIN
    if isinstance(error, ZuoraAuthError):
        return Verdict.NEW_TOKEN
    if isinstance(error, (ZuoraTransportError, ZuoraServerError, ZuoraResponseError)):
        return Verdict.AGAIN if repeatable else Verdict.OUTCOME_UNKNOWN
    return Verdict.RAISE


def path_id(value: Any, what: str) -> str:
    """
    Check an id before it goes into a path.

    :param value: the id.
    :param what: its name in the error.
    :raises ZuoraConfigError: (a ValueError) unless it is 1 to 64 ASCII letters, digits, ``-`` and ``_``.
    """
    if not isinstance(value, str) or not ZUORA_ID.fullmatch(value):
        raise ZuoraConfigError(
            f"{what} must be an id of Zuora such as 2c92c0f9 followed by more letters and digits, "
            f"not {shorten(value)}"
        )
    return value


def check_track_id(track_id: Any) -> str:
    """
    Check a value for the ``Zuora-Track-Id`` header.

    :raises ZuoraConfigError: unless it is 1 to 64 printable ASCII characters, none of them ``: ; " '``, and
        no blank at either end, which HTTP does not keep.
    """
    if not isinstance(track_id, str) or not _TRACK_ID.fullmatch(track_id):
        raise ZuoraConfigError(
            "track_id must be 1 to 64 printable ASCII characters without colon, semicolon, quotes and blanks "
            f"at the ends, not {shorten(track_id)}"
        )
    return track_id


def request_headers(method: str, track_id: str | None, idempotency_key: str | None) -> dict[str, str]:
    """
    Build the headers that identify a call.

    :param method: HTTP method in capitals.
    :param track_id: ``Zuora-Track-Id``, if any.
    :param idempotency_key: ``Idempotency-Key``, if any.
    :raises ZuoraConfigError: if one of them is not allowed.
    """
    headers = {}
    if track_id is not None:
        headers["Zuora-Track-Id"] = check_track_id(track_id)
    if idempotency_key is not None:
        if method != "POST":
            raise ZuoraConfigError(f"idempotency_key is for POST only; Zuora refuses it on {method}")
        if not isinstance(idempotency_key, str) or not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise ZuoraConfigError(
                "idempotency_key must be 1 to 255 printable ASCII characters without blanks"
            )
        headers["Idempotency-Key"] = idempotency_key
    return headers


def encode_body(value: Any, *, compress: bool) -> tuple[bytes | None, dict[str, str]]:
    """
    Write a JSON body and the headers that describe it.

    :param value: the JSON value, ``None`` for no body.
    :param compress: whether to gzip it.
    :raises ZuoraConfigError: if it is no JSON.
    """
    if value is None:
        return None, {}
    try:
        body = json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ZuoraConfigError(f"json cannot be sent: {error}") from error
    headers = {"Content-Type": "application/json"}
    if compress:
        return gzip.compress(body, mtime=0), {**headers, "Content-Encoding": "gzip"}
    return body, headers


def check_entity(entity_id: str | None, scope: tuple[str, ...]) -> str | None:
    """
    Find the entity that a call is for, before it is made.

    :param entity_id: the entity that was asked for, if any.
    :param scope: entities that the token may use, as hyphenated UUIDs; empty without Multi-entity.
    :return: the hyphenated UUID for ``Zuora-Entity-Ids``, or ``None`` where Zuora needs none.
    :raises ZuoraConfigError: if it is not in the scope, or none is given and the scope names several.
    """
    known = one_line(", ".join(scope), _MAX_SCOPE)
    if entity_id is None:
        if len(scope) > 1:
            raise ZuoraConfigError(
                f"The OAuth client may use several entities; give entity_id as one of {known}"
            )
        return scope[0] if scope else None
    entity_id = entity_uuid(entity_id)
    if scope and entity_id not in scope:
        raise ZuoraConfigError(
            f"The OAuth client may not use entity_id {entity_id}; its entities are {known}. "
            "Tick the entity at the OAuth client in Zuora, or give another one."
        )
    return entity_id


def next_page(payload: Mapping[str, Any]) -> dict[str, str] | None:
    """
    Read the query of the next page.

    Only the query of ``nextPage`` is used: its host is not always Zuora's own, and the token must not
    travel.

    :return: the query parameters, or ``None`` after the last page.
    """
    url = payload.get("nextPage")
    if not url:
        return None
    query: dict[str, str] = {}
    if isinstance(url, str) and url.isascii() and len(url) <= _MAX_URL:
        with suppress(ValueError):
            query = dict(parse_qsl(urlsplit(url).query))
    if not query:
        raise ZuoraResponseError(f"Zuora names a next page without page number: {shorten(url)}")
    return query

"""
What came back from Zuora: a value, an error, or the next page of a list. No I/O.

Every answer passes through :func:`parse_response`, whatever its status, shape or content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from airflow_zuora.client.waits import asked_wait, in_words
from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraNotFoundError,
    ZuoraPermissionError,
    ZuoraRateLimitError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraRuleError,
    ZuoraServerError,
)
from airflow_zuora.texts import one_line, shorten

Reasons = tuple[tuple[str | None, str], ...]
MAX_MESSAGE = 500
MAX_REASONS = 10  # shown in the error; all of them are considered
_MAX_URL = 2000

# Category = last two digits of an 8-digit code. https://developer.zuora.com/docs/guides/error-codes/
_BY_CATEGORY: dict[int, type[ZuoraApiError]] = {
    10: ZuoraPermissionError,
    11: ZuoraAuthError,
    **dict.fromkeys((20, 21, 22, 23, 27, 45, 90), ZuoraRequestError),
    30: ZuoraRuleError,
    40: ZuoraNotFoundError,
    50: ZuoraBusyError,
    **dict.fromkeys((60, 61, 99), ZuoraServerError),
    70: ZuoraRateLimitError,
}
# Some answers still carry the words of the older action API in place of a number.
_WORD_CATEGORY = {
    "LOCK_COMPETITION": 50,
    "TEMPORARY_ERROR": 61,
    "temporarily_unavailable": 61,  # this and the next are OAuth's
    "server_error": 60,
    "REQUEST_EXCEEDED_LIMIT": 70,
    "REQUEST_EXCEEDED_RATE": 70,
}
_BY_STATUS: dict[int, type[ZuoraApiError]] = {
    401: ZuoraAuthError,
    403: ZuoraPermissionError,
    404: ZuoraNotFoundError,
    409: ZuoraBusyError,
    429: ZuoraRateLimitError,
    408: ZuoraServerError,
}
# Of several reasons the least retryable decides: an error that is not in this list is final.
_MILD = (ZuoraRateLimitError, ZuoraBusyError, ZuoraAuthError, ZuoraServerError)
_NO_USER_INFO = "failed to get user info"  # documented: the request may be sent again unchanged
BAD_ENTITY = "90000020"

_HINTS: dict[type[ZuoraApiError], str] = {
    ZuoraAuthError: "Check that the OAuth client still exists, that its owner is active, and that the "
    "connection points to the tenant's data centre.",
    ZuoraPermissionError: "The owner of the OAuth client must be an administrator of this entity and hold "
    "the permission 'API Write Access'.",
    ZuoraNotFoundError: "Check the id, the entity, and that the connection points to the right environment.",
    ZuoraRuleError: "A business rule of Zuora forbids this: read the state, and change that first.",
    ZuoraRequestError: "Check the arguments of the call, and the ids in them.",
    ZuoraServerError: "If this persists, see https://trust.zuora.com or give Zuora's support the request id.",
    ZuoraBusyError: (_NOTHING_DONE := "Zuora did nothing with this request; it can be sent again."),
    ZuoraRateLimitError: _NOTHING_DONE,
}


def parse_response(
    where: str, status: int, headers: Mapping[str, str], body: bytes, *, is_token: bool = False
) -> dict[str, Any]:
    """
    Return the JSON object of a response, or raise the error that it reports.

    An error is the same error whether it comes with its own HTTP status or with HTTP 200 and
    ``"success": false``, which Zuora sends below ``Zuora-Version`` 2024-05-20.

    :param where: Method, address and entity, for the error.
    :param status: HTTP status.
    :param headers: Response headers; names in any case.
    :param body: The body after content decoding.
    :param is_token: Whether a token was asked for; in any other answer it is out of place.
    :return: The JSON object, empty for HTTP 204; ``requestId`` is Zuora's ``Zuora-Request-Id``, where the
        body has none.
    :raises ZuoraApiError: The subclass that fits Zuora's code or the status.
    :raises ZuoraResponseError: If HTTP 2xx carries no JSON object, one whose ``success`` is no boolean, or
        one that answers another request.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = {} if status == 204 and not body else None
    if status < 300:
        if not isinstance(payload, dict) or status < 200:
            kind = _text(headers.get("Content-Type")) or "no content type"
            unexpected = f"{len(body)} bytes of {kind} instead of a JSON object"
            raise _not_zuoras(where, status, headers, payload, unexpected)
        if "access_token" in payload and not is_token:
            raise misdirected(where)
        is_success = _is_success(payload, is_token)
        if is_success is None:
            unexpected = "a JSON object whose success is neither true nor false"
            raise _not_zuoras(where, status, headers, payload, unexpected)
        if is_success:
            return {**payload, "requestId": _request_id(headers, payload)}
    raise _error(where, status, headers, payload if isinstance(payload, dict) else {})


def misdirected(where: str) -> ZuoraResponseError:
    """
    Return the error for a response that belongs to a different request.

    :param where: Method, address and entity of the request.
    """
    return ZuoraResponseError(
        f"{where} returned the response to a different request. Check for a proxy between this machine and "
        "Zuora."
    )


def _not_zuoras(
    where: str, status: int, headers: Mapping[str, str], payload: Any, unexpected: str
) -> ZuoraResponseError:
    """Return the error for a response that Zuora does not send."""
    request_id = _request_id(headers, payload)
    retry_after = asked_wait(headers, rate_limited=False)
    return ZuoraResponseError(
        f"{where} answered HTTP {status} with {unexpected} (request id {request_id}). Check the host of the "
        f"connection, and any proxy in between.{in_words(retry_after)}",
        retry_after=retry_after,
        request_id=request_id,
    )


def _request_id(headers: Mapping[str, str], payload: Any) -> str | None:
    in_body = _text(payload.get("requestId")) if isinstance(payload, dict) else ""
    return in_body or _text(headers.get("Zuora-Request-Id")) or None


def _is_success(payload: dict[str, Any], is_token: bool) -> bool | None:
    """
    Tell success from a refusal; ``None`` if ``success`` is neither true nor false.

    Reads often leave ``success`` out, and so do some errors, which then have reasons.
    """
    flags = [payload[name] for name in ("success", "Success") if name in payload]
    if is_token and not payload.get("access_token") and _reasons(payload):
        return False
    if flags and all(flag is True for flag in flags):
        return True
    if any(flag is False for flag in flags) or any(code for code, _ in _reasons(payload)):
        return False
    return None if flags else True


def _error(where: str, status: int, headers: Mapping[str, str], payload: dict[str, Any]) -> ZuoraApiError:
    reasons = _reasons(payload)
    code, kind = _classify(status, reasons)
    retry_after = asked_wait(headers, rate_limited=kind is ZuoraRateLimitError)
    reasons = reasons[:MAX_REASONS]
    request_id = _request_id(headers, payload)
    shown = (" ".join(filter(None, (f"[{code or 'no code'}]", message))) for code, message in reasons)
    reported = "; ".join(shown) or "no reason given"
    parts = [f"{where} answered HTTP {status}: {reported} (request id {request_id})."]
    if 300 <= status < 400:
        parts.append(
            f"It redirects to {_host(headers.get('Location'))}. Redirects are not followed: check the host "
            "of the connection."
        )
    elif code == BAD_ENTITY:
        parts.append("Zuora refuses the entity: check entity_id and the entities of the OAuth client.")
    else:
        parts.append(_HINTS[kind])
    return kind(
        " ".join(parts) + in_words(retry_after),
        http_status=status,
        code=code,
        reasons=reasons,
        retry_after=retry_after,
        request_id=request_id,
    )


def _classify(status: int, reasons: Reasons) -> tuple[str | None, type[ZuoraApiError]]:
    """Return the decisive code and its error class; the status decides where the codes are unknown."""
    if status == 401 and any(_NO_USER_INFO in message.lower() for _, message in reasons):
        return None, ZuoraBusyError
    # 501 and 505 mean that nothing was done; any other 5xx, such as a proxy's, leaves it open.
    is_server_error = 500 <= status < 600 and status not in (501, 505)
    by_status = _BY_STATUS.get(status, ZuoraServerError if is_server_error else ZuoraRequestError)
    kinds = [(code, _BY_CATEGORY.get(_category(code), by_status)) for code, _ in reasons if code]
    return max(
        kinds,
        key=lambda item: _MILD.index(item[1]) if item[1] in _MILD else len(_MILD),
        default=(None, by_status),
    )


def _category(code: str | None) -> int:
    if code is not None and code.isascii() and code.isdigit():
        return int(code[-2:])
    return _WORD_CATEGORY.get(code or "", -1)


def _reasons(payload: Mapping[str, Any]) -> Reasons:
    """Collect codes and messages from each of the shapes that Zuora's products use for errors."""
    for shape in (*(payload.get(name) for name in ("reasons", "errors", "Errors", "error")), payload):
        rows = shape if isinstance(shape, list) else [shape]
        found = tuple(reason for row in rows if isinstance(row, Mapping) and any(reason := _reason(row)))
        if found:
            return found
    return ()


def _reason(row: Mapping[str, Any]) -> tuple[str | None, str]:
    code = _first(row, "code", "Code", "FaultCode", "faultcode")
    message = _first(row, "message", "Message", "FaultMessage", "faultstring", "title", "errorMessage")
    description = _text(row.get("error_description"))
    # OAuth's own form; with a message only, error is a name of the status.
    if description or (code is None and message is None):
        code = row.get("error") or code
    return _text(code) or None, ": ".join(dict.fromkeys(filter(None, (_text(message), description))))


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any) -> str:
    return one_line(str(value), MAX_MESSAGE) if isinstance(value, (str, int)) else ""


def _host(url: str | None) -> str:
    with suppress(ValueError):
        return _text(urlsplit(url or "").hostname) or "the same host"
    return "an invalid address"


def rows_of(payload: Mapping[str, Any], name: str) -> list[Any]:
    """
    Return a list that an answer contains.

    :raises ZuoraResponseError: If there is no such list.
    """
    rows = payload.get(name)
    if not isinstance(rows, list):
        raise ZuoraResponseError(
            f"Zuora's answer contains no {name} (request id {payload['requestId']}). Check the host of the "
            "connection; if it is right, give Zuora's support the request id."
        )
    return rows


def next_page(payload: Mapping[str, Any]) -> dict[str, str] | None:
    """
    Read the query of the next page.

    Only the query of ``nextPage`` is used: its host is not always Zuora's own, and must not get the token.

    :return: The query parameters; ``None`` after the last page.
    :raises ZuoraResponseError: If ``nextPage`` has no query.
    """
    url = payload.get("nextPage")
    if not url:
        return None
    query: dict[str, str] = {}
    if isinstance(url, str) and url.isascii() and len(url) <= _MAX_URL:
        with suppress(ValueError):
            query = dict(parse_qsl(urlsplit(url).query))
    if not query:
        raise ZuoraResponseError(
            f"Zuora's nextPage has no page number: {shorten(url)}. Report this to Zuora's support."
        )
    return query

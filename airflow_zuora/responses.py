"""
What a response of Zuora says: a value, or which error. No I/O.

Every answer passes :func:`parse_response`, whatever its status, shape or content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

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
from airflow_zuora.retry_after import asked_wait
from airflow_zuora.texts import one_line

Reasons = tuple[tuple[str | None, str], ...]
MAX_MESSAGE = 500
MAX_REASONS = 10  # that are shown; all of them are weighed

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
# Some answers still carry the words of the older action API instead of a number.
_WORD_CATEGORY = {
    "LOCK_COMPETITION": 50,
    "TEMPORARY_ERROR": 61,
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
# With several reasons the one that helps least decides: what is not named here is final.
_MILD = (ZuoraRateLimitError, ZuoraBusyError, ZuoraAuthError, ZuoraServerError)
_NO_USER_INFO = "failed to get user info"  # documented: the request may be sent again as it is
_BAD_ENTITY = "90000020"

_HINTS: dict[type[ZuoraApiError], str] = {
    ZuoraAuthError: "A new token is refused as well: check that the OAuth client still exists, that its "
    "owner is active, and that the connection points to the tenant's data centre.",
    ZuoraPermissionError: "The owner of the OAuth client must be an administrator of this entity and hold "
    "the permission 'API Write Access'.",
    ZuoraNotFoundError: "Check the id, the entity, and that the connection points to the right environment.",
    ZuoraServerError: "If it goes on, see https://trust.zuora.com or give Zuora's support the request id.",
}


def parse_response(where: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """
    Turn a response into its JSON object, or raise what went wrong.

    An error is the same error whether it comes with its own HTTP status or with HTTP 200 and
    ``"success": false``, which Zuora sends below ``Zuora-Version`` 2024-05-20.

    :param where: method, address and entity, for the error's text.
    :param status: HTTP status.
    :param headers: response headers, looked up without regard to case.
    :param body: the body after content decoding.
    :return: the JSON object; ``requestId`` is Zuora's ``Zuora-Request-Id``, where the body has none.
    :raises ZuoraApiError: the subclass that fits Zuora's code or the status.
    :raises ZuoraResponseError: if HTTP 2xx carries no JSON object, or the answer is only an interim one.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    request_id = _request_id(headers, payload)
    if status < 300:
        if not isinstance(payload, dict) or status < 200:
            kind = _text(headers.get("Content-Type")) or "no content type"
            raise ZuoraResponseError(
                f"{where} answered HTTP {status} with {len(body)} bytes of {kind} that are no JSON object "
                f"(request id {request_id}). Check the host of the connection; a proxy may stand in between.",
                retry_after=asked_wait(headers, rate_limited=False),
                request_id=request_id,
            )
        if _says_success(payload):
            return {**payload, "requestId": request_id}
    raise _error(where, status, headers, payload if isinstance(payload, dict) else {})


def _request_id(headers: Mapping[str, str], payload: Any) -> str | None:
    said = _text(payload.get("requestId")) if isinstance(payload, dict) else ""
    return said or _text(headers.get("Zuora-Request-Id")) or None


def _says_success(payload: dict[str, Any]) -> bool:
    """Reads often leave ``success`` out, and so do some errors, which then bring reasons along."""
    said = [payload[name] is True for name in ("success", "Success") if name in payload]
    return all(said) if said else not any(code for code, _ in _reasons(payload))


def _error(where: str, status: int, headers: Mapping[str, str], payload: dict[str, Any]) -> ZuoraApiError:
    reasons = _reasons(payload)
    code, kind = _classify(status, reasons)
    retry_after = asked_wait(headers, rate_limited=kind is ZuoraRateLimitError)
    reasons = reasons[:MAX_REASONS]
    request_id = _request_id(headers, payload)
    said = "; ".join(f"[{code or 'no code'}] {message}" for code, message in reasons) or "no reason given"
    parts = [f"{where} answered HTTP {status}: {said} (request id {request_id})."]
    if 300 <= status < 400:
        parts.append(
            f"It points to {_host(headers.get('Location'))}; redirects are not followed, check the host."
        )
    elif code == _BAD_ENTITY:
        parts.append(
            "Zuora does not accept the entity: check entity_id and the entities of the OAuth client."
        )
    elif kind in _HINTS:
        parts.append(_HINTS[kind])
    if retry_after:
        parts.append(f"Zuora asks to wait {retry_after:.0f} seconds.")
    return kind(
        " ".join(parts),
        http_status=status,
        code=code,
        reasons=reasons,
        retry_after=retry_after,
        request_id=request_id,
    )


def _classify(status: int, reasons: Reasons) -> tuple[str | None, type[ZuoraApiError]]:
    """Find the reason that decides and the error it stands for; the status speaks for unknown codes."""
    if status == 401 and any(_NO_USER_INFO in message.lower() for _, message in reasons):
        return None, ZuoraBusyError
    # 501 and 505 say that nothing was tried; of any other 5xx, such as those of a proxy, nobody knows.
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
    """Collect code and message from each of the shapes that Zuora's products use for an error."""
    listed: Any = [payload]
    for name in ("reasons", "errors", "Errors", "error"):
        if isinstance(payload.get(name), (list, dict)):
            listed = payload[name]
            break
    rows = listed if isinstance(listed, list) else [listed]
    found = (
        (
            _text(_first(row, "code", "Code", "FaultCode", "faultcode")) or None,
            _text(_first(row, "message", "Message", "FaultMessage", "faultstring", "title", "errorMessage")),
        )
        for row in rows
        if isinstance(row, Mapping)
    )
    return tuple((code, message) for code, message in found if code or message)


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _text(value: Any) -> str:
    return one_line(str(value), MAX_MESSAGE) if isinstance(value, (str, int)) else ""


def _host(url: str | None) -> str:
    try:
        return _text(urlsplit(url or "").hostname) or "the same host"
    except ValueError:
        return "an address that is none"

"""Zuora's errors: 8-digit codes, categories, and the HTTP status that the API version gives them."""

from __future__ import annotations

import re
import secrets
from enum import IntEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_zuora.simulator.settings import Settings

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIRST_VERSION_WITH_STATUS = "2024-05-20"
"""Below this ``Zuora-Version`` every error with a category came with HTTP 200."""

_RESOURCE = 500000
"""The resource part of the code. Zuora documents this one for calls without payload, and no other here."""


class Category(IntEnum):
    """
    The last two digits of an error code.

    Source: https://developer.zuora.com/docs/guides/error-codes/
    """

    PERMISSION = 10
    AUTHENTICATION = 11
    INVALID_VALUE = 20
    MISSING_FIELD = 22
    RULE = 30
    NOT_FOUND = 40
    UNSUPPORTED = 45
    LOCK = 50
    INTERNAL = 60
    TEMPORARY = 61
    LIMIT = 70
    MALFORMED = 90
    INTEGRATION = 99

    @property
    def http_status(self) -> int:
        """The status of this category since 2024-05-20."""
        return int(_HTTP_STATUS.get(self, HTTPStatus.BAD_REQUEST))


_HTTP_STATUS: dict[Category, int] = {
    Category.PERMISSION: HTTPStatus.FORBIDDEN,
    Category.AUTHENTICATION: HTTPStatus.UNAUTHORIZED,
    Category.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Category.UNSUPPORTED: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Category.LOCK: HTTPStatus.CONFLICT,
    Category.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
    Category.TEMPORARY: HTTPStatus.INTERNAL_SERVER_ERROR,
    Category.LIMIT: HTTPStatus.TOO_MANY_REQUESTS,
    Category.INTEGRATION: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class ZuoraError(Exception):
    """
    A request that Zuora refuses.

    :param category: what kind of error it is.
    :param message: Zuora's text.
    :param code: Zuora's code; made from the category if not given.
    :param status: the HTTP status where it does not depend on ``Zuora-Version``.
    :param category_status: the HTTP status to use in place of the category's usual one.
    """

    def __init__(
        self,
        category: Category,
        message: str,
        *,
        code: int | str | None = None,
        status: int | None = None,
        category_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.category = category
        self.message = message
        self.code = code or int(f"{_RESOURCE}{category:02d}")
        self.status = status
        self.category_status = category_status or category.http_status
        self.headers: dict[str, str] = {}

    def http_status(self, version: str | None, settings: Settings) -> int:
        """Give the HTTP status that a request with this ``Zuora-Version`` gets."""
        if settings.error_mode == "always_200":
            return 200
        if self.status is not None:
            return self.status
        by_status = settings.error_mode == "status" or has_error_status(version)
        return self.category_status if by_status else 200

    def body(self, request_id: str) -> dict[str, Any]:
        """Write the error as Zuora does."""
        return {
            "success": False,
            "processId": secrets.token_hex(8).upper(),
            "reasons": [{"code": self.code, "message": self.message}],
            "requestId": request_id,
        }


class AuthenticationError(ZuoraError):
    """No token, or one that is not valid any more. Its code is a text, as seen in the wild."""

    def __init__(self) -> None:
        super().__init__(Category.AUTHENTICATION, "Authentication error", code="90000011", status=401)

    def body(self, request_id: str) -> dict[str, Any]:
        """Write the short form of Zuora's gateway."""
        return {"success": False, "reasons": [{"code": self.code, "message": self.message}]}


class RateLimitError(ZuoraError):
    """
    Too many requests in a minute. The body has no ``success``.

    :param reset: seconds until the window ends.
    :param retry_after: ``Retry-After`` in seconds; Zuora's guides disagree whether it is sent.
    """

    def __init__(self, reset: int, retry_after: int | None = None) -> None:
        message = f"API Rate limit exceeded for the minute, retry after {reset} seconds"
        super().__init__(Category.LIMIT, message, code=70, status=429)
        self.headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(reset)}
        if retry_after is not None:
            self.headers["Retry-After"] = str(retry_after)

    def body(self, request_id: str) -> dict[str, Any]:
        """Write Zuora's short form."""
        return {"reasons": [{"code": self.code, "message": self.message}]}


def has_error_status(version: str | None) -> bool:
    """Whether errors carry their own HTTP status in this ``Zuora-Version``; not in numbers such as 186.0."""
    return bool(version and _DATE.fullmatch(version)) and str(version) >= _FIRST_VERSION_WITH_STATUS


def permission(message: str) -> ZuoraError:
    """Permission or access denied."""
    return ZuoraError(Category.PERMISSION, message)


def rule(message: str) -> ZuoraError:
    """A business rule forbids it."""
    return ZuoraError(Category.RULE, message)


def not_found(key: str) -> ZuoraError:
    """No such thing, or not one that this entity may see."""
    return ZuoraError(Category.NOT_FOUND, f"Cannot find entity by key: '{key}'.")


def invalid(message: str) -> ZuoraError:
    """A value is wrong."""
    return ZuoraError(Category.INVALID_VALUE, message)


def missing(name: str) -> ZuoraError:
    """A required field is not there."""
    return ZuoraError(Category.MISSING_FIELD, f"Missing required field: '{name}'.")


def bad_entity(message: str, settings: Settings) -> ZuoraError:
    """The entity header names no entity that the token may use."""
    return ZuoraError(Category.INVALID_VALUE, message, code=90000020, status=settings.bad_entity_status)


def too_many_at_once(retry_after: int = 120) -> ZuoraError:
    """More requests in progress than the entity may have."""
    error = ZuoraError(
        Category.LIMIT,
        "The total number of concurrent requests has exceeded the limit allowed by the system. "
        "Please resubmit your request later.",
        status=429,
    )
    error.headers = {"Retry-After": str(retry_after)}
    return error

"""
The errors of this package, as types that carry facts. No decision reads an error's text.

::

    ZuoraError
    ├── ZuoraConfigError *               the Airflow connection or the machine's settings are wrong
    ├── ZuoraValueError *                an argument is wrong; also a ValueError
    ├── ApprovalError *                  no valid answer of a review allows the task to go on
    ├── EntityConnectionStateError *     the connection's status or entities do not allow the change
    ├── EntityConnectionNotFoundError *  the connection is not on the entity's list
    ├── ZuoraTransportError              no complete answer arrived
    │   └── ZuoraNotSentError            the request never reached Zuora
    ├── ZuoraResponseError               the answer is not Zuora's: HTML, empty, invalid JSON
    ├── ZuoraOutcomeUnknownError         a change was sent, and its outcome is unknown
    └── ZuoraApiError                    Zuora refused the request
        ├── ZuoraAuthError *             the credentials or the token are refused (category 11)
        ├── ZuoraPermissionError *       the client's owner lacks a permission (category 10)
        ├── ZuoraNotFoundError *         the resource does not exist (category 40)
        ├── ZuoraRuleError *             a business rule forbids the change (category 30)
        ├── ZuoraRequestError *          the request is invalid (categories 2x, 45, 90)
        ├── ZuoraServerError             Zuora failed (categories 60, 61, 99)
        └── ZuoraBusyError               nothing was done, try later: a lock (category 50)
            └── ZuoraRateLimitError      too many requests (category 70)

``*`` fails the Airflow task at once; the others are retried as the task's ``retries`` say.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException


class ZuoraError(AirflowException):
    """
    Base class of all errors of this package.

    :param message: What happened, where, and what to do next.
    :param retry_after: Seconds that Zuora asked to wait; ``None`` where it did not say.
    :param request_id: Zuora's ``Zuora-Request-Id``, which its support asks for.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.request_id = request_id

    def as_dict(self) -> dict[str, Any]:
        """Return the error as plain data, as it crosses from a trigger to its task."""
        return {"error": type(self).__name__, "message": str(self), **vars(self)}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ZuoraError:
        """Rebuild an error from :meth:`as_dict`; an unknown class becomes a plain :class:`ZuoraError`."""
        facts = {**data}
        name, message = facts.pop("error"), facts.pop("message")
        kind = globals().get(name)
        if not isinstance(kind, type) or not issubclass(kind, ZuoraError):
            kind, message = ZuoraError, f"{name}: {message}"
        if "reasons" in facts:  # JSON has no tuples
            facts["reasons"] = tuple((code, text) for code, text in facts["reasons"])
        error: ZuoraError = kind(message)
        vars(error).update(facts)
        return error


class ZuoraConfigError(ZuoraError, AirflowFailException):
    """The Airflow connection, or a setting of the machine such as a proxy, is wrong."""


class ZuoraValueError(ZuoraError, AirflowFailException, ValueError):
    """An argument is wrong; no change was sent."""


class ApprovalError(ZuoraError, AirflowFailException):
    """An approval is required, but no valid answer allows the task to go on."""


class EntityConnectionStateError(ZuoraError, AirflowFailException):
    """The connection's status, direction or entities do not allow the change."""


class EntityConnectionNotFoundError(ZuoraError, AirflowFailException):
    """The connection is not on the list of the entity's connections."""


class ZuoraTransportError(ZuoraError):
    """No answer arrived, or only a part of one."""


class ZuoraNotSentError(ZuoraTransportError):
    """The request never reached Zuora, for example because connecting failed."""


class ZuoraResponseError(ZuoraError):
    """The answer is not one of Zuora's: HTML, an empty body, invalid JSON, missing fields."""


class ZuoraOutcomeUnknownError(ZuoraError):
    """A change was sent, but no usable answer tells whether it took effect."""


class ZuoraApiError(ZuoraError):
    """
    Zuora refused the request.

    :param message: What happened, where, and what to do next.
    :param http_status: HTTP status of the answer; 200 where Zuora reports the error in the body only.
    :param code: Zuora's code of the decisive reason, as text; ``None`` without one.
    :param reasons: All reasons as pairs of code and message.
    :param retry_after: Seconds that Zuora asked to wait; ``None`` where it did not say.
    :param request_id: Zuora's ``Zuora-Request-Id``.
    """

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        code: str | None = None,
        reasons: tuple[tuple[str | None, str], ...] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after, request_id=request_id)
        self.http_status = http_status
        self.code = code
        self.reasons = reasons


class ZuoraAuthError(ZuoraApiError, AirflowFailException):
    """Zuora refused the credentials, or a token that was just issued."""


class ZuoraPermissionError(ZuoraApiError, AirflowFailException):
    """The owner of the OAuth client lacks a permission."""


class ZuoraNotFoundError(ZuoraApiError, AirflowFailException):
    """The resource does not exist, or the entity cannot see it."""


class ZuoraRuleError(ZuoraApiError, AirflowFailException):
    """A business rule of Zuora forbids the change."""


class ZuoraRequestError(ZuoraApiError, AirflowFailException):
    """Zuora considers the request invalid, or redirects it elsewhere."""


class ZuoraServerError(ZuoraApiError):
    """Zuora failed; a change may have taken effect nevertheless."""


class ZuoraBusyError(ZuoraApiError):
    """Zuora did nothing and can be asked again: a lock, or the user's record could not be read."""


class ZuoraRateLimitError(ZuoraBusyError):
    """Too many requests, or too many at the same time."""

"""
Everything that can go wrong, as types with facts. No decision of this package reads an error's text.

::

    ZuoraError
    ├── ZuoraConfigError *            a connection field or an argument is wrong; nothing was sent
    ├── ApprovalError *               there is no human answer that lets the task go on
    ├── EntityConnectionStateError *  the connection's state or parties forbid the change
    ├── ZuoraTransportError           no answer, or only a part of one
    │   └── ZuoraNotSentError         Zuora was never reached
    ├── ZuoraResponseError            an answer that is not Zuora's: HTML, empty, broken JSON
    ├── ZuoraOutcomeUnknownError      a change was sent; whether it took effect is not known
    └── ZuoraApiError                 Zuora said no, with a code
        ├── ZuoraAuthError *          the credentials or the token are not accepted
        ├── ZuoraPermissionError *    the client's owner may not do this (category 10)
        ├── ZuoraNotFoundError *      no such thing in this entity (category 40)
        ├── ZuoraRuleError *          a business rule forbids it (category 30)
        ├── ZuoraRequestError *       Zuora does not understand the request (categories 2x, 45, 90)
        ├── ZuoraServerError          Zuora failed (categories 60, 61, 99)
        └── ZuoraBusyError            not now, and nothing was done: a lock (category 50)
            └── ZuoraRateLimitError   too many requests (category 70)

``*`` fails the Airflow task at once; the others are left to the task's ``retries``.
"""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException


class ZuoraError(AirflowException):
    """
    Base of all errors of this package.

    :param message: what happened, where, and what to do next.
    :param retry_after: seconds that Zuora asked to wait, ``None`` where it did not say.
    :param request_id: Zuora's ``Zuora-Request-Id``, which its support asks for.
    """

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.request_id = request_id


class ZuoraConfigError(ZuoraError, AirflowFailException, ValueError):
    """A connection field or an argument is wrong; nothing was sent."""


class ApprovalError(ZuoraError, AirflowFailException):
    """An approval was asked for, but there is no well-formed answer of a human."""


class EntityConnectionStateError(ZuoraError, AirflowFailException):
    """The connection's status, direction or parties do not allow the change."""


class ZuoraTransportError(ZuoraError):
    """No answer came, or only a part of it."""


class ZuoraNotSentError(ZuoraTransportError):
    """The request never reached Zuora: name look-up or connect failed."""


class ZuoraResponseError(ZuoraError):
    """The answer is not one of Zuora's: HTML, an empty body, broken JSON, missing fields."""


class ZuoraOutcomeUnknownError(ZuoraError):
    """A change was sent, and no usable answer tells whether it took effect: look at the state."""


class ZuoraApiError(ZuoraError):
    """
    Zuora refused the request.

    :param message: what happened, where, and what to do next.
    :param http_status: the HTTP status; 200 where Zuora hides the error in the body.
    :param code: the code of the reason that decided, as Zuora wrote it; ``None`` without one.
    :param reasons: all reasons as pairs of code and message.
    :param retry_after: seconds that Zuora asked to wait, ``None`` where it did not say.
    :param request_id: Zuora's ``Zuora-Request-Id``.
    """

    def __init__(
        self,
        message: str = "",
        *,
        http_status: int = 0,
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
    """The credentials, or a token that was just made, are not accepted."""


class ZuoraPermissionError(ZuoraApiError, AirflowFailException):
    """The owner of the OAuth client may not do this here."""


class ZuoraNotFoundError(ZuoraApiError, AirflowFailException):
    """There is no such thing, or it cannot be seen from this entity."""


class ZuoraRuleError(ZuoraApiError, AirflowFailException):
    """A business rule of Zuora forbids the change."""


class ZuoraRequestError(ZuoraApiError, AirflowFailException):
    """Zuora does not understand the request, or sends the client elsewhere."""


class ZuoraServerError(ZuoraApiError):
    """Zuora failed; a change may have taken effect all the same."""


class ZuoraBusyError(ZuoraApiError):
    """Zuora did nothing and asks to come again: a lock, or it could not read the user's record."""


class ZuoraRateLimitError(ZuoraBusyError):
    """Too many requests, or too many at the same time."""

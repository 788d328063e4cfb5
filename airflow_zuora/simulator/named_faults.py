"""Answers that Zuora is known to give on bad days, by name."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from airflow_zuora.simulator import errors
from airflow_zuora.simulator.answers import Answer
from airflow_zuora.simulator.errors import AuthenticationError, Category, RateLimitError, ZuoraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Named = ZuoraError | Answer
"""An error follows the rules of ``Zuora-Version``; an answer is sent as it is."""

_AKAMAI = "<html><head><title>{0}</title></head><body><h1>{0}</h1>Reference&#32;&#35;9.2f6d3e17</body></html>"


def _throttle(reset: int = 60, retry_after: int | None = None) -> Named:
    return RateLimitError(reset, retry_after)


def _concurrency(retry_after: int = 120) -> Named:
    return errors.too_many_at_once(retry_after)


def _token_throttle() -> Named:
    headers = {"X-RateLimit-Limit-minute": "100", "X-RateLimit-Remaining-minute": "0"}
    return Answer.of("", 429, headers)


def _category(category: Category, text: str, code: int | None = None) -> Callable[..., Named]:
    def make(message: str = text) -> Named:
        return ZuoraError(category, message, code=code)

    return make


def _no_user_info() -> Named:
    return Answer.of({"message": "Failed to get user info"}, 401)


def _html(title: str = "Service Unavailable") -> Named:
    return Answer.of(_AKAMAI.format(title), 503, {"server": "AkamaiGHost"})


def _gateway(status: int, title: str) -> Callable[[], Named]:
    def make() -> Named:
        body = {"timestamp": 1767225600000, "status": status, "error": title, "message": title, "path": "/v1"}
        return Answer.of(body, status)

    return make


def _redirect(location: str = "https://login.example.com/") -> Named:
    return Answer.of("", 302, {"location": location})


NAMED: dict[str, Callable[..., Named]] = {
    "throttle": _throttle,
    "concurrency": _concurrency,
    "token_throttle": _token_throttle,
    "lock": _category(
        Category.LOCK, "Operation failed due to a lock competition, please retry later.", 58730050
    ),
    "temporary": _category(Category.TEMPORARY, "A temporary error occurred. Please retry later."),
    "internal": _category(Category.INTERNAL, "An internal error occurred."),
    "integration": _category(Category.INTEGRATION, "An external system failed."),
    "permission": _category(Category.PERMISSION, "You do not have permission to perform this operation."),
    "rule": _category(Category.RULE, "A business rule does not allow this operation."),
    "not_found": _category(Category.NOT_FOUND, "Cannot find entity by key."),
    "expired_token": AuthenticationError,
    "no_user_info": _no_user_info,
    "html": _html,
    "bad_gateway": _gateway(502, "Bad Gateway"),
    "gateway_timeout": _gateway(504, "Gateway Timeout"),
    "empty": lambda: Answer.of("", 200),
    "broken_json": lambda: Answer.of('{"success": tru', 200, content_type="application/json"),
    "no_reasons": lambda: Answer.of({"success": False, "reasons": []}, 200),
    "redirect": _redirect,
}
"""Name to maker; the maker's arguments are the fault's ``parameters``."""

FOREIGN_NEXT_PAGE = "foreign_next_page"
"""The one name that changes the real answer: ``nextPage`` then leads to another host."""

NAMES = (*sorted(NAMED), FOREIGN_NEXT_PAGE)


def check(name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse an unknown name or parameter with a ValueError that lists what there is."""
    if name not in NAMES:
        raise ValueError(f"There is no fault named {name!r}; choose from {', '.join(NAMES)}")
    maker = _with_foreign_next_page if name == FOREIGN_NEXT_PAGE else NAMED[name]
    known = [p for p in inspect.signature(maker).parameters if p != "answer"]
    if unknown := sorted(set(parameters) - set(known)):
        raise ValueError(f"{name} has no parameter {', '.join(unknown)}; it has {', '.join(known) or 'none'}")


def with_foreign_next_page(answer: Answer, parameters: Mapping[str, Any]) -> Answer:
    """Let the list's ``nextPage`` lead to another host, which must never see the token."""
    return _with_foreign_next_page(answer, **parameters)


def _with_foreign_next_page(answer: Answer, host: str = "https://zuora.example.com") -> Answer:
    content = json.loads(answer.plain_body())
    content["nextPage"] = f"{host}/v1/entity-connections?page=2&pageSize=300"
    return answer.with_body(json.dumps(content).encode())

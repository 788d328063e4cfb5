"""What nobody knows for sure about Zuora, as named settings of the simulator."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass
class Settings:
    """
    How the simulator behaves where Zuora's documentation is silent, and its limits.

    Every value is checked when it is set: a wrong one is a ValueError that lists the choices.

    :param repeat_accept: accepting a Connected connection: succeed, break a business rule, or not be found.
    :param accept_after_end: accepting a Disconnected connection: break a rule, or not be found.
    :param deny_result: what a denied request becomes: ``Disconnected``, or it leaves the list.
    :param deny_connected: denying a Connected connection: break a rule, or disconnect it.
    :param disconnect_pending: disconnecting a Pending request: break a rule, or disconnect it.
    :param reinitiate: asking again after the end: a new row, the same row Pending again, or a broken rule.
    :param duplicate_request: asking while a row is Pending or Connected: broken rule, new row, or same row.
    :param wrong_side: accept or deny sent by the source: no permission, broken rule, or not found.
    :param missing_entity_header: a token for several entities without ``Zuora-Entity-Ids``: error 90000020,
        or the client's home entity.
    :param entity_header_format: ``Zuora-Entity-Ids`` with or without hyphens, or with hyphens only.
    :param bad_entity_status: HTTP status of error 90000020; ``None``: as ``Zuora-Version`` says.
    :param wrong_secret_status: HTTP status of the token endpoint for a wrong client secret.
    :param token_entity_header: ``Zuora-Entity-Ids`` on the token call narrows the scope, or is ignored.
    :param next_page: the address in ``nextPage``: absolute, relative as in ``/payment-runs?page=2``, on a
        foreign host, or without the ``type`` filter.
    :param bodyless_put: a PUT without body and Content-Type: answer 415, or accept it.
    :param error_mode: HTTP status of errors: as ``Zuora-Version`` says, always 200, or always the status.
    :param large_page: a ``pageSize`` above 300 counts as 300, or is an error.
    :param bad_track_id: a ``Zuora-Track-Id`` that breaks Zuora's rule is accepted, or is an error.
    :param token_calls_per_minute: token requests that one client address may send in a minute.
    :param requests_per_minute: API requests that the tenant may send in a minute.
    :param concurrency: API requests that one entity may have in progress.
    :param token_lifetime: seconds that a new token lives.
    """

    repeat_accept: Literal["success", "rule", "not_found"] = "success"
    accept_after_end: Literal["rule", "not_found"] = "rule"
    deny_result: Literal["disconnected", "removed"] = "disconnected"
    deny_connected: Literal["rule", "success"] = "rule"
    disconnect_pending: Literal["rule", "success"] = "rule"
    reinitiate: Literal["new", "same", "rule"] = "new"
    duplicate_request: Literal["rule", "new", "same"] = "rule"
    wrong_side: Literal["permission", "rule", "not_found"] = "permission"
    missing_entity_header: Literal["error", "home"] = "error"
    entity_header_format: Literal["both", "uuid"] = "both"
    bad_entity_status: Literal[200, 400, 401, 403] | None = None
    wrong_secret_status: Literal[401, 400] = 401
    token_entity_header: Literal["narrow", "ignore"] = "narrow"
    next_page: Literal["absolute", "relative", "foreign", "without_type"] = "absolute"
    bodyless_put: Literal["415", "accept"] = "415"
    error_mode: Literal["version", "always_200", "status"] = "version"
    large_page: Literal["clamp", "error"] = "clamp"
    bad_track_id: Literal["accept", "error"] = "accept"
    token_calls_per_minute: int = 100
    requests_per_minute: int = 50_000
    concurrency: int = 40
    token_lifetime: int = 3599

    def __setattr__(self, name: str, value: object) -> None:
        _check(name, value)
        super().__setattr__(name, value)

    def update(self, values: dict[str, Any]) -> None:
        """
        Set several settings, or none if one of them is wrong.

        :raises ValueError: for an unknown name or a wrong value, with the choices.
        """
        for name, value in values.items():
            _check(name, value)
        for name, value in values.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Give all settings as plain data."""
        return asdict(self)


@cache
def _choices() -> dict[str, tuple[object, ...] | None]:
    """Map each setting to its allowed values; ``None`` stands for any whole number from 0."""
    hints = get_type_hints(Settings)
    return {field.name: _values_of(hints[field.name]) for field in fields(Settings)}


def _values_of(hint: Any) -> tuple[object, ...] | None:
    if hint is int:
        return None
    if get_origin(hint) is Literal:
        return get_args(hint)
    literal, none = get_args(hint)  # ``Literal[...] | None``
    return (*get_args(literal), None)


def _check(name: str, value: object) -> None:
    if name not in _choices():
        raise ValueError(f"There is no setting {name!r}; choose from {', '.join(sorted(_choices()))}")
    allowed = _choices()[name]
    if allowed is None:
        if type(value) is not int or value < 0:
            raise ValueError(f"{name} must be a whole number from 0, not {value!r}")
    elif not any(type(value) is type(choice) and value == choice for choice in allowed):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")

"""What a fault answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_zuora.simulator import named_faults
from airflow_zuora.simulator.answers import Answer
from airflow_zuora.simulator.errors import ZuoraError

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.types import Scope

    from airflow_zuora.simulator.faults import Fault
    from airflow_zuora.simulator.simulation import Simulation

_NO_GZIP = b"\x1f\x8b\x08\x00 this cannot be unpacked"


def replacement(fault: Fault, headers: Headers, simulation: Simulation, scope: Scope) -> Answer | None:
    """Make the answer that the fault brings along, if it does."""
    if fault.named == "expired_token":
        simulation.store.access.revoke(headers.get("authorization"))
    if fault.named in named_faults.NAMED:
        made = named_faults.NAMED[fault.named](**fault.parameters)
    elif fault.replaces:
        made = _given(fault, 200, response_headers(headers, scope))
    else:
        return None
    if isinstance(made, ZuoraError):
        made = error_answer(made, headers, simulation, scope)
    if fault.named and fault.body is not None:
        made = _given(fault, made.status, {})
    return made if fault.status is None else replace(made, status=fault.status)


def _given(fault: Fault, status: int, headers: dict[str, str]) -> Answer:
    """Write the body that the fault was given."""
    body = "" if fault.body is None else fault.body
    return Answer.of(body, status, headers, content_type=fault.content_type)


def error_answer(error: ZuoraError, headers: Headers, simulation: Simulation, scope: Scope) -> Answer:
    """Write an error as Zuora does, with the HTTP status that the request's ``Zuora-Version`` gives it."""
    request_id = scope["state"]["request_id"]
    status = error.http_status(headers.get("zuora-version"), simulation.settings)
    own = {**response_headers(headers, scope), **error.headers}
    return Answer.of(error.body(request_id), status, own)


def response_headers(headers: Headers, scope: Scope) -> dict[str, str]:
    """Give the headers that name the request: Zuora's own id, and the caller's."""
    own = {"Zuora-Request-Id": scope["state"]["request_id"]}
    if track_id := headers.get("zuora-track-id"):
        own["Zuora-Track-Id"] = track_id
    return own


def reshaped(fault: Fault, answer: Answer) -> Answer:
    """Change the answer, be it the fault's or the real one, as the fault wants it."""
    if fault.named == named_faults.FOREIGN_NEXT_PAGE:
        answer = named_faults.with_foreign_next_page(answer, fault.parameters)
    headers = answer.headers.mutablecopy()
    headers.update(fault.headers)
    answer = replace(answer, headers=headers)
    if fault.damage_gzip:
        headers["content-encoding"] = "gzip"
        answer = replace(answer, body=_NO_GZIP)
    return answer

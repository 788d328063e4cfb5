"""The matrix of ``make faults``: a slice of it, and whether it would catch a client that does wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from airflow_zuora import api
from airflow_zuora.api import Verdict
from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks import connections, listing, retries
from airflow_zuora.hooks.zuora import ZuoraHook
from tests.faults.cells import Cell, Mode, Player, let_waits_pass
from tests.faults.playing import CELLS
from tests.faults.rules import wrongs
from tests.unit.bad_servers import closed_port

SLICE = [cell for cell in CELLS if not cell.case.is_late and cell.case.connection.get("port") != "tls"][::43]
judge = api.judge


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"closed": closed_port()}


@pytest.fixture
def player(ports: dict[str, int], waits: list[float]) -> Iterator[Player]:
    let_waits_pass()  # the fixture puts the real one back
    player = Player(ports)
    yield player
    player.close()


def cell(operation: str, case: str, mode: Mode) -> Cell:
    (found,) = (
        one for one in CELLS if (one.operation.name, one.case.name, one.mode) == (operation, case, mode)
    )
    return found


def test_a_slice_of_the_matrix_is_right(player: Player) -> None:
    assert len(SLICE) > 90
    assert {cell: reasons for cell in SLICE if (reasons := list(wrongs(player.play(cell))))} == {}


def judging(**verdicts: Verdict) -> Callable[..., Verdict]:
    """Let the client come to other verdicts."""
    return lambda error, *, repeatable: verdicts.get(
        judge(error, repeatable=repeatable).name, judge(error, repeatable=repeatable)
    )


def believing(hook: Any, *call: Any) -> dict[str, Any]:
    with suppress(ZuoraError):
        hook.request(*call[:2], json=call[2])
    return {"success": True, "requestId": None}


def stumble(*_: object) -> None:
    raise KeyError("reasons")


LOST = ("accept", "HTTP 504, JSON, done")
WRONG_CLIENTS: dict[str, tuple[tuple[object, str, object], tuple[str, str, Mode], str]] = {
    "repeats a change blindly": (
        (api, "judge", judging(OUTCOME_UNKNOWN=Verdict.AGAIN)),
        (*LOST, Mode.ONCE),
        "the state was not read",
    ),
    "hides that the outcome is unknown": (
        (api, "judge", judging(OUTCOME_UNKNOWN=Verdict.RAISE)),
        (*LOST, Mode.SINCE),
        "effect without success",
    ),
    "repeats what is refused": (
        (api, "judge", judging(RAISE=Verdict.AGAIN)),
        ("entities", "HTTP 403, HTML", Mode.ALWAYS),
        "what cannot succeed",
    ),
    "takes any answer for a yes": (
        (connections.EntityConnectionsHook, "_send_change", believing),
        ("disconnect", "category 30, HTTP 200", Mode.ALWAYS),
        "success without the effect",
    ),
    "does not wait": (
        (retries, "_asked_wait", lambda state: 0.0),
        ("accept", "concurrency, Retry-After 300", Mode.ALWAYS),
        "where Zuora asked for 300",
    ),
    "waits for days": (
        (ZuoraHook, "max_wait", 1e10),
        ("list", "rate limit, reset 1000000000", Mode.ALWAYS),
        "did not leave a long wait to Airflow",
    ),
    "does not give up": (
        (ZuoraHook, "max_attempts", 9),
        ("list", "HTTP 500, JSON", Mode.ALWAYS),
        "9 requests, of which 5 are allowed",
    ),
    "gives up at once": (
        (ZuoraHook, "max_attempts", 1),
        ("token", "lock", Mode.ONCE),
        "gave up on what passes",
    ),
    "stumbles": ((listing, "rows_of", stumble), ("list", "lock", Mode.ONCE), "an error without type"),
}


@pytest.mark.parametrize("name", WRONG_CLIENTS)
def test_a_client_that_does_wrong_is_caught(
    name: str, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    (owner, attribute, value), where, reason = WRONG_CLIENTS[name]
    monkeypatch.setattr(owner, attribute, value)
    assert reason in "; ".join(wrongs(player.play(cell(*where))))

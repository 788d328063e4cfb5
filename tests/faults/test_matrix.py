"""The matrix of ``make faults``: a slice of it, and whether it would catch a client that does wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.client import HTTPResponse
from typing import Any

import pytest

from airflow_zuora.client.retries import Retries, Verdict, judge
from airflow_zuora.exceptions import ZuoraError
from tests.faults.cells import CELLS, Cell, Mode
from tests.faults.player import CLOCK, MODULES_WITH_A_CLOCK, Player
from tests.faults.rules import wrongs
from tests.helpers.bad_servers import closed_port

PLAYED_HERE = [one for one in CELLS if not one.case.is_late and one.case.connection.get("port") != "tls"]
SLICE = [*PLAYED_HERE[::61], *[one for one in PLAYED_HERE if one.case.needs_wire][::9]]


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"closed": closed_port()}


@pytest.fixture
def player(ports: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Player]:
    for name in MODULES_WITH_A_CLOCK:
        monkeypatch.setattr(f"{name}.time", CLOCK)
    player = Player(ports)
    yield player
    player.close()


def cell(operation: str, case: str, mode: Mode) -> Cell:
    (found,) = (
        one for one in CELLS if (one.operation.name, one.case.name, one.mode) == (operation, case, mode)
    )
    return found


def test_a_slice_of_the_matrix_is_right(player: Player) -> None:
    assert {cell: reasons for cell in SLICE if (reasons := list(wrongs(player.play(cell))))} == {}


def judging(**verdicts: Verdict) -> Callable[..., Verdict]:
    """Let the client come to other verdicts."""
    return lambda error, *, repeatable: verdicts.get(
        judge(error, repeatable=repeatable).name, judge(error, repeatable=repeatable)
    )


def believing(change: Any, method: str, path: str, body: dict[str, str], **options: Any) -> dict[str, Any]:
    """Take any answer to a change for a success."""
    with suppress(ZuoraError):
        change.client.request(method, path, json=body, **options)
    return {"success": True, "requestId": None}


def stumbling(*_: object) -> None:
    raise KeyError("reasons")


LOST = ("accept", "HTTP 504, JSON, done")
# What is replaced in airflow_zuora.client, the cell that is played, and a part of what must be found wrong.
WRONG_CLIENTS: dict[str, tuple[tuple[str, object], tuple[str, str, Mode], str]] = {
    "repeats a change blindly": (
        ("client.judge", judging(OUTCOME_UNKNOWN=Verdict.AGAIN)),
        (*LOST, Mode.ONCE),
        "the state was not read",
    ),
    "hides that the outcome is unknown": (
        ("client.judge", judging(OUTCOME_UNKNOWN=Verdict.RAISE)),
        (*LOST, Mode.SINCE),
        "effect without success",
    ),
    "repeats what is refused": (
        ("client.judge", judging(RAISE=Verdict.AGAIN)),
        ("entities", "HTTP 403, HTML", Mode.ALWAYS),
        "what cannot succeed",
    ),
    "takes any answer for a yes": (
        ("entity_connections.StatusChange.confirmed", believing),
        ("disconnect", "category 30, HTTP 200", Mode.ALWAYS),
        "success without the effect",
    ),
    "does not wait": (
        ("response.asked_wait", lambda headers, *, rate_limited: None),
        ("accept", "concurrency, Retry-After 300", Mode.ALWAYS),
        "where Zuora asked for 300",
    ),
    "waits for days": (
        ("client.Retries", partial(Retries, max_elapsed=1e6)),
        ("list", "rate limit, reset 1000000000", Mode.ALWAYS),
        "did not leave a long wait to Airflow",
    ),
    "does not give up": (
        ("client.Retries", partial(Retries, attempts=9)),
        ("list", "HTTP 500, JSON", Mode.ALWAYS),
        "9 requests, of which 5 are allowed",
    ),
    "gives up at once": (
        ("client.Retries", partial(Retries, attempts=1)),
        ("token", "lock", Mode.ONCE),
        "gave up on what passes",
    ),
    "gives up too early": (
        ("client.Retries", partial(Retries, attempts=2)),
        ("list", "HTTP 500, JSON", Mode.ALWAYS),
        "although there was time",
    ),
    "waits for longer than a call may take": (
        ("client.Retries", partial(Retries, max_elapsed=1000.0)),
        ("list", "rate limit, reset 300", Mode.ALWAYS),
        "started something after 900 seconds",
    ),
    "stumbles": (
        ("listing.rows_of", stumbling),
        ("list", "lock", Mode.ONCE),
        "an error without type",
    ),
    "limits each read and not the whole exchange": (
        ("wire.Connection.response_class", HTTPResponse),
        ("entities", "head drips, done", Mode.ONCE),
        "of 1 second each",
    ),
    "takes an interim answer for the final one": (
        ("final_response.FinalResponse.begin", HTTPResponse.begin),
        ("list", "interim 103, answer later", Mode.TOKEN),
        "the next call got",
    ),
}


@pytest.mark.parametrize("name", WRONG_CLIENTS)
def test_a_client_that_does_wrong_is_caught(
    name: str, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part, value), where, reason = WRONG_CLIENTS[name]
    monkeypatch.setattr(f"airflow_zuora.client.{part}", value)
    # Some wrongs show only if the client is quick, which a busy machine is not each time.
    tries = ("; ".join(wrongs(player.play(cell(*where)))) for _ in range(10))
    assert any(reason in found for found in tries)

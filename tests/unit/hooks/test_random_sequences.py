"""Operations in any order, with faults, other people, killed workers and restarts: the promises hold."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator import ZuoraSimulator
from tests.unit.hooks.chance.expected import check_calm
from tests.unit.hooks.chance.manners import MANNERS
from tests.unit.hooks.chance.reports import REPORTS
from tests.unit.hooks.chance.script import Script, scripts
from tests.unit.hooks.chance.trace import ENTITIES, TRANSITIONS, Task
from tests.unit.hooks.chance.world import PAIRS, Row, World

EXAMPLES = os.environ.get("EXAMPLES")  # many more than in a usual run, and others each time
SETTINGS = settings(
    max_examples=int(EXAMPLES or 40),
    stateful_step_count=10,
    derandomize=EXAMPLES is None,
    deadline=None,
    database=None,
    phases=[Phase.generate] if os.environ.get("NOSHRINK") else tuple(Phase),
)
ENTITY = st.sampled_from(sorted(ENTITIES))
PAIR = st.sampled_from(PAIRS)
STATUS = st.sampled_from(("Pending", "Connected", "Disconnected"))
UNKNOWN_OF_ZUORA = {
    "repeat_accept": ("success", "rule", "not_found"),
    "accept_after_end": ("rule", "not_found"),
    "deny_result": ("disconnected", "removed"),
    "deny_connected": ("rule", "success"),
    "disconnect_pending": ("rule", "success"),
    "reinitiate": ("new", "same", "rule"),
    "duplicate_request": ("rule", "new", "same"),
    "wrong_side": ("permission", "rule", "not_found"),
    "next_page": ("absolute", "relative", "foreign", "without_type"),
    "error_mode": ("version", "always_200", "status"),
    "token_lifetime": (3599, 90, 30),
    "token_calls_per_minute": (100, 1),
    "requests_per_minute": (50_000, 3),
}


def _with_visible_limits(tenant: dict[str, Any]) -> dict[str, Any]:
    """The journal shows a throttled request by its status only."""
    return {**tenant, "requests_per_minute": 50_000} if tenant.get("error_mode") == "always_200" else tenant


TENANT = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in UNKNOWN_OF_ZUORA.items()}
).map(_with_visible_limits)


class Operations(RuleBasedStateMachine):
    """What all sequences have in common."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.tasks: list[Task] = []

    @initialize(
        rows=st.lists(st.tuples(PAIR, STATUS), min_size=1, max_size=5),
        tenant=TENANT,
        version=st.sampled_from(("2025-08-12", "341.0")),
        page_size=st.sampled_from((300, 2)),
    )
    def begin(self, rows: list[Row], tenant: dict[str, Any], version: str, page_size: int) -> None:
        self.world.begin(rows, tenant, version=version, page_size=page_size)

    @precondition(lambda self: self.tasks)
    @rule(task=st.integers(0, 9), script=st.just(Script()) | scripts())
    def run_again(self, task: int, script: Script) -> None:
        self.run(self.tasks[task % len(self.tasks)], script)

    def run(self, task: Task, script: Script) -> None:
        self.tasks.append(task)
        run = self.world.run(task, script)
        for holds in (*MANNERS, *REPORTS):
            holds(run)
        if script.is_calm:
            check_calm(run)

    def teardown(self) -> None:
        """Once the faults have stopped, each task that is run again ends right."""
        for task in dict.fromkeys(self.tasks):
            self.run(task, Script())


class Changes(Operations):
    """Connections are accepted, denied and disconnected."""

    @rule(
        verb=st.sampled_from(("accept", "deny", "disconnect")),
        pair=PAIR,  # of a new connection
        row=st.sampled_from((None, None, None, None, 0, 1, 2, 3)),
        here=st.sampled_from(("", "", "", "", "", *sorted(ENTITIES))),
        expected=st.sampled_from((None, None, None, None, None, *sorted(ENTITIES))),
        script=scripts(),
    )
    def change(
        self,
        verb: str,
        pair: tuple[str, str],
        row: int | None,
        here: str,
        expected: str | None,
        script: Script,
    ) -> None:
        if row is None:
            row = self.world.add(pair, TRANSITIONS[verb].start)
        row %= len(self.world.ids)
        here = here or self.world.target_of(row)
        self.run(Task(verb, here, row, expected=expected if verb == "accept" else None), script)


class Requests(Operations):
    """Entities ask each other for connections, with and without an ``Idempotency-Key``."""

    @rule(pair=PAIR, key=st.sampled_from((None, "key-1", "key-2")), script=scripts())
    def initiate(self, pair: tuple[str, str], key: str | None, script: Script) -> None:
        self.run(Task("initiate", pair[0], target=pair[1], key=key), script)


class Reads(Operations):
    """Connections and entities are read."""

    @rule(
        verb=st.sampled_from(("list", "get", "entities", "entity")),
        here=ENTITY,
        row=st.integers(0, 9),
        direction=st.sampled_from((None, "inbound", "outbound")),
        script=scripts(),
    )
    def read(self, verb: str, here: str, row: int, direction: str | None, script: Script) -> None:
        direction = direction if verb == "list" else None
        self.run(Task(verb, here, row % len(self.world.ids), direction=direction), script)


class Everything(Changes, Requests, Reads):
    """All of it."""


@pytest.fixture
def world(clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ZuoraSimulator(clock=lambda: clock.now) as simulator:
        quiet = logging.getLogger("quiet")
        quiet.disabled = True
        monkeypatch.setattr(ZuoraHook, "log", quiet)
        yield World(simulator, clock, monkeypatch)


@pytest.mark.parametrize("operations", [Changes, Requests, Reads, Everything])
def test_the_promises_hold_in_any_sequence(operations: type[Operations], world: World) -> None:
    run_state_machine_as_test(partial(operations, world), settings=SETTINGS)

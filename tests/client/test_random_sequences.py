"""Operations in any order, with faults, other people, killed workers and restarts: the promises hold."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial
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

from airflow_zuora.simulator import ZuoraSimulator
from tests.client.random_sequences.expected import check_calm
from tests.client.random_sequences.reports import REPORTS
from tests.client.random_sequences.request_rules import REQUEST_RULES
from tests.client.random_sequences.script import CALM, Script, scripts
from tests.client.random_sequences.trace import ENTITIES, TRANSITIONS, Task
from tests.client.random_sequences.world import PAIRS, Row, World
from tests.faults.wire import wire_server
from tests.helpers.clock import Clock

EXAMPLES = os.environ.get("EXAMPLES")  # many more than usual, and others each time
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
ROWS = st.lists(
    st.tuples(PAIR, st.sampled_from(("Pending", "Connected", "Disconnected"))), min_size=1, max_size=5
)
VERSION = st.sampled_from(("2025-08-12", "341.0"))
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

    @initialize(rows=ROWS, tenant=TENANT, version=VERSION, page_size=st.sampled_from((300, 2)))
    def begin(self, rows: list[Row], tenant: dict[str, Any], version: str, page_size: int) -> None:
        self.world.begin(rows, tenant, version=version, page_size=page_size)

    @precondition(lambda self: self.tasks)
    @rule(task=st.integers(0, 9), script=st.just(CALM) | scripts())
    def run_again(self, task: int, script: Script) -> None:
        self.run(self.tasks[task % len(self.tasks)], script)

    def run(self, task: Task, script: Script) -> None:
        self.tasks.append(task)
        run = self.world.run(task, script)
        for holds in (*REQUEST_RULES, *REPORTS):
            holds(run)
        if script.is_calm:
            check_calm(run)

    def change_with(
        self, verb: str, row: int | None, pair: tuple[str, str], entity: str, script: Script
    ) -> None:
        if row is None:
            row = self.world.add(pair, TRANSITIONS[verb].start)
        row %= len(self.world.ids)
        self.run(Task(verb, entity or self.world.target_of(row), row), script)

    def read_with(self, verb: str, entity: str, row: int, direction: str | None, script: Script) -> None:
        direction = direction if verb == "list" else None
        self.run(Task(verb, entity, row % len(self.world.ids), direction=direction), script)

    def teardown(self) -> None:
        """Once the faults have stopped, each task that is run again ends right."""
        for task in dict.fromkeys(self.tasks):
            self.run(task, CALM)


VERB = st.sampled_from(("accept", "deny", "disconnect"))
NEW_OR_OLD_ROW = st.sampled_from((None, None, None, None, 0, 1, 2, 3))
TARGET_OR_ANY_ENTITY = st.sampled_from(("", "", "", "", "", *sorted(ENTITIES)))
READ = st.sampled_from(("list", "get", "entities", "entity"))
DIRECTION = st.sampled_from((None, "inbound", "outbound"))


class Changes(Operations):
    """Connections are accepted, denied and disconnected."""

    @rule(verb=VERB, row=NEW_OR_OLD_ROW, pair=PAIR, entity=TARGET_OR_ANY_ENTITY, script=scripts())
    def change(self, verb: str, row: int | None, pair: tuple[str, str], entity: str, script: Script) -> None:
        self.change_with(verb, row, pair, entity, script)


class Requests(Operations):
    """Entities ask each other for connections."""

    @rule(pair=PAIR, script=scripts())
    def initiate(self, pair: tuple[str, str], script: Script) -> None:
        self.run(Task("initiate", pair[0], target=pair[1]), script)


class Reads(Operations):
    """Connections and entities are read."""

    @rule(verb=READ, entity=ENTITY, row=st.integers(0, 9), direction=DIRECTION, script=scripts())
    def read(self, verb: str, entity: str, row: int, direction: str | None, script: Script) -> None:
        self.read_with(verb, entity, row, direction, script)


class Everything(Changes, Requests, Reads):
    """All of it."""


class KeptAlive(Operations):
    """All of it, over connections that are kept alive and on which the server misbehaves."""

    @rule(verb=VERB, row=NEW_OR_OLD_ROW, pair=PAIR, entity=TARGET_OR_ANY_ENTITY, script=scripts(wire=True))
    def change(self, verb: str, row: int | None, pair: tuple[str, str], entity: str, script: Script) -> None:
        self.change_with(verb, row, pair, entity, script)

    @rule(pair=PAIR, script=scripts(wire=True))
    def initiate(self, pair: tuple[str, str], script: Script) -> None:
        self.run(Task("initiate", pair[0], target=pair[1]), script)

    @rule(verb=READ, entity=ENTITY, row=st.integers(0, 9), direction=DIRECTION, script=scripts(wire=True))
    def read(self, verb: str, entity: str, row: int, direction: str | None, script: Script) -> None:
        self.read_with(verb, entity, row, direction, script)


@pytest.fixture
def world(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(logging.getLogger("airflow_zuora.client.retries"), "disabled", True)
    with ZuoraSimulator(clock=clock.monotonic) as simulator:
        world = World(simulator, clock, monkeypatch)
        yield world
        world.close()


@pytest.mark.parametrize("operations", [Changes, Requests, Reads, Everything])
def test_the_promises_hold_in_any_sequence(operations: type[Operations], world: World) -> None:
    run_state_machine_as_test(partial(operations, world), settings=SETTINGS)


def test_the_promises_hold_over_connections_that_are_kept_alive(world: World) -> None:
    with wire_server(world.simulator.port, world.choose) as world.wire:
        run_state_machine_as_test(partial(KeptAlive, world), settings=SETTINGS)

"""A simulated Zuora in which operations run while faults happen, others act, and time passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_zuora.auth import forget_tokens
from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.errors import ZuoraError as Refused
from airflow_zuora.simulator.journal import RecordedRequest
from tests.unit.hooks.chance.script import CALM, QUIET, TROUBLES, Act, Moment, Script
from tests.unit.hooks.chance.trace import ENTITIES, Rows, Run, Step, Task

PAIRS = tuple(itertools.permutations(ENTITIES, 2))

Row = tuple[tuple[str, str], str]  # source and target, and the status


class Killed(BaseException):
    """The worker is gone."""


class World:
    """
    Runs one operation after the other.

    :param clock: moved by every wait; tokens and the simulator live by it.
    """

    def __init__(
        self, simulator: ZuoraSimulator, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.simulator = simulator
        self.clock = clock
        self._monkeypatch = monkeypatch
        self.ids: list[str] = []
        self._used: set[str] = set()
        monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=self._wait))

    def begin(
        self,
        rows: Iterable[Row],
        settings: dict[str, Any],
        *,
        version: str = "2025-08-12",
        page_size: int = 300,
    ) -> None:
        """Start anew, with some connections."""
        self.simulator.reset()
        self.simulator.settings.update(settings)
        self.simulator.on_request(self._arrived)
        self.restart()
        connection = self.simulator.connection_json(zuora_version=version)
        self._monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
        self._monkeypatch.setattr("airflow_zuora.api.PAGE_SIZE", page_size)
        for id_ in self.rows:
            self.simulator.store.connections.remove(id_)
        self.ids, self._used = [], set()
        for pair, status in rows:
            self.add(pair, EntityConnectionStatus(status))

    @property
    def rows(self) -> Rows:
        return {row.id: row for row in self.simulator.store.connections.all()}

    def run(self, task: Task, script: Script = CALM) -> Run:
        """Run an operation with a fresh hook, as a worker does."""
        self.act(script.before, task)
        self.clock.now += script.seconds
        if script.restarted:
            self.restart()
        settings = self.simulator.settings.as_dict()
        self._run = run = Run(task, script, self.ids[task.row], self.rows, settings, frozenset(self._used))
        self._moments = {kind: moments_of(script, kind) for kind in ("tokens", "reads", "changes")}
        self._failures: list[BaseException] = []
        hook = ZuoraHook(entity_id=run.here)
        hook.mask = lambda _: None
        try:
            run.result = operate(hook, run)
        except ZuoraError as error:
            run.error = error
        except Killed:
            pass
        finally:
            hook.close()
            self.simulator.clear_faults()
            if self._failures:
                raise self._failures[0]
        self._look()
        return run

    def act(self, acts: Iterable[Act], task: Task) -> None:
        """Let other people act, as far as Zuora lets them."""
        store, pairs = self.simulator.store, [(task.here, task.target or "B"), *PAIRS]
        for verb, at in acts:
            try:
                if verb == "ask":
                    source, target = pairs[at]
                    store.send_request(ENTITIES[source], ENTITIES[target])
                else:
                    row = store.connections.get(self.ids[(task.row + at) % len(self.ids)])
                    getattr(store.connections, verb)(row.id, row.target_entity_id)
            except Refused:
                pass
            self.ids += [id_ for id_ in self.rows if id_ not in self.ids]

    def add(self, pair: tuple[str, str], status: EntityConnectionStatus) -> int:
        """Put a connection on the list; give its number."""
        source, target = pair
        self.simulator.store.connections.add(ENTITIES[source], ENTITIES[target], status)
        self.ids += [id_ for id_ in self.rows if id_ not in self.ids]
        return len(self.ids) - 1

    def target_of(self, row: int) -> str:
        """Name the entity that decides about a connection."""
        found = self.rows.get(self.ids[row])
        return next((name for name, id_ in ENTITIES.items() if found and id_ == found.target_entity_id), "A")

    def restart(self) -> None:
        """Let the process begin anew."""
        forget_tokens()
        self._token_ends: float | None = None

    def _look(self) -> None:
        """See what came of the last request."""
        rows = self.rows
        self.ids += [id_ for id_ in rows if id_ not in self.ids]
        if not self._run.steps:
            return
        last = self._run.steps[-1]
        last.after = rows
        if last.kind != "tokens" and last.moment.trouble == "token refused":
            self._token_ends = None
        elif last.kind == "tokens" and last.request.status == 200 and not last.moment.trouble:
            self._token_ends = last.request.time + self.simulator.settings.token_lifetime

    def _arrived(self, request: RecordedRequest) -> None:
        try:
            self._look()
            step = Step(request, QUIET, {}, None)
            step.moment = next(self._moments[step.kind])
            self.act(step.moment.others, self._run.task)
            step.rows = self.rows
            if self._token_ends is not None:
                step.token_left = self._token_ends - self.clock.now
            self._run.steps.append(step)
            if trouble := TROUBLES.get(step.moment.trouble):
                self.simulator.fault(method=request.method, path=request.path, **trouble.fault)
            if key := request.headers.get("idempotency-key"):
                self._used.add(key)
        except BaseException as error:
            self._failures.append(error)
            raise

    def _wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self._run.waits.append(seconds)
        if len(self._run.waits) == self._run.script.killed:
            raise Killed


def moments_of(script: Script, kind: str) -> Iterator[Moment]:
    """Give what happens to the requests of a kind, one after the other."""
    moments: tuple[Moment, ...] = getattr(script, kind)
    last = moments[-1] if moments and script.lasting else QUIET
    return itertools.chain(moments, itertools.repeat(last))


def operate(hook: ZuoraHook, run: Run) -> Any:
    """Call the hook."""
    match run.task:
        case Task(verb="accept", expected=None):
            return hook.accept_entity_connection(run.id)
        case Task(verb="accept", expected=expected):
            return hook.accept_entity_connection(run.id, expected_source_entity_id=ENTITIES[expected])
        case Task(verb="deny"):
            return hook.deny_entity_connection(run.id)
        case Task(verb="disconnect"):
            return hook.disconnect_entity_connection(run.id)
        case Task(verb="initiate", target=target, key=key):
            return hook.initiate_entity_connection(ENTITIES[target], idempotency_key=key)
        case Task(verb="get"):
            return hook.get_entity_connection(run.id)
        case Task(verb="list", direction=direction):
            return hook.list_entity_connections(direction)
        case Task(verb="entities"):
            return hook.list_entities()
        case Task(verb="entity"):
            return hook.get_entity(run.here)
    raise ValueError(run.task.verb)

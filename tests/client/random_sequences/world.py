"""A simulated Zuora in which operations run while faults happen, others act, and time passes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import reset_secrets_masker

from airflow_zuora.client.oauth import forget_tokens
from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.errors import ZuoraError as Refused
from airflow_zuora.simulator.journal import RecordedRequest
from tests.client.random_sequences.script import CALM, FAULTS, FOREIGN_NEXT_PAGE, QUIET, Act, Moment, Script
from tests.client.random_sequences.trace import ENTITIES, Rows, Run, Step, Task
from tests.faults.wire import Parts, WireFault, WireRequest, WireServer
from tests.faults.wire_catalogue import SUCCESS, http, interim
from tests.helpers.clock import Clock

PAIRS = tuple(itertools.permutations(ENTITIES, 2))

Row = tuple[tuple[str, str], str]  # source and target, and the status


class Killed(BaseException):
    """The worker is gone."""


class World:
    """
    Runs one operation after the other.

    :param clock: Moved by every wait; the time budget, tokens and the simulator live by it.
    """

    def __init__(self, simulator: ZuoraSimulator, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.simulator = simulator
        self.clock = clock
        self.clock.meanwhile = self._waited
        self.wire: WireServer | None = None
        """Between the hooks, which then keep their connections alive, and the simulator."""
        self.ids: list[str] = []
        self._hooks: dict[str, ZuoraHook] = {}
        self._used_keys: set[str] = set()
        self._monkeypatch = monkeypatch

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
        port = self.wire.port if self.wire else self.simulator.port
        connection = self.simulator.connection_json(zuora_version=version, port=port)
        self._monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
        self._monkeypatch.setattr("airflow_zuora.client.listing.PAGE_SIZE", page_size)
        self._page_size = page_size
        for id_ in self.rows:
            self.simulator.store.connections.remove(id_)
        self.ids, self._used_keys = [], set()
        for pair, status in rows:
            self.add(pair, EntityConnectionStatus(status))

    @property
    def rows(self) -> Rows:
        return {row.id: row for row in self.simulator.store.connections.all()}

    def run(self, task: Task, script: Script = CALM) -> Run:
        """Run an operation, with a new hook unless connections are kept alive."""
        self.act(script.before, task)
        self.clock.now += script.seconds
        if script.restarted:
            self.restart()
        settings, keys = self.simulator.settings.as_dict(), frozenset(self._used_keys)
        run = Run(task, script, self.ids[task.row], self.rows, settings, self.clock.now, keys)
        self._run = run
        self._failures: list[BaseException] = []
        self._moments = {kind: moments_of(script, kind) for kind in ("tokens", "reads", "changes")}
        if not self.wire:
            self.close()
        hook = self._hooks.setdefault(task.entity, ZuoraHook(entity_id=run.entity_id))
        self._disturb(script.idle)
        try:
            run.result = operate(hook, run)
        except ZuoraError as error:
            run.error = error
        except Killed:
            self.close()
        finally:
            self.simulator.clear_faults()
            if self._failures:
                raise self._failures[0]
        self._note_what_came_of_it()
        return run

    def act(self, acts: Iterable[Act], task: Task) -> None:
        """Let other people act, as far as Zuora lets them."""
        store, pairs = self.simulator.store, [(task.entity, task.target or "B"), *PAIRS]
        for verb, at in acts:
            with suppress(Refused):
                if verb == "ask":
                    source, target = pairs[at]
                    store.send_request(ENTITIES[source], ENTITIES[target])
                else:
                    row = store.connections.get(self.ids[(task.row + at) % len(self.ids)])
                    getattr(store.connections, verb)(row.id, row.target_entity_id)
            self.ids += [id_ for id_ in self.rows if id_ not in self.ids]

    def add(self, pair: tuple[str, str], status: EntityConnectionStatus) -> int:
        """Put a connection on the list; return its number."""
        source, target = pair
        self.simulator.store.connections.add(ENTITIES[source], ENTITIES[target], status)
        self.ids += [id_ for id_ in self.rows if id_ not in self.ids]
        return len(self.ids) - 1

    def target_of(self, row: int) -> str:
        """Name the entity that decides on a connection."""
        found = self.rows.get(self.ids[row])
        return next((name for name, id_ in ENTITIES.items() if found and id_ == found.target_entity_id), "A")

    def restart(self) -> None:
        """Let the process begin anew."""
        self.close()
        forget_tokens()
        reset_secrets_masker()  # Airflow compiles one pattern of all secrets again for each new one
        self._token_ends: float | None = None

    def close(self) -> None:
        """Close all hooks."""
        for hook in self._hooks.values():
            hook.close()
        self._hooks.clear()

    def choose(self, _: WireRequest) -> WireFault:
        """Decide what happens to an answer on the wire: the simulator has noted the request by then."""
        return WireFault(self._on_the_wire)

    def _on_the_wire(self, answer: bytes) -> Parts:
        fault = FAULTS.get(self._run.steps[-1].moment.fault)
        return fault.wire(answer) if fault and fault.wire else [answer]

    def _disturb(self, idle: str) -> None:
        """Let the server do something to the idle connections."""
        if self.wire and idle == "hang up":
            self.wire.hang_up()
        elif self.wire and idle:
            self.wire.push(interim(103) if idle == "interim" else http(200, body=SUCCESS))

    def _note_what_came_of_it(self) -> None:
        """Note what came of the last request."""
        rows = self.rows
        self.ids += [id_ for id_ in rows if id_ not in self.ids]
        if not self._run.steps:
            return
        last = self._run.steps[-1]
        last.after = rows
        if last.kind != "tokens" and last.moment.fault == "token refused":
            self._token_ends = None
        elif last.kind == "tokens" and last.request.status == 200 and last.arrives:
            self._token_ends = last.request.time + self.simulator.settings.token_lifetime

    def _arrived(self, request: RecordedRequest) -> None:
        try:
            self._note_what_came_of_it()
            step = Step(request, QUIET, {}, None)
            step.moment = next(self._moments[step.kind])
            if step.moment.fault == FOREIGN_NEXT_PAGE and self._page_size < 300:
                step.moment = step.moment._replace(fault="")  # it names a page of 300, and so skips rows
            self.act(step.moment.others, self._run.task)
            step.rows = self.rows
            if self._token_ends is not None:
                step.token_left = self._token_ends - self.clock.now
            self._run.steps.append(step)
            fault = FAULTS.get(step.moment.fault)
            if fault and fault.fields:
                self.simulator.fault(method=request.method, path=request.path, **fault.fields)
            if key := request.headers.get("idempotency-key"):
                self._used_keys.add(key)
        except BaseException as error:
            self._failures.append(error)
            raise

    def _waited(self) -> None:
        self._run.waits.append(self.clock.waits[-1])
        if len(self._run.waits) == self._run.script.killed:
            raise Killed


def moments_of(script: Script, kind: str) -> Iterator[Moment]:
    """Yield what happens to the requests of a kind, one after the other."""
    moments: tuple[Moment, ...] = getattr(script, kind)
    last = moments[-1] if moments and script.lasting else QUIET
    return itertools.chain(moments, itertools.repeat(last))


def operate(hook: ZuoraHook, run: Run) -> Any:
    """Call the hook."""
    match run.task:
        case Task(verb="accept"):
            return hook.accept_entity_connection(run.id)
        case Task(verb="deny"):
            return hook.deny_entity_connection(run.id)
        case Task(verb="disconnect"):
            return hook.disconnect_entity_connection(run.id)
        case Task(verb="initiate", target=target):
            return hook.initiate_entity_connection(ENTITIES[target])
        case Task(verb="get"):
            return hook.get_entity_connection(run.id)
        case Task(verb="list", direction=direction):
            return hook.list_entity_connections(direction)
        case Task(verb="entities"):
            return hook.list_entities()
        case Task(verb="entity"):
            return hook.get_entity(run.entity_id)
    raise ValueError(run.task.verb)

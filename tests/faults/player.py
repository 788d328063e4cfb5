"""Plays one cell of the fault matrix."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

from airflow.sdk._shared.secrets_masker import reset_secrets_masker

from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from tests.faults.cases import PROXY_PASSWORD, TIMEOUT, Case
from tests.faults.cells import Cell, Mode, Played
from tests.faults.hits import WireFaults, hits_of
from tests.faults.operations import State
from tests.faults.wire import WireServer, wire_server
from tests.helpers.secret_search import SecretSearch, add_client

MODULES_WITH_A_CLOCK = ("tenacity.nap", "airflow_zuora.client.retries")


class ThreadClock(threading.local):
    """
    Stands in for the module ``time`` in these modules: each thread has a clock of its own, which stands still
    until a wait between two attempts moves it.
    """

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Set the clock back, and forget the waits."""
        self.now = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


CLOCK = ThreadClock()


class Player:
    """
    Plays cells on a simulator of its own.

    :param ports: Ports of the servers that are not Zuora, by the name that a case has for them.
    """

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._simulator = ZuoraSimulator().start()

    def close(self) -> None:
        """Stop the simulator."""
        self._simulator.stop()

    def play(self, cell: Cell) -> Played:
        """Do the operation while the fault is at work."""
        case, simulator = cell.case, self._simulator
        simulator.reset()
        simulator.settings.update(cell.operation.settings)
        add_client(simulator)  # so that no token of an earlier cell is there
        reset_secrets_masker()  # Airflow compiles one pattern of all secrets again for each new one
        faults = WireFaults(case.wire, case.name)
        with ExitStack() as stack:
            wire = stack.enter_context(wire_server(simulator.port, faults)) if case.needs_wire else None
            stack.enter_context(_environment(case, wire))
            hook = stack.enter_context(closing(self._hook(case, wire)))
            self._inject(cell, hook, wire, faults)
            before, result, error = self._state(), None, None
            CLOCK.start()
            started = time.monotonic()
            try:
                result = cell.operation.call(hook)
            except BaseException as raised:
                error = raised
            seconds = time.monotonic() - started
            after = self._state()
            requests = [*(wire.requests if wire else simulator.requests())]
            simulator.clear_faults()
            faults.hits.clear()
            return Played(
                cell,
                result,
                error,
                requests,
                CLOCK.waits,
                seconds,
                before == after,
                cell.operation.is_change and cell.operation.is_done(before, after),
                "" if case.connection else _next_answer(hook),
                self._secrets().finds(f"{error}") if error else [],
            )

    def _hook(self, case: Case, wire: WireServer | None) -> ZuoraHook:
        fields = dict(case.connection) or {"port": wire.port if wire else self._simulator.port}
        if fields.get("port") in self._ports:
            fields["port"] = self._ports[fields["port"]]
        name = f"zuora_{self._simulator.port}"
        connection = self._simulator.connection_json(client="marked", **fields)
        os.environ[f"AIRFLOW_CONN_{name.upper()}"] = connection
        return ZuoraHook(name, timeout=TIMEOUT if case.is_late else None)

    def _inject(self, cell: Cell, hook: ZuoraHook, wire: WireServer | None, faults: WireFaults) -> None:
        """Let the fault wait for its requests, after the token was fetched unless the fault is about that."""
        is_first = cell.operation.name == "token" or cell.mode is Mode.TOKEN or cell.case.connection
        if cell.mode is Mode.IDLE or not is_first:
            hook.client.oauth.token()
        if cell.case.idle and wire:
            cell.case.idle(wire)
        faults.hits = hits_of(cell)
        if cell.case.fault:
            for hit in faults.hits:
                self._simulator.fault(**cell.case.fault, **hit.fields)

    def _secrets(self) -> SecretSearch:
        return SecretSearch([self._simulator.store.access.named("marked").secret, PROXY_PASSWORD])

    def _state(self) -> State:
        rows = self._simulator.store.connections.all()
        return {(row.source_entity_id, row.target_entity_id): str(row.status) for row in rows}


@contextmanager
def _environment(case: Case, proxy: WireServer | None) -> Iterator[None]:
    """Set the environment variables of a case; only where nothing else runs in this process."""
    port = proxy.port if proxy else None
    values = {name: value.format(proxy=port) for name, value in case.environment.items()}
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _next_answer(hook: ZuoraHook) -> str:
    """Make another call, which must not be answered with what was left of the one before."""
    try:
        return hook.get_entity(DEFAULT_ENTITY_ID).id
    except Exception as error:
        return repr(error)

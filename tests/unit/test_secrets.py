"""No object of this package shows a secret, however it is looked at; nor does a log, whatever fails."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.operators import entity_connection as operators
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID, SOURCE_ENTITY_ID
from airflow_zuora.triggers import entity_connection as triggers
from tests.airflow.troubles import DEFERRED, FAULTS, FIELDS
from tests.secret_search import SecretSearch, add_client

TASKS = [
    operators.AcceptEntityConnectionOperator(task_id="accept", connection_id=PENDING_ID),
    operators.DenyEntityConnectionOperator(task_id="deny", connection_id=PENDING_ID),
    operators.DisconnectEntityConnectionOperator(
        task_id="disconnect", connection_id=PENDING_ID, confirm=True
    ),
    operators.InitiateEntityConnectionOperator(task_id="initiate", target_entity_id=SOURCE_ENTITY_ID),
    operators.ListEntityConnectionsOperator(task_id="list"),
    EntityConnectionSensor(task_id="sensor", connection_id=PENDING_ID),
]
TRIGGERS = [
    triggers.EntityConnectionTrigger(connection_id=PENDING_ID),
    triggers.EntityConnectionRequestTrigger(),
]


@pytest.fixture
def marked(
    connect: Callable[..., ZuoraHook], zuora_simulator: ZuoraSimulator, caplog: pytest.LogCaptureFixture
) -> Callable[..., ZuoraHook]:
    """Make hooks whose secrets are nobody else's; what is logged is noted from the level DEBUG."""
    add_client(zuora_simulator)
    caplog.set_level(logging.DEBUG)

    def make(**fields: Any) -> ZuoraHook:
        return connect(client="marked", **fields)

    return make


@pytest.fixture
def finds(zuora_simulator: ZuoraSimulator) -> Callable[..., list[str]]:
    """Look for the secrets of a hook and for all tokens."""

    def find(hook: ZuoraHook, *texts: str) -> list[str]:
        connection = hook.get_connection(hook.zuora_conn_id)
        values = [connection.login, connection.password, *zuora_simulator.store.access.issued]
        return SecretSearch(values).finds("\n".join(texts))

    return find


def shown(thing: Any) -> Iterator[str]:
    """Show a thing as ``print``, a debugger and Airflow do."""
    yield from (f"{thing}", f"{thing!r}")
    with suppress(TypeError):  # it has slots
        yield f"{vars(thing)}"
    if isinstance(thing, BaseException):
        yield from traceback.TracebackException.from_exception(thing, capture_locals=False).format()
    if isinstance(thing, ZuoraError):
        yield pickle.dumps(thing).decode("latin-1")


def causes(error: BaseException) -> list[BaseException]:
    found = [error]
    while (before := found[-1].__cause__ or found[-1].__context__) not in (None, *found):
        found.append(before)
    return found


@pytest.mark.parametrize("name", [*FAULTS, *FIELDS])
def test_no_error_and_no_log_shows_a_secret(name, marked, finds, zuora_simulator, waits, caplog):
    if name in FAULTS:
        zuora_simulator.fault(times=None, **FAULTS[name])
    hook = marked(timeout=1, **FIELDS.get(name, {}))  # for what stalls
    hook.max_attempts = 2
    error: ZuoraError | None = None
    try:
        hook.accept_entity_connection(PENDING_ID)
    except ZuoraError as raised:
        error = raised
    assert error or name in ("foreign_page", *DEFERRED)
    texts = [text for one in causes(error) for text in shown(one)] if error else []
    assert finds(hook, *texts, caplog.text) == []


def test_nothing_that_a_hook_holds_shows_a_secret(marked, finds, caplog):
    hook = marked()
    hook.list_entities()
    hook.run("/v1/entities")
    held = (
        hook,
        hook.zuora_connection,
        hook.auth.token(),
        hook.session,
        hook.session.headers,
        hook.get_conn(),
    )
    assert finds(hook, *(text for thing in held for text in shown(thing)), caplog.text) == []
    assert finds(hook, hook.auth.token().value), "the search would have found it"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task_id)
def test_no_operator_shows_a_secret_after_it_ran(task, marked, finds, zuora_simulator, caplog):
    hook = marked()
    zuora_simulator.fault(times=None, named="permission")
    with pytest.raises(ZuoraError):
        task.execute({"ti": SimpleNamespace(dag_id="dag", run_id="run", task_id="task", map_index=-1)})
    fields = {name: getattr(task, name) for name in task.template_fields}
    assert finds(hook, *shown(task), json.dumps(fields), caplog.text) == []


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_no_trigger_takes_a_secret_along(trigger, marked, finds):
    hook = marked()
    hook.list_entities()
    kept = pickle.dumps(trigger.serialize()).decode("latin-1")
    assert finds(hook, *shown(trigger), json.dumps(trigger.serialize()), kept) == []


def test_each_secret_is_masked_before_it_is_used(marked, zuora_simulator):
    hook = marked()
    masked: dict[str, int] = {}
    hook.mask = lambda secret: masked.setdefault(secret, len(zuora_simulator.requests()))
    hook.list_entities()
    connection, token = hook.zuora_connection, hook.auth.token().value
    assert [masked[one] for one in (connection.client_id, connection.client_secret)] == [0, 0]
    assert masked[token] == 1, "only the request for the token was sent by then"

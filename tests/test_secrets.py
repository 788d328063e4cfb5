"""No object of this package and no log shows a secret, whatever fails."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from airflow.sdk.log import redact

from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.operators import entity_connection as operators
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID, SOURCE_ENTITY_ID
from airflow_zuora.triggers import entity_connection as triggers
from tests.airflow.failing_tasks import DEFERRED, FAULTS, FIELDS
from tests.helpers.secret_search import SecretSearch, add_client
from tests.helpers.tasks import context

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


@pytest.fixture(autouse=True)
def _marked_client(zuora_simulator: ZuoraSimulator, caplog: pytest.LogCaptureFixture) -> None:
    """Add an OAuth client whose id and secret are found nowhere else, and capture all logs."""
    add_client(zuora_simulator)
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def hook(connect: Callable[..., ZuoraHook]) -> ZuoraHook:
    return connect(client="marked")


@pytest.fixture
def finds(zuora_simulator: ZuoraSimulator) -> Callable[..., list[str]]:
    """Find the id and the secrets of the client "marked" and all tokens in a text."""

    def find(*texts: str) -> list[str]:
        access = zuora_simulator.store.access
        client = access.named("marked")
        values = [client.id, client.secret, *access.issued]
        values += [FIELDS["wrong_secret"]["password"], FIELDS["unknown_client"]["login"]]
        return SecretSearch(values).finds("\n".join(texts))

    return find


def shown(thing: Any) -> Iterator[str]:
    """A value as ``print``, a debugger and Airflow show it."""
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
def test_no_error_and_no_log_shows_a_secret(name, make_client, finds, zuora_simulator, caplog):
    if name in FAULTS:
        zuora_simulator.fault(times=None, **FAULTS[name])
    fields = {"client": "marked", "timeout": 1, **FIELDS.get(name, {})}  # a short timeout for what stalls
    error: ZuoraError | None = None
    try:
        EntityConnections(make_client(fields, retries=Retries(attempts=2))).accept(PENDING_ID)
    except ZuoraError as raised:
        error = raised
    assert error or name in ("foreign_page", *DEFERRED)
    texts = [text for one in causes(error) for text in shown(one)] if error else []
    assert finds(*texts, caplog.text) == []


def test_nothing_in_a_hook_shows_a_secret(hook, finds, caplog):
    hook.list_entities()
    hook.run("/v1/entities")
    held = (
        hook,
        hook.client,
        hook.client.config,
        hook.client.oauth.token(),
        hook.client.transport,
        hook.get_conn(),
        hook.get_conn().headers,
    )
    assert finds(*(text for thing in held for text in shown(thing)), caplog.text) == []
    assert finds(hook.client.oauth.token().value), "the search would have found it"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.task_id)
def test_no_operator_shows_a_secret_after_it_ran(task, hook, finds, zuora_simulator, caplog):
    zuora_simulator.fault(times=None, named="permission")
    with pytest.raises(ZuoraError):
        task.execute(context())
    fields = {name: getattr(task, name) for name in task.template_fields}
    assert finds(*shown(task), json.dumps(fields), caplog.text) == []


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_no_trigger_carries_a_secret(trigger, hook, finds):
    hook.list_entities()
    kept = pickle.dumps(trigger.serialize()).decode("latin-1")
    assert finds(*shown(trigger), json.dumps(trigger.serialize()), kept) == []


def test_each_secret_is_masked_before_it_is_used(make_client, zuora_simulator):
    masked: dict[str, int] = {}
    client = make_client(on_secret=lambda secret: masked.setdefault(secret, len(zuora_simulator.requests())))
    client.list_entities()
    assert [masked[one] for one in (client.config.client_id, client.config.client_secret)] == [0, 0]
    assert masked[client.oauth.token().value] == 1, "only the request for the token was sent by then"


def test_a_hook_masks_its_secrets_in_the_logs_of_airflow(hook):
    hook.list_entities()
    config = hook.client.config
    for secret in (config.client_id, config.client_secret, hook.client.oauth.token().value):
        assert redact(f"got {secret} here") == "got *** here"

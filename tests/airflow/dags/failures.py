"""Tasks that fail in every way there is, and show everything that an author of DAGs can show."""

from __future__ import annotations

import logging
import traceback
from contextlib import suppress
from typing import Any

from airflow.sdk import Asset, AssetWatcher, Param, dag, task
from airflow.sdk.log import mask_secret

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraError
from airflow_zuora.hooks.zuora import ZuoraHook
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger, EntityConnectionTrigger

REQUEST = "8a80825555a3c7a10155b460f53858e6"
PAUSE = 15.0  # seconds between two reads of a watcher
log = logging.getLogger(__name__)


def chain(error: BaseException) -> list[BaseException]:
    """List an exception, its cause, the cause of that, and so on."""
    found = [error]
    while (before := found[-1].__cause__ or found[-1].__context__) not in (None, *found):
        found.append(before)
    return found


def shown(*things: Any) -> list[str]:
    """Write things as ``print`` and a debugger show them."""
    written = []
    for thing in things:
        written += [f"{thing}", f"{thing!r}"]
        with suppress(TypeError):  # it has slots
            written.append(f"{vars(thing)}")
        if isinstance(thing, BaseException):
            written += traceback.format_exception(thing)
    return written


def once(hook: ZuoraHook) -> EntityConnections:
    """Return the operations of a hook that try everything once, so that a failure takes no minutes."""
    client = ZuoraClient(hook.client.config, retries=Retries(attempts=1), on_secret=mask_secret)
    return EntityConnections(client)


def show_failure(context: Any) -> None:
    print(*shown(*chain(context["exception"])), sep="\n")


@dag(
    schedule=None,
    params={"connections": Param(type="array")},
    default_args={"on_failure_callback": show_failure},
)
def failures():
    AcceptEntityConnectionOperator.partial(
        task_id="accept", connection_id=REQUEST, map_index_template="{{ task.zuora_conn_id }}"
    ).expand(zuora_conn_id=["zuora_expired_token", "zuora_lost_change", "zuora_rule", "zuora_wrong_secret"])
    EntityConnectionSensor(
        task_id="poke", connection_id=REQUEST, zuora_conn_id="zuora_expired_token", poke_interval=1
    )
    EntityConnectionSensor.partial(
        task_id="deferred", connection_id=REQUEST, poke_interval=1, deferrable=True
    ).expand(zuora_conn_id=["zuora_later_expired", "zuora_later_refused"])

    @task
    def show(params: dict) -> list[str]:
        """Show everything in the log, and as XCom, where Airflow masks nothing."""
        written = []
        for conn_id in params["connections"]:
            hook = ZuoraHook(conn_id)
            try:
                once(hook).accept(REQUEST)
            except ZuoraError as error:
                log.exception("%s failed", conn_id)
                written += shown(*chain(error))
            with suppress(ZuoraError):
                client = hook.client
                written += shown(hook, client, client.config, client.transport)
                written += [f"{client.oauth} {client.oauth!r}", *shown(client.oauth.token())]
        accept = AcceptEntityConnectionOperator(task_id="shown", connection_id=REQUEST)
        sensor = EntityConnectionSensor(task_id="shown_sensor", connection_id=REQUEST)
        triggers = [EntityConnectionTrigger(connection_id=REQUEST), EntityConnectionRequestTrigger()]
        written += shown(accept, sensor, *triggers, *(one.serialize() for one in triggers))
        print(*written, sep="\n")
        return written

    show()

    @task
    def escape() -> None:
        try:
            ZuoraHook("zuora_wrong_secret").list_entities()
        except ZuoraError as error:
            raise RuntimeError("A task of a user's own failed") from error

    escape()

    @task
    def careless() -> None:
        hook = ZuoraHook("zuora_expired_token")
        token, config = hook.client.oauth.token(), hook.client.config
        for secret in (config.client_id, config.client_secret, token.value):
            print("A careless author shows", secret)
            log.info("A careless author shows %s", secret)

    careless()


failures()

asset = Asset(
    "zuora_failing_requests",
    watchers=[
        AssetWatcher(
            name=conn_id, trigger=EntityConnectionRequestTrigger(zuora_conn_id=conn_id, poll_interval=PAUSE)
        )
        for conn_id in ("zuora_expired_token", "zuora_wrong_secret")
    ],
)


@dag(schedule=[asset])
def failing_watchers():
    @task
    def never() -> None: ...

    never()


failing_watchers()

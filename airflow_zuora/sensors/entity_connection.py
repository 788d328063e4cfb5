"""A sensor that waits for an entity connection, in a worker or deferred."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue, conf

from airflow_zuora import exceptions
from airflow_zuora.exceptions import EntityConnectionStateError, ZuoraError, ZuoraNotFoundError
from airflow_zuora.models import entity_uuid
from airflow_zuora.texts import shorten
from airflow_zuora.waiting import Wait

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import Context

    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.models import EntityConnection

ANY_ID = "0" * 32  # stands for an id that is known only when the task runs


class EntityConnectionSensor(BaseSensorOperator):
    """
    Wait until an entity connection has one of some statuses.

    A connection that cannot come to one of them any more fails the task at once, without retry. ``timeout``
    holds in both modes.

    :param connection_id: Zuora's id of the connection (templated); or
    :param source_entity_id: the entity that asks: any of its connections will do, also one that is not there
        yet (templated).
    :param statuses: the statuses to wait for, of Pending, Connected and Disconnected; default
        ``("Connected",)``.
    :param zuora_conn_id: Airflow connection of type ``zuora`` (templated, default ``zuora_default``).
    :param entity_id: entity to look from, instead of the connection's (templated).
    :param deferrable: whether to wait in the triggerer, which holds no worker; default from
        ``[operators] default_deferrable``.
    :param poke_interval: seconds between two looks, default 60.
    :return: dict with ``connection_id``, ``source_entity_id``, ``target_entity_id``, ``status``.
    """

    template_fields: Sequence[str] = ("connection_id", "source_entity_id", "zuora_conn_id", "entity_id")
    ui_color = "#d9f2ec"

    def __init__(
        self,
        *,
        connection_id: str | None = None,
        source_entity_id: str | None = None,
        statuses: Collection[str] = ("Connected",),
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connection_id = connection_id
        self.source_entity_id = source_entity_id
        self.statuses = statuses
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.deferrable = deferrable
        Wait.checked(_known(connection_id), _known(source_entity_id), statuses)
        if entity_id is not None:
            entity_uuid(_known(entity_id))

    @cached_property
    def hook(self) -> ZuoraHook:
        """The way to Zuora; imported when the task runs, so that parsing a DAG loads no HTTP library."""
        from airflow_zuora.hooks.zuora import ZuoraHook

        return ZuoraHook(self.zuora_conn_id, entity_id=self.entity_id)

    @property
    def wait(self) -> Wait:
        """What is waited for, checked."""
        return Wait.checked(self.connection_id, self.source_entity_id, self.statuses)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        found = self._look()
        return PokeReturnValue(found is not None, xcom_value=found and found.as_dict())

    def execute(self, context: Context) -> Any:
        """Wait; a connection that has the status already costs no deferral."""
        if not self.deferrable:
            return super().execute(context)
        if found := self._look():
            return found.as_dict()
        return self.defer(
            trigger=self._trigger(), method_name="execute_complete", timeout=timedelta(seconds=self.timeout)
        )

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, str]:
        """
        Take the event of the trigger.

        :raises ZuoraError: the class that the trigger met; what will not go away is not retried.
        """
        match event:
            case {"error": str(name), "message": str(message)}:
                kind = getattr(exceptions, name, None)
                if isinstance(kind, type) and issubclass(kind, ZuoraError):
                    raise kind(message)
                raise ZuoraError(f"{name}: {message}")
            case {"connection": {"connection_id": str(), "status": str()} as found}:
                connection: dict[str, str] = found
                self.log.info("Entity connection %(connection_id)s is %(status)s", connection)
                return connection
        raise ZuoraError(f"The trigger gave an event that is none: {shorten(event)}")

    def _look(self) -> EntityConnection | None:
        try:
            return self.wait.look(self.hook.list_entity_connections())
        except (EntityConnectionStateError, ZuoraNotFoundError):
            # The list may have changed between two of its pages.
            return self.wait.look(self.hook.list_entity_connections())

    def _trigger(self) -> Any:
        from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger

        return EntityConnectionTrigger(
            zuora_conn_id=self.zuora_conn_id,
            entity_id=self.entity_id,
            connection_id=self.connection_id,
            source_entity_id=self.source_entity_id,
            statuses=[str(status) for status in self.statuses],
            poll_interval=self.poke_interval,
        )


def _known(id_: Any) -> Any:
    """Give an id, or one that passes every check in place of what only the running task knows."""
    is_known = id_ is None or (isinstance(id_, str) and "{{" not in id_ and "{%" not in id_)
    return id_ if is_known else ANY_ID

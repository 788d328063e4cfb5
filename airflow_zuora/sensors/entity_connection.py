"""A sensor that waits for an entity connection, in a worker or in the triggerer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_zuora.arguments import ANY, NOT_GIVEN, check_flag
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraError,
    ZuoraValueError,
)
from airflow_zuora.operators.base import ZuoraOperator, check_connection_id, check_entity
from airflow_zuora.texts import shorten
from airflow_zuora.transitions import ConnectionIndex, Wait, check_statuses
from airflow_zuora.triggers.interval import check_interval

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.models import EntityConnection


class EntityConnectionSensor(ZuoraOperator, BaseSensorOperator):
    """
    Wait until an entity connection reaches one of some statuses.

    The task fails at once, without retry, if the connection can no longer reach any of them, for example
    because the request was denied. ``soft_fail``, ``never_fail``, ``timeout`` and ``retries`` mean the same
    whether the sensor pokes, is rescheduled or is deferred.

    The connections of one entity are read: ``entity_id``, else the target entity, else the Airflow
    connection's. If none of them is known and the OAuth client may act for several entities, a
    ``connection_id`` is looked for in each of them once, and then in its target entity; beside
    ``source_entity`` alone, set ``entity_id``, for example to the source.

    :param connection_id: Zuora's id of the connection (templated). Give either this or the entities.
    :param source_entity: Id or name of the entity that sends the request (templated).
    :param target_entity: Id or name of the entity that decides on it (templated). Each connection between the
        two counts, also one that does not exist yet. Each of the three may be ``*``, which means any, so that
        a form can leave it open.
    :param statuses: Statuses to wait for: any of Pending, Connected and Disconnected. Default
        ``("Connected",)``.
    :param deferrable: Whether to wait in the triggerer, which occupies no worker slot. Default from the
        setting ``[operators] default_deferrable``.
    :param poke_interval: Seconds between two reads, or a timedelta; default 60.
    :return: dict with ``connection_id``, ``source_entity_id``, ``target_entity_id`` and ``status``.
    """

    template_fields: Sequence[str] = (
        "connection_id",
        "source_entity",
        "target_entity",
        *ZuoraOperator.template_fields,
    )

    def __init__(
        self,
        *,
        connection_id: str | None = NOT_GIVEN,
        source_entity: str | None = NOT_GIVEN,
        target_entity: str | None = NOT_GIVEN,
        statuses: Collection[str] = ("Connected",),
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = 60,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=check_interval(poke_interval, "poke_interval"), **kwargs)
        self.connection_id = self.argument("connection_id", connection_id, check_connection_id)
        self.source_entity = self.argument("source_entity", source_entity, check_entity)
        self.target_entity = self.argument("target_entity", target_entity, check_entity)
        if not self.is_given("connection_id", "source_entity", "target_entity"):
            raise ZuoraValueError("Give connection_id, source_entity or target_entity")
        if self._is_set("connection_id") and (self._is_set("source_entity") or self._is_set("target_entity")):
            raise ZuoraValueError("Give either connection_id, or the entities")
        check_statuses(statuses)
        self.statuses = statuses
        self.deferrable = self.argument("deferrable", deferrable, check_flag, False)

        self._search: _Search | None = None  # until the first read

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped sensor; a wrong interval is refused when the DAG is parsed."""
        if "poke_interval" in kwargs:
            check_interval(kwargs["poke_interval"], "poke_interval")
        return super().partial(**kwargs)

    @classmethod
    def check_mapping(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse wrong intervals that the sensor is mapped over when the DAG is parsed."""
        intervals = arguments.get("poke_interval")
        for interval in intervals if isinstance(intervals, (list, tuple)) else ():
            check_interval(interval, "poke_interval")

    @property
    def instance_name(self) -> str:
        """What a mapped task instance is about."""
        if self.connection_id in (None, ANY):
            return f"{self.source_entity or ANY} to {self.target_entity or ANY}"
        return str(self.connection_id)

    def poke(self, context: Context) -> PokeReturnValue:
        """Read the connections once. A deferrable sensor waits in the triggerer from then on."""
        try:
            search, found = self._read(context)
        except (EntityConnectionStateError, EntityConnectionNotFoundError):
            # Read once more before giving up: the list may have changed between two of its pages.
            search, found = self._read(context)
        seconds_left = self.timeout - (time.monotonic() - search.begun_at)
        if found is None and self.deferrable and seconds_left > 0:
            self.defer(
                trigger=self._trigger(search),
                method_name="execute_complete",
                timeout=timedelta(seconds=seconds_left),
            )
        return PokeReturnValue(found is not None, xcom_value=found and found.as_dict())

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """End a deferral with what the same error ends in while a sensor pokes."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as skip:
            error = skip.__cause__
            if error is None or self._skips_after(error):
                raise
        raise error

    def execute_complete(self, context: Context, event: dict[str, Any] | None) -> dict[str, str]:
        """
        Return the connection that the trigger found, or raise the error that it met.

        :param context: Context of the task.
        :param event: Payload of the trigger's event.
        :raises ZuoraError: The trigger's error, of the same class and with the same facts.
        """
        match event or {}:
            case {"error": str(), "message": str()} as error:
                raise ZuoraError.from_dict(error)
            case {"connection": {"connection_id": str(), "status": str()} as found}:
                connection: dict[str, str] = found
                self.log.info("Entity connection %(connection_id)s is %(status)s", connection)
                return connection
        raise ZuoraError(
            f"The trigger sent an unexpected event: {shorten(event)}. Check that workers and triggerers have "
            "the same version of airflow-zuora, and clear the task."
        )

    def _is_set(self, name: str) -> bool:
        """Whether an argument has a value when the DAG is parsed already."""
        value = getattr(self, name)
        return self.is_given(name) and value != ANY and self._is_known(name, value)

    def _read(self, context: Context) -> tuple[_Search, EntityConnection | None]:
        search = self._search = self._search or self._begin(context)
        return search, search.wait.match(ConnectionIndex(search.hook.list_entity_connections()))

    def _begin(self, context: Context) -> _Search:
        """Find out what is waited for, and in which entity."""
        begun_at = time.monotonic()
        hook = self.make_hook(context)
        connection_id = self.choice("connection_id")
        source, target = hook.entity_connections.resolve_entities(
            self.choice("source_entity"), self.choice("target_entity")
        )
        wait = Wait.checked(connection_id, source, target, self.statuses)
        if hook.entity_id is None:
            acting = target
            if connection_id is not None and not hook.client.has_entity():
                acting = hook.get_entity_connection(connection_id).target_entity_id
            hook = hook.for_entity(acting) if acting else hook
        return _Search(wait, hook, begun_at)

    def _trigger(self, search: _Search) -> Any:
        from airflow_zuora.triggers.entity_connection import EntityConnectionTrigger

        return EntityConnectionTrigger(
            zuora_conn_id=self.zuora_conn_id,
            entity_id=search.hook.entity_id,
            connection_id=search.wait.connection_id,
            source_entity_id=search.wait.source_entity_id,
            target_entity_id=search.wait.target_entity_id,
            statuses=sorted(search.wait.statuses),
            poll_interval=self.poke_interval,
        )

    def _skips_after(self, error: BaseException) -> bool:
        """Whether an error means skipped, as in the ``execute`` of Airflow's sensors."""
        if self.soft_fail:
            return isinstance(error, (AirflowFailException, AirflowSensorTimeout))
        return not isinstance(error, AirflowSensorTimeout)  # never_fail is about the reads


@dataclass(frozen=True, slots=True)
class _Search:
    """
    A wait that has begun, with what reads the connections.

    :param wait: What is waited for.
    :param hook: Reads the connections of the entity in which it is looked for.
    :param begun_at: When it began, in seconds of :func:`time.monotonic`.
    """

    wait: Wait
    hook: ZuoraHook
    begun_at: float

"""What all operators share: the hook and the track id."""

from __future__ import annotations

import hashlib
import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions.mappedoperator import OperatorPartial

from airflow_zuora.arguments import ANY, NOT_GIVEN, CheckedArguments, check_conn_id
from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.models import MAX_TRACK_ID, check_track_id, entity_uuid, zuora_id
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.models import EntityConnection

# Names the instances of a mapped task in the Airflow UI, which stores 250 characters.
INSTANCE_NAME = "{{ task.instance_name[:250] }}"


class CheckedPartial(OperatorPartial):
    """A mapped task that is being made, and that checks what it is mapped over."""

    __slots__ = ()

    def expand(self, **mapped_kwargs: Any) -> MappedOperator:
        """Map over arguments; a wrong one is refused when the DAG is parsed."""
        kind: Any = self.operator_class
        kind.check_mapping(mapped_kwargs)
        return super().expand(**mapped_kwargs)


class ZuoraOperator(CheckedArguments, BaseOperator):
    """
    Base class of the Zuora operators.

    :param zuora_conn_id: Airflow connection of type ``zuora``, default ``zuora_default`` (templated).
    :param entity_id: Entity that the calls act for, 32 hex digits; the connection's by default (templated).
    :param track_id: ``Zuora-Track-Id`` of the calls, by which Zuora's support finds them (templated). The
        default is readable: DAG, task, map index, run and try, shortened with a hash where needed.
    """

    template_fields: Sequence[str] = ("zuora_conn_id", "entity_id", "track_id")
    ui_color = "#d9f2ec"

    def __init__(
        self,
        *,
        zuora_conn_id: str = NOT_GIVEN,
        entity_id: str | None = NOT_GIVEN,
        track_id: str | None = NOT_GIVEN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.check_dag(kwargs)
        if self.map_index_template is None and self.get_closest_mapped_task_group() is not None:
            self.map_index_template = INSTANCE_NAME
        self.zuora_conn_id = self.argument("zuora_conn_id", zuora_conn_id, check_conn_id, "zuora_default")
        self.entity_id = self.argument("entity_id", entity_id, entity_uuid)
        self.track_id = self.argument("track_id", track_id, check_track_id)

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped task, whose instances are named after what they are about."""
        defaults = kwargs.get("default_args") or {}
        # Airflow would drop those of them that are not BaseOperator's own.
        declared = {name: defaults[name] for name in _declared_arguments(cls) & defaults.keys()}
        kwargs = {"map_index_template": INSTANCE_NAME, **declared, **kwargs}
        cls.check_mapping(kwargs)
        made: OperatorPartial = super().partial(**kwargs)
        made.__class__ = CheckedPartial
        return made

    @classmethod
    def check_mapping(cls, arguments: Mapping[str, Any]) -> None:
        """
        Check the arguments of a mapped task when the DAG is parsed; an operator says which.

        :param arguments: Those of ``partial()``, then those of ``expand()``.
        :raises ZuoraValueError: If one is wrong.
        """

    @property
    def instance_name(self) -> str:
        """Name of a mapped task instance in the Airflow UI."""
        return str(self.entity_id or self.zuora_conn_id)

    def make_hook(self, context: Context) -> ZuoraHook:
        """
        Return a hook for this try of the task.

        It is imported when the task runs, so that parsing a DAG loads no HTTP library.
        """
        from airflow_zuora.hooks.zuora import ZuoraHook

        track_id = self.value("track_id") or default_track_id(context)
        return ZuoraHook(self.value("zuora_conn_id"), entity_id=self.value("entity_id"), track_id=track_id)


def check_connection_id(connection_id: Any, name: str) -> None:
    """Accept an id of Zuora, or ``*`` for any."""
    if connection_id != ANY:
        zuora_id(connection_id, name)


def check_entity(entity: Any, name: str) -> None:
    """
    Accept the id or the name of an entity, or ``*`` for any.

    :raises ZuoraValueError: Unless it is a string that is not empty.
    """
    if not isinstance(entity, str) or not entity.strip():
        raise ZuoraValueError(f"{name} must be the id or the name of an entity, not {shorten(entity)}")


def check_parties(
    connection: EntityConnection, source_entity_id: str | None, target_entity_id: str | None
) -> None:
    """
    Check that a connection is between the entities that were given with its id.

    :raises ZuoraValueError: If it is not.
    """
    source, target = connection.parties
    if source_entity_id not in (None, source) or target_entity_id not in (None, target):
        raise ZuoraValueError(
            f"Entity connection {connection.id} is from entity {source} to entity {target}, and not between "
            "the entities that are given: give either its id or the entities"
        )


@cache
def _declared_arguments(kind: type[BaseOperator]) -> frozenset[str]:
    """Name the arguments that an operator takes beyond those of ``BaseOperator``."""
    kinds = [one for one in kind.mro() if issubclass(one, BaseOperator) and one is not BaseOperator]
    return frozenset(name for one in kinds for name in inspect.signature(one.__init__).parameters)


def default_track_id(context: Context) -> str:
    """Name the try of a task instance within Zuora's rule: 64 characters, no ``: ; " '``."""
    ti = context["ti"]
    mapped = f"[{ti.map_index}]" if ti.map_index is not None and ti.map_index >= 0 else ""
    full = f"{ti.dag_id}.{ti.task_id}{mapped}.{ti.run_id}.{ti.try_number}"
    readable = re.sub(r"[^!#-&(-9<-~]", "-", full)
    if readable == full and len(full) <= MAX_TRACK_ID:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()[:8]
    return f"{readable[: MAX_TRACK_ID - len(digest) - 1]}-{digest}"

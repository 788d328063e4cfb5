"""What all operators share: the way to Zuora and the track id."""

from __future__ import annotations

import hashlib
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_zuora.api import check_track_id
from airflow_zuora.exceptions import ZuoraConfigError
from airflow_zuora.models import entity_uuid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airflow.sdk import Context

    from airflow_zuora.hooks.zuora import ZuoraHook

MAX_TRACK_ID = 64


class ZuoraOperator(BaseOperator):
    """
    What all Zuora operators share.

    :param zuora_conn_id: Airflow connection of type ``zuora`` (templated, default ``zuora_default``).
    :param entity_id: entity that the calls are for, instead of the connection's (templated).
    :param track_id: ``Zuora-Track-Id`` of the calls, by which Zuora's support finds them (templated). By
        default readable: dag, task, map index, run and try, shortened with a hash where needed.
    """

    template_fields: Sequence[str] = ("zuora_conn_id", "entity_id", "track_id")
    ui_color = "#d9f2ec"

    def __init__(
        self,
        *,
        zuora_conn_id: str = "zuora_default",
        entity_id: str | None = None,
        track_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self._names_entity = entity_id is not None
        self.track_id = track_id
        if entity_id is not None:
            self.check_early(entity_id, entity_uuid)
        if track_id is not None:
            self.check_early(track_id, check_track_id)

    @staticmethod
    def check_early(value: Any, check: Callable[[Any], object]) -> None:
        """Check a value while the DAG is parsed, unless it is known only when the task runs."""
        is_text = isinstance(value, str) and "{{" not in value and "{%" not in value
        if value is None or isinstance(value, bool) or is_text:
            check(value)

    @cached_property
    def hook(self) -> ZuoraHook:
        """The way to Zuora; imported when the task runs, so that parsing a DAG loads no HTTP library."""
        from airflow_zuora.hooks.zuora import ZuoraHook

        if self._names_entity and self.entity_id is None:
            raise ZuoraConfigError("entity_id was given, but its value is missing")
        return ZuoraHook(self.zuora_conn_id, entity_id=self.entity_id, track_id=self.track_id)

    def pre_execute(self, context: Context) -> None:
        """Give the calls of this try their track id."""
        super().pre_execute(context)
        if self.track_id is None:
            self.track_id = default_track_id(context)


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

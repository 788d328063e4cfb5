"""Operators for Zuora's entity connections. They say what; the hook knows how."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_zuora.api import path_id
from airflow_zuora.exceptions import ZuoraConfigError
from airflow_zuora.models import EntityConnectionStatus, entity_uuid
from airflow_zuora.operators.approved import ApprovedOperator
from airflow_zuora.operators.base import ZuoraOperator
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

check_connection_id = partial(path_id, what="connection_id")
check_expected_source = partial(entity_uuid, what="expected_source_entity_id")
check_target = partial(entity_uuid, what="target_entity_id")


class AcceptEntityConnectionOperator(ApprovedOperator):
    """
    Accept a Pending entity connection in the target entity, after a human approved it.

    It may run again at any time: a connection that is Connected already is a success, and an accept whose
    answer was lost is looked up before it is sent again.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsaccept

    :param connection_id: Zuora's id of the connection (templated).
    :param expected_source_entity_id: accept only if the request still comes from this entity, the one that
        the human saw (templated).
    :return: dict with ``connection_id``, ``source_entity_id``, ``target_entity_id``, ``status``,
        ``previous_status``, ``changed``, ``approved_by``, ``approved_at``, ``track_id``, ``request_id``.
    """

    template_fields: Sequence[str] = (
        "connection_id",
        "expected_source_entity_id",
        *ApprovedOperator.template_fields,
    )

    def __init__(
        self, *, connection_id: str, expected_source_entity_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.connection_id = connection_id
        self.expected_source_entity_id = expected_source_entity_id
        self._expects_source = expected_source_entity_id is not None
        self.check_early(connection_id, check_connection_id)
        if self._expects_source:
            self.check_early(expected_source_entity_id, check_expected_source)

    def execute(self, context: Context) -> dict[str, Any]:
        """Accept, and say so in one line that an auditor can read."""
        approvals = self.require_approval(context)
        if self._expects_source and self.expected_source_entity_id is None:
            raise ZuoraConfigError("expected_source_entity_id was given, but its value is missing")
        change = self.hook.accept_entity_connection(
            self.connection_id, expected_source_entity_id=self.expected_source_entity_id
        )
        return self.record(change, approvals)


class DenyEntityConnectionOperator(ApprovedOperator):
    """
    Deny a Pending entity connection in the target entity.

    Zuora shows a denied request as Disconnected or takes it off the list; then a task that is run once more
    finds none and fails, because it cannot tell a denied request from a wrong id.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdeny

    :param connection_id: Zuora's id of the connection (templated).
    :return: dict as of :class:`AcceptEntityConnectionOperator`.
    """

    template_fields: Sequence[str] = ("connection_id", *ApprovedOperator.template_fields)

    def __init__(self, *, connection_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection_id = connection_id
        self.check_early(connection_id, check_connection_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Deny, and say so in one line that an auditor can read."""
        approvals = self.require_approval(context)
        return self.record(self.hook.deny_entity_connection(self.connection_id), approvals)


class DisconnectEntityConnectionOperator(ApprovedOperator):
    """
    Disconnect a Connected entity connection, from either side. **This cannot be undone.**

    Shared objects become the target entity's own, and their mapping to the source's cannot be recovered.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdisconnect

    :param connection_id: Zuora's id of the connection (templated).
    :param confirm: must be true (templated, so that a form can ask for it).
    :return: dict as of :class:`AcceptEntityConnectionOperator`.
    """

    template_fields: Sequence[str] = ("connection_id", "confirm", *ApprovedOperator.template_fields)

    def __init__(self, *, connection_id: str, confirm: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.connection_id = connection_id
        self.confirm = confirm
        self.check_early(connection_id, check_connection_id)
        self.check_early(confirm, check_confirmed)

    def execute(self, context: Context) -> dict[str, Any]:
        """Disconnect, and say so in one line that an auditor can read."""
        check_confirmed(self.confirm)
        approvals = self.require_approval(context)
        return self.record(self.hook.disconnect_entity_connection(self.connection_id), approvals)


def check_confirmed(confirm: Any) -> None:
    """Let go on only with ``True``, or the text ``True`` that a template makes of it."""
    if confirm is not True and confirm != "True":
        raise ZuoraConfigError(
            "Disconnecting cannot be undone: shared objects lose their mapping, and it cannot be recovered. "
            f"Give confirm=True if that is what you want, not {shorten(confirm)}."
        )


class InitiateEntityConnectionOperator(ApprovedOperator):
    """
    Ask another entity for a connection, in the name of the source entity.

    A Pending or Connected connection of the same pair is left as it is. Retries of the task send the same
    ``Idempotency-Key``; Zuora gives its first answer to a key again for 24 hours, also if it was a refusal.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/post_entityconnections

    :param target_entity_id: the entity that is asked (templated).
    :return: dict as of :class:`AcceptEntityConnectionOperator`; ``status`` is Pending for a new request, and
        ``previous_status`` is ``None`` where there was none.
    """

    template_fields: Sequence[str] = ("target_entity_id", *ApprovedOperator.template_fields)

    def __init__(self, *, target_entity_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_entity_id = target_entity_id
        self.check_early(target_entity_id, check_target)

    def execute(self, context: Context) -> dict[str, Any]:
        """Ask, and say so in one line that an auditor can read."""
        approvals = self.require_approval(context)
        change = self.hook.initiate_entity_connection(
            self.target_entity_id, idempotency_key=idempotency_key(context)
        )
        return self.record(change, approvals)


def idempotency_key(context: Context) -> str:
    """Give a key that all tries of a task instance share."""
    ti = context["ti"]
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"))


def check_direction(connection_type: Any) -> None:
    """Refuse what the hook would refuse when the task runs."""
    if connection_type not in (None, "inbound", "outbound"):
        raise ZuoraConfigError(f"connection_type must be inbound or outbound, not {shorten(connection_type)}")


class ListEntityConnectionsOperator(ZuoraOperator):
    """
    List the entity connections of an entity, ready for ``expand``.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

    :param connection_type: ``inbound`` (default), ``outbound``, or ``None`` for both (templated).
    :param status: only connections of this status; ``None`` (default) for all (templated).
    :return: list of dicts with ``connection_id``, ``source_entity_id``, ``source_name``,
        ``target_entity_id``, ``target_name``, ``status``. Airflow maps over 1024 of them at most
        (``[core] max_map_length``).
    """

    template_fields: Sequence[str] = ("connection_type", "status", *ZuoraOperator.template_fields)

    def __init__(
        self, *, connection_type: str | None = "inbound", status: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.connection_type = connection_type
        self.status = status
        self.check_early(connection_type, check_direction)
        if status is not None:
            self.check_early(status, EntityConnectionStatus.parse)

    def execute(self, context: Context) -> list[dict[str, str]]:
        """List, with the names of the entities."""
        found = self.hook.list_entity_connections(self.connection_type, self.status)
        entities = self.hook.list_entities() if found else []
        self.log.info("Found %s entity connections", len(found))
        return [connection.as_dict(entities) for connection in found]

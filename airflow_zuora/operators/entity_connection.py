"""Operators for Zuora's entity connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_zuora.arguments import NOT_GIVEN, check_flag
from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.models import EntityConnectionStatus, entity_uuid
from airflow_zuora.operators.base import ZuoraOperator
from airflow_zuora.operators.change import EntityConnectionChangeOperator
from airflow_zuora.texts import shorten
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


class AcceptEntityConnectionOperator(EntityConnectionChangeOperator):
    """
    Accept a Pending entity connection in its target entity, after a person approved it.

    It may run again at any time: a connection that is Connected already is a success, and after a lost answer
    the state is read before anything is sent.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsaccept

    :param connection_id: Zuora's id of the connection (templated). May be left out if the approval names only
        one, or if both entities are given.
    :param source_entity: Id or name of the entity that sent the request (templated). With an approval, it
        selects among its connections; with ``connection_id``, it has to agree.
    :param target_entity: Id or name of the entity that decides on it, in the same way (templated).
    :param approval: The output of a :class:`~airflow_zuora.operators.review.ReviewEntityConnectionOperator`,
        or a list of several (templated).
    :return: dict with ``connection_id``, ``source_entity_id``, ``source_name``, ``target_entity_id``,
        ``target_name``, ``status``, ``previous_status``, ``changed``, ``approved_by``, ``approved_at``,
        ``reason``, ``track_id``, ``request_id``.
    """

    transition = ACCEPT


class DenyEntityConnectionOperator(EntityConnectionChangeOperator):
    """
    Deny a Pending entity connection in its target entity, after a person chose *Deny*.

    Zuora shows a denied request as Disconnected or removes it from the list; then a task that is run once
    more finds none and fails, because it cannot tell a denied request from a wrong id.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdeny

    :param connection_id: As of :class:`AcceptEntityConnectionOperator`.
    :param approval: As of :class:`AcceptEntityConnectionOperator`; the review has to offer *Deny*.
    :return: dict as of :class:`AcceptEntityConnectionOperator`.
    """

    transition = DENY


class DisconnectEntityConnectionOperator(EntityConnectionChangeOperator):
    """
    Disconnect a Connected entity connection, from either side. **This cannot be undone.**

    Shared objects become the target entity's own, and their mapping to the source's cannot be recovered.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdisconnect

    :param connection_id: As of :class:`AcceptEntityConnectionOperator`.
    :param approval: As of :class:`AcceptEntityConnectionOperator`; of a review with ``change="disconnect"``.
    :param confirm: Must be true where no approval is given (templated, so that a form can ask for it).
    :return: dict as of :class:`AcceptEntityConnectionOperator`.
    """

    transition = DISCONNECT
    template_fields: Sequence[str] = ("confirm", *EntityConnectionChangeOperator.template_fields)

    def __init__(self, *, confirm: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.confirm = (
            confirm if self.is_guarded else self.argument("confirm", confirm, check_confirmed, False)
        )

    def execute(self, context: Context) -> dict[str, Any]:
        """Disconnect the connection, and return the record of it."""
        if not self.is_guarded:
            check_confirmed(self.confirm)
        return super().execute(context)


def check_confirmed(confirm: Any, _name: str = "confirm") -> None:
    """Accept only ``True``, or the text ``True`` that a template makes of it."""
    if confirm is not True and confirm != "True":
        raise ZuoraValueError(
            "Disconnecting cannot be undone: shared objects lose their mapping for good. Give an approval, "
            f"or confirm=True if that is what you want, not {shorten(confirm)}."
        )


class InitiateEntityConnectionOperator(ZuoraOperator):
    """
    Request a connection from another entity, in the name of the source entity.

    A Pending or Connected connection of the same pair stays as it is. Each field of the result is also an
    XCom of its own: ``initiate.output["connection_id"]``.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/post_entityconnections

    :param target_entity_id: The entity that decides on the request, 32 hex digits (templated).
    :return: dict with ``connection_id``, ``source_entity_id``, ``target_entity_id``, ``status`` (Pending for
        a new request), ``previous_status`` (``None`` where there was none), ``changed``, ``track_id``,
        ``request_id``.
    """

    template_fields: Sequence[str] = ("target_entity_id", *ZuoraOperator.template_fields)

    def __init__(self, *, target_entity_id: str, multiple_outputs: bool = True, **kwargs: Any) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **kwargs)
        self.target_entity_id = self.argument("target_entity_id", target_entity_id, entity_uuid, NOT_GIVEN)

    def execute(self, context: Context) -> dict[str, Any]:
        """Send the request, unless the two entities have a connection, and log audit lines."""
        hook, target = self.make_hook(context), self.value("target_entity_id")
        # Before it is sent, so that a try that is killed in between has said so.
        self.log.info(
            "Requesting a connection to entity %s unless there is one, Zuora-Track-Id %s",
            target,
            hook.track_id,
        )
        change = hook.initiate_entity_connection(target)
        result = {**change.as_dict(), "track_id": hook.track_id}
        self.log.info(
            "Entity connection %(connection_id)s from entity %(source_entity_id)s to entity "
            "%(target_entity_id)s is %(status)s (changed: %(changed)s), track id %(track_id)s, request id "
            "%(request_id)s",
            result,
        )
        return result


def check_direction(connection_type: Any, name: str) -> None:
    """Accept ``inbound``, ``outbound`` and ``None``."""
    if connection_type not in (None, "inbound", "outbound"):
        raise ZuoraValueError(f"{name} must be inbound or outbound, not {shorten(connection_type)}")


class ListEntityConnectionsOperator(ZuoraOperator):
    """
    List the entity connections of an entity.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

    :param connection_type: ``inbound`` (default), ``outbound``, or ``None`` for both (templated).
    :param status: Only connections of this status; ``None`` (default) for all (templated).
    :param all_entities: Whether to list the Pending inbound requests of every entity that the OAuth client
        may act for, default false. An entity that may not be read is named in the log.
    :return: list of dicts with ``connection_id``, ``source_entity_id``, ``source_name``,
        ``target_entity_id``, ``target_name``, ``status``. Airflow maps over 1024 of them at most
        (``[core] max_map_length``).
    """

    template_fields: Sequence[str] = ("connection_type", "status", *ZuoraOperator.template_fields)

    def __init__(
        self,
        *,
        connection_type: str | None = "inbound",
        status: str | None = NOT_GIVEN,
        all_entities: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.connection_type = self.argument("connection_type", connection_type, check_direction)
        self.status = self.argument("status", status, EntityConnectionStatus.parse)
        self.all_entities = self.argument("all_entities", all_entities, check_flag, False)
        if all_entities and (connection_type, self.status) not in (("inbound", None), ("inbound", "Pending")):
            raise ZuoraValueError(
                "all_entities lists Pending inbound requests: leave out connection_type and status"
            )
        if all_entities and self.is_given("entity_id"):
            raise ZuoraValueError("all_entities reads every entity: leave out entity_id, or all_entities")

    def execute(self, context: Context) -> list[dict[str, str]]:
        """List, with the names of the entities."""
        hook = self.make_hook(context)
        if self.all_entities:
            found = hook.list_pending_requests()
        else:
            found = hook.list_entity_connections(self.value("connection_type"), self.value("status"))
        entities = hook.list_entities() if found else []
        self.log.info("Found %s entity connections", len(found))
        return [connection.as_dict(entities) for connection in found]

"""One method for each change that Zuora's Entity Connections know."""

from __future__ import annotations

from typing import Any, cast

from airflow_zuora.api import request_headers
from airflow_zuora.exceptions import (
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraError,
    ZuoraOutcomeUnknownError,
    ZuoraResponseError,
)
from airflow_zuora.hooks.changes import change_once
from airflow_zuora.hooks.listing import CONNECTIONS, EntityConnectionsListHook
from airflow_zuora.models import EntityConnection, EntityConnectionChange, EntityConnectionStatus, entity_hex
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT, Transition

STANDING = (EntityConnectionStatus.PENDING, EntityConnectionStatus.CONNECTED)


class EntityConnectionsHook(EntityConnectionsListHook):
    """
    The operations of Zuora's Entity Connections; see :class:`airflow_zuora.hooks.zuora.ZuoraHook`.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/
    """

    def accept_entity_connection(
        self, connection_id: str, *, expected_source_entity_id: str | None = None
    ) -> EntityConnectionChange:
        """
        Accept a Pending inbound request. One that is Connected already is left as it is.

        It may be called again at any time: where an answer was lost, the state decides.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsaccept

        :param connection_id: Zuora's id of the connection.
        :param expected_source_entity_id: accept only if the request comes from this entity.
        :raises EntityConnectionStateError: if it is neither Pending nor Connected, not inbound here, or comes
            from another entity.
        :raises ZuoraOutcomeUnknownError: if neither an answer nor the state tells whether it took effect.
        :raises ZuoraError: the subclass that says what went wrong.
        """
        if expected_source_entity_id is not None:
            entity_hex(expected_source_entity_id, "expected_source_entity_id")
        return self._change(ACCEPT, connection_id, expected_source_entity_id)

    def deny_entity_connection(self, connection_id: str) -> EntityConnectionChange:
        """
        Deny a Pending inbound request. Zuora may show it as Disconnected or take it off the list.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdeny

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionStateError: if it is Connected, or not inbound here.
        :raises ZuoraNotFoundError: if there is none; Zuora may have taken it off the list when it was denied.
        :raises ZuoraOutcomeUnknownError: if neither an answer nor the state tells whether it took effect.
        """
        return self._change(DENY, connection_id)

    def disconnect_entity_connection(self, connection_id: str) -> EntityConnectionChange:
        """
        Disconnect a Connected connection, from either side. **This cannot be undone.**

        Shared objects become the target's own; their mapping to the source's cannot be recovered later.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdisconnect

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionStateError: if it is Pending.
        :raises ZuoraOutcomeUnknownError: if neither an answer nor the state tells whether it took effect.
        """
        return self._change(DISCONNECT, connection_id)

    def initiate_entity_connection(
        self, target_entity_id: str, *, idempotency_key: str | None = None
    ) -> EntityConnectionChange:
        """
        Ask another entity for a connection, unless a request or connection of the same pair exists.

        Zuora may answer with a request that has ended long ago, so the list is read once more after it.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/post_entityconnections

        :param target_entity_id: the entity that is asked, 32 hex digits, with or without hyphens.
        :param idempotency_key: sent as ``Idempotency-Key``, 1 to 255 characters; Zuora gives its first answer
            again for 24 hours, also a refusal.
        :return: the request, Pending if it is new; ``previous_status`` is ``None`` where there was none.
        :raises ZuoraConfigError: if the target is the source itself.
        :raises EntityConnectionStateError: if Zuora names a request, but none stands.
        :raises ZuoraOutcomeUnknownError: if neither an answer nor the state tells whether it took effect.
        """
        target = entity_hex(target_entity_id, "target_entity_id")
        request_headers("POST", self.track_id, idempotency_key)
        source = self.find_entity()
        if source is None:
            raise ZuoraConfigError(
                "Only an entity can ask for a connection; give entity_id, the source entity"
            )
        if entity_hex(source) == target:
            raise ZuoraConfigError(f"target_entity_id {target} is the entity that asks; give another one")

        def stands(one: EntityConnection) -> bool:
            return one.target_entity_id == target and one.status in STANDING

        def find(before: EntityConnection | None) -> EntityConnection | None:
            return self._look_for(stands, "outbound")

        def send(found: EntityConnection | None) -> tuple[EntityConnection | None, str | None]:
            answer = self._send_change("POST", CONNECTIONS, {"targetEntityId": target}, idempotency_key)
            row = {**answer, "sourceEntityId": source, "targetEntityId": target, "status": "Pending"}
            try:
                sent = EntityConnection.from_api(row)
            except ZuoraResponseError as error:
                raise ZuoraOutcomeUnknownError(f"{error}", request_id=answer["requestId"]) from error
            try:
                ours = self._look_for(lambda one: one.id == sent.id and stands(one), "outbound")
                standing = ours or find(None)
            except ZuoraError as error:
                raise ZuoraOutcomeUnknownError(
                    f"Zuora took request {sent.id}, but it cannot be seen: {error}",
                    retry_after=error.retry_after,
                    request_id=answer["requestId"],
                ) from error
            if standing is None:
                raise EntityConnectionStateError(
                    f"Zuora names request {sent.id} to entity {target}, but none stands: it has ended, or "
                    "Zuora gave its answer to an earlier request of the same Idempotency-Key again. Use "
                    "another idempotency_key (a new DAG run has one), or wait until the key is 24 hours old."
                )
            return standing, answer["requestId"]

        outcome = change_once(self, find=find, is_done=lambda found: found is not None, send=send)
        return EntityConnectionChange.of(
            cast("EntityConnection", outcome.after),  # both find when it is done, and send, give one
            outcome.before.status if outcome.before else None,
            changed=outcome.changed,
            request_id=outcome.request_id,
        )

    def _change(
        self, transition: Transition, connection_id: str, expected_source: str | None = None
    ) -> EntityConnectionChange:
        def find(before: EntityConnection | None) -> EntityConnection:
            found = self._look_up(connection_id)
            if found is None:
                if before is None or not transition.may_vanish:
                    raise self._missing(connection_id)
                return before.moved_to(transition.end)
            transition.check(found, self.find_entity(), expected_source)
            return found

        def send(found: EntityConnection) -> tuple[EntityConnection, str | None]:
            answer = self._send_change("PUT", f"{CONNECTIONS}/{connection_id}/{transition.verb}", {})
            return found.moved_to(transition.end), answer["requestId"]

        outcome = change_once(
            self, find=find, is_done=lambda found: found.status is transition.end, send=send
        )
        return EntityConnectionChange.of(
            outcome.after, outcome.before.status, changed=outcome.changed, request_id=outcome.request_id
        )

    def _send_change(
        self, method: str, path: str, body: dict[str, Any], idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """
        Send a change that Zuora must confirm.

        The body is always there, ``{}`` as in Zuora's samples: without one Zuora may answer HTTP 415.
        """
        answer = self.request(method, path, json=body, idempotency_key=idempotency_key)
        if answer.get("success") is not True:
            raise ZuoraOutcomeUnknownError(
                f"{method} {path} was answered with neither success nor failure (request id "
                f"{answer['requestId']}).",
                request_id=answer["requestId"],
            )
        return answer

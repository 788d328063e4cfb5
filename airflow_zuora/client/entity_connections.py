"""The operations of Zuora's Entity Connections, and how a change is made that must not be made twice."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from airflow_zuora.client.listing import CONNECTIONS, ConnectionList
from airflow_zuora.client.retries import Verdict, outcome_unknown
from airflow_zuora.client.tenant import Tenant
from airflow_zuora.exceptions import (
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraError,
    ZuoraNotFoundError,
    ZuoraOutcomeUnknownError,
    ZuoraResponseError,
    ZuoraRuleError,
    ZuoraValueError,
)
from airflow_zuora.models import (
    EntityConnection,
    EntityConnectionChange,
    EntityConnectionStatus,
    entity_hex,
)
from airflow_zuora.transitions import ACCEPT, DENY, DISCONNECT, Transition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_zuora.client.client import ZuoraClient

MAX_CHANGES = 3  # times that a change is sent whose outcome stays unknown
# What the answer to a change contains, by its method. Anything more is the answer to another request.
CONFIRMATION = {
    "PUT": {"success", "requestId", "processId"},
    "POST": {"success", "requestId", "processId", "id"},
}


class EntityConnections:
    """
    The operations of Zuora's Entity Connections, as :class:`~airflow_zuora.hooks.zuora.ZuoraHook` documents.

    Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/

    :param client: Sends the requests.
    """

    def __init__(self, client: ZuoraClient) -> None:
        self.client = client

    def read_all(
        self, connection_type: str | None = None, status: EntityConnectionStatus | str | None = None
    ) -> list[EntityConnection]:
        """List the connections of the entity, from all pages."""
        wanted = None if status is None else EntityConnectionStatus.parse(status)
        rows = self._list().rows(connection_type)
        return [row for row in rows if wanted in (None, row.status)]

    def get(self, connection_ids: Sequence[str]) -> dict[str, EntityConnection]:
        """
        Find connections by their ids: in the entity's list, or in every entity's where none is set.

        :raises EntityConnectionNotFoundError: If none of them is there.
        """
        client, budget = self.client, self.client.retries.start()
        if client.has_entity(budget=budget):
            connections = ConnectionList(client, budget)
            found = connections.find_each(connection_ids)
            if not found:
                raise connections.not_found(", ".join(connection_ids))
        else:
            found = Tenant(client, budget).locate(connection_ids)
        return {id_: found[id_] for id_ in connection_ids if id_ in found}

    def find(
        self,
        source_entity: str | None,
        target_entity: str | None,
        status: EntityConnectionStatus | str = EntityConnectionStatus.PENDING,
        fallback_status: EntityConnectionStatus | None = None,
    ) -> EntityConnection:
        """Find the one connection between two entities, by their ids or names, that has a status."""
        tenant = Tenant(self.client, self.client.retries.start())
        status = EntityConnectionStatus.parse(status)
        return tenant.find(source_entity, target_entity, status, fallback_status)

    def resolve_entities(
        self, source_entity: str | None, target_entity: str | None
    ) -> tuple[str | None, str | None]:
        """
        Return the ids of two entities, 32 hex digits.

        :param source_entity: The source's id or name; ``None`` stays ``None``.
        :param target_entity: The target's, in the same way.
        :raises ZuoraValueError: If no entity or several have such a name.
        """
        tenant = Tenant(self.client, self.client.retries.start())
        return tenant.resolve(source_entity, "source_entity"), tenant.resolve(target_entity, "target_entity")

    def pending_requests(self) -> list[EntityConnection]:
        """List the Pending inbound requests of every entity."""
        return Tenant(self.client, self.client.retries.start()).pending_requests()

    def accept(self, connection_id: str) -> EntityConnectionChange:
        """Accept a Pending inbound request."""
        return self.plan(ACCEPT, connection_id).make()

    def deny(self, connection_id: str) -> EntityConnectionChange:
        """Deny a Pending inbound request."""
        return self.plan(DENY, connection_id).make()

    def disconnect(self, connection_id: str) -> EntityConnectionChange:
        """Disconnect a Connected connection, from either side."""
        return self.plan(DISCONNECT, connection_id).make()

    def plan(self, transition: Transition, connection_id: str) -> StatusChange:
        """
        Read a connection, and check that its state allows a change; nothing is sent until ``make()``.

        :param transition: The change.
        :param connection_id: Zuora's id of the connection.
        """
        return StatusChange(self._list(connection_id), transition, connection_id)

    def initiate(self, target_entity_id: str) -> EntityConnectionChange:
        """Request a connection from another entity, unless the pair has an open one."""
        target, connections = entity_hex(target_entity_id, "target_entity_id"), self._list()
        source = self.client.acting_entity_id(budget=connections.budget)
        if source is None:
            raise ZuoraValueError("Only an entity can request a connection; set entity_id, the source entity")
        if entity_hex(source) == target:
            raise ZuoraValueError(f"target_entity_id {target} is the source entity itself; set another one")
        return Initiation(connections, entity_hex(source), target).make()

    def _list(self, connection_id: str | None = None) -> ConnectionList:
        """
        Start a call: its requests, waits and reads share one budget.

        :param connection_id: The connection that it is about. Where no entity is set and the token has
            several, the target of this connection acts.
        """
        client, budget = self.client, self.client.retries.start()
        if connection_id is not None and not client.has_entity(budget=budget):
            found = Tenant(client, budget).locate([connection_id])[connection_id]
            client = client.for_entity(found.target_entity_id)
        return ConnectionList(client, budget)


class _Change(ABC):
    """
    A change that must not be made twice: read, send, and after a lost answer read again.

    :param connections: Reads the state, within the budget of the call.
    """

    def __init__(self, connections: ConnectionList) -> None:
        self.connections = connections
        self.client = connections.client
        self.budget = connections.budget
        self.before: EntityConnection | None = None  # as it was read first
        self.is_refused = False  # by an error other than a lost answer: then it is not sent again
        self.done = self.read()

    @abstractmethod
    def read(self) -> EntityConnection | None:
        """Return the connection if nothing is left to do; raise if its state does not allow the change."""

    @abstractmethod
    def send(self) -> tuple[EntityConnection, str | None]:
        """Send the change; return the connection as it is then, and Zuora's request id."""

    def make(self) -> EntityConnectionChange:
        """
        Make the change, unless it has been made already.

        :raises ZuoraOutcomeUnknownError: If neither an answer nor the state tells whether it took effect.
        """
        if self.done:
            return self._result(self.done, changed=False)
        lost: ZuoraOutcomeUnknownError | None = None
        for attempt in self.budget.attempts(self._judge, MAX_CHANGES + 1):
            if lost and (found := self._read_after(lost)):
                return self._result(found, changed=True)
            with attempt:
                if lost and attempt.retry_state.attempt_number > MAX_CHANGES:
                    raise lost
                try:
                    sent, request_id = self.send()
                except ZuoraOutcomeUnknownError as error:
                    lost = error
                    raise
                except ZuoraError as error:
                    return self._result(self._read_after_refusal(error, lost), changed=lost is not None)
        return self._result(sent, changed=True, request_id=request_id)

    def _judge(self, error: BaseException) -> Verdict:
        """Send a change again after an unknown outcome only; each request has its own retries."""
        is_unknown = isinstance(error, ZuoraOutcomeUnknownError)
        return Verdict.AGAIN if is_unknown and not self.is_refused else Verdict.RAISE

    def _read_after_refusal(
        self, error: ZuoraError, lost: ZuoraOutcomeUnknownError | None
    ) -> EntityConnection:
        """Return the connection if somebody else, or the request whose answer was lost, made the change."""
        self.is_refused = True
        may_be_done = lost or isinstance(error, (ZuoraRuleError, ZuoraNotFoundError))
        if not may_be_done or isinstance(error, EntityConnectionStateError):
            raise error
        if found := self._read_after(lost):
            return found
        if lost is None:
            raise error
        raise ZuoraOutcomeUnknownError(
            f"{lost} The next attempt failed: {error}",
            retry_after=error.retry_after,
            request_id=lost.request_id or error.request_id,
        ) from error

    def _read_after(self, lost: ZuoraOutcomeUnknownError | None) -> EntityConnection | None:
        try:
            return self.read()
        except ZuoraError as error:
            if lost is None or isinstance(error, (EntityConnectionStateError, EntityConnectionNotFoundError)):
                raise
            raise ZuoraOutcomeUnknownError(
                f"{lost} The state could not be read either: {error}",
                retry_after=error.retry_after,
                request_id=lost.request_id,
            ) from error

    def _result(
        self, after: EntityConnection, *, changed: bool, request_id: str | None = None
    ) -> EntityConnectionChange:
        previous = self.before.status if self.before else None
        return EntityConnectionChange(after, previous, changed, request_id)

    def confirmed(self, method: str, path: str, body: dict[str, str], **options: Any) -> dict[str, Any]:
        """Send a request that Zuora must confirm, in the form that it documents and no other."""
        answer = self.client.request(method, path, json=body, budget=self.budget, **options)
        if answer.get("success") is not True or not answer.keys() <= CONFIRMATION[method]:
            entity = self.client.entity_id or self.client.config.entity_id
            acting = f" for entity {entity}" if entity else ""
            error = ZuoraResponseError(
                f"{method} {self.client.config.base_url}{path}{acting} was answered with neither success nor "
                f"an error (request id {answer['requestId']}).",
                request_id=answer["requestId"],
            )
            raise outcome_unknown(error) from error
        return answer


class StatusChange(_Change):
    """
    A change of a connection's status.

    :param connections: Reads the state, within the budget of the call.
    :param transition: The change.
    :param connection_id: Zuora's id of the connection.
    """

    def __init__(self, connections: ConnectionList, transition: Transition, connection_id: str) -> None:
        self.transition = transition
        self.connection_id = connection_id
        super().__init__(connections)

    @property
    def connection(self) -> EntityConnection:
        """The connection as it was read first."""
        if self.before is None:
            raise RuntimeError("The connection was not read")
        return self.before

    def read(self) -> EntityConnection | None:
        """Return the connection if it has the status already."""
        found = self.connections.find(self.connection_id)
        if found is None:
            if self.before is None or not self.transition.may_vanish:
                raise self.connections.not_found(self.connection_id)
            return self.before.with_status(self.transition.end)
        self.transition.check(found, self.client.acting_entity_id(budget=self.budget))
        self.before = self.before or found
        if found.parties != self.before.parties:
            raise EntityConnectionStateError(
                f"Entity connection {found.id} was from entity {self.before.source_entity_id} to entity "
                f"{self.before.target_entity_id}, and is another request now: from entity "
                f"{found.source_entity_id} to entity {found.target_entity_id}. Review it anew."
            )
        return found if found.status is self.transition.end else None

    def send(self) -> tuple[EntityConnection, str | None]:
        """Change the status; always with a body: without one Zuora may answer HTTP 415."""
        answer = self.confirmed("PUT", f"{CONNECTIONS}/{self.connection_id}/{self.transition.verb}", {})
        return self.connection.with_status(self.transition.end), answer["requestId"]


class Initiation(_Change):
    """
    A request for a connection to another entity.

    :param connections: Reads the state, within the budget of the call.
    :param source_entity_id: The entity that sends the request, 32 hex digits.
    :param target_entity_id: The entity that decides on it, 32 hex digits.
    """

    def __init__(self, connections: ConnectionList, source_entity_id: str, target_entity_id: str) -> None:
        self.source = source_entity_id
        self.target = target_entity_id
        self.idempotency_key = str(uuid.uuid4())  # the same whenever this request is sent again
        super().__init__(connections)
        self.before = self.done

    def read(self) -> EntityConnection | None:
        """Return the pair's open connection, if there is one."""
        return self.connections.find_open(self.target)

    def send(self) -> tuple[EntityConnection, str | None]:
        """Send the request, and look for it: Zuora may name one that has ended long ago."""
        body = {"targetEntityId": self.target}
        answer = self.confirmed("POST", CONNECTIONS, body, idempotency_key=self.idempotency_key)
        request_id = answer["requestId"]
        row = {**answer, "sourceEntityId": self.source, "targetEntityId": self.target, "status": "Pending"}
        try:
            sent = EntityConnection.from_api(row)
            found = self.connections.find_open(self.target, sent.id) or self.connections.find_open(
                self.target
            )
        except ZuoraError as error:
            raise ZuoraOutcomeUnknownError(
                f"Zuora accepted the request {answer.get('id')}, but it could not be read: {error}",
                retry_after=error.retry_after,
                request_id=request_id,
            ) from error
        if found is None:
            raise EntityConnectionStateError(
                f"Zuora answered with request {sent.id} to entity {self.target}, but none is open. "
                "It has ended meanwhile; run the task again to send a new one."
            )
        return found, request_id

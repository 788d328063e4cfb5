"""ZuoraHook: Zuora for operators, sensors and your own tasks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException
from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.log import mask_secret

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.client.config import ZuoraConnection, check_timeout, unknown_connection
from airflow_zuora.client.entity_connections import EntityConnections
from airflow_zuora.client.listing import CONNECTIONS
from airflow_zuora.client.request import check_headers, identify
from airflow_zuora.client.response import BAD_ENTITY, parse_response
from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraBusyError,
    ZuoraConfigError,
    ZuoraError,
    ZuoraResponseError,
    ZuoraServerError,
    ZuoraTransportError,
)
from airflow_zuora.get_provider_info import UI_FIELD_BEHAVIOUR
from airflow_zuora.texts import forms_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest, Response, Session

    from airflow_zuora.models import Entity, EntityConnection, EntityConnectionChange, EntityConnectionStatus

TEST_TIMEOUT = 5.0  # seconds in which test_connection may start a request, and for each request


class ZuoraHook(HttpHook):
    """
    Call Zuora's Entity Connections and Entities, or any other operation of the v1 API.

    The inherited :meth:`run` sends its request with the same headers, token, limits and errors, but once.

    :param zuora_conn_id: Airflow connection of type ``zuora``, default ``zuora_default``.
    :param entity_id: Entity that the calls act for, 32 hex digits; the connection's by default.
    :param timeout: Seconds that one request may take; the connection's by default.
    :param track_id: ``Zuora-Track-Id`` of all calls, by which Zuora's support finds them.
    """

    conn_name_attr = "zuora_conn_id"
    default_conn_name = "zuora_default"
    conn_type = "zuora"
    hook_name = "Zuora"

    def __init__(
        self,
        zuora_conn_id: str = default_conn_name,
        *,
        entity_id: str | None = None,
        timeout: float | None = None,
        track_id: str | None = None,
    ) -> None:
        # The client keeps connections alive itself; the adapter that does it for HttpHook cannot be copied.
        super().__init__(method="GET", http_conn_id=zuora_conn_id, tcp_keep_alive=False)
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.timeout = timeout
        self.track_id = track_id

    def __getstate__(self) -> dict[str, Any]:
        """Leave the client, which has secrets, out of a copy: that looks the connection up again."""
        left_out = ("client", "entity_connections", "_log")  # Airflow's logger cannot be pickled
        return {name: value for name, value in vars(self).items() if name not in left_out}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """
        Return for Airflow 3.1 the labels that later versions read from the provider info.

        It looks in the class of the connection type itself, not in its base classes.
        """
        return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}

    @cached_property
    def client(self) -> ZuoraClient:
        """The client of this hook's connection, which is looked up once."""
        return self._new_client(self._read_connection())

    @cached_property
    def entity_connections(self) -> EntityConnections:
        """The operations of Zuora's Entity Connections."""
        return EntityConnections(self.client)

    def for_entity(self, entity_id: str) -> ZuoraHook:
        """
        Return a hook that acts for another entity, over the same connections and with the same token.

        :param entity_id: 32 hex digits, with or without hyphens.
        """
        other = ZuoraHook(
            self.zuora_conn_id, entity_id=entity_id, timeout=self.timeout, track_id=self.track_id
        )
        other.client = self.client.for_entity(entity_id)
        return other

    def close(self) -> None:
        """Close the connections that are kept alive; the hook may be used again."""
        if "client" in vars(self):  # a hook that was never used is not looked up for this
            self.client.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        entity_id: str | None = None,
        track_id: str | None = None,
        idempotency_key: str | None = None,
        compress: bool = False,
    ) -> dict[str, Any]:
        """
        Make any call of Zuora's v1 API; see :meth:`airflow_zuora.client.client.ZuoraClient.request`.

        :param method: HTTP method.
        :param path: Path from the root, such as ``/v1/catalog/products``, with quoted ids.
        :param params: Query parameters.
        :param json: Body, sent as JSON.
        :param headers: Further headers; not those of the protocol, the token or the entity.
        :param entity_id: Entity that this call acts for, instead of the hook's.
        :param track_id: ``Zuora-Track-Id`` of this call, instead of the hook's.
        :param idempotency_key: ``Idempotency-Key`` of a POST, 1 to 255 characters; a new UUID by default.
        :param compress: Whether to send the body with ``Content-Encoding: gzip``.
        :return: The JSON object of the answer, with ``requestId``.
        :raises ZuoraValueError: If an argument is wrong; nothing was sent.
        :raises ZuoraOutcomeUnknownError: If a change was sent, and no answer tells whether it took effect.
        :raises ZuoraError: The subclass that says what went wrong.
        """
        return self.client.request(
            method,
            path,
            params=params,
            json=json,
            headers=headers,
            entity_id=entity_id,
            track_id=track_id,
            idempotency_key=idempotency_key,
            compress=compress,
        )

    def list_entity_connections(
        self, connection_type: str | None = None, status: EntityConnectionStatus | str | None = None
    ) -> list[EntityConnection]:
        """
        List the connections of the entity, from all pages.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/get_entityconnections

        :param connection_type: ``inbound`` (the entity is the target), ``outbound`` (it is the source), or
            ``None`` for both.
        :param status: Only connections of this status; ``None`` for all.
        """
        return self.entity_connections.read_all(connection_type, status)

    def get_entity_connection(self, connection_id: str) -> EntityConnection:
        """
        Find one connection of the entity. Zuora has no such call: this looks through the list.

        Where no entity is set and the OAuth client may act for several, it looks through the inbound lists of
        all.

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionNotFoundError: If the entity has no such connection.
        """
        return self.entity_connections.get([connection_id])[connection_id]

    def find_entity_connection(
        self,
        *,
        source_entity: str | None = None,
        target_entity: str | None = None,
        status: EntityConnectionStatus | str = "Pending",
    ) -> EntityConnection:
        """
        Find the one connection between two entities that has a status.

        It is looked for in the target entity if that is given, else in the hook's entity, else in every
        entity that the OAuth client may act for.

        :param source_entity: Id or name of the entity that sent the request; ``None`` for any.
        :param target_entity: Id or name of the entity that decides on it; ``None`` for any.
        :param status: The status, default ``Pending``.
        :raises EntityConnectionNotFoundError: If there is none; the error lists what there is.
        :raises ZuoraValueError: If there are several, or a name is unknown; the error lists what there is.
        """
        return self.entity_connections.find(source_entity, target_entity, status)

    def list_pending_requests(self) -> list[EntityConnection]:
        """
        List the Pending inbound requests of every entity that the OAuth client may act for.

        At most 8 lists are read at a time. An entity that may not be read is named in the log, and its
        requests are missing from the result.

        :raises ZuoraPermissionError: If no entity may be read.
        """
        return self.entity_connections.pending_requests()

    def accept_entity_connection(self, connection_id: str) -> EntityConnectionChange:
        """
        Accept a Pending inbound request. One that is Connected already stays as it is.

        It may be called again at any time: after a lost answer, the state is read before anything is sent.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsaccept

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionStateError: If it is neither Pending nor Connected, or not inbound.
        :raises EntityConnectionNotFoundError: If the entity has no such connection.
        :raises ZuoraOutcomeUnknownError: If neither an answer nor the state tells whether it took effect.
        :raises ZuoraError: The subclass that says what went wrong.
        """
        return self.entity_connections.accept(connection_id)

    def deny_entity_connection(self, connection_id: str) -> EntityConnectionChange:
        """
        Deny a Pending inbound request. Zuora may show it as Disconnected, or remove it from the list.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdeny

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionStateError: If it is Connected, or not inbound.
        :raises EntityConnectionNotFoundError: If the entity has no such connection; Zuora may have removed it
            when it was denied.
        :raises ZuoraOutcomeUnknownError: If neither an answer nor the state tells whether it took effect.
        """
        return self.entity_connections.deny(connection_id)

    def disconnect_entity_connection(self, connection_id: str) -> EntityConnectionChange:
        """
        Disconnect a Connected connection, from either side. **This cannot be undone.**

        Shared objects become the target's own; their mapping to the source's cannot be recovered later.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/put_entityconnectionsdisconnect

        :param connection_id: Zuora's id of the connection.
        :raises EntityConnectionStateError: If it is Pending.
        :raises EntityConnectionNotFoundError: If the entity has no such connection.
        :raises ZuoraOutcomeUnknownError: If neither an answer nor the state tells whether it took effect.
        """
        return self.entity_connections.disconnect(connection_id)

    def initiate_entity_connection(self, target_entity_id: str) -> EntityConnectionChange:
        """
        Request a connection from another entity, unless the pair has an open one.

        Zuora may answer with a request that has ended long ago, so the list is read once more afterwards.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entity-connections/post_entityconnections

        :param target_entity_id: The entity that decides on it, 32 hex digits.
        :return: The request, Pending if it is new; ``previous_status`` is ``None`` where there was none.
        :raises ZuoraValueError: If the target is the source itself.
        :raises EntityConnectionStateError: If Zuora names a request, but there is no open one.
        :raises ZuoraOutcomeUnknownError: If neither an answer nor the state tells whether it took effect.
        """
        return self.entity_connections.initiate(target_entity_id)

    def list_entities(self, provisioned: bool | None = None) -> list[Entity]:
        """
        List the entities of the tenant that the OAuth client can see.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entities

        :param provisioned: Only entities that are, or are not, provisioned; ``None`` for all.
        """
        return self.client.list_entities(provisioned)

    def get_entity(self, entity_id: str) -> Entity:
        """
        Read one entity.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entity

        :param entity_id: 32 hex digits, with or without hyphens.
        :raises ZuoraNotFoundError: If there is no such entity.
        """
        return self.client.get_entity(entity_id)

    def test_connection(self) -> tuple[bool, str]:
        """Get a new token and read one connection, within ten seconds; say which part failed."""
        part = "Connection"
        try:
            config = self._read_connection()
            limits = Retries(attempts=1, max_elapsed=TEST_TIMEOUT)
            client, budget = self._new_client(config, timeout=TEST_TIMEOUT, retries=limits), limits.start()
            part = "Credentials"
            client.oauth.renew(budget)
            part = "Entity"
            scope, is_known = client.oauth.token().entities, client.has_entity()
            # Where none is set, reviews and changes act for the entity that they are about: any will do here.
            entity = client.acting_entity_id() if is_known else scope[0]
            part = "Permission"
            client.request("GET", CONNECTIONS, params={"pageSize": 1}, entity_id=entity, budget=budget)
        except ZuoraError as error:
            return False, f"{_part_at_fault(part, error)}: {error}"
        of_entity = f" of entity {entity}" if entity else ""
        of_entity += "" if is_known else f", the first of {len(scope)},"
        return True, f"{config.base_url} issues a token, and the entity connections{of_entity} can be read"

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> Session:
        """
        Return a session for the inherited ``run()``, which shares the client's connections.

        :param headers: Only checked: ``run()`` puts them on its request.
        :param extra_options: ``run()`` uses ``timeout`` and ``check_response``, and no others.
        """
        check_headers(headers)
        entity_headers = identify(self.method, self.track_id)
        self.base_url = self.client.config.base_url
        self.merged_extra = extra_options or {}
        if entity := self.client.acting_entity_id():
            entity_headers["Zuora-Entity-Ids"] = entity
        return self.client.transport.new_session(self.client.oauth, entity_headers)

    def run_and_check(
        self, session: Session, prepped_request: PreparedRequest, extra_options: dict[Any, Any]
    ) -> Response:
        """Send a request of ``run()`` within the limits of the client."""
        timeout = check_timeout(extra_options.get("timeout", self.client.timeout))
        where = f"{prepped_request.method} {prepped_request.url}"
        response = self.client.transport.exchange(prepped_request, where, session=session, timeout=timeout)
        if extra_options.get("check_response", True):
            self.check_response(response)
        return response

    def check_response(self, response: Response) -> None:
        """Raise a :class:`ZuoraError` for a failure, also for HTTP 200 with ``success: false``."""
        where = f"{response.request.method} {response.url}"
        parse_response(where, response.status_code, response.headers, response.content)

    def _read_connection(self) -> ZuoraConnection:
        try:
            return ZuoraConnection.read(self.get_connection(self.zuora_conn_id))
        except AirflowNotFoundException:
            raise unknown_connection(self.zuora_conn_id) from None

    def _new_client(
        self, config: ZuoraConnection, *, timeout: float | None = None, retries: Retries | None = None
    ) -> ZuoraClient:
        return ZuoraClient(
            config,
            entity_id=self.entity_id,
            timeout=self.timeout if timeout is None else timeout,
            track_id=self.track_id,
            retries=retries,
            on_secret=_mask,
        )


def _part_at_fault(part: str, error: ZuoraError) -> str:
    """Return the part of a connection that was being tested, or the one that the error is about instead."""
    if isinstance(error, (ZuoraTransportError, ZuoraResponseError)):
        return "Address"
    if isinstance(error, (ZuoraServerError, ZuoraBusyError)):
        return "Zuora"
    if part == "Credentials" and isinstance(error, ZuoraConfigError):
        return "Address or proxy"  # the first request finds out whether the machine lets it through
    if (
        part == "Credentials"
        and isinstance(error, ZuoraApiError)
        and error.http_status not in (400, 401, 403)
    ):
        return "Address"  # not found, or a redirect
    if isinstance(error, ZuoraApiError) and error.code == BAD_ENTITY:
        return "Entity"
    return part


def _mask(secret: str) -> None:
    """Mask a secret in all logs, also where it is URL-encoded."""
    for text in forms_of(secret):
        mask_secret(text)

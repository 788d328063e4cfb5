"""ZuoraClient: any call of Zuora's v1 API, with its token, entity, retries and errors."""

from __future__ import annotations

import copy
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from requests import Request

from airflow_zuora import __version__
from airflow_zuora.client.config import HasSecrets, ZuoraConnection, check_timeout
from airflow_zuora.client.oauth import ZuoraOAuth
from airflow_zuora.client.request import ApiRequest
from airflow_zuora.client.response import parse_response, rows_of
from airflow_zuora.client.retries import Retries, Verdict, judge, outcome_unknown
from airflow_zuora.client.transport import Transport
from airflow_zuora.exceptions import (
    ZuoraAuthError,
    ZuoraConfigError,
    ZuoraError,
    ZuoraPermissionError,
    ZuoraValueError,
)
from airflow_zuora.models import Entity, check_track_id, entity_hex, entity_uuid
from airflow_zuora.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_zuora.client.retries import Budget
    from airflow_zuora.client.token import Token

ENTITIES = "/v1/entities"
MAX_SCOPE_TEXT = 20_000  # characters; 512 entities, Zuora's maximum, need 19,454


def _keep(secret: str) -> None:
    """Do nothing with a secret."""


class ZuoraClient(HasSecrets):
    """
    A client of Zuora's v1 API for one OAuth client, without Airflow.

    :param config: Address, credentials and defaults.
    :param entity_id: Entity that the calls act for, instead of the one of ``config``.
    :param timeout: Seconds that one request may take, instead of the ``config``'s.
    :param track_id: ``Zuora-Track-Id`` of all calls.
    :param retries: Limits on attempts and time of a call.
    :param on_secret: Is called with each secret before it is used, so that logs can mask it.
    """

    def __init__(
        self,
        config: ZuoraConnection,
        *,
        entity_id: str | None = None,
        timeout: float | None = None,
        track_id: str | None = None,
        retries: Retries | None = None,
        on_secret: Callable[[str], None] = _keep,
    ) -> None:
        self.config = config
        self.entity_id = None if entity_id is None else entity_uuid(entity_id)
        self.timeout = config.timeout if timeout is None else check_timeout(timeout)
        self.track_id = None if track_id is None else check_track_id(track_id)
        self.retries = retries or Retries()
        self._on_secret = on_secret

    def __copy__(self) -> ZuoraClient:
        """Return a client with the same settings, for :meth:`for_entity`."""
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def for_entity(self, entity_id: str) -> ZuoraClient:
        """
        Return a client that acts for another entity, over the same connections and with the same token.

        :param entity_id: 32 hex digits, with or without hyphens.
        """
        other = copy.copy(self)
        vars(other).update(transport=self.transport, oauth=self.oauth, entity_id=entity_uuid(entity_id))
        return other

    @cached_property
    def transport(self) -> Transport:
        """The way to the server; its connections are kept alive."""
        headers = {"User-Agent": f"airflow-zuora/{__version__}", "Zuora-Version": self.config.zuora_version}
        return Transport(self.config.base_url, headers, self.timeout)

    @cached_property
    def oauth(self) -> ZuoraOAuth:
        """The token, shared with the other clients of this process that have the same credentials."""
        self._on_secret(self.config.client_id)
        self._on_secret(self.config.client_secret)
        return ZuoraOAuth(self.config, self.transport, self.retries, self._on_secret)

    def close(self) -> None:
        """Close the connections that are kept alive; the client may be used again."""
        self.transport.close()

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
        budget: Budget | None = None,
    ) -> dict[str, Any]:
        """
        Make any call of Zuora's v1 API.

        :param method: HTTP method.
        :param path: Path from the root, such as ``/v1/catalog/products``, with quoted ids.
        :param params: Query parameters.
        :param json: Body, sent as JSON.
        :param headers: Further headers; not those of the protocol, the token or the entity.
        :param entity_id: Entity that this call acts for, instead of the client's.
        :param track_id: ``Zuora-Track-Id`` of this call, instead of the client's.
        :param idempotency_key: ``Idempotency-Key`` of a POST, 1 to 255 characters; a new UUID by default.
        :param compress: Whether to send the body with ``Content-Encoding: gzip``.
        :param budget: What is left of the limits, where this request is a part of a larger call.
        :return: The JSON object of the answer, with ``requestId``.
        :raises ZuoraValueError: If an argument is wrong; nothing was sent.
        :raises ZuoraOutcomeUnknownError: If a change was sent, and no answer tells whether it took effect.
        :raises ZuoraError: The subclass that says what went wrong.
        """
        request = ApiRequest.build(
            method,
            path,
            params=params,
            json=json,
            headers=headers,
            track_id=self.track_id if track_id is None else track_id,
            idempotency_key=idempotency_key,
            compress=compress,
        )
        entity_id = self.entity_id if entity_id is None else entity_uuid(entity_id)
        budget = budget or self.retries.start()
        rule = partial(judge, repeatable=request.is_repeatable)
        refused = None
        for attempt in budget.attempts(rule):
            # Outside the attempt, so that a failure to get a token is not taken for one of the request.
            token = self.oauth.token(budget, refused=refused)
            budget.check(f"{request.method} {self.config.base_url}{request.path}")
            with attempt:
                try:
                    answer = self._exchange(request, token, entity_id)
                except ZuoraError as error:
                    if isinstance(error, ZuoraAuthError):
                        refused = token
                    if rule(error) is Verdict.OUTCOME_UNKNOWN:
                        raise outcome_unknown(error) from error
                    raise
        return answer

    def acting_entity_id(self, *, budget: Budget | None = None) -> str | None:
        """
        Determine the entity that a call acts for: the client's, else the connection's.

        :param budget: What is left of the limits, where this is a part of a larger call.
        :return: Hyphenated UUID; the token's only entity where none is set; ``None`` without Multi-entity.
        :raises ZuoraValueError: If the OAuth client may not act for the client's entity.
        :raises ZuoraConfigError: If the OAuth client may not act for the connection's entity, or no entity is
            set and the OAuth client may act for several.
        """
        return self._resolve_entity_id(self.entity_id, self.oauth.token(budget))

    def has_entity(self, *, budget: Budget | None = None) -> bool:
        """Whether it is known which entity the calls act for: one is set, or the token has no choice."""
        is_set = self.entity_id is not None or self.config.entity_id is not None
        return is_set or len(self.oauth.token(budget).entities) <= 1

    def list_entities(self, provisioned: bool | None = None, *, budget: Budget | None = None) -> list[Entity]:
        """
        List the entities of the tenant that the OAuth client can see.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entities

        :param provisioned: Only entities that are, or are not, provisioned; ``None`` for all.
        :param budget: What is left of the limits, where this is a part of a larger call.
        """
        params = None if provisioned is None else {"provisioned": str(provisioned).lower()}
        budget = budget or self.retries.start()
        # The list is the same for each entity, so where none is set, the first will do that may read it.
        acting = (None,) if self.has_entity(budget=budget) else self.oauth.token(budget).entities
        for number, entity_id in enumerate(acting, 1):
            try:
                answer = self.request("GET", ENTITIES, params=params, entity_id=entity_id, budget=budget)
                break
            except ZuoraPermissionError:
                if number == len(acting):
                    raise
        return [Entity.from_api(row) for row in rows_of(answer, "entities")]

    def get_entity(self, entity_id: str) -> Entity:
        """
        Read one entity.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entity

        :param entity_id: 32 hex digits, with or without hyphens.
        :raises ZuoraNotFoundError: If there is no such entity.
        """
        return Entity.from_api(self.request("GET", f"{ENTITIES}/{entity_hex(entity_id)}"))

    def _exchange(self, request: ApiRequest, token: Token, entity_id: str | None) -> dict[str, Any]:
        """Send a request once."""
        url = f"{self.config.base_url}{request.path}"
        where = f"{request.method} {url}"
        headers = dict(request.headers)
        if entity := self._resolve_entity_id(entity_id, token):
            headers["Zuora-Entity-Ids"] = entity
            where += f" for entity {entity}"
        signed = Request(
            request.method, f"{url}{request.query}", headers=headers, data=request.body, auth=token.sign
        )
        response = self.transport.exchange(signed, where)
        return parse_response(where, response.status_code, response.headers, response.content)

    def _resolve_entity_id(self, entity_id: str | None, token: Token) -> str | None:
        acting, scope = entity_id or self.config.entity_id, token.entities
        if acting is None and len(scope) <= 1:
            return scope[0] if scope else None
        if acting is not None and (not scope or acting in scope):
            return acting
        known = one_line(", ".join(scope), MAX_SCOPE_TEXT)
        if acting is None:
            raise ZuoraConfigError(
                f"The OAuth client may act for several entities; set entity_id to one of {known}"
            )
        kind = ZuoraConfigError if entity_id is None else ZuoraValueError
        raise kind(
            f"The OAuth client may not act for entity {acting}, only for {known}. Tick the entity at the "
            "OAuth client in Zuora, or set entity_id to another one."
        )

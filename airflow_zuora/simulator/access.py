"""OAuth clients, their tokens, and what they may do in which entity."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from airflow_zuora.models import entity_hex, entity_uuid
from airflow_zuora.simulator import errors
from airflow_zuora.simulator.locking import locked
from airflow_zuora.simulator.records import OAuthClient, Role, Token

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from airflow_zuora.simulator.settings import Settings


class Access:
    """
    Who is asking, for which entity, and with what right.

    :param clock: the time in Unix seconds.
    :param lock: the lock of the store.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float], lock: threading.RLock) -> None:
        self.lock = lock
        self._settings = settings
        self._clock = clock
        self._clients: dict[str, OAuthClient] = {}
        self._tokens: dict[str, Token] = {}
        self.issued: list[str] = []
        """Every token that was issued, including those that are no longer valid."""

    @locked
    def add(self, client: OAuthClient) -> None:
        """Register an OAuth client."""
        self._clients[client.id] = client

    @locked
    def client(self, client_id: str) -> OAuthClient | None:
        """Give the OAuth client with this Client ID."""
        return self._clients.get(client_id)

    @locked
    def named(self, name: str) -> OAuthClient:
        """Give the OAuth client with this name, as in :mod:`airflow_zuora.simulator.seed`."""
        for client in self._clients.values():
            if client.name == name:
                return client
        known = ", ".join(sorted(client.name for client in self._clients.values()))
        raise ValueError(f"There is no OAuth client {name!r}; choose from {known}")

    @locked
    def issue(self, client: OAuthClient, entity_ids: Iterable[str] | None = None) -> Token:
        """Make a token for all entities of the client, or for some of them."""
        now = self._clock()
        self._tokens = {value: token for value, token in self._tokens.items() if token.expires_at > now}
        scope = tuple(client.roles if entity_ids is None else entity_ids)
        token = Token(secrets.token_hex(16), client, scope, now + self._settings.token_lifetime)
        self._tokens[token.value] = token
        self.issued.append(token.value)
        return token

    @locked
    def token(self, authorization: str | None) -> Token:
        """
        Give the token that an ``Authorization`` header carries.

        :raises ZuoraError: if there is none, or it is unknown, revoked or expired.
        """
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        if scheme.lower() != "bearer" or token is None or not token.client.active:
            raise errors.AuthenticationError
        if token.expires_at <= self._clock():
            raise errors.AuthenticationError
        return token

    @locked
    def revoke(self, authorization: str | None) -> None:
        """Revoke the token of an ``Authorization`` header."""
        self._tokens.pop((authorization or "").partition(" ")[2].strip(), None)

    @locked
    def entity_id(self, token: Token, header: str | None) -> str:
        """
        Determine the entity that a request acts for.

        :param header: the value of ``Zuora-Entity-Ids``.
        :raises ZuoraError: with code 90000020 if the token may not act for the entity.
        """
        if header is None and len(token.entity_ids) == 1:
            return token.entity_ids[0]
        if header is None and self._settings.missing_entity_header == "home":
            return token.client.home_entity_id
        if header is None:
            raise errors.bad_entity("The request header Zuora-Entity-Ids is missing.", self._settings)
        entity_id = self._read_header(header)
        if entity_id not in token.entity_ids:
            raise errors.bad_entity(f"Invalid entity id '{header}'.", self._settings)
        return entity_id

    def _read_header(self, header: str) -> str:
        try:
            uuid, digits = entity_uuid(header), entity_hex(header)
        except ValueError as error:
            raise errors.bad_entity(f"Invalid entity id '{header}'.", self._settings) from error
        if self._settings.entity_header_format == "uuid" and header.lower() != uuid:
            raise errors.bad_entity(f"Invalid entity id '{header}'.", self._settings)
        return digits


def require_write_access(client: OAuthClient) -> None:
    """Refuse a change by a client whose owner lacks the platform permission."""
    if not client.write_access:
        raise errors.permission("You do not have the API Write Access permission.")


def require_administrator(client: OAuthClient, entity_id: str) -> None:
    """Refuse a client whose owner is no administrator of the entity."""
    if client.roles.get(entity_id) is not Role.ADMINISTRATOR:
        raise errors.permission("You must be an administrator of the entity to perform this operation.")

"""From an Airflow connection to an answer of Zuora: session, token, request. No operation is known here."""

from __future__ import annotations

import re
import time
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.log import mask_secret
from requests import PreparedRequest, Request, Response, Session

from airflow_zuora import __version__, api
from airflow_zuora.auth import Token, ZuoraOAuth, explain_token_error
from airflow_zuora.checks import check_headers, check_path, encode_query
from airflow_zuora.connection import AirflowConnection, ZuoraConnection, check_timeout
from airflow_zuora.exceptions import ZuoraApiError, ZuoraConfigError, ZuoraError
from airflow_zuora.hooks.retries import RetryingHook
from airflow_zuora.hooks.transport import exchange, new_session
from airflow_zuora.models import entity_uuid
from airflow_zuora.responses import parse_response
from airflow_zuora.texts import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenacity import RetryCallState


class ZuoraBaseHook(RetryingHook):
    """
    Sends requests to Zuora's v1 API; see :class:`airflow_zuora.hooks.zuora.ZuoraHook`.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: entity that the calls are for, instead of the connection's.
    :param timeout: seconds to wait for an answer, instead of the connection's.
    :param track_id: value of ``Zuora-Track-Id`` for all calls of this hook.
    """

    conn_name_attr = "zuora_conn_id"
    default_conn_name = "zuora_default"
    conn_type = "zuora"
    hook_name = "Zuora"

    mask: Callable[[str], None] = staticmethod(mask_secret)  # gets each secret before it is used
    max_bytes: int = 64 * 1024 * 1024  # of one answer, decoded

    def __init__(
        self,
        zuora_conn_id: str = default_conn_name,
        *,
        entity_id: str | None = None,
        timeout: float | None = None,
        track_id: str | None = None,
    ) -> None:
        super().__init__(method="GET", http_conn_id=zuora_conn_id)
        self.zuora_conn_id = zuora_conn_id
        self.entity_id = entity_id
        self.timeout = timeout
        self.track_id = track_id

    def use_connection(self, connection: AirflowConnection) -> None:
        """Take an Airflow connection that was looked up already, as a trigger does on its event loop."""
        self.zuora_connection = ZuoraConnection.read(connection)

    def close(self) -> None:
        """Close the connections that are kept alive; the hook may be used again."""
        adapter = self.keep_alive_adapter
        for manager in (adapter.poolmanager, *adapter.proxy_manager.values()):
            # The session only forgets its pools; the traceback of an error would keep their sockets open.
            for key in list(manager.pools.keys()):
                manager.pools[key].close()
        if "session" in vars(self):
            self.session.close()

    @cached_property
    def zuora_connection(self) -> ZuoraConnection:
        """The Airflow connection, checked; looked up once."""
        return ZuoraConnection.read(self.get_connection(self.zuora_conn_id))

    @cached_property
    def auth(self) -> ZuoraOAuth:
        """Token of this connection's OAuth client, shared with the other hooks of the process."""
        self.mask(self.zuora_connection.client_id)
        self.mask(self.zuora_connection.client_secret)
        return ZuoraOAuth(self.zuora_connection, self._fetch_token)

    @cached_property
    def session(self) -> Session:
        """The one session of this hook; its connections are kept alive."""
        connection = self.zuora_connection
        headers = {"User-Agent": f"airflow-zuora/{__version__}", "Zuora-Version": connection.zuora_version}
        return new_session(connection.base_url, self.auth, self.keep_alive_adapter, headers)

    def get_conn(
        self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None
    ) -> Session:
        """
        Give the session, as the inherited ``run()`` needs it.

        :param headers: only checked here: ``run()`` puts them on its request, and the session is shared.
        :param extra_options: of these ``run()`` heeds ``timeout`` and ``check_response``, and no others.
        """
        check_headers(headers)
        own = api.request_headers("GET", self.track_id, idempotency_key=None)
        self.base_url = self.zuora_connection.base_url
        self.merged_extra = extra_options or {}
        if entity := self.find_entity():
            own["Zuora-Entity-Ids"] = entity
        self.session.headers.update(own)
        return self.session

    def run_and_check(
        self, session: Session, prepped_request: PreparedRequest, extra_options: dict[Any, Any]
    ) -> Response:
        """Send a request of ``run()`` within the same bounds as those of this hook."""
        where = f"{prepped_request.method} {prepped_request.url}"
        timeout = check_timeout(extra_options.get("timeout", self._timeout))
        response = exchange(session, prepped_request, where, timeout=timeout, max_bytes=self.max_bytes)
        if extra_options.get("check_response", True):
            self.check_response(response)
        return response

    def check_response(self, response: Response) -> None:
        """Raise a :class:`ZuoraError` for what is no success, also for HTTP 200 with ``success: false``."""
        where = f"{response.request.method} {response.url}"
        parse_response(where, response.status_code, response.headers, response.content)

    def find_entity(self, entity_id: str | None = None) -> str | None:
        """
        Find the entity that a call is for: the argument, else the hook's, else the connection's.

        :return: hyphenated UUID; the token's only entity where none is set; ``None`` without Multi-entity.
        :raises ZuoraConfigError: if the token may not use it, or none is set and the token has several.
        """
        ids = (entity_id, self.entity_id, self.zuora_connection.entity_id)
        wanted = next((entity_uuid(id_) for id_ in ids if id_ is not None), None)
        return api.check_entity(wanted, self.auth.token().entities)

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
        Make any call of Zuora's v1 API, with the retries, checks and errors of this hook.

        :param method: HTTP method.
        :param path: path from the root, such as ``/v1/catalog/products``; put ids through ``api.path_id``.
        :param params: query parameters.
        :param json: body, sent as JSON.
        :param headers: more headers; not those that say who asks and whom.
        :param entity_id: entity of this call, instead of the hook's.
        :param track_id: ``Zuora-Track-Id`` of this call, instead of the hook's.
        :param idempotency_key: ``Idempotency-Key`` of a POST, 1 to 255 characters.
        :param compress: send the body with ``Content-Encoding: gzip``.
        :return: the JSON object of the answer, with ``requestId``.
        :raises ZuoraOutcomeUnknownError: if a change was sent and it is not known whether it took effect.
        :raises ZuoraError: the subclass that says what went wrong.
        """
        method = method.upper()
        if not re.fullmatch("[A-Z]+", method):
            raise ZuoraConfigError(f"method must be a word such as GET, not {shorten(method)}")
        # All that can be checked is checked before the first request, which is for a token.
        own = api.request_headers(method, self.track_id if track_id is None else track_id, idempotency_key)
        more, path, query = check_headers(headers), check_path(path), encode_query(params)
        body, content_headers = api.encode_body(json, compress=compress)
        url = f"{self.zuora_connection.base_url}{path}"
        where = f"{method} {url}"
        if entity := self.find_entity(entity_id):
            own["Zuora-Entity-Ids"] = entity
            where += f" for entity {entity}"
        request = Request(method, f"{url}{query}", data=body, headers={**more, **content_headers, **own})
        return self._signed(partial(self._send, request, where), repeatable=method in ("GET", "HEAD"))

    def _signed(self, send: Callable[[], dict[str, Any]], *, repeatable: bool) -> dict[str, Any]:
        """Send with a token, and once more with a new one if Zuora refuses it."""
        token: Token | None = None

        def before(_: RetryCallState) -> None:
            nonlocal token
            token = None
            # Here, so that its failure is not taken for an unknown outcome of the call.
            token = self.auth.token()

        try:
            return self._retry(send, repeatable=repeatable, before=before)
        except ZuoraError as error:
            if token is None or api.judge(error, repeatable=repeatable) is not api.Verdict.NEW_TOKEN:
                raise
        self.log.info("Zuora refused the token; asking for a new one")
        self.auth.reject(token)
        return self._retry(send, repeatable=repeatable, before=before)

    @property
    def _timeout(self) -> float:
        return self.zuora_connection.timeout if self.timeout is None else check_timeout(self.timeout)

    def _fetch_token(self) -> Token:
        """Ask for a new token. Asking twice does no harm, so it is repeated as a GET is."""
        connection = self.zuora_connection
        request = Request(
            "POST",
            f"{connection.base_url}/oauth/token",
            data={
                "client_id": connection.client_id,
                "client_secret": connection.client_secret,
                "grant_type": "client_credentials",
            },
            auth=_unsigned,
        )
        asked_at = 0.0

        def send() -> dict[str, Any]:
            nonlocal asked_at
            asked_at = time.monotonic()
            return self._send(request, f"POST {request.url}")

        try:
            payload = self._retry(send, repeatable=True)
        except ZuoraApiError as error:
            raise explain_token_error(error, connection.base_url) from error
        token = Token.from_api(payload, asked_at=asked_at)
        self.mask(token.value)
        return token

    def _send(self, request: Request, where: str) -> dict[str, Any]:
        """Send once."""
        prepared = self.session.prepare_request(request)
        response = exchange(self.session, prepared, where, timeout=self._timeout, max_bytes=self.max_bytes)
        return parse_response(where, response.status_code, response.headers, response.content)


def _unsigned(request: PreparedRequest) -> PreparedRequest:
    """Keep ``Authorization`` off the token request: Zuora forbids it, and a netrc file would add one."""
    return request

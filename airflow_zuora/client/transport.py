"""One exchange with Zuora's server, within a time and a size. Nothing is repeated or redirected."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from requests import PreparedRequest, Request, Response, Session
from requests.cookies import RequestsCookieJar
from requests.exceptions import InvalidProxyURL
from requests.utils import select_proxy
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from airflow_zuora.client.adapter import KeepAliveAdapter
from airflow_zuora.client.response import misdirected
from airflow_zuora.client.transport_errors import timed_out, transport_error
from airflow_zuora.client.wire import Deadline
from airflow_zuora.exceptions import ZuoraResponseError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase

CHUNK = 65536
MAX_BYTES = 64 * 1024 * 1024  # of one answer, decoded


class ZuoraSession(Session):
    """
    A session that follows no redirects and stores no cookies.

    :param base_url: The only address that it is for.
    :param headers: Headers of every request.
    :param adapter: Keeps connections alive.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], adapter: HTTPAdapter) -> None:
        super().__init__()
        # Plain http is for this machine only: a proxy of the environment would see token and secret.
        self.trust_env = base_url.startswith("https:")
        # No answer changes what a later call means.
        self.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=()))
        self.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", **headers})
        for scheme in ("https://", "http://"):
            self.mount(scheme, adapter)

    def get_redirect_target(self, resp: Response) -> None:
        """Report no redirect: requests would read its whole body, and parse where it leads."""


class Transport:
    """
    Sends requests to one address over connections that are kept alive.

    :param base_url: Scheme, host and port of Zuora's REST API.
    :param headers: Headers of every request.
    :param timeout: Seconds that an exchange may take.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout: float) -> None:
        self._base_url = base_url
        self._headers = dict(headers)
        self._timeout = timeout
        self._adapter = KeepAliveAdapter()
        self._session = self.new_session()

    def new_session(self, auth: AuthBase | None = None, headers: Mapping[str, str] | None = None) -> Session:
        """
        Return a session of its own that shares the connections.

        :param auth: Signs its requests.
        :param headers: More headers of its requests.
        """
        session = ZuoraSession(self._base_url, {**self._headers, **(headers or {})}, self._adapter)
        session.auth = auth
        return session

    def close(self) -> None:
        """Close the connections; new ones are opened when they are needed."""
        self._adapter.close()

    def exchange(
        self,
        request: Request | PreparedRequest,
        where: str,
        *,
        session: Session | None = None,
        timeout: float | None = None,
    ) -> Response:
        """
        Send a request and read the whole answer.

        :param request: The request.
        :param where: Method, address and entity, for the error.
        :param session: The session to use, instead of the transport's own.
        :param timeout: Seconds that the exchange may take, instead of the transport's.
        :raises ZuoraError: The subclass that says whether Zuora can have received the request.
        """
        session = session or self._session
        limit = Deadline(timeout or self._timeout)
        try:
            prepared = request if isinstance(request, PreparedRequest) else session.prepare_request(request)
            # Proxies and certificates as the environment says; the stubs take all of them for the same type.
            settings: dict[str, Any] = {
                **session.merge_environment_settings(prepared.url, {}, True, None, None)
            }
            _check_proxy(prepared, settings["proxies"])
            # The stubs of requests do not know the limits of urllib3.
            settings["timeout"] = cast("float", limit)
            with session.send(prepared, allow_redirects=False, **settings) as response:
                _check_track_id(prepared, response, where)
                body = _read_body(response.raw, where, limit)
            response.raw = BytesIO(body)
            return response
        # OSError is the base class of all errors of requests, and of a missing CA bundle; ValueError is
        # raised for a proxy's address, and for a chunk with a negative length.
        except (OSError, ValueError, HTTPError) as error:
            failure = transport_error(where, error, limit)
        # Raised out here, so that the error above does not go along: it may show a proxy's password.
        raise failure


def _check_proxy(request: PreparedRequest, proxies: dict[str, str]) -> None:
    """Check what requests does not: that the address of a proxy has a host, and which part of it that is."""
    proxy = select_proxy(request.url or "", proxies)
    if not proxy:
        return
    url = parse_url(proxy)
    if not url.host:
        raise InvalidProxyURL("the address of the proxy has no host")
    # A password may hold an @ and then a slash: what stands between them would be taken for the host.
    if any("@" in (part or "") for part in (url.path, url.query, url.fragment)):
        raise InvalidProxyURL(
            "the address of the proxy is not valid: write %2F, %23, %3F and %40 in a password"
        )


def _check_track_id(request: PreparedRequest, response: Response, where: str) -> None:
    """Check that an answer that names a call names this one; otherwise its connection is closed."""
    sent, echoed = (headers.get("Zuora-Track-Id") for headers in (request.headers, response.headers))
    if sent and echoed and echoed not in (sent, f"{sent}, {sent}"):  # a header that came twice is joined
        raise misdirected(where)


def _read_body(raw: Any, where: str, limit: Deadline) -> bytes:
    body = bytearray()
    # What has arrived, not a full chunk: a server that drips must not outlast the limit.
    while chunk := raw.read1(CHUNK, decode_content=True):
        body += chunk
        if len(body) > MAX_BYTES:
            raise ZuoraResponseError(
                f"{where} answered with more than {MAX_BYTES} bytes. Ask for less at a time."
            )
        # Decompressing what has arrived takes time too, and reads nothing from the socket.
        if not limit.seconds_left:
            raise timed_out(where, limit)
    return bytes(body)

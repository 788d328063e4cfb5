"""A session, and one exchange with a server within a time and a size. Nothing is repeated or redirected."""

from __future__ import annotations

import time
from http.cookiejar import DefaultCookiePolicy
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Any, cast

from requests import Session
from requests.cookies import RequestsCookieJar
from requests.exceptions import InvalidURL, RequestException, SSLError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
)
from urllib3.util import Timeout

from airflow_zuora.exceptions import (
    ZuoraConfigError,
    ZuoraError,
    ZuoraNotSentError,
    ZuoraResponseError,
    ZuoraTransportError,
)
from airflow_zuora.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest, Response
    from requests.adapters import BaseAdapter
    from requests.auth import AuthBase

CHUNK = 65536


def new_session(base_url: str, auth: AuthBase, adapter: BaseAdapter, headers: Mapping[str, str]) -> Session:
    """
    Make a session that keeps what it is given, and learns nothing from answers.

    :param base_url: the only address that it is for.
    :param auth: signs the requests.
    :param adapter: keeps connections alive.
    :param headers: go out with each request.
    """
    session = Session()
    session.auth = auth
    # Plain http is for this machine only: a proxy of the environment would see token and secret.
    session.trust_env = base_url.startswith("https:")
    # No answer changes what a later call means.
    session.cookies = RequestsCookieJar(DefaultCookiePolicy(allowed_domains=()))
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "gzip", **headers})
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


def exchange(
    session: Session, request: PreparedRequest, where: str, *, timeout: float, max_bytes: int
) -> Response:
    """
    Send a request and read the whole answer.

    :param session: keeps connections alive.
    :param where: method, address and entity, for the error's text.
    :param timeout: seconds until the answer must have begun, and until all of it must be there.
    :param max_bytes: longest answer, decoded.
    :raises ZuoraError: the subclass that tells whether it can have reached Zuora.
    """
    end = time.monotonic() + timeout
    body = bytearray()
    try:
        # Proxies and certificates as the environment says; the stubs take all of them for the same type.
        settings: dict[str, Any] = {**session.merge_environment_settings(request.url, {}, True, None, None)}
        # One limit for connecting and reading together; the stubs of requests do not know it.
        limit = cast("float", Timeout(total=timeout))
        # Not by session.send(): it reads the whole body of a redirect, and parses where it leads.
        with session.get_adapter(f"{request.url}").send(request, timeout=limit, **settings) as response:
            # What has arrived, not a full chunk: a server that drips must not outlast the limit.
            while chunk := response.raw.read1(CHUNK, decode_content=True):
                body += chunk
                if len(body) > max_bytes:
                    raise ZuoraResponseError(f"{where} answered with more than {max_bytes} bytes.")
                if time.monotonic() > end:
                    raise ZuoraTransportError(
                        f"{where}: the answer did not arrive whole within {timeout:.0f} seconds."
                    )
    # OSError is the base of all errors of requests, and of a missing CA bundle; ValueError is what comes of a
    # chunk with a negative length.
    except (OSError, ValueError, HTTPError) as error:
        raise transport_error(where, error) from error
    response._content = bytes(body)  # requests has no public way to read with a limit
    return response


def transport_error(where: str, error: OSError | ValueError | HTTPError) -> ZuoraError:
    """
    Tell apart: never sent, outcome unknown, and what no retry mends.

    :param where: method, address and entity, for the error's text.
    :param error: what ``requests`` or ``urllib3`` raised.
    """
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, SSLError) and _is_bad_certificate(reason):
        return ZuoraConfigError(
            f"{where}: the server's certificate does not verify ({reason}). Check the host of the "
            "connection; for a private certificate authority set REQUESTS_CA_BUNDLE."
        )
    if isinstance(reason, NameResolutionError):
        return ZuoraNotSentError(
            f"{where}: the host name is not known. Check environment and host of the connection."
        )
    if isinstance(reason, (NewConnectionError, ConnectTimeoutError, ProxyError)):
        return ZuoraNotSentError(
            f"{where}: no connection ({type(reason).__name__}). Check host and port of the connection, "
            "firewall and proxy."
        )
    said = one_line(str(error), 500)
    if isinstance(error, InvalidURL) or not isinstance(error, (RequestException, HTTPError, ValueError)):
        return ZuoraConfigError(f"{where}: {said}")
    return ZuoraTransportError(f"{where}: the answer did not arrive whole ({type(error).__name__}: {said}).")


def _is_bad_certificate(reason: BaseException | None) -> bool:
    return any(isinstance(part, SSLCertVerificationError) for part in (reason, *getattr(reason, "args", ())))

"""One connection to a server: the time limit of a whole exchange, and when it may be used for another one."""

from __future__ import annotations

import math
import socket
import time
from contextlib import suppress
from http.client import HTTPException
from ssl import SSLWantReadError
from typing import Any

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util import Timeout
from urllib3.util.connection import allowed_gai_family

from airflow_zuora.client.final_response import FinalResponse, TunnelResponse, seconds_until

# Seconds for a connect to one address, and for all that follows before the request: so that a silent host is
# detected while there is still time for another attempt.
CONNECT_TIMEOUT = 30.0
PIECE = 16384  # bytes that are sent at a time; one TLS record


class Deadline(Timeout):
    """
    The time limit of an exchange: every step gets what the steps before it have left.

    :param seconds: How long the exchange may take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(total=seconds)
        self.seconds = seconds
        self.was_started = False  # until then nothing can have been sent
        self._ends_at = time.monotonic() + seconds

    @property
    def seconds_left(self) -> float:
        """Seconds until the exchange must be over; 0 from then on."""
        return max(self._ends_at - time.monotonic(), 0.0)

    @property
    def connect_timeout(self) -> float:
        """What ``urllib3`` gives to connecting and sending."""
        return self.seconds_left

    @property
    def read_timeout(self) -> float:
        """What ``urllib3`` gives to reading."""
        return self.seconds_left

    def clone(self) -> Deadline:
        """Return itself: ``urllib3`` copies a limit for each step, and the time of a copy starts again."""
        return self

    def start_connect(self) -> float:
        """Note that ``urllib3`` begins with the request, after the tunnel through a proxy is open."""
        self.was_started = True
        return time.monotonic()


class NotConnectedError(NewConnectionError):
    """
    There was no connection that could be used, so nothing of the request was sent.

    :param conn: The connection.
    :param error: What went wrong.
    """

    def __init__(self, conn: Connection, error: Exception) -> None:
        super().__init__(conn, str(error))
        self.error = error
        # Known now only: the pool closes the connection, which forgets it.
        self.is_of_proxy = conn.proxy is not None and not conn.has_answered


class Connection(HTTPConnection):
    """
    A connection that keeps the time limit, and that is used again only after a whole answer.

    ``timeout``, which ``urllib3`` sets before each step, is what is left of it since.
    """

    _ends_at = math.inf
    _is_connecting = False
    _last_response: FinalResponse | None = None  # from this server

    @property
    def timeout(self) -> float | None:
        """Seconds that are left; ``None`` without a limit."""
        return seconds_until(self._ends_at)

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._ends_at = math.inf if seconds is None else time.monotonic() + seconds

    @property
    def is_connected(self) -> bool:
        """Whether the pool may send another request over it."""
        is_clean = self._last_response is None or not self._last_response.reader.has_rest
        return self.sock is not None and is_clean and self._is_silent()

    @property
    def has_answered(self) -> bool:
        """Whether the server has; while connecting, the proxy."""
        return self._last_response is not None

    def response_class(self, sock: Any, *args: Any, **kwargs: Any) -> FinalResponse:  # type: ignore[override]  # a class
        """Return the object that reads a response; ``http.client`` asks for it by this name."""
        kind = TunnelResponse if self._is_connecting else FinalResponse
        self._last_response = kind(sock, *args, ends_at=self._ends_at, **kwargs)
        return self._last_response

    def connect(self) -> None:
        """
        Connect to the server, or to a proxy and through it.

        :raises NotConnectedError: If it fails, whatever the reason, or leaves no time for the request.
        """
        ends_at = self._ends_at
        self._last_response = None  # of an earlier connection
        self._is_connecting = True
        try:
            super().connect()
            self._last_response = None  # a proxy's
            if time.monotonic() >= ends_at:
                self.close()
                raise TimeoutError("timed out")
        except (OSError, ValueError, HTTPException, HTTPError) as error:
            raise NotConnectedError(self, error) from error
        finally:
            self._ends_at = ends_at
            self._is_connecting = False

    def _new_conn(self) -> Any:
        """Open a socket, and limit what follows until the request; ``urllib3`` asks for it by this name."""
        name, ends_at = self.host, self._ends_at
        try:
            sock = self._try_addresses(ends_at)
        finally:
            self.host = name
            self._limit_connecting(ends_at)
        sock.settimeout(self.timeout)
        return sock

    def _try_addresses(self, ends_at: float) -> Any:
        *others, last = self._addresses()
        for self.host in others:
            self._limit_connecting(ends_at, share=0.5)  # the next address is to have time as well
            with suppress(ConnectTimeoutError):  # the base class of NewConnectionError
                return super()._new_conn()
        self.host = last
        self._limit_connecting(ends_at)
        return super()._new_conn()

    def _limit_connecting(self, ends_at: float, share: float = 1.0) -> None:
        now = time.monotonic()
        self._ends_at = now + min((ends_at - now) * share, CONNECT_TIMEOUT)

    def _addresses(self) -> list[str]:
        """Look up the addresses of the host; whatever goes wrong, ``urllib3`` will find and report."""
        if hasattr(self, "_socks_options"):  # the proxy may be the one who knows the host
            return [self.host]
        try:
            found = socket.getaddrinfo(self.host, self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return [self.host]
        return list(dict.fromkeys(str(address[0]) for *_, address in found)) or [self.host]

    def request(self, *args: Any, **kwargs: Any) -> None:
        """
        Send a request.

        :raises NotConnectedError: If something has arrived that would be taken for the answer.
        """
        if self.sock is None:
            self.connect()
        is_new = self._last_response is None  # the pool has asked is_connected of any other
        if is_new and not self._is_silent():
            raise NotConnectedError(self, ConnectionError("the server spoke before it was asked"))
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        """Send some bytes within the time that is left."""
        for start in range(0, len(data), PIECE):
            if self.sock is not None:
                self.sock.settimeout(self.timeout)
            super().send(data[start : start + PIECE])

    def _is_silent(self) -> bool:
        """
        Tell whether nothing has arrived, not even the end of the connection.

        Only reading tells: TLS has messages of its own that make a socket readable at any time, and it may
        hold bytes that are no longer in the socket. The byte that is read is not missed: nobody asked for
        it, so the connection is given up.
        """
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except (BlockingIOError, SSLWantReadError, TimeoutError):  # of TCP, of TLS, of pyOpenSSL
            return True
        except OSError:
            return False
        finally:
            self.sock.settimeout(self.timeout)
        return False

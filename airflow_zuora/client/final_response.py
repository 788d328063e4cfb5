"""Reading one response: the final one, within the time limit, and whether anything came behind it."""

from __future__ import annotations

import io
import math
import re
import time
from http.client import HTTPResponse, parse_headers
from typing import Any

_LENGTH = re.compile("[0-9]+")  # int() takes more, such as +17 and 1_7


def seconds_until(ends_at: float) -> float | None:
    """
    Return how long a socket may wait; ``None`` without a limit.

    :param ends_at: When the time is over, in seconds of :func:`time.monotonic`.
    :return: At least a millisecond, since 0 means not to wait at all.
    """
    return None if ends_at == math.inf else max(ends_at - time.monotonic(), 0.001)


class _Incoming(io.RawIOBase):
    """
    The bytes that arrive at a socket, until the time is over.

    :param sock: A socket, of plain TCP or TLS.
    :param ends_at: When the time is over, in seconds of :func:`time.monotonic`.
    """

    def __init__(self, sock: Any, ends_at: float) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", buffering=0)
        self._ends_at = ends_at
        self.is_over = False  # whether the response is complete: no more is read then

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.is_over:
            return 0
        if time.monotonic() > self._ends_at:  # a server that never pauses would not be stopped by the socket
            raise TimeoutError("timed out")
        self._sock.settimeout(seconds_until(self._ends_at))
        count: int | None = self._file.readinto(buffer)
        return count

    def close(self) -> None:
        if not self.closed:
            # The TLS handshake behind a proxy's answer gets what is left then, not what was left before it.
            self._sock.settimeout(seconds_until(self._ends_at))
        self._file.close()
        super().close()


class _Reader(io.BufferedReader):
    """
    Reads one response.

    :param incoming: The bytes that arrive.
    """

    def __init__(self, incoming: _Incoming) -> None:
        super().__init__(incoming)
        self._incoming = incoming
        self.has_rest = False  # whether something was left that does not belong to it

    def close(self) -> None:
        if not self.closed:
            self._incoming.is_over = True
            self.has_rest = bool(self.peek(1))
        super().close()


class FinalResponse(HTTPResponse):
    """
    The final response to a request.

    ``http.client`` takes an interim response such as 103 for the final one; this class reads past it.

    :param sock: A socket, of plain TCP or TLS.
    :param ends_at: When the whole response must have arrived, in seconds of :func:`time.monotonic`.
    """

    def __init__(self, sock: Any, *args: Any, ends_at: float, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = self.reader = _Reader(_Incoming(sock, ends_at))

    def begin(self) -> None:
        """Read the head of the final response."""
        super().begin()
        while 102 <= self.status < 200:
            self.headers = self.msg = None  # type: ignore[assignment]  # otherwise begin() does nothing
            super().begin()
        if self.status < 200 or self._has_uncertain_end():  # 101: what follows is not HTTP
            self.will_close = True

    def _has_uncertain_end(self) -> bool:
        """Whether a proxy and ``http.client`` may disagree where this response ends (RFC 9112, 6.3)."""
        lengths, codings = (
            [value.strip(" \t") for value in self.headers.get_all(name, [])]
            for name in ("Content-Length", "Transfer-Encoding")
        )
        if codings:
            return bool(lengths) or [coding.lower() for coding in codings] != ["chunked"]
        return not all(_LENGTH.fullmatch(length) for length in lengths)


class TunnelResponse(FinalResponse):
    """The final response of a proxy that was asked for a tunnel; ``http.client`` does not begin() it."""

    def _read_status(self) -> tuple[str, int, str]:
        """Read past interim responses; ``http.client`` asks for the status by this name."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # the stubs leave it out
            if not 100 <= status < 200 or status == 101:
                return version, status, reason
            parse_headers(self.fp)

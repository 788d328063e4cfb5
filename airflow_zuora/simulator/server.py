"""The simulator as a server in a thread of this process."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_zuora.simulator.app import create_app
from airflow_zuora.simulator.delivery import TRANSPORT
from airflow_zuora.simulator.faults import Fault
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID
from airflow_zuora.simulator.store import Store

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from types import TracebackType

    from airflow_zuora.simulator.journal import RecordedRequest
    from airflow_zuora.simulator.settings import Settings
    from airflow_zuora.simulator.simulation import Simulation

HOST = "127.0.0.1"
_START_SECONDS = 30
_CONNECTION_FIELDS = frozenset({"conn_type", "host", "port", "login", "password", "schema", "description"})


class ZuoraSimulator:
    """
    A local Zuora on the loopback address.

    Use it as a context manager, or call :meth:`start` and :meth:`stop`::

        with ZuoraSimulator() as simulator:
            os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"] = simulator.connection_json()

    :param port: TCP port; 0 takes any free one.
    :param pending: how many Pending requests to the default entity to add to the seeded three.
    :param roll_out: how many further entities to add, each with a Pending request from Acme Corporation.
    :param hosts: further names under which it may be reached, besides those of the loopback address.
    :param settings: behaviour where Zuora's documentation is silent.
    :param clock: the time in Unix seconds, for tokens, limits and stored results.
    """

    host = HOST

    def __init__(
        self,
        *,
        port: int = 0,
        pending: int = 0,
        roll_out: int = 0,
        hosts: tuple[str, ...] = (),
        settings: Settings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.port = port
        self.store = Store(settings, clock=clock, pending=pending, roll_out=roll_out)
        self.settings = self.store.settings
        self._app = create_app(self.store, hosts)
        self._simulation: Simulation = self._app.state.simulation
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> ZuoraSimulator:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> ZuoraSimulator:
        """
        Serve in a thread; when this returns, the simulator answers.

        :raises OSError: if the port is taken.
        """
        if self._server is not None:
            raise RuntimeError("The simulator is running already")
        # Bound here, not in the thread: a taken port is the caller's error, and port 0 is known at once.
        listener = socket.create_server((self.host, self.port), backlog=256)
        # Accepted sockets inherit it; asyncio sets it only on sockets made with an explicit protocol, and
        # without it every answer waits 40 ms for the client's delayed ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        self._server = _Server(_config(self._app))
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="zuora-simulator", daemon=True
        )
        self._thread.start()
        if not self._server.ready.wait(_START_SECONDS):
            raise RuntimeError("The simulator did not start")
        return self

    def stop(self) -> None:
        """End the server; open connections are cut."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def connection_json(
        self, *, entity_id: str | None = DEFAULT_ENTITY_ID, client: str = "default", **overrides: Any
    ) -> str:
        """
        Write the Airflow connection that leads here, as JSON for ``AIRFLOW_CONN_ZUORA_DEFAULT``.

        :param entity_id: the extra ``entity_id``; ``None`` leaves it out.
        :param client: name of the OAuth client; see :func:`airflow_zuora.simulator.seed.clients`.
        :param overrides: other fields of the connection (``password="x"``) or of its extra (``timeout=2``).
        """
        oauth = self.store.access.named(client)
        extra = {} if entity_id is None else {"entity_id": entity_id}
        connection: dict[str, Any] = {
            "conn_type": "zuora",
            "host": f"http://{self.host}",
            "port": self.port,
            "login": oauth.id,
            "password": oauth.secret,
            "extra": extra,
        }
        for name, value in overrides.items():
            (connection if name in _CONNECTION_FIELDS else extra)[name] = value
        return json.dumps(connection)

    def fault(self, named: str | None = None, **fields: Any) -> Fault:
        """
        Let something go wrong.

        :param named: name of a known fault, such as ``lock``, ``throttle`` or ``html``.
        :param fields: see :class:`airflow_zuora.simulator.faults.Fault`.
        """
        return self._simulation.faults.add(Fault(named, **fields))

    def clear_faults(self) -> None:
        """Take all faults away."""
        self._simulation.faults.clear()

    def requests(self, method: str | None = None, path: str | None = None) -> list[RecordedRequest]:
        """Give what was received, oldest first; ``path`` is a glob such as ``/v1/entity-connections*``."""
        return self._simulation.journal.find(method, path)

    def on_request(self, call: Callable[[RecordedRequest], object]) -> None:
        """
        Call a function with each request as it arrives, before anything comes of it.

        What it does happens in the middle of the caller's operation: it may change the store as other people
        would, or add a fault for this very request. It runs in the server's thread; :meth:`reset` ends it.
        """
        self._simulation.on_request = call

    def send_request(self, source_entity_id: str, target_entity_id: str) -> str:
        """Send a connection request from one entity to another; give its id."""
        return self.store.send_request(source_entity_id, target_entity_id).id

    def reset(self) -> None:
        """Bring back the seeded tenant and the first settings; forget faults and received requests."""
        self._simulation.reset()


class _Server(uvicorn.Server):
    """Says when it is ready, and does not wait for clients when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Cut the open connections, so that stalled answers end too, and close the listener."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.transport.abort()
        await super().shutdown(sockets)


class _Protocol(H11Protocol):
    """Hands the connection's transport to the application, which needs it for faults such as a reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take a new connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
    )

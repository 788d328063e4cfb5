"""The connections that a session keeps alive."""

from __future__ import annotations

import os
import socket
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from requests.adapters import DEFAULT_POOLSIZE, HTTPAdapter
from urllib3.connection import HTTPConnection

from airflow_zuora.client.wire import Connection

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

# A request may be silent for two minutes; firewalls on the way drop connections that they believe are dead.
SOCKET_OPTIONS = [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]


class KeepAliveAdapter(HTTPAdapter):
    """Keeps connections of the class :class:`~airflow_zuora.client.wire.Connection` alive."""

    def __init__(self) -> None:
        super().__init__()
        _adapters.add(self)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use ``Connection`` in all pools."""
        super().init_poolmanager(*args, socket_options=SOCKET_OPTIONS, **kwargs)
        _use_own_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Use ``Connection`` in the pools of a proxy too."""
        manager = super().proxy_manager_for(proxy, socket_options=SOCKET_OPTIONS, **kwargs)
        _use_own_connections(manager)
        return manager

    def close(self) -> None:
        """Close the sockets too: requests only forgets its pools, which a traceback may hold for longer."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in list(manager.pools.keys()):
                manager.pools[key].close()
        super().close()

    def reset_after_fork(self) -> None:
        """Forget all connections without using them, in a process that must not touch them."""
        self.proxy_manager = {}
        self.init_poolmanager(DEFAULT_POOLSIZE, DEFAULT_POOLSIZE)


def _use_own_connections(manager: Any) -> None:
    pools = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _with_own_connections(pool) for scheme, pool in pools.items()}


@cache
def _with_own_connections(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    """Derive a pool from one of urllib3's: those for https and for SOCKS differ in how they connect."""
    if issubclass(pool.ConnectionCls, Connection):
        return pool
    connection = type(pool.ConnectionCls.__name__, (Connection, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


_adapters: WeakSet[KeepAliveAdapter] = WeakSet()


def _leave_connections_to_the_parent() -> None:
    """In a forked process: its connections are the parent's, and would mix up the answers of both."""
    for adapter in list(_adapters):
        adapter.reset_after_fork()


os.register_at_fork(after_in_child=_leave_connections_to_the_parent)

"""One lock for the whole state, taken by each public method that reads or changes it."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable


class HasLock(Protocol):
    """Anything that carries a lock."""

    lock: threading.RLock


_Self = TypeVar("_Self", bound=HasLock)
_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


def locked(
    method: Callable[Concatenate[_Self, _Params], _Result],
) -> Callable[Concatenate[_Self, _Params], _Result]:
    """
    Run a method while holding ``self.lock``.

    Tests change the state from their own thread while the server reads it in another. A plain lock keeps
    both simple: no method waits for anything while it holds the lock, so the event loop never stands still.
    """

    @wraps(method)
    def with_lock(self: _Self, /, *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        with self.lock:
            return method(self, *args, **kwargs)

    return with_lock

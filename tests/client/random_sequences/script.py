"""What happens to the requests of an operation, drawn at random: faults, other people, a killed worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.faults.wire import Parts
from tests.faults.wire_catalogue import SUCCESS, http, interim, with_length


class Fault(NamedTuple):
    """
    A fault that hits one request.

    :param fields: Fields of a fault of the simulator.
    :param wire: What happens to the answer below HTTP.
    :param is_lost: Whether a caller cannot tell what became of a change.
    :param arrives: Whether the real answer arrives nevertheless.
    :param asked: Seconds that Zuora asks to wait.
    """

    fields: dict[str, Any]
    wire: Callable[[bytes], Parts] | None = None
    is_lost: bool = False
    arrives: bool = False
    asked: float = 0


# Answers after which a change may have taken effect or not; each comes before the effect or after it.
_LOST: dict[str, dict[str, Any]] = {
    "drop": {"drop": True},
    "500": {"status": 500},
    "502": {"named": "bad_gateway"},
    "503, wait 9": {"status": 503, "headers": {"Retry-After": "9"}},
    "503, wait 301": {"status": 503, "headers": {"Retry-After": "301"}},
    "503, wait 601": {"status": 503, "headers": {"Retry-After": "601"}},
    "504": {"named": "gateway_timeout"},
    "408": {"status": 408},
    "internal": {"named": "internal"},
    "temporary": {"named": "temporary"},
    "integration": {"named": "integration"},
}
_NOT_FROM_ZUORA: dict[str, dict[str, Any]] = {  # so they are lost as well
    "html": {"named": "html"},
    "html with 200": {"body": "<html></html>"},
    "empty": {"named": "empty"},
    "broken json": {"named": "broken_json"},
    "no success": {"status": 200, "body": {}},
}
_CUT: dict[str, dict[str, Any]] = {  # the real answer, damaged
    "half a body": {"half_body": True},
    "bad gzip": {"damage_gzip": True},
}
_NOT_NOW: dict[str, dict[str, Any]] = {
    "throttle, wait 60": {"named": "throttle"},
    "throttle, wait 301": {"named": "throttle", "parameters": {"reset": 301}},
    "throttle, wait 601": {"named": "throttle", "parameters": {"reset": 601}},
    "throttle, wait 30": {"named": "throttle", "parameters": {"reset": 5, "retry_after": 30}},
    "concurrency, wait 120": {"named": "concurrency"},
    "token throttle, wait 60": {"named": "token_throttle"},
    "429": {"status": 429},
    "409": {"status": 409},
    "lock": {"named": "lock"},
    "no user info": {"named": "no_user_info"},
}
_TOKEN_REFUSED: dict[str, dict[str, Any]] = {"token refused": {"named": "expired_token"}}
_REFUSED: dict[str, dict[str, Any]] = {"rule": {"named": "rule"}, "not found": {"named": "not_found"}}
_NEVER: dict[str, dict[str, Any]] = {
    "permission": {"named": "permission"},
    "404": {"status": 404, "body": "<html>no such page</html>"},
    "400": {"status": 400},
    "403": {"status": 403},
    "no reasons": {"named": "no_reasons"},
    "redirect": {"named": "redirect"},
}
_WIRE_ARRIVES: dict[str, Callable[[bytes], Parts]] = {
    "interim 103": lambda real: [interim(103) + real],
    "interim 103, answer later": lambda real: [interim(103), 0.002, real],
    "several interim answers": lambda real: [interim(100) + interim(103) + interim(102), 0.002, real],
    "extra bytes": lambda real: [real + b"\r\n\r\nand more"],
    "two answers": lambda real: [real + http(200, body=SUCCESS)],
    "the same answer twice": lambda real: [real + real],
    "an interim answer behind": lambda real: [real + interim(103)],
    "closed behind the answer": lambda real: [real, None],
}
_WIRE_LOST: dict[str, Callable[[bytes], Parts]] = {
    "interim 103, then closed": lambda _: [interim(103), None],
    "switching protocols": lambda real: [interim(101) + real],
    "length too short": lambda real: [with_length(real, -5)],
    "length too long": lambda real: [with_length(real, 5), None],
    "no http": lambda _: [b"SSH-2.0-x\r\n"],
}
FOREIGN_NEXT_PAGE = "foreign next page"


def _faults(faults: dict[str, dict[str, Any]], *, is_lost: bool = False) -> dict[str, Fault]:
    return {
        name: Fault(fields, is_lost=is_lost, asked=float(name.partition("wait ")[2] or 0))
        for name, fields in faults.items()
    }


def _after_effect(faults: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"after effect: {name}": {**fault, "after_effect": True} for name, fault in faults.items()}


_GROUPS = (
    *(_faults(faults, is_lost=True) for faults in (_LOST, _NOT_FROM_ZUORA, _CUT)),
    *(_faults(_after_effect(faults), is_lost=True) for faults in (_LOST, _NOT_FROM_ZUORA)),
    *(_faults(faults) for faults in (_NOT_NOW, _TOKEN_REFUSED, _REFUSED, _NEVER)),
)
_WIRE_GROUPS = (
    {name: Fault({}, wire, arrives=True) for name, wire in _WIRE_ARRIVES.items()},
    {name: Fault({}, wire, is_lost=True) for name, wire in _WIRE_LOST.items()},
)
FAULTS = {name: fault for group in (*_GROUPS, *_WIRE_GROUPS) for name, fault in group.items()}
FAULTS[FOREIGN_NEXT_PAGE] = Fault({"named": "foreign_next_page"}, arrives=True)


class Act(NamedTuple):
    """
    What somebody else does.

    :param verb: accept, deny, disconnect, or ask for a connection.
    :param at: Which connection: 0 is the one that the operation is about.
    """

    verb: str
    at: int


class Moment(NamedTuple):
    """What happens when a request arrives, before Zuora handles it."""

    fault: str = ""
    others: tuple[Act, ...] = ()

    def __repr__(self) -> str:
        return _short(self)


class Script(NamedTuple):
    """
    What happens around an operation, and to its first requests of each kind. The others are left alone.

    :param before: What other people do before it.
    :param seconds: How much time passes before it.
    :param idle: What the server does to the idle connections before it.
    :param restarted: Whether the process is a new one.
    :param lasting: Whether the last of each kind happens to all further requests as well.
    :param killed: Number of the wait in which the worker is killed, 0 for none.
    """

    before: tuple[Act, ...] = ()
    seconds: int = 0
    idle: str = ""
    restarted: bool = False
    tokens: tuple[Moment, ...] = ()
    reads: tuple[Moment, ...] = ()
    changes: tuple[Moment, ...] = ()
    lasting: bool = False
    killed: int = 0

    def __repr__(self) -> str:
        return _short(self)

    @property
    def is_calm(self) -> bool:
        return not (self.tokens or self.reads or self.changes or self.killed)


def _short(record: Moment | Script) -> str:
    fields = (f"{name}={value!r}" for name, value in record._asdict().items() if value)
    return f"{type(record).__name__}({', '.join(fields)})"


CALM = Script()
QUIET = Moment()
IDLE = ("answer", "interim", "hang up")
_FAULTS = st.sampled_from([sorted(group) for group in _GROUPS]).flatmap(st.sampled_from)
_WIRE_FAULTS = st.sampled_from([sorted(group) for group in _WIRE_GROUPS]).flatmap(st.sampled_from)
_VERBS = st.sampled_from(("accept", "deny", "disconnect", "ask"))
_ACT = st.builds(Act, verb=_VERBS, at=st.sampled_from((0, 0, 1, 2)))
_ACTS = st.lists(_ACT, min_size=1, max_size=3).map(tuple)


def _moments(faults: st.SearchStrategy[str], most: int) -> st.SearchStrategy[list[Moment]]:
    moment = st.one_of(
        st.just(QUIET),
        faults.map(Moment),
        _ACTS.map(_only_others),
        st.tuples(faults, _ACTS).map(Moment._make),
    )
    return st.just([]) | st.lists(moment, min_size=most, max_size=most)


def _only_others(others: tuple[Act, ...]) -> Moment:
    return Moment(others=others)


_Moments = st.SearchStrategy[list[Moment]]


def _kinds(faults: st.SearchStrategy[str]) -> tuple[_Moments, _Moments, _Moments]:
    """What happens to requests for a token, to reads and to changes."""
    tokens: _Moments = st.one_of(st.just([]), st.just([]), _moments(faults, 3))
    of_reads = st.one_of(faults, faults, faults, st.just(FOREIGN_NEXT_PAGE))
    return tokens, _moments(of_reads, 6), _moments(faults, 4)


_IN_ZUORA = _kinds(_FAULTS)
_ON_THE_WIRE = _kinds(st.one_of(_FAULTS, _WIRE_FAULTS, _WIRE_FAULTS))


@st.composite
def scripts(draw: st.DrawFn, *, wire: bool = False) -> Script:
    """
    Draw what happens.

    :param wire: Whether faults below HTTP happen as well.
    """
    tokens, reads, changes = _ON_THE_WIRE if wire else _IN_ZUORA
    return Script(
        before=draw(st.one_of(st.just(()), st.just(()), _ACTS)),
        seconds=draw(st.sampled_from((0, 0, 0, 1, 61, 3600, 90_000))),
        idle=draw(st.sampled_from(("", "", *IDLE))) if wire else "",
        restarted=draw(st.sampled_from((False, False, True))),
        tokens=_without_quiet_end(draw(tokens)),
        reads=_without_quiet_end([QUIET] * draw(st.sampled_from((1, 1, 0, 2))) + draw(reads)),
        changes=_without_quiet_end(draw(changes)),
        lasting=draw(st.sampled_from((False, False, False, True))),
        killed=draw(st.sampled_from((0, 0, 0, 0, 1, 2))),
    )


def _without_quiet_end(moments: list[Moment]) -> tuple[Moment, ...]:
    while moments and moments[-1] == QUIET:
        moments = moments[:-1]
    return tuple(moments)

"""What happens to the requests of an operation, drawn by chance: faults, other people, a killed worker."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st


class Trouble(NamedTuple):
    """
    A fault of the simulator.

    :param fault: its fields.
    :param lost: whether a caller cannot tell what became of a change.
    :param asked: seconds that Zuora asks to wait.
    """

    fault: dict[str, Any]
    lost: bool
    asked: float = 0


# Answers after which a change may have taken effect or not; each comes before the effect or after it.
_LOST: dict[str, dict[str, Any]] = {
    "drop": {"drop": True},
    "500": {"status": 500},
    "502": {"named": "bad_gateway"},
    "503, wait 9": {"status": 503, "headers": {"Retry-After": "9"}},
    "503, wait 301": {"status": 503, "headers": {"Retry-After": "301"}},
    "504": {"named": "gateway_timeout"},
    "408": {"status": 408},
    "internal": {"named": "internal"},
    "temporary": {"named": "temporary"},
    "integration": {"named": "integration"},
}
_NOT_ZUORAS: dict[str, dict[str, Any]] = {  # so they are lost as well
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
FOREIGN_NEXT_PAGE = "foreign next page"


def _troubles(faults: dict[str, dict[str, Any]], *, lost: bool) -> dict[str, Trouble]:
    return {
        name: Trouble(fault, lost, float(name.partition("wait ")[2] or 0)) for name, fault in faults.items()
    }


def _after_effect(faults: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {f"after effect: {name}": {**fault, "after_effect": True} for name, fault in faults.items()}


_GROUPS = (
    *(_troubles(faults, lost=True) for faults in (_LOST, _NOT_ZUORAS, _CUT)),
    *(_troubles(_after_effect(faults), lost=True) for faults in (_LOST, _NOT_ZUORAS)),
    *(_troubles(faults, lost=False) for faults in (_NOT_NOW, _TOKEN_REFUSED, _REFUSED, _NEVER)),
)
TROUBLES = {name: trouble for group in _GROUPS for name, trouble in group.items()}
TROUBLES[FOREIGN_NEXT_PAGE] = Trouble({"named": "foreign_next_page"}, False)


class Act(NamedTuple):
    """
    What somebody else does.

    :param verb: accept, deny, disconnect, or ask for a connection.
    :param at: which connection: 0 is the one that the operation is about.
    """

    verb: str
    at: int


class Moment(NamedTuple):
    """What happens when a request arrives, before Zuora handles it."""

    trouble: str = ""
    others: tuple[Act, ...] = ()

    def __repr__(self) -> str:
        return _told(self)


class Script(NamedTuple):
    """
    What happens around an operation, and to its first requests of each kind; the others are left alone.

    :param before: what other people do before it.
    :param seconds: how much time passes before it.
    :param restarted: whether the process is a new one.
    :param lasting: whether the last of each kind happens to all further requests as well.
    :param killed: number of the wait in which the worker is killed, 0 for none.
    """

    before: tuple[Act, ...] = ()
    seconds: int = 0
    restarted: bool = False
    tokens: tuple[Moment, ...] = ()
    reads: tuple[Moment, ...] = ()
    changes: tuple[Moment, ...] = ()
    lasting: bool = False
    killed: int = 0

    def __repr__(self) -> str:
        return _told(self)

    @property
    def is_calm(self) -> bool:
        return not (self.tokens or self.reads or self.changes or self.killed)


def _told(record: Moment | Script) -> str:
    fields = (f"{name}={value!r}" for name, value in record._asdict().items() if value)
    return f"{type(record).__name__}({', '.join(fields)})"


CALM = Script()
QUIET = Moment()
_FAULTS = st.sampled_from([sorted(group) for group in _GROUPS]).flatmap(st.sampled_from)
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


_TOKENS = st.one_of(st.just([]), st.just([]), _moments(_FAULTS, 3))
_READS = _moments(st.one_of(_FAULTS, _FAULTS, _FAULTS, st.just(FOREIGN_NEXT_PAGE)), 6)
_CHANGES = _moments(_FAULTS, 4)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Draw what happens."""
    return Script(
        before=draw(st.one_of(st.just(()), st.just(()), _ACTS)),
        seconds=draw(st.sampled_from((0, 0, 0, 1, 61, 3600, 90_000))),
        restarted=draw(st.sampled_from((False, False, True))),
        tokens=_without_quiet_end(draw(_TOKENS)),
        reads=_without_quiet_end([QUIET] * draw(st.sampled_from((1, 1, 0, 2))) + draw(_READS)),
        changes=_without_quiet_end(draw(_CHANGES)),
        lasting=draw(st.sampled_from((False, False, False, True))),
        killed=draw(st.sampled_from((0, 0, 0, 0, 1, 2))),
    )


def _without_quiet_end(moments: list[Moment]) -> tuple[Moment, ...]:
    while moments and moments[-1] == QUIET:
        moments = moments[:-1]
    return tuple(moments)

"""Headers, parameters and methods of a caller are sent unchanged, or nothing is sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_zuora.exceptions import ZuoraValueError
from tests.helpers.bad_servers import TOKEN, headers_of, recording_server

quick = settings(
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
HEADERS = {"host", "user-agent", "accept", "accept-encoding", "connection", "authorization", "zuora-version"}
HEADERS.add("zuora-entity-ids")


OWN = ["authorization", "HOST", "Cookie", "proxy-authorization", "Zuora-Entity-Ids"]
OWN += ["zuora-ENTITY-ids", "Content-Length"]
OWN += ["transfer-encoding", "Connection", "TE", "Trailer", "Expect", "upgrade"]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("call", ["request", "run"])
def test_a_header_of_the_protocol_the_token_or_the_entity_is_refused(name, call, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match=f"^headers must not contain {name}"):
        send(hook, call, headers={"X-More": "1", name: "x"})
    assert zuora_simulator.requests() == []


ODD_VALUES = ["a\r\nY: z", "a\nb", "a\rb", "a\x00b", "a\x7f", " a", "a ", "\ta", "é", "а", "日本"]
ODD_VALUES += ["\ud800", "a\u2028b"]
ODD_NAMES = ["", "X:", "X Y", "X\r\nY", "X\n", " X", "X ", "X\x00", "É", "Ηost", "host ", "Authorization\t"]
NOT_STRINGS = [5, None, b"X", ("X",)]


@pytest.mark.parametrize(
    "headers",
    [{"X": value} for value in [*ODD_VALUES, *NOT_STRINGS, ["a"], True, {"a": "b"}]]
    + [{name: "a"} for name in [*ODD_NAMES, *NOT_STRINGS]]
    + [[("X", "y")], "X: y", 5],
    ids=lambda headers: ascii(headers)[:30],
)
@pytest.mark.parametrize("call", ["request", "run"])
def test_a_header_that_cannot_be_sent_unchanged_is_refused(headers, call, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="^headers must ") as raised:
        send(hook, call, headers=headers)
    assert str(raised.value).isprintable()
    assert zuora_simulator.requests() == []


def send(hook: Any, call: str, **arguments: Any) -> Any:
    return hook.request("GET", "/v1/x", **arguments) if call == "request" else hook.run("/v1/x", **arguments)


NAMES = st.text(st.sampled_from("Xx-aZ9_ \r\n:\0") | st.characters(), min_size=1, max_size=8)


@quick
@given(headers=st.dictionaries(NAMES, st.text(st.sampled_from("ab \r\n\t\0é") | st.characters(), max_size=8)))
def test_any_headers_are_refused_or_sent_unchanged(headers, connect):
    with recording_server() as server:
        try:
            connect(port=server.port).request("GET", "/v1/x", headers=headers)
        except ZuoraValueError:
            assert server.received == []
            return
        sent = headers_of(server.received[-1])
        assert set(sent) == HEADERS | {name.lower() for name in headers}
        assert sent["host"] == f"127.0.0.1:{server.port}"
        assert sent["authorization"] == f"Bearer {TOKEN}"


@quick
@given(
    params=st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.lists(st.text(), min_size=1))
)
def test_any_params_stay_in_the_query(params, connect):
    with recording_server() as server:
        try:
            connect(port=server.port).request("GET", "/v1/x", params=params)
        except ZuoraValueError:
            assert server.received == []
            return
        path, _, query = server.lines[0].split(" ")[1].partition("?")
        wanted = {
            name: [str(one) for one in (v if isinstance(v, list) else [v])] for name, v in params.items()
        }
        assert (path, parse_qs(query, keep_blank_values=True)) == ("/v1/x", wanted)
        assert headers_of(server.received[-1]).keys() == HEADERS


DEEP: list[Any] = []
for _ in range(10_000):
    DEEP = [DEEP]
ODD_PARAMS = [5, "a=b", [("a", "b")], {"a": "\ud800"}, {"\udfff": "a"}, {"a": 10**5000}, {"a": DEEP}, DEEP]


@pytest.mark.parametrize("params", ODD_PARAMS, ids=range(len(ODD_PARAMS)))
def test_params_that_cannot_be_encoded_are_refused(params, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="^params "):
        hook.request("GET", "/v1/x", params=params)
    assert zuora_simulator.requests() == []


@pytest.mark.parametrize(
    "method", ["", " ", "GET ", "GET\r\nX: y", "G-T", "GÉT", "ＧＥＴ", "GET /x HTTP/1.1", "\ud800"]
)
def test_a_method_must_be_a_word(method, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match="^method must be a word such as GET"):
        hook.request(method, "/v1/x")
    assert zuora_simulator.requests() == []

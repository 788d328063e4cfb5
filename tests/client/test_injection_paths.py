"""The path of a call is sent unchanged to the host of the connection, or nothing is sent."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.client.request import check_path
from airflow_zuora.exceptions import ZuoraValueError
from tests.helpers.bad_servers import headers_of, recording_server

WORDS = r"""
v1/x https://evil.example.com/ //evil.example.com/ ///x /v1//x /\evil.example.com \\evil @evil.example.com/
:80@evil.example.com/ .evil.example.com/ /v1/x?a=1 /v1/x? /v1/x#y /../x /v1/.. /v1/. /v1/./x /v1/x/../y
/v1/%2e%2e/x /v1/.%2E/x /v1/%2e/x /v1/..%2fx /v1/..%5Cx /v1/x%2f..%2fy /v1/..;/x /v1/x;/../y /v1/..;a=b/x
/v1/%2e%2e%3b/x /v1/%0d%0aX:y /v1/%00 /v1/%C2%85 /v1/%E2%80%AE /v1/% /v1/%2 /v1/%zz /v1/é /v1/．．/x /v1／x
/v1/<x> /v1/" /v1/{x} /v1/a|b /v1/a^b /v1/`x` /v1/[x]
"""
ODD_PATHS = [
    "",
    " /v1/x",
    "/v1/x ",
    "/v1 /x",
    "/v1/x\t",
    "/v1/x\n",
    "/v1/x\r\nX: y",
    "/v1/\x00",
    "/v1/\x7f",
    "/",
]
ODD_PATHS += [*WORDS.split(), "/v1/x\u2028", "/v1/\ud800", "/v1/x" + "/.." * 3000]
NOT_STRINGS = [None, 5, 1.5, True, b"/v1/x", ["/v1/x"], {"/v1/x": 1}]


@pytest.mark.parametrize("path", [*ODD_PATHS, *NOT_STRINGS], ids=lambda path: ascii(path)[:30])
def test_a_path_that_may_lead_elsewhere_is_refused_before_anything_is_sent(path, hook, zuora_simulator):
    with pytest.raises(ZuoraValueError, match=r"^path must begin with a slash, such as /v1/") as raised:
        hook.request("GET", path)
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 300
    assert zuora_simulator.requests() == []


GOOD_PATHS = "/v1/catalog/products /v1/accounts/A-00_1.x~ /v1/x/ /v1/... /v1/..x /v1/x.. /v1/a%20b /v1/a%2Fb"
GOOD_PATHS += " /v1/%C3%A9 /v1/a;b=c /v1/a:b@c /v1/(a),'b'!$&*+= /v1/%252e%252e"


@pytest.mark.parametrize("path", [*GOOD_PATHS.split(), "/" + "x" * 9999], ids=lambda path: path[:30])
def test_a_valid_path_is_sent_unchanged(path, connect):
    with recording_server() as server:
        connect(port=server.port).request("GET", path)
        assert server.lines == [f"GET {path} HTTP/1.1"]


@given(
    st.lists(
        st.text(st.sampled_from(".%/\\;a2eEf5cC") | st.characters(), max_size=12), min_size=1, max_size=4
    )
)
def test_a_quoted_text_stays_in_its_segment_or_is_refused(segments):
    try:
        path = check_path("/v1/" + "/".join(quote(one, safe="", errors="surrogatepass") for one in segments))
    except ZuoraValueError:
        return
    assert path.isascii()
    assert path.count("/") == len(segments) + 1
    assert not {".", "..", ""} & set(path.split("/")[1:-1])


ENDPOINTS = "//evil/x http://evil/ https://127.0.0.1/ @evil/ \\\\evil \\evil /../x ?x #x :80@evil /%2e%2e/x"


@pytest.mark.parametrize(
    "endpoint", [*ENDPOINTS.split(), "\r\nX: y", "/x\r\nX: y", "/\u202e", " @evil", "", None], ids=ascii
)
def test_run_sends_any_endpoint_to_the_host_of_the_connection(endpoint, connect):
    with recording_server() as server:
        connect(port=server.port).run(endpoint)
        assert len(server.lines) == 1
        assert server.lines[0].startswith("GET /")
        headers = headers_of(server.received[-1])
        assert headers["host"] == f"127.0.0.1:{server.port}"

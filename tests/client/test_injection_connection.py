"""No field of an Airflow connection sends the secret to another host than the one that it shows."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import strategies as st
from requests import Request
from urllib3.util import parse_url

from airflow_zuora.client.config import ZuoraConnection
from airflow_zuora.exceptions import ZuoraConfigError

SECRET = "s3cret-s3cret"
NOT_STRINGS: list[Any] = [5, True, b"rest.zuora.com", ["rest.zuora.com"], {"host": "x"}]


def read(**fields: Any) -> ZuoraConnection:
    whole = {"host": "rest.zuora.com", "login": "client", "password": SECRET, **fields}
    return ZuoraConnection.read(Connection(conn_id="zuora_x", conn_type="zuora", **whole))


def refused(**fields: Any) -> str:
    with pytest.raises(ZuoraConfigError, match="^Airflow connection 'zuora_x': ") as raised:
        read(**fields)
    text = str(raised.value)
    assert text.isprintable()
    assert SECRET not in text
    assert len(text) < 500
    return text


# Z stands for a host of Zuora.
WORDS = r"""
Z@evil https://Z@evil Z:x@evil @evil :@evil a:b@ Z\@evil Z\.evil https:\\evil \\evil Z\evil Z#@evil Z/@evil
Z?@evil Z/v1 Z/.. Z?x x;y //evil https:/evil https:///evil https:evil /evil https://https://evil ftp://evil
://evil file:///etc/passwd javascript://x http+unix://x Z. .Z rest..zuora.com Z,evil Z&evil Z%2eevil Z%00
%65vil rest_zuora rest。zuora。com rest．zuora.com rest.zuora｡com ｒｅｓｔ.zuora.com rest.zuoră.com
rest.zuоra.com reſt.zuora.com Z／x rest.zuora.ﬁ ①.com Z℀ a℁b
xn--é.com İ.com ß.com ١٢٧.0.0.1 Z:0 Z:65536 Z:-1 Z:+443 Z:4_43 Z:443:443 Z:４４３ Z:٤٤٣ Z:443x a:1e3 :443
[ [] [::1 ::1] [::1]x x[::1] [::1]x:443 [::1%25eth0] [::1%evil.com] [v1.x] [127.0.0.1] [1]
"""
UNSEEN = ["\t", "\n", "\r\nX: y", "\x00", "\x7f", "\xa0", " ", "\u200b", "\u202e", "\ufeff"]
UNSEEN += ["\u2028", "\ud800"]
WITH_UNSEEN = [form.format(odd) for odd in UNSEEN for form in ("Z{}", "{}Z", "rest{}.zuora.com")]
ODD_HOSTS = [word.replace("Z", "rest.zuora.com") for word in (*WORDS.split(), *WITH_UNSEEN)]
ODD_HOSTS += ["\u212arest.com", "https://REST.\u212aUORA.com", "x" * 64, "x." * 5000, "x" * 10_000]


@pytest.mark.parametrize("host", [*ODD_HOSTS, *NOT_STRINGS], ids=lambda host: ascii(host)[:30])
@pytest.mark.parametrize("scheme", ["", "https://"])
def test_a_host_that_is_not_exactly_a_host_is_refused(scheme, host):
    assert "host" in refused(host=scheme + host if isinstance(host, str) else host)


LOCAL_LOOKING = r"""
127.1 0 0.0.0.0 2130706433 0x7f000001 0177.0.0.1 127.0.0.1.evil.com localhost.evil.com localhost. [::]
[fe80::1] [::ffff:10.0.0.1] 127.0.0.1@evil evil#127.0.0.1 evil/127.0.0.1 1ocalhost LOCALHOST.COM localhoﬆ
"""


@pytest.mark.parametrize("host", LOCAL_LOOKING.split())
def test_plain_http_is_for_the_names_of_this_machine_only(host):
    assert re.search("host|plain http", refused(host=f"http://{host}"))


@pytest.mark.parametrize(
    "port",
    [-1, 65536, 10**30, "65536", "-1", "443 ", "+443", "4_43", "４４３", "443.0", "x", b"1"]
    + [443.5, 1e9, float("inf"), float("nan"), True, [443], {"a": 1}, "\ud800"],
)
def test_a_port_must_be_a_valid_number(port):
    assert "port must be from 1 to 65535, not " in refused(port=port)


@pytest.mark.parametrize("field", ["login", "password"])
def test_credentials_must_be_strings_without_surrounding_blanks(field):
    for odd in [5, b"x", ["x"], *(f"x{odd}" for odd in UNSEEN), *(f"{odd}x" for odd in UNSEEN)]:
        assert "is not a string, or has blanks or line breaks around it" in refused(**{field: odd})


OPTIONS = (
    "host verify proxies trust_env Authorization allow_redirects headers srv_lookup cert token ENVIRONMENT"
)


@pytest.mark.parametrize(
    "name", [*OPTIONS.split(), "\x1b[31m\n", "\ud800", "x" * 100_000], ids=lambda name: ascii(name)[:9]
)
def test_an_option_that_other_hooks_take_from_the_extra_is_refused(name):
    assert "unknown extra " in refused(extra=json.dumps({name: "x"}))


ODD_EXTRAS = [5, b"\xff", {"timeout": 5}, "[]", "5", '"x"', "NaN", "{" * 10_000, '{"a":' * 10_000]


@pytest.mark.parametrize("extra", ODD_EXTRAS, ids=lambda extra: ascii(extra)[:9])
def test_an_extra_is_a_json_object(extra):
    assert "extra " in refused(extra=extra)


ODD_VALUES = [-5, True, ["x"], {"a": "b"}, " ", *UNSEEN[2:4], "\ud800", "x" * 100_000, "\u202e", 1e999]


@pytest.mark.parametrize("name", ["environment", "entity_id", "timeout", "zuora_version"])
@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda odd: ascii(odd)[:9])
def test_an_extra_of_a_wrong_value_is_named(name, odd):
    assert name in refused(host=None, extra=json.dumps({"environment": "rest.zuora.com", name: odd}))


VERSIONS = "2025-8-12 2025‐08‐12 ２０２５-08-12 ٢٠٢٥-٠٨-١٢ 341. 341.123 34 3411 3４1 latest * 2025-08-12;x"
VERSIONS_UNSEEN = [f"2025-08-12{odd}" for odd in UNSEEN]


@pytest.mark.parametrize("version", [*VERSIONS.split(), *VERSIONS_UNSEEN], ids=ascii)
def test_a_version_is_a_date_or_a_number_in_ascii(version):
    assert "zuora_version must be a date" in refused(extra=json.dumps({"zuora_version": version}))


PIECES = (
    "https:// http:// rest.zuora.com localhost 127.0.0.1 [::1] evil : @ / \\ ? # % . [ ] 443 。 ／ - & ; ,"
)
HOSTS = st.lists(st.sampled_from([*PIECES.split(), "\t", "\u212a"]) | st.text(max_size=2), max_size=6).map(
    "".join
)


@given(host=HOSTS | st.text(max_size=20), port=st.none() | st.integers(-1, 70_000))
def test_every_parser_sees_the_same_host_in_the_address_of_any_connection(host, port):
    try:
        base_url = read(host=host, port=port).base_url
    except ZuoraConfigError:
        return
    ours, theirs = urlsplit(base_url), parse_url(base_url)
    sent = urlsplit(str(Request("GET", f"{base_url}/v1/x").prepare().url))
    assert base_url.isascii()
    assert (ours.scheme, ours.hostname, ours.port, ours.path) == (sent.scheme, sent.hostname, sent.port, "")
    assert (ours.hostname, ours.port) == ((theirs.host or "").strip("[]"), theirs.port)
    assert ours.hostname in host.lower()
    assert ours.scheme == "https" or ours.hostname in ("localhost", "127.0.0.1", "::1")

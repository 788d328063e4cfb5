from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import Connection
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.client.config import ZuoraConnection, check_timeout
from airflow_zuora.exceptions import ZuoraConfigError, ZuoraValueError
from airflow_zuora.get_provider_info import CONN_FIELDS, ENVIRONMENTS

HEX = "11e643f4a3ee8badb0610025904c756d"
UUID = "11e643f4-a3ee-8bad-b061-0025904c756d"
EXTRA = {"environment", "entity_id", "timeout", "zuora_version", "unknown", "other"}
SECRET = "s3cret-s3cret"


def read(extra: Any = None, **fields: Any) -> ZuoraConnection:
    """Read a valid connection with other values for some of its fields or extras."""
    extras = {name: fields.pop(name) for name in list(fields) if name in EXTRA}
    fields = {"host": "https://rest.zuora.com", "login": "client", "password": SECRET, **fields}
    text = json.dumps(extras) if extra is None else extra
    return ZuoraConnection.read(Connection(conn_id="zuora_x", conn_type="zuora", extra=text, **fields))


def test_a_connection_needs_only_a_host_and_credentials():
    assert read() == ZuoraConnection("https://rest.zuora.com", "client", SECRET, None, 130.0, "2025-08-12")


def test_credentials_are_never_shown():
    shown = repr(read(login="client-client"))
    assert SECRET not in shown
    assert "client-client" not in shown


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"login": None}, "Client ID (login) is missing"),
        ({"login": ""}, "Client ID (login) is missing"),
        ({"password": None}, "Client Secret (password) is missing"),
        ({"password": ""}, "Client Secret (password) is missing"),
        ({"login": " client"}, "Client ID (login) is not a string, or has blanks"),
        ({"login": "cli\nent"}, "Client ID (login) is not a string, or has blanks"),
        ({"password": f"{SECRET}\n"}, "Client Secret (password) is not a string, or has blanks"),
        ({"password": f"{SECRET} "}, "Client Secret (password) is not a string, or has blanks"),
        ({"unknown": 1, "other": 2}, "unknown extra other, unknown; known are environment"),
        ({"extra": "{"}, "extra is not valid JSON"),
        ({"extra": " "}, "extra is not valid JSON"),
        ({"extra": "[" * 200_000}, "extra is not valid JSON"),
        ({"extra": "[]"}, "extra must be a JSON object"),
        ({"extra": '"x"'}, "extra must be a JSON object"),
        ({"schema": "https"}, "schema must stay empty"),
        ({"host": None}, "choose an environment, or give a host"),
        ({"host": ""}, "choose an environment, or give a host"),
        ({"host": None, "environment": "rest.zuora.org"}, "environment 'rest.zuora.org' is not one of"),
        ({"host": None, "environment": ["x"]}, "environment ['x'] is not one of"),
        ({"host": None, "environment": "x" * 9999}, "environment 'xxx"),
        ({"host": "http://rest.zuora.com"}, "plain http to rest.zuora.com"),
        ({"host": "http://10.0.0.1"}, "plain http to 10.0.0.1"),
        ({"host": "http://localhost.evil.com"}, "plain http to localhost.evil.com"),
        ({"host": "http://[fe80::1]"}, "plain http to fe80::1"),
        ({"host": "ftp://rest.zuora.com"}, "host must begin with https://"),
        ({"host": "://rest.zuora.com"}, "host must begin with https://"),
        ({"host": "https://me:pw@rest.zuora.com"}, "host must not hold a user"),
        ({"host": "@rest.zuora.com"}, "host must not hold a user"),
        ({"host": "https://rest.zuora.com/v1"}, "host must be scheme and host only"),
        ({"host": "rest.zuora.com?x=1"}, "host must be scheme and host only"),
        ({"host": "rest.zuora.com#x"}, "host must be scheme and host only"),
        ({"host": "https://"}, "host '' is not a host name"),
        ({"host": "rest zuora.com"}, "host is not a string, or contains blanks or line breaks"),
        ({"host": "rest.zuora.com\r\nX: y"}, "host is not a string, or contains blanks or line breaks"),
        ({"host": "rest.zuora.com\n"}, "host is not a string, or contains blanks or line breaks"),
        ({"host": "rést.zuora.com"}, "is not a host name"),
        ({"host": "rest..zuora.com"}, "is not a host name"),
        ({"host": "-rest.zuora.com"}, "is not a host name"),
        ({"host": "a" * 64 + ".com"}, "is not a host name"),
        ({"host": "a." * 127 + "com"}, "is not a host name"),
        ({"host": "rest_zuora\\.com"}, "is not a host name"),
        ({"host": "https://["}, "host is not a valid address"),
        ({"host": "rest.zuora.com:x"}, "host is not a valid address"),
        ({"host": "rest.zuora.com:99999"}, "host is not a valid address"),
        ({"host": "rest.zuora.com:0"}, "host contains port 0"),
        ({"host": "rest.zuora.com:8443", "port": 443}, "host contains port 8443"),
        ({"port": 65536}, "port must be from 1 to 65535, not 65536"),
        ({"port": -1}, "port must be from 1 to 65535, not -1"),
        ({"entity_id": "x"}, "entity_id must be 32 hex digits"),
        ({"entity_id": True}, "entity_id must be 32 hex digits"),
        ({"entity_id": HEX + ","}, "entity_id must be 32 hex digits"),
        ({"timeout": True}, "timeout must be a number of seconds from 1 to 3600, not True"),
        ({"timeout": "soon"}, "timeout must be"),
        ({"timeout": 0}, "timeout must be"),
        ({"timeout": -1}, "timeout must be"),
        ({"timeout": 1e9}, "timeout must be"),
        ({"timeout": 10**400}, "timeout must be"),
        ({"timeout": [5]}, "timeout must be"),
        ({"extra": '{"timeout": NaN}'}, "timeout must be"),
        ({"zuora_version": "latest"}, "zuora_version must be a date such as 2025-08-12"),
        ({"zuora_version": 34}, "zuora_version must be"),
        ({"zuora_version": 1e22}, "zuora_version must be"),
        ({"zuora_version": "2025-08-12\r\nX: y"}, "zuora_version must be"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_wrong_field_is_named_with_its_connection(fields, words):
    with pytest.raises(ZuoraConfigError) as raised:
        read(**fields)
    assert str(raised.value).startswith("Airflow connection 'zuora_x': ")
    assert words in str(raised.value)
    assert SECRET not in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("host", "port", "base_url"),
    [
        ("rest.zuora.com", None, "https://rest.zuora.com"),
        ("https://rest.zuora.com", 443, "https://rest.zuora.com"),
        ("https://rest.zuora.com/", None, "https://rest.zuora.com"),
        ("HTTPS://REST.Zuora.com", None, "https://rest.zuora.com"),
        ("rest.zuora.com:8443", None, "https://rest.zuora.com:8443"),
        ("rest.zuora.com:8443", 8443, "https://rest.zuora.com:8443"),
        ("rest.zuora.com", 8443, "https://rest.zuora.com:8443"),
        ("rest.zuora.com", 0, "https://rest.zuora.com"),  # an empty field of the form
        ("rest.zuora.com", "", "https://rest.zuora.com"),
        ("rest.zuora.com", "0", "https://rest.zuora.com"),
        ("rest.zuora.com", "443", "https://rest.zuora.com"),  # a file may give it as text
        ("rest.zuora.com", "8443", "https://rest.zuora.com:8443"),
        ("rest.zuora.com", 8443.0, "https://rest.zuora.com:8443"),
        ("rest.zuora.com:8443", "8443", "https://rest.zuora.com:8443"),
        ("restservices347.zuora.com", None, "https://restservices347.zuora.com"),
        ("http://localhost:8765", None, "http://localhost:8765"),
        ("http://127.0.0.1", 8765, "http://127.0.0.1:8765"),
        ("http://127.0.0.1", None, "http://127.0.0.1"),
        ("http://[::1]:8765", None, "http://[::1]:8765"),
        ("http://[::1]", 8765, "http://[::1]:8765"),
        ("https://[2001:db8::1]", None, "https://[2001:db8::1]"),
        ("10.0.0.1", None, "https://10.0.0.1"),
    ],
)
def test_a_host_with_or_without_scheme_and_port_is_an_address(host, port, base_url):
    assert read(host=host, port=port).base_url == base_url


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("host", [None, ""])
def test_an_environment_is_its_host(environment, host):
    assert read(host=host, environment=environment).base_url == f"https://{environment}"
    assert read(host=host, environment=environment, port=443).base_url == f"https://{environment}"


def test_a_host_wins_over_the_environment():
    assert read(environment="rest.eu.zuora.com").base_url == "https://rest.zuora.com"


@pytest.mark.parametrize("empty", [None, ""])
def test_what_the_form_leaves_empty_is_not_set(empty):
    assert read(entity_id=empty, timeout=empty, zuora_version=empty, environment=empty) == read()
    assert read(extra="") == read(extra="{}") == read()


@pytest.mark.parametrize(
    ("value", "seconds"), [(5, 5.0), ("5", 5.0), (60.0, 60.0), ("60.0", 60.0), (1.5, 1.5), ("2.5", 2.5)]
)
def test_a_timeout_may_be_a_number_or_text(value, seconds):
    assert read(timeout=value).timeout == seconds


@pytest.mark.parametrize("version", ["2025-08-12", "186.0", "341", "341.10"])
def test_a_version_is_a_date_or_an_older_number(version):
    assert read(zuora_version=version).zuora_version == version


@pytest.mark.parametrize(("number", "version"), [(341, "341"), (341.0, "341.0")])
def test_a_version_that_was_read_as_a_number_is_the_text_that_it_was(number, version):
    assert read(zuora_version=number).zuora_version == version


@pytest.mark.parametrize("number", [341.1, float("inf"), float("nan")])
def test_a_version_whose_digits_are_lost_is_named_with_the_form_to_use(number):
    with pytest.raises(ZuoraConfigError, match=r"zuora_version was read as the number .* as JSON"):
        read(zuora_version=number)


@pytest.mark.parametrize("entity_id", [HEX, UUID, UUID.upper()])
def test_an_entity_is_kept_with_hyphens(entity_id):
    assert read(entity_id=entity_id).entity_id == UUID


def test_an_entity_of_digits_that_was_read_as_a_number_is_the_text_that_it_was():
    assert (
        read(entity_id=12345678123412341234123456789012).entity_id == "12345678-1234-1234-1234-123456789012"
    )


@pytest.mark.parametrize("number", [5, 10**30, 10**32, 10**400, -(10**31), 12e45, float("inf"), float("nan")])
def test_an_entity_whose_digits_are_lost_is_named_with_the_forms_to_use(number):
    with pytest.raises(ZuoraConfigError, match="entity_id .*(as JSON .* with hyphens|must be 32 hex digits)"):
        read(entity_id=number)


@pytest.mark.parametrize("host", [None, "rest.ap.zuora.com", "https://rest.zuora.com", "http://127.0.0.1"])
@pytest.mark.parametrize(
    "extra",
    [{}, {"entity_id": UUID}, {"entity_id": UUID, "timeout": 5, "zuora_version": None}, {"timeout": "5"}],
)
def test_a_connection_means_the_same_as_a_uri(monkeypatch, host, extra):
    extra = extra if host else {**extra, "environment": "rest.eu.zuora.com"}
    whole = Connection(
        conn_id="zuora_x",
        conn_type="zuora",
        host=host,
        port=8443,
        login="cli/ent@x",
        password="x/7Kp+Zq=R4t&9 a%2Fb~m:@",
        extra=json.dumps(extra),
    )
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_X", whole.get_uri())
    assert ZuoraConnection.read(Connection.get("zuora_x")) == ZuoraConnection.read(whole)


@given(
    st.dictionaries(
        st.sampled_from(list(CONN_FIELDS)),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    ),
    st.none() | st.text(),
    st.none() | st.integers(),
)
def test_any_fields_are_an_address_or_an_error_that_names_the_connection(extra, host, port):
    try:
        found = read(extra=json.dumps(extra), host=host, port=port)
    except ZuoraConfigError as caught:
        error = caught
    else:
        assert found.base_url.startswith(("https://", "http://"))
        return
    assert str(error).startswith("Airflow connection 'zuora_x': ")


@given(st.floats(1, 3600))
def test_every_timeout_within_the_limits_is_taken(seconds):
    assert check_timeout(seconds) == check_timeout(str(seconds)) == seconds


@pytest.mark.parametrize(
    "seconds", [0.9, 3601, float("nan"), float("inf"), True, None, "soon", "", [5], 10**400]
)
def test_a_timeout_outside_the_limits_is_a_wrong_argument(seconds):
    with pytest.raises(ZuoraValueError, match="timeout must be"):
        check_timeout(seconds)

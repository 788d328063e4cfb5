"""What the settings of the machine get wrong: proxies and certificate authorities."""

from __future__ import annotations

import logging
import socket
import traceback

import pytest

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotSentError
from tests.helpers.bad_servers import closed_port, self_signed_certificate, silent_server
from tests.helpers.proxy import tunnel_proxy
from tests.helpers.raw_server import after_token, answer, raw_server

PASSWORD = "pr0xy-pa55word"
ZUORA = {"host": "https://zuora.invalid", "port": None}
# Proxies that no request can go through, as the environment names them.
BAD_PROXIES = {
    "a port that is none": f"http://user:{PASSWORD}@127.0.0.1:99999",
    "a port that is no number": f"http://user:{PASSWORD}@127.0.0.1:port",
    "a password with a slash": f"http://user:{PASSWORD}/x@127.0.0.1:3128",
    "a password with a blank": f"http://user:{PASSWORD} x@127.0.0.1:99999",
    "no scheme": f"user:{PASSWORD}@127.0.0.1:99999",
    "an unknown scheme": f"gopher://user:{PASSWORD}@127.0.0.1:3128",
    "an unknown version of SOCKS": f"socks9://user:{PASSWORD}@127.0.0.1:1080",
    "no host": f"http://user:{PASSWORD}@",
    "a password with an @ and a slash": f"http://user:x@{PASSWORD}/x@127.0.0.1:9",
    "a password with an @ and a question mark": f"http://user:x@{PASSWORD}?x@127.0.0.1:9",
    "a password with an @ and a hash": f"http://user:x@{PASSWORD}#x@127.0.0.1:9",
    "a password of digits and a hash": f"http://user:12345#{PASSWORD}@127.0.0.1:9",
    "a password with a backslash": f"http://user:x@{PASSWORD}\\x@127.0.0.1:9",
    "a host with an empty label": f"http://user:{PASSWORD}@a..b:9",
    "a host that is none": f"http://user:{PASSWORD}@[::1",
    "nothing": "http://",
}


@pytest.fixture(autouse=True)
def _no_other_proxy(monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def everything_shown(error: BaseException) -> str:
    """Return what a traceback shows, contexts included that Python itself leaves out."""
    shown = traceback.format_exception(error)
    while error := error.__cause__ or error.__context__:
        shown += [str(error), repr(error)]
    return "".join(shown)


@pytest.mark.parametrize("name", BAD_PROXIES)
def test_a_proxy_that_cannot_be_used_is_an_error_of_the_configuration(
    name, connect, monkeypatch, waits, caplog
):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("HTTPS_PROXY", BAD_PROXIES[name])
    hook = connect(**ZUORA)
    with pytest.raises(ZuoraConfigError, match="Nothing was sent") as raised:
        hook.list_entities()
    assert PASSWORD not in everything_shown(raised.value) + caplog.text
    assert waits == []


@pytest.mark.parametrize("name", BAD_PROXIES)
def test_testing_the_connection_blames_the_proxy_and_not_the_credentials(name, connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", BAD_PROXIES[name])
    works, message = connect(**ZUORA).test_connection()
    assert works is False
    assert message.startswith("Address or proxy: POST https://zuora.invalid/oauth/token")
    assert PASSWORD not in message


@pytest.mark.parametrize("sign", "/#?")
def test_a_part_of_a_proxys_password_is_not_looked_up_as_a_host(sign, connect, monkeypatch):
    looked_up = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: looked_up.append(host))
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:abc@{PASSWORD}{sign}word@127.0.0.1:9")
    with pytest.raises(ZuoraConfigError, match="write %2F, %23"):
        connect(**ZUORA).list_entities()
    assert looked_up == []


def test_a_proxys_own_certificate_is_not_taken_for_zuoras(connect, monkeypatch, tmp_path, waits):
    certificate = self_signed_certificate(tmp_path)
    with raw_server(lambda _: [answer(b"", 407)], certificate) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(ZuoraConfigError, match=r"certificate of the proxy 127\.0\.0\.1 cannot") as raised:
            connect(**ZUORA).list_entities()
    assert "Check the proxy;" in str(raised.value)
    assert waits == []


def test_zuoras_certificate_is_not_taken_for_the_proxys(connect, monkeypatch, tmp_path, waits):
    with raw_server(lambda _: [], self_signed_certificate(tmp_path)) as server, tunnel_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ZuoraConfigError, match="the server's certificate cannot be verified"):
            connect(host="https://127.0.0.1", port=server.port).list_entities()
    assert waits == []


def test_socks_without_pysocks_is_an_error_of_the_configuration(connect, monkeypatch, waits):
    monkeypatch.setenv("HTTPS_PROXY", f"socks5h://user:{PASSWORD}@127.0.0.1:1080")
    with pytest.raises(ZuoraConfigError, match=r"SOCKS.* Nothing was sent"):
        connect(**ZUORA).list_entities()
    assert waits == []


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 407])
def test_a_proxy_that_refuses_says_so_with_its_status_and_is_asked_once(status, connect, monkeypatch, waits):
    with raw_server(lambda _: [answer(b"<html></html>", status)]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        hook = connect(**ZUORA)
        with pytest.raises(ZuoraConfigError, match=f"proxy 127.0.0.1 refuses .*HTTP {status} ") as raised:
            hook.list_entities()
        assert len(proxy.received) == 1
        assert hook.test_connection()[1].startswith("Address or proxy: ")
    assert PASSWORD not in everything_shown(raised.value)
    assert waits == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_proxy_that_cannot_connect_now_is_asked_again(status, connect, monkeypatch, waits):
    with raw_server(lambda _: [answer(b"", status)]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        hook = connect(**ZUORA)
        with pytest.raises(ZuoraNotSentError, match=f"HTTP {status} "):
            hook.list_entities()
        assert len(proxy.received) == hook.client.retries.attempts


def test_a_proxy_that_is_not_there_is_asked_again(connect, monkeypatch, waits):
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{closed_port()}")
    hook = connect(**ZUORA)
    with pytest.raises(ZuoraNotSentError, match="Nothing was sent") as raised:
        hook.list_entities()
    assert PASSWORD not in everything_shown(raised.value)
    assert len(waits) == hook.client.retries.attempts - 1


@pytest.mark.parametrize("content", [None, "", "not a certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_file_without_certificate_authorities_is_an_error_of_the_configuration(
    content, connect, monkeypatch, tmp_path, waits
):
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    with silent_server() as port:
        hook = connect(host="https://127.0.0.1", port=port)
        with pytest.raises(ZuoraConfigError, match="REQUESTS_CA_BUNDLE"):
            hook.list_entities()
        assert hook.test_connection()[1].startswith("Address or proxy: ")
    assert waits == []


def test_the_rules_of_the_wire_hold_through_a_proxy(connect, monkeypatch, tmp_path):
    certificate = self_signed_certificate(tmp_path)
    early_hints, stale = b"HTTP/1.1 103 Early Hints\r\n\r\n", answer({"name": "stale"})
    first, second = answer({"name": "first"}), answer({"name": "second"})
    answers = iter([[early_hints, first], [second], [first + stale], [second]])
    with raw_server(after_token(lambda _: next(answers)), certificate) as server, tunnel_proxy() as proxy:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        hook = connect(host="https://127.0.0.1", port=server.port)
        names = [hook.request("GET", "/v1/x")["name"] for _ in range(4)]
        hook.close()
        assert names == ["first", "second"] * 2
        assert [one.connection for one in server.received] == [1, 1, 1, 1, 2]
        assert proxy.targets == [f"127.0.0.1:{server.port}"] * 2

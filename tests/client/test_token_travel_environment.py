"""Proxies and netrc files of the environment learn neither token nor secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraNotSentError
from airflow_zuora.hooks.zuora import ZuoraHook
from tests.helpers.bad_servers import (
    TOKEN,
    RecordingServer,
    headers_of,
    http,
    recording_server,
    self_signed_certificate,
)


@pytest.fixture
def by_tls(tmp_path, monkeypatch, connect) -> Iterator[tuple[RecordingServer, ZuoraHook]]:
    certificate = self_signed_certificate(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with recording_server(certificate=certificate) as own:
        yield own, connect(host="https://127.0.0.1", port=own.port)


def test_a_netrc_file_neither_replaces_the_token_nor_adds_credentials(by_tls, monkeypatch, tmp_path):
    own, hook = by_tls
    for name in (".netrc", "_netrc", "other"):
        (tmp_path / name).write_text("machine 127.0.0.1 login netrc-user password netrc-password\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    for netrc in (None, str(tmp_path / "other")):
        monkeypatch.delenv("NETRC", raising=False) if netrc is None else monkeypatch.setenv("NETRC", netrc)
        hook.client.oauth.renew()
        hook.request("GET", "/v1/x")
        hook.run("/v1/x")
    tokens = [one for one in own.received if b"/oauth/token" in one]
    others = [one for one in own.received if b"/oauth/token" not in one]
    assert (len(tokens), len(others)) == (2, 4)
    assert not any("authorization" in headers_of(one) for one in tokens)
    assert {headers_of(one)["authorization"] for one in others} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
def test_plain_http_to_this_machine_passes_no_proxy(name, connect, evil, monkeypatch):
    monkeypatch.setenv(name, f"http://127.0.0.1:{evil.port}")
    monkeypatch.setenv("NO_PROXY", "")
    with recording_server() as own:
        hook = connect(port=own.port)
        hook.request("GET", "/v1/x")
        hook.run("/v1/x")
        assert len(own.received) == 3
    assert evil.received == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_for_https_learns_the_host_and_no_more(name, by_tls, evil, monkeypatch):
    own, hook = by_tls
    hook.client.oauth.token()
    monkeypatch.setenv(name, f"http://127.0.0.1:{evil.port}")
    monkeypatch.setenv("NO_PROXY", "")
    evil.answer = lambda line: [http(b"", 403)]
    for call in (lambda: hook.request("GET", "/v1/x"), hook.test_connection):
        with suppress(ZuoraNotSentError, ZuoraConfigError):
            call()
    assert len(own.received) == 1
    for request in evil.received:
        assert request.startswith(f"CONNECT 127.0.0.1:{own.port} HTTP/1.".encode())
        assert headers_of(request).keys() <= {"host"}


OPTIONS = [
    {"verify": False},
    {"verify_ssl": False},
    {"cert": None, "trust_env": False},
    {"allow_redirects": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_no_option_of_run_turns_the_check_of_certificates_off(options, by_tls, monkeypatch):
    own, hook = by_tls
    hook.client.oauth.token()
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")  # from here on nobody vouches for the certificate
    with pytest.raises(ZuoraConfigError, match="certificate cannot be verified"):
        hook.run("/v1/x", extra_options=options)
    assert len(own.received) == 1


def test_no_option_of_run_names_a_proxy(connect, evil):
    proxies = {"http": f"http://127.0.0.1:{evil.port}", "all": f"http://127.0.0.1:{evil.port}"}
    with recording_server() as own:
        connect(port=own.port).run(
            "/v1/x", extra_options={"proxies": proxies, "proxy": proxies, "stream": True}
        )
        assert len(own.lines) == 1
    assert evil.received == []

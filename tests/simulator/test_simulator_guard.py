"""The simulator answers to its own names and to its own page only."""

from __future__ import annotations

import http.client
import json
import re
import socket
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

import pytest

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID
from tests.helpers.patience import PATIENCE

if TYPE_CHECKING:
    from email.message import Message

    from tests.simulator.simulator_client import Api

FOREIGN = [
    "evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "localhost.",
]
FOREIGN += ["10.0.0.1", "0.0.0.0", "[::2]", "[", ":8765", "", "evil.example@", "127.0.0.1@evil.example"]
ORIGINS = [
    "http://evil.example",
    "https://evil.example",
    "null",
    "",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
]
ORIGINS += [
    "http://127.0.0.1.evil.example",
    "file://",
    "http://[",
    "//127.0.0.1",
    "chrome-extension://abcdef",
]


class Answer(NamedTuple):
    status: int
    headers: Message
    text: str


def send(simulator: ZuoraSimulator, method: str, path: str, body: str = "", **headers: str) -> Answer:
    """Send exactly these headers; an underscore stands for a hyphen."""
    connection = http.client.HTTPConnection(simulator.host, simulator.port, PATIENCE)
    named = {"Host": f"127.0.0.1:{simulator.port}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {**named, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders(body.encode())
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read().decode())
    connection.close()
    return answer


def state_of(simulator: ZuoraSimulator) -> tuple[Any, ...]:
    status = str(simulator.store.connections.get(PENDING_ID).status)
    return status, len(simulator.store.connections.all()), simulator.settings.as_dict()


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
@pytest.mark.parametrize("port", ["", ":{port}", ":80"])
def test_it_answers_to_the_names_of_this_machine(simulator: ZuoraSimulator, name: str, port: str) -> None:
    host = name + port.format(port=simulator.port)
    assert send(simulator, "GET", "/_simulator/state", Host=host).status == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_a_foreign_name_that_leads_here_reads_nothing_and_changes_nothing(
    simulator: ZuoraSimulator, host: str
) -> None:
    before, oauth = state_of(simulator), simulator.store.access.named("default")
    form = urlencode(
        {"client_id": oauth.id, "client_secret": oauth.secret, "grant_type": "client_credentials"}
    )
    asked = [
        send(simulator, "GET", "/", Host=host),
        send(simulator, "GET", "/_simulator/state", Host=host),
        send(simulator, "GET", "/_simulator/requests", Host=host),
        send(simulator, "POST", "/_simulator/faults", '{"drop": true}', Host=host),
        send(
            simulator,
            "POST",
            "/oauth/token",
            form,
            Host=host,
            Content_Type="application/x-www-form-urlencoded",
        ),
    ]
    assert {answer.status for answer in asked} <= {400, 421}  # 400 for what is not even a Host
    assert not any(PENDING_ID in answer.text or "access_token" in answer.text for answer in asked)
    assert (state_of(simulator), simulator.requests()) == (before, [])


def test_a_request_without_a_name_is_refused(simulator: ZuoraSimulator) -> None:
    with socket.create_connection((simulator.host, simulator.port), PATIENCE) as connection:
        connection.sendall(b"GET /_simulator/state HTTP/1.0\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 421 ")


def test_a_name_that_was_given_is_answered_too() -> None:
    with ZuoraSimulator(hosts=("Zuora.test", "[fd00::1]", "")) as simulator:
        for host in ("zuora.test", f"zuora.test:{simulator.port}", "[fd00::1]:80", "127.0.0.1"):
            assert send(simulator, "GET", "/", Host=host).status == 200
        assert send(simulator, "GET", "/", Host="other.test").status == 421
        assert send(simulator, "GET", "/", Host="").status == 421
        page = {"Host": "zuora.test", "Origin": "https://zuora.test"}  # as behind a proxy
        assert send(simulator, "POST", "/_simulator/reset", **page).status == 200


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/_simulator/reset", ""),
        ("POST", "/_simulator/faults", '{"drop": true, "times": null}'),
        ("PUT", "/_simulator/settings", '{"repeat_accept": "rule"}'),
        ("DELETE", "/_simulator/faults", ""),
        ("GET", "/_simulator/state", ""),
        ("OPTIONS", "/_simulator/settings", ""),
    ],
)
def test_a_foreign_page_is_refused_also_without_a_preflight(
    simulator: ZuoraSimulator, method: str, path: str, body: str, origin: str
) -> None:
    simulator.fault("lock")
    before = state_of(simulator)
    answer = send(simulator, method, path, body, Origin=origin, Content_Type="text/plain")
    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert state_of(simulator) == before


def test_its_own_page_may_send_requests(simulator: ZuoraSimulator) -> None:
    for name in ("127.0.0.1", "localhost", "[::1]"):
        host = f"{name}:{simulator.port}"
        answer = send(simulator, "POST", "/_simulator/reset", Host=host, Origin=f"http://{host}")
        assert answer.status == 200


def test_the_page_forbids_frames_and_foreign_scripts(simulator: ZuoraSimulator) -> None:
    first, second = (send(simulator, "GET", "/") for _ in range(2))
    policy = first.headers["Content-Security-Policy"]
    assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    assert first.headers["X-Frame-Options"] == "DENY"
    (nonce,) = set(re.findall("'nonce-([^']+)'", policy))
    assert f'<script nonce="{nonce}">' in first.text
    assert nonce not in second.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/_simulator/state", "/_simulator/requests", "/v1/entity-connections"])
def test_a_foreign_page_can_embed_no_answer(api: Api, path: str) -> None:
    headers = api.get(path).headers
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_client_that_is_no_browser_needs_no_origin(api: Api) -> None:
    assert api.post("/_simulator/reset").json() == {"success": True}
    assert json.loads(api.get("/_simulator/state").text)["connections"]

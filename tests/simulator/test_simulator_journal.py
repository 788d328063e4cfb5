from __future__ import annotations

import gc
import json
import tracemalloc
from typing import TYPE_CHECKING
from unittest.mock import ANY

import pytest
import requests

from airflow_zuora.simulator.journal import Journal
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, UK_ENTITY_ID
from tests.helpers.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_zuora.simulator import ZuoraSimulator
    from tests.simulator.simulator_client import Api

LIST = "/v1/entity-connections"


def test_a_request_is_written_down(simulator: ZuoraSimulator, api: Api) -> None:
    response = api.post(LIST + "?a=b", {"targetEntityId": UK_ENTITY_ID}, headers={"Zuora-Track-Id": "t"})
    (entry,) = simulator.requests()
    assert (entry.method, entry.path, entry.query) == ("POST", LIST, "a=b")
    assert entry.body == {"targetEntityId": UK_ENTITY_ID}
    assert (entry.status, entry.fault, entry.track_id) == (200, None, "t")
    assert entry.request_id == response.headers["Zuora-Request-Id"]
    assert entry.headers["zuora-entity-ids"] == DEFAULT_ENTITY_ID
    assert entry.time > 1_700_000_000


def test_requests_can_be_filtered_by_method_and_path(simulator: ZuoraSimulator, api: Api) -> None:
    api.get(LIST)
    api.answer(PENDING_ID)
    api.get("/v1/entities")
    assert [entry.method for entry in simulator.requests()] == ["GET", "PUT", "GET"]
    assert len(simulator.requests("put")) == 1
    assert len(simulator.requests(path="/v1/entity-connections*")) == 2
    assert len(simulator.requests("GET", LIST)) == 1
    over_http = api.get("/_simulator/requests", params={"method": "PUT", "path": "/v1/*"}).json()
    assert [entry["path"] for entry in over_http] == [f"{LIST}/{PENDING_ID}/accept"]


def test_the_journal_holds_no_secret(simulator: ZuoraSimulator, api: Api) -> None:
    oauth = api.oauth
    url = f"{simulator.url}/oauth/token"
    form = {"client_id": oauth.id, "client_secret": oauth.secret, "grant_type": "client_credentials"}
    token = requests.post(url, data=form, timeout=PATIENCE).json()["access_token"]
    requests.post(url, json={"nested": [form]}, timeout=PATIENCE)
    requests.post(url, params=form, timeout=PATIENCE)
    requests.post(url, data="&".join(f"{k}={v}" for k, v in form.items()), timeout=PATIENCE)
    requests.post(url, data=form, auth=(oauth.id, oauth.secret), cookies={"s": token}, timeout=PATIENCE)
    api.get(LIST, headers={"Authorization": f"Bearer {token}"})
    first, *_ = simulator.requests()
    assert first.body == {"client_id": "***", "client_secret": "***", "grant_type": "client_credentials"}
    text = api.get("/_simulator/requests").text + repr(simulator.requests())
    own_token = str(api.session.headers["Authorization"]).split()[1]
    tail = oauth.secret.partition("&")[0]
    for secret in (oauth.id, oauth.secret, tail, json.dumps(oauth.secret)[1:-1], token, own_token):
        assert secret not in text


def test_secrets_are_not_in_the_records_representation(simulator: ZuoraSimulator) -> None:
    oauth = simulator.store.access.named("default")
    token = simulator.store.access.issue(oauth)
    assert oauth.secret not in repr(oauth)
    assert token.value not in repr(token)


def test_the_peer_port_shows_whether_a_connection_was_kept(
    simulator: ZuoraSimulator, connect: Callable[..., Api]
) -> None:
    first, second = connect(), connect()
    for api in (first, first, second):
        api.get(LIST)
    ports = [entry.peer_port for entry in simulator.requests()]
    assert ports[0] == ports[1] != ports[2]


def test_the_status_is_there_as_soon_as_the_answer_is(simulator: ZuoraSimulator, api: Api) -> None:
    for _ in range(50):
        response = api.get(f"{LIST}?pageSize=1")
        assert simulator.requests()[-1].status == response.status_code


def test_the_simulators_own_pages_are_not_written_down(simulator: ZuoraSimulator, api: Api) -> None:
    for path in ("/", "/_simulator/requests", "/_simulator/state", "/favicon.ico"):
        api.get(path)
    assert simulator.requests() == []
    api.get("/elsewhere")
    assert simulator.requests()[0].status == 404


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "", None),
        (b"{}", "application/json", {}),
        (b"{", "application/json", "{"),
        (b"plain", "", "plain"),
        (b"[" * 9000, "application/json", "[" * 9000),
        (b"[" * 600 + b"]" * 600, "application/json", ANY),
        (b"x" * 10_000, "", "x" * 10_000),
        (b"x" * 10_001, "", "<10001 bytes>"),
        (b'"' + b"x" * 5_000_000 + b'"', "application/json", "<5000002 bytes>"),
        (b"\x1f\x8b", "", "\x1f\ufffd"),
        (b"a=b&client_secret=x", "text/plain", "a=b&client_secret=***"),
    ],
)
def test_any_body_can_be_written_down(body: bytes, content_type: str, expected: object) -> None:
    entry = Journal().record(0, "PUT", "/", "", {"content-type": content_type}, body, None)
    assert entry.body == expected


def test_large_bodies_are_not_kept(simulator: ZuoraSimulator, api: Api) -> None:
    body = b'"' + b"x" * 5_000_000 + b'"'
    api.put(LIST, data=body)  # what is loaded once
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(30):
            api.call("POST", LIST, data=body, headers={"Content-Type": "application/json"})
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(simulator.requests("POST")) == 30
    # The last one, while its TCP connection is open; older servers keep it twice, and a little more.
    assert kept < 3 * len(body)


def test_only_the_last_10000_are_kept() -> None:
    journal = Journal()
    for _ in range(10_001):
        journal.record(0, "GET", "/", "", {}, b"", None)
    assert len(journal.find()) == 10_000
    assert journal.find()[0].number == 2
    assert [entry.number for entry in journal.last(2)] == [10_001, 10_000]

"""What a refusal of the token endpoint says: the server's own words, and the advice that fits them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_zuora.client.retries import Retries
from airflow_zuora.exceptions import ZuoraAuthError, ZuoraNotSentError
from tests.helpers.patience import wait_for
from tests.helpers.raw_server import answer, raw_server

WORDS = "Client secret expired"


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        ({"error_description": WORDS}, 200),
        ({"message": WORDS}, 200),
        ({"success": True, "message": WORDS}, 200),
        ({"access_token": None, "error_description": WORDS}, 200),
        ({"code": 401, "error": "invalid_client", "error_description": WORDS}, 401),
        ({"message": "Unauthorized", "error": "invalid_client", "error_description": WORDS}, 401),
        ({"errors": [], "error": "invalid_client", "error_description": WORDS}, 400),
        ({"success": False, "reasons": [], "error_description": WORDS}, 200),
    ],
)
def test_a_refusal_is_final_and_keeps_the_servers_words(refusal, status, make_client, waits):
    with raw_server(lambda _: [answer(refusal, status)]) as server:
        with pytest.raises(ZuoraAuthError, match=WORDS) as raised:
            make_client({"port": server.port}).list_entities()
        assert len(server.received) == 1
    assert raised.value.http_status == status
    assert waits == []


@pytest.mark.parametrize("status", [200, 400, 401])
@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("invalid_client", "The Client Secret is wrong"),
        ("unauthorized_client", "This client may not .*create an OAuth client in Zuora"),
        ("unsupported_grant_type", "This client may not .*create an OAuth client in Zuora"),
        ("access_denied", "The user who owns the OAuth client"),
        ("invalid_scope", "Check environment, Client ID and Client Secret"),
    ],
)
def test_the_code_of_oauth_decides_what_to_do(code, advice, status, make_client):
    with raw_server(lambda _: [answer({"error": code, "error_description": "No."}, status)]) as server:
        client = make_client({"port": server.port})
        with pytest.raises(ZuoraAuthError, match=rf"{code}: No\. {advice}"):
            client.list_entities()


@pytest.mark.parametrize(
    ("payload", "status", "advice"),
    [
        (b"<html></html>", 404, "Check that the host"),
        (b"<html></html>", 405, "Check that the host"),
        ({"success": False}, 200, "Check that the host"),
        ({"message": "No."}, 405, "Check environment, Client ID and Client Secret"),
        ({"success": False, "reasons": [{"code": 90000011, "message": "No."}]}, 401, "The Client Secret is"),
    ],
)
def test_without_a_code_of_oauth_the_status_decides(payload, status, advice, make_client):
    with raw_server(lambda _: [answer(payload, status)]) as server:
        client = make_client({"port": server.port})
        with pytest.raises(ZuoraAuthError, match=advice):
            client.list_entities()


def test_a_wait_for_another_threads_token_names_the_host_and_what_to_do(make_client, zuora_simulator):
    zuora_simulator.fault(path="/oauth/token", delay=1)
    patient, hurried = make_client(), make_client(retries=Retries(max_elapsed=0.1))
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(patient.list_entities)
        wait_for(lambda: zuora_simulator.requests("POST", "/oauth/token"))
        with pytest.raises(ZuoraNotSentError, match=rf"^POST {zuora_simulator.url}/oauth/token .* Try again"):
            hurried.list_entities()
        assert found.result()

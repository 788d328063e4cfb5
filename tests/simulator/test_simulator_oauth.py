from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, UK_ENTITY_ID
from tests.helpers.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator


def ask(
    simulator: ZuoraSimulator, client: str = "default", headers: Any = None, **fields: str
) -> requests.Response:
    """Ask for a token; ``fields`` replace those of the form."""
    oauth = simulator.store.access.named(client)
    form = {"client_id": oauth.id, "client_secret": oauth.secret, "grant_type": "client_credentials"}
    return requests.post(
        f"{simulator.url}/oauth/token", data={**form, **fields}, headers=headers, timeout=PATIENCE
    )


def test_a_token_has_the_documented_shape(simulator: ZuoraSimulator) -> None:
    response = ask(simulator)
    content = response.json()
    assert response.status_code == 200
    assert content.keys() == {"access_token", "token_type", "expires_in", "jti", "scope"}
    assert (content["token_type"], content["expires_in"]) == ("bearer", 3599)
    assert re.fullmatch(r"[0-9a-f]{32}", content["access_token"])
    assert content["scope"].count("entity.") == 10
    assert f"entity.{entity_uuid(DEFAULT_ENTITY_ID)}" in content["scope"].split()


def test_each_token_is_new(simulator: ZuoraSimulator) -> None:
    assert ask(simulator).json()["access_token"] != ask(simulator).json()["access_token"]


def test_the_scope_of_a_client_for_one_entity_names_one(simulator: ZuoraSimulator) -> None:
    scope = ask(simulator, "target_only").json()["scope"]
    assert re.findall(r"entity\.(\S+)", scope) == [entity_uuid(DEFAULT_ENTITY_ID)]


def test_the_entity_header_narrows_the_scope(simulator: ZuoraSimulator) -> None:
    headers = {"Zuora-Entity-Ids": entity_uuid(UK_ENTITY_ID)}
    assert ask(simulator, headers=headers).json()["scope"].count("entity.") == 1
    simulator.settings.token_entity_header = "ignore"
    assert ask(simulator, headers=headers).json()["scope"].count("entity.") == 10


@pytest.mark.parametrize("header", ["nonsense", UK_ENTITY_ID])
def test_a_wrong_entity_header_gives_no_token(simulator: ZuoraSimulator, header: str) -> None:
    response = ask(simulator, "target_only", {"Zuora-Entity-Ids": header})
    assert (response.status_code, response.json()["message"]) == (400, f"Invalid entity id '{header}'")


@pytest.mark.parametrize(
    ("client", "fields", "status", "error", "message"),
    [
        ("default", {"client_id": "nobody"}, 400, "Bad Request", "Invalid client id"),
        ("default", {"client_id": ""}, 400, "Bad Request", "Invalid client id"),
        ("default", {"client_secret": "wrong"}, 401, "Unauthorized", "Invalid client secret"),
        ("default", {"grant_type": "password"}, 400, "Bad Request", "Unsupported grant type"),
        ("deactivated", {}, 403, "Forbidden", "Forbidden"),
    ],
)
def test_a_refusal_has_the_body_of_zuoras_framework(
    simulator: ZuoraSimulator, client: str, fields: dict[str, str], status: int, error: str, message: str
) -> None:
    response = ask(simulator, client, **fields)
    content = response.json()
    assert response.status_code == content["status"] == status
    assert (content["error"], content["message"], content["path"]) == (error, message, "/oauth/token")
    assert isinstance(content["timestamp"], int)


def test_the_status_for_a_wrong_secret_is_a_setting(simulator: ZuoraSimulator) -> None:
    simulator.settings.wrong_secret_status = 400
    assert ask(simulator, client_secret="wrong").status_code == 400


def test_a_body_that_is_no_form_is_refused(simulator: ZuoraSimulator) -> None:
    response = requests.post(f"{simulator.url}/oauth/token", json={"grant_type": "x"}, timeout=PATIENCE)
    assert (response.status_code, response.json()["status"]) == (415, 415)


def test_the_answer_carries_request_id_track_id_and_what_is_left(simulator: ZuoraSimulator) -> None:
    headers = ask(simulator, headers={"Zuora-Track-Id": "abc"}).headers
    assert len(headers["Zuora-Request-Id"]) == 36
    assert headers["Zuora-Track-Id"] == "abc"
    assert headers["X-RateLimit-Limit-minute"] == "100"
    assert headers["X-RateLimit-Remaining-minute"] == "99"


def test_too_many_token_calls_in_a_minute_are_refused_without_a_body(slow_clock: ZuoraSimulator) -> None:
    slow_clock.settings.token_calls_per_minute = 2
    answers = [ask(slow_clock, client_secret="wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert [answer.headers["X-RateLimit-Remaining-minute"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].content == b""


def test_the_next_minute_starts_anew(slow_clock: ZuoraSimulator) -> None:
    slow_clock.settings.token_calls_per_minute = 1
    assert [ask(slow_clock).status_code for _ in range(2)] == [200, 429]
    Clock.now += 60
    assert ask(slow_clock).status_code == 200


def test_a_token_ends_after_its_lifetime(slow_clock: ZuoraSimulator) -> None:
    slow_clock.settings.token_lifetime = 30
    content = ask(slow_clock, "target_only").json()
    assert content["expires_in"] == 30
    headers = {"Authorization": f"Bearer {content['access_token']}"}

    def status() -> int:
        return requests.get(f"{slow_clock.url}/v1/entities", headers=headers, timeout=PATIENCE).status_code

    assert status() == 200
    Clock.now += 29.9
    assert status() == 200
    Clock.now += 0.1
    assert status() == 401


class Clock:
    now = 1_767_225_600.0


@pytest.fixture
def slow_clock() -> Iterator[ZuoraSimulator]:
    """Give a simulator whose time stands still."""
    with ZuoraSimulator(clock=lambda: Clock.now) as simulator:
        yield simulator

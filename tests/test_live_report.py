"""The examination of a live tenant, tried with the simulator: what it asks, and what its report keeps out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.models import entity_uuid
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DISCONNECTED_ID, PENDING_ID, SOURCE_ENTITY_ID
from tests.helpers.secret_search import SecretSearch
from tests.live.examination import examine
from tests.live.report import UNKNOWNS, Report

MakeClient = Callable[..., ZuoraClient]


def answers(report: Report) -> dict[str, str]:
    """Read the answers to the unknowns back from the Markdown."""
    table = report.markdown().partition("## Unknowns")[2].partition("##")[0]
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", table, re.MULTILINE)
    return {what: answer for what, answer in rows if what != "unknown"}


def tells(simulator: ZuoraSimulator, text: str) -> list[str]:
    """Return the names, ids and secrets of the simulator's tenant that a text contains."""
    access, entities = simulator.store.access, simulator.store.entities.all()
    client = access.named("default")
    ids = [one.id for one in (*entities, *simulator.store.connections.all())]
    names = [name for one in entities for name in (one.name, one.display_name)]
    texts = (*ids, *map(entity_uuid, ids), *names, client.id, f"127.0.0.1:{simulator.port}")
    secrets = SecretSearch([client.secret, *access.issued])
    return [one for one in texts if one in text] + secrets.finds(text)


def test_the_report_has_each_unknown_and_nothing_of_the_tenant(
    make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    report = examine(make_client({"entity_id": None}))
    assert report.failed == []
    assert list(answers(report)) == list(UNKNOWNS)
    assert tells(zuora_simulator, report.markdown()) == []


def test_everything_is_read_only(make_client: MakeClient, zuora_simulator: ZuoraSimulator) -> None:
    before = zuora_simulator.store.connections.all()
    examine(make_client({"entity_id": None}))
    asked = {(one.method, one.path) for one in zuora_simulator.requests() if one.method != "GET"}
    assert asked == {("POST", "/oauth/token")}
    assert zuora_simulator.store.connections.all() == before


@pytest.mark.parametrize(
    ("settings", "unknown", "answer"),
    [
        ({}, "HTTP status of 90000020", "Zuora-Version 2025-08-12: HTTP 400, .*341.0: HTTP 200, .*90000020"),
        ({"bad_entity_status": 401}, "HTTP status of 90000020", "2025-08-12: HTTP 401, .*341.0: HTTP 401"),
        ({}, "Default of the entity header", "with 10 entities in the scope: HTTP 400, .*90000020"),
        ({"missing_entity_header": "home"}, "Default of the entity header", "scope: HTTP 200"),
        ({}, "Formats of the entity header", "with hyphens: HTTP 200, .*32 hex digits: HTTP 200"),
        (
            {"entity_header_format": "uuid"},
            "Formats of the entity header",
            "with hyphens: HTTP 200, .*32 hex digits: HTTP 400 code 90000020",
        ),
        ({}, "Effect of Zuora-Entity-Ids on the token's scope", "HTTP 200: 1 of 10 entities"),
        (
            {"token_entity_header": "ignore"},
            "Effect of Zuora-Entity-Ids on the token's scope",
            "HTTP 200: 10 of 10 entities",
        ),
        ({}, "Shape of nextPage", "absolute, the connection's own host, .*type=outbound: .*, type$"),
        ({"next_page": "without_type"}, "Shape of nextPage", "type=outbound: .*query page, pageSize$"),
        ({"next_page": "relative"}, "Shape of nextPage", "relative, path /entity-connections, query page"),
        ({"next_page": "foreign"}, "Shape of nextPage", "absolute, another host, path /apps/v1/entity-"),
        ({"large_page": "error"}, "Error codes of the five operations", "300: HTTP 400 code 50000020"),
        ({}, "Error codes of the five operations", "an unknown type: HTTP 400 code 50000020"),
    ],
)
def test_an_unknown_is_answered_as_the_tenant_behaves(
    settings: dict[str, Any],
    unknown: str,
    answer: str,
    make_client: MakeClient,
    zuora_simulator: ZuoraSimulator,
) -> None:
    zuora_simulator.settings.update(settings)
    report = examine(make_client({"entity_id": None}))
    assert re.search(answer, answers(report)[unknown])


def test_what_takes_a_change_is_not_answered(
    make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    open_questions = answers(examine(make_client()))
    assert sum("takes a change" in answer for answer in open_questions.values()) == 5


def test_what_was_checked_is_told_in_numbers(make_client: MakeClient) -> None:
    found = examine(make_client({"entity_id": None})).found
    assert found["Entities in the scope"].startswith("10,")
    assert found["Pending requests"] == "5 to 3 entities"
    assert found["Entities"].startswith("10 Provisioned, 1 Unprovisioned")
    assert found["Compression of the entities"] == "gzip"
    assert found["Zuora-Track-Id"] == "echoed"
    assert found["Zuora-Request-Id"] == "36 characters"
    assert "50000040" in found["GET of an unknown entity"]


def test_a_client_with_an_entity_of_its_own_is_examined_too(make_client: MakeClient) -> None:
    report = examine(make_client({"entity_id": SOURCE_ENTITY_ID}))
    assert report.failed == []
    assert report.found["Statuses in it"].startswith("2 Connected, 2 Pending")


def test_a_client_of_one_entity_is_examined_too(make_client: MakeClient) -> None:
    report = examine(make_client({"client": "target_only", "entity_id": None}))
    assert report.failed == []
    assert "a client of several" in answers(report)["Effect of Zuora-Entity-Ids on the token's scope"]


def test_a_check_that_fails_is_told_and_does_not_stop_the_others(
    make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    zuora_simulator.fault("permission", path="/v1/entities", times=None)
    report = examine(make_client())
    assert [one.partition(":")[0] for one in report.failed] == ["the entities"]
    assert "HTTP status of 90000020" in report.answers
    assert tells(zuora_simulator, report.markdown()) == []


def test_a_refused_login_is_not_tried_again(make_client: MakeClient, zuora_simulator: ZuoraSimulator) -> None:
    report = examine(make_client({"password": "a-wrong-secret-4711"}))
    assert len(report.failed) == 1
    assert len(zuora_simulator.requests()) == 1
    assert "4711" not in report.markdown()


def test_a_connection_id_on_top_is_accepted_once(
    make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    report = examine(make_client({"entity_id": None}), accept=PENDING_ID)
    assert report.found["Accept"] == "Pending before, Connected after; sent, with a request id"
    assert len(zuora_simulator.requests("PUT")) == 1
    assert tells(zuora_simulator, report.markdown()) == []


def test_an_accept_that_is_refused_is_told(make_client: MakeClient, zuora_simulator: ZuoraSimulator) -> None:
    report = examine(make_client(), accept=DISCONNECTED_ID)
    (failed,) = report.failed
    assert "Disconnected" in failed
    assert zuora_simulator.requests("PUT") == []
    assert tells(zuora_simulator, report.markdown()) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme Corporation", "<name>"),
        ("'Acme'", "'<name>'"),
        ("Acmeville", "Acmeville"),
        ("ann@acme.example said", "<mail> said"),
        ("see https://acme.example/x", "see <address>/x"),
        ("key 8a80825555a3c7a10155b460f53858e6.", "key <id>."),
        ("key 8a808255-55a3-c7a1-0155-b460f53858e6.", "key <id>."),
        ("EntityConnectionNotFoundError", "EntityConnectionNotFoundError"),
    ],
)
def test_what_belongs_to_the_tenant_is_replaced(text: str, shown: str) -> None:
    report = Report()
    report.hide("name", "Acme", "Acme Corporation", "", None)
    assert report.clean(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "Cannot find entity ACME germany for user ann in tenant 12345",
            "Cannot find entity <name> for user <name> in tenant <number>",
        ),
        ("Username: ann.smith, owner bob.jones", "Username <name> owner <name>"),
        ("Invalid value 'my own' for pageSize", "Invalid value <quoted> for pageSize"),
        ("You don't have the permission.", "You don't have the permission."),
    ],
)
def test_a_message_is_shown_without_names_and_numbers(text: str, shown: str) -> None:
    report = Report(knows_names=True)
    report.hide("name", "Acme Germany")
    assert report.message(text) == shown


PRIVATE = "Cannot find entity Acme Germany for user ann.smith in tenant 12345"


def test_without_the_names_of_the_entities_no_message_is_shown(
    make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    body = {"message": PRIVATE, "error": PRIVATE, "status": PRIVATE, "code": PRIVATE}
    zuora_simulator.fault("permission", path="/v1/entities", times=None)
    zuora_simulator.fault(status=404, body=body, path="/v1/*", times=None)
    text = examine(make_client()).markdown()
    assert "HTTP 404" in text
    assert "Messages are left out" in text
    assert [word for word in ("Acme", "smith", "12345") if word in text] == []


@pytest.mark.parametrize("name", ["message", "error", "status", "code"])
def test_a_message_of_zuora_is_shown_without_what_belongs_to_the_tenant(
    name: str, make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    zuora_simulator.fault(status=404, body={name: PRIVATE}, path="/v1/there-is-no-such-path")
    shown = examine(make_client()).found["GET of an unknown path"]
    assert f'{{"{name}": "Cannot find entity <name> for user <name> in tenant <number>"}}' in shown


@pytest.mark.parametrize("value", ["Unauthorized", "invalid_client", "Pending", "50000040", 401])
def test_what_everybody_gets_is_shown_before_the_names_are_known(value: object) -> None:
    assert Report().shape({"error": value}) == json.dumps({"error": value})


def test_what_the_scope_names_is_hidden(make_client: MakeClient, zuora_simulator: ZuoraSimulator) -> None:
    scope = "user.ann entity.acme tenant.Acme-12 service.echo.read ann-smith"
    body = {"access_token": "0123456789abcdef", "expires_in": 3599, "scope": scope}
    zuora_simulator.fault(status=200, body=body, path="/oauth/token", times=None)
    report = examine(make_client({"entity_id": None}))
    assert report.found["Scope"] == "1 user, 1 entity, 1 tenant, 1 service, 1 other"
    assert report.clean("ANN, acme, acme-12, echo.read") == "<user>, <entity>, <tenant>, echo.read"


@pytest.mark.parametrize("url", ["https://[acme-private/v1/entity-connections?page=2", "https://[::1", 5])
def test_a_next_page_that_is_no_address_fails_its_own_check_only(
    url: object, make_client: MakeClient, zuora_simulator: ZuoraSimulator
) -> None:
    body = {"success": True, "entityConnections": [], "nextPage": url}
    zuora_simulator.fault(status=200, body=body, path="/v1/entity-connections", times=None)
    report = examine(make_client({"entity_id": None}))
    assert "the next page" in [one.partition(":")[0] for one in report.failed]
    assert "HTTP status of 90000020" in report.answers
    assert "acme-private" not in report.markdown()


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    return subprocess.run(
        [sys.executable, "-m", "tests.live"],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_the_command_prints_the_report_alone(zuora_simulator: ZuoraSimulator) -> None:
    connection = zuora_simulator.connection_json(entity_id=None)
    done = run(AIRFLOW_CONN_ZUORA_LIVE=connection, ZUORA_LIVE_ACCEPT=PENDING_ID)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# What a Zuora tenant answers\n")
    assert "| Accept | Pending before, Connected after" in done.stdout
    assert tells(zuora_simulator, done.stdout + done.stderr) == []


def test_the_command_fails_if_a_check_fails(zuora_simulator: ZuoraSimulator) -> None:
    done = run(AIRFLOW_CONN_ZUORA_LIVE=zuora_simulator.connection_json(password="a-wrong-secret-4711"))
    assert done.returncode == 1
    assert "## Failed" in done.stdout
    assert "4711" not in done.stdout + done.stderr


def test_without_a_tenant_the_command_says_what_it_needs() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (0, "")
    reason, example = done.stderr.splitlines()
    assert reason.startswith("Skipped: no tenant is given. Set AIRFLOW_CONN_ZUORA_LIVE")
    assert json.loads(example)["conn_type"] == "zuora"


@pytest.mark.parametrize(
    "connection",
    [
        '{"conn_type": "zuora", "host": "http://acme-private.example", "login": "ann", "password": "x"}',
        '{"conn_type": "zuora", "login": "ann", "password": "x", "extra": {"acme-private": 1}}',
        '{"conn_type": "zuora", "host": "acme-private',
    ],
    ids=["host", "extra", "JSON"],
)
def test_a_wrong_connection_is_told_in_one_clean_line(connection: str) -> None:
    done = run(AIRFLOW_CONN_ZUORA_LIVE=connection)
    assert (done.returncode, done.stdout) == (1, "")
    *_, line = done.stderr.splitlines()  # Airflow 3.1 writes lines of its own before it
    assert line.startswith("AIRFLOW_CONN_ZUORA_LIVE is not a valid Airflow connection.")
    assert "acme-private" not in done.stderr

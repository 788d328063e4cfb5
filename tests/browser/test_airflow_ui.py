"""The main job as a user does it: the forms and buttons of Airflow's own UI."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.get_provider_info import CONN_FIELDS, ENVIRONMENTS
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Entity, new_id
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID, PENDING_IDS, SOURCE_ENTITY_ID
from tests.helpers.hostile_names import IN_SUBJECT, IN_TEXT, NAMES
from tests.helpers.patience import PATIENCE

DAGS = Path(__file__).parents[2] / "dags"
PICTURES = os.environ.get("PICTURES")  # a folder: the pictures of the docs are taken anew
DAG_ID = "accept_entity_connection"
LIST, EACH = "review_a_list", "review_each"
# One question about several requests, and one about each.
OTHER_DAGS = f"""
from airflow.sdk import dag
from airflow_zuora.operators.entity_connection import ListEntityConnectionsOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator

@dag(schedule=None)
def {LIST}():
    ReviewEntityConnectionOperator(
        task_id="review", connection_id={list(PENDING_IDS)!r}, note="Agreed in **the finance meeting**."
    )

@dag(schedule=None)
def {EACH}():
    pending = ListEntityConnectionsOperator(task_id="list_pending", status="Pending")
    ids = pending.output.map(lambda row: row["connection_id"])
    ReviewEntityConnectionOperator.partial(task_id="review").expand(connection_id=ids)

{LIST}(), {EACH}()
"""
# What the hostile names would bring into a page.
INJECTED = "img[src='x'], [onerror], a[href^='javascript'], a[href*='evil.example']"


@pytest.fixture(scope="module")
def zuora() -> Iterator[ZuoraSimulator]:
    with ZuoraSimulator() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def airflow(zuora: ZuoraSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    folder = tmp_path_factory.mktemp("airflow")
    dags = folder / "dags"
    dags.mkdir()
    shutil.copy(DAGS / f"{DAG_ID}.py", dags)
    (dags / "others.py").write_text(OTHER_DAGS)
    with LocalAirflow(folder / "home", dags) as airflow:
        airflow.add_connection("zuora_default", zuora.connection_json())
        yield airflow


@pytest.fixture
def page(airflow: LocalAirflow, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(base_url=airflow.url, viewport={"width": 1280, "height": 720})
    page.set_default_timeout(PATIENCE * 1000)
    page.goto("/")
    page.get_by_label(re.compile("user", re.IGNORECASE)).fill("ann")
    page.locator("input[type=password]").fill("ann")
    page.get_by_role("button", name=re.compile("sign in", re.IGNORECASE)).click()
    expect(page).to_have_url(f"{airflow.url}/")
    yield page
    page.close()


def test_a_user_triggers_the_dag_approves_and_zuora_shows_the_connection_as_connected(
    airflow: LocalAirflow, zuora: ZuoraSimulator, page: Page
) -> None:
    airflow.wait_for_dag(DAG_ID)
    page.goto(f"/dags/{DAG_ID}")
    page.get_by_role("button", name="Trigger").first.click()
    form = page.get_by_role("dialog")
    for label in ("Source entity", "Target entity", "Entity connection ID", "Airflow connection"):
        expect(form.get_by_text(label).first).to_be_visible()
    form.locator("input[name='element_source_entity']").fill("Acme Corporation")
    form.locator("input[name='element_target_entity']").fill("Acme Germany")
    form.get_by_role("button", name="Trigger").click()

    approval = airflow.wait_for("the question", lambda: airflow.pending_approvals(DAG_ID))[0]
    run = approval["task_instance"]["dag_run_id"]
    page.goto("/required_actions")
    expect(page.get_by_text("Connect Acme Corporation to Acme Germany?").first).to_be_visible()
    page.goto(f"/dags/{DAG_ID}/runs/{run}/tasks/review/required_actions")
    for text in ("Acme Corporation", SOURCE_ENTITY_ID, "Acme Germany", DEFAULT_ENTITY_ID, PENDING_ID):
        expect(page.get_by_text(text).first).to_be_visible()
    for text in (zuora.url, "financial consequences", "accepts the request in Zuora"):
        expect(page.get_by_text(text).first).to_be_visible()
    page.locator("[name='element_reason']").fill("Agreed with the controller")
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "approval.png")
    page.get_by_role("button", name="Approve").click()

    airflow.wait_for("the run", lambda: airflow.run_state(DAG_ID, run) == "success")
    assert zuora.store.connections.get(PENDING_ID).status is EntityConnectionStatus.CONNECTED
    result = airflow.call(
        "GET",
        f"/api/v2/dags/{DAG_ID}/dagRuns/{run}/taskInstances/accept/xcomEntries/return_value",
    )
    assert result["value"]["approved_by"] == "ann"
    assert result["value"]["reason"] == "Agreed with the controller"


def test_one_question_about_a_list_is_a_table(
    airflow: LocalAirflow, zuora: ZuoraSimulator, page: Page
) -> None:
    run = airflow.trigger(LIST)
    airflow.wait_for("the question", lambda: airflow.pending_approvals(LIST, run))
    page.goto(f"/dags/{LIST}/runs/{run}/tasks/review/required_actions")
    table = page.get_by_role("table").filter(has_text="Connection").last
    still_pending = PENDING_IDS[1:]  # the first one is Connected since the test above
    for connection_id in still_pending:
        expect(table.get_by_text(connection_id)).to_be_visible()
    expect(page.get_by_text("the finance meeting")).to_be_visible()
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "list.png")


def test_the_form_of_a_new_connection_speaks_of_zuora(page: Page) -> None:
    page.goto("/connections")
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.get_by_role("combobox").first.fill("zuora")
    page.keyboard.press("Enter")
    for label in ("Client ID", "Client Secret", "Host (instead of Environment)", "Port"):
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    for field in CONN_FIELDS.values():
        expect(form.get_by_text(field["label"], exact=True)).to_be_visible()
        expect(form.get_by_text(field["description"])).to_be_visible()
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / "connection.png")
    form.get_by_role("combobox").nth(1).click()
    for host, label in ENVIRONMENTS.items():
        expect(page.get_by_role("option", name=f"{label} ({host})")).to_be_attached()


def test_the_button_in_the_list_tests_the_connection(page: Page) -> None:
    page.goto("/connections")
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_text("issues a token")).to_be_visible()


@pytest.fixture(scope="module")
def asked(airflow: LocalAirflow, zuora: ZuoraSimulator) -> dict[str, dict[str, Any]]:
    """Ask about requests of entities with hostile names; give the questions by subject."""
    for name in NAMES:
        source = zuora.store.entities.add(Entity(new_id(), name, name, SOURCE_ENTITY_ID))
        zuora.send_request(source.id, DEFAULT_ENTITY_ID)
    run = airflow.trigger(EACH)

    def questions() -> dict[str, dict[str, Any]] | None:
        found = {one["subject"]: one for one in airflow.pending_approvals(EACH, run)}
        return found if set(map(subject_of, NAMES)) <= set(found) else None

    waiting: dict[str, dict[str, Any]] = airflow.wait_for("the questions", questions)
    return waiting


def subject_of(name: str) -> str:
    return f"Connect {IN_SUBJECT[name]} to Acme Germany?"


@pytest.mark.parametrize("name", NAMES, ids=["template", "markup", "long"])
def test_the_name_of_an_entity_is_text_wherever_it_is_shown(
    page: Page, asked: dict[str, dict[str, Any]], name: str
) -> None:
    alerts: list[str] = []

    def close(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    subject = subject_of(name)
    ti = asked[subject]["task_instance"]
    task = f"/dags/{EACH}/runs/{ti['dag_run_id']}/tasks/{ti['task_id']}/mapped"
    for address in ("/required_actions", f"{task}/{ti['map_index']}/required_actions"):
        page.goto(address)
        expect(page.get_by_text(subject, exact=True).first).to_be_visible()
        expect(page.locator(INJECTED)).to_have_count(0)
    exactly = re.compile(f"^{re.escape(IN_TEXT[name])}$")
    expect(page.locator("code", has_text=exactly)).to_be_visible()
    assert alerts == []

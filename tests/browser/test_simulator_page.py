"""The status page, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.records import Entity
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    PENDING_ID,
    SOURCE_ENTITY_ID,
    UK_ENTITY_ID,
)
from tests.helpers.patience import PATIENCE, own_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.simulator_client import Api


@pytest.fixture
def page(simulator: ZuoraSimulator, browser: Browser) -> Iterator[Page]:
    """Give the opened page; any error in its script fails the test."""
    errors: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(PATIENCE * 1000)
    page.goto(simulator.url)
    yield page
    page.close()
    assert errors == []


def test_the_form_sends_a_request_and_its_row_appears_by_itself(
    simulator: ZuoraSimulator, page: Page
) -> None:
    expect(page.locator("#rows tr")).to_have_count(12)
    page.get_by_label("Source entity").select_option(label="Acme UK")
    page.get_by_label("Target entity").select_option(label="Acme Japan")
    page.get_by_role("button", name="Send request").click()
    row = page.locator("#rows tr").first
    expect(row).to_contain_text("PendingAcme UK→Acme Japan")
    expect(row).to_have_class("flash")
    expect(page.get_by_role("status")).to_contain_text("Request sent")
    expect(page.locator("#news")).to_have_text("Acme UK to Acme Japan: Pending")
    assert simulator.store.connections.all()[-1].source_entity_id == UK_ENTITY_ID


def test_the_suggested_request_can_be_sent_once(page: Page) -> None:
    for text in ("Request sent", "already exists"):
        page.get_by_role("button", name="Send request").click()
        expect(page.get_by_role("status")).to_contain_text(text)


def test_a_change_elsewhere_shows_without_reloading(simulator: ZuoraSimulator, page: Page, api: Api) -> None:
    row = page.locator(f'#rows tr[data-key="{PENDING_ID}"]')
    expect(row.locator(".badge")).to_have_text("Pending")
    page.evaluate("document.querySelector('#rows tr:last-child').marked = true")
    simulator.fault("lock")
    assert api.answer(PENDING_ID).status_code == 409
    assert api.answer(PENDING_ID).status_code == 200
    expect(row.locator(".badge")).to_have_text("Connected")
    expect(row).to_have_class("flash")
    assert page.evaluate("document.querySelector('#rows tr:last-child').marked"), "other rows stay in place"
    calls = page.locator("#requests li")
    expect(calls).to_have_count(2)
    expect(calls.first).to_contain_text(f"PUT/v1/entity-connections/{PENDING_ID}/accept200")
    expect(calls.nth(1)).to_contain_text("lock409")


def test_rows_can_be_filtered_and_searched(page: Page) -> None:
    page.get_by_role("button", name="Connected", exact=False).filter(has_text="Connected 5").click()
    expect(page.locator("#rows tr")).to_have_count(5)
    expect(page.locator("#filters [aria-pressed=true]")).to_have_text("Connected 5")
    page.get_by_role("button", name="All").click()
    page.get_by_label("Search connections").fill(CONNECTED_ID[:9])
    expect(page.locator("#rows tr")).to_have_count(1)
    page.get_by_label("Search connections").fill("no such thing")
    expect(page.get_by_text("No connection matches.")).to_be_visible()
    page.locator("#tree").get_by_role("button", name="Acme Canada").click()
    expect(page.locator("#rows tr")).to_have_count(1)
    expect(page.locator(".flash")).to_have_count(0)


SLOW_FETCH = """() => {
  const real = window.fetch;
  let slow = true;
  window.fetch = async (...given) => {
    const response = await real(...given);
    if (slow && given[0].includes("search=Acme")) {
      slow = false;
      await new Promise((done) => setTimeout(done, 600_000));
    }
    return response;
  };
}"""


def test_a_slow_answer_to_a_search_does_not_stop_the_search(page: Page) -> None:
    page.evaluate(SLOW_FETCH)
    page.get_by_label("Search connections").fill("Acme Canada")
    expect(page.locator("#rows tr")).to_have_count(1)


def test_names_are_text_and_never_markup(simulator: ZuoraSimulator, page: Page) -> None:
    name = "</script><script>document.title='broken'</script><b>&amp;"
    simulator.store.entities.add(Entity("e" * 32, "evil", name, SOURCE_ENTITY_ID))
    simulator.send_request("e" * 32, DEFAULT_ENTITY_ID)
    for _ in range(2):
        expect(page.locator("#rows tr").first).to_contain_text(name)
        expect(page.locator("#tree")).to_contain_text(name)
        expect(page).to_have_title("Zuora simulator")
        page.reload()


def test_a_lost_simulator_is_told_and_found_again(browser: Browser) -> None:
    with ZuoraSimulator(port=own_port()) as first:
        page = browser.new_page()
        page.goto(first.url)
        expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#live")).to_have_text("Not reachable")
    with ZuoraSimulator(port=first.port):
        expect(page.locator("#live")).to_have_text("Live")
    page.close()


def test_nothing_is_loaded_from_elsewhere_and_a_phone_needs_no_sideways_scrolling(
    simulator: ZuoraSimulator, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme="dark")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(simulator.url)
    expect(page.locator("#rows tr")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(address.startswith((simulator.url, "data:")) for address in addresses)
    page.close()


def test_ten_thousand_rows_are_paged(browser: Browser) -> None:
    with ZuoraSimulator(pending=10_000) as crowded:
        page = browser.new_page()
        page.goto(crowded.url)
        expect(page.locator("#rows tr")).to_have_count(25)
        expect(page.locator("#range")).to_have_text("1–25 of 10,012")
        page.get_by_role("button", name="Next").click()
        expect(page.locator("#range")).to_have_text("26–50 of 10,012")
        expect(page.get_by_text("and 9,951 more")).to_be_visible()
        page.close()

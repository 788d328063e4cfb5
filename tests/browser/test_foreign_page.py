"""What a page of somebody else, open in the same browser, can do to the simulator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import PENDING_ID
from tests.helpers.bad_servers import plain_server
from tests.helpers.patience import PATIENCE

POST = """async (url) => {
  const sent = {method: "POST", mode: "no-cors", body: '{"drop": true, "times": null}'};
  await fetch(url, sent).catch(() => null);
}"""
READ = "(url) => fetch(url).then((answer) => answer.text(), () => 'refused')"
FRAME = """(url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.onload = () => done(frame.contentDocument ? "readable" : "foreign");
  frame.src = url;
  document.body.append(frame);
})"""


@pytest.fixture
def foreign(browser: Browser) -> Iterator[Page]:
    """Open a page of another server on this machine: those from elsewhere are stopped by Chromium itself."""
    with plain_server() as server:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"http://localhost:{server.server_port}/")
        yield page
        page.close()


def test_it_can_change_nothing(simulator: ZuoraSimulator, foreign: Page) -> None:
    statuses: list[int] = []
    foreign.on("response", lambda response: statuses.append(response.status))
    simulator.store.connections.remove(PENDING_ID)
    for path in ("/_simulator/reset", "/_simulator/faults"):
        foreign.evaluate(POST, simulator.url + path)
    assert statuses == [403, 403]
    assert PENDING_ID not in [row.id for row in simulator.store.connections.all()]
    assert foreign.request.get(f"{simulator.url}/_simulator/faults").json() == []


def test_it_can_read_nothing(simulator: ZuoraSimulator, foreign: Page) -> None:
    assert foreign.evaluate(READ, f"{simulator.url}/_simulator/state") == "refused"


def test_it_cannot_frame_the_page(simulator: ZuoraSimulator, foreign: Page) -> None:
    messages: list[str] = []
    foreign.on("console", lambda message: messages.append(message.text))
    foreign.evaluate(FRAME, simulator.url)
    assert "frame-ancestors" in " ".join(messages)


def test_the_page_itself_breaks_none_of_its_rules(simulator: ZuoraSimulator, browser: Browser) -> None:
    messages: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: messages.append(message.text))
    page.goto(simulator.url)
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("status")).to_contain_text("Request sent")
    page.close()
    assert messages == []

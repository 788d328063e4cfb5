"""A real browser; Chromium comes from the system, see CONTRIBUTING.md."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.helpers.patience import PATIENCE
from tests.simulator.conftest import api, connect, server, simulator

__all__ = ["api", "browser", "connect", "server", "simulator"]

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or pytest.fail("Install chromium first: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()

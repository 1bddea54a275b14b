"""A real server on a small demo company, and the machine's Chromium looking at it.

A page fails its test on any console message of trouble, failed request, or request beyond loopback.
"""

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from browsing import Site, Visitor, enter
from playwright.sync_api import Browser, sync_playwright

from processes import Machine

CHROMIUM_NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LAST_DAY = "2026-03-20"


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    path = next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)
    assert path, f"no browser on this machine: none of {', '.join(CHROMIUM_NAMES)} is on the PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Generator[Site]:
    """The demo company, served; its owner is logged in."""
    machine = Machine(tmp_path_factory.mktemp("web") / "demo-home")
    machine.run("demo", "--customers", "600", "--years", "2", "--seed", "7", "--today", LAST_DAY, "--no-serve")
    with machine.served() as served:
        site = Site(served, machine.home)
        context = chromium.new_context(base_url=site.url)
        enter(context.new_page(), *served.first_login)
        site.cookies = context.storage_state()
        context.close()
        yield site


@pytest.fixture
def fresh(tmp_path: Path) -> Generator[Site]:
    """A server on an empty home."""
    machine = Machine(tmp_path / "fresh-home")
    with machine.served() as served:
        yield Site(served, machine.home)


@pytest.fixture
def visitor(chromium: Browser, demo: Site) -> Generator[Visitor]:
    visitor = Visitor(chromium, demo)
    yield visitor
    visitor.close()


@pytest.fixture
def newcomer(chromium: Browser, fresh: Site) -> Generator[Visitor]:
    visitor = Visitor(chromium, fresh)
    yield visitor
    visitor.close()

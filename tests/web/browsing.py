"""How do browser tests look at a page? Watched: any trouble of the page is kept and fails the test."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, expect

from processes import Served

PASSWORD = "own-password-of-a-test"
PATIENCE = 30_000
"""A dozen answers on a busy machine."""
AXE = Path(__file__).resolve().parents[2] / "build" / "test-assets" / "axe.min.js"


@dataclass
class Site:
    """A server and the cookies of somebody who logged in to it."""

    served: Served
    home: Path
    cookies: Any = None

    @property
    def url(self) -> str:
        return self.served.url


@dataclass
class Watched:
    """A page whose every trouble is kept."""

    page: Page
    site: str
    troubles: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def expect(self, *words: str) -> None:
        """From now on troubles that hold any of `words` are part of the journey."""
        self.expected += words

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._trouble(f"page error: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._trouble(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A request the page itself gave up on leaving, or a file taken as a download, did not fail.
        if request.failure != "net::ERR_ABORTED":
            self._trouble(f"request failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(self.site).netloc:
            self._trouble(f"request beyond this server: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._trouble(f"status {response.status}: {response.url}")

    def _trouble(self, text: str) -> None:
        if not any(word in text for word in self.expected):
            self.troubles.append(text)


def enter(page: Page, login: str, password: str) -> None:
    """The first visit: the one-time password, then one's own."""
    page.goto("/login")
    page.fill("#id_username", login)
    page.fill("#id_password", password)
    page.click("main button.primary")
    page.wait_for_url("**/password")
    page.fill("#id_new_password1", PASSWORD)
    page.fill("#id_new_password2", PASSWORD)
    page.click("main button.primary")
    page.wait_for_selector("aside nav")


@dataclass
class Visitor:
    """Opens watched pages of one site."""

    browser: Browser
    site: Site
    contexts: list[BrowserContext] = field(default_factory=list)
    pages: list[Watched] = field(default_factory=list)

    def watched(
        self, *, language: str = "ru", theme: str = "light", width: int = 1440, height: int = 900, **options: Any
    ) -> Watched:
        context = self.browser.new_context(
            base_url=self.site.url,
            storage_state=self.site.cookies,
            viewport={"width": width, "height": height},
            accept_downloads=True,
            **options,
        )
        context.add_cookies(
            [
                {"name": "django_language", "value": language, "url": self.site.url},
                {"name": "theme", "value": theme, "url": self.site.url},
            ]
        )
        context.set_default_timeout(30_000)
        watched = Watched(context.new_page(), self.site.url)
        watched.watch()
        self.contexts.append(context)
        self.pages.append(watched)
        return watched

    def page(self, **options: Any) -> Page:
        return self.watched(**options).page

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        troubles = [trouble for watched in self.pages for trouble in watched.troubles]
        assert not troubles, "\n".join(troubles)


def report(page: Page, name: str, query: str = "") -> None:
    """The page of one question, its chart drawn."""
    page.goto(f"/reports/{name}/{query}")
    page.wait_for_selector("e-chart[data-ready]")


def serious(page: Page, *rules: str) -> list[str]:
    """What axe-core finds that keeps somebody out; by these rules only, where some are named."""
    # Evaluated, not added as a script: the page's own policy would rightly refuse one.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    asked = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = page.evaluate("(asked) => axe.run(document, asked)", asked)
    return [
        f"{item['id']}: {node['target']} {node['failureSummary']}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"]
    ]


def settled(page: Page) -> None:
    """Every tile of the dashboard filled and drawn."""
    for unfinished in (".board-tile .skeleton", ".tile-body.htmx-request", "e-chart:not([data-ready])"):
        expect(page.locator(unfinished)).to_have_count(0, timeout=PATIENCE)

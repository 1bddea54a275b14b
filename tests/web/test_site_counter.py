"""Does the counter tell who came to the site, from where, and what they did there? A real site, a real browser."""

import threading
import time
from collections.abc import Generator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsing import Site, Visitor, enter, serious
from playwright.sync_api import Browser, BrowserContext, Page, expect

from processes import Machine

pytestmark = pytest.mark.browser

PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
INDEX = """<!doctype html><meta charset="utf-8"><title>Лавка</title>{code}
<h1>Лавка</h1><a id="next" href="/second.html?token=secret">Дальше</a>
<a id="call" href="tel:+74951112233" onclick="return false">Позвонить</a>
<form id="order" name="order" action="/second.html"><input name="email" type="email"><input name="password" type="password">
<input name="comment"><button>Заказать</button></form>"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def shop(tmp_path: Path, fresh: Site) -> Generator[str]:
    """A site of two pages with the code that the settings page gives, on a port of its own."""
    folder = tmp_path / "shop"
    folder.mkdir()
    code = f'<script async src="{fresh.url}/t/rakurs.js"></script>'
    (folder / "index.html").write_text(INDEX.format(code=code), encoding="utf-8")
    (folder / "second.html").write_text(f"<!doctype html><title>Second</title>{code}<p>Спасибо", encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def owner(newcomer: Visitor) -> Page:
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    return page


def turn_on(page: Page, *, needs_consent: bool = False, domains: str = "127.0.0.1") -> None:
    page.goto("/settings/site/")
    page.locator("[name=domains]").fill(domains)
    page.locator("[name=needs_consent]").set_checked(needs_consent)
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator("main")).to_contain_text("Сохранено" if domains else "Счётчик выключен")


def guest(browser: Browser, agent: str = PERSON, **options: Any) -> BrowserContext:
    return browser.new_context(user_agent=agent, **options)


def counted(page: Page, metric: str) -> dict[Any, int]:
    """The metric of all time by channel."""
    answer = page.request.get("/api/v1/pivot", params={"metric": metric, "by": "channel"})
    assert answer.ok, answer.text()
    return {row["channel"].removeprefix("site:"): row[metric] for row in answer.json()["rows"]}


def waited(page: Page, metric: str, expected: dict[Any, int]) -> None:
    until = time.monotonic() + 20
    while counted(page, metric) != expected and time.monotonic() < until:
        time.sleep(0.3)
    assert counted(page, metric) == expected


def test_visits_forms_and_calls_of_a_person_become_touchpoints_of_the_right_customer(
    owner: Page, fresh: Site, shop: str, chromium: Browser, tmp_path: Path
) -> None:
    people = tmp_path / "customers.csv"
    people.write_text("customer_id,name,email\nguest-1,Гостья Сайта,anna.guest@example.ru\n", encoding="utf-8")
    Machine(fresh.home).run("load", str(people))
    page = owner
    turn_on(page)
    expect(page.get_by_label("Код счётчика")).to_have_value(f'<script async src="{fresh.url}/t/rakurs.js"></script>')
    expect(page.locator("main")).to_contain_text("Пока ничего не пришло")
    assert serious(page) == []

    with guest(chromium) as someone:
        site = someone.new_page()
        site.goto(f"{shop}/?utm_source=Yandex&utm_medium=cpc&utm_campaign=spring&utm_term=%D1%87%D0%B0%D0%B9")
        site.click("#call")
        site.evaluate("window.rakurs.goal('calculator', 100)")
        site.click("#next")
        site.wait_for_url("**/second.html*")
        # The same person comes back by themselves after the half an hour that ends a visit, and orders.
        site.evaluate(
            "() => { const known = JSON.parse(localStorage.getItem('rakurs')); known.last -= 31 * 60000;"
            " localStorage.setItem('rakurs', JSON.stringify(known)); }"
        )
        site.goto(f"{shop}/")
        site.fill("[name=email]", "Anna.Guest@example.ru")
        site.fill("[name=password]", "very-secret-word")
        site.fill("[name=comment]", "private words")
        site.click("button")
        site.wait_for_url("**/second.html*")
        site.wait_for_timeout(300)
    waited(page, "visits", {"yandex / cpc": 1, "direct": 1})
    waited(page, "visits_with_contact", {"yandex / cpc": 1, "direct": 1})
    assert counted(page, "visitors") == {"yandex / cpc": 1, "direct": 1}

    page.goto("/customers/guest-1/")
    timeline = page.locator("main")
    expect(timeline.locator(".moments li", has_text="Был на сайте")).to_have_count(2)
    expect(timeline).to_contain_text("yandex / cpc")
    content = page.content()
    assert not [word for word in ("very-secret-word", "private words", "token=secret") if word in content]
    kept = "".join(path.read_bytes().decode("latin-1") for path in (fresh.home / "raw").rglob("*") if path.is_file())
    assert "very-secret-word" not in kept
    assert "private words" not in kept
    page.goto("/settings/site/")
    expect(page.locator("main")).to_contain_text("Посещений всего: 2")


def test_who_asks_not_to_be_followed_robots_and_other_sites_are_not_counted(
    owner: Page, fresh: Site, shop: str, chromium: Browser
) -> None:
    page = owner
    turn_on(page)
    before = counted(page, "visits")
    stored = "() => Object.keys(localStorage).length"

    with guest(chromium) as refusing:
        refusing.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {get: () => true})")
        site = refusing.new_page()
        site.goto(f"{shop}/?utm_source=refusing")
        site.wait_for_timeout(1_500)
        assert site.evaluate(stored) == 0
    with guest(chromium, "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)") as robot:
        site = robot.new_page()
        with site.expect_response("**/t/collect") as answered:
            site.goto(f"{shop}/?utm_source=robot")
        assert answered.value.status == 204
    with guest(chromium) as elsewhere:
        site = elsewhere.new_page()
        with site.expect_response("**/t/collect") as answered:
            site.goto(f"{shop.replace('127.0.0.1', 'localhost')}/?utm_source=elsewhere")
        assert answered.value.status == 403

    turn_on(page, needs_consent=True)
    with guest(chromium) as asked:
        site = asked.new_page()
        site.goto(f"{shop}/?utm_source=unasked")
        site.wait_for_timeout(1_500)
        assert site.evaluate(stored) == 0
        with site.expect_response("**/t/collect"):
            site.evaluate("window.rakurs.consent(true)")
        site.evaluate("window.rakurs.consent(false)")
        assert site.evaluate(stored) == 0
    waited(page, "visits", before | {"unasked / none": 1})


def test_what_nobody_may_send(owner: Page, newcomer: Visitor, fresh: Site) -> None:
    page = owner
    turn_on(page)
    ours, url = {"Origin": "http://127.0.0.1:1", "User-Agent": PERSON}, f"{fresh.url}/t/collect"
    assert httpx.post(url, content=b"{}").status_code == 403
    assert (
        httpx.post(url, content=b"{}", headers=ours | {"Origin": "https://127.0.0.1.evil.example"}).status_code == 403
    )
    assert httpx.post(url, content=b"{}", headers=ours | {"Origin": "http://[::1"}).status_code == 403
    assert httpx.post(url, content=b"{}", headers=ours | {"User-Agent": ""}).status_code == 204
    assert httpx.post(url, content=b"{}", headers=ours).status_code == 400
    assert httpx.post(url, content=b" " * (65 << 10), headers=ours).status_code == 413
    assert httpx.get(url, headers=ours).status_code == 405

    turn_on(page, domains="")
    expect(page.locator("main")).not_to_contain_text("Код для страниц")
    assert "off" in httpx.get(f"{fresh.url}/t/rakurs.js").text
    assert httpx.post(url, content=b"{}", headers=ours).status_code == 403
    newcomer.pages[0].expect("422")
    page.locator("[name=domains]").fill("нет такого/ http://:")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_role("alert")).to_contain_text("«http://:»: это не адрес сайта")

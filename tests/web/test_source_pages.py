"""Can a person connect a system, watch it load, see what is wrong with it, and let it go?"""

from collections.abc import Generator

import pytest
from browsing import Visitor, enter, serious
from playwright.sync_api import Page, expect

from sources.bitrix24_portal import Portal

pytestmark = pytest.mark.browser


@pytest.fixture
def portal() -> Generator[Portal]:
    with Portal(deals=120, contacts=60, companies=20, leads=30, activities=60, calls=20) as found:
        yield found


def connect(page: Page, address: str) -> None:
    page.get_by_label("Адрес входящего вебхука").fill(address)
    page.get_by_role("button", name="Проверить и подключить").click()


def test_a_portal_is_connected_followed_and_let_go(newcomer: Visitor, portal: Portal) -> None:
    page = newcomer.page()
    page.goto("/data/sources/")
    enter(page, *newcomer.site.served.first_login)
    page.goto("/data/sources/")
    page.locator("#available li", has_text="Битрикс24").get_by_role("link", name="Подключить").click()

    # A form begins with what holds where nobody says otherwise.
    page.goto("/data/sources/new/yandex_direct/")
    expect(page.get_by_label("Валюта аккаунта")).to_have_value("RUB")
    expect(page.get_by_label("Расходы с НДС")).to_be_checked()
    page.goto("/data/sources/new/bitrix24/")

    # An address that is none, a key that is wrong: told, and never repeated.
    connect(page, "https://example.com/secret-word")
    expect(page.get_by_role("alert")).to_contain_text("Адрес входящего вебхука")
    connect(page, portal.url.replace(portal.code, "secret-word"))
    expect(page.get_by_role("alert")).to_contain_text("INVALID_CREDENTIALS")
    assert "secret-word" not in page.content()

    connect(page, portal.url)
    expect(page.locator("main")).to_contain_text("Подключено. Ответил 127.0.0.1")
    expect(page.locator("#health")).to_have_text("Всё в порядке", timeout=60_000)
    deals = page.locator("#tables tr", has=page.get_by_text("Сделки", exact=True))
    expect(deals.locator("td").nth(2)).to_have_text("120")
    assert portal.code not in page.content()
    assert serious(page) == []

    page.get_by_role("button", name="Проверить связь").click()
    expect(page.locator("main")).to_contain_text("Связь есть: отвечает 127.0.0.1")
    page.get_by_role("button", name="Пауза").click()
    expect(page.locator("#health")).to_have_text("На паузе")

    # The portal shuts us out: the page says so and what to do; let in again, the run goes on.
    portal.faults.revoked = True
    page.get_by_role("button", name="Забрать сейчас").click()
    expect(page.locator("#health")).to_have_text("Нужно вмешательство", timeout=30_000)
    expect(page.get_by_role("alert")).to_contain_text("Создайте новый входящий вебхук")
    assert serious(page) == []
    page.goto("/reports/")
    trouble = page.locator("aside nav a", has_text="Подключения")
    expect(trouble.locator(".dot.bad")).to_be_visible()
    trouble.click()
    expect(page.locator(".connection .notice.bad")).to_contain_text("вебхук")
    page.locator(".connection h2 a").click()
    portal.faults.revoked = False
    page.get_by_role("button", name="Продолжить").click()
    expect(page.locator("#health")).to_have_text("Всё в порядке", timeout=30_000)

    page.get_by_label("Название подключения").fill("Наш портал")
    page.get_by_label("Забирать раз в, минут").fill("60")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator("h1")).to_have_text("Наш портал")
    page.goto("/data/sources/")
    expect(page.locator(".connection h2")).to_have_text("Наш портал")
    page.locator(".connection h2 a").click()
    page.get_by_role("button", name="Отключить").click()
    expect(page.locator("main")).to_contain_text("Загруженные строки остались")
    page.goto("/reports/managers/?period=all")
    expect(page.locator("main table tbody tr").first).to_be_visible()

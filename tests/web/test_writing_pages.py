"""Can a person allow writing to a CRM, see beforehand what would change, write exactly that, and bring it back?"""

from collections.abc import Generator
from pathlib import Path

import pytest
from browsing import Site, Visitor, enter, serious
from playwright.sync_api import Browser, Page, expect

from writing_house import House, house

pytestmark = pytest.mark.browser
PATIENCE = 30_000


@pytest.fixture
def followed(tmp_path: Path) -> Generator[House]:
    with house(tmp_path, "bitrix24") as made:
        yield made


@pytest.fixture
def visitor(chromium: Browser, followed: House) -> Generator[Visitor]:
    with followed.machine.served() as served:
        made = Visitor(chromium, Site(served, followed.machine.home))
        yield made
        made.close()


def test_a_writing_is_allowed_previewed_written_and_brought_back(visitor: Visitor, followed: House) -> None:
    system = followed.systems["bitrix24"]
    people = system.people()[:3]
    watched = visitor.watched()
    watched.expect("status 422", "422 (Unprocessable")
    page = watched.page
    page.goto("/data/writing/")
    enter(page, *visitor.site.served.first_login)
    allow(page)
    wish(page, people)
    preview(page)
    assert system.comments() == []
    write(page, "Записать 5")
    assert len(system.comments()) == 2
    assert {system.server.value(record, "RK_SEGMENT") for record in people} == {"Спящие"}
    expect(page.locator(".deeds .badge.good")).to_have_count(5)
    assert serious(page) == []
    bring_back(page)
    assert {system.server.value(record, "RK_SEGMENT") for record in people} == {None}
    page.get_by_role("link", name="Запись в CRM").first.click()
    expect(page.locator("#runs tbody tr")).to_have_count(3)
    expect(page.locator("#runs")).to_contain_text("возврат прежних значений")


def allow(page: Page) -> None:
    """Off by default, and nothing can be begun; an administrator turns two kinds on."""
    page.goto("/data/writing/")
    expect(page.locator(".permit .badge")).to_have_text("Выключена")
    expect(page.get_by_role("link", name="Подготовить запись")).to_have_count(0)
    page.goto("/data/writing/new/")
    expect(page.locator("main")).to_contain_text("Запись выключена")
    assert serious(page) == []
    page.goto("/data/writing/")
    page.get_by_text("Включить", exact=True).click()
    for kind in ("Поля", "Комментарии"):
        page.get_by_label(kind, exact=True).check()
    page.get_by_label("Не больше за запуск").fill("5")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator(".permit .badge")).to_have_text("Включена")
    expect(page.locator(".permit")).to_contain_text("поля, комментарии")


def wish(page: Page, people: list[str]) -> None:
    """A segment, then what to write about its customers; what is not allowed is refused, and nothing typed is lost."""
    page.get_by_role("link", name="Подготовить запись").click()
    expect(page.locator("main")).to_contain_text("Сначала нужен сегмент")
    page.goto("/segments/new/?way=list")
    page.get_by_label("Название", exact=True).fill("Спящие")
    page.get_by_label("Номера, телефоны или почта").fill("\n".join(f"bitrix24:{one}" for one in people))
    page.get_by_role("button", name="Сохранить сегмент").click()
    expect(page.locator("h1")).to_have_text("Спящие")
    page.goto("/data/writing/new/?connection=bitrix24")
    page.get_by_label("Текст задачи").fill("Позвонить")
    page.get_by_role("button", name="Показать, что будет записано").click()
    expect(page.get_by_role("alert")).to_contain_text("не разрешено: Задачи")
    expect(page.get_by_label("Текст задачи")).to_have_value("Позвонить")
    page.get_by_label("Текст задачи").fill("")
    page.get_by_label("Сегмент", exact=True).check()
    page.get_by_label("Текст комментария").fill("{name} из «{segment}»")
    page.get_by_role("button", name="Показать, что будет записано").click()


def preview(page: Page) -> None:
    """Five of six deeds are within the limit."""
    expect(page.locator("#status")).to_have_text("Ждёт подтверждения", timeout=PATIENCE)
    expect(page.locator("#sum")).to_contain_text("сверх лимита запуска")
    expect(page.locator(".deeds tbody tr")).to_have_count(5)
    expect(page.locator(".deeds tbody tr").first).to_contain_text("Спящие")
    assert serious(page) == []
    page.get_by_role("link", name="Пропущено").click()
    expect(page.locator(".deeds tbody tr")).to_have_count(1)


def write(page: Page, button: str) -> None:
    """Confirmed, and watched until it is done."""
    page.get_by_role("button", name=button).click(timeout=PATIENCE)
    expect(page.locator("#status")).to_have_text("Готово", timeout=PATIENCE)
    page.goto(page.url.partition("?")[0])


def bring_back(page: Page) -> None:
    """A preview of its own, which may also be dropped."""
    page.get_by_role("button", name="Вернуть прежние поля").click()
    expect(page.locator("#status")).to_have_text("Ждёт подтверждения", timeout=PATIENCE)
    page.get_by_role("button", name="Не записывать").click()
    expect(page.locator("#status")).to_have_text("Отменено")
    page.get_by_role("link", name="что возвращаем").click()
    page.get_by_role("button", name="Вернуть прежние поля").click()
    write(page, "Записать 3")

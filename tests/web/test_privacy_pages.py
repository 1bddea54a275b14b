"""Does a person find somebody, take all that is known of him, erase him, and set how long data is kept?"""

import zipfile
from pathlib import Path

import pytest
from browsing import Visitor, enter, serious
from playwright.sync_api import Page, expect

from leftovers import left_of
from processes import Machine, write_table

pytestmark = pytest.mark.browser

HIS_WORDS = ("Кочетков", "9161234567", "kochet@mail.ru", "ул. Ленина")


def company(folder: Path) -> Path:
    write_table(
        folder,
        "customers",
        [
            {"customer_id": "c1", "name": "Кочетков Пётр", "phone": "+7 916 123-45-67", "email": "kochet@mail.ru", "Адрес": "ул. Ленина 5"},
            {"customer_id": "c2", "name": "Лисицына Анна", "phone": "+7 926 700-11-22", "email": "", "Адрес": ""},
            {"customer_id": "c3", "name": "Белова Мария", "phone": "8 926 7001122", "email": "", "Адрес": ""},
        ],
    )  # fmt: skip
    orders = [(number, f"c{number}", number * 100) for number in (1, 2, 3)]
    write_table(
        folder,
        "orders",
        [
            {"order_id": f"o{number}", "ordered_at": "2025-02-01T10:00", "customer_id": customer, "amount": amount}
            for number, customer, amount in orders
        ],
    )
    calls = [
        {"call_id": "k1", "started_at": "2025-02-01T10:00", "direction": "in", "phone": "89161234567"},
        {"call_id": "k2", "started_at": "2025-02-02T10:00", "direction": "in", "phone": "84950000000"},
    ]
    write_table(folder, "calls", calls)
    return folder


def find(page: Page, who: str) -> None:
    page.get_by_label("Номер любой его записи").fill(who)
    page.get_by_role("button", name="Найти").click()


def test_a_person_is_found_handed_over_and_erased(newcomer: Visitor, tmp_path: Path) -> None:
    machine = Machine(newcomer.site.home)
    machine.run("load", str(company(tmp_path / "files")))
    watched = newcomer.watched()
    page = watched.page
    enter(page, *newcomer.site.served.first_login)
    page.goto("/customers/c1/")
    page.get_by_role("link", name="Данные человека").click()
    expect(page.locator("#found h3")).to_have_text("Кочетков Пётр")
    watched.expect("status 422")
    watched.expect("422 (Unprocessable")
    find(page, "+7 999 999-99-99")
    expect(page.get_by_role("alert")).to_contain_text("не существует")
    find(page, "8 926 700 11 22")
    expect(page.locator("#person")).to_contain_text("Так находятся разные клиенты")
    page.get_by_role("button", name="Лисицына Анна").click()
    expect(page.locator("#found")).to_contain_text("Есть и у других")
    find(page, "8 (916) 123-45-67")
    expect(page.locator("#found tfoot")).to_contain_text("3")
    with page.expect_download() as download:
        page.get_by_role("button", name="Скачать всё").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert "Кочетков Пётр" in archive.read("README.ru.html").decode()
    assert serious(page) == []

    page.locator("details.erase > summary").click()
    assert serious(page) == []
    page.get_by_label("Понимаю").check()
    page.get_by_role("button", name="Стереть человека").click()
    expect(page.get_by_role("status")).to_contain_text("Стирание началось")
    row = page.locator("#erasures tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("стёрт", timeout=60_000)
    expect(row).to_contain_text("прежних копиях")
    page.goto("/customers/c2/")
    expect(page.locator("h1")).to_have_text("Лисицына Анна")
    watched.expect("status 404", "404 (Not Found)")
    page.goto("/customers/c1/")
    expect(page.locator("main")).not_to_contain_text("Кочетков")
    page.goto("/settings/audit/")
    expect(page.locator("main")).to_contain_text("Стёр человека")
    expect(page.locator("main")).not_to_contain_text("customers/c1")

    page.goto("/settings/privacy/")
    page.get_by_role("button", name="Снова принимать").click()
    expect(page.locator("#erasures")).to_contain_text("новое принимается")
    newcomer.site.served.stop()
    assert left_of(newcomer.site.home, *HIS_WORDS) == []


def test_what_is_kept_too_long_is_shown_and_let_go(newcomer: Visitor, tmp_path: Path) -> None:
    machine = Machine(newcomer.site.home)
    machine.run("load", str(company(tmp_path / "files")))
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/settings/privacy/")
    calls = page.locator(".kind", has=page.locator('input[name="calls"]'))
    calls.locator("input").fill("6")
    page.get_by_role("button", name="Показать, что уйдёт").click()
    expect(calls.locator(".to-go")).to_contain_text("Звонки: 2")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Сохранить").click()
    expect(page.get_by_role("status")).to_contain_text("Сроки сохранены")
    expect(calls.locator("input")).to_have_value("6")
    page.get_by_role("button", name="Убрать сейчас").click()
    expect(page.get_by_role("status")).to_contain_text("уходят")
    expect(page.get_by_role("button", name="Уходит…")).to_have_count(0, timeout=60_000)
    page.goto("/settings/privacy/")
    page.get_by_role("button", name="Показать, что уйдёт").click()
    expect(calls.locator(".to-go")).to_have_text("уходить нечему")
    newcomer.site.served.stop()
    assert left_of(newcomer.site.home, "84950000000") == []


def test_only_who_administers_and_sees_personal_data_is_let_in(newcomer: Visitor) -> None:
    machine = Machine(newcomer.site.home)
    printed = machine.run("user", "create", "anna", "--role", "analyst", "--scope", "all")
    watched = newcomer.watched()
    enter(watched.page, "anna", printed.partition("password ")[2].split()[0])
    watched.expect("403")
    watched.page.goto("/settings/privacy/")
    expect(watched.page.locator("main")).to_contain_text("Вашей роли это не открыто")

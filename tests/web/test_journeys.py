"""Can a person come in, look, narrow, drill down, sort, take away and find the way back?"""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from browsing import PASSWORD, Visitor, enter, report, serious
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser


def whole_number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_first_visit_asks_for_an_own_password_and_invites_to_upload(newcomer: Visitor) -> None:
    page = newcomer.page()
    page.goto("/reports/funnel/")
    assert "/login?next=/reports/funnel/" in page.url
    enter(page, *newcomer.site.served.first_login)
    expect(page.locator("main h2").first).to_have_text("Данных пока нет")
    expect(page.locator("main")).to_contain_text("rakurs demo")
    page.goto("/reports/funnel/")
    expect(page.locator("main")).to_contain_text("Ответ появится после первой загрузки")


def test_wrong_password_is_told_and_the_login_closes(newcomer: Visitor) -> None:
    watched = newcomer.watched()
    watched.expect("status 429", "429 (Too Many Requests)")
    page = watched.page
    for attempt in range(6):
        page.goto("/login")
        page.fill("#id_username", "owner")
        page.fill("#id_password", f"wrong-{attempt}")
        page.click("main button.primary")
        page.wait_for_load_state()
        if attempt == 0:
            expect(page.get_by_role("alert")).to_contain_text("не подходят")
    expect(page.locator("h1")).to_have_text("Слишком много попыток")


def test_home_tells_key_numbers_of_a_period(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/reports/")
    revenue = page.locator(".tile", has_text="Выручка")
    assert re.search(r"\d[\d,]*\s(тыс\.|млн)\s₽", revenue.locator(".big").inner_text())
    assert re.search(r"[+−]\d+,\d\s%", revenue.locator(".delta").inner_text())
    assert "п.п." in page.locator(".tile", has_text="Доля выигранных").locator(".delta").inner_text()
    expect(page.locator("spark-line svg").first).to_be_attached()
    before = revenue.locator(".big").inner_text()
    page.get_by_role("link", name="12 месяцев").click()
    page.wait_for_url("**/reports/?period=last_365_days")
    expect(revenue.locator(".big")).not_to_have_text(before)
    page.go_back()
    page.wait_for_url(re.compile(r"/reports/$"))
    expect(revenue.locator(".big")).to_have_text(before)


def test_filter_stands_in_the_address_and_back_undoes_it(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "funnel")
    before = page.locator("#table tbody tr").count()
    first = page.locator("#table tbody tr").first.inner_text()
    page.locator("label.pill", has_text="Воронка").locator("select").select_option(index=1)
    page.wait_for_url("**/reports/funnel/?pipeline=*")
    expect(page.locator("#table tbody tr")).not_to_have_count(before)
    shared = page.url
    page.locator("#pill-period summary").click()
    page.get_by_text("12 месяцев", exact=True).click()
    page.wait_for_url("**period=last_365_days**")
    assert "pipeline=" in page.url
    page.go_back()
    page.wait_for_url(shared)
    expect(page.locator("#pill-period .value")).to_have_text("Всё время")
    page.go_back()
    page.wait_for_url(re.compile(r"/reports/funnel/$"))
    expect(page.locator("#table tbody tr")).to_have_count(before)
    assert page.locator("#table tbody tr").first.inner_text() == first


def test_own_days_make_a_period(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "sales_dynamics")
    page.locator("#pill-period summary").click()
    page.fill("input[name=from_day]", "2025-06-01")
    page.locator("input[name=from_day]").dispatch_event("change")
    page.wait_for_url("**/?from_day=2025-06-01")
    expect(page.locator("#pill-period .value")).to_have_text("с 01.06.2025")


def test_wrong_parameter_is_told_and_the_answer_stays(visitor: Visitor) -> None:
    watched = visitor.watched()
    watched.expect("422")
    watched.page.goto("/reports/funnel/?policy=sideways")
    expect(watched.page.get_by_role("alert")).to_contain_text("policy")
    expect(watched.page.locator("#table tbody tr").first).to_be_visible()


def test_table_sorts_and_pages_on_the_server(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "customer_rating")
    head = page.get_by_role("columnheader", name="Выручка")
    head.get_by_role("link").click()
    page.wait_for_url("**sort=-revenue**")
    expect(head).to_have_attribute("aria-sort", "descending")
    column = _column(page, "Выручка")
    assert column == sorted(column, reverse=True)
    head.get_by_role("link").click()
    page.wait_for_url("**sort=revenue**")
    expect(head).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("link", name="Дальше").click()
    page.wait_for_url("**offset=50**")
    assert "sort=revenue" in page.url
    expect(page.locator(".pager > span")).to_contain_text("51–")
    assert _column(page, "Выручка")[0] >= column[-1] or column


def _column(page: Page, title: str) -> list[int]:
    heads = [text.strip() for text in page.locator("#table thead th").all_inner_texts()]
    place = heads.index(title) + 1
    return [whole_number(text) for text in page.locator(f"#table tbody td:nth-child({place})").all_inner_texts()]


def _downloaded(page: Page, name: str, folder: Path) -> Path:
    page.get_by_text("Скачать", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("link", name=name, exact=True).click()
    download = started.value
    target = folder / download.suggested_filename
    download.save_as(target)
    page.keyboard.press("Escape")
    return target


def test_answer_is_taken_away_with_its_types(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page()
    report(page, "customer_rating")
    told = whole_number(page.locator("#table header .muted").inner_text())
    book = CalamineWorkbook.from_path(str(_downloaded(page, "Excel", tmp_path)))
    sheet: list[list[Any]] = book.get_sheet_by_index(0).to_python()
    assert len(sheet) == told + 1
    revenue = sheet[0].index("Выручка")
    assert all(isinstance(row[revenue], float | int) for row in sheet[1:])
    assert "Паспорт" in book.sheet_names
    table = pq.read_table(_downloaded(page, "Parquet", tmp_path))
    assert table.num_rows == told
    assert str(table.schema.field("revenue").type).startswith("decimal")
    csv = _downloaded(page, "CSV", tmp_path).read_text(encoding="utf-8")
    assert len(csv.splitlines()) == told + 1


def test_passport_tells_what_stands_behind(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "funnel", "?policy=strict")
    page.locator("#passport > summary").click()
    facts = page.locator("#passport .facts")
    expect(facts).to_contain_text("Что это за число")
    expect(facts).to_contain_text("Свежесть данных")
    assert re.search(r"Сделки.*: [\d\s]+ строк", facts.inner_text())
    facts.locator("summary").click()
    expect(facts.locator("pre.sql")).to_contain_text(re.compile("select", re.IGNORECASE))


def test_language_and_theme_are_kept(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "funnel")
    page.get_by_role("button", name="Switch to English").click()
    expect(page.locator("h1")).to_have_text("Sales funnel")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    axis = "document.querySelector('e-chart').shadowRoot.querySelector('svg text').getAttribute('fill')"
    page.wait_for_selector("e-chart[data-ready]")
    ink = page.evaluate(axis)
    page.get_by_role("button", name="Light or dark theme").click()
    page.wait_for_selector("e-chart[data-ready]")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != light
    assert page.evaluate(axis) != ink, "the chart kept the other theme's colours"
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert "₽1" in page.locator("#table").inner_text() or "₽" in page.locator("#table").inner_text()


def test_keys_are_shown_once_and_closed(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/account/")
    page.fill("form[action$=tokens] input[name=name]", "ночной отчёт")
    page.get_by_role("button", name="Создать ключ").click()
    key = page.locator("#new-key").inner_text()
    answer = page.request.get("/api/v1/analyses", headers={"Authorization": f"Bearer {key}", "Cookie": ""})
    assert answer.ok
    page.goto("/account/")
    expect(page.locator("main")).not_to_contain_text(key)
    expect(page.locator("main")).to_contain_text("ночной отчёт")
    page.get_by_role("row").filter(has_text="ночной отчёт").get_by_role("button", name="Закрыть").click()
    expect(page.get_by_role("status")).to_contain_text("Ключ закрыт")
    refused = page.request.get("/api/v1/analyses", headers={"Authorization": f"Bearer {key}", "Cookie": ""})
    assert refused.status in (401, 403)


UNKNOWN = """Абон;Дт;Начислено итого;Кто вёл;Прим.
ООО Ромашка;01.03.2026;1 000,50;Иванов;звонил
ООО Василёк;02.03.2026;2 500,00;Петров;
ООО Ромашка;31.02.2026;700,00;Иванов;не бывает такого дня
ООО Лютик;04.03.2026;много;Петров;это не число
"""


def test_unknown_file_is_mapped_loaded_and_its_bad_rows_explained(newcomer: Visitor, tmp_path: Path) -> None:
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    file = tmp_path / "начисления.csv"
    file.write_text(UNKNOWN, encoding="utf-8")
    page.goto("/data/")
    page.set_input_files("input[type=file]", file)
    expect(page.locator("#chosen")).to_contain_text("начисления.csv")
    page.click("#send")
    page.get_by_role("link", name="Сопоставить столбцы").click()
    expect(page.locator("table.mapping tbody tr")).to_have_count(5)
    expect(page.locator("table.mapping")).to_contain_text("ООО Ромашка")
    for column, target in {
        "Абон": "orders.customer_id",
        "Дт": "orders.ordered_at",
        "Начислено итого": "orders.amount",
        "Кто вёл": "orders.manager_id",
    }.items():
        page.get_by_label(column, exact=True).select_option(target)
    page.get_by_role("button", name="Сохранить и загрузить").click()
    expect(page.locator("#status")).to_have_text("Готово", timeout=60_000)
    orders = page.locator("#tables tbody tr", has_text="Заказы")
    expect(orders.locator("td").nth(1)).to_have_text("4")
    expect(orders.locator("td").nth(6)).to_have_text("2")
    expect(page.locator("#tables tbody tr", has_text="Клиенты").locator("td").nth(1)).to_have_text("3")
    orders.get_by_role("link", name="2").click()
    rows = page.locator("table.data tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator("table.data")).to_contain_text("31.02.2026")
    expect(page.locator("table.data")).to_contain_text("Это не число")
    expect(rows.filter(has_text="много").locator("td").nth(1)).to_have_text("5")
    with page.expect_download() as started:
        page.get_by_role("link", name="Скачать CSV").click()
    assert "31.02.2026" in Path(started.value.path()).read_text(encoding="utf-8-sig")
    page.goto("/")
    expect(page.locator(".board-tile a.big").first).to_be_visible()
    # The next file of this shape asks nothing.
    again = tmp_path / "начисления-апрель.csv"
    again.write_text(UNKNOWN.split("\n", 1)[0] + "\nООО Лютик;05.04.2026;300,00;Петров;\n", encoding="utf-8")
    page.goto("/data/")
    page.set_input_files("input[type=file]", again)
    page.click("#send")
    expect(page.locator("#status")).to_have_text("Готово", timeout=60_000)


def test_open_page_follows_the_data(newcomer: Visitor, tmp_path: Path) -> None:
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    orders = "order_id,ordered_at,paid_at,customer_id,amount\n"
    _loaded(page, tmp_path / "orders.csv", orders + "1,2026-03-01,2026-03-01,c1,1000\n")
    page.goto("/")
    revenue = page.locator("#tile-revenue .big")
    expect(revenue).to_contain_text("1 тыс.")
    other = page.context.new_page()
    _loaded(other, tmp_path / "orders_2.csv", orders + "2,2026-03-02,2026-03-02,c2,500\n")
    page.bring_to_front()
    expect(revenue).to_contain_text("1,5 тыс.", timeout=15_000)


def _loaded(page: Page, file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    page.goto("/data/")
    page.set_input_files("input[type=file]", file)
    page.click("#send")
    expect(page.locator("#status")).to_have_text("Готово", timeout=60_000)


def test_mapping_without_what_a_table_requires_is_refused(newcomer: Visitor, tmp_path: Path) -> None:
    watched = newcomer.watched()
    watched.expect("422")
    page = watched.page
    enter(page, *newcomer.site.served.first_login)
    file = tmp_path / "начисления.csv"
    file.write_text(UNKNOWN, encoding="utf-8")
    page.goto("/data/")
    page.set_input_files("input[type=file]", file)
    page.click("#send")
    page.get_by_role("link", name="Сопоставить столбцы").click()
    page.get_by_label("Начислено итого", exact=True).select_option("orders.amount")
    page.get_by_label("Дт", exact=True).select_option("custom")
    page.get_by_role("button", name="Сохранить и загрузить").click()
    expect(page.get_by_role("alert")).to_contain_text("не хватает обязательного")


def test_template_of_a_table_is_a_workbook(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page()
    page.goto("/data/")
    with page.expect_download() as started:
        page.get_by_role("link", name="Сделки, Excel").click()
    target = tmp_path / started.value.suggested_filename
    started.value.save_as(target)
    assert CalamineWorkbook.from_path(str(target)).get_sheet_by_index(0).to_python()[0][0] == "deal_id"


def test_logout_ends_the_session(newcomer: Visitor) -> None:
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    page.goto("/account/")
    page.get_by_role("button", name="Выйти").click()
    page.wait_for_url("**/login**")
    page.goto("/")
    assert "/login" in page.url
    page.fill("#id_username", "owner")
    page.fill("#id_password", PASSWORD)
    page.click("main button.primary")
    expect(page.locator("nav.nav").first).to_be_attached()


JOBS = """№ дела;Заведено;Клиент;Стадия;Товар;Сумма
1;03.04.2026;Ромашка;Новое;GTXPro;1 000,50
2;04.04.2026;Лютик;Подписали;GTX Pro;2 000,00
3;05.04.2026;Мак;подписали;MG;500
4;06.04.2026;Василёк;Слилось;GTX Pro;700
5;06.04.2026;Василёк;Новое;MG;договорная
"""
MANY_CLIENTS = "".join(f"{number};07.04.2026;Клиент {number};Новое;MG;100\n" for number in range(6, 46))
JOB_COLUMNS = {
    "№ дела": "deals.deal_id",
    "Заведено": "deals.created_at",
    "Клиент": "deals.customer_id",
    "Товар": "deals.product_id",
    "Сумма": "deals.amount",
    "Стадия": "deals.stage_id",
}


def read_rows(page: Page) -> dict[str, tuple[str, str]]:
    """Read and new rows of each table on the page of a finished load."""
    expect(page.locator("#status")).to_have_text("Готово", timeout=120_000)
    cells = (row.split("\t") for row in page.locator("#tables tbody tr").all_inner_texts())
    return {title: (read, new) for title, read, new, *_ in cells}


def test_a_mapping_is_said_in_words_and_corrected_afterwards(newcomer: Visitor, tmp_path: Path) -> None:
    page = newcomer.page()
    enter(page, *newcomer.site.served.first_login)
    file = tmp_path / "дела.csv"
    file.write_bytes((JOBS + MANY_CLIENTS).encode("cp1251"))
    page.goto("/data/")
    page.set_input_files("input[type=file]", file)
    page.click("#send")
    page.get_by_role("link", name="Сопоставить столбцы").click()
    for column, target in JOB_COLUMNS.items():
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.get_by_label(column, exact=True).select_option(target)
        expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.locator(".crowded")).to_have_text("Разных слов больше 40: замены впишите в YAML ниже")
    page.get_by_label("Слилось: исход").select_option("lost")
    for word in ("Подписали", "подписали"):
        page.get_by_label(f"{word}: название", exact=True).fill("Договор")
        page.get_by_label(f"{word}: исход", exact=True).select_option("won")
    page.locator("tr", has_text="GTXPro").get_by_text("Заменить слова").first.click()
    page.get_by_label("GTXPro", exact=True).fill("GTX Pro")
    expect(page.locator("#summary")).to_contain_text("Товар ← Товар")
    assert serious(page) == []
    page.get_by_role("button", name="Сохранить и загрузить").click()
    read = read_rows(page)
    assert (read["Сделки"], read["Этапы"][0], read["Товары"][1]) == (("45", "44"), "3", "2")
    assert serious(page) == []

    page.get_by_role("link", name="Исправить сопоставление").click()
    expect(page.get_by_label("Слилось: исход")).to_have_value("lost")
    expect(page.get_by_label("подписали: название", exact=True)).to_have_value("Договор")
    expect(page.get_by_label("GTXPro", exact=True)).to_have_value("GTX Pro")
    page.get_by_label("GTXPro", exact=True).fill("")
    page.get_by_role("button", name="Сохранить и пересчитать").click()
    assert read_rows(page)["Товары"][1] == "3"

    page.goto("/data/quarantine/")
    expect(page.locator("tbody tr")).to_contain_text("договорная")
    assert serious(page) == []
    with closing(sqlite3.connect(tmp_path / "fresh-home" / "state.sqlite")) as state:
        told = state.execute("select who, detail from state_auditevent where deed = 'mapping' order by id").fetchall()
    assert [(who, json.loads(detail).get("corrected", False)) for who, detail in told] == [
        ("owner", False),
        ("owner", True),
    ]

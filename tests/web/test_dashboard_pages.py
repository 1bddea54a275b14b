"""Does a dashboard answer at a glance, follow a click and the data, and let itself be arranged by anybody's hands?"""

import json
import re
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import PATIENCE, Site, Visitor, enter, serious, settled
from playwright.sync_api import Browser, Locator, Page, expect

from processes import Machine, write_table

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _patience() -> Generator[None]:
    expect.set_options(timeout=PATIENCE)
    yield
    expect.set_options(timeout=5_000)


def opened(page: Page, path: str) -> None:
    """The dashboard with every tile filled and drawn."""
    page.goto(path)
    settled(page)


def number(page: Page, tile: str) -> str:
    return page.locator(f"#tile-{tile} .big").inner_text()


def place(tile: Locator) -> tuple[int, ...]:
    return tuple(int(tile.get_attribute(f"data-{name}") or -1) for name in "xywh")


def click_a_mark(page: Page, tile: str) -> None:
    """Clicks where the chart itself says its first mark is."""
    chart = page.locator(f"#tile-{tile} e-chart")
    chart.scroll_into_view_if_needed()
    point = chart.evaluate(
        """(element) => {
            const canvas = element.shadowRoot.querySelector('.canvas');
            const drawn = globalThis.echarts.getInstanceByDom(canvas);
            const series = drawn.getOption().series.findIndex((one) => one.data.some((item) => item && item.cell));
            const index = drawn.getOption().series[series].data.findIndex((item) => item && item.cell);
            const item = drawn.getOption().series[series].data[index];
            const flat = Array.isArray(item.value) ? item.value : [item.value * 0.5, index];
            const [x, y] = drawn.convertToPixel({seriesIndex: series}, flat);
            const box = canvas.getBoundingClientRect();
            return [box.left + x, box.top + y];
        }"""
    )
    page.mouse.click(*point)


# -- looking -------------------------------------------------------------------------------------------


def test_home_is_the_dashboard_of_ones_role_and_a_number_leads_to_one_deal(visitor: Visitor) -> None:
    page = visitor.page()
    opened(page, "/")
    expect(page.locator("h1")).to_have_text("Обзор компании")
    won = page.locator("#tile-won")
    assert re.search(r"План \d+", won.locator(".plan").inner_text())
    told = int(re.sub(r"\D", "", number(page, "won")))
    won.locator("a.big").click()
    panel = page.locator("#panel")
    expect(panel).to_be_visible()
    assert int(re.sub(r"\D", "", panel.locator(".panel-tools > span").inner_text())) == told
    panel.locator("tbody tr").first.locator("a.name").click()
    page.wait_for_url("**/deals/**")
    page.go_back()
    page.wait_for_url("**/members/**")
    settled(page)
    page.evaluate("history.back()")
    page.wait_for_url(re.compile(r"[0-9]/$"))
    settled(page)
    assert int(re.sub(r"\D", "", number(page, "won"))) == told


def test_a_click_on_a_bar_filters_every_tile_and_back_undoes_it(visitor: Visitor) -> None:
    page = visitor.page()
    opened(page, "/dashboards/marketing/")
    before = number(page, "created")
    click_a_mark(page, "channels")
    menu = page.get_by_role("menu")
    menu.get_by_role("menuitem", name=re.compile("Отобрать: Канал")).click()
    page.wait_for_url(re.compile(r"\?f\.channel="))
    expect(page.locator("#tile-created .big")).not_to_have_text(before)
    settled(page)
    narrowed = number(page, "created")
    chip = page.locator(".chosen li", has_text="Канал")
    expect(chip).to_be_visible()
    expect(page.locator("#tile-rfm .unfit")).to_contain_text("канал")
    page.reload()
    settled(page)
    assert number(page, "created") == narrowed
    chip.get_by_role("link", name="Снять отбор").click()
    page.wait_for_url(re.compile(r"/dashboards/marketing/$"))
    expect(page.locator("#tile-created .big")).to_have_text(before)
    page.go_back()
    page.wait_for_url(re.compile(r"\?f\.channel="))
    expect(page.locator("#tile-created .big")).to_have_text(narrowed)


def test_a_mark_also_opens_its_rows(visitor: Visitor) -> None:
    page = visitor.page()
    opened(page, "/dashboards/sales/")
    click_a_mark(page, "losses")
    page.get_by_role("menuitem", name="Показать записи").click()
    expect(page.locator("#panel tbody tr").first).to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile(r"/dashboards/sales/$"))


def test_a_filter_of_the_bar_stands_in_the_address(visitor: Visitor) -> None:
    page = visitor.page()
    opened(page, "/dashboards/sales/")
    before = number(page, "created")
    page.locator("#pill-period summary").click()
    page.get_by_label("12 месяцев").check(force=True)
    page.wait_for_url("**/?period=last_365_days")
    expect(page.locator("#tile-created .big")).not_to_have_text(before)
    summary = page.locator("details.pill", has_text="Менеджер").first
    summary.locator("summary").click()
    boxes = summary.locator("label.choice")
    boxes.nth(0).click()
    page.wait_for_url("**f.manager=*")
    settled(page)
    one = number(page, "created")
    boxes.nth(1).click()
    page.wait_for_url(re.compile(r"f\.manager=.*f\.manager="))
    expect(page.locator("#tile-created .big")).not_to_have_text(one)
    page.get_by_role("link", name="Сбросить").click()
    expect(page.locator("#tile-created .big")).to_have_text(before)
    expect(summary.locator("input:checked")).to_have_count(0)


@pytest.mark.parametrize("path", ["/dashboards/owner/", "/dashboards/sales/", "/dashboards/marketing/"])
@pytest.mark.parametrize(("theme", "language"), [("light", "ru"), ("dark", "en")])
def test_ready_dashboards_are_open_to_all(visitor: Visitor, path: str, theme: str, language: str) -> None:
    page = visitor.page(theme=theme, language=language)
    opened(page, path)
    assert serious(page) == []
    # What shows the scores of a model that has not learned yet says so; everything else is answered.
    lacking = page.locator(".tile-state")
    assert lacking.count() <= int(path in {"/dashboards/sales/", "/dashboards/marketing/"})
    assert all(re.search("модели|model", text) for text in lacking.all_inner_texts())
    if language == "en":
        chrome = page.locator(".board-head, .board-tile > header, .filters .name, .tile-body thead").all_inner_texts()
        assert [text for text in chrome if re.search("[а-я]", text.casefold())] == []


def test_phone_stacks_the_tiles(visitor: Visitor) -> None:
    page = visitor.page(width=390, height=844, has_touch=True)
    opened(page, "/dashboards/sales/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [tile.bounding_box() for tile in page.locator(".board-tile.answer").all()]
    assert all(box and box["width"] > 320 for box in boxes)


def test_a_wall_shows_one_dashboard_after_another_without_a_menu(visitor: Visitor) -> None:
    page = visitor.page(width=1920, height=1080)
    opened(page, "/dashboards/tv/?show=owner&show=sales&every=5")
    expect(page.locator("h1")).to_have_text("Обзор компании")
    expect(page.locator("aside")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollHeight") <= 1080
    spilling = page.evaluate(
        "() => [...document.querySelectorAll('.number-tile')].filter((one) => one.scrollHeight > one.clientHeight + 2).length"
    )
    assert spilling == 0
    page.wait_for_url("**at=1**")
    expect(page.locator("h1")).to_have_text("Продажи")


# -- making one's own ----------------------------------------------------------------------------------


def csrf(page: Page) -> str:
    return next(cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken")


def made(page: Page, title: str, content: dict[str, str]) -> str:
    """A dashboard of one tile, made without hands; its address."""
    page.goto("/dashboards/")
    headers = {"X-CSRFToken": csrf(page), "Referer": page.url}
    answer = page.request.post(f"{page.url}new", form={"title": title}, headers=headers)
    address = answer.url.removesuffix("edit/")
    kept = [{"id": "one", "place": {"x": 0, "y": 0, "w": 4, "h": 2}, "content": content}]
    page.request.post(f"{address}save", form={"title": title, "tiles": json.dumps(kept)}, headers=headers)
    return address


@pytest.fixture
def colleague(chromium: Browser, demo: Site, visitor: Visitor) -> Generator[Visitor]:
    """A manager who sees their own rows only."""
    page = visitor.page()
    opened(page, "/dashboards/sales/")
    href = page.locator("#tile-managers tbody a.name").first.get_attribute("href") or ""
    employee = parse_qs(urlsplit(href).query)["cell.manager_id"][0]
    made = Machine(demo.home).run(
        "user", "create", "tile-reader", "--role", "manager", "--scope", "own", "--employee", employee
    )
    other = Site(demo.served, home=demo.home)
    context = chromium.new_context(base_url=demo.url)
    enter(context.new_page(), "tile-reader", made.partition("password ")[2].split()[0])
    other.cookies = context.storage_state()
    context.close()
    visitor = Visitor(chromium, other)
    yield visitor
    visitor.close()


def test_own_dashboard_is_made_and_arranged_by_keyboard(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/dashboards/")
    page.locator("summary", has_text="Новый дашборд").click()
    page.fill(".new-board input[name=title]", "Утро")
    page.get_by_role("button", name="Создать").click()
    page.wait_for_url("**/edit/")

    def add(name: str) -> None:
        page.get_by_role("button", name="Добавить плитку").click()
        page.get_by_role("dialog").get_by_role("button", name=re.compile(f"^{name}")).first.click()

    add("Выручка")
    add("Созданные сделки")
    add("Воронка")
    tiles = page.locator(".board-tile")
    expect(tiles).to_have_count(3)
    settled(page)
    funnel = tiles.nth(2)
    assert place(funnel) == (0, 2, 6, 5)
    funnel.locator(".handle.size").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert place(funnel) == (0, 2, 8, 6)
    expect(page.locator("#arranged")).to_contain_text("8 × 6")
    funnel.locator(".handle.move").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert place(funnel)[1] == 0, "the funnel did not take the first row"
    assert place(tiles.nth(0))[1] == 6, "the number did not make room"
    assert serious(page) == []
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(re.compile(r"/dashboards/[0-9a-f]{32}/$"))
    settled(page)
    assert place(page.locator(".board-tile").nth(0)) == (0, 0, 8, 6)

    # Cancelled, nothing of what was done stays.
    page.get_by_role("link", name="Изменить").click()
    page.locator(".board-tile .remove").first.click()
    page.get_by_role("link", name="Отменить").click()
    expect(page.locator(".board-tile")).to_have_count(3)


def test_sharing_opens_the_question_with_ones_own_rows(visitor: Visitor, colleague: Visitor) -> None:
    page = visitor.page()
    address = made(page, "Общий", {"kind": "number", "metric": "revenue"})
    opened(page, address)
    revenue = page.locator(".board-tile", has_text="Выручка").locator(".big")
    whole = revenue.get_attribute("title")
    reading = colleague.watched()
    reading.expect("404")
    reading.page.goto(address)
    expect(reading.page.get_by_role("alert")).to_be_visible()
    page.locator("#pill-deeds summary").click()
    page.locator("select[name=audience]").select_option("link")
    page.locator(".audience button").click()
    page.wait_for_url(address)
    other = colleague.page()
    opened(other, address)
    own = other.locator(".board-tile", has_text="Выручка").locator(".big")
    assert own.get_attribute("title") != whole
    expect(other.get_by_role("link", name="Изменить")).to_have_count(0)
    refused = other.request.post(
        f"{address}save", form={"tiles": "[]"}, headers={"X-CSRFToken": csrf(other), "Referer": address}
    )
    assert refused.status == 403
    page.request.post(f"{address}delete", headers={"X-CSRFToken": csrf(page), "Referer": address})


def test_a_dashboard_becomes_the_first_page_until_it_is_gone(visitor: Visitor) -> None:
    page = visitor.page()
    address = made(page, "Утро", {"kind": "words", "heading": "Начало"})
    page.goto(address)
    page.locator("#pill-deeds summary").click()
    page.get_by_role("button", name="Сделать главной").click()
    page.wait_for_url(address)
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Утро")
    page.request.post(f"{address}delete", headers={"X-CSRFToken": csrf(page), "Referer": address})
    page.goto("/")
    expect(page.locator("h1")).to_have_text("Обзор компании")


def test_a_saved_report_becomes_a_tile_and_a_pointer_drags_it(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/")
    asked = {"kind": "pivot", "metrics": ["revenue"], "rows": ["category"]}
    page.goto(f"/dashboards/add/?asked={json.dumps(asked)}")
    page.fill("input[name=new]", "Из вопроса")
    page.get_by_role("button", name="Добавить").click()
    page.wait_for_url(re.compile(r"/dashboards/[0-9a-f]{32}/$"))
    settled(page)
    address = page.url
    page.goto(f"{address}edit/")
    settled(page)
    tile = page.locator(".board-tile").first
    box = tile.locator(".handle.move").bounding_box()
    assert box
    page.mouse.move(box["x"] + 6, box["y"] + 6)
    page.mouse.down()
    page.mouse.move(box["x"] + 330, box["y"] + 10, steps=4)
    page.mouse.up()
    assert place(tile)[0] > 1
    moved = place(tile)
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(address)
    assert place(page.locator(".board-tile").first) == moved
    page.request.post(f"{address}delete", headers={"X-CSRFToken": csrf(page), "Referer": address})


# -- following the data --------------------------------------------------------------------------------


def test_tiles_follow_a_load_and_leave_the_hands_alone(newcomer: Visitor, tmp_path: Path) -> None:
    machine = Machine(newcomer.site.home)
    row = {"ordered_at": "2026-03-01", "paid_at": "2026-03-01", "customer_id": "c1"}
    machine.run("load", str(write_table(tmp_path, "orders", [{"order_id": 1, "amount": 1000, **row}])))
    page = newcomer.page(height=500)
    enter(page, *newcomer.site.served.first_login)
    page.goto("/")
    revenue = page.locator("#tile-revenue .big")
    expect(revenue).to_contain_text("1 тыс.")
    lacking = page.locator("#tile-won .lacking")
    expect(lacking).to_contain_text("сделки")
    settled(page)
    page.locator("#pill-period summary").click()
    day = page.locator("#pill-period input[name=from_day]")
    day.focus()
    page.keyboard.type("05")
    page.evaluate("scrollTo(0, 300)")
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0
    loaded = tmp_path / "later"
    machine.run("load", str(write_table(loaded, "orders", [{"order_id": 2, "amount": 500, **row}])))
    expect(revenue).to_contain_text("1,5 тыс.", timeout=PATIENCE)
    assert page.evaluate("scrollY") == scrolled
    expect(day).to_be_focused()
    expect(page.locator("#pill-period")).to_have_attribute("open", "")
    page.keyboard.type("032026")  # the browser of the tests writes the month first
    expect(day).to_have_value("2026-05-03")

"""Do the rows behind a number open beside the report, and is the way back short for hands, keys and screen readers?"""

import re
from pathlib import Path

import pytest
from browsing import Visitor, report, serious
from playwright.sync_api import Locator, Page, expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser


def whole_number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def opened(page: Page, *, row: int = 2) -> Locator:
    """The panel, opened by the count in a row of the funnel."""
    report(page, "funnel")
    page.locator("#table tbody tr").nth(row).locator("a.cell").first.click()
    panel = page.locator("#panel")
    expect(panel).to_have_attribute("open", "")
    return panel


def test_number_opens_the_rows_behind_it_beside_the_report(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "funnel")
    row = page.locator("#table tbody tr").nth(2)
    count = row.locator("a.cell").first
    told = whole_number(count.inner_text())
    stage = row.locator("a.name").inner_text()
    count.focus()
    page.keyboard.press("Enter")
    panel = page.get_by_role("dialog", name=re.compile(re.escape(stage)))
    expect(panel).to_be_visible()
    page.wait_for_url("**/reports/funnel/members/**")
    assert whole_number(panel.locator(".panel-tools > span").inner_text()) == told
    expect(panel.locator("tbody tr")).to_have_count(min(told, 50))
    expect(page.locator("#table")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || document.getElementById('panel').contains(document.activeElement)"
        ), "the focus left the open panel"
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.wait_for_url(re.compile(r"/reports/funnel/$"))
    expect(count).to_be_focused()


def test_back_and_the_button_close_the_panel_and_forward_opens_it(visitor: Visitor) -> None:
    page = visitor.page()
    panel = opened(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.go_back()
    expect(panel).to_be_hidden()
    assert page.url.endswith("/reports/funnel/")
    page.wait_for_timeout(400)
    assert [url for url in asked if "/static/" not in url] == [], "the page under the panel was fetched anew"
    page.go_forward()
    expect(panel).to_be_visible()
    expect(panel.locator("tbody tr").first).to_be_visible()
    panel.get_by_role("button", name="Закрыть").click()
    expect(panel).to_be_hidden()
    page.wait_for_url(re.compile(r"/reports/funnel/$"))
    page.locator("label.pill", has_text="Воронка").locator("select").select_option(index=1)
    page.wait_for_url("**/?pipeline=*")
    page.go_back()
    page.wait_for_url(re.compile(r"/reports/funnel/$"))
    expect(page.locator("label.pill", has_text="Воронка").locator("select")).to_have_value("")


def test_panel_turns_pages_and_gives_files(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page()
    panel = opened(page, row=0)
    told = whole_number(panel.locator(".panel-tools > span").inner_text())
    assert told > 50
    panel.get_by_role("link", name="Дальше").click()
    expect(panel.locator(".pager > span")).to_contain_text("51–")
    page.wait_for_url("**offset=50**")
    panel.get_by_text("Скачать", exact=True).click()
    with page.expect_download() as started:
        panel.get_by_role("link", name="Excel", exact=True).click()
    target = tmp_path / "rows.xlsx"
    started.value.save_as(target)
    assert len(CalamineWorkbook.from_path(str(target)).get_sheet_by_index(0).to_python()) == told + 1
    page.go_back()
    expect(panel).to_be_hidden()
    assert page.url.endswith("/reports/funnel/"), "the pages of the panel stand in the way back"


def test_mark_of_a_chart_opens_the_panel(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "customer_rating")
    bars = page.evaluate(
        """() => [...document.querySelector('e-chart').shadowRoot.querySelectorAll('path')]
            .filter((path) => !['none', 'transparent'].includes(path.getAttribute('fill')))
            .map((path) => path.getBoundingClientRect()).filter(({width, height}) => width > 40 && height > 8)
            .map(({x, y, width, height}) => ({x, y, width, height}))"""
    )
    assert bars, "no mark of the chart can be clicked"
    page.mouse.click(bars[0]["x"] + 20, bars[0]["y"] + bars[0]["height"] / 2)
    page.wait_for_url("**/members/**cell.**")
    expect(page.locator("#panel tbody tr").first).to_be_visible()


def test_address_of_the_panel_is_a_page_of_its_own(visitor: Visitor) -> None:
    page = visitor.page()
    panel = opened(page)
    told = whole_number(panel.locator(".panel-tools > span").inner_text())
    panel.get_by_role("link", name="Открыть страницей").click()
    expect(page.locator("main #members")).to_be_visible()
    assert whole_number(page.locator("#members h2").inner_text()) == told
    page.locator(".crumbs a").click()
    page.wait_for_url(re.compile(r"/reports/funnel/$"))


def test_without_javascript_the_number_is_a_plain_link(visitor: Visitor) -> None:
    page = visitor.page(java_script_enabled=False)
    page.goto("/reports/funnel/")
    page.locator("#table tbody a.cell").first.click()
    expect(page.locator("main #members tbody tr").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panel_is_open_to_all_and_covers_a_phone(visitor: Visitor, theme: str) -> None:
    page = visitor.page(theme=theme, width=390, height=844, has_touch=True)
    panel = opened(page)
    page.wait_for_timeout(250)
    box = panel.bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []

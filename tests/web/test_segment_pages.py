"""From a cell of a report to a segment, its customers in a file, and the segment on a customer's card."""

import re
from pathlib import Path

import pytest
from browsing import Visitor, serious
from playwright.sync_api import expect
from python_calamine import CalamineWorkbook

pytestmark = pytest.mark.browser

SLOWLY = 60_000
"""Milliseconds a count may take on a busy machine."""
SAVED = re.compile(r"/segments/[0-9a-f]{32}/$")


def test_a_cell_becomes_a_segment_a_file_and_a_line_on_the_card(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page()
    page.goto("/reports/rfm/members/?cell.segment=champions")
    told = int(re.sub(r"\D", "", page.locator("#members h2").inner_text()))
    page.get_by_text("В сегмент", exact=True).click()
    name = page.locator("#segment-title")
    expect(name).to_have_value("RFM-сегменты: Лучшие")
    name.fill("Беречь")
    page.locator("input[name=is_living]").uncheck()
    page.get_by_role("button", name="Сохранить").click()
    page.wait_for_url(SAVED)
    expect(page.locator("#size .big")).to_have_text(str(told))
    assert not serious(page)
    page.get_by_text("Скачать", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel", exact=True).click()
    download.value.save_as(tmp_path / "segment.xlsx")
    rows = CalamineWorkbook.from_path(tmp_path / "segment.xlsx").get_sheet_by_index(0).to_python()
    assert len(rows) == told + 1
    page.locator("#members tbody a").first.click()
    expect(page.locator("#groups a")).to_have_text("Беречь")
    page.locator("#groups a").click()
    page.wait_for_url(SAVED)
    segment = page.url.rstrip("/").rpartition("/")[2]
    # A dashboard of the segment's customers: their numbers, and no plan of the whole company beside them.
    page.goto("/dashboards/owner/")
    expect(page.locator(".number-tile .plan").first).to_be_visible()
    whole = page.locator(".number-tile .big").first.inner_text()
    page.goto(f"/dashboards/owner/?customer_segment={segment}")
    expect(page.locator(".pill", has_text="Клиенты сегмента").first).to_contain_text("Беречь")
    expect(page.locator(".number-tile .big").first).to_be_visible()
    expect(page.locator(".number-tile .big").first).not_to_have_text(whole)
    expect(page.locator(".number-tile .plan")).to_have_count(0)
    page.goto(f"/reports/funnel/?customer_segment={segment}")
    page.locator(".passport > summary").click()
    expect(page.locator(".passport")).to_contain_text("Клиенты сегмента: Беречь")


def test_conditions_tell_how_many_fit_before_they_are_kept(visitor: Visitor) -> None:
    page = visitor.page(language="en", theme="dark", width=390, height=844)
    page.goto("/segments/new/")
    page.fill("[name=low-0]", "90")
    page.locator("[name=low-0]").press("Tab")
    expect(page.locator("#found")).to_contain_text("customers fit", timeout=SLOWLY)
    few = int(re.sub(r"\D", "", page.locator("#found").inner_text()))
    page.get_by_role("button", name="Another condition").click()
    page.select_option("[name=field-1]", "kind")
    page.locator("[name=values-1][value=company]").check()
    expect(page.locator("#found")).to_contain_text("customers fit", timeout=SLOWLY)
    expect(page.locator("#found")).not_to_contain_text(f"{few}\N{NO-BREAK SPACE}", timeout=SLOWLY)
    fewer = int(re.sub(r"\D", "", page.locator("#found").inner_text()))
    assert 0 < fewer < few
    assert not serious(page)
    page.fill("#title", "Silent companies")
    page.locator("input[name=is_living]").uncheck()
    page.get_by_role("button", name="Save the segment").click()
    page.wait_for_url(SAVED)
    expect(page.locator("#size .big")).to_have_text(str(fewer))
    page.get_by_role("link", name="Rule", exact=True).click()
    expect(page.locator("[name=low-0]")).to_have_value("90")
    expect(page.locator("[name=values-1][value=company]")).to_be_checked()
    page.get_by_role("button", name="Remove the condition").click()
    page.get_by_role("button", name="Save the segment").click()
    page.wait_for_url(SAVED)
    assert int(re.sub(r"\D", "", page.locator("#size .big").inner_text())) == few
    page.get_by_role("link", name="One like it").click()
    expect(page.locator("#title")).to_have_value("Silent companies")
    expect(page.locator("[name=low-0]")).to_have_value("90")
    page.goto("/segments/")
    expect(page.get_by_role("link", name="Silent companies")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the phone"

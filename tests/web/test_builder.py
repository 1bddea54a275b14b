"""Can a person build a report, keep it, share it, and does another see it over other rows?"""

import re

import pytest
from browsing import Visitor, enter
from playwright.sync_api import Page, expect

from processes import Machine
from rakurs.app.addresses import address_of, pivot_at
from rakurs.app.asked import PivotAsked

pytestmark = pytest.mark.browser

PIECES = [
    {"metrics": ["revenue", "На сделку = revenue / deals_won"], "rows": ["month"], "columns": ["region"]},
    {"metrics": ["sales"], "rows": ["manager"], "top": {"count": 3, "metric": "sales", "is_bottom": True}},
    {"metrics": ["sales"], "where": [{"field": "custom.Цвет: ~1", "operator": "in", "values": ["a:b", "~0", None]}]},
    {"metrics": ["sales"], "where": [{"field": "amount", "operator": "between", "high": "5"}], "sort": "-sales"},
    {"metrics": ["sales"], "where": [{"field": "region", "operator": "empty"}], "params": {"compare": "previous"}},
    {"metrics": ["sales"], "rows": ["region"], "chart": "columns",
     "highlights": [{"column": "sales", "style": "above", "threshold": 5.5, "tone": "bad"}]},
]  # fmt: skip


@pytest.mark.parametrize("piece", PIECES, ids=str)
def test_an_address_holds_the_whole_question(piece: dict[str, object]) -> None:
    asked = PivotAsked.model_validate(piece)
    parts = {name: value if isinstance(value, list) else [value] for name, value in address_of(asked).items() if value}
    assert pivot_at(parts) == asked


def pick(page: Page, rail: str, value: str, title: str) -> None:
    page.locator(f"#add-{rail} summary").click()
    page.locator("label.choice", has=page.locator(f"#{rail}-add-{value}")).click()
    page.locator(".token", has_text=title).wait_for()
    page.keyboard.press("Escape")


expect.set_options(timeout=20_000)


def first_number(page: Page) -> int:
    return int(re.sub(r"\D", "", page.locator("table.data tfoot td.number").first.inner_text()))


def test_a_report_is_built_kept_shared_and_seen_by_another_over_other_rows(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/build/")
    pick(page, "m", "deals_created", "Созданные сделки")
    page.locator(".tile .big").wait_for()
    pick(page, "r", "department", "Отдел")
    page.locator("label.pill select[name=compare]").wait_for()
    page.locator("#pill-period summary").click()
    page.get_by_text("12 месяцев", exact=True).click()
    page.wait_for_url("**period=last_365_days**")
    expect(page).to_have_url(re.compile(r"/build/\?m=deals_created&r=department&period=last_365_days$"))
    shown = page.locator("#pill-period .value")
    expect(shown).to_have_text("12 месяцев")
    whole = first_number(page)

    # Reloading, Back and Forward lead to the same question.
    page.reload()
    assert first_number(page) == whole
    page.go_back()
    expect(page).to_have_url(re.compile(r"r=department$"))
    expect(shown).to_have_text("30 дней")
    page.go_forward()
    expect(shown).to_have_text("12 месяцев")
    assert first_number(page) == whole

    page.locator("#save-as summary").click()
    page.fill("#save-as input[name=title]", "Сделки отделов")
    page.locator("#save-as select[name=audience]").select_option("everyone")
    page.locator("#save-as button.primary").click()
    page.wait_for_url("**/my/*/")
    assert first_number(page) == whole
    address = page.url

    # A cell opens the very deals it counts.
    cell = page.locator("table.data tbody tr").first
    counted = re.sub(r"\D", "", cell.locator("td.number a").first.inner_text())
    cell.locator("td.number a").first.click()
    expect(page.locator("#panel .panel-tools span").first).to_have_text(re.compile(rf"^{counted}\s"))

    department = cell.locator("td").first.inner_text()
    rights = ("--role", "head", "--scope", "department", "--department", department)
    assert visitor.site.home
    said = Machine(visitor.site.home).run("user", "create", "head-of-one", *rights)
    password = said.partition("password ")[2].split()[0]
    other = visitor.browser.new_context(base_url=visitor.site.url)
    theirs = other.new_page()
    enter(theirs, "head-of-one", password)
    theirs.goto("/my/")
    theirs.get_by_role("link", name="Сделки отделов").click()
    theirs.wait_for_url(address)
    expect(theirs.locator("table.data tbody tr")).to_have_count(1)
    expect(theirs.locator("table.data tbody")).to_contain_text(counted)
    other.close()

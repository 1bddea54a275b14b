"""Does a person see which records are one customer, judge a pair, and part what does not belong together?"""

from pathlib import Path

import pytest
from browsing import Visitor, enter, serious
from playwright.sync_api import expect

from processes import Machine

pytestmark = pytest.mark.browser

CUSTOMERS = """customer_id,name,kind,phone,email
c1,Иванов Пётр,person,+7 916 123-45-67,
c2,Иванов Петр Сергеевич,person,8 (916) 123-45-67,
c3,Сидорова Анна,person,+7 903 123-45-67,anna@mail.ru
c4,Кузнецова Мария,person,8 903 123 45 67,Anna@mail.ru
"""


def test_a_pair_is_judged_and_a_record_parted(newcomer: Visitor, tmp_path: Path) -> None:
    machine = Machine(newcomer.site.home)
    (tmp_path / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    machine.run("load", str(tmp_path / "customers.csv"))
    watched = newcomer.watched()
    page = watched.page
    enter(page, *newcomer.site.served.first_login)
    page.set_viewport_size({"width": 400, "height": 900})
    page.goto("/data/identities/")
    expect(page.locator(".identity-state dd").first).to_have_text("4")
    expect(page.locator(".identity-state dd").nth(1)).to_have_text("3")
    pair = page.locator(".pair")
    expect(pair).to_have_count(1)
    expect(pair).to_contain_text("Кузнецова Мария")
    expect(pair.locator(".weights li")).to_have_text(["Телефон за", "Почта за", "Имя против"])
    assert not serious(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    pair.get_by_role("button", name="Разные").click()
    expect(page.locator(".card.state")).to_contain_text("Решать нечего")
    # A link to either record leads to the customer.
    page.goto("/customers/c2/")
    page.wait_for_url("**/customers/c1/")
    records = page.locator("#records li")
    expect(records).to_have_count(2)
    expect(records.nth(1)).to_contain_text("Телефон")
    assert not serious(page)
    records.nth(1).get_by_role("button", name="Отделить").click()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#records")).to_have_count(0)
    page.goto("/data/identities/")
    expect(page.locator(".identity-state dd").nth(1)).to_have_text("4")

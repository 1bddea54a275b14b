"""Can a person find a customer, look at a deal, come back; find anything by keyboard; and see nothing of others?"""

import re

import pytest
from browsing import Site, Visitor, enter, serious
from playwright.sync_api import Browser, Page, expect

from processes import Machine

pytestmark = pytest.mark.browser

PALETTE, OPTION = "#palette", "#palette [role=option]"


def opened_palette(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator(PALETTE)).to_be_visible()
    expect(page.locator(OPTION).first).to_be_visible()


def first_customer(page: Page) -> tuple[str, str]:
    """(name, address) of a customer who has deals, by way of the rows behind a number."""
    page.goto("/reports/managers/members/")
    link = page.locator("#members td a[href^='/customers/']").first
    return link.inner_text(), link.get_attribute("href") or ""


def test_search_leads_to_the_customer_to_a_deal_and_back(visitor: Visitor) -> None:
    page = visitor.page()
    name, href = first_customer(page)
    opened_palette(page)
    page.keyboard.type(name)
    option = page.locator(f"{OPTION}[href='{href}']")
    expect(option).to_be_visible()
    option.click()
    page.wait_for_url(f"**{href}")
    expect(page.locator("h1")).to_have_text(name)
    # The first card after a load measures all customers.
    expect(page.locator("#standing table")).to_be_visible(timeout=30_000)
    expect(page.locator("#timeline .moments li").first).to_be_visible(timeout=30_000)
    deal = page.locator("#deals tbody a[href^='/deals/']").first
    title = deal.inner_text()
    deal.click()
    page.wait_for_url("**/deals/**")
    expect(page.locator("h1")).to_contain_text(title.rstrip("…"))
    expect(page.locator("#path .steps li").first).to_be_visible(timeout=30_000)
    page.go_back()
    page.wait_for_url(f"**{href}")
    expect(page.locator("h1")).to_have_text(name)


def test_the_palette_needs_nothing_but_a_keyboard(visitor: Visitor) -> None:
    page = visitor.page(language="en")
    page.goto("/help/")
    opened_palette(page)
    query = page.get_by_role("combobox")
    expect(query).to_be_focused()
    page.keyboard.type("агттуд")
    only = page.locator(OPTION, has_text="Sales funnel")
    expect(only).to_have_attribute("aria-selected", "true")
    expect(query).to_have_attribute("aria-activedescendant", only.get_attribute("id") or "")
    query.fill("")
    expect(page.locator(OPTION)).not_to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator(OPTION).nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator(OPTION).last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator(PALETTE)).to_be_hidden()
    opened_palette(page)
    page.keyboard.type("cohorts")
    page.keyboard.press("Enter")  # at once: what is typed counts, not what was found for half of it
    page.wait_for_url("**/reports/cohorts/")
    page.goto("/help/")
    opened_palette(page)
    expect(page.locator(OPTION).first).to_have_text("Cohorts")


def test_the_palette_works_on_a_phone(visitor: Visitor) -> None:
    page = visitor.page(width=390, height=800)
    page.goto("/help/")
    page.locator(".phone-bar [data-palette-open]").click()
    page.get_by_role("combobox").fill("такого точно нет нигде")
    expect(page.locator(f"{PALETTE} .none")).to_contain_text("Ничего не нашлось")
    page.get_by_role("button", name="Закрыть").click()
    expect(page.locator(PALETTE)).to_be_hidden()


def test_a_note_is_written_and_taken_away(visitor: Visitor) -> None:
    page = visitor.page()
    _, href = first_customer(page)
    page.goto(href)
    page.fill("#note-text", "Звонить после <b>обеда</b>")
    page.get_by_role("button", name="Добавить").click()
    expect(page.locator(".notes li p")).to_have_text("Звонить после <b>обеда</b>")
    page.get_by_role("button", name="Удалить заметку").click()
    expect(page.locator(".notes li")).to_have_count(0)


def test_a_limited_user_cannot_open_a_foreign_card(chromium: Browser, demo: Site, visitor: Visitor) -> None:
    own_page = visitor.page()
    own_page.goto("/reports/managers/members/")
    kinds = ("employees", "customers")
    both = "#members tbody tr" + "".join(f":has(a[href^='/{kind}/'])" for kind in kinds)
    hrefs = (
        own_page.locator(f"{both} a[href^='/{kind}/']").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        for kind in kinds
    )
    cards: dict[str, str] = dict(zip(*hrefs, strict=True))
    (me, mine), *others = cards.items()
    assert others
    employee = me.strip("/").split("/")[-1]
    machine = Machine(demo.home)
    made = machine.run("user", "create", "limited", "--role", "manager", "--scope", "own", "--employee", employee)
    context = chromium.new_context(base_url=demo.url)
    context.add_cookies([{"name": "django_language", "value": "ru", "url": demo.url}])
    page = context.new_page()
    enter(page, "limited", made.partition("password ")[2].split()[0])
    answer = page.goto(mine)
    assert answer
    assert answer.status == 200
    seen = 0
    for colleague, customer in others[:4]:
        refused = page.goto(colleague)
        assert refused
        assert refused.status == 404
        refused = page.goto(customer)
        assert refused
        seen += refused.status == 200  # a customer may be shared
        if refused.status == 404:
            own_page.goto(customer)
            assert own_page.locator("h1").inner_text() not in page.content()
            missing = page.goto("/customers/there-is-none/")
            assert missing
            assert missing.status == 404
            for part in ("?section=value", "?timeline=30"):
                hidden = context.request.get(f"{customer}{part}", headers={"HX-Request": "true"})
                assert hidden.status == 404
            token = next(item["value"] for item in context.cookies() if item["name"] == "csrftoken")
            posted = context.request.post(
                customer, form={"text": "x"}, headers={"X-CSRFToken": token, "Referer": demo.url}
            )
            assert posted.status == 404
    assert seen < len(others)
    context.close()


def test_cards_and_help_can_be_used_by_everyone(visitor: Visitor) -> None:
    page = visitor.page(theme="dark")
    _, href = first_customer(page)
    for address in (href, "/help/", "/help/start/", "/help/metrics/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert not serious(page), address
    page.goto(href)
    opened_palette(page)
    assert not serious(page)


def test_what_is_new_is_marked_until_it_is_read(visitor: Visitor) -> None:
    page = visitor.page()
    page.goto("/help/")
    expect(page.locator("aside .nav .dot")).to_have_count(1)
    page.goto("/help/news/")
    expect(page.locator("main li").first).to_be_visible()
    page.goto("/help/")
    expect(page.locator("aside .nav .dot")).to_have_count(0)


def test_a_question_says_which_data_it_lacks(newcomer: Visitor) -> None:
    page = newcomer.page()
    page.goto("/")
    enter(page, *newcomer.site.served.first_login)
    page.get_by_role("link", name="Что я хочу решить?").click()
    page.wait_for_url("**/help/start/")
    question = page.locator("#cohorts")
    expect(question.locator(".badge")).to_contain_text("не хватает таблиц")
    question.locator("summary").click()
    with page.expect_download() as started:
        question.get_by_role("link", name=re.compile("Шаблон CSV: Заказы")).click()
    assert started.value.suggested_filename.startswith("orders")

"""Does every page stand: chart drawn, nothing spilling over, nobody kept out, in both languages and themes?"""

import pytest
from browsing import Visitor, report, serious
from playwright.sync_api import expect

from effort import some_of
from rakurs.analyses import AREAS

pytestmark = pytest.mark.browser

NAMES = [analysis.name for area in AREAS for analysis in area.analyses if analysis.model is None]
OF_MODELS = [analysis.name for area in AREAS for analysis in area.analyses if analysis.model is not None]


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_drawn_and_open_to_all(visitor: Visitor, name: str) -> None:
    page = visitor.page()
    report(page, name)
    texts = page.evaluate(
        "[...document.querySelector('e-chart').shadowRoot.querySelectorAll('svg text')].map((text) => text.textContent)"
    )
    assert texts, "the chart says nothing"
    assert not [text for text in texts if "NaN" in text or "undefined" in text or text.startswith(("@", "$"))], texts
    expect(page.locator("#table tbody tr").first).to_be_visible()
    row = page.locator(".filters").bounding_box()
    assert row, "no filters"
    assert row["height"] < 60, "the filters break into a second row"
    page.locator("#passport > summary").click()
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    # A chart is drawn anew a moment after its page has changed.
    page.wait_for_function("document.documentElement.scrollWidth <= 390")


@pytest.mark.parametrize("name", some_of(NAMES, 3))
def test_every_report_in_english_and_dark(visitor: Visitor, name: str) -> None:
    page = visitor.page(language="en", theme="dark")
    report(page, name)
    chrome = page.locator(".head, .filters .name, #table thead, #passport > summary").all_inner_texts()
    russian = [text for text in chrome if any("а" <= letter <= "я" for letter in text.casefold())]
    assert russian == [], "Russian words on an English page"
    assert serious(page, "color-contrast") == []


@pytest.mark.parametrize("name", OF_MODELS)
def test_a_report_of_scores_is_drawn_or_says_what_it_lacks(visitor: Visitor, name: str) -> None:
    """Whether the model has learned by now is its own test's doing."""
    page = visitor.page()
    page.goto(f"/reports/{name}/")
    expect(page.locator("e-chart, .state").first).to_be_visible()
    if not page.locator("e-chart").count():
        expect(page.locator("#main")).to_contain_text("Нужно ещё 1: оценка модели")
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    # A chart is drawn anew a moment after its page has changed.
    page.wait_for_function("document.documentElement.scrollWidth <= 390")


def test_login_is_open_to_all(newcomer: Visitor) -> None:
    page = newcomer.page()
    page.goto("/login")
    assert serious(page) == []


def test_phone_has_the_menu(visitor: Visitor) -> None:
    page = visitor.page(width=390, height=844, has_touch=True)
    page.goto("/")
    page.get_by_label("Меню", exact=True).click()
    page.locator(".drawer").get_by_role("link", name="Когорты").click()
    page.wait_for_url("**/reports/cohorts/")


def test_keyboard_reaches_a_filter_and_escape_leaves_it(visitor: Visitor) -> None:
    page = visitor.page()
    report(page, "funnel")
    page.locator("#pill-period summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pill-period")).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(page.locator("#pill-period")).not_to_have_attribute("open", "")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_unknown_report_says_which_is_nearest(visitor: Visitor) -> None:
    watched = visitor.watched()
    watched.expect("404")
    watched.page.goto("/reports/funel/")
    expect(watched.page.get_by_role("alert")).to_contain_text("funnel")


def test_policy_lets_nothing_inline_in(visitor: Visitor) -> None:
    page = visitor.page()
    answer = page.goto("/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    html = answer.text()
    assert " style=" not in html
    assert "<style" not in html
    assert " onclick=" not in html


def test_fragment_is_kept_apart_from_the_page(visitor: Visitor) -> None:
    page = visitor.page()
    part = page.request.get("/reports/funnel/?policy=strict", headers={"HX-Request": "true"})
    assert "<html" not in part.text()
    assert "HX-Request" in part.headers["vary"]
    assert part.headers["hx-push-url"] == "/reports/funnel/?policy=strict"
    whole = page.request.get("/reports/funnel/?policy=strict")
    assert "<html" in whole.text()

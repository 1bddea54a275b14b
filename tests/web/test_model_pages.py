"""A model learns in front of its reader, tells how good it is, and its scores are read within everybody's rights."""

import re
from time import monotonic, sleep

import pytest
from browsing import Site, Visitor, serious
from playwright.sync_api import expect

from processes import Machine

pytestmark = pytest.mark.browser

SLOWLY = 120_000
"""Milliseconds a model may take on a busy machine."""


def test_a_model_learns_and_its_scores_are_read(visitor: Visitor) -> None:
    page = visitor.page(language="en", theme="dark")
    page.goto("/reports/churn_risk/")
    expect(page.locator("#main")).to_contain_text("1 more needed")
    page.goto("/models/")
    page.locator(".model-line", has_text="Churn").click()
    expect(page.locator(".crumbs")).to_contain_text("has not learned yet")
    page.get_by_role("button", name="Learn anew").click()
    expect(page.locator("#grade .big")).to_be_visible(timeout=SLOWLY)
    expect(page.locator("#measures tbody tr")).to_have_count(4)
    expect(page.locator("#fits tbody tr")).to_have_count(1)
    scored = int(re.sub(r"\D", "", page.locator("#grade dd").nth(2).inner_text().split("·")[0]))
    assert not serious(page)
    page.get_by_role("link", name="Churn risk").first.click()
    expect(page.locator("#table header, .table-head").first).to_contain_text(f"{scored:,}")
    page.goto("/models/churn/")
    page.fill("[name=horizon_days]", "3")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".notice.bad")).to_contain_text("horizon_days")
    page.fill("[name=horizon_days]", "60")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[name=horizon_days]")).to_have_value("60")
    page.get_by_role("button", name="Learn anew").click()
    expect(page.locator("#fits tbody tr")).to_have_count(2, timeout=SLOWLY)
    expect(page.locator("#fits tbody tr").first).to_contain_text("in force", timeout=SLOWLY)


def test_everyone_reads_the_scores_of_their_own(demo: Site) -> None:
    machine = Machine(demo.home)
    manager = machine.json("run", "managers", "--limit", "1")["rows"][0]["manager_id"]
    machine.run("user", "create", "seller", "--role", "manager", "--scope", "own", "--employee", manager)
    keys = {
        login: re.search(r"rk_\S+", machine.run("token", "create", login))
        for login in ("seller", demo.served.first_login[0])
    }
    seller, owner = (demo.served.client(Authorization=f"Bearer {key[0]}") for key in keys.values() if key)
    with seller, owner:
        assert seller.post("/api/v1/models/win/fit").status_code == 403
        assert seller.patch("/api/v1/models/win", json={"is_on": False}).status_code == 403
        assert owner.post("/api/v1/models/win/fit").status_code == 202
        assert owner.get("/api/v1/models/none").status_code == 404
        began = monotonic()
        while not (told := owner.get("/api/v1/models/win").json())["fits"][0]["finished_at"]:
            assert monotonic() - began < 180, told
            sleep(0.5)
        assert told["status"] in {"ready", "not_enough"}, told
        own = seller.get("/api/v1/analyses/win_chances/answer").json()
        whole = owner.get("/api/v1/analyses/win_chances/answer").json()
        assert {row["manager_id"] for row in own["rows"]} <= {manager}
        assert len(own["rows"]) <= len(whole["rows"])
        if told["status"] == "ready":
            hers = {row["deal_id"] for row in whole["rows"] if row["manager_id"] == manager}
            assert {row["deal_id"] for row in own["rows"]} == hers


def test_offers_change_with_what_a_customer_takes(visitor: Visitor) -> None:
    machine = Machine(visitor.site.home)
    customer = machine.json("run", "customer_rating", "--limit", "1")["rows"][0]["customer_id"]
    page = visitor.page(language="en")
    page.goto(f"/customers/{customer}/")
    expect(page.locator("#offers-body")).to_contain_text("has not learned yet")
    page.goto("/models/offers/")
    page.get_by_role("button", name="Learn anew").click()
    expect(page.locator("#grade .big")).to_be_visible(timeout=SLOWLY)
    page.goto(f"/customers/{customer}/")
    expect(page.locator(".offers li")).to_have_count(5)
    offered = page.locator(".offers li b").first.inner_text()
    product = page.locator("#products-known option", has_text=offered).first.get_attribute("value")
    assert product is not None
    page.fill("#taking-now", product)
    page.locator("#taking-now").press("Enter")
    # What he takes is no longer offered; taken back, it is again.
    expect(page.locator(".taking label.chip")).to_have_count(1)
    expect(page.locator(".offers li b").first).not_to_have_text(offered)
    assert not serious(page)
    page.fill("#taking-now", "no such product")
    page.locator("#taking-now").press("Enter")
    expect(page.locator("#offers-body [role=alert]")).to_contain_text("no such product")
    expect(page.locator(".taking label.chip")).to_have_count(1)
    page.locator(".taking input[type=checkbox]").uncheck()
    expect(page.locator(".offers li b").first).to_have_text(offered)


def test_offers_are_within_rights(demo: Site) -> None:
    machine = Machine(demo.home)
    manager = machine.json("run", "managers", "--limit", "1")["rows"][0]["manager_id"]
    machine.run("user", "create", "adviser", "--role", "manager", "--scope", "own", "--employee", manager)
    keys = [
        re.search(r"rk_\S+", machine.run("token", "create", login)) for login in ("adviser", demo.served.first_login[0])
    ]
    adviser, owner = (demo.served.client(Authorization=f"Bearer {key[0]}") for key in keys if key)
    with adviser, owner:
        rated = [client.get("/api/v1/analyses/customer_rating/answer").json()["rows"] for client in (adviser, owner)]
        own, whole = ({row["customer_id"] for row in rows} for rows in rated)
        foreign = min(whole - own)
        assert adviser.get(f"/api/v1/customers/{foreign}/offers").status_code == 404
        assert owner.get(f"/api/v1/customers/{foreign}/offers").status_code in {200, 400}
        assert adviser.get(f"/api/v1/customers/{min(own)}/offers").status_code in {200, 400}

"""Does a person make one channel of two that systems call differently, so that costs meet leads, and part them again?"""

from pathlib import Path

import pytest
from browsing import Visitor, enter, serious
from playwright.sync_api import expect

from processes import Machine

pytestmark = pytest.mark.browser

FILES = {
    "channels": "channel_id,name,medium\nads:1,Яндекс Реклама,cpc\ncrm:ADS,яндекс-реклама,\ncrm:CALL,Звонок,\nsite:cpc,cpc,cpc\n",
    "leads": "lead_id,created_at,channel_id\nl1,2025-03-01,crm:ADS\nl2,2025-03-02,crm:ADS\nl3,2025-03-02,crm:CALL\n",
    "ad_costs": "spent_at,channel_id,amount\n2025-03-01,ads:1,100\n2025-03-01,site:cpc,20\n",
}


def test_channels_are_joined_and_parted(newcomer: Visitor, tmp_path: Path) -> None:
    machine = Machine(newcomer.site.home)
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        machine.run("load", str(tmp_path / f"{name}.csv"))
    page = newcomer.watched().page
    enter(page, *newcomer.site.served.first_login)
    page.goto("/data/channels/")
    expect(page.locator("tbody tr")).to_have_count(4)
    assert not serious(page)
    alike = page.locator("form.notice")
    expect(alike).to_have_count(1)
    expect(alike).to_contain_text("ads:1")
    alike.get_by_role("button", name="Объединить").click()
    expect(page.locator(".notice.good, .notice.ok, [role=status]").first).to_contain_text("один канал")
    expect(page.locator("form.notice")).to_have_count(0)
    joined = page.locator("tbody tr", has=page.locator("code", has_text="ads:1"))
    expect(joined).to_contain_text("яндекс-реклама")
    page.locator("input[value='site:cpc']").check()
    page.locator("input[value='crm:ADS']").check()
    page.get_by_role("button", name="Объединить выбранные").click()
    expect(page.get_by_role("button", name="Разъединить")).to_have_count(2)

    def by_channel(metric: str) -> dict[str, float]:
        asked = f"/api/v1/pivot?metric={metric}&by=channel&period=all&compare=none"
        return {row["channel"]: float(row[metric]) for row in page.request.get(asked).json()["rows"]}

    assert by_channel("ad_cost") == {"crm:ADS": 120}
    assert by_channel("leads")["crm:ADS"] == 2
    page.get_by_role("button", name="Разъединить").first.click()
    expect(page.get_by_role("button", name="Разъединить")).to_have_count(1)
    assert not serious(page)
    page.set_viewport_size({"width": 400, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

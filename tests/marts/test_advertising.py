"""Whose are advertising costs, and which lead became a deal? By hand, with every odd row."""

from datetime import date, datetime
from typing import Any

from marts.test_calls import frame
from rakurs.core.mart import MartSettings
from rakurs.marts.advertising import ad_spending, lead_outcomes
from rakurs.schema import AD_COSTS, CAMPAIGNS, CUSTOMERS, EMPLOYEES, LEADS

DAY, NEXT = date(2026, 3, 2), date(2026, 3, 3)


def cost(amount: float | None, day: date = DAY, **more: Any) -> dict[str, Any]:
    return {"spent_on": day, "amount": 1.0, "amount_base": amount, **more}


def test_costs_are_summed_by_day_channel_and_campaign() -> None:
    costs = [
        cost(10.0, channel_id="ads", campaign_id="spring", clicks=3),
        # The same day, by the campaign alone: its channel is known.
        cost(5.5, campaign_id="spring", clicks=4, impressions=100),
        cost(7.0, campaign_id="unlisted"),
        cost(1.0, channel_id="ads"),
        cost(2.0, NEXT, channel_id="ads", campaign_id="spring"),
        cost(None, channel_id="abroad"),
        cost(99.0, channel_id="ads", deleted_at=datetime(2026, 3, 4)),  # noqa: DTZ001 - as stored
    ]
    campaigns = [{"campaign_id": "spring", "channel_id": "ads"}]
    rows = (
        ad_spending(settings=MartSettings(), ad_costs=frame(AD_COSTS, costs), campaigns=frame(CAMPAIGNS, campaigns))
        .collect()
        .to_native()
        .to_dicts()
    )
    assert {
        row["spending_id"]: (row["channel_id"], float(row["amount"] or 0), row["clicks"], row["impressions"])
        for row in rows
    } == {
        "2026-03-02/ads/spring": ("ads", 15.5, 7, 100),
        "2026-03-02//unlisted": (None, 7.0, None, None),
        "2026-03-02/ads/": ("ads", 1.0, None, None),
        "2026-03-03/ads/spring": ("ads", 2.0, None, None),
        "2026-03-02/abroad/": ("abroad", 0.0, None, None),
    }
    assert [row["channel_id"] for row in rows if row["is_rate_missing"]] == ["abroad"]
    assert {(row["manager_id"], row["department"], row["branch"]) for row in rows} == {(None, None, None)}


def test_a_lead_is_converted_when_it_names_its_deal() -> None:
    leads = [
        {"lead_id": "1", "created_on": DAY, "converted_deal_id": "d", "manager_id": "anna", "customer_id": "c"},
        {"lead_id": "2", "created_on": DAY, "status": "converted"},
        {"lead_id": "3", "created_on": DAY, "deleted_at": datetime(2026, 3, 4)},  # noqa: DTZ001 - as stored
    ]
    rows = (
        lead_outcomes(
            settings=MartSettings(),
            leads=frame(LEADS, leads),
            customers=frame(CUSTOMERS, [{"customer_id": "c", "kind": "person", "region": "Tula"}]),
            employees=frame(EMPLOYEES, [{"employee_id": "anna", "department": "Sales", "branch": "North"}]),
        )
        .collect()
        .to_native()
        .to_dicts()
    )
    by_id = {row["lead_id"]: row for row in rows}
    assert {name: row["is_converted"] for name, row in by_id.items()} == {"1": True, "2": False}
    assert (by_id["1"]["region"], by_id["1"]["branch"], by_id["2"]["branch"]) == ("Tula", "North", None)

# ruff: noqa: DTZ001 - the warehouse keeps UTC without an offset
"""Does following a portal end with the portal's own numbers, whatever happens on the way?

Every test asks a portal on loopback that speaks the documented protocol, and ends by comparing counts and sums with it.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from rakurs.core.errors import Cancelled, NotAllowed, SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.bitrix24 import SOURCE
from rakurs.sources.live import Change, Wanted
from rakurs.sources.spool import Spool
from sources.bitrix24_dictionaries import SMART
from sources.bitrix24_follower import Follower, truth_of
from sources.bitrix24_portal import Portal
from sources.bitrix24_refusals import RestError


@pytest.fixture
def portal() -> Iterator[Portal]:
    with Portal(deals=130, contacts=110, companies=20, leads=60, activities=160, calls=70) as found:
        yield found


@pytest.fixture
def follower(portal: Portal, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, portal)
    yield found
    found.warehouse.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal of a test is not spared, and not waited for; tests of limits set them."""
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.bitrix24.portal._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.bitrix24.portal._LIMIT_PAUSE_SECONDS", 0.1)


def test_a_full_load_has_the_portals_own_numbers(portal: Portal, follower: Follower):
    follower.run("full", compares=True)
    assert follower.numbers() == truth_of(portal)
    assert follower.warehouse.quarantine_counts() == []


def test_few_calls_bring_a_portal(portal: Portal, follower: Follower):
    follower.run("full")
    # Seven short lists, one count, and a batch of pages per stream; products ask once more per kind.
    assert len(portal.requests) < 40
    assert {status for _, status in portal.requests} == {200}


def test_changes_bring_what_changed_and_little_else(portal: Portal, follower: Follower):
    follower.run("full")
    portal.advance(timedelta(hours=1))
    deal = portal.add_deal(TITLE="Новая 🎉", OPPORTUNITY="1234.56", STAGE_ID="NEW")
    older = next(
        deal_id for deal_id, row in portal.records["deal"].items() if row["STAGE_ID"] == "NEW" and deal_id != deal
    )
    portal.change_deal(older, STAGE_ID="WON", OPPORTUNITY="777.70")
    portal.set_product_rows(older, [{"productId": 0, "productName": "Замер", "price": 700.5, "quantity": 2}])
    portal.add_contact(NAME="Пётр", LAST_NAME="Ёлкин", PHONE="+79031112233")
    portal.add_activity(OWNER_ID=str(deal), OWNER_TYPE_ID="2", TYPE_ID="2")
    portal.add_call(PHONE_NUMBER="+79031112233")
    report = follower.run("changes")
    assert follower.numbers() == truth_of(portal)
    changed = {count.table: count.inserted + count.updated for count in report.tables if count.is_change}
    assert changed["deals"] == 2
    assert changed["customers"] == 1
    lines = [row for row in follower.rows("order_lines") if row["order_id"] == f"bitrix24:D_{older}"]
    assert [(row["product_id"], row["quantity"], row["amount"]) for row in lines] == [
        ("bitrix24:N_Замер", Decimal(2), Decimal("1401.00"))
    ]


def test_nothing_changed_changes_nothing(portal: Portal, follower: Follower):
    follower.run("full", compares=True)
    portal.advance(timedelta(days=1))
    before = follower.warehouse.data_version
    follower.run("changes", compares=True)
    assert follower.warehouse.data_version == before


def test_a_won_deal_that_is_reopened_is_no_order_any_more(portal: Portal, follower: Follower):
    follower.run("full")
    sold = follower.rows("orders")[0]["deal_id"].removeprefix("bitrix24:")
    category = portal.records["deal"][int(sold)]["CATEGORY_ID"]
    portal.advance(timedelta(hours=1))
    portal.change_deal(int(sold), STAGE_ID="NEW" if category == "0" else f"C{category}:NEW")
    follower.run("changes")
    assert follower.numbers() == truth_of(portal)


def test_lines_that_were_taken_out_of_a_deal_are_gone(portal: Portal, follower: Follower):
    follower.run("full")
    sold = int(follower.rows("orders")[0]["deal_id"].removeprefix("bitrix24:"))
    portal.advance(timedelta(hours=1))
    portal.set_product_rows(sold, [{"productId": 401, "productName": "Стол", "price": 10, "quantity": 1}])
    portal.change_deal(sold, COMMENTS="исправлено")
    follower.run("changes")
    assert follower.numbers() == truth_of(portal)


def test_deleted_records_are_found_by_the_ids_that_are_left(portal: Portal, follower: Follower):
    follower.run("full")
    for kind in ("deal", "lead", "contact", "company", "activity"):
        for record_id in list(portal.records[kind])[::7]:
            portal.delete(kind, record_id)
    follower.run("changes", compares=True)
    wanted = truth_of(portal)
    # A company that is gone takes its tax number along; portals keep the requisite.
    assert follower.numbers() | {"tax_ids": 0} == wanted | {"tax_ids": 0}


def test_a_list_that_was_cut_short_deletes_nothing(portal: Portal, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    follower.run("full")
    monkeypatch.setattr("rakurs.sources.bitrix24.portal.Portal.pages", lambda *_, **__: iter([]))
    with pytest.raises(SourceUnreachable, match="counted 130 records of Deals and listed 0"):
        follower.run("changes", compares=True)
    assert len(follower.rows("deals")) == 130


def test_where_a_part_of_the_ids_is_closed_none_is_called_deleted(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    follower = Follower(tmp_path, portal, smart_processes=(SMART,))
    follower.run("full")
    known = len(follower.rows("deals"))
    monkeypatch.setattr("rakurs.sources.bitrix24.fetching._Run._left", lambda *_: None)
    portal.delete("deal", next(iter(portal.records["deal"])))
    follower.run("changes", compares=True)
    assert len(follower.rows("deals")) == known


def test_the_companies_own_companies_are_no_customers(portal: Portal, follower: Follower):
    own = int(next(iter(portal.records["requisite"].values()))["ENTITY_ID"])
    portal.records["company"][own]["IS_MY_COMPANY"] = "Y"
    follower.run("full", compares=True)
    assert f"bitrix24:CO_{own}" not in {row["customer_id"] for row in follower.rows("customers")}


def test_a_won_deal_that_goes_while_its_products_are_read_stops_nothing(portal: Portal, follower: Follower):
    def meanwhile(method: str, _params: dict[str, Any]) -> None:
        if method == "crm.item.productrow.list":
            for deal in [i for i, row in portal.records["deal"].items() if row["STAGE_SEMANTIC_ID"] == "S"][:3]:
                portal.delete("deal", deal)

    portal.faults.on_subcall = meanwhile
    follower.run("full")
    portal.faults.on_subcall = None
    follower.run("changes", compares=True)
    assert follower.numbers() == truth_of(portal)


def test_smart_processes_become_deals_of_their_own_pipelines(portal: Portal, tmp_path: Path):
    follower = Follower(tmp_path, portal, smart_processes=(SMART,))
    follower.run("full", compares=True)
    items = [row for row in follower.rows("deals") if ":T" in row["deal_id"]]
    assert len(items) == portal.truth()["counts"]["smart"]
    assert sum(row["amount"] for row in items) == sum(
        Decimal(str(row["opportunity"])) for row in portal.records["smart"].values()
    )
    stages = {row["stage_id"] for row in follower.rows("stages")}
    assert {row["stage_id"] for row in items} <= stages
    assert {row["pipeline_id"] for row in items} <= {row["pipeline_id"] for row in follower.rows("pipelines")}


def test_custom_fields_stand_under_their_titles_with_words_of_lists(portal: Portal, follower: Follower):
    deal = portal.add_deal(TITLE="С полями", UF_CRM_1721244500003="47")
    follower.run("full")
    row = next(row for row in follower.rows("deals") if row["deal_id"] == f"bitrix24:{deal}")
    assert '"Опт"' in row["custom"]
    assert "UF_CRM_1721244500003" not in row["custom"]


def test_a_loss_reason_is_the_field_that_says_so(portal: Portal, tmp_path: Path):
    lost = next(i for i, row in portal.records["deal"].items() if row["STAGE_SEMANTIC_ID"] == "F")
    portal.change("deal", lost, UF_CRM_1721244500003="45")
    follower = Follower(tmp_path, portal, loss_reason_field="UF_CRM_1721244500003")
    follower.run("full")
    row = next(row for row in follower.rows("deals") if row["deal_id"] == f"bitrix24:{lost}")
    assert row["loss_reason_id"] == "bitrix24:Розница"
    assert "bitrix24:Розница" in {reason["loss_reason_id"] for reason in follower.rows("loss_reasons")}


def test_a_period_is_filled_in_later(portal: Portal, follower: Follower):
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=200), today - timedelta(days=100)
    follower.run("period", days=(first, last))
    created = [row["created_on"] for row in follower.rows("deals")]
    assert created
    assert first <= min(created)
    assert max(created) <= last
    inside = [
        row for row in portal.records["deal"].values()
        if first <= datetime.fromisoformat(row["DATE_CREATE"]).astimezone(UTC).date() + timedelta(0) <= last
    ]  # fmt: skip
    assert abs(len(created) - len(inside)) <= 2  # the portal's days are of its own zone
    assert follower.cursor == {}


# -- what a portal tells by itself ---------------------------------------------------------------------


def test_single_records_follow_an_event(portal: Portal, follower: Follower):
    follower.run("full")
    deal = portal.add_deal(TITLE="Из вебхука", OPPORTUNITY="99.90")
    gone = next(i for i, row in portal.records["deal"].items() if i != deal and row["STAGE_SEMANTIC_ID"] == "P")
    portal.delete("deal", gone)
    contact = portal.add_contact(NAME="Анна", PHONE="+79030000000")
    lead = next(iter(portal.records["lead"]))
    portal.change("lead", lead, STATUS_ID="JUNK")
    asked = len(portal.requests)
    changes = [
        Change(stream="deals", record_id=str(deal)),
        Change(stream="deals", record_id=str(gone), is_deleted=True),
        Change(stream="contacts", record_id=str(contact)),
        Change(stream="leads", record_id=str(lead)),
    ]
    follower.run("records", changes=changes)
    assert follower.numbers() == truth_of(portal)
    assert len(portal.requests) - asked <= 6


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("ONCRMDEALADD", Change(stream="deals", record_id="17")),
        ("ONCRMDEALUPDATE", Change(stream="deals", record_id="17")),
        ("ONCRMDEALMOVETOCATEGORY", Change(stream="deals", record_id="17")),
        ("ONCRMDEALDELETE", Change(stream="deals", record_id="17", is_deleted=True)),
        ("ONCRMLEADADD", Change(stream="leads", record_id="17")),
        ("ONCRMCOMPANYDELETE", Change(stream="companies", record_id="17", is_deleted=True)),
        ("ONCRMACTIVITYUPDATE", Change(stream="activities", record_id="17")),
        ("ONAPPUNINSTALL", None),
        ("ONCRMDEALUSERFIELDADD", None),
    ],
)
def test_events_name_a_record(portal: Portal, follower: Follower, event: str, told: Change | None):
    portal.records["deal"][17] = next(iter(portal.records["deal"].values()))
    assert SOURCE.told(follower.settings, _form(portal.event(event, 17))) == ((told,) if told else ())


@pytest.mark.parametrize("token", ["wrong", "", None])
def test_an_event_with_another_token_is_refused(portal: Portal, follower: Follower, token: str | None):
    with pytest.raises(NotAllowed):
        SOURCE.told(follower.settings, _form(portal.event("ONCRMDEALADD", 17, token=token)))


def test_without_a_token_in_the_settings_no_event_is_believed(portal: Portal):
    settings = SOURCE.settings(webhook=portal.url)
    with pytest.raises(NotAllowed):
        SOURCE.told(settings, _form(portal.event("ONCRMDEALADD", 17, token="")))


# -- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "502", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(portal: Portal, follower: Follower, fault: str):
    portal.faults.every, portal.faults.kinds = 3, [fault]
    follower.run("full", compares=True)
    portal.faults.every = None
    assert follower.numbers() == truth_of(portal)


def test_a_slow_answer_is_waited_for_and_then_asked_again(
    portal: Portal, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    before = calling.Caller.__init__
    monkeypatch.setattr(
        calling.Caller, "__init__", lambda self, **given: before(self, **{**given, "timeout_seconds": 0.4})
    )
    portal.faults.every, portal.faults.kinds, portal.faults.slow_seconds = 6, ["slow"], 0.8
    follower.run("full")
    portal.faults.every = None
    assert follower.numbers() == truth_of(portal)


def test_calls_keep_to_the_portals_rate(portal: Portal, follower: Follower):
    """A bucket like the vendor's, faster: the client is told to wait, waits, and nothing is lost."""
    portal.faults.rate, portal.faults.burst = 10.0, 5
    follower.run("full")
    refused = [status for _, status in portal.requests if status == 503]
    assert refused
    portal.faults.rate = None
    assert follower.numbers() == truth_of(portal)


def test_working_time_that_is_used_up_is_waited_for(portal: Portal, follower: Follower):
    portal.faults.operating_limit, portal.faults.operating_cost, portal.faults.operating_window = 1.0, 0.15, 1
    follower.run("full")
    assert any(code == "OPERATION_TIME_LIMIT" for _, code, *_ in portal.refused)
    portal.faults.operating_limit = None
    assert follower.numbers() == truth_of(portal)


def test_a_limit_is_waited_for_longer_than_a_silence(
    portal: Portal, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    """A portal may ask for ten minutes: no run gives up over that, while somebody who only tries settings is told."""
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    portal.faults.operating_limit, portal.faults.operating_cost, portal.faults.operating_window = 1.0, 0.3, 0.6
    follower.run("full")
    assert any(code == "OPERATION_TIME_LIMIT" for _, code, *_ in portal.refused)
    portal.faults.operating_limit = None
    assert follower.numbers() == truth_of(portal)


def test_a_method_that_a_portal_does_not_know_is_said_and_the_rest_comes(
    portal: Portal, follower: Follower, tmp_path: Path
):
    portal._methods.pop("crm.item.productrow.list")
    spool = Spool(tmp_path / "old")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full", compares=True), spool, _silent)
    follower.taken(spool, cursor)
    assert spool.noted("closed") == ["crm.item.productrow.list"]
    assert follower.numbers() == truth_of(portal) | {"lines": 0, "lines_sum": 0}


def test_titles_of_custom_fields_that_did_not_come_are_not_done_without(portal: Portal, follower: Follower):
    """Without them the fields' values would be left out of this run, and never asked for again."""

    def fail(_params: dict[str, Any]) -> Any:
        raise RestError(500, "INTERNAL_SERVER_ERROR", "Internal server error")

    portal._methods["crm.deal.fields"] = fail
    with pytest.raises(SourceUnreachable, match=r"crm\.deal\.fields"):
        follower.run("full")


def test_what_is_closed_to_the_webhook_is_said_and_the_rest_comes(portal: Portal, follower: Follower, tmp_path: Path):
    portal.faults.missing_scopes = {"telephony", "catalog"}
    assert {text.en for text in SOURCE.check(follower.settings).closed} == {"Calls"}
    spool = Spool(tmp_path / "closed")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full", compares=True), spool, _silent)
    follower.taken(spool, cursor)
    assert spool.noted("closed") == ["catalog.catalog.list", "voximplant.statistic.get"]
    assert follower.numbers() == truth_of(portal) | {"call": 0, "missed_calls": 0}
    portal.faults.missing_scopes = set()
    follower.run("changes")
    assert follower.numbers() == truth_of(portal)


def test_a_revoked_webhook_says_what_to_do_and_keeps_its_secret(portal: Portal, follower: Follower):
    portal.faults.revoked = True
    with pytest.raises(SourceRefused, match="INVALID_CREDENTIALS") as refused:
        follower.run("full")
    assert "Inbound webhook" in refused.value.message.en
    assert portal.code not in f"{refused.value.message.en}{refused.value.message.ru}{follower.settings!r}"


def test_a_portal_that_is_away_is_named_without_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Portal(deals=1) as portal:
        settings = SOURCE.settings(webhook=portal.url)
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(SourceUnreachable, match=r"127\.0\.0\.1 does not answer") as away:
        SOURCE.fetch(settings, Wanted(kind="full"), Spool(tmp_path / "away"), _silent)
    assert portal.code not in away.value.message.en


@pytest.mark.parametrize("address", ["", "company.bitrix24.ru", "ftp://c.ru/rest/1/x/", "https://c.ru/rest/1/"])
def test_an_address_that_is_no_webhook_is_refused_at_once(address: str):
    with pytest.raises(ValueError, match="address such as"):
        SOURCE.settings(webhook=address)


# -- what changes on the way ---------------------------------------------------------------------------


def test_records_that_come_change_and_go_during_a_run_are_right_after_the_next(portal: Portal, follower: Follower):
    calls = Counter[str]()

    def meanwhile(method: str, _params: dict[str, Any]) -> None:
        calls[method] += 1
        if method == "batch" and calls[method] % 2:
            deals = list(portal.records["deal"])
            portal.add_deal(TITLE=f"Во время {calls[method]}", OPPORTUNITY="10.00")
            portal.change("deal", deals[3 * calls[method] % len(deals)], OPPORTUNITY=f"{calls[method]}.00")
            portal.delete("deal", deals[(7 * calls[method] + 1) % len(deals)])
            portal.delete("activity", next(iter(portal.records["activity"])))

    portal.faults.on_request = meanwhile
    follower.run("full", compares=True)
    portal.faults.on_request = None
    follower.run("changes", compares=True)
    assert follower.numbers() == truth_of(portal)


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(hours=3)])
def test_a_portal_whose_clock_is_wrong_loses_no_change(tmp_path: Path, skew: timedelta):
    """The cursor is the portal's own time, not ours."""
    with Portal(deals=60, contacts=20, companies=5, leads=10, activities=30, calls=5, clock_skew=skew) as portal:
        follower = Follower(tmp_path, portal)
        follower.run("full")
        portal.advance(timedelta(minutes=20))
        for deal_id in list(portal.records["deal"])[:5]:
            portal.change("deal", deal_id, OPPORTUNITY="5.55")
        follower.run("changes")
        assert follower.numbers() == truth_of(portal)


def test_a_run_that_is_stopped_goes_on_where_it_was(portal: Portal, follower: Follower, tmp_path: Path):
    spool = Spool(tmp_path / "stopped")

    def stop(_step: Text, *, done: int, total: int) -> None:
        if done > total // 2:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, stop)
    asked, had = len(portal.requests), spool.total
    assert had > 0
    again = Spool(tmp_path / "stopped")
    assert again.total == had
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), again, _silent)
    follower.taken(again, cursor)
    assert follower.numbers() == truth_of(portal)
    assert len(portal.requests) - asked < asked + 20


# -- what values mean ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moved", "dated", "closed"),
    [
        ("2026-05-20T14:30:00+03:00", "2026-05-20T03:00:00+03:00", datetime(2026, 5, 20, 11, 30)),  # the same day: the minute
        ("2026-05-20T14:30:00+03:00", "2026-05-12T03:00:00+03:00", datetime(2026, 5, 12, 0, 0)),  # dated back by a person
        ("2026-05-20T14:30:00+03:00", "2026-06-30T03:00:00+03:00", datetime(2026, 5, 20, 11, 30)),  # a date left in the future
        ("2026-05-20T14:30:00+03:00", "", datetime(2026, 5, 20, 11, 30)),
    ],
)  # fmt: skip
def test_when_a_deal_was_closed(portal: Portal, follower: Follower, moved: str, dated: str, closed: datetime):
    deal = next(i for i, row in portal.records["deal"].items() if row["STAGE_SEMANTIC_ID"] == "S")
    portal.records["deal"][deal] |= {"MOVED_TIME": moved, "CLOSEDATE": dated}
    follower.run("full")
    row = next(row for row in follower.rows("deals") if row["deal_id"] == f"bitrix24:{deal}")
    assert row["closed_at"] == closed
    assert row["expected_close_on"] is None


@pytest.mark.parametrize(
    ("made", "created"),
    [
        ("2026-05-12T00:10:00+03:00", datetime(2026, 5, 11, 21, 10)),  # the day it was closed
        ("2026-05-13T00:10:00+03:00", datetime(2026, 5, 12, 0, 0)),  # the day after: entered when it was over
        ("2027-01-01T12:00:00+03:00", datetime(2026, 5, 12, 0, 0)),
    ],
)
def test_a_deal_entered_after_it_was_over_is_no_broken_row(
    portal: Portal, follower: Follower, made: str, created: datetime
) -> None:
    deal = next(i for i, row in portal.records["deal"].items() if row["STAGE_SEMANTIC_ID"] == "S")
    dated = "2026-05-12T03:00:00+03:00"
    portal.records["deal"][deal] |= {"DATE_CREATE": made, "MOVED_TIME": "2027-01-01T12:05:00+03:00", "CLOSEDATE": dated}
    follower.run("full")
    row = next(row for row in follower.rows("deals") if row["deal_id"] == f"bitrix24:{deal}")
    assert (row["created_at"], row["closed_at"]) == (created, datetime(2026, 5, 12, 0, 0))


def test_whom_a_deal_is_with(portal: Portal, follower: Follower):
    both = portal.add_deal(TITLE="Оба", COMPANY_ID="1", CONTACT_ID="2")
    person = portal.add_deal(TITLE="Человек", COMPANY_ID="0", CONTACT_ID="2")
    nobody = portal.add_deal(TITLE="Никто", COMPANY_ID="0", CONTACT_ID=None)
    follower.run("full")
    found = {row["deal_id"]: row["customer_id"] for row in follower.rows("deals")}
    assert [found[f"bitrix24:{deal}"] for deal in (both, person, nobody)] == ["bitrix24:CO_1", "bitrix24:C_2", None]


def test_days_are_those_of_the_company(portal: Portal, follower: Follower):
    deal = portal.add_deal(TITLE="Ночь")
    portal.records["deal"][deal]["DATE_CREATE"] = "2026-05-20T22:30:00+00:00"
    follower.run("full")
    row = next(row for row in follower.rows("deals") if row["deal_id"] == f"bitrix24:{deal}")
    assert row["created_on"] == date(2026, 5, 21)


def _silent(_step: Text, *, done: int, total: int) -> None:
    """Nobody watches."""


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))

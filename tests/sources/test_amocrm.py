# ruff: noqa: FBT001 - a test is given its cases
"""Does following an account end with the account's own numbers, whatever happens on the way?"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from rakurs.core.errors import Cancelled, NotAllowed, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.sources import calling
from rakurs.sources.amocrm import SOURCE
from rakurs.sources.live import Change, Wanted
from rakurs.sources.spool import Spool
from sources.amocrm_account import Account
from sources.following import Following

PREFIX = "amocrm"


class Follower(Following):
    """Follows one account."""

    marts = (CALENDAR_MART, *MARTS)

    def __init__(self, folder: Path, account: Account, **settings: Any) -> None:
        given = {"address": account.url, "token": account.token, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        deals = {row["deal_id"]: row for row in self.rows("deals")}
        with self.warehouse.reading() as reader:
            outcomes = {
                row["deal_id"]: row["outcome"] for row in reader.collect(reader.frame("deal_outcomes")).to_pylist()
            }
        won: dict[int, list[Any]] = {}
        for deal_id, row in deals.items():
            if outcomes[deal_id] == "won":
                told = won.setdefault(int(row["pipeline_id"].removeprefix(f"{PREFIX}:")), [0, Decimal(0)])
                told[0], told[1] = told[0] + 1, told[1] + row["amount"]
        people = Counter(row["customer_id"].split(":")[1].split("_")[0] for row in self.rows("customers"))
        # Every lead has the step it began with, besides those the account tells of.
        events = sum(
            row["provenance"] == "history" and row["deal_id"] in deals for row in self.rows("deal_stage_events")
        )
        return {
            "deals": len(deals),
            "outcomes": dict(Counter(outcomes.values())),
            "won": won,
            "steps": events - len(deals),
            "contacts": people["C"],
            "companies": people["CO"],
            "calls": len(self.rows("calls")),
            "tasks": len(self.rows("activities")),
        }


def truth_of(account: Account) -> dict[str, Any]:
    alive = {i: row for i, row in account.records["lead"].items() if not row["is_deleted"]}
    won: dict[int, list[Any]] = {}
    for row in alive.values():
        if row["status_id"] == 142:
            told = won.setdefault(row["pipeline_id"], [0, Decimal(0)])
            told[0], told[1] = told[0] + 1, told[1] + Decimal(row["price"] or 0)
    kinds = Counter({142: "won", 143: "lost"}.get(row["status_id"], "open") for row in alive.values())
    steps = [one for one in account.records["event"].values() if one["type"] == "lead_status_changed"]
    return {
        "deals": len(alive),
        "outcomes": dict(kinds),
        "won": won,
        "steps": sum(one["entity_id"] in alive for one in steps),
        "contacts": len(account.records["contact"]),
        "companies": len(account.records["company"]),
        "calls": len(account.records["note"]),
        "tasks": len(account.records["task"]),
    }


@pytest.fixture
def account() -> Iterator[Account]:
    with Account(leads=300, contacts=280, companies=40, calls=90, tasks=70) as found:
        yield found


@pytest.fixture
def follower(account: Account, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, account)
    yield found
    found.warehouse.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.amocrm.account._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.amocrm.account._BURST", 1000)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_full_load_has_the_accounts_own_numbers(account: Account, follower: Follower, newest_first: bool):
    account.answers.events_newest_first = newest_first
    follower.run("full")
    assert follower.numbers() == truth_of(account)
    assert follower.warehouse.quarantine_counts() == []


def test_changes_deletions_and_returns_are_followed(account: Account, follower: Follower):
    follower.run("full")
    account.advance(timedelta(hours=2))
    alive = [i for i, row in account.records["lead"].items() if not row["is_deleted"]]
    account.add_lead(name="Новая 🎉", price=1234)
    account.change_lead(alive[0], status_id=142, price=777)
    account.change_lead(alive[1], status_id=143)
    account.delete("lead", alive[2])
    account.delete("contact", next(iter(account.records["contact"])))
    account.add_contact(name="Ёлкин Пётр")
    account.add_call(alive[3])
    account.add_task(alive[3])
    follower.run("changes")
    assert follower.numbers() == truth_of(account)
    account.advance(timedelta(hours=2))
    account.restore(alive[2])
    follower.run("changes")
    assert follower.numbers() == truth_of(account)


def test_nothing_changed_changes_nothing(account: Account, follower: Follower):
    follower.run("full")
    account.advance(timedelta(hours=2))
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_whole_run_finds_what_is_gone(account: Account, follower: Follower):
    follower.run("full")
    for kind in ("lead", "contact", "company"):
        for record_id in list(account.records[kind])[:5]:
            account.delete(kind, record_id)
    follower.run("full")
    assert follower.numbers() == truth_of(account)


def test_where_a_lead_began_is_told_by_its_first_step(account: Account, follower: Follower):
    first = {}
    for event in sorted(account.records["event"].values(), key=lambda one: one["created_at"]):
        if event["type"] == "lead_status_changed":
            first.setdefault(event["entity_id"], event["value_before"][0]["lead_status"]["id"])
    follower.run("full")
    began: dict[str, tuple[Any, str]] = {}
    for row in follower.rows("deal_stage_events"):
        began[row["deal_id"]] = min(
            began.get(row["deal_id"], (row["entered_at"], row["stage_id"])), (row["entered_at"], row["stage_id"])
        )
    for lead, row in account.records["lead"].items():
        if not row["is_deleted"]:
            assert began[f"{PREFIX}:{lead}"][1] == f"{PREFIX}:{first.get(lead, row['status_id'])}"


def test_single_records_follow_a_webhook(account: Account, follower: Follower):
    follower.run("full")
    lead = account.add_lead(name="Из вебхука", price=99)
    account.advance(timedelta(minutes=1))
    account.change_lead(lead, status_id=142)
    gone = next(i for i, row in account.records["lead"].items() if not row["is_deleted"] and i != lead)
    account.delete("lead", gone)
    contact = account.add_contact(name="Анна")
    told = [
        *_told(follower, account.hook("leads", "add", lead)),
        *_told(follower, account.hook("leads", "status", lead)),
        *_told(follower, account.hook("leads", "delete", gone)),
        *_told(follower, account.hook("contacts", "add", contact)),
    ]
    assert {(one.stream, one.is_deleted) for one in told} == {("leads", False), ("leads", True), ("contacts", False)}
    follower.run("records", changes=told)
    assert follower.numbers() == truth_of(account)


def test_what_a_webhook_calls_deleted_is_asked_for(account: Account, follower: Follower):
    """These webhooks carry no signature: whoever knows the address may call, and must not delete a thing."""
    follower.run("full")
    leads = [i for i, row in account.records["lead"].items() if not row["is_deleted"]][:5]
    contact = next(iter(account.records["contact"]))
    told = [change for lead in leads for change in _told(follower, account.hook("leads", "delete", lead))]
    told += [
        Change(stream="contacts", record_id=str(contact), is_deleted=True),
        Change(stream="leads", record_id="999999999"),
    ]
    follower.run("records", changes=told)
    assert follower.numbers() == truth_of(account)


def test_a_list_in_another_order_than_asked_stops_the_run(follower: Follower, monkeypatch: pytest.MonkeyPatch):
    from rakurs.sources.amocrm.account import Account as Asked

    before = Asked.ask

    def shuffled(self: Any, path: str, params: Any = ()) -> dict[str, Any]:
        answer = before(self, path, params)
        answer.get("_embedded", {}).get("contacts", []).reverse()
        return answer

    monkeypatch.setattr(Asked, "ask", shuffled)
    with pytest.raises(SourceUnreachable, match="another order"):
        follower.run("full")


def test_a_door_that_closes_half_way_deletes_nobody(account: Account, follower: Follower):
    follower.run("full")
    asked = Counter[str]()

    def meanwhile(path: str, _params: dict[str, Any]) -> None:
        asked[path.rpartition("/")[2]] += 1
        if asked["contacts"] == 2:
            account.faults.forbidden = {"contacts"}

    account.faults.on_request = meanwhile
    with pytest.raises(SourceUnreachable):
        follower.run("full")
    assert follower.numbers() == truth_of(account)


def test_a_webhook_of_another_account_is_refused(account: Account, follower: Follower):
    form = dict(parse_qsl(account.hook("leads", "add", 5).decode()))
    with pytest.raises(NotAllowed):
        SOURCE.told(follower.settings, form | {"account[subdomain]": "someone"})


@pytest.mark.parametrize("fault", ["500", "502", "504", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(account: Account, follower: Follower, fault: str):
    account.faults.every, account.faults.kinds = 3, [fault]
    follower.run("full")
    account.faults.every = None
    assert follower.numbers() == truth_of(account)


def test_the_rate_is_kept_to(account: Account, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.amocrm.account._LIMIT_PAUSE_SECONDS", 0.3)
    account.faults.rate = 7
    follower.run("full")
    assert any(status == 429 for _, status in account.requests)
    assert follower.numbers() == truth_of(account)


def test_our_own_pace_is_below_the_limit(account: Account, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.amocrm.account._RATE", 6.0)
    monkeypatch.setattr("rakurs.sources.amocrm.account._BURST", 6)
    account.faults.rate = 7
    follower.run("full")
    assert sum(status == 429 for _, status in account.requests) <= 3


def test_a_withdrawn_token_says_what_to_do_and_keeps_its_secret(account: Account, follower: Follower):
    account.faults.revoked = True
    with pytest.raises(SourceRefused, match="401") as refused:
        follower.run("full")
    assert account.token not in f"{refused.value.message.en}{follower.settings!r}"


def test_what_is_closed_is_said_and_the_rest_comes(account: Account, follower: Follower, tmp_path: Path):
    account.faults.forbidden = {"contacts", "contacts/notes"}
    spool = Spool(tmp_path / "closed")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full", compares=True), spool, silent)
    follower.taken(spool, cursor)
    assert spool.noted("closed") == ["contacts", "contacts/notes"]
    assert follower.numbers()["deals"] == truth_of(account)["deals"]


def test_records_that_come_change_and_go_during_a_run_are_right_after_the_next(account: Account, follower: Follower):
    calls = Counter[str]()

    def meanwhile(path: str, _params: dict[str, Any]) -> None:
        calls["all"] += 1
        alive = [i for i, row in account.records["lead"].items() if not row["is_deleted"]]
        if calls["all"] % 2:
            account.add_lead(name=f"Во время {calls['all']}", price=10)
            account.change_lead(alive[3 * calls["all"] % len(alive)], price=calls["all"])
            account.delete("lead", alive[7 * calls["all"] % len(alive)])

    account.faults.on_request = meanwhile
    follower.run("full")
    account.faults.on_request = None
    follower.run("changes")
    assert follower.numbers() == truth_of(account)


def test_more_records_of_one_second_than_a_page_holds(tmp_path: Path):
    with Account(leads=700, contacts=10, companies=2, calls=2, tasks=2) as account:
        second = max(row["updated_at"] for row in account.records["lead"].values())
        for row in list(account.records["lead"].values())[:600]:
            row["updated_at"] = second
        follower = Follower(tmp_path, account)
        follower.run("full")
        assert follower.numbers()["deals"] == truth_of(account)["deals"]


@pytest.mark.parametrize("skew", [timedelta(hours=-3), timedelta(hours=3)])
def test_an_account_whose_clock_is_wrong_loses_no_change(tmp_path: Path, skew: timedelta):
    with Account(leads=40, contacts=10, companies=4, calls=5, tasks=5, clock_skew=skew) as account:
        follower = Follower(tmp_path, account)
        follower.run("full")
        account.advance(timedelta(minutes=20))
        for lead in [i for i, row in account.records["lead"].items() if not row["is_deleted"]][:5]:
            account.change_lead(lead, price=5)
        follower.run("changes")
        assert follower.numbers() == truth_of(account)


def test_a_run_that_is_stopped_goes_on_where_it_was(account: Account, follower: Follower, tmp_path: Path):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done > 700:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full", compares=True)
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    assert again.total > 300
    follower.taken(again, SOURCE.fetch(follower.settings, wanted, again, silent))
    assert follower.numbers() == truth_of(account)


def test_a_period_is_filled_in_later(account: Account, follower: Follower):
    today = datetime.now(UTC).date()
    first, last = today - timedelta(days=200), today - timedelta(days=100)
    follower.run("period", days=(first, last))
    wanted = [
        row
        for row in account.records["lead"].values()
        if not row["is_deleted"] and first <= datetime.fromtimestamp(row["created_at"], UTC).date() <= last
    ]
    assert len(follower.rows("deals")) == len(wanted) > 0
    assert follower.cursor == {}


def test_values_stand_under_the_names_of_their_fields(account: Account, follower: Follower):
    follower.run("full")
    with_source = [row for row in follower.rows("deals") if row["channel_id"]]
    assert with_source
    assert {row["channel_id"] for row in with_source} <= {row["channel_id"] for row in follower.rows("channels")}
    phones = [row for row in follower.rows("customers") if row["phone"] and row["kind"] == "person"]
    assert len(phones) == account.truth()["with_phone"]


@pytest.mark.parametrize("address", ["", "company", "ftp://company.amocrm.ru"])
def test_an_address_that_is_none_is_refused_at_once(address: str):
    with pytest.raises(ValueError, match=r"company\.amocrm\.ru"):
        SOURCE.settings(address=address, token="t")


def test_an_address_may_be_short():
    assert SOURCE.settings(address=" company.amocrm.ru/leads ", token="t").address == "https://company.amocrm.ru"


def _told(follower: Follower, body: bytes) -> tuple[Change, ...]:
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    # On loopback the account's name is the first part of an address.
    return SOURCE.told(follower.settings, form | {"account[subdomain]": "127"})

"""Does following an account of VK Ads end with the account's own costs, whatever happens on the way?"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.sources import calling
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.vk_ads import SOURCE
from rakurs.sources.vk_ads.fetching import BANNERS, COSTS, RESTATED_DAYS
from sources.following import Following
from sources.vk_ads_server import Cabinet

PREFIX = "vk_ads"


class Follower(Following):
    """Follows one account."""

    def __init__(self, folder: Path, cabinet: Cabinet, **settings: Any) -> None:
        given = {"account": "12345", "token": cabinet.token, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def fetched(self) -> Mapping[str, Any]:
        """What a whole run brings into its spool, summed: for what goes wrong on the way, before anything is loaded."""
        spool = self.spool()
        SOURCE.fetch(self.settings, Wanted(kind="full"), spool, silent)
        return _summed(
            {"impressions": row["shows"], "clicks": row["clicks"], "amount": Decimal(row["spent"])}
            for row in spool.records(COSTS)
        )

    def numbers(self, first: date = date.min, last: date = date.max) -> Mapping[str, Any]:
        return _summed(row for row in self.rows("ad_costs") if first <= row["spent_on"] <= last)


def _summed(rows: Any) -> Mapping[str, Any]:
    """Sums over the days on which anything happened."""
    names = ("impressions", "clicks", "amount")
    found = [row for row in rows if any(row[name] for name in names)]
    return {name: sum((row[name] for row in found), Decimal(0)) for name in names} | {"rows": len(found)}


def questions(cabinet: Cabinet) -> int:
    return sum("/statistics/" in path and status == 200 for path, status in cabinet.requests)


@pytest.fixture
def cabinet() -> Iterator[Cabinet]:
    with Cabinet() as found:
        yield found


@pytest.fixture
def follower(cabinet: Cabinet, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, cabinet)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _near(cabinet: Cabinet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.vk_ads.account.ADDRESS", f"{cabinet.url}/api/v2")
    monkeypatch.setattr("rakurs.sources.vk_ads.account._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.vk_ads.account._BURST", 1000)


def test_a_full_load_has_the_accounts_own_costs(cabinet: Cabinet, follower: Follower):
    follower.run("full")
    assert follower.numbers() == cabinet.truth()
    assert follower.warehouse.quarantine_counts() == []
    costs = {
        (int(row["campaign_id"].removeprefix(f"{PREFIX}:")), row["spent_on"]): (
            row["impressions"],
            row["clicks"],
            row["amount"],
        )
        for row in follower.rows("ad_costs")
        if row["impressions"] or row["clicks"] or row["amount"]
    }
    assert costs == cabinet.costs
    assert {(row["channel_id"], row["currency"]) for row in follower.rows("ad_costs")} == {(f"{PREFIX}:vk_ads", "RUB")}
    assert follower.cursor == {"day": cabinet.today().isoformat()}


def test_ads_that_are_not_shown_bring_no_rows(cabinet: Cabinet, follower: Follower):
    idle = cabinet.add_banner(age=100)
    for key in [key for key in cabinet.costs if key[0] == idle]:
        del cabinet.costs[key]
    follower.run("full")
    assert f"{PREFIX}:{idle}" in {row["campaign_id"] for row in follower.rows("campaigns")}
    assert f"{PREFIX}:{idle}" not in {row["campaign_id"] for row in follower.rows("ad_costs")}


def test_nothing_is_counted_twice(cabinet: Cabinet, follower: Follower):
    """Campaigns and groups cost what their banners cost: only banners are asked for."""
    follower.marts = (CALENDAR_MART, *MARTS)
    follower.run("full")
    asked = {path.split("?")[0].rpartition("/v2/")[2] for path, _ in cabinet.requests}
    assert asked == {"ad_plans.json", "ad_groups.json", "banners.json", "statistics/banners/day.json"}
    spent = sum((row["amount"] for row in follower.rows("ad_spending")), Decimal(0))
    assert spent == cabinet.truth()["amount"]


def test_banners_are_named_after_what_they_belong_to(cabinet: Cabinet, follower: Follower):
    follower.run("full")
    told = {row["campaign_id"]: row for row in follower.rows("campaigns")}
    assert len(told) == len(cabinet.records["banners"])
    for number, banner in cabinet.records["banners"].items():
        row = told[f"{PREFIX}:{number}"]
        group = cabinet.records["ad_groups"][banner["ad_group_id"]]
        plan = cabinet.records["ad_plans"][group["ad_plan_id"]]
        assert (row["name"], row["ad_group"], row["ad"]) == (plan["name"], group["name"], banner["name"])
        assert row["channel_id"] == f"{PREFIX}:vk_ads"
    (channel,) = follower.rows("channels")
    assert (channel["channel_id"], channel["name"], channel["platform"]) == (f"{PREFIX}:vk_ads", "VK Реклама", "VK")


def test_questions_are_as_few_as_the_limits_allow(cabinet: Cabinet, follower: Follower):
    """110 banners are three portions; 120 days are two slices of 92 at most."""
    follower.fetched()
    assert questions(cabinet) <= 3 * 2
    assert not [path for path, status in cabinet.requests if status == 400]


def test_later_costs_of_a_day_replace_earlier_ones(cabinet: Cabinet, follower: Follower):
    follower.run("full")
    cabinet.advance(timedelta(days=1))
    today = cabinet.today()
    banner = max(number for number, day in cabinet.costs if day == max(day for _, day in cabinet.costs))
    for back in range(RESTATED_DAYS + 1):
        cabinet.spend(banner, today - timedelta(days=back))
    # Money that is taken back whole leaves a day of zeros.
    cabinet.spend(banner, today - timedelta(days=2), cost=(0, 0, Decimal(0)))
    cabinet.add_banner()
    cabinet.records["banners"][banner]["name"] = "Другое имя"
    before = questions(cabinet)
    report = follower.run("changes")
    assert questions(cabinet) - before == 3
    assert follower.numbers() == cabinet.truth()
    assert sum(table.read for table in report.tables if table.table == "ad_costs") <= 111 * (RESTATED_DAYS + 2)
    assert "Другое имя" in {row["ad"] for row in follower.rows("campaigns")}


def test_costs_of_a_banner_that_is_deleted_stay(cabinet: Cabinet, follower: Follower):
    follower.run("full")
    for record in cabinet.records["banners"].values():
        record["status"] = "deleted"
    follower.run("full")
    assert follower.numbers() == cabinet.truth()
    before = cabinet.truth()
    cabinet.records["banners"].clear()
    follower.run("full")
    assert follower.numbers() == before


def test_nothing_changed_changes_nothing(follower: Follower):
    follower.run("full")
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_period_is_filled_in_later(cabinet: Cabinet, follower: Follower):
    last = cabinet.today() - timedelta(days=20)
    first = last - timedelta(days=95)
    follower.run("period", days=(first, last))
    assert follower.numbers() == cabinet.truth(first, last)
    assert cabinet.truth(first, last)["rows"] > 0
    assert follower.cursor == {}


def test_a_period_that_is_yet_to_come_is_empty(cabinet: Cabinet, follower: Follower):
    day = cabinet.today() + timedelta(days=5)
    follower.run("period", days=(day, day))
    assert questions(cabinet) == 0
    assert follower.rows("ad_costs") == []


def test_an_account_without_ads_is_followed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Cabinet(plans=1, banners=0) as cabinet:
        monkeypatch.setattr("rakurs.sources.vk_ads.account.ADDRESS", f"{cabinet.url}/api/v2")
        follower = Follower(tmp_path / "empty", cabinet)
        follower.run("full")
        assert follower.rows("ad_costs") == []
        assert follower.cursor == {"day": cabinet.today().isoformat()}
        cabinet.add_banner(age=3)
        follower.run("changes")
        assert follower.numbers() == cabinet.truth()
        follower.close()


def test_the_accounts_clock_and_zone_say_what_day_it_is(cabinet: Cabinet, tmp_path: Path):
    late = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
    cabinet.advance(late - cabinet.now())
    for zone, today in (("Europe/Moscow", "2026-03-02"), ("UTC", "2026-03-01"), ("", "2026-03-02")):
        follower = Follower(tmp_path, cabinet, timezone=zone)
        spool = Spool(tmp_path / f"in {zone.replace('/', ' ')}")
        assert SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent) == {"day": today}


def test_a_banner_that_tells_no_date_is_read_from_the_first_day(
    cabinet: Cabinet, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rakurs.sources.vk_ads.fetching.EARLIEST", cabinet.today() - timedelta(days=150))
    for record in cabinet.records["banners"].values():
        record["created"] = None
    assert follower.fetched() == cabinet.truth()


@pytest.mark.parametrize("after", [0, 200])
def test_a_run_that_is_stopped_goes_on_where_it_was(cabinet: Cabinet, follower: Follower, tmp_path: Path, after: int):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done > after:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full", compares=True)
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    assert again.is_done(BANNERS)
    assert (again.rows(COSTS) > 0) == (after > 0)
    before, lists = questions(cabinet), len(cabinet.requests)
    # A day passes between: the run still is one of the day it began on.
    cabinet.advance(timedelta(days=1))
    cursor = SOURCE.fetch(follower.settings, wanted, again, silent)
    assert not [path for path, _ in cabinet.requests[lists:] if "/statistics/" not in path]
    assert questions(cabinet) > before
    kept = [(row["banner"], row["day"]) for row in again.records(COSTS)]
    assert len(kept) == len({*kept})
    follower.taken(again, cursor)
    assert follower.numbers() == cabinet.truth()
    assert cursor == {"day": (cabinet.today() - timedelta(days=1)).isoformat()}


def test_a_spool_that_is_whole_is_not_asked_for_again(cabinet: Cabinet, follower: Follower, tmp_path: Path):
    wanted = Wanted(kind="full")
    cursor = SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "whole"), silent)
    before = len(cabinet.requests)
    assert SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "whole"), silent) == cursor
    assert len(cabinet.requests) == before
    kept = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "whole").iterdir())
    assert cabinet.token not in f"{kept}{cursor}{SOURCE.identity(follower.settings)}{follower.settings!r}"


@pytest.mark.parametrize("fault", ["500", "503", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(cabinet: Cabinet, follower: Follower, fault: str):
    cabinet.faults.every, cabinet.faults.kinds = 2, [fault]
    assert follower.fetched() == cabinet.truth()


def test_silence_is_waited_out_no_longer_than_patience(
    cabinet: Cabinet, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.3)
    cabinet.faults.every, cabinet.faults.kinds, cabinet.faults.slow_seconds = 1, ["slow"], 0.6
    with pytest.raises(SourceUnreachable, match="does not answer"):
        follower.fetched()


def test_limits_are_waited_for_ever_longer(cabinet: Cabinet, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.vk_ads.account._FIRST_LIMIT_PAUSE_SECONDS", 0.01)
    waited: list[float] = []
    pause = calling.Pause.__init__
    monkeypatch.setattr(
        calling.Pause, "__init__", lambda self, seconds: (waited.append(seconds), pause(self, seconds))[1]
    )
    monkeypatch.setattr("rakurs.sources.vk_ads.account._LONGEST_LIMIT_PAUSE_SECONDS", 0.05)
    cabinet.refusals = 5
    cabinet.faults.on_request = lambda path, _asked: setattr(
        cabinet, "refusals", 1 if "/statistics/" in path and len(waited) == 5 else cabinet.refusals
    )
    assert follower.fetched() == cabinet.truth()
    assert waited == [0.01, 0.02, 0.04, 0.05, 0.05, 0.01]


def test_a_rate_is_kept_to(cabinet: Cabinet, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.vk_ads.account._FIRST_LIMIT_PAUSE_SECONDS", 0.1)
    cabinet.rate = 8
    assert follower.fetched() == cabinet.truth()
    assert any(status == 429 for _, status in cabinet.requests)


def test_a_limit_ends_a_trial_at_once(cabinet: Cabinet, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.vk_ads.account._FIRST_LIMIT_PAUSE_SECONDS", 60.0)
    cabinet.refusals = 1
    with pytest.raises(SourceUnreachable, match="limit"):
        SOURCE.check(follower.settings)


@pytest.mark.parametrize(
    ("door", "match"), [("is_withdrawn", "401.*expired_token"), ("is_closed", "403.*Access denied")]
)
def test_a_door_that_is_shut_says_what_to_do_and_keeps_its_secret(
    cabinet: Cabinet, follower: Follower, door: str, match: str
):
    setattr(cabinet, door, True)
    with pytest.raises(SourceRefused, match=match) as refused:
        follower.run("full")
    assert "API access" in refused.value.message.en
    assert cabinet.token not in f"{refused.value.message}{refused.value!r}"


def test_what_is_not_understood_is_told(cabinet: Cabinet, follower: Follower):
    def meanwhile(path: str, _asked: Any) -> None:
        if "/statistics/" in path:
            cabinet.records["banners"].clear()

    cabinet.faults.on_request = meanwhile
    with pytest.raises(SourceUnreachable, match=r"day\.json.*400.*ERR_WRONG_BANNERS: Unknown banners"):
        follower.run("full")


@pytest.mark.parametrize("change", ["one comes", "one goes", "always"])
def test_a_list_that_changes_while_it_is_read_is_read_again(cabinet: Cabinet, follower: Follower, change: str):
    seen: list[str] = []

    def meanwhile(path: str, asked: Any) -> None:
        if not path.endswith("/banners.json") or asked["offset"] == "0":
            return
        seen.append(path)
        if change == "one goes" and len(seen) == 1:
            gone = min(cabinet.records["banners"])
            del cabinet.records["banners"][gone]
            for key in [key for key in cabinet.costs if key[0] == gone]:
                del cabinet.costs[key]
        elif change == "always" or len(seen) == 1:
            cabinet.add_banner()

    cabinet.faults.on_request = meanwhile
    if change == "always":
        with pytest.raises(SourceUnreachable, match="changes while it is read"):
            follower.fetched()
        return
    assert follower.fetched() == cabinet.truth()


@pytest.mark.parametrize(
    "answer",
    [
        lambda _item, _day: [],
        lambda _item, _day: {},
        lambda _item, _day: {"items": {}},
        lambda _item, _day: {"items": ["x"]},
        lambda _item, _day: {"items": [{"rows": []}]},
        lambda _item, _day: {"items": [{"id": "many", "rows": []}]},
        lambda item, _day: {"items": [item | {"id": 1}]},
        lambda item, _day: {"items": [item | {"rows": {"2026-03-01": {}}}]},
        lambda item, day: {"items": [item | {"rows": [day | {"date": "01.03.2026"}]}]},
        lambda item, day: {"items": [item | {"rows": [day | {"date": "1999-03-01"}]}]},
        lambda item, day: {"items": [item | {"rows": [{"date": day["date"]}]}]},
        lambda item, day: {"items": [item | {"rows": [day | {"base": {"spent": "NaN"}}]}]},
        lambda item, day: {"items": [item | {"rows": [day | {"base": {"spent": "1,5 ₽"}}]}]},
        lambda item, day: {"items": [item | {"rows": [day | {"base": {"shows": "some"}}]}]},
    ],
)
def test_statistics_that_are_none_stop_the_run(
    cabinet: Cabinet, follower: Follower, answer: Callable[[Any, Any], Any], monkeypatch: pytest.MonkeyPatch
):
    def told(asked: Mapping[str, str]) -> Any:
        day = {"date": asked["date_from"], "base": {"shows": 1, "clicks": 1, "spent": "1"}}
        return answer({"id": int(asked["id"].split(",")[0]), "rows": [day]}, day)

    monkeypatch.setattr(cabinet, "_statistics", told)
    with pytest.raises(SourceUnreachable, match="not built as expected"):
        follower.fetched()


@pytest.mark.parametrize(
    "answer", [{"items": []}, {"count": 1, "items": [{"name": "x"}]}, {"count": "1", "items": []}, 5]
)
def test_lists_that_are_none_stop_the_run(
    cabinet: Cabinet, follower: Follower, answer: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cabinet, "_list", lambda _kind, _asked: answer)
    with pytest.raises(SourceUnreachable, match="not built as expected"):
        follower.fetched()


def test_money_is_in_the_currency_of_the_settings(cabinet: Cabinet, tmp_path: Path):
    follower = Follower(tmp_path, cabinet, currency="kzt")
    follower.run("full")
    assert {row["currency"] for row in follower.rows("ad_costs")} == {"KZT"}
    follower.close()


def test_a_trial_says_how_much_there_is(cabinet: Cabinet, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert reached.who == "VK Ads 12345"
    assert [number for _, number in reached.counts] == [6, 110]


def test_there_is_nothing_to_tell(follower: Follower):
    assert SOURCE.told(follower.settings, {"any": "thing"}) == ()
    assert follower.run("records").tables == ()
    assert SOURCE.identity(follower.settings) == "12345"


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"account": " "}, "number of the account"),
        ({"currency": "рубли"}, "three letters"),
        ({"timezone": "Mars/Olympus"}, "Europe/Moscow"),
        ({"timezone": "../etc/passwd"}, "Europe/Moscow"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: Mapping[str, str], match: str):
    with pytest.raises(ValueError, match=match):
        SOURCE.settings(**({"account": "1", "token": "t"} | wrong))

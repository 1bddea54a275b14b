# ruff: noqa: FBT001 - a test is given its cases
"""Does following an advertiser end with Direct's own numbers, whatever happens on the way?"""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.sources import calling
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_direct import SOURCE
from rakurs.sources.yandex_direct.fetching import RECENT_DAYS
from rakurs.sources.yandex_direct.settings import DirectSettings
from sources.following import Following
from sources.yandex_direct_server import Advertiser, Answer, Asked, problem

PREFIX = "yandex_direct"
PACKAGE = "rakurs.sources.yandex_direct"
AD_SPENDING_MART = next(mart for mart in MARTS if mart.table.name == "ad_spending")
REPORTS_OF_A_FULL_LOAD = 9
"""61 days, seven at a time."""


class Follower(Following):
    """Follows one advertiser."""

    marts = (CALENDAR_MART, AD_SPENDING_MART)

    def __init__(self, folder: Path, advertiser: Advertiser, **settings: Any) -> None:
        first = (advertiser.today - timedelta(days=60)).isoformat()
        given = {"address": advertiser.url, "token": advertiser.token, "login": advertiser.login, "first_day": first}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate({**given, **settings}), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        """As a company sees them: what advertising cost by day, and by the names of its campaigns."""
        spending = self.rows("ad_spending")
        names = {row["campaign_id"]: row["name"] for row in self.rows("campaigns")}
        by_campaign: dict[str, Decimal] = {}
        for row in spending:
            name = names[row["campaign_id"]]
            by_campaign[name] = by_campaign.get(name, Decimal(0)) + row["amount"]
        return {
            "rows": len(self.rows("ad_costs")),
            "days": len({row["spent_on"] for row in spending}),
            "clicks": sum(row["clicks"] for row in spending),
            "impressions": sum(row["impressions"] for row in spending),
            "amount": sum((row["amount"] for row in spending), Decimal(0)),
            "by_campaign": by_campaign,
        }


@pytest.fixture
def advertiser() -> Iterator[Advertiser]:
    with Advertiser() as found:
        yield found


@pytest.fixture
def follower(advertiser: Advertiser, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, advertiser)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(f"{PACKAGE}.advertiser._RATE", 1000.0)
    monkeypatch.setattr(f"{PACKAGE}.advertiser._BURST", 1000)
    monkeypatch.setattr(f"{PACKAGE}.advertiser._RETRY_SECONDS", 0.01)
    monkeypatch.setattr(f"{PACKAGE}.advertiser._LIMIT_SECONDS", dict.fromkeys((56, 152, 506, 9000), 0.01))


def test_a_full_load_has_directs_own_numbers(advertiser: Advertiser, follower: Follower):
    follower.run("full")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    assert {row["spent_on"] for row in follower.rows("ad_spending")} == {
        date.fromisoformat(row["Date"]) for row in advertiser.rows
    }
    assert follower.cursor == {"day": "2026-03-11"}
    assert follower.warehouse.quarantine_counts() == []


def test_cost_can_be_told_by_campaign_group_and_keyword_without_counting_twice(
    advertiser: Advertiser, follower: Follower
):
    follower.run("full")
    campaigns = {row["campaign_id"]: row for row in follower.rows("campaigns")}
    assert {row["channel_id"] for row in campaigns.values()} == {row["channel_id"] for row in follower.rows("channels")}
    told: dict[tuple[Any, ...], Decimal] = {}
    for row in follower.rows("ad_costs"):
        named = campaigns[row["campaign_id"]]
        key = (named["name"], named["ad_group"], named["keyword"])
        told[key] = told.get(key, Decimal(0)) + row["amount"]
    wanted: dict[tuple[Any, ...], Decimal] = {}
    for row in advertiser.rows:
        names = (None if row[one] == "--" else row[one] for one in ("AdGroupName", "Criteria"))
        key = (row["CampaignName"], *names)
        wanted[key] = wanted.get(key, Decimal(0)) + row["Cost"] * Decimal("1.2") / 100
    assert told == wanted
    assert (advertiser.names[700_000], None, None) in told


@pytest.mark.parametrize("has_vat", [True, False])
def test_vat_and_currency_are_settings(advertiser: Advertiser, tmp_path: Path, has_vat: bool):
    follower = Follower(tmp_path, advertiser, has_vat=has_vat, currency="BYN")
    follower.run("full")
    costs = follower.rows("ad_costs")
    assert sum(row["amount"] for row in costs) == advertiser.truth(date.min, date.max, vat=has_vat)["amount"]
    assert {row["currency"] for row in costs} == {"BYN"}
    follower.close()


def test_figures_that_are_corrected_replace_earlier_ones(advertiser: Advertiser, follower: Follower):
    follower.run("full")
    advertiser.now += timedelta(days=2)
    for back in range(2):
        advertiser.add_day(advertiser.today - timedelta(days=back))
    corrected = date(2026, 3, 11) - timedelta(days=14)
    for row in advertiser.between(corrected, corrected):
        row["Cost"] -= 100
        row["Clicks"] += 1
    advertiser.names[700_001] = "Новое имя"
    for row in advertiser.rows:
        row["CampaignName"] = advertiser.names[int(row["CampaignId"])]
    advertiser.requests.clear()
    follower.run("changes")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    asked = [one.body["params"]["SelectionCriteria"] for one in advertiser.requests if one.path.endswith("reports")]
    since = datetime(2026, 3, 11, tzinfo=UTC).date() - timedelta(days=RECENT_DAYS)
    assert min(one["DateFrom"] for one in asked) == since.isoformat()
    assert max(one["DateTo"] for one in asked) == advertiser.today.isoformat() == follower.cursor["day"]


def test_nothing_changed_changes_nothing(follower: Follower):
    follower.run("full")
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_period_is_filled_in_later(advertiser: Advertiser, follower: Follower):
    first, last = advertiser.today - timedelta(days=30), advertiser.today - timedelta(days=12)
    follower.run("period", (first, last))
    assert follower.numbers() == advertiser.truth(first, last)
    assert follower.cursor == {}


def test_a_period_before_all_there_is_asks_for_none(advertiser: Advertiser, follower: Follower):
    follower.run("period", (date(2015, 1, 1), date(2015, 2, 1)))
    assert [one.path for one in advertiser.requests] == ["/json/v5/campaigns"]
    assert follower.rows("ad_costs") == []


def test_a_full_load_without_a_first_day_goes_back_three_years(advertiser: Advertiser, tmp_path: Path):
    old = date(2023, 3, 1)
    advertiser.add_day(old)
    follower = Follower(tmp_path, advertiser, first_day="")
    follower.run("full")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    asked = [one.body["params"]["SelectionCriteria"] for one in advertiser.requests if one.path.endswith("reports")]
    days = [(date.fromisoformat(one["DateFrom"]), date.fromisoformat(one["DateTo"])) for one in asked]
    assert days[0][0] == old
    assert all(later[0] == earlier[1] + timedelta(days=1) for earlier, later in pairwise(days))
    assert max((last - first).days for first, last in days) == 6
    follower.close()


def test_campaigns_come_page_by_page(
    advertiser: Advertiser, follower: Follower, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(f"{PACKAGE}.advertiser.PAGE", 5)
    follower.run("full")
    ids = {row["campaign_id"].split(":")[1].split("/")[0] for row in follower.rows("campaigns")}
    assert ids == {str(one) for one in advertiser.names}
    assert SOURCE.check(follower.settings).counts[0][1] == len(advertiser.names)


def test_a_report_that_takes_time_is_waited_for(advertiser: Advertiser, follower: Follower):
    advertiser.offline_polls = 3
    follower.run("full")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    names = [one.body["params"]["ReportName"] for one in advertiser.requests if one.path.endswith("reports")]
    assert {names.count(one) for one in names} == {4}


def test_a_report_prepared_before_is_not_taken_for_a_new_one(advertiser: Advertiser, follower: Follower):
    follower.run("full")
    follower.run("changes")
    before = set(advertiser.reports)
    for row in advertiser.between(advertiser.today, advertiser.today):
        row["Clicks"] += 5
    follower.run("changes")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    assert set(advertiser.reports) > before


@pytest.mark.parametrize("code", [56, 152, 506, 9000, 429])
def test_limits_are_waited_for(advertiser: Advertiser, follower: Follower, code: int):
    refusals = iter(range(3))

    def limited(asked: Asked) -> Answer | None:
        if asked.path.endswith("campaigns") or next(refusals, None) is None:
            return None
        return Answer({}, 429) if code == 429 else problem(code, "limit", status=400)

    advertiser.error = limited
    follower.run("full")
    assert next(refusals, None) is None
    assert follower.numbers() == advertiser.truth(date.min, date.max)


@pytest.mark.parametrize("fault", ["500", "502", "504", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(advertiser: Advertiser, follower: Follower, fault: str):
    advertiser.faults.every, advertiser.faults.kinds = 3, [fault]
    follower.run("full")
    assert follower.numbers() == advertiser.truth(date.min, date.max)


@pytest.mark.parametrize("lost", [slice(-4, None), slice(5, 8), slice(0, 1), slice(-2, None)])
def test_a_report_that_lacks_lines_is_asked_for_again(advertiser: Advertiser, follower: Follower, lost: slice):
    """Its end with the count of rows, rows from the middle, the names of columns, the count alone."""
    cut: list[str] = []

    def short(asked: Asked) -> Answer | None:
        if asked.path.endswith("campaigns") or cut:
            return None
        lines = advertiser.report(asked).body.split("\n")
        cut.append(asked.path)
        del lines[lost]
        return Answer("\n".join(lines) + "\n")

    advertiser.error = short
    follower.run("period", (advertiser.today - timedelta(days=6), advertiser.today))
    assert len([one for one in advertiser.requests if one.path.endswith("reports")]) == 2
    assert follower.numbers() == advertiser.truth(advertiser.today - timedelta(days=6), advertiser.today)


def test_a_server_that_never_answers_ends_the_run(
    advertiser: Advertiser, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    advertiser.faults.every, advertiser.faults.kinds = 1, ["503"]
    with pytest.raises(SourceUnreachable, match="server error 503"):
        follower.run("full")


def test_a_slow_server_ends_the_run(advertiser: Advertiser, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    advertiser.faults.on_request = lambda _asked: time.sleep(0.5)
    with pytest.raises(SourceUnreachable, match="no answer in"):
        follower.run("full")


@pytest.mark.parametrize("path", ["campaigns", "reports"])
def test_a_bad_token_says_what_to_do_and_keeps_its_secret(advertiser: Advertiser, follower: Follower, path: str):
    def refused(asked: Asked) -> Answer | None:
        return problem(53, "Authorization error", status=400) if asked.path.endswith(path) else None

    advertiser.error = refused
    with pytest.raises(SourceRefused, match="new token") as error:
        follower.run("full")
    kept = "".join(one.read_text() for one in follower.folder.rglob("run-*/*"))
    assert advertiser.token not in f"{error.value.message}{follower.settings!r}{kept}"


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (54, SourceRefused, "example-client"),
        (513, SourceRefused, "example-client"),
        (58, SourceRefused, "approved"),
        (1000, SourceUnreachable, "1000"),
        (8000, SourceUnreachable, "wrong field"),
    ],
)
def test_errors_are_said_in_words(
    advertiser: Advertiser, follower: Follower, code: int, kind: type[Exception], words: str
):
    advertiser.error = lambda _asked: problem(code, "wrong field", status=200)
    with pytest.raises(kind, match=words):
        follower.run("full")
    with pytest.raises(kind, match=words):
        SOURCE.check(follower.settings)


@pytest.mark.parametrize("answer", [{}, [], {"result": []}])
@pytest.mark.parametrize("path", ["campaigns", "reports"])
def test_an_answer_of_another_shape_is_no_empty_account(
    advertiser: Advertiser, follower: Follower, path: str, answer: Any
):
    advertiser.error = lambda asked: Answer(answer) if asked.path.endswith(path) else None
    with pytest.raises(SourceUnreachable):
        follower.run("full")


def test_a_list_that_does_not_move_on_stops_the_run(
    advertiser: Advertiser, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(f"{PACKAGE}.advertiser.PAGE", 5)
    stuck = {"result": {"Campaigns": [{"Id": 1, "Name": "a"}], "LimitedBy": 5}}
    advertiser.error = lambda asked: Answer(stuck) if asked.path.endswith("campaigns") else None
    with pytest.raises(SourceUnreachable):
        follower.run("full")


def test_a_report_of_too_many_rows_is_asked_for_in_halves(
    advertiser: Advertiser, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    a_day = len(list(advertiser.between(advertiser.today, advertiser.today)))
    monkeypatch.setattr(f"{PACKAGE}.fetching.MOST_ROWS", a_day * 2)
    follower.run("full")
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    monkeypatch.setattr(f"{PACKAGE}.fetching.MOST_ROWS", a_day)
    with pytest.raises(SourceUnreachable, match="2026-"):
        follower.run("changes")


def test_criteria_of_two_kinds_under_one_id_are_added_up(advertiser: Advertiser, follower: Follower):
    twins = [{**row, "CriteriaType": "FEED_FILTER"} for row in advertiser.rows if row["CriteriaType"] == "KEYWORD"]
    advertiser.rows += twins
    follower.run("full")
    truth = advertiser.truth(date.min, date.max)
    assert follower.numbers() == {**truth, "rows": truth["rows"] - len(twins)}


@pytest.mark.parametrize("kept", [0, 1, 2, 5])
def test_a_run_that_is_stopped_goes_on_where_it_was(
    advertiser: Advertiser, follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
):
    monkeypatch.setattr(f"{PACKAGE}.advertiser.PAGE", 5)
    advertiser.offline_polls = 1
    seen: set[int] = set()

    def stop(step: Text, *, done: int, total: int) -> None:
        del step, total
        seen.add(done)
        if len(seen) > kept:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "stopped"), stop)
    assert len(advertiser.reports) < REPORTS_OF_A_FULL_LOAD
    again = Spool(tmp_path / "stopped")
    follower.taken(again, SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent))
    assert follower.numbers() == advertiser.truth(date.min, date.max)
    # None was asked for a second time under another name, and none that was kept at all.
    assert len(advertiser.reports) == REPORTS_OF_A_FULL_LOAD
    asked = [one.body["params"]["ReportName"] for one in advertiser.requests if one.path.endswith("reports")]
    assert all(asked.count(name) == 2 for name in asked)


def test_an_empty_account_is_no_error(tmp_path: Path):
    with Advertiser(campaigns=0, days=0) as advertiser:
        follower = Follower(tmp_path, advertiser)
        follower.run("full")
        assert follower.rows("ad_costs") == []
        assert follower.cursor == {"day": "2026-03-11"}
        follower.close()


def test_a_connection_is_tried(advertiser: Advertiser, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert reached.who.startswith("example-client")
    assert reached.counts[0][1] == len(advertiser.names)


def test_days_are_those_of_the_advertisers_zone(advertiser: Advertiser, tmp_path: Path):
    follower = Follower(tmp_path, advertiser, timezone="UTC")
    follower.run("full")
    assert follower.cursor == {"day": "2026-03-10"}
    assert follower.numbers() == advertiser.truth(date.min, date(2026, 3, 10))
    follower.close()


def test_our_own_pace_is_below_the_limit():
    from rakurs.sources.yandex_direct import advertiser as module

    source = Path(module.__file__).read_text()
    rate, burst = source.split("_RATE, _BURST = ")[1].split("\n")[0].split(", ")
    assert float(rate) * 10 + int(burst) <= 20


@pytest.mark.parametrize(
    ("field", "value"),
    [("first_day", "вчера"), ("timezone", "Moscow?"), ("address", "ftp://x"), ("currency", "рубли"), ("login", "")],
)
def test_settings_that_are_none_are_refused_at_once(field: str, value: str):
    with pytest.raises(ValidationError):
        SOURCE.settings(**{"login": "a", "token": "t", field: value})


def test_an_identity_has_no_secret():
    settings = DirectSettings(login=" Example-Client ", token=SecretStr("secret"))
    assert SOURCE.identity(settings) == "example-client"
    assert SOURCE.told(settings, {}) == ()
    assert {one.name for one in SOURCE.fields} == set(SOURCE.settings.model_fields)

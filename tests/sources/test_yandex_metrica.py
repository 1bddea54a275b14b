"""Does following a counter end with Metrica's own numbers, whatever happens on the way?"""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.marts import CALENDAR_MART
from rakurs.sources import calling
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.yandex_metrica import SOURCE
from rakurs.sources.yandex_metrica import counter as asking
from rakurs.sources.yandex_metrica.fetching import RECENT_DAYS
from rakurs.sources.yandex_metrica.settings import MetricaSettings
from sources.following import Following
from sources.yandex_direct_server import Answer, Asked
from sources.yandex_metrica_server import SOURCES, Site, problem

PREFIX = "yandex_metrica"
PACKAGE = "rakurs.sources.yandex_metrica"


class Follower(Following):
    """Follows one counter."""

    marts = (CALENDAR_MART,)

    def __init__(self, folder: Path, site: Site, **settings: Any) -> None:
        given = {"address": site.url, "token": site.token, "counter": site.counter, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        found = self.rows("site_traffic")
        visits: dict[tuple[Any, Any], int] = {}
        for row in found:
            key = (_bare(row["channel_id"]), _bare(row["campaign_id"]))
            visits[key] = visits.get(key, 0) + row["visits"]
        goals = [row["goals"] for row in found if row["goals"] is not None]
        return {
            "rows": len(found),
            "visits": sum(row["visits"] for row in found),
            "users": sum(row["visitors"] for row in found),
            "bounces": sum(row["bounces"] for row in found),
            "goals": sum(goals) if goals else None,
            "by_campaign": visits,
        }


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as found:
        yield found


@pytest.fixture
def follower(site: Site, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, site)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(f"{PACKAGE}.counter._RATE", 1000.0)
    monkeypatch.setattr(f"{PACKAGE}.counter._BURST", 1000)


def test_a_full_load_has_metricas_own_numbers(site: Site, follower: Follower):
    follower.run("full")
    assert follower.numbers() == site.truth(date.min, date.max)
    found = follower.rows("site_traffic")
    assert {row["visited_on"] for row in found} == {date.fromisoformat(row["day"]) for row in site.rows}
    assert {row["sample_share"] for row in found} == {1.0}
    assert follower.cursor == {"day": site.today.isoformat()} == {"day": "2026-03-11"}
    assert follower.warehouse.quarantine_counts() == []


def test_channels_and_campaigns_are_listed_under_their_names(site: Site, follower: Follower):
    follower.run("full")
    assert {_bare(row["channel_id"]): row["name"] for row in follower.rows("channels")} == SOURCES
    assert {row["name"] for row in follower.rows("campaigns")} == {
        row["campaign"] for row in site.rows if row["campaign"]
    }
    known = {row["campaign_id"] for row in follower.rows("campaigns")}
    assert {row["campaign_id"] for row in follower.rows("site_traffic")} == {*known, None}


@pytest.mark.parametrize("goals", ["", "101, 103"])
def test_chosen_goals_are_summed_and_none_is_not_zero(site: Site, tmp_path: Path, goals: str):
    follower = Follower(tmp_path, site, goals=goals)
    follower.run("full")
    assert follower.numbers() == site.truth(date.min, date.max, goals=follower.settings.goals)
    follower.close()


def test_what_was_sampled_says_so(site: Site, follower: Follower):
    site.share = 0.5
    follower.run("full")
    assert {row["sample_share"] for row in follower.rows("site_traffic")} == {0.5}


def test_figures_that_are_corrected_replace_earlier_ones(site: Site, follower: Follower):
    follower.run("full")
    site.now += timedelta(days=2)
    for back in range(2):
        site.add_day(site.today - timedelta(days=back))
    corrected = date(2026, 3, 11) - timedelta(days=22)
    for row in site.between(corrected, corrected):
        row["visits"] += 7
        row["bounces"] = row["visits"] // 3
    site.requests.clear()
    follower.run("changes")
    assert follower.numbers() == site.truth(date.min, date.max)
    asked = [one.params for one in site.requests if one.path == "/stat/v1/data"]
    assert min(one["date1"] for one in asked) == (date(2026, 3, 11) - timedelta(days=RECENT_DAYS)).isoformat()
    assert max(one["date2"] for one in asked) == site.today.isoformat() == follower.cursor["day"]


def test_nothing_changed_changes_nothing(follower: Follower):
    follower.run("full")
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_period_is_filled_in_later(site: Site, follower: Follower):
    first, last = site.today - timedelta(days=25), site.today - timedelta(days=9)
    follower.run("period", (first, last))
    assert follower.numbers() == site.truth(first, last)
    assert follower.cursor == {}


def test_a_full_load_begins_with_the_counter_or_a_day_that_was_set(site: Site, follower: Follower, tmp_path: Path):
    follower.run("full")
    asked = [one.params for one in site.requests if one.path == "/stat/v1/data"]
    days = [(date.fromisoformat(one["date1"]), date.fromisoformat(one["date2"])) for one in asked]
    assert site.made - timedelta(days=2) <= days[0][0] < site.made
    assert all(later[0] == earlier[1] + timedelta(days=1) for earlier, later in pairwise(days))
    assert max((last - first).days for first, last in days) == 6
    later = Follower(tmp_path / "later", site, first_day="2026-03-01")
    later.run("full")
    assert later.numbers() == site.truth(date(2026, 3, 1), date.max)
    later.close()


@pytest.mark.parametrize("rows", [1, 7, 70])
def test_pages_are_counted_from_row_one(site: Site, follower: Follower, monkeypatch: pytest.MonkeyPatch, rows: int):
    # Ten rows a day: 70 is a week to the row, so that the last page is empty.
    monkeypatch.setattr(f"{PACKAGE}.fetching.PAGE", rows)
    days = (site.today - timedelta(days=8), site.today - timedelta(days=2))
    follower.run("period", days)
    assert follower.numbers() == site.truth(*days)
    offsets = [int(one.params["offset"]) for one in site.requests if one.path == "/stat/v1/data"]
    assert offsets == list(range(1, 72, rows))


def test_tags_that_differ_in_blanks_only_are_one(site: Site, follower: Follower):
    days = (site.today - timedelta(days=1), site.today)
    for day in days:
        site.add(day, "ad", " spring_sale ")
        site.add(day, "ad", "(not set)")
        site.add(day, "ad", "")
    follower.run("full")
    truth = site.truth(date.min, date.max)
    told = follower.numbers()
    assert {name: told[name] for name in ("visits", "users", "bounces")} == {
        name: truth[name] for name in ("visits", "users", "bounces")
    }
    assert told["rows"] == truth["rows"] - 6


def test_days_that_are_too_much_at_once_are_asked_for_in_halves(site: Site, follower: Follower):
    site.most_days = 2
    follower.run("full")
    assert follower.numbers() == site.truth(date.min, date.max)
    site.most_days = 0
    with pytest.raises(SourceUnreachable, match="too much"):
        follower.run("changes")


@pytest.mark.parametrize("status", [420, 429])
@pytest.mark.parametrize("kind", ["quota_requests_by_uid", "quota_parallel_requests"])
def test_quotas_are_waited_for(site: Site, follower: Follower, monkeypatch: pytest.MonkeyPatch, status: int, kind: str):
    monkeypatch.setattr(f"{PACKAGE}.counter._QUOTA_SECONDS", 0.02)
    monkeypatch.setattr(f"{PACKAGE}.counter._SHORT_QUOTA_SECONDS", {"quota_parallel_requests": 0.01})
    refusals = iter(range(3))
    site.error = lambda _asked: problem(status, kind, "Quota") if next(refusals, None) is not None else None
    follower.run("full")
    assert next(refusals, None) is None
    assert follower.numbers() == site.truth(date.min, date.max)


def test_somebody_who_tries_settings_does_not_wait_for_a_quota(site: Site, follower: Follower):
    site.error = lambda _asked: problem(420, "quota_requests_by_uid", "Quota")
    began = time.monotonic()
    with pytest.raises(SourceUnreachable, match="patience"):
        SOURCE.check(follower.settings)
    assert time.monotonic() - began < 5


def test_our_own_pace_is_below_the_quota():
    source = Path(asking.__file__).read_text(encoding="utf-8")
    rate, burst = source.split("_RATE, _BURST = ")[1].split("\n")[0].split(", ")
    assert float(rate) * 300 + int(burst) <= 200


@pytest.mark.parametrize("fault", ["500", "503", "504", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(site: Site, follower: Follower, fault: str):
    site.faults.every, site.faults.kinds = 3, [fault]
    follower.run("full")
    assert follower.numbers() == site.truth(date.min, date.max)


def test_a_server_that_never_answers_ends_the_run(site: Site, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    site.faults.every, site.faults.kinds = 1, ["503"]
    with pytest.raises(SourceUnreachable, match="server error 503"):
        follower.run("full")


def test_a_slow_server_ends_the_run(site: Site, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.2)
    site.faults.on_request = lambda _asked: time.sleep(0.5)
    with pytest.raises(SourceUnreachable, match="no answer in"):
        follower.run("full")


def test_rows_that_are_missing_stop_the_run(site: Site, follower: Follower):
    site.lost_rows = 1
    with pytest.raises(SourceUnreachable, match="69 of 70"):
        follower.run("period", (site.today - timedelta(days=6), site.today))


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"data": [], "total_rows": None}, {"data": [{"dimensions": [], "metrics": []}], "total_rows": 1}],
)
def test_an_answer_of_another_shape_is_no_empty_site(site: Site, follower: Follower, answer: Any):
    site.error = lambda asked: Answer(answer) if asked.path == "/stat/v1/data" else None
    with pytest.raises(SourceUnreachable):
        follower.run("full")


@pytest.mark.parametrize("path", ["/stat/v1/data", "/management"])
@pytest.mark.parametrize(("status", "kind"), [(401, "unauthorized"), (403, "invalid_token")])
def test_a_bad_token_says_what_to_do_and_keeps_its_secret(
    site: Site, follower: Follower, path: str, status: int, kind: str
):
    def refused(asked: Asked) -> Answer | None:
        return problem(status, kind, "Invalid oauth_token") if asked.path.startswith(path) else None

    site.error = refused
    with pytest.raises(SourceRefused, match="new token") as error:
        follower.run("full")
    kept = "".join(one.read_text() for one in follower.folder.rglob("run-*/*"))
    assert site.token not in f"{error.value.message}{follower.settings!r}{kept}"
    assert all(site.token not in f"{one.path}{one.params}" for one in site.requests)


def test_a_counter_of_somebody_else_and_a_goal_there_is_not_are_refused(site: Site, tmp_path: Path):
    for settings, words in (({"counter": 5}, "tag 5"), ({"goals": (999,)}, "goal999")):
        follower = Follower(tmp_path / words, site, **settings)
        with pytest.raises(SourceRefused, match=words):
            SOURCE.check(follower.settings)
        with pytest.raises(SourceRefused, match=words):
            follower.run("full")
        follower.close()


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_run_that_is_stopped_goes_on_where_it_was(site: Site, follower: Follower, tmp_path: Path, kept: int):
    seen: set[int] = set()

    def stop(step: Text, *, done: int, total: int) -> None:
        del step, total
        seen.add(done)
        if len(seen) > kept:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    assert bool(again.total) == bool(kept)
    # Whatever day it is by now, the run ends with the day it began.
    site.now += timedelta(days=1) if kept else timedelta(0)
    follower.taken(again, SOURCE.fetch(follower.settings, Wanted(kind="full"), again, silent))
    assert follower.numbers() == site.truth(date.min, date.max)
    assert follower.cursor == {"day": "2026-03-11"}
    asked = [one.params["date1"] for one in site.requests if one.path == "/stat/v1/data"]
    assert len(asked) == len(set(asked))


def test_an_empty_site_is_no_error(tmp_path: Path):
    with Site(days=0) as site:
        follower = Follower(tmp_path, site)
        follower.run("full")
        assert follower.rows("site_traffic") == []
        assert follower.cursor == {"day": "2026-03-11"}
        follower.close()


def test_a_connection_is_tried(follower: Follower):
    assert SOURCE.check(follower.settings).who == "Лавка shop.example (44147844)"


def test_a_zone_nobody_knows_is_that_of_moscow(site: Site, follower: Follower):
    before = site.answered

    def elsewhere(asked: Asked) -> Answer:
        answer = before(asked)
        if "counter" in answer.body:
            answer.body["counter"] |= {"time_zone_name": "Nowhere/Land", "create_time": "soon"}
        return answer

    site.answered = elsewhere
    follower.run("changes")
    assert follower.cursor == {"day": "2026-03-10"}
    assert follower.numbers() == site.truth(date.min, date(2026, 3, 10))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counter", "сайт"),
        ("counter", 0),
        ("goals", "1,a"),
        ("goals", "1," * 18),
        ("first_day", "1.1"),
        ("address", "x"),
    ],
)
def test_settings_that_are_none_are_refused_at_once(field: str, value: Any):
    with pytest.raises(ValidationError):
        SOURCE.settings(**{"counter": "1", "token": "t", field: value})


def test_an_identity_has_no_secret():
    settings = MetricaSettings(counter=44_147_844, token=SecretStr("secret"))
    assert SOURCE.identity(settings) == "44147844"
    assert SOURCE.told(settings, {}) == ()
    assert {one.name for one in SOURCE.fields} == set(SOURCE.settings.model_fields)


def _bare(prefixed: str | None) -> str | None:
    return prefixed and prefixed.removeprefix(f"{PREFIX}:")

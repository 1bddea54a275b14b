"""Does following a site of Calltouch end with the site's own calls and requests, whatever happens on the way?"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.calltouch import SOURCE
from rakurs.sources.calltouch.records import moment
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from sources.calltouch_server import NOTHING, Diary
from sources.following import Following

PREFIX = "calltouch"
PAGE = 20


class Follower(Following):
    """Follows one site."""

    timezone = "Asia/Vladivostok"

    def __init__(self, folder: Path, diary: Diary, **settings: Any) -> None:
        given = {"site_id": diary.site_id, "token": diary.token, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        calls = {
            _bare(call["call_id"]): (
                call["started_at"].replace(tzinfo=UTC),
                call["direction"],
                call["phone"],
                _bare(call["employee_id"]),
                _bare(call["channel_id"]),
                call["wait_seconds"],
                call["talk_seconds"],
                call["is_missed"],
            )
            for call in self.rows("calls")
        }
        leads = {
            _bare(lead["lead_id"]): (
                lead["created_at"].replace(tzinfo=UTC),
                _bare(lead["customer_id"]),
                _bare(lead["channel_id"]),
                _bare(lead["campaign_id"]),
                _bare(lead["manager_id"]),
            )
            for lead in self.rows("leads")
        }
        people = {
            _bare(one["customer_id"]): (one["name"], one["phone"], one["email"]) for one in self.rows("customers")
        }
        return {"calls": calls, "leads": leads, "people": people}


def truth_of(diary: Diary) -> dict[str, Any]:
    calls = {
        str(number): (
            datetime.strptime(call["date"], "%d/%m/%Y %H:%M:%S").replace(tzinfo=diary.zone).astimezone(UTC),
            "in",
            call["callerNumber"],
            call["manager"] or None,
            _channel(call),
            call["waitingConnect"],
            call["duration"],
            not call["successful"],
        )
        for number, call in diary.calls.items()
    }
    leads = {
        str(number): (
            datetime.fromtimestamp(lead["date"] / 1000, UTC),
            str(lead["client"]["clientId"]),
            _channel(lead["session"]),
            _told(lead["session"]["utmCampaign"]),
            lead["manager"] or None,
        )
        for number, lead in diary.leads.items()
    }
    clients = (lead["client"] for lead in diary.leads.values())
    people = {
        str(one["clientId"]): (
            one["fio"],
            next((phone["phoneNumber"] for phone in one["phones"]), None),
            next((mail["contactValue"] for mail in one["contacts"]), None),
        )
        for one in clients
    }
    return {"calls": calls, "leads": leads, "people": people}


@pytest.fixture
def diary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Diary]:
    with Diary() as found:
        monkeypatch.setattr("rakurs.sources.calltouch.site.ADDRESS", found.url)
        yield found


@pytest.fixture
def follower(diary: Diary, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, diary)
    yield found
    if "warehouse" in vars(found):
        found.warehouse.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.calltouch.fetching.HISTORY", timedelta(days=370))
    monkeypatch.setattr("rakurs.sources.calltouch.site._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.calltouch.site._BURST", 1000)
    monkeypatch.setattr("rakurs.sources.calltouch.fetching.PAGE", PAGE)


def test_a_full_load_has_the_sites_own_calls_and_requests(diary: Diary, follower: Follower):
    follower.run("full")
    assert follower.numbers() == truth_of(diary)
    assert follower.warehouse.quarantine_counts() == []
    assert {*diary.statuses} == {200}
    assert max(int(asked["page"]) for path, asked in diary.requests if "calls" in path.rpartition("/")[2]) > 1


def test_what_brought_people_is_told_without_the_words_for_nothing(diary: Diary, follower: Follower):
    follower.run("full")
    channels = {one["name"]: one["medium"] for one in follower.rows("channels")}
    assert channels == {"yandex / cpc": "cpc", "google / organic": "organic", "vk": None}
    assert {one["name"] for one in follower.rows("campaigns")} == {"brand", "осень 🎁"}
    assert {one["name"] for one in follower.rows("employees")} == {"Анна Ковалёва", "Игорь Петров"}
    tagged = sum(bool(one["callTags"]) for one in diary.calls.values())
    assert sum("Заказ" in (one["custom"] or "") for one in follower.rows("calls")) == tagged > 0
    assert not any(NOTHING in (one["custom"] or "") for one in follower.rows("calls"))


def test_new_records_and_late_words_on_old_ones_come_with_changes(diary: Diary, follower: Follower):
    follower.run("full")
    late = next(iter(diary.calls))
    diary.calls[late]["manager"] = "Мария Сёмина"
    diary.base += timedelta(hours=30)
    for at in range(45):
        diary.add_call(diary.base - timedelta(minutes=at))
        diary.add_request(diary.base - timedelta(minutes=at))
    follower.run("changes")
    assert follower.numbers() == truth_of(diary)
    assert follower.cursor == {"day": "2026-09-17"}
    assert diary.requests[-1][1]["dateFrom"] == "09/13/2026"


def test_nothing_changed_changes_nothing(follower: Follower):
    follower.run("full")
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_site_without_anything_brings_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with Diary(calls=0, requests=0) as diary:
        monkeypatch.setattr("rakurs.sources.calltouch.site.ADDRESS", diary.url)
        follower = Follower(tmp_path, diary)
        follower.run("full")
        assert follower.numbers() == {"calls": {}, "leads": {}, "people": {}}


def test_a_period_is_filled_in_later(diary: Diary, follower: Follower):
    first, last = date(2026, 5, 7), date(2026, 7, 12)
    follower.run("period", days=(first, last))
    found, truth = follower.numbers(), truth_of(diary)
    for kind in ("calls", "leads"):
        days = {number: one[0].astimezone(diary.zone).date() for number, one in truth[kind].items()}
        assert found[kind].keys() == {number for number, day in days.items() if first <= day <= last}
        assert found[kind]
    assert follower.cursor == {}


def test_the_first_day_can_be_set(diary: Diary, tmp_path: Path):
    follower = Follower(tmp_path, diary, since="2026-09-01")
    follower.run("full")
    truth = truth_of(diary)["calls"]
    wanted = {n for n, one in truth.items() if one[0].astimezone(diary.zone).date() >= date(2026, 9, 1)}
    assert follower.numbers()["calls"].keys() == wanted


def test_records_that_come_during_a_run_are_right_after_the_next(diary: Diary, follower: Follower):
    def meanwhile(_path: str, _asked: Mapping[str, str]) -> None:
        diary.base += timedelta(seconds=30)
        diary.add_call(diary.base)
        diary.add_request(diary.base)

    diary.faults.on_request = meanwhile
    follower.run("full")
    diary.faults.on_request = None
    follower.run("changes")
    assert follower.numbers() == truth_of(diary)


def test_a_server_that_stumbles_is_asked_again(diary: Diary, follower: Follower):
    diary.faults.every, diary.faults.kinds = 3, ["500", "drop", "half", "502", "garbage", "empty"]
    follower.run("full")
    assert {500, 502} < {*diary.statuses}
    assert follower.numbers() == truth_of(diary)


def test_a_slow_answer_is_not_waited_for_without_end(diary: Diary, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.4)
    diary.faults.every, diary.faults.kinds, diary.faults.slow_seconds = 2, ["slow"], 5.0
    with pytest.raises(SourceUnreachable, match="no answer in"):
        follower.run("full")


def test_limits_are_waited_for_ever_longer(diary: Diary, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.calltouch.site._LIMIT_PAUSE_SECONDS", 0.1)
    diary.faults.rate = 30
    follower.run("full")
    assert 0 < diary.statuses.count(429) < 20
    assert follower.numbers() == truth_of(diary)


def test_our_own_pace_is_below_the_limit(diary: Diary, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.calltouch.site._RATE", 4.0)
    monkeypatch.setattr("rakurs.sources.calltouch.site._BURST", 4)
    monkeypatch.setattr("rakurs.sources.calltouch.fetching.HISTORY", timedelta(days=80))
    diary.faults.rate = 8
    follower.run("full")
    assert 429 not in diary.statuses
    assert len(diary.statuses) > 8


def test_a_limit_ends_a_trial_before_long(diary: Diary, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "TRIAL_SECONDS", 1.5)
    diary.faults.rate = 0
    with pytest.raises(SourceUnreachable, match="limit"):
        SOURCE.check(follower.settings)


@pytest.mark.parametrize("status", ["401", "403"])
def test_a_refused_token_says_what_to_do_and_keeps_its_secret(diary: Diary, follower: Follower, status: str):
    diary.faults.every, diary.faults.kinds = 1, [status]
    with pytest.raises(SourceRefused, match=rf"{status}.*Integrations") as refused:
        follower.run("full")
    assert diary.token not in f"{refused.value.message}{follower.settings!r}"


def test_a_wrong_token_is_refused_and_not_repeated(diary: Diary, tmp_path: Path):
    with pytest.raises(SourceRefused, match="did not take the token") as refused:
        Follower(tmp_path, diary, token="wrong-token").run("full")
    assert "wrong-token" not in str(refused.value.message)


def test_a_wrong_site_is_said_without_the_token(diary: Diary, tmp_path: Path):
    with pytest.raises(SourceUnreachable, match="Check the id of the site, 999") as wrong:
        Follower(tmp_path, diary, site_id="999").run("full")
    assert diary.token not in str(wrong.value.message)


@pytest.mark.parametrize("odd", [{"errorCode": 5, "message": "Нет доступа"}, [1], "text", {"records": None}])
def test_answers_of_another_shape_stop_the_run(diary: Diary, follower: Follower, odd: Any):
    diary.faults.odd = odd
    with pytest.raises(SourceUnreachable, match="did not understand"):
        follower.run("full")


@pytest.mark.parametrize("after", [1, 259, 350])
def test_a_run_that_is_stopped_goes_on_where_it_was(diary: Diary, follower: Follower, tmp_path: Path, after: int):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done >= after:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full")
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    assert again.total >= after
    follower.taken(again, SOURCE.fetch(follower.settings, wanted, again, silent))
    assert (again.rows("calls"), again.rows("requests")) == (len(diary.calls), len(diary.leads))
    assert follower.numbers() == truth_of(diary)


def test_no_secret_is_kept_with_what_was_fetched(diary: Diary, follower: Follower, tmp_path: Path):
    spool = Spool(tmp_path / "kept")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    written = "".join(path.read_text() for path in spool.folder.iterdir())
    assert diary.token not in f"{written}{cursor}{SOURCE.identity(follower.settings)}"


def test_a_trial_says_how_much_there_is(diary: Diary, follower: Follower):
    # A trial asks for the days of our own clock until the site has told its own.
    for at in range(5):
        diary.add_call(datetime.now(UTC) - timedelta(days=at))
    diary.add_request(datetime.now(UTC))
    reached = SOURCE.check(follower.settings)
    assert reached.who == "127.0.0.1, 45840"
    assert [count for _, count in reached.counts] >= [5, 1]


def test_single_records_are_not_asked_for(diary: Diary, follower: Follower, tmp_path: Path):
    wanted = Wanted(kind="records", cursor={"day": "x"})
    assert SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "records"), silent) == {"day": "x"}
    assert not diary.requests
    assert SOURCE.told(follower.settings, {"callId": "5"}) == ()


@pytest.mark.parametrize("wrong", [{"site_id": "shop"}, {"since": "yesterday"}, {"timezone": "Mars/Olympus"}])
def test_settings_that_cannot_be_are_refused_at_once(wrong: dict[str, str]):
    with pytest.raises(ValueError, match="is needed"):
        SOURCE.settings(**{"site_id": "1", "token": "t", **wrong})


@pytest.mark.parametrize("written", ["03/04/2026 10:20:30", "2026-04-03 10:20:30", "2026-04-03T07:20:30+00:00"])
def test_the_time_of_a_call_may_be_written_three_ways(diary: Diary, written: str):
    assert moment(written, diary.zone) == "2026-04-03T07:20:30+00:00"


def _channel(visit: Mapping[str, Any]) -> str | None:
    parts = [_told(visit["source"]) or _told(visit["utmSource"]), _told(visit["medium"]) or _told(visit["utmMedium"])]
    return " / ".join(filter(None, parts)) or None


def _told(value: str) -> str | None:
    return value if value not in ("", NOTHING) else None


def _bare(key: str | None) -> str | None:
    return key and key.removeprefix(f"{PREFIX}:")

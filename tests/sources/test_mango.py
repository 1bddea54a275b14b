"""Does following an exchange of Mango Office end with the exchange's own calls, whatever happens on the way?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rakurs.core.errors import Cancelled, NotAllowed, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.live import Change, Wanted
from rakurs.sources.mango import SOURCE
from rakurs.sources.spool import Spool
from sources.following import Following
from sources.mango_server import Exchange

PREFIX = "mango"
MOSCOW = ZoneInfo("Europe/Moscow")
ORDER = "/vpbx/stats/request"


class Follower(Following):
    """Follows one exchange."""

    timezone = "Asia/Vladivostok"

    def __init__(self, folder: Path, exchange: Exchange, **settings: Any) -> None:
        given = {"api_key": exchange.key, "api_salt": exchange.salt, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        return {
            call["call_id"].removeprefix(f"{PREFIX}:"): {
                "start": int(call["started_at"].replace(tzinfo=UTC).timestamp()),
                "way": call["direction"],
                "phone": call["phone"],
                "employee": call["employee_id"] and call["employee_id"].removeprefix(f"{PREFIX}:"),
                "wait": call["wait_seconds"],
                "talk": call["talk_seconds"],
                "is_missed": call["is_missed"],
            }
            for call in self.rows("calls")
        }


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    with Exchange() as found:
        monkeypatch.setattr("rakurs.sources.mango.exchange.ADDRESS", found.url)
        yield found


@pytest.fixture
def follower(exchange: Exchange, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, exchange)
    yield found
    if "warehouse" in vars(found):
        found.warehouse.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.mango.fetching.HISTORY", timedelta(days=370))
    monkeypatch.setattr("rakurs.sources.mango.exchange._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.mango.exchange._BURST", 1000)
    monkeypatch.setattr("rakurs.sources.mango.exchange._POLL_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.mango.exchange._BLOCK_SECONDS", 0.02)


def test_a_full_load_has_the_exchanges_own_calls(exchange: Exchange, follower: Follower):
    exchange.pending = 2
    follower.run("full")
    assert follower.numbers() == exchange.truth
    assert follower.warehouse.quarantine_counts() == []
    assert {*exchange.statuses} == {200, 204}
    assert {one["name"] for one in follower.rows("employees")} == {"101", "102"}


def test_of_what_a_call_consists_is_told_beside_it(exchange: Exchange, follower: Follower):
    follower.run("full")
    recordings = {leg["records"].strip("[]").replace(",", ", ") for leg in exchange.legs} - {""}
    told = "".join(one["custom"] or "" for one in follower.rows("calls"))
    assert recordings
    assert all(one in told for one in recordings)
    assert "1110" in told


def test_new_calls_and_late_recordings_come_with_changes(exchange: Exchange, follower: Follower):
    follower.run("full")
    late = next(leg for leg in exchange.legs if leg["answer"] and leg["to_extension"] and not leg["from_extension"])
    late["records"] = "[late]"
    exchange.base += timedelta(hours=2)
    for at in range(40):
        exchange.add_call(exchange.base - timedelta(minutes=at + 1))
    follower.run("changes")
    assert follower.numbers() == exchange.truth
    ordered = [asked for path, asked in exchange.requests if path == ORDER]
    margin = timedelta(hours=2, days=3) + timedelta(hours=2)
    assert int(ordered[-1]["date_from"]) == int((exchange.base - margin).timestamp())
    assert any("late" in (one["custom"] or "") for one in follower.rows("calls"))


def test_nothing_changed_changes_nothing(exchange: Exchange, follower: Follower):
    follower.run("full")
    exchange.base += timedelta(hours=2)
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_an_exchange_without_calls_brings_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    with Exchange(calls=0) as exchange:
        monkeypatch.setattr("rakurs.sources.mango.exchange.ADDRESS", exchange.url)
        follower = Follower(tmp_path, exchange)
        follower.run("full")
        assert follower.rows("calls") == []
        assert follower.cursor == {"since": str(int(exchange.base.timestamp()))}


def test_a_period_is_filled_in_later(exchange: Exchange, follower: Follower):
    first, last = date(2026, 5, 7), date(2026, 7, 12)
    follower.run("period", days=(first, last))
    days = {entry: datetime.fromtimestamp(call["start"], MOSCOW).date() for entry, call in exchange.truth.items()}
    assert follower.numbers().keys() == {entry for entry, day in days.items() if first <= day <= last}
    assert follower.rows("calls")
    assert follower.cursor == {}


def test_a_period_that_is_not_over_ends_now(exchange: Exchange, follower: Follower):
    follower.run("period", days=(date(2026, 9, 10), date(2026, 12, 31)))
    begin = datetime(2026, 9, 10, tzinfo=MOSCOW).timestamp()
    assert follower.numbers().keys() == {entry for entry, call in exchange.truth.items() if call["start"] >= begin}


def test_a_call_on_both_sides_of_a_slice_is_whole(exchange: Exchange, tmp_path: Path):
    edges = [datetime(2026, 8, 1, tzinfo=MOSCOW) + n * timedelta(days=25) for n in range(2)]
    entries = [exchange.add_call(edge - timedelta(seconds=20), "transferred") for edge in edges]
    follower = Follower(tmp_path, exchange, since="2026-08-01")
    follower.run("full")
    begin = edges[0].timestamp()
    assert follower.numbers() == {entry: call for entry, call in exchange.truth.items() if call["start"] >= begin}
    assert entries[1] in follower.numbers()
    assert entries[0] not in follower.numbers()


@pytest.mark.parametrize("path", ["stats/result", "result/stats"])
def test_either_spelling_of_the_address_of_results_does(exchange: Exchange, follower: Follower, path: str):
    exchange.result_path, exchange.has_header = path, True
    follower.run("full")
    assert follower.numbers() == exchange.truth
    # Which one it is is learned once.
    assert exchange.statuses.count(404) == (0 if path == "stats/result" else 1)


def test_results_that_are_gone_are_ordered_anew(exchange: Exchange, follower: Follower):
    asked = Counter[str]()

    def meanwhile(path: str, _asked: Mapping[str, Any]) -> None:
        asked[path] += 1
        exchange.lost_orders = 2 if asked[ORDER] == 3 and path == ORDER else exchange.lost_orders

    exchange.faults.on_request = meanwhile
    follower.run("full")
    assert follower.numbers() == exchange.truth
    assert exchange.statuses.count(404) >= 4


def test_results_that_never_are_there_end_the_run(exchange: Exchange, follower: Follower):
    exchange.lost_orders = 1000
    with pytest.raises(SourceUnreachable, match="did not get the statistics"):
        follower.run("full")


def test_statistics_that_are_never_ready_end_the_run(
    exchange: Exchange, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rakurs.sources.mango.exchange._READY_SECONDS", 0.3)
    exchange.pending = 10_000
    with pytest.raises(SourceUnreachable, match="did not get the statistics"):
        follower.run("full")


def test_calls_that_come_during_a_run_are_right_after_the_next(exchange: Exchange, follower: Follower):
    def meanwhile(_path: str, _asked: Mapping[str, Any]) -> None:
        exchange.base += timedelta(seconds=30)
        exchange.add_call(exchange.base - timedelta(seconds=1))

    exchange.faults.on_request = meanwhile
    follower.run("full")
    exchange.faults.on_request = None
    exchange.base += timedelta(seconds=30)
    follower.run("changes")
    assert follower.numbers() == exchange.truth


def test_a_server_that_stumbles_is_asked_again(exchange: Exchange, follower: Follower):
    exchange.faults.every, exchange.faults.kinds = 3, ["500", "drop", "garbage", "502", "half", "busy"]
    follower.run("full")
    assert {500, 502} < {*exchange.statuses}
    assert follower.numbers() == exchange.truth


def test_a_slow_answer_is_not_waited_for_without_end(
    exchange: Exchange, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.4)
    exchange.faults.every, exchange.faults.kinds, exchange.faults.slow_seconds = 2, ["slow"], 5.0
    with pytest.raises(SourceUnreachable, match="no answer in"):
        follower.run("full")


def test_limits_are_waited_for(exchange: Exchange, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.mango.exchange._LIMIT_PAUSE_SECONDS", 0.1)
    exchange.faults.orders_a_second = 10
    follower.run("full")
    assert 0 < exchange.statuses.count(429) < 20
    assert follower.numbers() == exchange.truth


def test_orders_are_two_seconds_apart(exchange: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.mango.exchange._RATE", 0.5)
    monkeypatch.setattr("rakurs.sources.mango.exchange._BURST", 1)
    exchange.faults.orders_a_second = 1
    Follower(tmp_path, exchange, since="2026-09-10").run("full")
    assert exchange.statuses == [200, 200, 200]


def test_a_block_after_good_answers_is_waited_for(exchange: Exchange, follower: Follower):
    exchange.faults.every, exchange.faults.kinds = 5, ["401"]
    follower.run("full")
    assert 401 in exchange.statuses
    assert follower.numbers() == exchange.truth


@pytest.mark.parametrize("wrong", [{"api_key": "another"}, {"api_salt": "wrong-salt"}])
def test_wrong_keys_say_what_to_do_and_are_not_repeated(exchange: Exchange, tmp_path: Path, wrong: dict[str, str]):
    follower = Follower(tmp_path, exchange, **wrong)
    for ask in (lambda: follower.run("full"), lambda: SOURCE.check(follower.settings)):
        with pytest.raises(SourceRefused, match="Compare both") as refused:
            ask()
        assert not {exchange.salt, "wrong-salt"} & {*str(refused.value.message).split()}
    assert "wrong-salt" not in repr(follower.settings)
    assert exchange.statuses == [401, 401]


def test_keys_that_stop_being_good_end_the_run(exchange: Exchange, follower: Follower):
    def meanwhile(path: str, _asked: Mapping[str, Any]) -> None:
        exchange.salt = "other" if path != ORDER else exchange.salt

    exchange.faults.on_request = meanwhile
    with pytest.raises(SourceRefused, match="Compare both"):
        follower.run("full")


@pytest.mark.parametrize(("odd", "code"), [({"result": 3100}, "3100"), ({"key": 5}, "?"), ({}, "?")])
def test_codes_instead_of_a_key_stop_the_run(exchange: Exchange, follower: Follower, odd: Any, code: str):
    exchange.faults.odd = odd
    with pytest.raises(SourceUnreachable, match=rf"code \{code}" if code == "?" else code):
        follower.run("full")


def test_a_code_instead_of_a_table_stops_the_run(exchange: Exchange, follower: Follower):
    def meanwhile(path: str, _asked: Mapping[str, Any]) -> None:
        exchange.faults.odd = {"result": 3300} if path != ORDER else None

    exchange.faults.on_request = meanwhile
    with pytest.raises(SourceUnreachable, match="3300"):
        follower.run("full")


@pytest.mark.parametrize("after", [1, 100, 250])
def test_a_run_that_is_stopped_goes_on_where_it_was(exchange: Exchange, follower: Follower, tmp_path: Path, after: int):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done >= after:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full")
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    assert again.rows("calls") >= after
    follower.taken(again, SOURCE.fetch(follower.settings, wanted, again, silent))
    assert again.rows("calls") == len(exchange.truth)
    assert follower.numbers() == exchange.truth


def test_a_call_that_a_webhook_told_of_is_read_at_once(exchange: Exchange, follower: Follower):
    follower.run("full")
    known = follower.numbers()
    exchange.base += timedelta(minutes=20)
    told, untold = (exchange.add_call(exchange.base - timedelta(minutes=n), "answered") for n in (4, 6))
    changes = SOURCE.told(follower.settings, exchange.hook(told))
    assert changes == (Change(stream="calls", record_id=told),)
    cursor = follower.cursor
    follower.run("records", changes=[*changes, Change(stream="calls", record_id="unknown")])
    assert follower.numbers() == {**known, told: exchange.truth[told]}
    assert untold not in follower.numbers()
    assert follower.cursor == cursor


def test_nothing_is_asked_for_where_nothing_was_told(exchange: Exchange, follower: Follower):
    follower.run("records", changes=[Change(stream="deals", record_id="5")])
    assert not exchange.requests


def test_a_webhook_that_is_not_signed_as_it_should_be_is_refused(exchange: Exchange, follower: Follower):
    form = exchange.hook("entry")
    for wrong in ({"sign": "0" * 64}, {"json": form["json"].replace("entry", "other", 1)}, {"sign": ""}, {"sign": "ё"}):
        with pytest.raises(NotAllowed):
            SOURCE.told(follower.settings, form | wrong)
    with pytest.raises(NotAllowed):
        SOURCE.told(follower.settings, {})


@pytest.mark.parametrize("event", [{"call_direction": 0}, {"entry_id": None}, {"entry_id": ""}])
def test_events_of_no_interest_are_passed_by(exchange: Exchange, follower: Follower, event: dict[str, Any]):
    assert SOURCE.told(follower.settings, exchange.hook("entry", **event)) == ()
    course = {"entry_id": "entry", "call_id": "c", "call_state": "Connected"}
    assert SOURCE.told(follower.settings, exchange.signed(course)) == ()
    assert SOURCE.told(follower.settings, exchange.signed([1])) == ()


def test_a_trial_says_who_answers(exchange: Exchange, follower: Follower):
    assert SOURCE.check(follower.settings).who == "127.0.0.1"
    assert len(exchange.requests) == 1


def test_no_secret_is_kept_with_what_was_fetched(exchange: Exchange, follower: Follower, tmp_path: Path):
    spool = Spool(tmp_path / "kept")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    written = "".join(path.read_text() for path in spool.folder.iterdir())
    assert exchange.salt not in f"{written}{cursor}{SOURCE.identity(follower.settings)}{exchange.requests}"


@pytest.mark.parametrize("wrong", [{"api_key": " "}, {"since": "yesterday"}])
def test_settings_that_cannot_be_are_refused_at_once(wrong: dict[str, str]):
    with pytest.raises(ValueError, match="is needed"):
        SOURCE.settings(**{"api_key": "1", "api_salt": "t", **wrong})

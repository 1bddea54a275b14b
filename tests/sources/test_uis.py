"""Does following a UIS account end with the account's own calls, whatever happens on the way?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from rakurs.sources.uis import SOURCE
from sources.following import Following
from sources.uis_server import EMPLOYEES, Office

PREFIX = "uis"
PAGE = 50


class Follower(Following):
    """Follows one account."""

    def __init__(self, folder: Path, office: Office, **settings: Any) -> None:
        given = {"address": office.url, "token": office.token, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def numbers(self) -> dict[str, Any]:
        return {
            call["call_id"].removeprefix(f"{PREFIX}:"): (
                call["started_at"].replace(tzinfo=UTC),
                call["direction"],
                call["phone"],
                _bare(call["employee_id"]),
                _bare(call["channel_id"]),
                call["wait_seconds"],
                call["talk_seconds"],
                call["is_missed"],
                call["recording_url"],
            )
            for call in self.rows("calls")
        }


def truth_of(office: Office) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, call in office.calls.items():
        source = call["utm_source"] or call["source_name"]
        medium = call["utm_medium"] or call["channel"]
        found[str(number)] = (
            datetime.fromisoformat(call["start_time"]).replace(tzinfo=office.zone).astimezone(UTC),
            call["direction"],
            call["contact_phone_number"],
            str(call["last_answered_employee_id"] or call["employees"][0]["employee_id"]),
            f"{source} / {medium}",
            call["wait_duration"],
            call["talk_duration"],
            call["is_lost"] and call["direction"] == "in",
            call["full_record_file_link"],
        )
    return found


@pytest.fixture
def office() -> Iterator[Office]:
    with Office(calls=330) as found:
        yield found


@pytest.fixture
def follower(office: Office, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, office)
    yield found
    if "warehouse" in vars(found):
        found.warehouse.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.uis.fetching.HISTORY", timedelta(days=370))
    monkeypatch.setattr("rakurs.sources.uis.account._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.uis.account._BURST", 1000)
    monkeypatch.setattr("rakurs.sources.uis.account._RESET_MARGIN_SECONDS", 0.05)
    monkeypatch.setattr("rakurs.sources.uis.account._STUMBLE_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.uis.fetching.PAGE", PAGE)


def test_a_full_load_has_the_accounts_own_calls(office: Office, follower: Follower):
    follower.run("full")
    assert follower.numbers() == truth_of(office)
    assert follower.warehouse.quarantine_counts() == []
    assert not office.refusals
    asked = [one["params"] for one in office.requests if one["method"] == "get.calls_report"]
    assert not any("offset" in one for one in asked)
    assert len(asked) > len(office.calls) / PAGE


def test_employees_channels_and_campaigns_are_told(office: Office, follower: Follower):
    follower.run("full")
    assert {_bare(one["employee_id"]): one["name"] for one in follower.rows("employees")} == {
        str(key): name for key, name in EMPLOYEES.items()
    }
    channels = {one["name"]: one["medium"] for one in follower.rows("channels")}
    assert channels == {
        "yandex / cpc": "cpc",
        "google / cpc": "cpc",
        "vk / social": "social",
        "Прямые заходы / direct": "direct",
    }
    campaigns = {one["utm_campaign"] or one["campaign_name"] for one in office.calls.values()}
    assert {one["name"] for one in follower.rows("campaigns")} == campaigns
    tagged = sum(bool(one["tags"]) for one in office.calls.values())
    assert sum("Заказ" in (one["custom"] or "") for one in follower.rows("calls")) == tagged > 0


def test_new_calls_and_late_recordings_come_with_changes(office: Office, follower: Follower):
    follower.run("full")
    late = max(office.calls, key=lambda number: office.calls[number]["start_time"])
    office.calls[late]["full_record_file_link"] = "https://media.example.org/late"
    office.base += timedelta(hours=2)
    for at in range(70):
        office.add_call(office.base - timedelta(minutes=at))
    before = len(office.requests)
    follower.run("changes")
    assert follower.numbers() == truth_of(office)
    first = office.requests[before + 1]["params"]["date_from"]
    assert datetime.fromisoformat(first).replace(tzinfo=office.zone) == office.base - timedelta(hours=2, days=3)


def test_nothing_changed_changes_nothing(office: Office, follower: Follower):
    follower.run("full")
    office.base += timedelta(hours=2)
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_an_account_without_calls_brings_none(tmp_path: Path):
    with Office(calls=0) as office:
        follower = Follower(tmp_path, office)
        follower.run("full")
        assert follower.rows("calls") == []
        assert follower.cursor["since"] == office.base.isoformat()


def test_a_period_is_filled_in_later(office: Office, follower: Follower):
    first, last = date(2026, 5, 1), date(2026, 8, 20)
    follower.run("period", days=(first, last))
    wanted = {
        number for number, call in truth_of(office).items() if first <= call[0].astimezone(office.zone).date() <= last
    }
    assert follower.numbers().keys() == wanted
    assert len(wanted) > PAGE
    assert follower.cursor == {}


def test_the_first_day_and_the_zone_can_be_set(office: Office, tmp_path: Path):
    follower = Follower(tmp_path, office, since="2026-09-01", timezone="Europe/Moscow")
    follower.run("full")
    wanted = [one for one in office.calls.values() if "2026-09-01" <= one["start_time"] <= "2026-09-15 15:00:00"]
    starts = {call[0].astimezone(UTC).isoformat() for call in follower.numbers().values()}
    told = {datetime.fromisoformat(one["start_time"] + "+03:00").astimezone(UTC).isoformat() for one in wanted}
    assert starts == told
    assert starts


def test_many_calls_of_one_second_come_once_each(office: Office, follower: Follower):
    for _ in range(PAGE - 1):
        office.add_call(office.base - timedelta(days=40))
    follower.run("full")
    assert follower.numbers() == truth_of(office)


def test_more_calls_of_one_second_than_a_page_holds_stop_the_run(office: Office, follower: Follower):
    for _ in range(PAGE + 1):
        office.add_call(office.base - timedelta(days=40))
    with pytest.raises(SourceUnreachable, match="one second"):
        follower.run("full")


def test_calls_that_come_during_a_run_are_right_after_the_next(office: Office, follower: Follower):
    def meanwhile(_body: Mapping[str, Any]) -> None:
        office.base += timedelta(seconds=30)
        office.add_call(office.base)

    office.faults.on_request = meanwhile
    follower.run("full")
    office.faults.on_request = None
    office.base += timedelta(seconds=1)
    follower.run("changes")
    assert follower.numbers() == truth_of(office)


@pytest.mark.parametrize("faults", [["500", "drop", "half"], ["garbage", "empty", "internal"]])
def test_a_server_that_stumbles_is_asked_again(office: Office, follower: Follower, faults: list[str]):
    office.faults.every, office.faults.kinds = 3, faults
    follower.run("full")
    assert office.seen > 3 * len(faults)
    assert follower.numbers() == truth_of(office)


def test_a_slow_answer_is_asked_for_again(office: Office, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.4)
    office.faults.every, office.faults.kinds, office.faults.slow_seconds = 2, ["slow"], 5.0
    with pytest.raises(SourceUnreachable, match="no answer in"):
        follower.run("full")


def test_inner_errors_without_end_stop_the_run(office: Office, follower: Follower):
    office.faults.every, office.faults.kinds = 1, ["internal"]
    with pytest.raises(SourceUnreachable, match="inner error"):
        follower.run("full")


@pytest.mark.parametrize("limit", ["minute", "day"])
def test_limits_are_kept_to_before_they_are_met(office: Office, follower: Follower, limit: str):
    setattr(office, limit, 5)
    office.span = 0.3
    follower.run("full")
    assert follower.numbers() == truth_of(office)
    assert "limit_exceeded" not in office.refusals


def test_a_limit_that_others_used_up_is_waited_for(office: Office, follower: Follower):
    office.span = 0.5
    asked = Counter[str]()

    def meanwhile(_body: Mapping[str, Any]) -> None:
        asked["calls"] += 1
        office.minute = 0 if asked["calls"] == 3 else 10_000

    office.faults.on_request = meanwhile
    follower.run("full")
    assert office.refusals == ["limit_exceeded"]
    assert follower.numbers() == truth_of(office)


def test_a_limit_ends_a_trial_at_once(office: Office, follower: Follower):
    office.minute, office.span = 0, 60.0
    with pytest.raises(SourceUnreachable, match="limit"):
        SOURCE.check(follower.settings)


@pytest.mark.parametrize(
    ("mnemonic", "step"),
    [
        ("access_token_expired", "Make a new key"),
        ("access_token_blocked", "Make a new key"),
        ("ip_not_whitelisted", "Add it"),
        ("forbidden", "Give it"),
        ("method_component_disabled", "plan"),
        ("account_inactive", "support"),
    ],
)
def test_refusals_say_what_to_do_and_keep_the_key(office: Office, follower: Follower, mnemonic: str, step: str):
    office.faults.mnemonic = mnemonic
    with pytest.raises(SourceRefused, match=step) as refused:
        follower.run("full")
    assert office.token not in f"{refused.value.message}{follower.settings!r}"


def test_a_wrong_key_is_refused_and_not_repeated(office: Office, tmp_path: Path):
    with pytest.raises(SourceRefused, match="did not take the access key") as refused:
        Follower(tmp_path, office, token="wrong-key").run("full")
    assert "wrong-key" not in str(refused.value.message)


def test_other_errors_are_told_by_their_mnemonic_without_what_was_sent(office: Office, follower: Follower):
    office.faults.mnemonic = "invalid_parameters_combination"
    with pytest.raises(SourceUnreachable, match="invalid_parameters_combination") as wrong:
        follower.run("full")
    assert office.token not in str(wrong.value.message)


def test_calls_in_another_order_than_asked_stop_the_run(office: Office, follower: Follower):
    office.faults.shuffles = True
    with pytest.raises(SourceUnreachable, match="another order"):
        follower.run("full")


def test_an_address_of_something_else_is_said(office: Office, tmp_path: Path):
    office.faults.every, office.faults.kinds = 1, ["garbage"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calling, "PATIENCE_SECONDS", 0.2)
        with pytest.raises(SourceUnreachable, match="no JSON"):
            Follower(tmp_path, office).run("full")


@pytest.mark.parametrize("after", [1, 200, 329])
def test_a_run_that_is_stopped_goes_on_where_it_was(office: Office, follower: Follower, tmp_path: Path, after: int):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done >= after:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full")
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    again = Spool(tmp_path / "stopped")
    kept = again.rows("calls")
    assert kept > 0
    before = len(office.requests)
    follower.taken(again, SOURCE.fetch(follower.settings, wanted, again, silent))
    asked = [one["method"] for one in office.requests[before:]]
    assert "get.account" not in asked
    assert again.rows("calls") - kept <= len(office.calls) - kept + asked.count("get.calls_report")
    assert follower.numbers() == truth_of(office)


def test_no_secret_is_kept_with_what_was_fetched(office: Office, follower: Follower, tmp_path: Path):
    spool = Spool(tmp_path / "kept")
    cursor = SOURCE.fetch(follower.settings, Wanted(kind="full"), spool, silent)
    written = "".join(path.read_text() for path in spool.folder.iterdir())
    assert office.token not in f"{written}{cursor}{SOURCE.identity(follower.settings)}"


def test_a_trial_says_who_answers_and_how_much_there_is(office: Office, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert reached.who == "ООО «Пример» (127.0.0.1)"
    month = [call for call in truth_of(office).values() if call[0] >= office.base - timedelta(days=30)]
    assert reached.counts[0][1] == len(month) > 0


def test_single_records_are_not_asked_for(office: Office, follower: Follower, tmp_path: Path):
    wanted = Wanted(kind="records", cursor={"since": "x"})
    assert SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "records"), silent) == {"since": "x"}
    assert not office.requests
    assert SOURCE.told(follower.settings, {"any": "thing"}) == ()


@pytest.mark.parametrize(
    "wrong", [{"address": "company"}, {"address": "ftp://a.b"}, {"since": "yesterday"}, {"timezone": "Mars/Olympus"}]
)
def test_settings_that_cannot_be_are_refused_at_once(wrong: dict[str, str]):
    with pytest.raises(ValueError, match="is needed"):
        SOURCE.settings(**{"address": "dataapi.uiscom.ru", "token": "t", **wrong})


def test_an_address_may_be_short():
    assert SOURCE.settings(address=" dataapi.comagic.ru/v2.0 ", token="t").address == "https://dataapi.comagic.ru"


def _bare(key: str | None) -> str | None:
    return key and key.removeprefix(f"{PREFIX}:")

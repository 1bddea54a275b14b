"""Does following a property end with the property's own numbers, whatever happens on the way?"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rakurs.core.errors import Cancelled, SourceRefused, SourceUnreachable
from rakurs.core.loading import silent
from rakurs.core.text import Text
from rakurs.sources import calling
from rakurs.sources.ga4 import SOURCE
from rakurs.sources.ga4.fetching import RESTATED_DAYS, SLICE_DAYS, TRAFFIC
from rakurs.sources.live import Wanted
from rakurs.sources.spool import Spool
from sources.following import Following
from sources.ga4_server import EMAIL, PEM, Property

PREFIX = "ga4"
SUMS = {"visits": "sessions", "visitors": "totalUsers", "bounces": "bounces", "goals": "keyEvents"}


class Follower(Following):
    """Follows one property."""

    def __init__(self, folder: Path, property_: Property, **settings: Any) -> None:
        given = {"property_id": property_.property_id, "key": property_.key_file(), **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(given), prefix=PREFIX)

    def fetched(self) -> Mapping[str, float]:
        """What a whole run brings into its spool, summed: for what goes wrong on the way, before anything is loaded."""
        spool = self.spool()
        SOURCE.fetch(self.settings, Wanted(kind="full"), spool, silent)
        rows = list(spool.records(TRAFFIC))
        return {ours: sum(row[ours] for row in rows) for ours in SUMS} | {"rows": len(rows)}

    def numbers(self, first: date = date.min, last: date = date.max) -> Mapping[str, float]:
        rows = [row for row in self.rows("site_traffic") if first <= row["visited_on"] <= last]
        return {ours: sum(row[ours] for row in rows) for ours in SUMS} | {"rows": len(rows)}


def truth_of(property_: Property, first: date = date.min, last: date = date.max) -> Mapping[str, float]:
    told = property_.truth(first, last)
    return {ours: told[theirs] for ours, theirs in SUMS.items()} | {"rows": told["rows"]}


def reports(property_: Property) -> int:
    return sum(path.endswith(":runReport") for path, _ in property_.requests)


@pytest.fixture
def google() -> Iterator[Property]:
    with Property() as found:
        yield found


@pytest.fixture
def follower(google: Property, tmp_path: Path) -> Iterator[Follower]:
    found = Follower(tmp_path, google)
    yield found
    found.close()


@pytest.fixture(autouse=True)
def _near(google: Property, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("rakurs.sources.ga4.property.ADDRESS", f"{google.url}/v1beta")
    monkeypatch.setattr("rakurs.sources.ga4.property._RATE", 1000.0)
    monkeypatch.setattr("rakurs.sources.ga4.property._BURST", 1000)


def test_a_full_load_has_the_propertys_own_numbers(google: Property, follower: Follower):
    follower.run("full")
    assert follower.numbers() == truth_of(google)
    assert follower.warehouse.quarantine_counts() == []
    days = {(row["visited_on"], row["channel_id"], row["campaign_id"]) for row in follower.rows("site_traffic")}
    assert days == {
        (day, f"{PREFIX}:{source} / {medium}", f"{PREFIX}:{campaign or '(empty)'}")
        for day, source, medium, campaign in google.rows
    }
    assert follower.cursor == {"day": google.today().isoformat()}


def test_channels_and_campaigns_are_listed(google: Property, follower: Follower):
    follower.run("full")
    channels = {row["channel_id"]: (row["name"], row["medium"], row["platform"]) for row in follower.rows("channels")}
    assert channels == {
        f"{PREFIX}:{source} / {medium}": (f"{source} / {medium}", medium, source)
        for _, source, medium, _ in google.rows
    }
    campaigns = {row["campaign_id"]: row["name"] for row in follower.rows("campaigns")}
    assert campaigns == {f"{PREFIX}:{name or '(empty)'}": name or "(empty)" for *_, name in google.rows}


@pytest.mark.parametrize("page", [1, 7, 64])
def test_pages_neither_share_nor_lose_a_row(
    google: Property, follower: Follower, page: int, monkeypatch: pytest.MonkeyPatch
):
    for key in [key for key in google.rows if key[0] < google.today() - timedelta(days=20)]:
        del google.rows[key]
    monkeypatch.setattr("rakurs.sources.ga4.property.PAGE", page)
    brought = follower.fetched()
    assert brought == truth_of(google)
    assert reports(google) > len(google.rows) / page


def test_later_numbers_of_a_day_replace_earlier_ones(google: Property, follower: Follower):
    follower.run("full")
    google.advance(timedelta(days=1))
    today = google.today()
    google.count(today, "google", "organic", "(organic)")
    google.count(today - timedelta(days=1), "новый", "cpc", "Запуск")
    for key in [key for key in google.rows if key[0] >= today - timedelta(days=RESTATED_DAYS)]:
        google.count(*key)
    before = reports(google)
    report = follower.run("changes")
    assert follower.numbers() == truth_of(google)
    assert sum(table.read for table in report.tables if table.table == "site_traffic") < len(google.rows) / 2
    assert reports(google) - before == 2


def test_nothing_changed_changes_nothing(follower: Follower):
    follower.run("full")
    before = follower.warehouse.data_version
    follower.run("changes")
    assert follower.warehouse.data_version == before


def test_a_period_is_filled_in_later(google: Property, follower: Follower):
    last = google.today() - timedelta(days=40)
    first = last - timedelta(days=SLICE_DAYS + 3)
    follower.run("period", days=(first, last))
    assert follower.numbers() == truth_of(google, first, last)
    assert follower.cursor == {}


def test_a_period_that_is_yet_to_come_is_empty(google: Property, follower: Follower):
    day = google.today() + timedelta(days=5)
    follower.run("period", days=(day, day + timedelta(days=3)))
    assert follower.rows("site_traffic") == []


def test_a_property_without_visits_is_followed_too(google: Property, follower: Follower):
    kept = dict(google.rows)
    google.rows.clear()
    follower.run("full")
    assert follower.rows("site_traffic") == []
    google.rows |= kept
    follower.run("changes")
    since = google.today() - timedelta(days=RESTATED_DAYS)
    assert follower.numbers() == truth_of(google, since)


def test_the_propertys_clock_and_zone_say_what_day_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    for zone, today in (("Pacific/Auckland", date(2026, 3, 2)), ("America/Los_Angeles", date(2026, 3, 1))):
        with Property(days=5, zone=zone, clock=late) as google:
            monkeypatch.setattr("rakurs.sources.ga4.property.ADDRESS", f"{google.url}/v1beta")
            follower = Follower(tmp_path / zone, google)
            follower.run("full")
            assert follower.cursor == {"day": today.isoformat()}
            assert max(row["visited_on"] for row in follower.rows("site_traffic")) == today
            assert follower.numbers() == truth_of(google)
            follower.close()


def test_a_run_that_is_stopped_goes_on_where_it_was(google: Property, follower: Follower, tmp_path: Path):
    def stop(_step: Text, *, done: int, total: int) -> None:
        if done > 200:
            raise Cancelled(Text(ru="стоп", en="stop"))

    wanted = Wanted(kind="full", compares=True)
    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "stopped"), stop)
    before = reports(google)
    again = Spool(tmp_path / "stopped")
    assert 0 < again.total < len(google.rows)
    # A day passes between; the run still is one of the day it began on, and the next one brings the rest.
    google.advance(timedelta(days=1))
    google.count(google.today(), "google", "organic", "(organic)")
    cursor = SOURCE.fetch(follower.settings, wanted, again, silent)
    assert reports(google) - before < 90 / SLICE_DAYS
    assert again.rows(TRAFFIC) == google.truth(last=google.today() - timedelta(days=1))["rows"]
    follower.taken(again, cursor)
    assert follower.numbers() == truth_of(google, last=google.today() - timedelta(days=1))
    follower.run("changes")
    assert follower.numbers() == truth_of(google)


def test_a_spool_that_is_whole_is_not_asked_for_again(google: Property, follower: Follower, tmp_path: Path):
    wanted = Wanted(kind="full")
    cursor = SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "whole"), silent)
    before = len(google.requests)
    assert SOURCE.fetch(follower.settings, wanted, Spool(tmp_path / "whole"), silent) == cursor
    assert len(google.requests) == before
    kept = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "whole").iterdir())
    told = f"{kept}{cursor}{SOURCE.identity(follower.settings)}{follower.settings!r}"
    assert not [secret for secret in (PEM.splitlines()[1][:40], *google.tokens) if secret in told]


@pytest.mark.parametrize("fault", ["500", "503", "drop", "half", "garbage"])
def test_a_server_that_stumbles_is_asked_again(google: Property, follower: Follower, fault: str):
    google.faults.every, google.faults.kinds = 2, [fault]
    brought = follower.fetched()
    assert brought == truth_of(google)


@pytest.mark.parametrize("fault", ["500", "drop", "half", "garbage"])
def test_an_entrance_that_stumbles_is_tried_again(google: Property, follower: Follower, fault: str):
    stumbles = [fault, None]
    google.faults.every = 1
    google.faults.on_request = lambda path, _asked: google.faults.kinds.__setitem__(
        slice(None), [stumbles.pop(0) if path == "/token" and stumbles else None]
    )
    brought = follower.fetched()
    assert google.requests[0][0] == google.requests[1][0] == "/token"
    assert brought == truth_of(google)


def test_silence_is_waited_out_no_longer_than_patience(
    google: Property, follower: Follower, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(calling, "PATIENCE_SECONDS", 0.3)
    google.faults.every, google.faults.kinds, google.faults.slow_seconds = 1, ["slow"], 0.6
    with pytest.raises(SourceUnreachable, match="does not answer"):
        follower.run("full")


@pytest.mark.parametrize(
    ("refusal", "pause"),
    [
        ((429, "Exhausted concurrent requests quota."), "_CROWDED_PAUSE_SECONDS"),
        ((403, "Exhausted property tokens per day."), "_QUOTA_PAUSE_SECONDS"),
        ((429, "Exhausted property tokens for a project per hour."), "_QUOTA_PAUSE_SECONDS"),
    ],
)
def test_a_quota_is_waited_for(
    google: Property, follower: Follower, refusal: tuple[int, str], pause: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rakurs.sources.ga4.property._CROWDED_PAUSE_SECONDS", 99.0)
    monkeypatch.setattr("rakurs.sources.ga4.property._QUOTA_PAUSE_SECONDS", 99.0)
    monkeypatch.setattr(f"rakurs.sources.ga4.property.{pause}", 0.05)
    google.quotas = [refusal] * 3
    brought = follower.fetched()
    assert [told for _, told in google.requests].count(refusal[0]) == 3
    assert brought == truth_of(google)


def test_a_quota_ends_a_trial_at_once(google: Property, follower: Follower):
    google.quotas = [(429, "Exhausted property tokens per day.")]
    with pytest.raises(SourceUnreachable, match="limit"):
        SOURCE.check(follower.settings)


def test_a_wait_for_a_quota_can_be_stopped(google: Property, follower: Follower, tmp_path: Path):
    google.quotas = [(429, "Exhausted property tokens per day.")]

    def stop(_step: Text, *, done: int, total: int) -> None:
        if not google.quotas:
            raise Cancelled(Text(ru="стоп", en="stop"))

    with pytest.raises(Cancelled):
        SOURCE.fetch(follower.settings, Wanted(kind="full"), Spool(tmp_path / "waiting"), stop)


def test_a_token_that_is_refused_is_renewed(google: Property, follower: Follower):
    google.faults.on_request = lambda path, _asked: (
        google.tokens.clear() if reports(google) == 2 and path != "/token" else None
    )
    brought = follower.fetched()
    assert 401 in [status for _, status in google.requests]
    assert google.entrances == 2
    assert brought == truth_of(google)


def test_a_token_is_renewed_before_it_expires(google: Property, follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.ga4.entering._MARGIN_SECONDS", 3600)
    follower.fetched()
    assert google.entrances == reports(google) > 1
    assert 401 not in [status for _, status in google.requests]


def test_an_account_that_is_never_let_in_is_told_so(google: Property, follower: Follower):
    google.faults.on_request = lambda path, _asked: google.tokens.clear() if path != "/token" else None
    with pytest.raises(SourceRefused, match="new key"):
        follower.run("full")


def test_a_key_that_is_refused_says_what_to_do_and_keeps_its_secret(google: Property, follower: Follower):
    google.refuses_key = "Invalid JWT Signature."
    with pytest.raises(SourceRefused, match=r"Invalid JWT Signature\.") as refused:
        follower.run("full")
    assert EMAIL in refused.value.message.ru
    told = f"{refused.value.message}{refused.value!r}{follower.settings!r}"
    assert PEM.splitlines()[1][:40] not in told


def test_a_property_that_is_closed_names_whom_to_let_in(google: Property, follower: Follower):
    google.is_forbidden = True
    with pytest.raises(SourceRefused, match=f"Add {EMAIL}"):
        SOURCE.check(follower.settings)


def test_another_property_is_refused(google: Property, tmp_path: Path):
    follower = Follower(tmp_path, google, property_id="properties/1")
    with pytest.raises(SourceRefused, match="property 1"):
        follower.run("full")
    follower.close()


def test_what_is_not_understood_is_told(follower: Follower, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("rakurs.sources.ga4.fetching._METRICS", ("sessions", "conversionsOfOld"))
    with pytest.raises(SourceUnreachable, match="conversionsOfOld is not a valid"):
        follower.run("full")


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "{}",
        "[]",
        '"text"',
        '{"client_email": "a", "private_key": "-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"}',
        {"private_key": "none"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\n%%%\n-----END PRIVATE KEY-----\n"},
        {"private_key": PEM.replace("A", "B", 40)},
        {"token_uri": "file:///etc/passwd"},
        {"private_key": None},
    ],
)
def test_what_is_no_key_is_refused_at_once(google: Property, tmp_path: Path, wrong: Any):
    key = wrong if isinstance(wrong, str) else google.key_file(**wrong)
    settings = SOURCE.settings(property_id="1", key=key)
    with pytest.raises(SourceRefused, match="no key of a Google service account"):
        SOURCE.check(settings)
    assert google.requests == []


@pytest.mark.parametrize("change", ["row comes", "row goes", "always"])
def test_a_report_that_changes_while_it_is_read_is_read_again(
    google: Property, follower: Follower, change: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("rakurs.sources.ga4.property.PAGE", 30)
    gone = min(google.rows)

    def meanwhile(path: str, asked: Any) -> None:
        at = reports(google)
        if change == "always" and path != "/token" and asked["offset"] != "0":
            google.count(google.today() - timedelta(days=80), f"source {at}", "cpc", "x")
        elif change == "row comes" and at == 3:
            google.count(gone[0], "Aaa", "cpc", "x")
        elif change == "row goes" and at == 3:
            google.rows.pop(gone, None)

    google.faults.on_request = meanwhile
    if change == "always":
        with pytest.raises(SourceUnreachable, match="changes while it is read"):
            follower.run("full")
        assert follower.rows("site_traffic") == []
        return
    brought = follower.fetched()
    assert brought == truth_of(google)


def test_sampling_is_kept_with_the_numbers(google: Property, follower: Follower):
    google.sampled = (250, 1000)
    google.is_thresholded = google.is_folded = True
    report = follower.run("full")
    assert {row["sample_share"] for row in follower.rows("site_traffic")} == {0.25}
    notes = [note.en for file in report.files for note in file.notes]
    assert len(notes) == 3
    assert "sample" in notes[0]


def test_what_is_whole_is_said_to_be(follower: Follower):
    report = follower.run("full")
    assert {row["sample_share"] for row in follower.rows("site_traffic")} == {1.0}
    assert [file.notes for file in report.files] == [()]


@pytest.mark.parametrize("answer", [b"[]", b"null", b'{"rows": [{}], "rowCount": 1}', b'{"rowCount": "many"}', b'"x"'])
def test_an_answer_that_is_no_report_stops_the_run(
    google: Property, follower: Follower, answer: bytes, monkeypatch: pytest.MonkeyPatch
):
    before = google.answer
    monkeypatch.setattr(
        google,
        "answer",
        lambda method, path, *given: before(method, path, *given) if path == "/token" else (200, answer),
    )
    with pytest.raises(SourceUnreachable, match="no report"):
        follower.run("full")


def test_counts_that_are_no_numbers_stop_the_run(google: Property, follower: Follower):
    google.rows[google.today(), "x", "y", "z"] = dict.fromkeys(
        ("sessions", "engagedSessions", "totalUsers", "keyEvents"), float("nan")
    )
    with pytest.raises(SourceUnreachable, match="a number was expected"):
        follower.run("full")


def test_a_zone_nobody_knows_stops_the_run(google: Property, follower: Follower):
    google.zone_told = "Mars/Olympus"
    with pytest.raises(SourceUnreachable, match="no report"):
        follower.run("full")


def test_a_trial_says_who_answers(google: Property, follower: Follower):
    reached = SOURCE.check(follower.settings)
    assert reached.who == f"Google Analytics {google.property_id} ({google.zone}, RUB)"
    assert reached.counts[0][1] == google.truth(google.today() - timedelta(days=28))["sessions"]


def test_there_is_nothing_to_tell(follower: Follower):
    assert SOURCE.told(follower.settings, {"any": "thing"}) == ()
    assert follower.run("records").tables == ()
    assert SOURCE.identity(follower.settings) == "345678901"


@pytest.mark.parametrize("number", ["", "G-ABC123", "properties/", "12 34", "١٢٣"])
def test_a_property_is_a_number(number: str):
    with pytest.raises(ValueError, match="the number of a property"):
        SOURCE.settings(property_id=number, key="k")


def test_rows_a_day_no_longer_has_are_gone(google: Property, follower: Follower):
    follower.run("full")
    moved = max(google.rows)
    del google.rows[moved]
    google.count(moved[0], "moved", "cpc", "x")
    follower.run("changes")
    assert follower.numbers() == truth_of(google)

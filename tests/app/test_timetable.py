"""When is a scheduled report due next? Counted by hand on a calendar."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.app.timetable import due_after

MOSCOW, BERLIN = "Europe/Moscow", "Europe/Berlin"


def due(moment: str, *, frequency: str, weekday: int = 0, day: int = 1, at: str = "09:00", zone: str = MOSCOW) -> str:
    found = due_after(
        datetime.fromisoformat(moment),
        frequency=frequency,
        weekday=weekday,
        day=day,
        at=time.fromisoformat(at),
        timezone=zone,
    )
    return found.isoformat()


@pytest.mark.parametrize(
    ("moment", "asked", "expected"),
    [
        # 2 March 2026 is a Monday; nine in Moscow is six in UTC.
        ("2026-03-02T05:59:59+00:00", {"frequency": "daily"}, "2026-03-02T06:00:00+00:00"),
        ("2026-03-02T06:00:00+00:00", {"frequency": "daily"}, "2026-03-03T06:00:00+00:00"),
        ("2026-03-02T05:00:00+00:00", {"frequency": "weekly", "weekday": 0}, "2026-03-02T06:00:00+00:00"),
        ("2026-03-02T06:00:00+00:00", {"frequency": "weekly", "weekday": 0}, "2026-03-09T06:00:00+00:00"),
        ("2026-03-02T06:00:00+00:00", {"frequency": "weekly", "weekday": 6}, "2026-03-08T06:00:00+00:00"),
        ("2026-01-31T07:00:00+00:00", {"frequency": "monthly", "day": 31}, "2026-02-28T06:00:00+00:00"),
        ("2028-02-01T00:00:00+00:00", {"frequency": "monthly", "day": 30}, "2028-02-29T06:00:00+00:00"),
        ("2026-12-02T00:00:00+00:00", {"frequency": "monthly", "day": 1}, "2027-01-01T06:00:00+00:00"),
        # 22:30 UTC is already the next day in Moscow.
        (
            "2026-03-01T22:30:00+00:00",
            {"frequency": "weekly", "weekday": 0, "at": "02:00"},
            "2026-03-01T23:00:00+00:00",
        ),
        # Clocks in Berlin leave out 02:30 on 29 March 2026: an hour later by the clock, the same moment as 03:30.
        (
            "2026-03-28T12:00:00+00:00",
            {"frequency": "daily", "at": "02:30", "zone": BERLIN},
            "2026-03-29T01:30:00+00:00",
        ),
        # 02:30 comes twice on 25 October 2026: the first time counts.
        (
            "2026-10-24T12:00:00+00:00",
            {"frequency": "daily", "at": "02:30", "zone": BERLIN},
            "2026-10-25T00:30:00+00:00",
        ),
        (
            "2026-10-25T00:30:00+00:00",
            {"frequency": "daily", "at": "02:30", "zone": BERLIN},
            "2026-10-26T01:30:00+00:00",
        ),
    ],
)
def test_the_next_moment(moment: str, asked: dict, expected: str) -> None:
    assert due(moment, **asked) == expected


SECONDS = st.integers(1_577_836_800, 2_051_222_400)  # 2020 to 2035


@given(
    moment=SECONDS.map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    asked=st.fixed_dictionaries(
        {
            "frequency": st.sampled_from(["daily", "weekly", "monthly"]),
            "weekday": st.integers(0, 6),
            "day": st.integers(1, 31),
            "at": st.times().map(lambda moment: moment.replace(second=0, microsecond=0)),
            "timezone": st.sampled_from([MOSCOW, BERLIN, "Asia/Kamchatka", "UTC"]),
        }
    ),
)
def test_a_moment_is_always_later_and_its_turn_is_never_skipped(moment: datetime, asked: dict) -> None:
    first = due_after(moment, **asked)
    second = due_after(first, **asked)
    longest = {"daily": 1, "weekly": 7, "monthly": 31}[asked["frequency"]]
    assert moment < first < second
    assert (first - moment).total_seconds() <= (longest + 0.1) * 86_400
    assert (second - first).total_seconds() <= (longest + 0.1) * 86_400

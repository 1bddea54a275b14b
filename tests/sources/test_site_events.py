"""What does the counter's script mean? Where a visit came from, when, and what is not taken."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rakurs.core.errors import BadInput
from rakurs.schema import table_named
from rakurs.sources.site import batch_of, origin, rows_of

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MILLISECONDS = int(NOW.timestamp() * 1000)
DOMAINS = ("shop.ru",)


def sent(**more: Any) -> bytes:

    visit = {"id": "visit-0001", "at": MILLISECONDS, "page": "https://shop.ru/?utm_source=x"} | more.pop("visit", {})
    event = {"id": "event-0001", "at": MILLISECONDS, "kind": "page", "page": "https://shop.ru/"} | more.pop("event", {})
    body = {"visitor": "visitor-1", "visit": visit, "sent_at": MILLISECONDS, "events": [event], **more}
    return json.dumps(body).encode()


def rows(body: bytes, now: datetime = NOW) -> dict[str, Any]:
    return dict(rows_of(batch_of(body), now=now, domains=DOMAINS))


@pytest.mark.parametrize(
    ("query", "referrer", "expected"),
    [
        ("?utm_source=Yandex&utm_medium=CPC", "https://google.com/", ("yandex", "cpc")),
        ("?utm_source=leaflet", "", ("leaflet", "none")),
        ("?yclid=1", "", ("yandex", "cpc")),
        ("?gclid=1", "https://www.google.com/", ("google", "cpc")),
        ("?utm_medium=cpc", "", ("direct", "direct")),
        ("", "https://www.google.de/search?q=secret", ("google", "organic")),
        ("", "https://yandex.ru/", ("yandex", "organic")),
        ("", "https://ya.ru/", ("yandex", "organic")),
        ("", "https://maya.ru/", ("maya.ru", "referral")),
        ("", "https://notgoogle.com/", ("notgoogle.com", "referral")),
        ("", "https://m.vk.com/feed", ("vk", "social")),
        ("", "https://www.shop.ru/other", ("direct", "direct")),
        ("", "https://blog.shop.ru/", ("direct", "direct")),
        ("", "https://workshop.ru/", ("workshop.ru", "referral")),
        ("", "", ("direct", "direct")),
    ],
)
def test_a_visit_is_told_by_tags_then_marks_then_where_it_came_from(
    query: str, referrer: str, expected: tuple[str, str]
) -> None:
    found = rows(sent(visit={"page": f"https://shop.ru/{query}", "referrer": referrer}))["visits"]
    assert (found["utm_source"], found["utm_medium"]) == expected
    assert origin({}, referrer, domains=DOMAINS)[1] != "cpc"


def test_what_is_kept_fits_the_tables_and_no_address_keeps_its_query() -> None:
    page = "https://shop.ru/buy?email=anna@example.ru&utm_source=ya&utm_medium=cpc&utm_campaign=spring&utm_term=tea#x"
    found = rows(
        sent(visit={"page": page, "referrer": "https://yandex.ru/?text=tea"}, event={"page": page, "value": 10})
    )
    assert set(found) == {"channels", "campaigns", "visits", "web_events"}
    for table, row in found.items():
        assert set(row) <= set(table_named(table).names), table
    assert found["visits"]["landing_page"] == found["web_events"]["page"] == "https://shop.ru/buy"
    assert found["visits"]["referrer"] == "https://yandex.ru/"
    assert (found["visits"]["channel_id"], found["visits"]["campaign_id"]) == (
        "site:ya / cpc",
        "site:ya / cpc / spring",
    )
    assert found["channels"]["name"] == "ya / cpc"
    assert found["visits"]["utm_term"] == "tea"
    assert "anna" not in str(found)


def test_a_wrong_clock_is_set_right_by_whole_minutes_and_nothing_is_ahead_of_us() -> None:
    behind = MILLISECONDS - 3_600_000
    at = rows(sent(visit={"at": behind - 60_000}, event={"at": behind}, sent_at=behind))
    assert at["visits"]["started_at"] == (NOW - timedelta(minutes=1)).isoformat()
    assert at["web_events"]["at"] == NOW.isoformat()
    # Half a minute off is believed, ahead of us is not.
    soon = rows(sent(event={"at": MILLISECONDS + 30_000}, sent_at=MILLISECONDS + 30_000))
    assert soon["web_events"]["at"] == NOW.isoformat()
    # A visit told twice by a clock that is off keeps its time.
    later = NOW + timedelta(seconds=20)
    told_again = rows(sent(visit={"at": behind - 60_000}, sent_at=behind + 20_000), later)
    assert told_again["visits"]["started_at"] == at["visits"]["started_at"]
    impossible = rows(sent(visit={"at": 10**17}, event={"at": -5}))
    assert impossible["visits"]["started_at"] == NOW.isoformat()
    assert impossible["web_events"]["at"] == (NOW - timedelta(hours=24)).isoformat()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        sent(events=[]),
        sent(visitor="<script>"),
        sent(event={"kind": "theft"}),
        sent(event={"id": "short"}),
        sent(event={"value": 1e300}),
        sent(event={"name": "x" * 301}),
        sent(visit={"page": "https://shop.ru/" + "x" * 2_000}),
    ],
)
def test_what_is_no_event_is_refused_without_being_repeated(body: bytes) -> None:
    with pytest.raises(BadInput) as wrong:
        batch_of(body)
    assert "<script>" not in str(wrong.value)
    assert "theft" not in wrong.value.message.en
    assert "xxx" not in str(wrong.value)


def test_nobody_elses_row_can_be_written_over() -> None:
    # A tag that is the id of the company's own channel, and ids that another source may have.
    found = rows(sent(visit={"page": "https://shop.ru/?utm_source=ch01&utm_medium=ch01&utm_campaign=c"}))
    ids = [found["channels"]["channel_id"], found["campaigns"]["campaign_id"], found["visits"]["visit_id"],
           found["visits"]["visitor_id"], found["web_events"]["event_id"], found["web_events"]["visit_id"]]  # fmt: skip
    assert [known for known in ids if not known.startswith("site:")] == []


@pytest.mark.parametrize("address", ["http://[::1", "https://[x]/", "//", "nonsense", ""])
def test_what_is_no_address_is_told_as_none(address: str) -> None:
    found = rows(sent(visit={"page": address, "referrer": address}, event={"page": address}))
    assert (found["visits"]["landing_page"], found["visits"]["referrer"], found["web_events"]["page"]) == (
        None,
        None,
        None,
    )
    assert found["visits"]["utm_source"] == "direct"

"""The company's own site, counted by Rakurs itself: what a page's script sends, as visits and events.

Nothing of it goes to anybody else. A robot is not counted, nor is a browser that asks not to be followed (the script does
not even send then).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rakurs.core.errors import BadInput
from rakurs.core.text import Text

PREFIX = "site"
MOST_EVENTS = 50
"""Of one call: the script sends by a few."""
_STEADY = timedelta(seconds=60)
"""A browser's clock is believed unless it is off by more; then it is set right by whole minutes, so that a visit keeps its time."""
_OLDEST = timedelta(hours=24)
_NO_EVENTS = Text(
    ru="это не события счётчика Rakurs: {reason}.", en="these are no events of the Rakurs site counter: {reason}."
)

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,64}$")]
Word = Annotated[str, StringConstraints(max_length=300)]
Address = Annotated[str, StringConstraints(max_length=2_000)]
Tags = Mapping[str, str]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Visit(_Sent):
    """The visit the events belong to, as the script remembers it."""

    id: Id
    at: int
    page: Address
    referrer: Address = ""
    is_mobile: bool = False


class Event(_Sent):
    """One thing that happened. `at` and the visit's are milliseconds since 1970 by the browser's clock."""

    id: Id
    at: int
    kind: Literal["page", "form", "phone", "goal"]
    page: Address = ""
    name: Word = ""
    phone: Word = ""
    email: Word = ""
    customer_id: Word = ""
    value: float | None = Field(default=None, ge=-1e12, le=1e12)


class Batch(_Sent):
    """What one call of the script brings. `sent_at` is the browser's clock when it was sent."""

    visitor: Id
    visit: Visit
    sent_at: int
    events: tuple[Event, ...] = Field(min_length=1, max_length=MOST_EVENTS)


def batch_of(body: bytes) -> Batch:
    """The events of a call. Raises BadInput that says what is wrong, never what was sent."""
    try:
        return Batch.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(_NO_EVENTS.filled(reason=f"{place} {first['msg']}".strip())) from None


def rows_of(batch: Batch, *, now: datetime, domains: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a call, each with its table: the visit's channel, campaign and the visit itself, then its events."""
    shift = _clock_error(batch, now)
    tags = {name: values[0][:300] for name, values in parse_qs(parts_of(batch.visit.page).query).items()}
    source, medium = origin(tags, batch.visit.referrer, domains=domains)
    campaign = tags.get("utm_campaign")
    channel = source if medium == source else f"{source} / {medium}"
    channel_id, visit_id, visitor_id = _own(channel), _own(batch.visit.id), _own(batch.visitor)
    campaign_id = _own(f"{channel} / {campaign}") if campaign else None
    yield "channels", {"channel_id": channel_id, "name": channel, "medium": medium, "platform": source}
    if campaign_id:
        yield "campaigns", {"campaign_id": campaign_id, "channel_id": channel_id, "name": campaign}
    yield (
        "visits",
        {
            "visit_id": visit_id,
            "visitor_id": visitor_id,
            "started_at": _time(batch.visit.at, shift, now),
            "channel_id": channel_id,
            "campaign_id": campaign_id,
            "utm_source": source,
            "utm_medium": medium,
            "utm_campaign": campaign,
            "utm_content": tags.get("utm_content"),
            "utm_term": tags.get("utm_term"),
            "referrer": _without_query(batch.visit.referrer),
            "landing_page": _without_query(batch.visit.page),
            "device": "mobile" if batch.visit.is_mobile else "desktop",
        },
    )
    for event in batch.events:
        yield (
            "web_events",
            {
                "event_id": _own(event.id),
                "at": _time(event.at, shift, now),
                "kind": event.kind,
                "visit_id": visit_id,
                "visitor_id": visitor_id,
                "name": event.name or None,
                "page": _without_query(event.page),
                "customer_id": event.customer_id or None,
                "phone": event.phone or None,
                "email": event.email or None,
                "value": event.value,
            },
        )


CLICK_IDS: Mapping[str, tuple[str, str]] = {
    "yclid": ("yandex", "cpc"),
    "ymclid": ("yandex", "cpc"),
    "gclid": ("google", "cpc"),
    "wbraid": ("google", "cpc"),
    "gbraid": ("google", "cpc"),
    "rb_clickid": ("vk", "cpc"),
}
"""What advertising systems add to an address by themselves, and whose click it was."""
ENGINES: Mapping[str, str] = {
    "yandex.": "yandex",
    "ya.ru": "yandex",
    "google.": "google",
    "bing.com": "bing",
    "duckduckgo.com": "duckduckgo",
    "go.mail.ru": "mail.ru",
    "rambler.ru": "rambler",
}
NETWORKS: Mapping[str, str] = {
    "vk.com": "vk",
    "vk.ru": "vk",
    "ok.ru": "ok",
    "t.me": "telegram",
    "web.telegram.org": "telegram",
    "youtube.com": "youtube",
    "dzen.ru": "dzen",
    "instagram.com": "instagram",
    "facebook.com": "facebook",
}


def origin(tags: Tags, referrer: str, *, domains: tuple[str, ...]) -> tuple[str, str]:
    """Source and medium of a visit: by its tags, else by the click's mark, else by the page it came from, else direct."""
    if tags.get("utm_source"):
        return tags["utm_source"].lower(), (tags.get("utm_medium") or "none").lower()
    for mark, found in CLICK_IDS.items():
        if tags.get(mark):
            return found
    host = (parts_of(referrer).hostname or "").removeprefix("www.")
    if not host or is_of(host, domains):
        return "direct", "direct"
    for part, name in ENGINES.items():
        if host == part or f".{host}".find(f".{part}") >= 0:
            return name, "organic"
    for network, name in NETWORKS.items():
        if is_of(host, (network,)):
            return name, "social"
    return host, "referral"


def parts_of(address: str) -> SplitResult:
    """The parts of an address that anybody may have written; of none where it is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def is_of(host: str, domains: tuple[str, ...]) -> bool:
    """Whether a host is one of the domains or lies below one."""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _own(known: str) -> str:
    """An id that no other source has: whatever a visitor's browser says, it writes over nobody else's rows."""
    return f"{PREFIX}:{known}"


def _clock_error(batch: Batch, now: datetime) -> timedelta:
    """What the browser's clock must be moved by."""
    error = now - _moment(batch.sent_at)
    return timedelta(minutes=round(error / timedelta(minutes=1))) if abs(error) > _STEADY else timedelta()


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(min(max(milliseconds, 0), 32_503_680_000_000) / 1000, UTC)


def _time(milliseconds: int, shift: timedelta, now: datetime) -> str:
    """Never ahead of us, and never older than a page can be left open."""
    at = min(max(_moment(milliseconds) + shift, now - _OLDEST), now)
    return at.isoformat(timespec="seconds")


def _without_query(address: str) -> str | None:
    """An address without what may name a person: its query and fragment."""
    parts = parts_of(address)
    return parts._replace(query="", fragment="").geturl() or None if parts.hostname else None

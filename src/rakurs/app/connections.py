"""Which systems does the company follow, with which keys, and is all well with each?"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone as clock

from rakurs.app.home import Home
from rakurs.app.secret_files import checked_settings, keep_secretly
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.text import Text
from rakurs.sources import LIVE_SOURCES
from rakurs.sources.live import ConsentSettings, LiveSource, SourceSettings
from rakurs.sources.receiving import ReceivingSettings
from rakurs.state.models import Connection, SyncRun

Health = Literal["good", "working", "late", "bad", "paused", "new"]
LATE_AFTER = 3
"""Missed times of the schedule after which a connection is late."""
TOKENS = "tokens.sqlite"
"""The file of a connection that holds what consent gave."""
LEAST_MINUTES, MOST_MINUTES = 1, 24 * 60
SOURCE = Text(ru="Источника", en="source")
CONNECTION = Text(ru="Подключения", en="connection")

HEALTH: Mapping[Health, Text] = {
    "good": Text(ru="Всё в порядке", en="All is well"),
    "working": Text(ru="Идёт загрузка", en="Under way"),
    "late": Text(ru="Отстаёт", en="Behind"),
    "bad": Text(ru="Нужно вмешательство", en="Needs attention"),
    "paused": Text(ru="На паузе", en="Paused"),
    "new": Text(ru="Ещё не загружалось", en="Never ran"),
}
ADVICE: Mapping[Health, Text] = {
    "late": Text(
        ru="Запуски не успевают за расписанием. Если загрузка идёт, дождитесь её; если нет, проверьте, что сервер Ракурса работает.",
        en="Runs do not keep up with the schedule. If one is under way, wait for it; if not, see that the Rakurs server runs.",
    ),
    "bad": Text(
        ru="Исправьте то, о чём говорит ошибка, и запустите снова: загрузка продолжится с того места, где остановилась.",
        en="Mend what the error names and run it again: it goes on where it stopped.",
    ),
    "paused": Text(
        ru="Изменения не загружаются, пока подключение на паузе.", en="Nothing is fetched while it is paused."
    ),
    "new": Text(ru="Первая полная загрузка начнётся сама.", en="The first full load begins by itself."),
}
_MINUTES = Text(ru="от {least} до {most} минут", en="between {least} and {most} minutes")
_NO_TITLE = Text(ru="нужно название", en="a name is needed")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a connection does: its health, the run it last finished well, the last at all, and how old its data is."""

    connection: Connection
    health: Health
    latest: SyncRun | None
    last_good: SyncRun | None
    lag: timedelta | None


def source_of(connection: Connection) -> LiveSource:
    """The connector of a connection. UnknownName where a release has it no more."""
    return source_named(connection.source)


def source_named(name: str) -> LiveSource:
    """The connector called `name`. UnknownName says which is nearest."""
    if name not in LIVE_SOURCES:
        raise UnknownName(SOURCE, name, LIVE_SOURCES)
    return LIVE_SOURCES[name]


def connection_named(name: str) -> Connection:
    """The connection of that id or prefix. UnknownName says which there are."""
    found = Connection.objects.filter(pk=name).first() or Connection.objects.filter(prefix=name).first()
    if found is None:
        raise UnknownName(CONNECTION, name, Connection.objects.values_list("prefix", flat=True))
    return found


def runs_of(connection: Connection) -> QuerySet[SyncRun]:
    """The runs of a connection, the newest first."""
    return SyncRun.objects.filter(connection=connection)


def folder_of(home: Home, connection: Connection) -> Path:
    """Where a connection keeps its settings and what it fetches."""
    folder = home.connections / connection.pk
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settings_of(home: Home, connection: Connection) -> SourceSettings:
    """What the connection knows of its system, keys included."""
    folder = folder_of(home, connection)
    kept = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    settings = checked_settings(source_of(connection).settings, kept)
    if isinstance(settings, ReceivingSettings):
        return settings.model_copy(update={"received": folder / "received"})
    if isinstance(settings, ConsentSettings):
        return settings.model_copy(update={"tokens": folder / TOKENS})
    return settings


def address_of(connection: Connection) -> str:
    """Where the system tells of its changes, or sends its documents."""
    way = "exchange" if source_of(connection).exchange else "hooks"
    return f"/api/v1/{way}/{connection.pk}"


def shown_settings(home: Home, connection: Connection) -> dict[str, Any]:
    """The settings as a form shows them: no secret, only whether one is set; none where their file is gone or broken."""
    try:
        settings = settings_of(home, connection).model_dump()
    except (OSError, ValueError, BadParameter):
        return {}
    shown: dict[str, Any] = {}
    for field in source_of(connection).fields:
        value = settings[field.name]
        if field.kind == "secret":
            shown[field.name] = bool(value.get_secret_value())
        elif field.kind == "numbers":
            shown[field.name] = ", ".join(map(str, value))
        else:
            shown[field.name] = value
    return shown


def checked(source: LiveSource, raw: Mapping[str, Any], *, known: SourceSettings | None = None) -> SourceSettings:
    """Settings from a form or a command; an empty secret leaves the known one. BadParameter names the field."""
    before = {} if known is None else known.model_dump()
    given: dict[str, Any] = {}
    for field in source.fields:
        value = raw.get(field.name)
        if field.kind == "secret" and not value and field.name in before:
            given[field.name] = before[field.name]
        elif field.kind == "flag":
            if value is not None:
                given[field.name] = value in {True, "on", "true", "yes", "1"}
        elif value not in (None, ""):
            given[field.name] = value
    return checked_settings(source.settings, given)


def made(
    home: Home, source: LiveSource, settings: SourceSettings, *, title: str, every_minutes: int = 15
) -> Connection:
    """A new connection. Its first, full run begins by itself; where it is opened by consent, once somebody agreed.

    A system that was connected before gets its prefix back, so that its rows are the same rows; another never gets it.
    """
    connection = Connection(
        source=source.name,
        title=_title(title),
        prefix=_prefix(home, source.name, source.identity(settings)),
        every_minutes=_minutes(every_minutes),
        is_paused=source.is_by_consent(settings),
    )
    keep_settings(home, connection, settings)
    connection.save(force_insert=True)
    return connection


def changed(connection: Connection, *, title: str, every_minutes: int) -> None:
    """Another name or another pace."""
    connection.title, connection.every_minutes = _title(title), _minutes(every_minutes)
    connection.save(update_fields=["title", "every_minutes"])


def keep_settings(home: Home, connection: Connection, settings: SourceSettings) -> None:
    """Keep what the connection knows of its system."""
    keep_secretly(folder_of(home, connection) / "settings.json", settings.model_dump())


def resettle(home: Home, connection: Connection, raw: Mapping[str, Any]) -> None:
    """Other settings. Where they mean other records (not another key alone), the next run reads everything: a run under
    way or half done does not count any more.
    """
    known = settings_of(home, connection)
    source = source_of(connection)
    given = {field.name: getattr(known, field.name) for field in source.fields if field.kind != "secret"}
    settings = checked(source, given | dict(raw), known=known)
    is_other = source.identity(settings) != source.identity(known)
    if is_other or getattr(settings, "client_id", "") != getattr(known, "client_id", ""):
        # What one system allowed to one application is shown to no other.
        (folder_of(home, connection) / TOKENS).unlink(missing_ok=True)
    keep_settings(home, connection, settings)
    meant = {field.name for field in source.fields if field.way == "any"}
    if is_other or any(getattr(settings, name) != value for name, value in given.items() if name in meant):
        connection.cursor, connection.version = {}, connection.version + 1
        connection.save(update_fields=["cursor", "version"])
        _remember_prefix(home, connection.prefix, source.identity(settings))


def paused(connection: Connection, *, is_paused: bool) -> None:
    """Nothing more begins by itself, or does again."""
    connection.is_paused = is_paused
    connection.save(update_fields=["is_paused"])


def removed(home: Home, connection: Connection) -> None:
    """Follow the system no more and forget its keys. Rows that came stay as they are."""
    folder = folder_of(home, connection)
    connection.delete()
    shutil.rmtree(folder, ignore_errors=True)


def states() -> list[State]:
    """How every connection does, in the order they were made."""
    return [state_of(connection) for connection in Connection.objects.all()]


def state_of(connection: Connection) -> State:
    """How one connection does."""
    runs = runs_of(connection)
    latest, last_good = runs.first(), runs.filter(status=SyncRun.Status.DONE).first()
    lag = None if last_good is None or last_good.started_at is None else clock.now() - last_good.started_at
    return State(
        connection=connection,
        health=_health(connection, latest, lag),
        latest=latest,
        last_good=last_good,
        lag=lag,
    )


def _health(connection: Connection, latest: SyncRun | None, lag: timedelta | None) -> Health:
    if latest is not None and not latest.is_finished:
        return "working"
    if latest is not None and latest.status == SyncRun.Status.FAILED:
        return "bad"
    if connection.is_paused:
        return "paused"
    if latest is None:
        return "new"
    late = timedelta(minutes=LATE_AFTER * connection.every_minutes)
    return "late" if lag is None or lag > late else "good"


def has_trouble() -> bool:
    """Whether the latest run of any connection failed: somebody should look."""
    latest = SyncRun.objects.filter(connection=OuterRef("pk")).values("status")[:1]
    told = Connection.objects.annotate(latest=Subquery(latest))
    return told.filter(latest=SyncRun.Status.FAILED).exists()


def due_at(connection: Connection, latest: SyncRun | None) -> datetime | None:
    """When the next run begins by itself; None while one is under way or nothing is to begin."""
    if connection.is_paused or (latest is not None and not latest.is_finished):
        return None
    if latest is None or latest.finished_at is None:
        return connection.created_at
    minutes = connection.every_minutes
    if latest.status == SyncRun.Status.FAILED:
        # What a person must mend is tried once an hour; a hiccup soon, and ever more rarely.
        minutes = 60 if latest.is_refused else min(2 ** min(latest.attempt, 6), 60)
    return latest.finished_at + timedelta(minutes=minutes)


def _prefix(home: Home, name: str, identity: str) -> str:
    """The prefix a system had before, else one that no system ever had."""
    used = _used_prefixes(home)
    live = set(Connection.objects.values_list("prefix", flat=True))
    known = next((prefix for prefix, whose in used.items() if whose == identity and prefix not in live), None)
    number, prefix = 1, name
    while known is None and prefix in live | used.keys():
        number += 1
        prefix = f"{name}-{number}"
    prefix = known or prefix
    _remember_prefix(home, prefix, identity)
    return prefix


def _used_prefixes(home: Home) -> dict[str, str]:
    file = home.connections / "prefixes.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def _remember_prefix(home: Home, prefix: str, identity: str) -> None:
    home.connections.mkdir(exist_ok=True)
    keep_secretly(home.connections / "prefixes.json", {**_used_prefixes(home), prefix: identity})


def _title(title: str) -> str:
    if not title.strip():
        raise BadParameter("title", title, _NO_TITLE)
    return title.strip()[:120]


def _minutes(minutes: int) -> int:
    if not LEAST_MINUTES <= minutes <= MOST_MINUTES:
        raise BadParameter("every_minutes", minutes, _MINUTES.filled(least=LEAST_MINUTES, most=MOST_MINUTES))
    return minutes

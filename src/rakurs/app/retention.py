"""How many months is what kind of personal data kept, and what goes when its time is up?

Off until somebody says so. Whole months are kept besides the present one, so that something goes once a month, and numbers by month
stay as they are: calls, visits and texts stay as rows that name nobody.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rakurs.app.documents import Document
from rakurs.app.home import Home
from rakurs.app.secret_files import keep_secretly
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.text import Language, Text
from rakurs.schema import table_named
from rakurs.warehouse import retaining
from rakurs.warehouse.washing import Past

KindName = Literal["site", "calls", "words", "deleted", "raw", "journals"]
MOST_MONTHS = 240
KIND = Text(ru="Вида данных", en="kind of data")
_COUNTED: Mapping[str, Text] = {
    "raw": Text(ru="Строки сырых данных", en="Rows of raw data"),
    "audit": Text(ru="Строки журнала", en="Lines of the audit"),
    "deliveries": Text(ru="Рассылки", en="Deliveries"),
    "loads": Text(ru="Загрузки", en="Loads"),
    "runs": Text(ru="Запуски источников", en="Runs of sources"),
}
_MONTHS = Text(ru="нужно от 1 до {most} месяцев, или пусто", en="1 to {most} months, or nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of data: what goes when its time is up, and what stays. `tables` with the column of their time."""

    title: Text
    goes: Text
    stays: Text
    tables: Mapping[str, str]
    nobodys: bool = False


KINDS: Mapping[KindName, Kind] = {
    "site": Kind(
        title=Text(ru="Посещения сайта", en="Site visits"),
        goes=Text(
            ru="браузер, контакты из форм, чьё посещение", en="the browser, contacts from forms, whose visit it was"
        ),
        stays=Text(ru="посещения, страницы, метки и цели по дням", en="visits, pages, tags and goals by day"),
        tables={"visits": "started_at", "web_events": "at"},
        nobodys=True,
    ),
    "calls": Kind(
        title=Text(ru="Звонки", en="Calls"),
        goes=Text(ru="номер, ссылка на запись, свои поля", en="the number, the link to the recording, own fields"),
        stays=Text(
            ru="звонки, ожидание и разговор по дням и сотрудникам; клиент, если его назвал источник",
            en="calls, waits and talks by day and employee; the customer, where the source named him",
        ),
        tables={"calls": "started_at"},
    ),
    "words": Kind(
        title=Text(ru="Слова людей", en="People's words"),
        goes=Text(
            ru="тексты дел, ответов на опросы и отзывов, авторы отзывов, свои поля",
            en="texts of activities, survey answers and reviews, authors of reviews, own fields",
        ),
        stays=Text(ru="сами дела, оценки и даты", en="the activities themselves, scores and dates"),
        tables={"activities": "at", "survey_responses": "answered_at", "reviews": "published_at"},
    ),
    "deleted": Kind(
        title=Text(ru="Удалённые у источника", en="Deleted at the source"),
        goes=Text(
            ru="имя, контакты и поля клиентов, которых источник удалил",
            en="names, contacts and fields of customers whom their source deleted",
        ),
        stays=Text(ru="их сделки и заказы, ничьи по имени", en="their deals and orders, of nobody by name"),
        tables={},
    ),
    "raw": Kind(
        title=Text(ru="Старые версии в сырых данных", en="Old versions in raw data"),
        goes=Text(
            ru="прежние имена и контакты клиентов, заменённые более новыми; строки карантина, на которые ответили",
            en="former names and contacts of customers that newer ones replaced; quarantined rows that were answered",
        ),
        stays=Text(ru="то, что верно сейчас", en="what is true now"),
        tables={},
    ),
    "journals": Kind(
        title=Text(ru="Журналы", en="Journals"),
        goes=Text(
            ru="журнал действий, история рассылок, загрузок и запусков",
            en="the audit, histories of notices, loads and runs",
        ),
        stays=Text(ru="сами данные", en="the data itself"),
        tables={},
    ),
}
"""In the order in which they are shown."""

Months = Annotated[int | None, Field(ge=1, le=MOST_MONTHS)]


class Retention(BaseModel):
    """How many months each kind is kept; None keeps it for ever.

    `checked_on` is when it was last looked whether anything is past; `is_asked` tells that somebody does not want to wait for
    the night.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: Months = None
    calls: Months = None
    words: Months = None
    deleted: Months = None
    raw: Months = None
    journals: Months = None
    checked_on: date | None = None
    is_asked: bool = False

    def months(self, kind: KindName) -> int | None:
        """How many months this kind is kept."""
        found: int | None = getattr(self, kind)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What of one kind is past: everything before `until`, so many rows of each table (or of what is counted instead)."""

    kind: KindName
    months: int
    until: datetime
    rows: Mapping[str, int]


def retention_of(home: Home) -> Retention:
    """The settings kept in `home`; everything is kept in a new one."""
    if not home.retention_file.exists():
        return Retention()
    return Retention.model_validate_json(home.retention_file.read_text(encoding="utf-8"))


def changed(home: Home, months: Mapping[str, int | None]) -> Retention:
    """Keep other months for these kinds. UnknownName for a kind that is none, BadParameter for months that are none."""
    made = settled(retention_of(home), months)
    _keep(home, made)
    return made


def settled(before: Retention, months: Mapping[str, int | None]) -> Retention:
    """The settings with other months for these kinds. UnknownName, BadParameter."""
    for kind in months:
        if kind not in KINDS:
            raise UnknownName(KIND, kind, KINDS)
    try:
        return Retention.model_validate({**before.model_dump(), **months, "checked_on": None})
    except ValidationError as error:
        name = str(error.errors(include_input=False)[0]["loc"][0])
        raise BadParameter(name, months.get(name), _MONTHS.filled(most=MOST_MONTHS)) from error


def noted(home: Home, on: date) -> None:
    """It was looked on this day whether anything is past."""
    _keep(home, retention_of(home).model_copy(update={"checked_on": on, "is_asked": False}))


def asked_now(home: Home) -> None:
    """Let go what is past without waiting for the night."""
    _keep(home, retention_of(home).model_copy(update={"is_asked": True}))


def until(workspace: Workspace, months: int) -> datetime:
    """The moment, in UTC, before which is past: the start of the month so many months before the present one."""
    today = workspace.clock_today
    number = today.year * 12 + today.month - 1 - months
    first = date(number // 12, number % 12 + 1, 1)
    zone = ZoneInfo(workspace.company.timezone)
    return datetime.combine(first, time(), tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def due(
    workspace: Workspace, settings: Retention, *, older: Callable[[datetime], Mapping[str, int]] | None = None
) -> list[Due]:
    """What is past under these settings, kind by kind; kinds that are kept for ever are left out.

    `older` counts what the state keeps of each day.
    """
    found: list[Due] = []
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        for kind in KINDS:
            month = settings.months(kind)
            if month is None:
                continue
            day = until(workspace, month)
            if kind == "deleted":
                rows: Mapping[str, int] = {"customers": len(retaining.deleted_records(cursor, day))}
            elif kind == "raw":
                rows = {"raw": retaining.outdated_rows(cursor, warehouse.company, day)}
            elif kind == "journals":
                rows = older(day.replace(tzinfo=UTC)) if older is not None else {}
            else:
                rows = retaining.past_counts(cursor, past_of(kind, day))
            found.append(Due(kind=kind, months=month, until=day, rows={name: n for name, n in rows.items() if n}))
    return found


def past_of(kind: KindName, day: datetime) -> Past:
    """The rows of a kind that are past on that day."""
    return Past(until=day, tables=KINDS[kind].tables, nobodys=KINDS[kind].nobodys)


def deleted_before(workspace: Workspace, day: datetime) -> list[str]:
    """Records of customers that their sources deleted before then."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        return retaining.deleted_records(cursor, day)


def due_document(item: Due, language: Language) -> Document:
    """What is past of one kind, as JSON."""
    return {
        "kind": item.kind,
        "title": KINDS[item.kind].title.to(language),
        "months": item.months,
        "until": item.until.isoformat(timespec="seconds"),
        "rows": [{"name": name, "title": _words(name).to(language), "rows": rows} for name, rows in item.rows.items()],
    }


def retention_document(settings: Retention, language: Language) -> Document:
    """The settings as JSON, with what goes and what stays of each kind."""
    return {
        "kinds": [
            {
                "kind": name,
                "title": kind.title.to(language),
                "goes": kind.goes.to(language),
                "stays": kind.stays.to(language),
                "months": settings.months(name),
            }
            for name, kind in KINDS.items()
        ],
        "checked_on": None if settings.checked_on is None else settings.checked_on.isoformat(),
        "is_asked": settings.is_asked,
    }


def _keep(home: Home, settings: Retention) -> None:
    keep_secretly(home.retention_file, settings.model_dump(mode="json"))


def _words(name: str) -> Text:
    return _COUNTED[name] if name in _COUNTED else table_named(name).title

"""How does a card stand on its page? Each section by its shape; references by name, opening their own cards."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rakurs.app.cards import CURRENCY, CardAnswer, SectionAnswer, Timeline
from rakurs.app.formats import Format
from rakurs.app.naming import Names
from rakurs.app.showing import WHOLE_MONEY_FROM, value_text
from rakurs.core.card import Event, Section
from rakurs.core.table import Column
from rakurs.core.units import Unit
from rakurs.web.links import card_href

CUSTOM = "custom"
BESIDE_NAMES = ("pipeline_id", CURRENCY)
"""Columns that help to name or to format others; in a table they do not stand by themselves."""
SCHEMES = {"phone": "tel:", "email": "mailto:"}
TONES = {
    "verdict": {"late": "bad", "due": "warn", "below": "bad", "above": "good"},
    "state": {"lost": "bad", "sleeping": "warn", "regular": "good"},
    "segment": {"lost": "bad", "at_risk": "bad", "sleeping": "warn", "champions": "good"},
    "outcome": {"won": "good", "lost": "bad"},
    "trouble": {"stuck": "bad", "overdue": "bad", "silent": "warn"},
    "pace": {"stuck": "bad", "slow": "warn"},
}
"""How a chosen word is coloured; the word itself says it all, colour only helps the eye."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One value as it is shown."""

    title: str
    text: str
    href: str = ""
    is_numeric: bool = False
    tone: str = ""
    exact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One visit of a stage: bars as shares of the longest, 0 to 100."""

    stage: str
    entered: str
    time: str
    usual: str
    width: float
    mark: float | None
    pace: str
    tone: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One share with its interval beside the team's, all 0 to 100."""

    title: str
    value: str
    interval: str
    team: str
    deals: str
    verdict: str
    tone: str
    point: float
    low: float
    high: float
    mark: float | None

    @property
    def span(self) -> float:
        """The width of the interval."""
        return round(self.high - self.low, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionPage:
    """What the template of a section needs."""

    name: str
    title: str
    help: str
    shown: str
    nothing: str
    is_pending: bool
    facts: tuple[Shown, ...] = ()
    heads: tuple[Shown, ...] = ()
    rows: tuple[tuple[Shown, ...], ...] = ()
    steps: tuple[Step, ...] = ()
    compared: tuple[Compared, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not (self.facts or self.rows or self.steps or self.compared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One moment of the timeline."""

    icon: str
    title: str
    time: str
    parts: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfLines:
    """The moments of one business day."""

    day: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What showing a row takes beside the row."""

    names: Names
    form: Format

    def value(self, column: Column, row: Mapping[str, Any], *, is_compact: bool = False) -> Shown:
        value = row.get(column.name)
        title = column.title.to(self.form.language)
        if column.references is not None:
            return Shown(title=title, text=self.names.of(column, row) or "—", href=card_href(column.references, value))
        form = replace(self.form, currency=row.get(CURRENCY) or self.form.currency)
        decimals = 0 if column.unit is Unit.MONEY and value is not None and abs(value) >= WHOLE_MONEY_FROM else None
        exact = value_text(column, value, form, decimals=decimals)
        short = is_compact and column.unit.kind == "money"
        return Shown(
            title=title,
            text=form.compact(value, column.unit) if short else exact,
            exact=exact,
            href=f"{SCHEMES[column.name]}{value}" if column.name in SCHEMES and value else "",
            is_numeric=column.unit.is_numeric,
            tone=_tone(column.name, value) if column.choices else "",
        )


def _tone(column: str, value: Any) -> str:
    return TONES.get(column, {}).get(value, "plain")


def section_pages(answer: CardAnswer, form: Format) -> dict[str, SectionPage]:
    """The sections of a card by name, in order."""
    page = _Page(names=answer.names, form=form)
    return {part.section.name: _section(part, page) for part in answer.sections}


def _section(part: SectionAnswer, page: _Page) -> SectionPage:
    section, rows = part.section, part.rows
    language = page.form.language
    common: dict[str, Any] = {
        "name": section.name,
        "title": section.title.to(language),
        "help": section.help.to(language),
        "shown": section.shown,
        "nothing": section.nothing.to(language),
        "is_pending": rows is None,
    }
    return SectionPage(**common, **(_SHAPES[section.shown](section, rows, page) if rows else {}))


def _facts(section: Section, rows: Any, page: _Page) -> dict[str, Any]:
    row = rows[0]
    known = [column for column in section.columns if row.get(column.name) is not None and column.name != CUSTOM]
    facts = [page.value(column, row) for column in known]
    custom = json.loads(row[CUSTOM]) if row.get(CUSTOM) else {}
    facts += [Shown(title=str(name), text=str(value)) for name, value in custom.items() if value not in (None, "")]
    return {"facts": tuple(facts)}


def _tiles(section: Section, rows: Any, page: _Page) -> dict[str, Any]:
    known = [column for column in section.columns if rows[0].get(column.name) is not None]
    return {"facts": tuple(page.value(column, rows[0], is_compact=True) for column in known)}


def _table(section: Section, rows: Any, page: _Page) -> dict[str, Any]:
    columns = [column for column in section.columns if column.name not in BESIDE_NAMES]
    heads = [
        Shown(title="", text=column.title.to(page.form.language), is_numeric=column.unit.is_numeric)
        for column in columns
    ]
    return {
        "heads": tuple(heads),
        "rows": tuple(tuple(page.value(column, row) for column in columns) for row in rows),
    }


def _path(section: Section, rows: Any, page: _Page) -> dict[str, Any]:
    by_name = {column.name: column for column in section.columns}
    longest = max((row[name] or 0 for row in rows for name in ("hours", "median_hours")), default=0) or 1
    flags = ("is_backward", "is_reentry")
    steps = [
        Step(
            stage=page.names.of(by_name["stage_id"], row),
            entered=page.value(by_name["entered_on"], row).text,
            time=page.value(by_name["hours"], row).text if row["hours"] is not None else "",
            usual=page.value(by_name["median_hours"], row).text if row["median_hours"] is not None else "",
            width=round(100 * (row["hours"] or 0) / longest, 1),
            mark=round(100 * row["median_hours"] / longest, 1) if row["median_hours"] is not None else None,
            pace=page.value(by_name["pace"], row).text if row["pace"] else "",
            tone=_tone("pace", row["pace"]),
            notes=tuple(by_name[name].title.to(page.form.language) for name in flags if row[name]),
        )
        for row in rows
    ]
    return {"steps": tuple(steps)}


def _compared(section: Section, rows: Any, page: _Page) -> dict[str, Any]:
    by_name = {column.name: column for column in section.columns}

    def text(name: str, row: Mapping[str, Any]) -> str:
        return page.value(by_name[name], row).text

    known = [row for row in rows if row["value"] is not None]
    return {
        "compared": tuple(
            Compared(
                title=text("measure", row),
                value=text("value", row),
                interval=f"{text('low', row)} – {text('high', row)}",
                team=text("team", row),
                deals=text("deals", row),
                verdict=text("verdict", row) if row["verdict"] else "",
                tone=_tone("verdict", row["verdict"]),
                point=round(100 * row["value"], 1),
                low=round(100 * row["low"], 1),
                high=round(100 * row["high"], 1),
                mark=round(100 * row["team"], 1) if row["team"] is not None else None,
            )
            for row in known
        )
    }


_SHAPES = {"facts": _facts, "tiles": _tiles, "table": _table, "path": _path, "against": _compared}


def timeline_days(timeline: Timeline, form: Format) -> tuple[DayOfLines, ...]:
    """The moments by business day, newest first."""
    page = _Page(names=timeline.names, form=form)
    zone = ZoneInfo(form.timezone)
    days: dict[str, list[Line]] = {}
    for moment in timeline.moments:
        local = moment.at.astimezone(zone)
        parts = [page.value(column, moment.row) for column in moment.columns if _tells(column, moment.row)]
        line = Line(
            icon=moment.event.icon,
            title=moment.event.title.to(form.language),
            time=f"{local:%H:%M}",
            parts=tuple(parts),
        )
        days.setdefault(_day(local, form), []).append(line)
    return tuple(DayOfLines(day=day, lines=tuple(lines)) for day, lines in days.items())


def _day(local: datetime, form: Format) -> str:
    return form.shown(local.date(), Unit.DAY)


def _tells(column: Column, row: Mapping[str, Any]) -> bool:
    return row.get(column.name) not in (None, "")


def event_choices(events: tuple[Event, ...], form: Format) -> list[tuple[str, str]]:
    """(name, title) of the kinds of events one may ask for."""
    return [(event.name, event.title.to(form.language)) for event in events]

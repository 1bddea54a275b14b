"""One customer, deal or employee: is this user allowed to see it, and what stands in each section of its card?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.naming import Names, names_in
from rakurs.app.reaching import opening, readable
from rakurs.app.rights import Scope
from rakurs.core.card import Card, Event, Rows, Section, Slice, Standard, Subject
from rakurs.core.errors import UnknownName
from rakurs.core.frames import conform
from rakurs.core.periods import DAY
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]
Against = Callable[[Standard], Any]
"""What a standard measured: computed or kept from before."""

CURRENCY = "currency"
MOMENTS_AT_ONCE, MOST_MOMENTS = 30, 600


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionAnswer:
    """The rows of one section; None while its standard is still to be measured."""

    section: Section
    rows: Rows | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardAnswer:
    """A card with its sections, and the names of everything they refer to."""

    card: Card
    subject: Subject
    label: str
    sections: tuple[SectionAnswer, ...]
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of a timeline."""

    event: Event
    columns: tuple[Column, ...]
    at: datetime
    row: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The newest moments first; `has_more` when older ones are left out."""

    moments: tuple[Moment, ...]
    names: Names
    has_more: bool


def is_seen(reader: Reader, card: Card, subject_id: str, scope: Scope) -> bool:
    """Whether any row that opens this card to `scope` exists."""
    frames = (_belonging(opening(reader, part.table, scope), part, subject_id) for part in card.seen_through)
    return any(reader.count(frame.select(frame.collect_schema().names()[0]).head(1)) for frame in frames)


def checked_subject(reader: Reader, card: Card, subject_id: str, *, scope: Scope, today: date) -> Subject:
    """The subject, for a user who may see it. UnknownName reads the same for one unknown and one of somebody else."""
    if not is_seen(reader, card, subject_id, scope):
        kind = Text(ru=f"{card.title.ru}:", en=card.title.en.lower())
        raise UnknownName(kind, subject_id, ())
    return Subject(id=subject_id, today=today)


def card_of(
    reader: Reader,
    card: Card,
    subject: Subject,
    *,
    scope: Scope,
    against: Against,
    is_ready: Callable[[Standard], bool],
) -> CardAnswer:
    """The whole card; sections whose heavy standard is not ready are left for later."""
    answers: list[SectionAnswer] = []
    for section in card.sections:
        standard = section.standard
        is_later = standard is not None and standard.is_heavy and not is_ready(standard)
        rows = None if is_later else section_rows(reader, section, subject, scope=scope, against=against)
        answers.append(SectionAnswer(section=section, rows=rows))
    return _named(reader, card, subject, answers, scope=scope)


def section_of(
    reader: Reader, card: Card, name: str, subject: Subject, *, scope: Scope, against: Against
) -> CardAnswer:
    """The card with one section only, its standard measured when it must be."""
    known = {section.name: section for section in card.sections}
    if name not in known:
        raise UnknownName(Text(ru="Раздела", en="section"), name, known)
    rows = section_rows(reader, known[name], subject, scope=scope, against=against)
    return _named(reader, card, subject, [SectionAnswer(section=known[name], rows=rows)], scope=scope)


def _named(
    reader: Reader, card: Card, subject: Subject, answers: Sequence[SectionAnswer], *, scope: Scope
) -> CardAnswer:
    own = Column(name=card.key, unit=card.table.column(card.key).unit, title=card.title, references=card.table.name)
    row = {card.key: subject.id}
    groups = [(answer.section.columns, answer.rows or ()) for answer in answers]
    names = names_in(reader, [*groups, ((own,), (row,))], scope=scope)
    return CardAnswer(card=card, subject=subject, label=names.of(own, row), sections=tuple(answers), names=names)


def section_rows(reader: Reader, section: Section, subject: Subject, *, scope: Scope, against: Against) -> Rows:
    """The rows of a section: computed in the engine, finished here."""
    frames = {
        name: _belonging(readable(reader, part.table, scope), part, subject.id) for name, part in section.reads.items()
    }
    measured = against(section.standard) if section.standard is not None else None
    frame = section.compute(subject, frames, measured)
    if section.finish is None:
        return reader.collect(conform(frame, section.columns)).to_pylist()
    return section.finish(reader.collect(frame).to_pylist(), subject, measured)


def measured(reader: Reader, standard: Standard, *, scope: Scope, today: date) -> Any:
    """What `standard` is for everybody this user may see."""
    frames = {name: readable(reader, part.table, scope) for name, part in standard.reads.items()}

    def collect(frame: Frame) -> Rows:
        return reader.collect(frame).to_pylist()

    return standard.measure(collect, frames, today)


def timeline_of(
    reader: Reader, card: Card, subject: Subject, *, scope: Scope, kinds: Sequence[str] = (), limit: int
) -> Timeline:
    """The newest `limit` moments of the subject, of the asked kinds of events or of all."""
    most = min(limit, MOST_MOMENTS)
    asked = [event for event in card.events if not kinds or event.name in kinds]
    found = [
        moment for event in asked for moment in _moments(reader, card, event, subject, scope=scope, limit=most + 1)
    ]
    found.sort(key=lambda moment: moment.at, reverse=True)
    shown = tuple(found[:most])
    names = names_in(reader, [(moment.columns, (moment.row,)) for moment in shown], scope=scope)
    return Timeline(moments=shown, names=names, has_more=len(found) > most and most < MOST_MOMENTS)


def _moments(reader: Reader, card: Card, event: Event, subject: Subject, *, scope: Scope, limit: int) -> list[Moment]:
    columns = tuple(
        column
        for column in (event.table.column(name) for name in event.shown)
        if column.references != card.table.name or event.by[card.name] != column.name
    )
    until = int(datetime.combine(subject.today + DAY, time(0), tzinfo=UTC).timestamp())
    frame = readable(reader, event.table, scope).filter(
        nw.col(event.by[card.name]) == nw.lit(subject.id), nw.col(event.at) < nw.lit(until)
    )
    if event.keep is not None:
        frame = event.keep(frame)
    beside = [name for name in (CURRENCY, "pipeline_id") if name in event.table.names]
    kept = dict.fromkeys([event.at, *event.table.key, *event.shown, *beside])
    order = [event.at, *event.table.key]
    newest = frame.sort(*order, descending=[True, *(False for _ in event.table.key)]).head(limit).select(*kept)
    return [
        Moment(event=event, columns=columns, at=datetime.fromtimestamp(row[event.at], tz=UTC), row=row)
        for row in reader.collect(newest).to_pylist()
    ]


def _belonging(frame: Frame, part: Slice, subject_id: str) -> Frame:
    return frame if part.by is None else frame.filter(nw.col(part.by) == nw.lit(subject_id))

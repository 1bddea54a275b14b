"""What stands behind this answer? The passport, as facts a person can read down."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rakurs.app.formats import Format, custom_period
from rakurs.core.answer import Omitted, Passport
from rakurs.core.params import Params
from rakurs.core.text import Text
from rakurs.core.units import Unit

PERIOD = Text(ru="Период", en="Period")
DEFINITION = Text(ru="Что это за число", en="Definition")
HOW_TO_READ = Text(ru="Как читать", en="How to read")
METHOD = Text(ru="Метод", en="Method")
FILTERS = Text(ru="Отбор", en="Filters")
SCOPE = Text(ru="Чьи записи", en="Whose records")
READ = Text(ru="Прочитано", en="Read")
LEFT_OUT = Text(ru="Не вошло", en="Left out")
NOTES = Text(ru="Замечания", en="Notes")
FRESHNESS = Text(ru="Свежесть данных", en="Data")
ROWS_OF = Text(ru="{title}: {rows} строк", en="{title}: {rows} rows")
UP_TO = Text(
    ru="по {newest}, загружены {loaded}, версия {version}", en="up to {newest}, loaded {loaded}, version {version}"
)
COMPUTED = Text(ru="посчитано {at} за {seconds} с", en="computed {at} in {seconds} s")
NO_FILTERS = Text(ru="без отбора", en="none")


QUERY = Text(ru="Запрос", en="Query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of the passport: a label and one or more things to read."""

    label: str
    items: tuple[str, ...]

    @property
    def words(self) -> str:
        """The things to read in one line."""
        return "; ".join(self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportPage:
    """The facts, the line that stands when the passport is folded, and the query."""

    facts: tuple[Fact, ...]
    query_label: str
    summary: str
    sql: str

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """(label, words) in reading order, the query last: a workbook's sheet."""
        query = ((self.query_label, self.sql),) if self.sql else ()
        return (*((fact.label, fact.words) for fact in self.facts), *query)


def passport_page(passport: Passport, params: type[Params], form: Format) -> PassportPage:
    """`passport` with its words in the page's language, numbers and days in its formats."""
    language = form.language
    newest = form.shown(date.fromisoformat(passport.newest_on), Unit.DAY) if passport.newest_on else "—"
    fresh = UP_TO.filled(
        newest=newest, loaded=form.shown(passport.loaded_at, Unit.TIME), version=passport.data_version
    ).to(language)
    seconds = form.shown(round(passport.seconds, 2), Unit.NUMBER)
    computed = COMPUTED.filled(at=form.shown(passport.computed_at, Unit.TIME), seconds=seconds).to(language)
    facts = (
        (DEFINITION, [passport.definition.to(language)]),
        (HOW_TO_READ, [passport.how_to_read.to(language)]),
        (PERIOD, [_period(passport.period, form)]),
        (FILTERS, _filters(passport, params, form)),
        (SCOPE, [passport.scope.to(language)]),
        (
            READ,
            [
                ROWS_OF.filled(title=item.title.to(language), rows=form.shown(item.rows, Unit.COUNT)).to(language)
                for item in passport.inputs
            ],
        ),
        (
            LEFT_OUT,
            [_omitted(item, form) for item in passport.left_out],
        ),
        (NOTES, [note.to(language) for note in passport.notes]),
        (FRESHNESS, [fresh, computed]),
        (METHOD, [passport.source]),
    )
    return PassportPage(
        facts=tuple(Fact(label=label.to(language), items=tuple(items)) for label, items in facts if any(items)),
        query_label=QUERY.to(language),
        summary=passport.definition.to(language),
        sql=passport.sql,
    )


def _omitted(item: Omitted, form: Format) -> str:
    words = f"{item.reason.to(form.language)}: {form.shown(item.rows, Unit.COUNT)}"
    return words if item.amount is None else f"{words} ({form.shown(item.amount, Unit.MONEY)})"


def _period(words: str, form: Format) -> str:
    first, _, last = words.partition("..")
    days = [date.fromisoformat(day) if day else None for day in (first, last)]
    return custom_period(days[0], days[1], form)


def asked_words(passport: Passport, params: type[Params], form: Format) -> tuple[tuple[str, str], ...]:
    """What was asked, as (title, value): the period, then each filter that differs from its default."""
    infos = params.infos()
    chosen = (
        (infos[name].title.to(form.language), _value(infos[name], value, passport.names, form))
        for name, value in passport.filters.items()
        if name in infos  # what has no title of its own (conditions) is told by the definition
    )
    return ((PERIOD.to(form.language), _period(passport.period, form)), *chosen)


def _filters(passport: Passport, params: type[Params], form: Format) -> list[str]:
    words = [f"{title}: {value}" for title, value in asked_words(passport, params, form)[1:]]
    return words or [NO_FILTERS.to(form.language)]


def _value(info: Any, value: Any, names: Mapping[str, str], form: Format) -> str:
    labels = {str(getattr(key, "value", key)): text for key, text in (info.labels if info else {}).items()}
    values = value if isinstance(value, list | tuple) else [value]
    return ", ".join(
        labels[str(item)].to(form.language) if str(item) in labels else names.get(str(item), str(item))
        for item in values
    )

"""What does the text in a cell mean as a value of a unit?

Every function here takes an SQL expression of text and gives an SQL expression of the typed value, null where the
text cannot be read. The common way of writing is tried first, on the text as it stands; blanks around it and the
many other ways are looked at only where that fails, row by row, because `coalesce` and `case` stop at the first
answer. Words are compared trimmed: `is_text` says which columns want `cell` around their text from the start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from rakurs.core.source import DateOrder
from rakurs.core.table import Column
from rakurs.core.units import Unit
from rakurs.schema.ddl import literal

BLANKS = " \t\r\n\u00a0\u2007\u2009\u202f\ufeff"

_TRUE = ("да", "true", "1", "yes", "y", "д", "t", "истина", "+")
_FALSE = ("нет", "false", "0", "no", "n", "н", "f", "ложь", "-")
_CURRENCY = r"(?i)(₽|\$|€|£|₸|руб(лей|ля|ль)?\.?|р\.?|rub|rur|usd|eur|kzt|byn|cny)"
_CURRENCY_CODES = {
    "RUB": ("rub", "rur", "руб", "руб.", "р", "р.", "₽", "643", "810", "рубль", "рублей"),
    "USD": ("usd", "$", "840"),
    "EUR": ("eur", "€", "978"),
}
_DAY_ORDERS: dict[DateOrder, tuple[str, ...]] = {
    "dmy": ("%d.%m.%y", "%d.%m.%Y"),
    "mdy": ("%m.%d.%y", "%m.%d.%Y"),
    "ymd": ("%y.%m.%d", "%d.%m.%Y"),
}
_CLOCKS = ("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S.%f")


# Zone tables reach to the end of 2037; before 1970 nothing is plausible.
_FIRST_KNOWN, _LAST_KNOWN = datetime(1970, 1, 2, 12), datetime(2037, 12, 30, 12)  # noqa: DTZ001 - local clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file writes its values: the zone of naive times, the company's zone, the order of day and month."""

    zone: str
    company_zone: str
    date_order: DateOrder = "dmy"


def cell(name: str) -> str:
    """A raw cell without blanks around it; null when nothing is left."""
    # The first sign is seen by comparing, which is cheaper than cutting it out; the last one has to be cut out.
    first = f"({name} >= '!' and {name} < '\x7f' or {name} >= 'А' and {name} < 'ѐ')"
    last = f"({name}[-1] between '!' and '~' or {name}[-1] between 'А' and 'я')"
    ends = f"{first} and {last}"
    return f"case when {ends} then {name} else nullif({trimmed(name)}, '') end"


def trimmed(text: str) -> str:
    """Text without blanks around it."""
    return f"trim({text}, {literal(BLANKS)})"


def is_text(column: Column) -> bool:
    """Whether a value of `column` is the text itself, or a word looked up."""
    return column.unit.kind == "text"


def converted(text: str, column: Column, reading: Reading) -> str:
    """`text` as a value of `column`: its unit, or one of its choices."""
    if column.choices:
        return choice(text, column)
    if column.name == "currency":
        return currency(text)
    kind = column.unit.kind
    if kind in {"number", "money", "share"}:
        return seconds(text) if column.unit is Unit.SECONDS else number(text, column.unit.sql)
    if kind == "day":
        return day(text, reading)
    if kind == "time":
        return time(text, reading)
    return flag(text) if kind == "flag" else text


def number(text: str, sql_type: str) -> str:
    """A number with dot or comma, thousands apart or not, a currency sign, minus signs of every kind.

    A single comma is decimal; a comma and a dot together: the last one is. Three digits after each of several
    equal separators are thousands. Halves round away from zero.
    """
    direct = f"try_cast({text} as {sql_type})"
    comma = f"try_cast(replace({text}, ',', '.') as {sql_type})"
    value = f"coalesce({direct}, {comma}, try_cast({_unless_empty(text, _bare_number(trimmed(text)), _plain_number)} as {sql_type}))"
    return value if sql_type != "DOUBLE" else _bound(value, lambda it: f"case when isfinite({it}) then {it} end")


def _bound(value: str, then: Callable[[str], str]) -> str:
    """`then` over `value`, worked out once and only for the rows that get here.

    Said twice in one select, an expression is computed beforehand for every row; a lambda keeps it in its branch.
    """
    return f"list_transform([{value}], lambda it: {then('it')})[1]"


def _unless_empty(text: str, value: str, then: Callable[[str], str]) -> str:
    """`_bound`, passed by where there is no text at all: many columns are mostly empty."""
    return f"case when {text} is not null then {_bound(value, then)} end"


def _bare_number(text: str) -> str:
    """Text without blanks, apostrophes and currency signs; every minus is a leading "-"."""
    bare = f"translate({text}, '−–—', '---')"
    bare = f"regexp_replace({bare}, '[\\s\\x{{00a0}}\\x{{2007}}\\x{{2009}}\\x{{202f}}''’`]', '', 'g')"
    bare = f"regexp_replace(regexp_replace({bare}, '^([-+(]?){_CURRENCY}', '\\1'), '{_CURRENCY}([-)]?)$', '\\3')"
    return f"regexp_replace(regexp_replace({bare}, '^\\((.*)\\)$', '-\\1'), '^([0-9].*)-$', '-\\1')"


def _plain_number(bare: str) -> str:
    """Text rewritten as -1234.56; null where the separators make no number."""
    return (
        f"case when regexp_full_match({bare}, '[-+]?\\d{{1,3}}((,\\d{{3}})+\\.\\d*|(,\\d{{3}}){{2,}})') "
        f"then replace({bare}, ',', '') "
        f"when regexp_full_match({bare}, '[-+]?\\d{{1,3}}((\\.\\d{{3}})+,\\d*|(\\.\\d{{3}}){{2,}})') "
        f"then replace(replace({bare}, '.', ''), ',', '.') "
        f"when regexp_full_match({bare}, '[-+]?(\\d+[.,]?\\d*|[.,]\\d+)') then replace({bare}, ',', '.') end"
    )


def seconds(text: str) -> str:
    """Whole seconds, as a number or as h:mm:ss or m:ss."""

    def of_clock(it: str) -> str:
        parts = f"list_transform(string_split({it}, ':'), lambda part: part::bigint)"
        is_clock = f"regexp_full_match({it}, '\\d+:\\d{{2}}(:\\d{{2}})?')"
        return f"case when {is_clock} then list_reduce({parts}, lambda total, part: total * 60 + part) end"

    return f"coalesce({number(text, 'BIGINT')}, {_unless_empty(text, trimmed(text), of_clock)})"


def flag(text: str) -> str:
    """Yes or no, in the words of both languages."""

    def of_word(it: str) -> str:
        return f"case when {it} in ({_listed(_TRUE)}) then true when {it} in ({_listed(_FALSE)}) then false end"

    common = f"case when {text} in ('1', 'true') then true when {text} in ('0', 'false') then false end"
    return f"coalesce({common}, {_unless_empty(text, f'lower({trimmed(text)})', of_word)})"


def choice(text: str, column: Column) -> str:
    """The code of an allowed word, given as the code or as its title in either language."""
    cases = " ".join(
        f"when lower({text}) in ({_listed({code.lower(), title.ru.lower(), title.en.lower()})}) then {literal(code)}"
        for code, title in column.choices.items()
    )
    return f"case {cases} end"


def currency(text: str) -> str:
    """An ISO 4217 code; the usual signs and abbreviations of the rouble, dollar and euro are understood."""
    cases = " ".join(
        f"when lower({text}) in ({_listed(words)}) then {literal(code)}" for code, words in _CURRENCY_CODES.items()
    )
    return f"case {cases} else upper({text}) end"


def day(text: str, reading: Reading) -> str:
    """A business day. A moment with an offset falls on the company's day; one without, on its own."""
    short = f"case when {text}[5] = '-' and length({text}) = 10 then try_cast({text} as date) end"

    def any_way(it: str) -> str:
        aware_day = f"timezone({literal(reading.company_zone)}, timezone('UTC', {_aware(it)}))::date"
        return f"coalesce(({_naive(it, reading.date_order)})::date, {aware_day})"

    return f"coalesce({short}, {_unless_empty(text, trimmed(text), any_way)})"


def time(text: str, reading: Reading) -> str:
    """A moment in UTC. One without an offset is in the file's zone; a day alone is its midnight."""
    short = (
        f"case when {_is_iso(text)} then case when {text}[-1] = 'Z' then try_cast({text} as timestamp) "
        f"when {_ends_plainly(text)} then {utc(f'try_cast({text} as timestamp)', reading.zone)} end end"
    )

    def any_way(it: str) -> str:
        return f"coalesce({utc(_naive(it, reading.date_order), reading.zone)}, {_aware(it)})"

    # What databases write most; tried first, because it needs no look at the text beforehand.
    usual = utc(f"case when {text} < ':' then try_strptime({text}, '%Y-%m-%d %H:%M:%S') end", reading.zone)
    return f"coalesce({usual}, {short}, {_unless_empty(text, trimmed(text), any_way)})"


def utc(local: str, zone: str) -> str:
    """A naive local timestamp of `zone` as UTC."""
    if zone == "UTC":
        return local
    anyway = f"timezone({literal(zone)}, {local})::timestamp"
    since = _steady_since(zone)
    if since is None:
        return anyway
    shifted = f"{local} - interval {_seconds(since[1])} second"
    return f"case when {local} >= {_moment(since[0])} then {shifted} else {anyway} end"


def local_day(moment: str, zone: str) -> str:
    """The business day in `zone` of a moment in UTC."""
    anyway = f"timezone({literal(zone)}, timezone('UTC', {moment}))::date"
    since = _steady_since(zone)
    if since is None:
        return anyway
    shifted = f"({moment} + interval {_seconds(since[1])} second)::date"
    return f"case when {moment} >= {_moment(since[0])} then {shifted} else {anyway} end"


@cache
def _steady_since(zone: str) -> tuple[datetime, timedelta] | None:
    """From when on the clocks of `zone` keep one offset, a day or two later, and which; None where they still change.

    Adding an offset is ten times cheaper than asking the engine for the zone's rules, row by row.
    """
    info = ZoneInfo(zone)
    day = _LAST_KNOWN
    offset = day.replace(tzinfo=info).utcoffset()
    while day > _FIRST_KNOWN and day.replace(tzinfo=info).utcoffset() == offset:
        day -= timedelta(days=1)
    assert offset is not None, zone
    return (day + timedelta(days=3), offset) if day < _LAST_KNOWN - timedelta(days=366) else None


def _seconds(offset: timedelta) -> str:
    return f"({int(offset.total_seconds())})"


def _moment(when: datetime) -> str:
    return f"timestamp {literal(when.isoformat(sep=' '))}"


def _is_iso(text: str) -> str:
    # ":" is the character after "9": it keeps words such as "infinity" away from the cast.
    return f"({text}[5] = '-' and {text} < ':')"


def _has_offset(text: str) -> str:
    return (
        f"(length({text}) > 15 and ({text}[-1] = 'Z' or {text}[-6] in ('+', '-') "
        f"or {text}[-3] in ('+', '-') or {text}[-5] in ('+', '-')))"
    )


def _ends_plainly(text: str) -> str:
    return f"({text}[-1] between '0' and '9' and not {_has_offset(text)})"


def _spaced_offset(text: str) -> str:
    """The offset as ISO 8601 writes it, for texts that say "UTC" or leave a space before it."""
    return f"regexp_replace(regexp_replace({text}, '\\s*(UTC|GMT)$', 'Z'), '\\s+([+-]\\d\\d:?(\\d\\d)?)$', '\\1')"


def _naive(text: str, order: DateOrder) -> str:
    """The moment as it is written, without a zone; null when it carries an offset."""
    formats = ", ".join(literal(day + clock) for day in (*_DAY_ORDERS[order], "%Y.%m.%d", "%m.%Y") for clock in _CLOCKS)
    dotted = f"regexp_replace(translate(replace({text}, ', ', ' '), '/-T', '.. '), '\\s+', ' ', 'g')"
    serial = f"try_cast(replace({text}, ',', '.') as double)"
    excel = f"timestamp '1899-12-30' + to_seconds(round({serial} * 86400))"
    return (
        f"case when {_is_iso(text)} then case when {_ends_plainly(text)} "
        f"then coalesce(try_cast({text} as timestamp), try_strptime({text}, '%Y-%m')) end "
        f"when regexp_full_match({text}, '\\d{{5}}([.,]\\d+)?') "
        f"then case when {serial} between 20000 and 80000 then {excel} end "
        f"when regexp_full_match({text}, '\\d{{8}}(\\d{{6}})?') then try_strptime({text}, ['%Y%m%d', '%Y%m%d%H%M%S']) "
        f"when regexp_matches({text}, '^\\d{{1,4}}[./-]\\d') then try_strptime({dotted}, [{formats}]) end"
    )


def _aware(text: str) -> str:
    """The moment in UTC of a text that carries an offset, or of Unix seconds; null for others."""
    whole = _spaced_offset(text)
    return (
        f"case when {_is_iso(text)} then case when {_has_offset(whole)} "
        f"then try_cast({whole} as timestamptz)::timestamp end "
        f"when regexp_full_match({text}, '\\d{{10}}') then to_timestamp({text}::bigint)::timestamp end"
    )


def _listed(words: tuple[str, ...] | set[str]) -> str:
    return ", ".join(literal(word) for word in sorted(words))

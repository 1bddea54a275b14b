"""When is a row not fit to be counted, how is that said, and what is the next step?

A rule is checked at load. A row that breaks one goes to quarantine with the rule and the value, and is never
lost: it waits for a better file, or for a better rule.
"""

from dataclasses import dataclass

from rakurs.core.errors import UnknownName
from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit

RULE = Text(ru="Правила", en="rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Why a row was set aside. `next_step` says what a person can do about it."""

    code: str
    reason: Text
    next_step: Text


MALFORMED_ROW = Rule(
    code="malformed_row",
    reason=Text(ru="В строке больше значений, чем столбцов", en="The row has more values than columns"),
    next_step=Text(
        ru="Проверьте разделители и кавычки в этой строке файла",
        en="Check the delimiters and quotes in this row of the file",
    ),
)
REQUIRED_MISSING = Rule(
    code="required_missing",
    reason=Text(ru="Нет обязательного значения", en="A required value is missing"),
    next_step=Text(
        ru="Заполните столбец или сопоставьте ему другой", en="Fill the column in, or map another column to it"
    ),
)
NOT_A_NUMBER = Rule(
    code="not_a_number",
    reason=Text(ru="Это не число", en="This is not a number"),
    next_step=Text(ru="Исправьте число: 1234,56 или 1 234.56", en="Correct the number: 1234.56 or 1,234.56"),
)
NOT_A_DAY = Rule(
    code="not_a_day",
    reason=Text(ru="Это не дата", en="This is not a date"),
    next_step=Text(
        ru="Исправьте дату (2025-03-31 или 31.03.2025) либо порядок дня и месяца в сопоставлении",
        en="Correct the date (2025-03-31), or the order of day and month in the mapping",
    ),
)
NOT_A_TIME = Rule(
    code="not_a_time",
    reason=Text(ru="Это не дата и время", en="This is not a date and time"),
    next_step=Text(
        ru="Исправьте время (2025-03-31 14:05) либо порядок дня и месяца в сопоставлении",
        en="Correct the time (2025-03-31 14:05), or the order of day and month in the mapping",
    ),
)
NOT_A_FLAG = Rule(
    code="not_a_flag",
    reason=Text(ru="Это не «да» и не «нет»", en="This is neither yes nor no"),
    next_step=Text(ru="Напишите да или нет, 1 или 0", en="Write yes or no, 1 or 0"),
)
NOT_A_CHOICE = Rule(
    code="not_a_choice",
    reason=Text(ru="Такого значения нет среди допустимых", en="The value is not one of those allowed"),
    next_step=Text(
        ru="Сопоставьте это слово с одним из допустимых в профиле файла",
        en="Map this word to one of the allowed values in the file's profile",
    ),
)
BELOW_LOW = Rule(
    code="below_low",
    reason=Text(ru="Число меньше возможного", en="The number is below what is possible"),
    next_step=Text(
        ru="Проверьте знак; возврат отмечается столбцом «возврат»",
        en="Check the sign; a return is marked by the return column",
    ),
)
IMPLAUSIBLE_TIME = Rule(
    code="implausible_time",
    reason=Text(
        ru="Дата раньше 1970 года или более чем на 10 лет впереди",
        en="The date is before 1970 or more than 10 years ahead",
    ),
    next_step=Text(ru="Исправьте год", en="Correct the year"),
)
CLOSED_BEFORE_CREATED = Rule(
    code="closed_before_created",
    reason=Text(ru="Закрыта раньше, чем создана", en="Closed before it was created"),
    next_step=Text(ru="Исправьте одну из двух дат", en="Correct one of the two dates"),
)

RULES: tuple[Rule, ...] = (
    MALFORMED_ROW,
    REQUIRED_MISSING,
    NOT_A_NUMBER,
    NOT_A_DAY,
    NOT_A_TIME,
    NOT_A_FLAG,
    NOT_A_CHOICE,
    BELOW_LOW,
    IMPLAUSIBLE_TIME,
    CLOSED_BEFORE_CREATED,
)
"""In the order they are checked: of several broken rules a row is set aside under the first."""

EARLIEST_YEAR = 1970
YEARS_AHEAD = 10

_UNREADABLE: dict[str, Rule] = {
    "number": NOT_A_NUMBER,
    "money": NOT_A_NUMBER,
    "share": NOT_A_NUMBER,
    "day": NOT_A_DAY,
    "time": NOT_A_TIME,
    "flag": NOT_A_FLAG,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeOrder:
    """Two moments of one row that must not fall on days in the wrong order."""

    table: str
    earlier: str
    later: str
    rule: Rule


TIME_ORDERS: tuple[TimeOrder, ...] = (
    TimeOrder(table="deals", earlier="created_at", later="closed_at", rule=CLOSED_BEFORE_CREATED),
)


def rule_named(code: str) -> Rule:
    """The rule called `code`; UnknownName says which is nearest."""
    for rule in RULES:
        if rule.code == code:
            return rule
    raise UnknownName(RULE, code, [rule.code for rule in RULES])


def unreadable(column: Column) -> Rule | None:
    """The rule a value breaks when it cannot be read as its column's unit; None where any text will do."""
    if column.choices:
        return NOT_A_CHOICE
    return _UNREADABLE.get(column.unit.kind)


def least(column: Column) -> float | None:
    """The least value that is possible in `column`; the column's own bound comes before its unit's."""
    return column.low if column.low is not None else column.unit.bounds[0]


def is_dated(column: Column) -> bool:
    """Whether `column` holds moments that must be plausible. Birthdays and the like may be long ago."""
    return column.unit is Unit.TIME


def time_orders(table: Table) -> tuple[TimeOrder, ...]:
    """The orders of moments that rows of `table` must keep."""
    return tuple(order for order in TIME_ORDERS if order.table == table.name)

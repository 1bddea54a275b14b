"""Columns computed at load beside the ones a file gives: business days, epochs, base currency, origin."""

from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.core.units import Unit

ORIGIN = (
    Column(name="source", unit=Unit.ID, title=Text(ru="Источник", en="Source"), is_derived=True),
    Column(name="source_id", unit=Unit.ID, title=Text(ru="Номер в источнике", en="Id in the source"), is_derived=True),
    Column(name="batch_id", unit=Unit.ID, title=Text(ru="Загрузка", en="Batch"), is_derived=True),
    Column(name="loaded_at", unit=Unit.TIME, title=Text(ru="Загружено", en="Loaded"), is_derived=True),
    Column(name="deleted_at", unit=Unit.TIME, title=Text(ru="Удалено", en="Deleted"), is_derived=True),
    Column(name="custom", unit=Unit.TEXT, title=Text(ru="Свои поля", en="Custom fields"), is_derived=True),
)
"""Where a row came from; `custom` is a JSON object of the columns we do not know, or null."""


def day_of(time_column: str) -> str:
    """`created_at` -> `created_on`: the business day in the company's time zone."""
    return time_column.removesuffix("at") + "on"


def epoch_of(time_column: str) -> str:
    """`created_at` -> `created_epoch`: seconds since 1970 in UTC, for elapsed times."""
    return time_column.removesuffix("at") + "epoch"


def base_of(money_column: str) -> str:
    """`amount` -> `amount_base`: the same money in the company's currency on the event's day."""
    return money_column + "_base"


def has_currency(table: Table) -> bool:
    """Whether rows of `table` say in which currency their money is."""
    return "currency" in table.names and any(column.unit is Unit.MONEY for column in table.columns)


def event_column(table: Table) -> str | None:
    """The table's own moment: its first required time, or its first time. None without times."""
    times = [column for column in table.columns if column.unit is Unit.TIME]
    required = [column for column in times if column.required]
    return next((column.name for column in (*required, *times)), None)


def derived_columns(table: Table) -> tuple[Column, ...]:
    """What the loader adds to a canonical table, in the order it is stored after the declared columns."""
    added: list[Column] = []
    for column in table.columns:
        if column.unit is Unit.TIME:
            title = column.title
            added.append(Column(name=day_of(column.name), unit=Unit.DAY, title=title, is_derived=True))
            added.append(Column(name=epoch_of(column.name), unit=Unit.EPOCH, title=title, is_derived=True))
        elif column.unit is Unit.MONEY and has_currency(table):
            added.append(Column(name=base_of(column.name), unit=Unit.MONEY, title=column.title, is_derived=True))
    return (*added, *ORIGIN)


def stored(table: Table) -> Table:
    """The canonical table as it is stored: declared columns, then the derived ones."""
    return Table(
        name=table.name,
        title=table.title,
        grain=table.grain,
        key=table.key,
        columns=(*table.columns, *derived_columns(table)),
    )

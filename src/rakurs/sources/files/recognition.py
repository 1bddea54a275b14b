"""Recognition: what does a table mean: a canonical one, a remembered shape, a known export, or is it new?"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import TABLES, table_named
from rakurs.sources.files.guessing import ColumnGuess, column_guesses, proposal
from rakurs.sources.files.profiles import Profile, best_fit
from rakurs.sources.files.shapes import SHAPES, Shape
from rakurs.sources.files.shapes.stages import StageColumns, with_stages
from rakurs.sources.files.tablepart import TablePart
from rakurs.sources.files.values import date_order

RecognisedBy = Literal["canonical", "profile", "known", "proposal"]
Records = Callable[[TablePart], Iterator[Sequence[str]]]

_AROUND_NAME = re.compile(r"^\d*[\s_.-]*(?P<name>[a-z_]+?)(?:[\s_.-]*\(?(?:[\d\s_.-]+|part|copy|копия|export)\)?)*$")
_MISSING = Text(
    ru="для таблицы {table} нет обязательных столбцов: {columns}. Добавьте их или назовите файл иначе.",
    en="required columns of {table} are missing: {columns}. Add them, or call the file otherwise.",
)
_LEFT_EMPTY = Text(
    ru="В файле нет столбцов, которые называет профиль: {columns}",
    en="Columns that the profile names are absent: {columns}",
)
_CUSTOM = Text(
    ru="Неизвестные столбцы сохранены как свои поля: {columns}", en="Unknown columns kept as custom fields: {columns}"
)
_MONTH_FIRST = Text(
    ru="Даты записаны месяцем вперёд (месяц/день/год): так показывают значения",
    en="Dates are written month first: their values prove it",
)
_MIXED_DATES = Text(
    ru="Даты противоречат друг другу: и день, и месяц стоят первыми. Принято: сначала день.",
    en="Dates contradict each other: both days and months come first. Day first is taken.",
)
_KNOWN_AS = Text(ru="Распознано: {title}", en="Recognised: {title}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a table means, who says so, and, for a printed report, the table rewritten as records."""

    by: RecognisedBy
    mapping: FileMapping
    part: TablePart
    guesses: tuple[ColumnGuess, ...]
    notes: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class _Canonical:
    table: Table
    mapping: FileMapping
    missing: tuple[str, ...]
    unknown: tuple[str, ...]


def recognised(
    part: TablePart,
    *,
    profiles: Iterable[Profile],
    forced: Profile | FileMapping | None,
    records: Records,
    tidied: Callable[[TablePart, Shape], TablePart],
) -> Recognised:
    """The meaning of one table: a profile asked for, its canonical name, a remembered shape, a known header, a guess."""
    if isinstance(forced, FileMapping):
        return _dated(_by_mapping(part, forced, by="profile"))
    if forced is not None and (fit := best_fit([forced], part.scan.columns, stem=part.stem)):
        return _dated(_by_mapping(part, fit[1].mapping, by="profile"))
    canonical = _canonical(part)
    if canonical and not canonical.missing:
        return _dated(_by_name(part, canonical))
    if fit := best_fit(profiles, part.scan.columns, stem=part.stem):
        return _dated(_by_mapping(part, fit[1].mapping, by="profile"))
    if shape := next((shape for shape in SHAPES if shape.fits(part.scan.columns)), None):
        return _dated(_by_shape(tidied(part, shape), shape, records=records))
    if canonical:
        columns = ", ".join(canonical.missing)
        raise UnreadableFile(part.file, _MISSING.filled(table=canonical.table.name, columns=columns))
    mapping, guesses = proposal(part)
    staged, notes = _with_guessed_stages(part, mapping, records=records)
    return _dated(Recognised(by="proposal", mapping=staged, part=part, guesses=guesses, notes=notes))


def canonical_table(stem: str) -> Table | None:
    """The canonical table a file is named after: "deals", "Deals_2024", "deals (1)", "01_deals"."""
    match = _AROUND_NAME.match(stem.strip().casefold().replace("-", "_").replace(" ", "_"))
    name = match["name"].strip("_") if match else ""
    return next((table for table in TABLES if table.name == name), None)


def _canonical(part: TablePart) -> _Canonical | None:
    """A table named after ours; None when nothing in its header is ours, so that only the name agrees."""
    table = canonical_table(part.stem)
    if table is None:
        return None
    ours = {name: name for name in table.names}
    values = {
        ours[key]: Value(columns=(column,))
        for column in part.scan.columns
        if (key := re.sub(r"[\s-]+", "_", column.strip().casefold())) in ours
    }
    if not values:
        return None
    used = {value.columns[0] for value in values.values()}
    ordered = {name: values[name] for name in table.names if name in values}
    return _Canonical(
        table=table,
        mapping=FileMapping(name=table.name, tables=(TableMapping(table=table.name, values=ordered),)),
        missing=tuple(column.name for column in table.columns if column.required and column.name not in values),
        unknown=tuple(column for column in part.scan.columns if column not in used),
    )


def _by_name(part: TablePart, canonical: _Canonical) -> Recognised:
    unknown = tuple(name for name in canonical.unknown if any(map(str.strip, part.samples_of(name))))
    return Recognised(
        by="canonical",
        mapping=canonical.mapping,
        part=part,
        guesses=column_guesses(part, canonical.mapping),
        notes=(_CUSTOM.filled(columns=_few(unknown)),) if unknown else (),
    )


def _by_mapping(part: TablePart, mapping: FileMapping, *, by: RecognisedBy) -> Recognised:
    """A saved mapping on this file: columns it names but the file lacks stay empty, required ones are an error."""
    fitted, absent = settled(mapping, part.scan.columns, file=part.file)
    notes = (_LEFT_EMPTY.filled(columns=_few(absent)),) if absent else ()
    return Recognised(by=by, mapping=fitted, part=part, guesses=column_guesses(part, fitted), notes=notes)


def settled(mapping: FileMapping, columns: Sequence[str], *, file: str) -> tuple[FileMapping, tuple[str, ...]]:
    """`mapping` on the columns a file really has, and the columns it names that are absent."""
    present = {column.casefold(): column for column in columns}
    absent: dict[str, None] = {}
    tables = tuple(_present(table, present, absent=absent, file=file) for table in mapping.tables)
    return replace(mapping, tables=tables), tuple(absent)


def _present(table: TableMapping, present: dict[str, str], *, absent: dict[str, None], file: str) -> TableMapping:
    values: dict[str, Value] = {}
    for name, value in table.values.items():
        columns = tuple(present[column.casefold()] for column in value.columns if column.casefold() in present)
        absent.update(dict.fromkeys(column for column in value.columns if column.casefold() not in present))
        if columns or value.constant is not None or value.default is not None or value.row_number:
            values[name] = replace(value, columns=columns)
    required = [column.name for column in table_named(table.table).columns if column.required]
    lost = [name for name in required if name in table.values and name not in values]
    unknown = [column for column in table.only_where if column.casefold() not in present]
    if lost or unknown:
        raise UnreadableFile(file, _MISSING.filled(table=table.table, columns=_few((*lost, *unknown))))
    only_where = {present[column.casefold()]: words for column, words in table.only_where.items()}
    return replace(table, values=values, only_where=only_where)


def lacking_columns(mapping: TableMapping) -> tuple[str, ...]:
    """The required columns a mapping gives no value for. Constant rows were checked when they were read."""
    if not mapping.values:
        return ()
    required = [column.name for column in table_named(mapping.table).columns if column.required]
    return tuple(name for name in required if name not in mapping.values)


def _by_shape(part: TablePart, shape: Shape, *, records: Records) -> Recognised:
    mapping = shape.mapping(part.scan.columns)
    found = shape.bound(part.scan.columns)
    notes: tuple[Text, ...] = ()
    if shape.stages and shape.stages.stage in found:
        names = StageColumns(
            stage=found[shape.stages.stage],
            pipeline=found.get(shape.stages.pipeline),
            created=found.get(shape.stages.created),
        )
        mapping, notes = with_stages(mapping, names, columns=part.scan.columns, rows=records(part))
    title = Text(ru=_KNOWN_AS.ru.format(title=shape.title.ru), en=_KNOWN_AS.en.format(title=shape.title.en))
    return Recognised(
        by="known",
        mapping=mapping,
        part=part,
        guesses=column_guesses(part, mapping),
        notes=(title, *shape.notes, *notes),
    )


def _with_guessed_stages(
    part: TablePart, mapping: FileMapping, *, records: Records
) -> tuple[FileMapping, tuple[Text, ...]]:
    deals = next((table for table in mapping.tables if table.table == "deals" and "stage_id" in table.values), None)
    if deals is None:
        return mapping, ()
    pipeline = deals.values["pipeline_id"].columns
    names = StageColumns(
        stage=deals.values["stage_id"].columns[0], pipeline=pipeline[0] if pipeline else None, created=None
    )
    return with_stages(mapping, names, columns=part.scan.columns, rows=records(part))


def _dated(known: Recognised) -> Recognised:
    """The order of day and month, as the values of the columns that hold days prove it."""
    columns = {
        name
        for table in known.mapping.tables
        for column, value in table.values.items()
        if table_named(table.table).column(column).unit in {Unit.DAY, Unit.TIME}
        for name in value.columns
        if name in known.part.scan.columns
    }
    order, is_mixed = date_order(value for name in sorted(columns) for value in known.part.samples_of(name))
    if is_mixed:
        return replace(known, notes=(*known.notes, _MIXED_DATES))
    if order == "mdy" and known.mapping.date_order == "dmy":
        return replace(known, mapping=replace(known.mapping, date_order="mdy"), notes=(*known.notes, _MONTH_FIRST))
    return known


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (f" … (+{len(names) - 12})" if len(names) > 12 else "")

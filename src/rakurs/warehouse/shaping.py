"""How do raw text rows become typed canonical rows?

One `Shaping` is one batch meant for one table. Its SQL stands in layers, each a select over the one below:
records (which raw rows are records), texts (which text goes where), values (typed), judged (`_broken` says which
rule fails, null for a good row), good (defaults, ids, derived columns: exactly what is stored).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from rakurs.core.source import FileMapping, Scan, TableMapping, Value
from rakurs.core.table import Column, Table
from rakurs.core.units import Unit
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.derived import base_of, day_of, epoch_of, has_currency, stored
from rakurs.warehouse.checks import Check, checks_of
from rakurs.warehouse.conversion import Reading, cell, converted, is_text, local_day
from rakurs.warehouse.defaults import ORDINALS, SETTLED, TEXT_DEFAULTS, settled_columns
from rakurs.warehouse.raw import OVERFLOW, Batch, raw_names

PLAIN_SOURCE = "files"
"""The source whose ids are kept as they are: what a person exports carries the ids they know."""
_TELLING = 20
"""Columns that tell a repeated header from nearly every record; the others are compared as one list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The load a row belongs to, and the company it is loaded for."""

    load_id: str
    at: datetime
    zone: str
    currency: str


def text_of(column: str) -> str:
    """The name of the text a typed column is made from, in the layers above `texts`."""
    return f"t_{column}"


def filled_by(mapping: TableMapping) -> frozenset[str]:
    """The canonical columns a mapping gives values for."""
    return frozenset(mapping.values).union(*(row.keys() for row in mapping.rows))


@dataclass(frozen=True, kw_only=True)
class Shaping:
    """One batch, or the constant rows of a mapping, on the way into one canonical table."""

    table: Table
    mapping: FileMapping
    table_mapping: TableMapping
    scan: Scan
    batch: Batch
    occasion: Occasion
    slot: str = ""
    needs_ordinal: bool = False
    is_constant: bool = False

    @property
    def records(self) -> str:
        """The raw rows that are records: no totals, repeated headers, blank or unwanted rows."""
        if self.is_constant:
            return self._constant_rows
        position = "file_row_number"
        source = f"read_parquet({literal(str(self.batch.path))}, file_row_number=true)"
        wanted = [self._is_not_blank]
        if self.scan.tail_rows:
            # Blank rows among the totals do not count as totals.
            last = f"select {position} as place from {source} where {self._is_not_blank} order by place desc"
            wanted += [f"{position} < (select min(place) from ({last} limit {self.scan.tail_rows}))"]
        wanted += [f"not ({self._repeats_header})"] if self.scan.header_values else []
        wanted += [
            f"coalesce({self._cell(column)}, '') in ({', '.join(literal(word.strip()) for word in words)})"
            for column, words in self.table_mapping.only_where.items()
        ]
        return f"select *, {self.scan.first_row} + {position} as _row from {source} where {' and '.join(wanted)}"

    @property
    def texts(self) -> str:
        """A row per record with the text meant for each canonical column, and what no column takes as JSON."""
        picked = ", ".join(f"{self._picked(column)} as {quoted(text_of(column.name))}" for column in self.table.columns)
        overflow = quoted(OVERFLOW) if self.batch.has_overflow and not self.is_constant else "null::varchar"
        select = f"select _row, {picked}, {self._custom} as custom, {overflow} as {OVERFLOW} from ({self.records})"
        if not self.table_mapping.distinct:
            return select
        known = " and ".join(f"{cell(quoted(text_of(column.name)))} is not null" for column in self._certain_key)
        return f"select * from ({select}) where {known}"

    @property
    def ids(self) -> str:
        """The distinct keys a list of deletions names, as texts, under their columns' names; ids as they are stored."""
        named = ", ".join(f"{cell(quoted(text_of(name)))} as {quoted(name)}" for name in self.table_mapping.values)
        known = " and ".join(f"{quoted(name)} is not null" for name in self.table_mapping.values)
        stored_ids = ", ".join(f"{self._as_listed(name)} as {quoted(name)}" for name in self.table_mapping.values)
        return f"select distinct {stored_ids} from (select {named} from ({self.texts})) where {known}"

    def _as_listed(self, name: str) -> str:
        """A part of a listed key as a text, the way it is stored: a day, too, is read before it is compared."""
        column = self.table.column(name)
        if column.unit is Unit.ID:
            return self._prefixed(name)
        return f"({converted(quoted(name), column, self._reading)})::varchar"

    @property
    def judged(self) -> str:
        """Typed values beside the texts; `_broken` is the position in `checks` of the first check that fails."""
        typed = ", ".join(
            f"{converted(quoted(text_of(column.name)), column, self._reading)} as {quoted(column.name)}"
            if column.name in self._given
            else f"null::{column.unit.sql} as {quoted(column.name)}"
            for column in self.table.columns
        )
        cases = " ".join(f"when {check.fails} then {number}" for number, check in enumerate(self.checks))
        # Drawing a random number keeps the engine from working all this out a second time below a filter.
        broken = f"case when random() < 0 then 0 {cases} end"
        return f"select *, {broken} as _broken from (select *, {typed} from ({self.texts}))"

    @property
    def good(self) -> str:
        """The rows that break no rule, exactly as they are stored, with `_row` last."""
        columns = [f"{self._stored(column)} as {quoted(column.name)}" for column in stored(self.table).columns]
        source = f"select * from ({self.judged}) where _broken is null"
        for layer in self._layers:
            changed = ", ".join(f"{expression} as {quoted(name)}" for name, expression in layer.items())
            source = f"select * replace ({changed}) from ({source})"
        if self.table_mapping.distinct:
            source = self._one_per_key(source)
        return f"select {', '.join(columns)}, _row from ({source})"

    @cached_property
    def checks(self) -> Sequence[Check]:
        """What each row is held to, in order."""
        return checks_of(self.table, given=self._given, zone=self.occasion.zone, now=self.occasion.at, text_of=text_of)

    @property
    def provided(self) -> frozenset[str]:
        """The stored columns this batch has a say in; the others stay as they are in rows known before."""
        given = filled_by(self.table_mapping) | settled_columns(self.table.name) | {*self.table.key}
        given &= {*self.table.names}
        derived = {day_of(name) for name in given} | {epoch_of(name) for name in given}
        money = {base_of(name) for name in given}
        return frozenset(given | derived | money | {"custom"}) & {*stored(self.table).names}

    @property
    def key_text(self) -> str:
        """The key as the file writes it, as JSON; null where a part of it is missing."""
        parts = [f"{quoted(text_of(column.name))}" for column in self._certain_key]
        if len(parts) < len(self.table.key) and self.table.name in ORDINALS:
            parts = [quoted(text_of(name)) for name in self.table.key]
        known = " and ".join(f"{part} is not null" for part in parts)
        every = ", ".join(quoted(text_of(name)) for name in self.table.key)
        return f"case when {known} then to_json([{every}])::varchar end"

    @property
    def raw_row(self) -> str:
        """The whole raw record as a JSON object, over `records` called `record`."""
        if self.is_constant:
            return "to_json(record)::varchar"
        names = [*self.batch.columns, *([OVERFLOW] if self.batch.has_overflow else [])]
        return f"to_json(struct_pack({', '.join(f'{quoted(name)} := {quoted(name)}' for name in names)}))::varchar"

    @property
    def ordinal_source(self) -> str | None:
        """The text of the ordinal column, where a file gives one; null rows there need a number."""
        column = ORDINALS[self.table.name][0]
        return cell(self._picked(self.table.column(column))) if column in self._given else None

    @cached_property
    def _given(self) -> frozenset[str]:
        constants = {column for table, column in TEXT_DEFAULTS if table == self.table.name}
        currency = {"currency"} if has_currency(self.table) and self.mapping.currency else set[str]()
        return filled_by(self.table_mapping) | constants | currency

    @property
    def _certain_key(self) -> list[Column]:
        return [column for column in self.table.columns if column.name in self.table.key and column.required]

    @property
    def _reading(self) -> Reading:
        return Reading(
            zone=self.mapping.timezone or self.occasion.zone,
            company_zone=self.occasion.zone,
            date_order=self.mapping.date_order,
        )

    @cached_property
    def _raw_of(self) -> Mapping[str, str]:
        return dict(zip(self.scan.columns, raw_names(self.scan.columns), strict=True))

    @property
    def _constant_rows(self) -> str:
        names = sorted(filled_by(self.table_mapping))
        rows = ", ".join(
            "(" + ", ".join(literal(_as_text(row.get(name))) + "::varchar" for name in names) + ")"
            for row in self.table_mapping.rows
        )
        columns = ", ".join(map(quoted, names))
        return f"select *, row_number() over () as _row from (values {rows}) constants({columns})"

    @property
    def _is_not_blank(self) -> str:
        return f"coalesce({', '.join(map(quoted, self.batch.columns))}) is not null"

    @property
    def _repeats_header(self) -> str:
        pairs = list(zip(self.batch.columns, self.scan.header_values, strict=False))
        told = [f"coalesce(trim({quoted(name)}), '') = {literal(value.strip())}" for name, value in pairs[:_TELLING]]
        rest = pairs[_TELLING:]
        if rest:
            cells = ", ".join(quoted(name) for name, _ in rest)
            header = ", ".join(literal(value.strip()) for _, value in rest)
            told.append(f"list_transform([{cells}], lambda _cell: coalesce(trim(_cell), '')) = [{header}]")
        return " and ".join(told)

    def _cell(self, column: str) -> str:
        return cell(quoted(column if self.is_constant else self._raw_of[column]))

    def _picked(self, column: Column) -> str:
        """The text for `column`: from the file, else the mapping's default, else the loader's."""
        fallback = TEXT_DEFAULTS.get((self.table.name, column.name))
        if column.name == "currency" and has_currency(self.table):
            fallback = self.mapping.currency
        if self.is_constant:
            text = self._cell(column.name) if column.name in filled_by(self.table_mapping) else "null::varchar"
        else:
            value = self.table_mapping.values.get(column.name)
            text = self._value(value, column) if value else "null::varchar"
        return f"coalesce({text}, {literal(fallback)})" if fallback else text

    def _value(self, value: Value, column: Column) -> str:
        is_plain = len(value.columns) == 1 and value == Value(columns=value.columns)
        if is_plain and value.columns[0] in self._raw_of and not is_text(column):
            # Numbers and times are read without trimming first: most of them are written plainly.
            return quoted(self._raw_of[value.columns[0]])
        cells = [self._cell(column) for column in value.columns if column in self._raw_of]
        if value.row_number:
            return f"{literal(self.slot + ':')} || _row::varchar"
        if value.join is not None and cells:
            text = f"nullif(concat_ws({literal(value.join)}, {', '.join(cells)}), '')"
        else:
            text = f"coalesce({', '.join(cells)})" if cells else literal(value.constant) + "::varchar"
        if value.replace:
            cases = " ".join(f"when {literal(old.strip())} then {literal(new)}" for old, new in value.replace.items())
            text = f"nullif(case {text} {cases} else {text} end, '')"
        return f"coalesce({text}, {literal(value.default)})" if value.default else text

    @property
    def _custom(self) -> str:
        """Columns nobody uses, as JSON without empty ones.

        All cells go through one expression as a list: an expression per column takes the engine's planner minutes
        when a file has thousands of columns.
        """
        fields = [self._raw_of[column] for column in self._custom_fields()]
        if not fields:
            return "null::varchar"
        keys = ", ".join(literal(json.dumps(name, ensure_ascii=False) + ":") for name in fields)
        cells = f"list_transform([{', '.join(map(quoted, fields))}], lambda _cell: {cell('_cell')})"
        filled = f"list_filter(list_zip([{keys}], {cells}), lambda _field: _field[2] is not null)"
        written = f"list_transform({filled}, lambda _field: _field[1] || to_json(_field[2])::varchar)"
        return f"'{{' || nullif(array_to_string({written}, ','), '') || '}}'"

    def _custom_fields(self) -> Iterator[str]:
        if self.is_constant or self.table_mapping.distinct or not self.table_mapping.keep_custom:
            return
        used = {column for table in self.mapping.tables for value in table.values.values() for column in value.columns}
        used |= {column for table in self.mapping.tables for column in table.only_where}
        yield from (column for column in self.scan.columns if column not in used | {*self.mapping.ignored})

    @property
    def _layers(self) -> Sequence[Mapping[str, str]]:
        layers = list(SETTLED.get(self.table.name, ()))
        if self.needs_ordinal:
            column, group = ORDINALS[self.table.name]
            number = f"row_number() over (partition by {quoted(group)} order by _row)"
            layers.insert(0, {column: f"coalesce({quoted(column)}, {number})"})
        return layers

    def _one_per_key(self, source: str) -> str:
        """One row per key: of each column the last known value."""
        keys = [quoted(name) for name in self.table.key]
        others = [name for name in self.table.names if name not in self.table.key]
        latest = [f"arg_max({quoted(name)}, _row) as {quoted(name)}" for name in others]
        columns = ", ".join([*keys, *latest, "max(custom) as custom", "max(_row) as _row"])
        return f"select {columns} from ({source}) group by {', '.join(keys)}"

    def _stored(self, column: Column) -> str:
        if not column.is_derived:
            return self._prefixed(column.name) if column.unit is Unit.ID else quoted(column.name)
        return self._derived[column.name]

    def _prefixed(self, name: str) -> str:
        source = self.mapping.source
        return quoted(name) if source == PLAIN_SOURCE else f"{literal(source + ':')} || {quoted(name)}"

    @cached_property
    def _derived(self) -> Mapping[str, str]:
        made: dict[str, str] = {}
        for column in self.table.columns:
            name = quoted(column.name)
            if column.unit is Unit.TIME:
                made[day_of(column.name)] = local_day(name, self.occasion.zone)
                made[epoch_of(column.name)] = f"epoch_us({name}) // 1000000"
            elif column.unit is Unit.MONEY:
                made[base_of(column.name)] = self._base(name)
        return {
            **made,
            "source": literal(self.mapping.source),
            "source_id": self._source_id,
            "batch_id": literal(self.batch.batch_id),
            "loaded_at": f"timestamp {literal(self.occasion.at.isoformat(sep=' '))}",
            "deleted_at": "null::timestamp",
            "custom": "custom",
        }

    def _base(self, name: str) -> str:
        """Money of the company's own currency as it is; of others null until the rates are applied."""
        if "currency" not in self._given:
            return name
        own = literal(self.occasion.currency)
        return f"case when coalesce(currency, {own}) = {own} then {name} end"

    @property
    def _source_id(self) -> str:
        """The key's own id without a prefix; null for tables whose key is more than ids."""
        units = {self.table.column(name).unit for name in self.table.key}
        return quoted(self.table.key[-1]) if units == {Unit.ID} else "null::varchar"


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)

"""What does a person say the columns of a new file mean? Their choices, made into a mapping that loads.

The proposal of the recognition fills the form; what comes back replaces it column by column. Things the file
only refers to (a customer's name in a list of orders) become lists of their own, one row per distinct key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rakurs.core.errors import BadInput
from rakurs.core.source import DateOrder, FileMapping, TableMapping, Value
from rakurs.core.table import Column, Table
from rakurs.core.text import Text
from rakurs.schema import TABLES, table_named

CUSTOM = "custom"
IGNORED = "ignored"
NOTHING = Text(
    ru="Ни один столбец не назначен. Выберите хотя бы дату и сумму заказа или номер и дату сделки.",
    en="No column is assigned. Choose at least the date and amount of an order, or the id and date of a deal.",
)
LACKING = Text(
    ru="Таблице «{table}» не хватает обязательного: {columns}. Назначьте эти столбцы или уберите остальные её столбцы.",
    en="“{table}” lacks what it requires: {columns}. Assign these columns, or take its other columns away.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing a column may mean: "orders.ordered_at"."""

    value: str
    label: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGroup:
    """The targets of one table."""

    label: str
    targets: tuple[Target, ...]


class Lacking(BadInput):
    """Tables that lack what they require; `targets` are the columns, as "orders.ordered_at"."""

    def __init__(self, message: Text, targets: Sequence[str]) -> None:
        super().__init__(message)
        self.targets = tuple(targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a person says of one word of the stage column in one pipeline."""

    pipeline: str
    word: str
    name: str
    outcome: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What is said beyond the meaning of columns.

    `replacements`: column of the file, word, what it stands for. `constants`: "deals.pipeline_id", the value of every
    row. Stages of one name in one pipeline are one stage. `stages` None leaves them as they were proposed.
    """

    replacements: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    constants: Mapping[str, str] = field(default_factory=dict[str, str])
    stages: Sequence[Stage] | None = None
    date_order: DateOrder | None = None
    currency: str | None = None
    timezone: str | None = None


def target_groups(language: str, *, main: str) -> tuple[TargetGroup, ...]:
    """Every column of every table, the likeliest table first."""
    tables = sorted(TABLES, key=lambda table: table.name != main)
    return tuple(
        TargetGroup(
            label=table.title.ru if language == "ru" else table.title.en,
            targets=tuple(
                Target(
                    value=f"{table.name}.{column.name}",
                    label=column.title.ru if language == "ru" else column.title.en,
                    is_required=column.required,
                )
                for column in table.columns
            ),
        )
        for table in tables
    )


def mapping_from(
    proposal: FileMapping, choices: Mapping[str, str], *, main: str, details: Details | None = None
) -> FileMapping:
    """`choices` says for each column "table.column", "custom" or "ignored"; Lacking says what is missing."""
    details = details or Details()
    wanted: dict[str, dict[str, list[str]]] = {}
    for column, choice in choices.items():
        if choice not in (CUSTOM, IGNORED, ""):
            table, _, target = choice.partition(".")
            wanted.setdefault(table, {}).setdefault(target, []).append(column)
    if not wanted:
        raise BadInput(NOTHING)
    main = main if main in wanted else max(wanted, key=lambda name: len(wanted[name]))
    tables = [_main(table_named(main), wanted[main], proposal)]
    links = tables[0].values
    stages = _stage_tables(proposal, tables[0], details.stages)
    listed = [name for name in _listed(table_named(main), links) if name not in {made.table for made in stages}]
    for name in [*wanted, *listed]:
        if name != main and all(table.table != name for table in tables):
            tables.append(_aside(table_named(name), wanted.get(name, {}), table_named(main), links))
    tables = [_detailed(table, details, main=main) for table in tables]
    _check(tables)
    order = [table.name for table in TABLES]
    made = replace(
        proposal,
        tables=tuple(sorted([*stages, *tables], key=lambda table: order.index(table.table))),
        ignored=tuple(column for column, choice in choices.items() if choice == IGNORED),
    )
    said = {"date_order": details.date_order, "currency": details.currency, "timezone": details.timezone}
    return replace(made, **{name: value for name, value in said.items() if value})  # type: ignore[arg-type]


def _stage_tables(
    proposal: FileMapping, main: TableMapping, stages: Sequence[Stage] | None
) -> tuple[TableMapping, ...]:
    """Pipelines and stages as constant rows: those a person described, else those that were proposed."""
    if main.table != "deals" or "stage_id" not in main.values:
        return ()
    if not stages:
        return tuple(table for table in proposal.tables if table.rows and not table.values)
    ids = _stage_ids(stages)
    named = {
        (str(row["pipeline_id"])): str(row["name"])
        for table in proposal.tables
        if table.table == "pipelines"
        for row in table.rows
    }
    pipelines = dict.fromkeys(stage.pipeline for stage in stages)
    first = {ids[stage.pipeline, stage.word]: stage for stage in reversed(stages)}
    rows = [
        {"pipeline_id": stage.pipeline, "stage_id": ids[stage.pipeline, stage.word], "name": stage.name,
         "position": str(stage.position), "outcome": stage.outcome}
        for stage in sorted(stages, key=lambda stage: stage.position)
        if first[ids[stage.pipeline, stage.word]] is stage
    ]  # fmt: skip
    return (
        TableMapping(
            table="pipelines",
            rows=tuple({"pipeline_id": name, "name": named.get(name, name)} for name in pipelines),
            keep_custom=False,
        ),
        TableMapping(table="stages", rows=tuple(rows), keep_custom=False),
    )


def _stage_ids(stages: Sequence[Stage]) -> dict[tuple[str, str], str]:
    """The stage each word means: of words under one name the first one stands for all."""
    first: dict[tuple[str, str], str] = {}
    return {
        (stage.pipeline, stage.word): first.setdefault((stage.pipeline, stage.name), stage.word) for stage in stages
    }


def _detailed(table: TableMapping, details: Details, *, main: str) -> TableMapping:
    """The table with replaced words, merged stages and constants."""
    merged = {word: ident for (_, word), ident in _stage_ids(details.stages or ()).items() if word != ident}
    values: dict[str, Value] = {}
    for target, value in table.values.items():
        words = dict(value.replace)
        for column in value.columns:
            words |= {old: new for old, new in details.replacements.get(column, {}).items() if new != old}
        if table.table == main == "deals" and target == "stage_id":
            words |= merged
        values[target] = replace(value, replace=words) if words != dict(value.replace) else value
    for place, constant in details.constants.items():
        name, _, target = place.partition(".")
        if name == table.table and constant and not (target in values and values[target].columns):
            values[target] = Value(constant=constant)
    return replace(table, values=_ordered(table_named(table.table), values))


def _main(table: Table, wanted: Mapping[str, Sequence[str]], proposal: FileMapping) -> TableMapping:
    """The table a row of the file is about; what the proposal filled without a column stays filled."""
    before = next((item for item in proposal.tables if item.table == table.name and not item.distinct), None)
    values = {target: Value(columns=tuple(columns)) for target, columns in wanted.items()}
    for target, value in (before.values if before else {}).items():
        used = set(value.columns)
        is_still_true = not used or any(used <= set(columns) for columns in wanted.values())
        if target not in values and is_still_true:
            values[target] = value
    key = table.key[0]
    if key not in values and len(table.key) == 1 and any(column.unit.kind == "time" for column in table.columns):
        values[key] = Value(row_number=True)
    rows = before.rows if before else ()
    return TableMapping(table=table.name, values=_ordered(table, values), rows=rows)


def _listed(table: Table, links: Mapping[str, Value]) -> list[str]:
    """The tables of named things that `table` refers to by a column of the file."""
    return [
        column.references
        for column in table.columns
        if column.name in links and column.references and _is_list(table_named(column.references))
    ]


def _aside(table: Table, wanted: Mapping[str, Sequence[str]], main: Table, links: Mapping[str, Value]) -> TableMapping:
    """A list of things named in the rows of another table: one row per distinct key."""
    values = {target: Value(columns=tuple(columns)) for target, columns in wanted.items()}
    link = next(
        (links[item.name] for item in main.columns if item.references == table.name and item.name in links), None
    )
    key = table.key[0]
    if key not in values and link is not None:
        values[key] = link
    if "name" in table.names and "name" not in values and key in values:
        values["name"] = values[key]
    return TableMapping(table=table.name, values=_ordered(table, values), distinct=True, keep_custom=False)


def _is_list(table: Table) -> bool:
    required = [column.name for column in table.columns if column.required]
    return "name" in table.names and required == list(table.key)


def _ordered(table: Table, values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: values[name] for name in table.names if name in values}


def _check(made: Sequence[TableMapping]) -> None:
    lacking: dict[Table, list[Column]] = {}
    for mapping in made:
        table = table_named(mapping.table)
        missing = [column for column in table.columns if column.required and column.name not in mapping.values]
        if missing:
            lacking[table] = missing
    if not lacking:
        return
    table, columns = next(iter(lacking.items()))
    raise Lacking(
        Text(
            ru=LACKING.ru.format(table=table.title.ru, columns=", ".join(column.title.ru for column in columns)),
            en=LACKING.en.format(table=table.title.en, columns=", ".join(column.title.en for column in columns)),
        ),
        [f"{table.name}.{column.name}" for table, columns in lacking.items() for column in columns],
    )

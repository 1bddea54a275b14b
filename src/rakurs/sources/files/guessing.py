"""Guessing: what may the columns of a file nobody has seen before mean, and how sure is that?"""

import hashlib
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.core.table import Column, Table
from rakurs.core.units import Unit
from rakurs.schema import TABLES
from rakurs.sources.files.synonyms import plain, words_for
from rakurs.sources.files.tablepart import TablePart
from rakurs.sources.files.values import Looks, ShapeName, looks_of

SAMPLES = 5
_LEAST_CONFIDENCE = 0.45
_BY_VALUES, _MOSTLY = 0.25, 0.7
"""How sure a guess by values alone is, and the share of values that must look so."""
_GUESSED_ROWS = 300
_LEAST_GUESSED_ROWS = 20
_GUESSED_CELLS = 60_000
_MAX_COLUMNS = 400
_FILLABLE_KEYS = {"orders": "order_id", "payments": "payment_id", "calls": "call_id", "activities": "activity_id",
                  "leads": "lead_id", "deals": "deal_id"}  # fmt: skip
"""Tables of events whose records may lack an id: the row's number serves."""
_DEFAULTS = {"order_lines": {"quantity": "1"}}
"""What a record means when it does not say: a line of an order is one piece."""
_NAMED_KEYS = {
    "customers": "customer_id",
    "products": "product_id",
    "employees": "employee_id",
    "channels": "channel_id",
}
"""Tables of things whose name may serve as an id, and which a column of another table may list."""
_LISTS = {"customer_id": "customers", "manager_id": "employees", "employee_id": "employees", "product_id": "products",
          "channel_id": "channels", "loss_reason_id": "loss_reasons"}  # fmt: skip
_WEIGHT = {"orders": 0.3, "deals": 0.2, "customers": 0.15, "order_lines": 0.1, "products": 0.1}
"""Between tables that fit equally, the commoner one."""
_TELLING = {
    "deals": frozenset(
        {"deal_id", "pipeline_id", "stage_id", "loss_reason_id", "closed_at", "expected_close_on", "lead_id"}
    ),
    "payments": frozenset({"payment_id", "order_id", "deal_id"}),
}
_TELLS_NOTHING = 0.4
"""Records with none of these columns are sales that happened: no deals on their way, no payments for something else."""
_SHAPES_OF_UNIT: dict[Unit, frozenset[ShapeName]] = {
    Unit.DAY: frozenset({"date"}),
    Unit.TIME: frozenset({"date"}),
    Unit.MONEY: frozenset({"number"}),
    Unit.PRICE: frozenset({"number"}),
    Unit.QUANTITY: frozenset({"number"}),
    Unit.NUMBER: frozenset({"number"}),
    Unit.SECONDS: frozenset({"number"}),
    Unit.POSITION: frozenset({"number"}),
    Unit.DAYS: frozenset({"number"}),
    Unit.HOURS: frozenset({"number"}),
    Unit.FLAG: frozenset({"flag", "number"}),
}
_SHAPE_OF_COLUMN: dict[str, ShapeName] = {"phone": "phone", "email": "email", "tax_id": "tax_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnGuess:
    """What one `column` of a file may mean: `target` of our `table`, or nothing of ours. Confidence is 0..1."""

    column: str
    samples: tuple[str, ...]
    table: str | None
    target: str | None
    confidence: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class _Fit:
    table: Table
    assigned: dict[str, tuple[str, float]]
    score: float


def column_guesses(part: TablePart, mapping: FileMapping) -> tuple[ColumnGuess, ...]:
    """A guess per column of the file under a settled mapping: what it feeds, with certainty."""
    targets: dict[str, tuple[str, str]] = {}
    main = main_table(mapping)
    for table in sorted(mapping.tables, key=lambda table: table.table != main):
        for column, value in table.values.items():
            for name in value.columns:
                targets.setdefault(name, (table.table, column))
    return tuple(_guess(part, name, targets.get(name), 1.0) for name in part.scan.columns)


def proposal(part: TablePart) -> tuple[FileMapping, tuple[ColumnGuess, ...]]:
    """The mapping that fits a new shape best, and how sure each of its columns is."""
    columns = part.scan.columns[:_MAX_COLUMNS]
    looks = {name: looks_of(part.samples_of(name)[: _guessed_rows(part)]) for name in columns}
    best = max((_fit(table, looks) for table in TABLES), key=lambda fit: fit.score)
    if not best.assigned:
        best = _by_values(looks)
    if not best.assigned:
        return FileMapping(name=_profile_name(part), tables=()), column_guesses_without(part)
    mapping = FileMapping(name=_profile_name(part), tables=_tables(best))
    sure = {name: (column, confidence) for column, (name, confidence) in best.assigned.items()}
    guesses = tuple(
        _guess(part, name, (best.table.name, sure[name][0]), sure[name][1])
        if name in sure
        else _guess(part, name, None, 0.0)
        for name in part.scan.columns
    )
    return mapping, guesses


def column_guesses_without(part: TablePart) -> tuple[ColumnGuess, ...]:
    """A guess per column when nothing fits: none, with samples."""
    return tuple(_guess(part, name, None, 0.0) for name in part.scan.columns)


def _guessed_rows(part: TablePart) -> int:
    """How many records are looked at for a guess: fewer of a wide table, so that its width does not cost minutes."""
    affordable = _GUESSED_CELLS // max(len(part.scan.columns), 1)
    return max(_LEAST_GUESSED_ROWS, min(_GUESSED_ROWS, affordable))


def main_table(mapping: FileMapping) -> str:
    """The table a file is mostly about: the last it feeds with its own rows; "raw" for none."""
    own = [table.table for table in mapping.tables if table.values and not table.distinct]
    listed = [table.table for table in mapping.tables if table.values]
    return (own or listed or ["raw"])[-1]


def _guess(part: TablePart, name: str, target: tuple[str, str] | None, confidence: float) -> ColumnGuess:
    values = part.samples_of(name)
    samples = tuple(dict.fromkeys(value.strip() for value in values if value.strip()))[:SAMPLES]
    looks = looks_of(values[: _guessed_rows(part)])
    unit = _declared_unit(target) if target else _UNIT_OF_SHAPE.get(looks.best, Unit.TEXT)
    return ColumnGuess(
        column=name,
        samples=samples,
        table=target[0] if target else None,
        target=target[1] if target else None,
        confidence=round(confidence, 2),
        unit=unit,
    )


_UNIT_OF_SHAPE: dict[ShapeName, Unit] = {"number": Unit.NUMBER, "date": Unit.DAY, "time": Unit.TIME, "flag": Unit.FLAG}


def _declared_unit(target: tuple[str, str]) -> Unit:
    return next(table for table in TABLES if table.name == target[0]).column(target[1]).unit


def _fit(table: Table, looks: dict[str, Looks]) -> _Fit:
    """The best one-to-one assignment of a file's columns to a table's, greedily from the surest."""
    pairs = sorted(
        (
            (_confidence(table, column, name, look), -order, column.name, name)
            for column in table.columns
            for order, (name, look) in enumerate(looks.items())
        ),
        reverse=True,
    )
    assigned: dict[str, tuple[str, float]] = {}
    for confidence, _, column, name in pairs:
        if confidence < _LEAST_CONFIDENCE:
            break
        if column not in assigned and name not in {taken for taken, _ in assigned.values()}:
            assigned[column] = (name, confidence)
    _fill_named_key(table, assigned)
    fillable = {_FILLABLE_KEYS.get(table.name), *_DEFAULTS.get(table.name, {})}
    missing = [c.name for c in table.columns if c.required and c.name not in assigned and c.name not in fillable]
    own_moment = sum(c.required and c.name in assigned for c in table.columns)
    score = sum(confidence for _, confidence in assigned.values()) + 0.5 * own_moment - 2 * len(missing)
    if table.name in _TELLING and not _TELLING[table.name] & set(assigned):
        score -= _TELLS_NOTHING
    return _Fit(table, assigned if not missing else {}, score + _WEIGHT.get(table.name, 0) if not missing else -1.0)


def _by_values(looks: dict[str, Looks]) -> _Fit:
    """What a sheet nobody can read the header of looks like: days and amounts of somebody are sales.

    Unsure on purpose: a person looks at it before anything is loaded.
    """
    orders = next(table for table in TABLES if table.name == "orders")
    days = [name for name, look in looks.items() if _share_of_days(look) >= _MOSTLY]
    amounts = [name for name, look in looks.items() if look.share("number") >= _MOSTLY and name not in days]
    assigned: dict[str, tuple[str, float]] = {}
    if days and amounts:
        whole_last = sorted(amounts, key=lambda name: looks[name].is_whole)
        assigned = {"ordered_at": (days[0], _BY_VALUES), "amount": (whole_last[0], _BY_VALUES)}
        texts = [name for name, look in looks.items() if look.best == "text" and look.filled >= _MOSTLY]
        left = [name for name in texts if name not in (days[0], whole_last[0])]
        if left:
            assigned["customer_id"] = (max(left, key=lambda name: looks[name].distinct), _BY_VALUES)
    return _Fit(orders, assigned, 0.0)


def _share_of_days(look: Looks) -> float:
    return max(look.share("date"), look.share("time"))


def _fill_named_key(table: Table, assigned: dict[str, tuple[str, float]]) -> None:
    key = _NAMED_KEYS.get(table.name)
    if key and key not in assigned and "name" in assigned:
        assigned[key] = assigned["name"]


def _confidence(table: Table, column: Column, name: str, looks: Looks) -> float:
    """How well a file's column fits ours: by its name, held against how its values look."""
    named = _likeness(table.name, column.name, plain(name))
    shape = _SHAPE_OF_COLUMN.get(column.name)
    if shape:
        return max(named * (1.0 if looks.share(shape) >= 0.5 else 0.6), 0.75 * (looks.share(shape) >= 0.8))
    expected = _SHAPES_OF_UNIT.get(column.unit)
    if expected is None or not looks.filled:
        is_wrong = column.unit in {Unit.ID, Unit.TEXT} and looks.best in {"date", "time"}
        return named * (0.4 if is_wrong else 1.0)
    return named * (1.0 if max(looks.share(shape) for shape in expected) >= 0.7 else 0.3)


@cache
def _likeness(table: str, column: str, words: str) -> float:
    """1 for a known name, less for one that holds it or is spelt nearly so; 0 for another."""
    best = 0.0
    theirs = frozenset(words.split())
    for rank, (word, mine) in enumerate(_parted_words(table, column)):
        if word == words:
            return max(best, 0.98 - 0.005 * min(rank, 20))
        if len(word) > 3 and mine < theirs:
            best = max(best, 0.55 + 0.3 * len(mine) / len(theirs))
        elif min(len(word), len(words)) > 4 and abs(len(word) - len(words)) <= 2 and word[0] == words[0]:
            ratio = SequenceMatcher(None, word, words).ratio()
            best = max(best, 0.7 * ratio if ratio > 0.85 else 0.0)
    return best


@cache
def _parted_words(table: str, column: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each known name of a column with the words it is made of."""
    return tuple((name, frozenset(name.split())) for name in words_for(table, column))


def _tables(fit: _Fit) -> tuple[TableMapping, ...]:
    values = {column: Value(columns=(name,)) for column, (name, _) in fit.assigned.items()}
    key = _FILLABLE_KEYS.get(fit.table.name)
    if key and key not in values:
        values = {key: Value(row_number=True), **values}
    values |= {
        column: Value(default=default)
        for column, default in _DEFAULTS.get(fit.table.name, {}).items()
        if column not in values
    }
    if fit.table.name == "orders" and "paid_at" not in values:
        values["paid_at"] = values["ordered_at"]
    if fit.table.name == "deals" and "stage_id" in values and "pipeline_id" not in values:
        values["pipeline_id"] = Value(constant="main")
    ordered = {column: values[column] for column in fit.table.names if column in values}
    lists = (_list(column, value) for column, value in ordered.items() if column in _LISTS and not _is_own(fit, column))
    return (*lists, TableMapping(table=fit.table.name, values=ordered))


def _is_own(fit: _Fit, column: str) -> bool:
    return _LISTS[column] == fit.table.name


def _list(column: str, value: Value) -> TableMapping:
    table = next(known for known in TABLES if known.name == _LISTS[column])
    return TableMapping(table=table.name, values={table.key[0]: value, "name": value}, distinct=True, keep_custom=False)


def _profile_name(part: TablePart) -> str:
    """The file's name and a mark of its header: another shape under the same file name is another profile."""
    words = plain(re.sub(r"\.\w+(?= · |$)", "", Path(part.file).name)).replace(" ", "-")
    mark = hashlib.blake2b("\n".join(part.scan.columns).encode(), digest_size=3).hexdigest()
    return f"{words[:60] or 'table'}-{mark}"

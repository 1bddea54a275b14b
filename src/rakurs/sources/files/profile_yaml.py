"""Profile YAML: how is a mapping written by hand, and what exactly is wrong with one that is not understood?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NoReturn, Protocol, get_args
from zoneinfo import ZoneInfo, available_timezones

import yaml

from rakurs.core.errors import UnknownName, UnreadableFile
from rakurs.core.source import DateOrder, FileMapping, TableMapping, Value
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.schema import TABLES, table_named

Yaml = Any
_PROFILE_KEYS = ("name", "source", "timezone", "currency", "date_order", "files")
_FILE_KEYS = ("match", "file", "name", "timezone", "currency", "date_order", "ignored", "tables")
_TABLE_KEYS = ("columns", "distinct", "where", "rows", "custom")
_VALUE_KEYS = ("column", "columns", "constant", "default", "replace", "join", "row_number")
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}

_NOT_YAML = Text(ru="это не YAML: {reason}", en="this is not YAML: {reason}")
_WRONG = Text(ru="ключ {where}: {what}", en="key {where}: {what}")
_EXPECTED_MAP = Text(ru="ожидаются пары «ключ: значение».", en="“key: value” pairs are expected.")
_EXPECTED_LIST = Text(ru="ожидается список.", en="a list is expected.")
_EXPECTED_TEXT = Text(ru="ожидается текст.", en="a text is expected.")
_EXPECTED_TRUTH = Text(ru="ожидается true или false.", en="true or false is expected.")
_UNKNOWN_KEY = Text(ru="такого ключа нет.{hint_ru} Возможны: {known}.", en="no such key.{hint_en} Known: {known}.")
_REQUIRED = Text(ru="обязательный ключ отсутствует.", en="this key is required.")
_NO_FILES = Text(ru="нужен хотя бы один файл.", en="at least one file is needed.")
_NO_VALUE = Text(
    ru="назовите column, columns, constant, default или row_number.",
    en="name a column, columns, a constant, a default or row_number.",
)
_ONE_OF = Text(ru="возможно одно из: {known}.", en="one of these is expected: {known}.")
_TWO = Text(ru="column и columns вместе не нужны.", en="column and columns exclude each other.")


class Fitted(Protocol):
    """A file shape as it is written."""

    @property
    def match(self) -> tuple[str, ...]: ...
    @property
    def file(self) -> str | None: ...
    @property
    def mapping(self) -> FileMapping: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """One entry of `files:`."""

    match: tuple[str, ...]
    file: str | None
    mapping: FileMapping


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the document we are, for messages."""

    file: str
    path: str = ""

    def at(self, key: str | int) -> "_Place":
        step = f"[{key}]" if isinstance(key, int) else (f".{key}" if self.path else str(key))
        return _Place(self.file, self.path + step)

    def wrong(self, what: Text) -> NoReturn:
        where = self.path or "(document)"
        raise UnreadableFile(
            self.file,
            Text(ru=_WRONG.ru.format(where=where, what=what.ru), en=_WRONG.en.format(where=where, what=what.en)),
        )


def parsed_profile(text: str, *, file: str) -> tuple[str, tuple[ParsedFile, ...]]:
    """Name and shapes of a profile. Every scalar is read as text, so that `No` and 2017-12-31 stay as written."""
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 — BaseLoader builds only texts, lists, maps
    except yaml.YAMLError as error:
        raise UnreadableFile(file, _NOT_YAML.filled(reason=" ".join(str(error).split()))) from error
    place = _Place(file)
    root = _map(document, place, known=_PROFILE_KEYS)
    name = _text(root.get("name", ""), place.at("name"))
    if not name:
        place.at("name").wrong(_REQUIRED)
    entries = _list(root.get("files", []), place.at("files"))
    if not entries:
        place.at("files").wrong(_NO_FILES)
    common = {key: root[key] for key in ("timezone", "currency", "date_order", "source") if key in root}
    return name, tuple(
        _file(entry, place.at("files").at(index), name=name, common=common, root=place)
        for index, entry in enumerate(entries)
    )


def profile_text(name: str, files: Iterable[Fitted]) -> str:
    """The profile as YAML that `parsed_profile` reads back to the same shapes."""
    shapes = list(files)
    common = _common(shapes)
    document = {"name": name, **common, "files": [_file_out(shape, common, name=name) for shape in shapes]}
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=110)


def _file(entry: Yaml, place: _Place, *, name: str, common: Mapping[str, Yaml], root: _Place) -> ParsedFile:
    keys = _map(entry, place, known=_FILE_KEYS)
    match = tuple(_texts(keys.get("match", []), place.at("match")))
    file = _text(keys["file"], place.at("file")) if "file" in keys else None
    if not match and file is None:
        place.at("match").wrong(_REQUIRED)
    if "tables" not in keys:
        place.at("tables").wrong(_REQUIRED)
    tables = _map(keys["tables"], place.at("tables"), known=[table.name for table in TABLES])
    settings = {
        key: (keys[key], place.at(key)) if key in keys else (common.get(key), root.at(key)) for key in _SETTINGS
    }
    mapping = FileMapping(
        name=_text(keys.get("name", name), place.at("name")),
        tables=tuple(
            mapping
            for table, body in tables.items()
            for mapping in _table(body, place.at("tables").at(table), table=table_named(table))
        ),
        ignored=tuple(_texts(keys.get("ignored", []), place.at("ignored"))),
        **{key: check(value, where) for key, check in _SETTINGS.items() for value, where in [settings[key]] if value},
    )
    return ParsedFile(match=match, file=file, mapping=mapping)


def _table(body: Yaml, place: _Place, *, table: Table) -> list[TableMapping]:
    """A table fed once, or a list of ways in which one file feeds it."""
    if isinstance(body, list):
        return [_one_table(item, place.at(index), table=table) for index, item in enumerate(body)]
    return [_one_table(body, place, table=table)]


def _one_table(body: Yaml, place: _Place, *, table: Table) -> TableMapping:
    if isinstance(body, dict) and any(key in _TABLE_KEYS for key in body):
        keys = _map(body, place, known=_TABLE_KEYS)
    else:
        keys = {"columns": body}
    columns_place = place.at("columns") if "columns" in body else place
    columns = _map(keys.get("columns", {}), columns_place)
    where = _map(keys.get("where", {}), place.at("where"))
    rows = _list(keys.get("rows", []), place.at("rows"))
    return TableMapping(
        table=table.name,
        values={name: _value(value, _known(table, name, columns_place)) for name, value in columns.items()},
        distinct=_truth(keys.get("distinct", "false"), place.at("distinct")),
        only_where={name: tuple(_texts(words, place.at("where").at(name))) for name, words in where.items()},
        rows=tuple(_row(row, place.at("rows").at(index), table=table) for index, row in enumerate(rows)),
        keep_custom=_truth(keys.get("custom", "true"), place.at("custom")),
    )


def _value(body: Yaml, place: _Place) -> Value:
    if isinstance(body, str):
        return Value(columns=(_text(body, place),)) if body else place.wrong(_NO_VALUE)
    if isinstance(body, list):
        return Value(columns=tuple(_texts(body, place)))
    keys = _map(body, place, known=_VALUE_KEYS)
    if "column" in keys and "columns" in keys:
        place.wrong(_TWO)
    names = keys.get("columns", keys.get("column", []))
    replaced = _map(keys.get("replace", {}), place.at("replace"))
    value = Value(
        columns=tuple(_texts(names, place.at("columns"))),
        constant=_text(keys["constant"], place.at("constant")) if "constant" in keys else None,
        default=_text(keys["default"], place.at("default")) if "default" in keys else None,
        replace={old: _text(new, place.at("replace").at(old)) for old, new in replaced.items()},
        join=_text(keys["join"], place.at("join")) if "join" in keys else None,
        row_number=_truth(keys.get("row_number", "false"), place.at("row_number")),
    )
    if not value.columns and value.constant is None and value.default is None and not value.row_number:
        place.wrong(_NO_VALUE)
    return value


def _row(body: Yaml, place: _Place, *, table: Table) -> dict[str, str]:
    row = _map(body, place)
    for name, value in row.items():
        where = _known(table, name, place)
        choices = table.column(name).choices
        if choices and _text(value, where) not in choices:
            where.wrong(_ONE_OF.filled(known=", ".join(choices)))
    for column in table.columns:
        if column.required and not row.get(column.name):
            place.at(column.name).wrong(_REQUIRED)
    return {name: _text(value, place.at(name)) for name, value in row.items()}


def _known(table: Table, name: str, place: _Place) -> _Place:
    try:
        table.column(name)
    except UnknownName as error:
        place.at(name).wrong(error.message)
    return place.at(name)


def _map(value: Yaml, place: _Place, *, known: Sequence[str] | None = None) -> dict[str, Yaml]:
    if value == "":
        return {}
    if not isinstance(value, dict):
        place.wrong(_EXPECTED_MAP)
    for key in value:
        if known is not None and key not in known:
            near = get_close_matches(key, known, n=1)
            hints = {"hint_ru": f" Возможно, «{near[0]}»?", "hint_en": f" Did you mean “{near[0]}”?"} if near else {}
            filled = {"hint_ru": "", "hint_en": "", "known": ", ".join(known), **hints}
            place.at(key).wrong(_UNKNOWN_KEY.filled(**filled))
    return value


def _list(value: Yaml, place: _Place) -> list[Yaml]:
    return value if isinstance(value, list) else place.wrong(_EXPECTED_LIST)


def _text(value: Yaml, place: _Place) -> str:
    return value if isinstance(value, str) else place.wrong(_EXPECTED_TEXT)


def _texts(value: Yaml, place: _Place) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [_text(item, place.at(index)) for index, item in enumerate(_list(value, place))]


def _truth(value: Yaml, place: _Place) -> bool:
    word = _text(value, place).casefold()
    return _TRUTH[word] if word in _TRUTH else place.wrong(_EXPECTED_TRUTH)


def _timezone(value: Yaml, place: _Place) -> str:
    name = _text(value, place)
    if name not in available_timezones():
        place.wrong(_ONE_OF.filled(known="Europe/Moscow, Asia/Yekaterinburg, UTC, ..."))
    return ZoneInfo(name).key


def _date_order(value: Yaml, place: _Place) -> str:
    name = _text(value, place)
    return name if name in get_args(DateOrder) else place.wrong(_ONE_OF.filled(known=", ".join(get_args(DateOrder))))


_SETTINGS: dict[str, Callable[[Yaml, _Place], Any]] = {
    "timezone": _timezone,
    "currency": _text,
    "date_order": _date_order,
    "source": _text,
}


def _common(shapes: Sequence[Fitted]) -> dict[str, str]:
    """Settings that all shapes share are written once, at the top; what is usual is not written."""
    usual = FileMapping(name="", tables=())
    common: dict[str, str] = {}
    for key in _SETTINGS:
        values = {getattr(shape.mapping, key) for shape in shapes}
        if len(values) == 1 and values != {getattr(usual, key)}:
            common[key] = values.pop()
    return common


def _file_out(shape: Fitted, common: Mapping[str, str], *, name: str) -> dict[str, Yaml]:
    mapping = shape.mapping
    usual = FileMapping(name=name, tables=())
    out: dict[str, Yaml] = {"name": mapping.name} if mapping.name != name else {}
    out |= {"match": list(shape.match)} if shape.match else {}
    out |= {"file": shape.file} if shape.file is not None else {}
    out |= {
        key: getattr(mapping, key)
        for key in ("timezone", "currency", "date_order")
        if key not in common and getattr(mapping, key) != getattr(usual, key)
    }
    out |= {"ignored": list(mapping.ignored)} if mapping.ignored else {}
    bodies: dict[str, list[Yaml]] = {}
    for table in mapping.tables:
        bodies.setdefault(table.table, []).append(_table_out(table))
    out["tables"] = {table: body if len(body) > 1 else body[0] for table, body in bodies.items()}
    return out


def _table_out(table: TableMapping) -> dict[str, Yaml]:
    columns = {name: _value_out(value) for name, value in table.values.items()}
    options: dict[str, Yaml] = {"distinct": True} if table.distinct else {}
    options |= {"where": {name: list(words) for name, words in table.only_where.items()}} if table.only_where else {}
    options |= {"rows": [{k: str(v) for k, v in row.items()} for row in table.rows]} if table.rows else {}
    options |= {} if table.keep_custom else {"custom": False}
    if not options:
        return columns
    return {**options, "columns": columns} if columns else options


def _value_out(value: Value) -> Yaml:
    if value == Value(columns=value.columns) and value.columns:
        return value.columns[0] if len(value.columns) == 1 else list(value.columns)
    out: dict[str, Yaml] = {}
    if value.columns:
        out |= {"column": value.columns[0]} if len(value.columns) == 1 else {"columns": list(value.columns)}
    out |= {"constant": value.constant} if value.constant is not None else {}
    out |= {"default": value.default} if value.default is not None else {}
    out |= {"replace": dict(value.replace)} if value.replace else {}
    out |= {"join": value.join} if value.join is not None else {}
    out |= {"row_number": True} if value.row_number else {}
    return out

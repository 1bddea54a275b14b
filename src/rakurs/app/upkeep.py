"""Keeping a home healthy: what waits in quarantine, what a check finds, copies and their return."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from rakurs.app.home import Home
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.schema import table_named
from rakurs.schema.rules import rule_named
from rakurs.warehouse.warehouse import Warehouse

Level = Literal["ok", "note", "warning"]
LITTLE_SPACE_BYTES = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinePage:
    """One page of rows that broke a rule. `by_rule` is (table, rule, reason, rows) over everything that waits."""

    rows: pa.Table
    total: int
    by_rule: tuple[tuple[str, str, Text, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing a check found, and what to do about it."""

    level: Level
    what: Text
    next_step: Text | None = None


def quarantine_page(
    warehouse: Warehouse, *, table: str | None, rule: str | None, limit: int, offset: int
) -> QuarantinePage:
    """One page of the rows of `table` that broke `rule`; both None is everything that waits."""
    if table is not None:
        table_named(table)
    if rule is not None:
        rule_named(rule)
    counts = warehouse.quarantine_counts()
    asked = [count for name, code, count in counts if table in (None, name) and rule in (None, code)]
    return QuarantinePage(
        rows=warehouse.quarantined(table=table, rule=rule, limit=limit, offset=offset),
        total=sum(asked),
        by_rule=tuple((name, code, rule_named(code).reason, count) for name, code, count in counts),
    )


def findings(home: Home, warehouse: Warehouse) -> tuple[Finding, ...]:
    """What is worth a look: an empty warehouse, a database that lost its loads, waiting rows, money without a rate,
    rows that refer to what is not there, little space.
    """
    found = [
        *_lost_loads(warehouse),
        *_emptiness(warehouse),
        *_waiting_rows(warehouse),
        *_missing_rates(warehouse),
        *_orphans(warehouse),
        *_space(home),
    ]
    if found:
        return tuple(found)
    return (Finding(level="ok", what=Text(ru="Всё в порядке", en="All is well")),)


def _lost_loads(warehouse: Warehouse) -> list[Finding]:
    lost = warehouse.lost_loads
    if not lost:
        return []
    what = Text(
        ru=f"База потеряла загрузок: {lost}; их строки целы в сырых данных",
        en=f"The database has lost {lost} loads; their rows are safe in raw",
    )
    step = Text(ru="Верните их: rakurs rebuild", en="Bring them back: rakurs rebuild")
    return [Finding(level="warning", what=what, next_step=step)]


def _emptiness(warehouse: Warehouse) -> list[Finding]:
    if warehouse.lost_loads or any(state.rows for state in warehouse.table_states().values()):
        return []
    what = Text(ru="Данных ещё нет", en="There is no data yet")
    step = Text(ru="Загрузите файлы: rakurs load ПАПКА", en="Load files: rakurs load FOLDER")
    return [Finding(level="note", what=what, next_step=step)]


def _waiting_rows(warehouse: Warehouse) -> list[Finding]:
    return [
        Finding(
            level="warning",
            what=Text(
                ru=f"В карантине {count} строк таблицы {table}: {rule_named(code).reason.ru}",
                en=f"{count} rows of {table} are in quarantine: {rule_named(code).reason.en}",
            ),
            next_step=rule_named(code).next_step,
        )
        for table, code, count in warehouse.quarantine_counts()
    ]


def _orphans(warehouse: Warehouse) -> list[Finding]:
    return [
        Finding(
            level="warning",
            what=Text(
                ru=f"{found.rows} строк таблицы {found.table} ссылаются ({found.column}) на то, чего нет в {found.target}",
                en=f"{found.rows} rows of {found.table} refer ({found.column}) to what is not in {found.target}",
            ),
            next_step=Text(ru=f"Загрузите таблицу {found.target} целиком", en=f"Load all of the table {found.target}"),
        )
        for found in warehouse.orphans()
    ]


def _missing_rates(warehouse: Warehouse) -> list[Finding]:
    return [
        Finding(
            level="warning",
            what=Text(
                ru=f"{count} строк таблицы {table} в валюте {currency} не вошли в суммы: нет курса",
                en=f"{count} rows of {table} in {currency} are left out of sums: there is no rate",
            ),
            next_step=Text(ru="Загрузите таблицу exchange_rates", en="Load the table exchange_rates"),
        )
        for table, currency, count in warehouse.missing_rates()
    ]


def _space(home: Home) -> list[Finding]:
    free = shutil.disk_usage(home.path).free
    if free >= LITTLE_SPACE_BYTES:
        return []
    what = Text(ru=f"На диске осталось {free >> 20} МБ", en=f"{free >> 20} MB are left on the disk")
    return [Finding(level="warning", what=what)]


def backed_up(home: Home, warehouse: Warehouse, target: Path) -> Path:
    """A copy of everything in `home` as it is between two loads, in the new folder `target`."""
    if target.exists() and any(target.iterdir()):
        raise BadInput(
            Text(
                ru=f"Папка {target} не пуста: назовите новую.",
                en=f"The folder {target} is not empty: name a new one.",
            )
        )
    copy = Home(target)
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o700)
    warehouse.backup(copy.warehouse)
    for source, there in ((home.state_file, copy.state_file), (home.jobs_file, copy.jobs_file)):
        _copy_sqlite(source, there)
    _copy_kept(home, copy)
    return target


def restored(home: Home, backup: Path) -> None:
    """Put `backup` in the place of what is in `home`; nothing may have the home open."""
    copy = Home(backup)
    if not copy.warehouse.is_dir():
        raise BadInput(
            Text(ru=f"{backup}: это не копия данных Ракурса.", en=f"{backup}: this is not a backup of Rakurs.")
        )
    home.ensured()
    Warehouse.restore(home.warehouse, copy.warehouse)
    for source, there in ((copy.state_file, home.state_file), (copy.jobs_file, home.jobs_file)):
        for leftover in (f"{there}-wal", f"{there}-shm"):
            Path(leftover).unlink(missing_ok=True)
        _copy_sqlite(source, there)
    _copy_kept(copy, home)


def _copy_kept(source: Home, target: Home) -> None:
    """Settings and keys, profiles, and what waits to be loaded. Half-fetched runs are left: a run begins them anew."""
    for file in ("company_file", "secret_file", "outbox_file", "site_file", "retention_file"):
        if getattr(source, file).exists():
            shutil.copy2(getattr(source, file), getattr(target, file))
    for folder in ("profiles", "uploads", "inbox", "connections"):
        if getattr(source, folder).exists():
            shutil.copytree(
                getattr(source, folder), getattr(target, folder), dirs_exist_ok=True, ignore=_half_runs(source)
            )


def _half_runs(home: Home) -> Callable[[str, list[str]], set[str]]:
    return lambda folder, names: {"runs"} & {*names} if Path(folder).parent == home.connections else set()


def _copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite file, even while it is written to."""
    if not source.exists():
        return
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as write:
        read.backup(write)

"""Any sequence of loads leaves what a dictionary of upserts would hold; a rebuild from raw says the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effort import tries
from rakurs.schema import TABLES
from rakurs.warehouse.warehouse import Warehouse
from warehouse.arriving import counts, delivery, rows

NAMES = ("name", "city")
KEYS = st.sampled_from(["c1", "c2", "c3", "c4", ""])
VALUES = st.sampled_from(["", "a", "b", 'ё, "ж"'])
FILES = st.builds(
    lambda columns, lines: (columns, lines),
    st.sampled_from([("name",), ("city",), ("name", "city"), ("city", "name")]),
    st.lists(st.tuples(KEYS, VALUES, VALUES), max_size=8),
)
LOADS = st.lists(st.tuples(st.sampled_from(["a.csv", "b.csv"]), FILES), min_size=1, max_size=5)


def csv_text(columns: Sequence[str], lines: Sequence[tuple[str, str, str]]) -> str:
    def escaped(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if value else ""

    body = [[key, *(dict(zip(NAMES, values, strict=True))[name] for name in columns)] for key, *values in lines]
    return "\n".join([",".join(["customer_id", *columns]), *(",".join(map(escaped, line)) for line in body), ""])


def upserted(known: dict[str, dict[str, str | None]], columns: Sequence[str], lines: Sequence[tuple[str, str, str]]):
    """The dictionary's view of one file, and how many rows it set aside and repeated."""
    latest: dict[str, Mapping[str, str]] = {}
    for key, *values in lines:
        if key:
            latest[key] = dict(zip(NAMES, values, strict=True))
    for key, values in latest.items():
        row = known.setdefault(key, dict.fromkeys(NAMES))
        row.update({name: values[name] or None for name in columns})
    # A row with nothing in any of its columns is blank, not broken.
    named = [dict(zip(NAMES, values, strict=True)) for key, *values in lines if not key]
    broken = sum(any(values[name] for name in columns) for values in named)
    return broken, sum(bool(key) for key, *_ in lines) - len(latest)


def everything(warehouse: Warehouse) -> dict[str, list[dict]]:
    def content(table: pa.Table) -> list[dict]:
        return sorted(table.to_pylist(), key=lambda row: str(sorted(row.items())))

    with warehouse.reading() as reader:
        return {table.name: content(reader.collect(reader.frame(table.name))) for table in TABLES}


@settings(max_examples=tries(5, 25), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(LOADS)
def test_loads_are_upserts(loads):
    known: dict[str, dict[str, str | None]] = {}
    last: dict[str, str] = {}
    with TemporaryDirectory() as folder:
        home = Path(folder)
        warehouse = Warehouse.open(home / "home", timezone="Europe/Moscow", currency="RUB", memory_limit="300MB")
        for slot, (columns, lines) in loads:
            text = csv_text(columns, lines)
            version = warehouse.data_version
            before = {key: dict(row) for key, row in known.items()}
            report = warehouse.load([delivery(home, "customers", text, slot=slot)], marts=())
            read, inserted, updated, _, quarantined, repeated = counts(report, "customers")
            if last.get(slot) == text:
                assert (inserted, updated, warehouse.data_version) == (0, 0, version)
                continue
            last[slot] = text
            assert (quarantined, repeated) == upserted(known, columns, lines)
            assert inserted == len(known) - len(before)
            assert updated == sum(key in before and row != before[key] for key, row in known.items())
            assert (warehouse.data_version > version) == bool(inserted or updated)
            assert read == sum(any(line[1:]) or bool(line[0]) for line in _shown(columns, lines))
        expected = sorted((key, row["name"], row["city"]) for key, row in known.items())
        assert sorted(rows(warehouse, "customers", "customer_id", *NAMES)) == expected
        before_rebuild = everything(warehouse)
        set_aside = warehouse.quarantined(limit=1000).to_pylist()
        warehouse.rebuild(())
        assert everything(warehouse) == before_rebuild
        assert warehouse.quarantined(limit=1000).to_pylist() == set_aside
        warehouse.close()


def _shown(columns: Sequence[str], lines: Sequence[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    named = [(key, dict(zip(NAMES, values, strict=True))) for key, *values in lines]
    return [(key, *(values[name] for name in columns)) for key, values in named]

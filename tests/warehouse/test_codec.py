"""A mapping and a layout are read back as they were written: rebuilds depend on it."""

from pathlib import Path

from rakurs.core.source import FileMapping, Scan, TableMapping, Value
from rakurs.warehouse.codec import mapping_json, mapping_of, scan_json, scan_of

MAPPING = FileMapping(
    name="проба",
    source="shop",
    timezone="Asia/Omsk",
    currency="USD",
    date_order="mdy",
    ignored=("a", "b"),
    tables=(
        TableMapping(
            table="deals",
            values={"deal_id": Value(columns=("id", "№"), join="-", replace={"x": "y"}, default="z")},
            distinct=True,
            only_where={"вид": ("сделка", "")},
            rows=({"deal_id": "1", "amount": "2"},),
            keep_custom=False,
        ),
    ),
)


def test_a_mapping_survives():
    assert mapping_of(mapping_json(MAPPING)) == MAPPING


def test_a_layout_survives_without_its_place():
    scan = Scan(kind="delimited", columns=("a", "b"), first_row=3, tail_rows=1, header_values=("a", "b"), sheet="Лист1")
    moved = Scan(kind="delimited", columns=("a", "b"), first_row=3, tail_rows=1, header_values=("a", "b"), sheet="Лист1",
                 path=Path("elsewhere.csv"))  # fmt: skip
    assert scan_of(scan_json(moved)) == scan

"""Rows written in any dialect are found again: delimiter, encoding, header, records."""

import csv
import io
import resource
import sys
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import tries
from rakurs.sources.files import inspect
from sources.reading import rows_of

NAMES = st.lists(
    st.sampled_from(["клиент", "дата", "сумма", "город", "менеджер", "order", "note", "телефон", "sku", "марка"]),
    min_size=2,
    max_size=8,
    unique=True,
)
WORD = st.sampled_from(
    ["Иванов", "Пётр", "Альфа", "Бета", "поставка", "ремонт", "Москва", "Казань", "новый", "счёт", "ёлка", "щука", "Юг"]
)
TRICKY = st.sampled_from(
    ['ООО "Луч"', "a;b", "a,b", "a|b", "две\nстроки", "таб\tтаб", "1 500,50", "-3.5", "31.01.2026", ""]
)
CELL = st.one_of(WORD, st.integers(0, 10**6).map(str), TRICKY)


@st.composite
def tables(draw):
    names = draw(NAMES)
    row = st.tuples(WORD, *[CELL] * (len(names) - 2), st.integers(2, 10**6).map(str))
    return names, draw(st.lists(row, min_size=5, max_size=30))


@settings(max_examples=tries(40, 150), deadline=None)
@given(
    table=tables(),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1251"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_dialect_is_found(  # noqa: PLR0917 — hypothesis names its arguments
    tmp_path_factory, table, delimiter, encoding, quoting, line_end
):
    names, rows = table
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerows([names, *rows])
    folder = tmp_path_factory.mktemp("roundtrip")
    (folder / "table.csv").write_bytes(out.getvalue().encode(encoding))
    (found,) = inspect(folder / "table.csv", scratch=folder / "scratch")
    assert found.scan.delimiter == delimiter
    assert found.scan.columns == tuple(names)
    assert found.rows_estimate == len(rows)
    read = [tuple((cell or "").replace("\r\n", "\n") for cell in row.values()) for row in rows_of(found.scan)]
    assert read == [tuple(row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_two_hundred_megabytes_pass_through_little_memory(tmp_path, encoding):
    line = "ООО Ромашка и партнёры;31.01.2026;1500,50;комментарий менеджера о поставке\n".encode(encoding)
    path = tmp_path / "sales.csv"
    with path.open("wb") as out:
        out.write("Клиент;Дата;Сумма;Примечание\n".encode(encoding))
        block = line * 10_000
        while out.tell() < 200 << 20:
            out.write(block)
        out.write("Итого;;1;\n".encode(encoding))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    (found,) = inspect(path, scratch=tmp_path / "scratch")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1 if sys.platform == "darwin" else 1024)
    assert (found.scan.encoding, found.scan.tail_rows, found.recognised_by) == (encoding, 1, "known")
    assert peak < 40 << 20
    assert grown < 150 << 20
    assert found.rows_estimate == pytest.approx((200 << 20) / len(line), rel=0.05)

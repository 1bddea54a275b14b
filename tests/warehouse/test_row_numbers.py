"""Does quarantine name the row a person sees, whatever stands above, between and inside the records?"""

from collections.abc import Callable
from pathlib import Path

import pytest
from xlsxwriter import Workbook

from rakurs.sources.files import deliveries
from rakurs.warehouse.warehouse import Warehouse

HEADER = "Клиент;Дата;Сумма"
GOOD = "ООО «Луч»;31.01.2026;10"
BROKEN = "ИП Лис;вчера;5"


@pytest.fixture
def broken_rows(warehouse: Warehouse, tmp_path: Path) -> Callable[..., tuple[int, list[int]]]:
    """Loads a file and says how many sales came in and which rows were set aside."""

    def found(path: Path) -> tuple[int, list[int]]:
        warehouse.load(deliveries([path], scratch=tmp_path / "scratch"), marts=())
        waiting = warehouse.quarantined(table="orders").to_pylist()
        with warehouse.reading() as reader:
            return reader.rows("orders"), sorted(row["row_number"] for row in waiting)

    return found


CASES = {
    "plain": [HEADER, GOOD, BROKEN],
    "blank lines between": [HEADER, GOOD, "", GOOD, "", "", BROKEN, GOOD],
    "blank lines above": ["", "", HEADER, GOOD, BROKEN],
    "blank lines under the header": [HEADER, "", "", GOOD, BROKEN],
    "titles above": ["Продажи за январь;;", "", HEADER, GOOD, BROKEN],
    "a short title with quotes": ['"Рога и копыта" ООО', "", HEADER, GOOD, BROKEN, GOOD],
    "a title with one quote": ['Мониторы 32"', HEADER, GOOD, "", BROKEN],
    "blank lines at the end": [HEADER, GOOD, BROKEN, "", "", ""],
    "empty rows of cells": [HEADER, ";;", GOOD, "", ";;", BROKEN],
    "totals under blank lines": [HEADER, GOOD, "", BROKEN, "", "Итого;;15", ""],
    "a ragged row": [HEADER, GOOD, "ИП Лис;31.01.2026;5;лишнее", "", BROKEN],
    "a stray quote": [HEADER, 'ООО "Луч;31.01.2026;1', "", BROKEN],
}


@pytest.mark.parametrize(("encoding", "end"), [("utf-8-sig", "\n"), ("cp1251", "\r\n")])
@pytest.mark.parametrize("lines", CASES.values(), ids=CASES.keys())
def test_the_row_is_the_line_of_the_file(broken_rows, tmp_path: Path, lines: list[str], encoding: str, end: str):
    path = tmp_path / "sales.csv"
    path.write_bytes(end.join([*lines, ""]).encode(encoding))
    expected = [number for number, line in enumerate(lines, start=1) if line == BROKEN or "лишнее" in line]
    sales = sum(line == GOOD or 'ООО "Луч;' in line for line in lines)
    assert broken_rows(path) == (sales, expected)


def test_a_cell_with_line_breaks_is_in_one_row(broken_rows, tmp_path: Path):
    path = tmp_path / "sales.csv"
    lines = ['Клиент;Дата;"Сумма,\nруб"', '"ООО\n\nЛуч";31.01.2026;1', "", '"ИП\nЛис";вчера;2', BROKEN]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert broken_rows(path) == (1, [4, 5])


def test_line_ends_of_two_kinds(broken_rows, tmp_path: Path):
    path = tmp_path / "sales.csv"
    path.write_bytes(f"Продажи;;\n\n{HEADER}\r\n{GOOD}\r\n{GOOD}\n{BROKEN}\r\n".encode())
    assert broken_rows(path) == (2, [6])


def test_the_row_of_a_sheet(broken_rows, tmp_path: Path):
    path = tmp_path / "sales.xlsx"
    with Workbook(path) as book:
        sheet = book.add_worksheet("Продажи")
        # Excel's own numbers: the title in row 3, the header in 5, the broken row in 9.
        sheet.write(2, 1, "Продажи за январь")
        sheet.write_row(4, 1, HEADER.split(";"))
        sheet.write_row(5, 1, GOOD.split(";"))
        sheet.write_row(8, 1, BROKEN.split(";"))
    assert broken_rows(path) == (1, [9])

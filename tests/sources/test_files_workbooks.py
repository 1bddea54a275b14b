from datetime import date, datetime

import pytest
import xlsxwriter

from rakurs.core.errors import UnreadableFile
from rakurs.schema import DEALS, TABLES, table_named
from rakurs.sources.files import inspect, template


@pytest.fixture
def book(tmp_path):
    def made(fill, name="book.xlsx"):
        path = tmp_path / name
        with xlsxwriter.Workbook(path) as workbook:
            fill(workbook)
        return path

    return made


def test_days_times_numbers_and_flags_become_plain_text(book, one, rows):
    def fill(workbook):
        sheet = workbook.add_worksheet("Лист1")
        day = workbook.add_format({"num_format": "dd.mm.yyyy"})
        moment = workbook.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write_row(0, 0, ["Клиент", "Дата", "Оплата", "Сумма", "Возврат", "Код"])
        sheet.write_string(1, 0, "Альфа")
        sheet.write_datetime(1, 1, datetime(2026, 1, 31), day)  # noqa: DTZ001 — a sheet has no zones
        sheet.write_datetime(1, 2, datetime(2026, 2, 1, 14, 5, 30), moment)  # noqa: DTZ001
        sheet.write_number(1, 3, 0.1 + 0.2)
        sheet.write_boolean(1, 4, True)
        sheet.write_number(1, 5, 4_607_012_345_678)

    found = one(book(fill))
    assert found.file == "book.xlsx · Лист1"
    assert rows(found) == [
        {
            "Клиент": "Альфа",
            "Дата": "2026-01-31",
            "Оплата": "2026-02-01 14:05:30",
            "Сумма": "0.3",
            "Возврат": "true",
            "Код": "4607012345678",
        }
    ]


def test_merged_header_titles_totals_and_empty_columns(book, one, rows):
    def fill(workbook):
        sheet = workbook.add_worksheet("Отчёт")
        sheet.merge_range(0, 0, 0, 5, "Продажи за январь 2026")
        sheet.merge_range(2, 0, 3, 0, "Клиент")
        sheet.merge_range(2, 1, 3, 1, "Менеджер")
        sheet.merge_range(2, 2, 2, 3, "Сумма")
        sheet.write_row(3, 2, ["план", "факт"])
        sheet.write_row(4, 0, ["Альфа", "Орлов", 100, 90.5])
        sheet.write_row(5, 0, ["Бета", "Лис", 50, 60])
        sheet.write_row(6, 0, ["Итого", "", 150, 150.5])
        sheet.write_blank(5, 9, None, workbook.add_format({"bold": True}))

    found = one(book(fill))
    assert found.scan.columns == ("Клиент", "Менеджер", "Сумма / план", "Сумма / факт")
    assert [row["Сумма / факт"] for row in rows(found)] == ["90.5", "60"]
    assert found.scan.first_row == 5
    assert any("Totals rows" in note.en for note in found.notes)


def test_a_spanning_header_over_some_columns_only(book, one):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        sheet.merge_range(0, 1, 0, 2, "Сумма")
        sheet.write_row(1, 0, ["Клиент", "план", "факт"])
        sheet.write_row(2, 0, ["Альфа", 1, 2])
        sheet.write_row(3, 0, ["Бета", 3, 4])

    assert one(book(fill)).scan.columns == ("Клиент", "Сумма / план", "Сумма / факт")


def test_repeated_headers_keep_row_numbers(book, one, rows):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        for index, row in enumerate(
            [["Client", "Date", "Sum"], ["A", "01.01.2026", 1], ["Client", "Date", "Sum"], ["B", "02.01.2026", 2]]
        ):
            sheet.write_row(index, 0, row)

    found = one(book(fill))
    assert [row["Client"] for row in rows(found)] == ["A", "B"]
    assert found.rows_estimate == 2


def test_every_visible_sheet_is_a_table_in_load_order(book, scratch):
    def fill(workbook):
        workbook.add_worksheet("deals").write_row(0, 0, ["deal_id", "created_at"])
        workbook.get_worksheet_by_name("deals").write_row(1, 0, ["1", "2026-01-01"])
        workbook.add_worksheet("Пусто")
        customers = workbook.add_worksheet("customers")
        customers.write_row(0, 0, ["customer_id", "name"])
        customers.write_row(1, 0, ["c1", "Анна"])
        hidden = workbook.add_worksheet("Черновик")
        hidden.write_row(0, 0, ["a", "b"])
        hidden.hide()

    found = inspect(book(fill), scratch=scratch)
    assert [item.entity for item in found] == ["customers", "deals"]
    assert any("Черновик" in note.ru for note in found[0].notes)


def test_a_book_without_data_and_a_broken_one_are_reported(book, write, one):
    with pytest.raises(UnreadableFile, match="no visible sheet"):
        one(book(lambda workbook: workbook.add_worksheet("Пусто")))
    with pytest.raises(UnreadableFile, match=r"broken\.xlsx: the workbook does not open"):
        one(write("broken.xlsx", b"PK\x03\x04 this is no workbook"))


def test_text_that_calls_itself_a_workbook_is_read_as_text(write, one, rows):
    found = one(write("sales.xls", "Клиент\tДата\tСумма\nАльфа\t01.02.2026\t5\n", encoding="cp1251"))
    assert rows(found) == [{"Клиент": "Альфа", "Дата": "01.02.2026", "Сумма": "5"}]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_template_is_recognised_as_its_table(write, one, table, kind):
    found = one(write(f"{table.name}.{kind}", template(table, kind)))
    assert (found.recognised_by, found.scan.columns) == ("canonical", table.names)


def test_a_filled_template_loads_as_text(book, one, rows):
    def fill(workbook):
        sheet = workbook.add_worksheet("deals")
        sheet.write_row(0, 0, DEALS.names)
        sheet.write_row(1, 0, ["7", "main"])
        sheet.write_datetime(1, 2, date(2026, 3, 1), workbook.add_format({"num_format": "yyyy-mm-dd"}))

    row = rows(one(book(fill)))[0]
    assert (row["deal_id"], row["created_at"]) == ("7", "2026-03-01")
    assert table_named("deals").names == DEALS.names


def test_cells_merged_downwards_fill_their_records(book, one, rows):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        sheet.write_row(2, 1, ["Клиент", "Дата", "Сумма"])
        sheet.merge_range(3, 1, 5, 1, "Альфа")
        for row in range(3, 6):
            sheet.write_row(row, 2, [f"0{row}.01.2026", row])
        sheet.write_row(6, 1, ["Бета", "07.01.2026", 7])

    found = one(book(fill))
    assert [row["Клиент"] for row in rows(found)] == ["Альфа", "Альфа", "Альфа", "Бета"]
    assert found.scan.first_row == 4


def test_years_over_columns_are_a_header(book, one):
    def fill(workbook):
        sheet = workbook.add_worksheet("S")
        sheet.write_row(0, 0, ["Точка", 2023, 2024, 2025])
        sheet.write_row(1, 0, ["Юг", 10, 20, 30])
        sheet.write_row(2, 0, ["Север", 11, 21, 31])

    assert one(book(fill)).scan.columns == ("Точка", "2023", "2024", "2025")


def test_a_printed_1c_register(book, one, rows):
    """Title rows, a header merged over two floors, groups with sums, totals: six records remain of it."""

    def fill(workbook):
        sheet = workbook.add_worksheet("TDSheet")
        sheet.merge_range(0, 0, 0, 3, "Ведомость по продажам")
        sheet.write_row(1, 0, ["Параметры:", "Период: 01.01.2026 - 31.01.2026"])
        sheet.merge_range(3, 0, 4, 0, "Период")
        sheet.merge_range(3, 1, 4, 1, "Регистратор")
        sheet.merge_range(3, 2, 4, 2, "Номенклатура")
        sheet.merge_range(3, 3, 4, 3, "Контрагент")
        sheet.merge_range(3, 4, 4, 4, "Количество")
        sheet.merge_range(3, 5, 3, 6, "Продажи, руб.")
        sheet.write_row(4, 5, ["Выручка", "Себестоимость"])
        row = 5
        for group in ("Опт", "Розница"):
            sheet.write_row(row, 0, [group, "", "", "", 3, 600, 300])
            for line in range(1, 4):
                row += 1
                document = f"Реализация {group}-{line // 3} от 1{line}.01.2026 10:00:00"
                sheet.write_row(
                    row, 0, [f"1{line}.01.2026 10:00:00", document, f"Товар {line}", "ООО Луч", 1, 200, 100]
                )
            row += 1
        sheet.write_row(row, 0, ["Итого", "", "", "", 6, 1200, 600])

    found = one(book(fill))
    assert found.mapping.name == "1c-sales-register"
    records = rows(found)
    assert [(row["Группировка"], row["Номенклатура"]) for row in records] == [
        (group, f"Товар {line}") for group in ("Опт", "Розница") for line in (1, 2, 3)
    ]
    lines = next(table for table in found.mapping.tables if table.table == "order_lines")
    assert lines.values["amount"].columns == ("Продажи, руб. / Выручка",)
    assert lines.values["cost"].columns == ("Продажи, руб. / Себестоимость",)
    assert found.scan.first_row == 6

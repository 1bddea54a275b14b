import json
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rakurs.core.errors import UnreadableFile
from rakurs.sources.files import deliveries, inspect
from sources.reading import rows_of

SALES = "Клиент{d}Дата{d}Сумма\nООО «Ромашка»{d}31.01.2026{d}1500\nИванов Пётр{d}01.02.2026{d}27\n"
EXPECTED = [
    {"Клиент": "ООО «Ромашка»", "Дата": "31.01.2026", "Сумма": "1500"},
    {"Клиент": "Иванов Пётр", "Дата": "01.02.2026", "Сумма": "27"},
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_encoding_and_delimiter_gives_the_same_rows(write, one, rows, encoding, delimiter):
    found = one(write("sales.csv", SALES.format(d=delimiter), encoding=encoding))
    assert rows(found) == EXPECTED
    assert found.scan.delimiter == delimiter
    assert found.scan.encoding == ("utf-8" if encoding == "utf-8-sig" else encoding.replace("_", "-"))
    assert found.recognised_by == "known"


@pytest.mark.parametrize("encoding", ["cp866", "koi8-r"])
def test_old_cyrillic_pages_are_told_apart(write, one, rows, encoding):
    text = SALES.format(d=";").replace("«", '"').replace("»", '"').replace('ООО "Ромашка"', "ООО Ромашка")
    assert rows(one(write("sales.csv", text, encoding=encoding)))[1]["Клиент"] == "Иванов Пётр"


def test_western_text_is_not_read_as_russian(write, one, rows):
    text = "Client;Date;Sum\nJosé Muñoz;31.01.2026;10\nFrançois Lefèvre;01.02.2026;20\n"
    assert rows(one(write("sales.csv", text, encoding="cp1252")))[0]["Client"] == "José Muñoz"


def test_another_encoding_after_a_megabyte_of_ascii_is_noticed(write, one, rows):
    head = "Client;Date;Sum\n" + "ACME;31.01.2026;10\n" * 100_000
    found = one(write("sales.csv", head.encode() + "Смирнова Анна;01.02.2026;5\n".encode("cp1251")))
    assert rows(found)[-1]["Client"] == "Смирнова Анна"
    assert found.scan.encoding == "cp1251"


def test_a_mixture_of_encodings_names_its_row(write, one):
    mixed = SALES.format(d=";").encode() + "Петрова;02.02.2026;5\n".encode("cp1251")
    with pytest.raises(UnreadableFile, match="row 4"):
        one(write("sales.csv", mixed))


def test_quoted_line_breaks_delimiters_and_quotes(write, one, rows):
    text = 'Клиент;Дата;Сумма\n"ООО ""Луч"";\nфилиал";31.01.2026;"1 500,50"\nИП Лис;01.02.2026;2,5\n'
    found = one(write("sales.csv", text))
    assert rows(found)[0] == {"Клиент": 'ООО "Луч";\nфилиал', "Дата": "31.01.2026", "Сумма": "1 500,50"}
    assert found.rows_estimate == 2


def test_decimal_commas_do_not_part_cells(write, one):
    text = "a;b;c\n" + "".join(f"{n},5;{n},25;{n},75\n" for n in range(50))
    found = one(write("sales.csv", text))
    assert (found.scan.delimiter, found.scan.columns) == (";", ("a", "b", "c"))


def test_titles_above_totals_below_and_headers_between(write, one, rows):
    text = (
        "Отчёт о продажах;;\nПериод: январь 2026;;\n;;\nКлиент;Дата;Сумма\nАльфа;01.01.2026;10\n;;\n"
        "Клиент;Дата;Сумма\nБета;02.01.2026;20\n;;\nИтого;;30\n;;\nИсполнитель: Сидорова;;\n"
    )
    found = one(write("report.csv", text))
    assert [row["Клиент"] for row in rows(found)] == ["Альфа", "Бета"]
    assert (found.scan.first_row, found.scan.tail_rows) == (5, 1 + 1)


def test_a_customer_called_total_is_no_totals_row(write, one, rows):
    found = one(write("sales.csv", "Client;Date;Sum\nAcme;01.01.2026;1\nTotal Energies;02.01.2026;2\n"))
    assert len(rows(found)) == 2
    assert found.scan.tail_rows == 0


def test_two_floors_of_header_are_joined(write, one, rows):
    text = "Менеджер;Сумма;;Клиент\n;план;факт;\nОрлов;100;90;Альфа\nЛис;50;60;Бета\n"
    found = one(write("table.csv", text))
    assert found.scan.columns == ("Менеджер", "Сумма / план", "Сумма / факт", "Клиент")
    assert rows(found)[1] == {"Менеджер": "Лис", "Сумма / план": "50", "Сумма / факт": "60", "Клиент": "Бета"}


def test_repeated_and_blank_names_are_numbered(write, one):
    found = one(write("t.csv", "id,Sum,sum,,Sum\na1,1,2,3,4\na2,5,6,7,8\n"))
    assert found.scan.columns == ("id", "Sum", "sum (2)", "column_4", "Sum (3)")


def test_a_file_without_header_numbers_its_columns(write, one, rows):
    found = one(write("t.txt", " 00004 0001 19970101  2   29.33\n 00021 0002 19970101  3   63.34\n"))
    assert found.scan.columns == ("column_1", "column_2", "column_3", "column_4", "column_5")
    assert rows(found)[0]["column_5"] == "29.33"


def test_cells_parted_by_blanks_keep_their_row_numbers(write, one, rows):
    found = one(
        write("t.txt", " customer_id  date n value\r\n 00001 19970101  1   11.77\r\n\r\n 2 19970112 5 77.00\r\n")
    )
    assert found.scan.columns == ("customer_id", "date", "n", "value")
    assert [row["value"] for row in rows(found)] == ["11.77", "77.00"]
    table = pq.read_table(found.scan.path)
    assert table.column("value").to_pylist() == ["11.77", None, "77.00"]
    assert found.scan.first_row == 2


@pytest.mark.slow
def test_thousands_of_columns(write, one, rows):
    names = [f"field {n}" for n in range(6000)]
    lines = [",".join(names), *(",".join(str(n * row) for n in range(6000)) for row in (1, 2))]
    found = one(write("wide.csv", "\n".join(lines)))
    assert len(found.scan.columns) == 6000
    assert rows(found)[1]["field 5999"] == "11998"


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_reported(write, one, content):
    with pytest.raises(UnreadableFile, match=r"empty\.csv: the file is empty"):
        one(write("empty.csv", content))


def test_a_header_alone_is_a_table_without_rows(write, one, rows):
    found = one(write("deals.csv", "deal_id,pipeline_id,created_at\n"))
    assert rows(found) == []
    assert (found.recognised_by, found.rows_estimate) == ("canonical", 0)


def test_binary_rubbish_is_reported(write, one):
    with pytest.raises(UnreadableFile, match="binary"):
        one(write("photo.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01"))


def test_json_lines_keep_nested_values_and_late_fields(write, one, rows):
    lines = [
        {"deal_id": "1", "created_at": "2026-01-01", "tags": ["a", "б"]},
        {"deal_id": "2", "created_at": "2026-01-02", "late": {"x": 1}},
    ]
    found = one(write("deals.jsonl", "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)))
    assert found.scan.columns == ("deal_id", "created_at", "tags", "late")
    assert json.loads(rows(found)[0]["tags"]) == ["a", "б"]
    assert json.loads(rows(found)[1]["late"]) == {"x": 1}


def test_a_json_list_is_read_as_lines(write, one, rows):
    found = one(write("deals.json", json.dumps([{"deal_id": "1", "created_at": "2026-01-01"}], indent=2)))
    assert rows(found) == [{"deal_id": "1", "created_at": "2026-01-01"}]


def test_a_broken_json_line_is_named(write, one):
    with pytest.raises(UnreadableFile, match="row 2"):
        one(write("deals.jsonl", '{"deal_id": "1"}\n{"deal_id": \n'))


def test_parquet_is_read_where_it_lies(tmp_path, one):
    path = tmp_path / "orders.parquet"
    days = pa.array([1_767_225_600_000_000], pa.timestamp("us"))
    pq.write_table(pa.table({"order_id": ["1"], "ordered_at": days, "amount": pa.array([0.1 + 0.2])}), path)
    found = one(path)
    assert found.scan.path == path
    assert found.preview == (("1", "2026-01-01", "0.3"),)


def test_hash_is_of_what_came_and_slot_stays(write, one):
    first = one(write("sales.csv", SALES.format(d=";"), encoding="cp1251"))
    again = one(write("sales.csv", SALES.format(d=";"), encoding="cp1251"))
    changed = one(write("sales.csv", SALES.format(d=";") + "Новый;03.02.2026;1\n", encoding="cp1251"))
    assert first.content_hash == again.content_hash != changed.content_hash
    assert first.file == changed.file == "sales.csv"


def test_rows_that_end_with_a_delimiter_have_one_column_more(write, one, rows):
    found = one(write("sales.csv", "Клиент;Дата;Сумма;\nАльфа;01.01.2026;1;\nБета;02.01.2026;2;\n"))
    assert found.scan.columns == ("Клиент", "Дата", "Сумма", "column_4")
    assert rows(found)[1] == {"Клиент": "Бета", "Дата": "02.01.2026", "Сумма": "2", "column_4": None}


def test_excel_declares_its_delimiter(write, one, rows):
    found = one(write("sales.csv", "sep=;\nКлиент;Дата;Сумма\nАльфа, ООО;01.01.2026;1,5\n"))
    assert rows(found) == [{"Клиент": "Альфа, ООО", "Дата": "01.01.2026", "Сумма": "1,5"}]


@pytest.mark.parametrize(
    "text",
    ["pipeline_id,name\nmain,Основная\n", "month,metric,target\n2026-01,revenue,100\n", "channel_id\nsite\nads\n"],
)
def test_small_canonical_files_keep_their_header(write, one, rows, text):
    name = {"pipeline_id": "pipelines", "month": "plans", "channel_id": "channels"}[text.split(",")[0].split("\n")[0]]
    found = one(write(f"{name}.csv", text))
    assert found.recognised_by == "canonical"
    assert len(rows(found)) == text.count("\n") - 1


def test_two_folders_with_files_of_one_name(write, scratch):
    first = write("a/sales.csv", SALES.format(d=";"), encoding="cp1251")
    second = write("b/sales.csv", SALES.format(d=";").replace("1500", "7"), encoding="cp1251")
    found = list(deliveries([first, second], scratch=scratch))
    assert [rows_of(item.scan)[0]["Сумма"] for item in found] == ["1500", "7"]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251"])
def test_looking_at_one_large_file_tells_the_bytes_read(write, scratch, encoding):
    text = SALES.format(d=";") + "Иванов Пётр;01.02.2026;27\n" * 200_000
    path = write("sales.csv", text, encoding=encoding)
    told: list[tuple[int, int]] = []
    inspect(path, scratch=scratch, progress=lambda step, *, done, total: told.append((done, total)))
    size = path.stat().st_size
    shares = [done / size for done, _ in told]
    assert {total for _, total in told} == {size}
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert max(after - before for before, after in pairwise(shares)) < 0.25

"""Does an answer on paper say what the page says, in letters that are there?"""

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made_up import ALL, answer_of
from pypdf import PdfReader
from python_calamine import CalamineWorkbook

from rakurs.app.charts import chart_json
from rakurs.app.exporting import answer_content, write_file
from rakurs.app.formats import Format
from rakurs.app.printing.assets import light_colours
from rakurs.app.printing.pictures import WIDTH, Painter
from rakurs.app.printing.sheet import PAPER_ROWS, sheet_of
from rakurs.core.analysis import Analysis

RUSSIAN = Format(language="ru")
MADE_AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def painter():
    painter = Painter()
    yield painter
    painter.close()


def words_of(svg: str) -> str:
    return " ".join("".join(text.itertext()) for text in ET.fromstring(svg).iter(TEXT))


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_chart_on_paper_is_drawn_in_words_and_colours_of_the_page(
    painter: Painter, analysis: Analysis, language: str
) -> None:
    form = Format(language=language)
    svg = painter.svg(chart_json(analysis, answer_of(analysis), form), form)
    words = words_of(svg)
    assert re.search(r"[\w]{2}", words), "a chart without a word"
    assert "$" not in re.sub(r"\$\d", "", svg.replace("$1", "")), "a colour that no theme has"
    assert "@axis" not in svg
    assert "NaN" not in svg
    used = set(re.findall(r"#[0-9a-f]{6}", svg.lower()))
    assert used & {colour.lower() for colour in light_colours().values()}


def test_the_funnel_on_paper_has_its_numbers_beside_the_bars(painter: Painter) -> None:
    (funnel,) = [analysis for analysis in ALL if analysis.name == "funnel"]
    answer = answer_of(funnel)
    words = words_of(painter.svg(chart_json(funnel, answer, RUSSIAN), RUSSIAN))
    for row in answer.chart.to_pylist():
        assert RUSSIAN.shown(row["share_of_all"], funnel.column("share_of_all").unit) in words


def test_the_light_theme_is_read_from_the_stylesheet() -> None:
    colours = light_colours()
    assert colours["c0"] == colours["accent"] == "#4f46e5"
    assert colours["surface"] == "#ffffff"
    assert not [name for name, value in colours.items() if "var(" in value or "light-dark" in value]


@pytest.mark.parametrize("name", ["funnel", "sales_dynamics", "rfm", "cohorts", "managers"])
def test_a_pdf_holds_the_question_every_row_and_the_passport(tmp_path: Path, name: str) -> None:
    (analysis,) = [analysis for analysis in ALL if analysis.name == name]
    answer = answer_of(analysis)
    content = answer_content(analysis, answer, RUSSIAN, company="Ромашка", made_at=MADE_AT)
    reader = PdfReader(write_file(content, target=tmp_path / "a.pdf", kind="pdf"))
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    sheet = sheet_of(analysis, answer, RUSSIAN)
    assert analysis.title.ru in text
    assert "Ромашка" in text
    assert "01.03.2026 12:30" in text
    assert sheet.rows
    squeezed = text.replace("\xa0", "").replace(" ", "")
    for row in sheet.rows:
        for cell in row:
            assert re.sub(r"\s", "", cell) in squeezed, cell
    fonts = {str(font["/BaseFont"]) for page in reader.pages for font in _fonts(page)}
    assert fonts
    assert all("Inter" in font for font in fonts), fonts


def _fonts(page) -> list:
    return [font.get_object() for font in page["/Resources"].get("/Font", {}).values()]


def test_a_picture_is_as_wide_as_a_page_and_as_tall_as_it_must_be(tmp_path: Path) -> None:
    (analysis,) = [analysis for analysis in ALL if analysis.name == "sales_dynamics"]
    content = answer_content(analysis, answer_of(analysis), RUSSIAN, company="", made_at=MADE_AT)
    picture = write_file(content, target=tmp_path / "a.png", kind="png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert width > WIDTH
    assert height > width / 2


def test_a_long_answer_says_on_paper_where_the_rest_is() -> None:
    (analysis,) = [analysis for analysis in ALL if analysis.name == "rfm"]
    from dataclasses import replace

    import pyarrow as pa

    few = answer_of(analysis)
    many = replace(few, table=pa.concat_tables([few.table] * 200), total_rows=800)
    sheet = sheet_of(analysis, many, RUSSIAN)
    assert len(sheet.rows) == PAPER_ROWS
    assert "500 из 800" in sheet.notice


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
def test_a_workbook_draws_the_chart_from_typed_numbers(tmp_path: Path, analysis: Analysis) -> None:
    answer = answer_of(analysis)
    content = answer_content(analysis, answer, RUSSIAN, company="", made_at=MADE_AT)
    path = write_file(content, target=tmp_path / "a.xlsx", kind="xlsx")
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["Данные", "График", "Паспорт"]
    head, *rows = book.get_sheet_by_name("Данные").to_python()
    assert head == [column.title.ru for column in analysis.columns]
    assert len(rows) == answer.total_rows
    for index, column in enumerate(analysis.columns):
        if column.unit.kind in ("money", "share", "number") and rows[0][index] != "":
            assert isinstance(rows[0][index], (int, float)), column.name
    drawn = book.get_sheet_by_name("График").to_python()
    assert any(isinstance(value, (int, float)) for row in drawn[1:] for value in row)
    parts = zipfile.ZipFile(path).namelist()
    if analysis.chart.kind not in ("heatmap", "cohorts"):
        assert "xl/charts/chart1.xml" in parts

"""Does the JSON of a chart say only what the browser can draw?"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up import ALL, answer_of

from rakurs.app.charts import BUILDERS, chart_json
from rakurs.app.formats import Format
from rakurs.core.analysis import Analysis
from rakurs.core.units import Unit

STATIC = Path(__file__).resolve().parents[2] / "src/rakurs/web/static/rakurs"


def leaves(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        for item in part.values():
            yield from leaves(item)
    elif isinstance(part, list):
        for item in part:
            yield from leaves(item)
    else:
        yield part


def strings(chart: Any, mark: str) -> set[str]:
    return {leaf for leaf in leaves(chart) if isinstance(leaf, str) and leaf.startswith(mark)}


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
def test_chart_is_json_of_known_colours_and_formats(analysis: Analysis) -> None:
    chart = chart_json(analysis, answer_of(analysis), Format(language="ru"))
    text = json.dumps(chart, allow_nan=False)
    assert text
    tokens = set(re.findall(r"--([a-z][a-z0-9-]*):", (STATIC / "rakurs.css").read_text(encoding="utf-8")))
    assert {token.removeprefix("$") for token in strings(chart, "$")} <= tokens
    formats = set(re.findall(r"^  (\w+): \(", (STATIC / "drawing.js").read_text(encoding="utf-8"), re.MULTILINE))
    assert {name.removeprefix("@").partition(":")[0] for name in strings(chart, "@")} <= formats


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
def test_every_mark_leads_to_its_members(analysis: Analysis) -> None:
    chart = chart_json(analysis, answer_of(analysis), Format(language="en"))
    cells = [part for part in parts(chart) if "cell" in part]
    assert cells
    assert all(set(part["cell"]) <= set(analysis.members.by) for part in cells)
    assert all(part["tip"]["title"] for part in cells)


def parts(chart: Any) -> Iterator[dict[str, Any]]:
    if isinstance(chart, dict):
        yield chart
        for item in chart.values():
            yield from parts(item)
    elif isinstance(chart, list):
        for item in chart:
            yield from parts(item)


@pytest.mark.parametrize("analysis", ALL, ids=lambda analysis: analysis.name)
def test_missing_numbers_are_absent_not_zero(analysis: Analysis) -> None:
    numeric = {column.name: None for column in analysis.columns if column.unit.is_numeric}
    keys = {analysis.chart.x, *analysis.chart.y[:1]} if analysis.chart.kind in ("heatmap", "cohorts") else set()
    empty = {name: None for name in numeric if name not in keys}
    chart = chart_json(analysis, answer_of(analysis, **empty), Format(language="ru"))
    assert json.dumps(chart, allow_nan=False)


@pytest.mark.parametrize("kind", list(BUILDERS))
def test_nothing_is_drawn_of_no_rows(kind: Any) -> None:
    analysis = replace(ALL[0], chart=replace(ALL[0].chart, kind=kind))
    assert chart_json(analysis, answer_of(analysis, rows=0), Format(language="ru")) is None


def test_unfinished_column_is_outlined() -> None:
    analysis = next(item for item in ALL if item.chart.kind == "columns")
    chart = chart_json(analysis, answer_of(analysis), Format(language="ru"))
    assert chart is not None
    first, *_, last = chart["option"]["series"][0]["data"]
    assert "itemStyle" not in first
    assert last["itemStyle"]["borderType"] == "dashed"


def test_line_to_an_unfinished_point_is_dashed() -> None:
    shown = next(item for item in ALL if item.chart.kind == "columns")
    analysis = replace(shown, chart=replace(shown.chart, kind="lines", compare=None))
    chart = chart_json(analysis, answer_of(analysis), Format(language="ru"))
    assert chart is not None
    solid, dashed = chart["option"]["series"]
    assert [point is None for point in solid["data"]] == [False, False, False, True]
    assert [point is None for point in dashed["data"]] == [True, True, False, False]
    assert dashed["lineStyle"]["type"] == [4, 4]
    assert "smooth" not in solid


def test_measures_that_do_not_add_up_are_not_stacked() -> None:
    analysis = next(item for item in ALL if item.chart.kind == "bars" and len(item.chart.y) > 1)
    assert analysis.column(analysis.chart.y[0]).unit is Unit.HOURS
    chart = chart_json(analysis, answer_of(analysis), Format(language="ru"))
    assert chart is not None
    assert {series["stack"] for series in chart["option"]["baseOption"]["series"]} == {None}

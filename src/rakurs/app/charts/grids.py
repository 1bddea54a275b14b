"""How do two splits meet? In a grid whose colour is the number: heatmap, cohorts."""

from collections.abc import Mapping, Sequence
from typing import Any

from rakurs.app.charts.drawing import STRONG, Drawing, category_axis, option, plain
from rakurs.core.units import Unit

SCALE = ("$h0", "$h1", "$h2", "$h3", "$h4", "$h5")
PALE_SCALE = ("$surface", "$h0", "$h1")
"""For cells whose time is not over: they may still grow."""
DARK_FROM = 0.78  # of the greatest value: from here on the ink is the pale one
LABELS_UP_TO = 14  # columns; more and the numbers no longer fit the cells
CELL = 26
PHONE = {"maxWidth": 560}


def heatmap(drawing: Drawing) -> dict[str, Any]:
    """Two splits against each other; the greatest y on top, of listed values the first."""
    x, y = drawing.chart.x, drawing.chart.y[0]
    xs, ys = drawing.values(x), drawing.values(y)
    if drawing.is_listed(y):
        ys.reverse()
    colour = drawing.chart.color or y
    row_height = max(CELL, min(64, 420 // max(len(ys), 1)))
    return _grid(
        drawing,
        columns=[drawing.word(x, value) for value in xs],
        rows=[drawing.word(y, value) for value in ys],
        cells=[(xs.index(row[x]), ys.index(row[y]), row) for row in drawing.rows],
        colour=colour,
        names=(drawing.title(x), drawing.title(y)),
        row_height=row_height,
    )


def cohorts(drawing: Drawing) -> dict[str, Any]:
    """One row a cohort, oldest on top; an unfinished cell is outlined and pale."""
    x, y = drawing.chart.x, drawing.chart.y[0]
    xs, ys = drawing.values(x), list(reversed(drawing.values(y)))
    return _grid(
        drawing,
        columns=[drawing.word(x, value) for value in xs],
        rows=[drawing.word(y, value) for value in ys],
        cells=[(xs.index(row[x]), ys.index(row[y]), row) for row in drawing.rows],
        colour=drawing.chart.color or y,
        names=(drawing.title(x), drawing.title(y)),
        row_height=CELL,
    )


def _grid(
    drawing: Drawing,
    *,
    columns: Sequence[str],
    rows: Sequence[str],
    cells: Sequence[tuple[int, int, Mapping[str, Any]]],
    colour: str,
    names: tuple[str, str],
    row_height: int,
) -> dict[str, Any]:
    unit = drawing.unit(colour)
    greatest = _greatest(cells, colour, unit)
    data = [
        _cell(drawing, (column, row), values, colour=colour, greatest=greatest, names=names)
        for column, row, values in cells
    ]
    known = [item for item in data if item["value"][2] is not None]
    finished = [item for item in known if not item["unfinished"]]
    open_ended = [item for item in known if item["unfinished"]]
    is_labelled = len(columns) <= LABELS_UP_TO
    series = [
        _series(finished, unit, is_labelled=is_labelled, border={"borderColor": "$surface", "borderWidth": 2}),
        _series(
            open_ended,
            unit,
            is_labelled=is_labelled,
            border={"borderColor": "$line-strong", "borderWidth": 1, "borderType": "dashed"},
        ),
    ]
    label = {**STRONG, "interval": "auto" if len(rows) > 40 else 0}
    title = {"color": "$muted", "fontSize": 12}
    whole = option(
        tooltip="item",
        grid={"left": 8, "right": 8, "top": 8, "bottom": 30},
        xAxis=category_axis(
            columns, name=names[0], nameLocation="middle", nameGap=30, nameTextStyle=title, axisLine={"show": False}
        ),
        yAxis=category_axis(rows, axisLabel=label, axisLine={"show": False}),
        visualMap=[_scale(0, SCALE, greatest), _scale(1, PALE_SCALE, greatest)],
        series=series,
    )
    fewer = {"label": {"show": len(columns) <= LABELS_UP_TO // 2}}
    phone = {"series": [fewer, fewer]}
    return {
        "option": {"baseOption": whole, "media": [{"query": PHONE, "option": phone}]},
        "height": len(rows) * row_height + 64,
        "caption": names[1],
    }


def _series(
    data: Sequence[Mapping[str, Any]], unit: Unit, *, is_labelled: bool, border: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "cursor": "pointer",
        "itemStyle": {**border, "borderRadius": 4},
        "emphasis": {"itemStyle": {"borderColor": "$text", "borderWidth": 1}},
        "label": {"show": is_labelled, "fontSize": 11.5, "formatter": f"@cell:{unit.code}"},
        "data": list(data),
    }


def _scale(series: int, colours: Sequence[str], greatest: float) -> dict[str, Any]:
    return {
        "show": False,
        "type": "continuous",
        "seriesIndex": series,
        "dimension": 2,
        "min": 0,
        "max": greatest,
        "inRange": {"color": list(colours)},
    }


def _cell(
    drawing: Drawing,
    place: tuple[int, int],
    values: Mapping[str, Any],
    *,
    colour: str,
    greatest: float,
    names: tuple[str, str],
) -> dict[str, Any]:
    value = plain(values[colour])
    is_dark = value is not None and value >= greatest * DARK_FROM
    mark = drawing.mark(values, [*place, value], label={"color": "$heat-ink-pale" if is_dark else "$heat-ink"})
    x, y = drawing.chart.x, drawing.chart.y[0]
    mark["tip"]["title"] = f"{names[1]}: {drawing.word(y, values[y])} · {names[0]}: {drawing.word(x, values[x])}"
    mark["unfinished"] = drawing.chart.complete is not None and values.get(drawing.chart.complete) is False
    if mark["unfinished"]:
        mark["label"] = {"color": "$muted"}
    return mark


def _greatest(cells: Sequence[tuple[int, int, Mapping[str, Any]]], colour: str, unit: Unit) -> float:
    """The end of the colour scale. Shares of a cohort leave out the trivial 100 % of its first period."""
    known = [plain(values[colour]) for _column, _row, values in cells if values[colour] is not None]
    below_whole = [value for value in known if value < 1] if unit is Unit.SHARE else known
    return max(below_whole or known, default=1) or 1

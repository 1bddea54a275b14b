"""How does a number run? Along an axis from left to right: lines, columns, Pareto."""

from collections.abc import Mapping
from typing import Any

from rakurs.app.charts.drawing import (
    PALETTE,
    Drawing,
    category_axis,
    legend,
    option,
    plain,
    time_axis,
    value_axis,
)
from rakurs.core.text import Text
from rakurs.core.units import Unit

HEIGHT = 340
UNFINISHED = Text(ru="не закончен", en="unfinished")


def lines(drawing: Drawing) -> dict[str, Any]:
    """Straight lines between true points; the comparison grey and dashed, the unfinished end dashed."""
    series = [
        part for index, name in enumerate(drawing.chart.y) for part in _line(drawing, name, PALETTE[index], index == 0)
    ]
    return _timeline(drawing, [*_band(drawing), *series, *_compared(drawing)], boundary_gap=False)


def _band(drawing: Drawing) -> list[dict[str, Any]]:
    """The interval behind a line: an unseen lower edge, and the band up to the higher one stacked on it."""
    if drawing.chart.interval is None:
        return []
    low, high = drawing.chart.interval
    edges = [(row[low], row[high]) for row in drawing.rows]
    depths = [None if low is None or high is None else high - low for low, high in edges]
    common = {"type": "line", "stack": "band", "symbol": "none", "silent": True, "lineStyle": {"opacity": 0}}
    tooltip = {"show": False}
    return [
        {**common, "data": [drawing.mark(row, row[low]) for row in drawing.rows], "tooltip": tooltip},
        {
            **common,
            "areaStyle": {"color": PALETTE[1], "opacity": 0.16},
            "data": [drawing.mark(row, depth) for row, depth in zip(drawing.rows, depths, strict=True)],
            "tooltip": tooltip,
        },
    ]


def columns(drawing: Drawing) -> dict[str, Any]:
    """Columns per bucket, several measures stacked; an unfinished bucket is outlined, not filled."""
    is_stacked = len(drawing.chart.y) > 1 and all(drawing.adds_up(name) for name in drawing.chart.y)
    series = [
        {
            "type": "bar",
            "name": drawing.title(name),
            "stack": "all" if is_stacked else None,
            "barMaxWidth": 36,
            "barCategoryGap": "32%",
            "cursor": "pointer",
            "itemStyle": {
                "color": PALETTE[index],
                "borderRadius": [3, 3, 0, 0] if index == len(drawing.chart.y) - 1 else 0,
            },
            "data": [
                drawing.mark(row, row[name], **_unfinished_column(drawing, row, PALETTE[index])) for row in drawing.rows
            ],
        }
        for index, name in enumerate(drawing.chart.y)
    ]
    return _timeline(drawing, [*series, *_compared(drawing)], boundary_gap=True)


def pareto(drawing: Drawing) -> dict[str, Any]:
    """Values from the largest down, with the running share of the whole."""
    value, *shares = drawing.chart.y
    colour, x = drawing.chart.color, drawing.chart.x
    seen = list(dict.fromkeys(row[colour] for row in drawing.rows)) if colour else []
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": drawing.title(value),
            "barMaxWidth": 34,
            "barCategoryGap": "24%",
            "cursor": "pointer",
            "itemStyle": {"color": "$c0", "borderRadius": [3, 3, 0, 0]},
            "data": [
                drawing.mark(
                    row, row[value], **({"itemStyle": {"color": drawing.colour(row[colour], seen)}} if colour else {})
                )
                for row in drawing.rows
            ],
        }
    ]
    series += [
        {
            "type": "line",
            "name": drawing.title(share),
            "yAxisIndex": 1,
            "symbolSize": 5,
            "symbol": "circle",
            "lineStyle": {"color": "$warn", "width": 1.5},
            "itemStyle": {"color": "$warn"},
            "data": [drawing.mark(row, row[share]) for row in drawing.rows],
        }
        for share in shares[:1]
    ]
    names = [str(item["name"]) for item in series]
    axes = [value_axis(drawing.unit(value))]
    if shares:
        axes.append(value_axis(Unit.SHARE, min=0, max=1, interval=0.25, splitLine={"show": False}))
    labels = {"width": 88, "overflow": "truncate", "interval": "auto"}
    whole = option(
        tooltip="axis",
        grid={"left": 4, "right": 8, "top": 40, "bottom": 28},
        legend=legend(names),
        xAxis=category_axis([drawing.word(x, row[x]) for row in drawing.rows], axisLabel=labels),
        yAxis=axes,
        series=series,
    )
    return {"option": whole, "height": HEIGHT}


def _timeline(drawing: Drawing, series: list[dict[str, Any]], *, boundary_gap: bool) -> dict[str, Any]:
    names = list(dict.fromkeys(str(item["name"]) for item in series if item.get("name")))
    is_time = drawing.unit(drawing.chart.x) is Unit.DAY
    x = drawing.chart.x
    axis = (
        time_axis(drawing, x, boundaryGap=boundary_gap)
        if is_time
        else category_axis([drawing.word(x, row[x]) for row in drawing.rows], boundaryGap=boundary_gap)
    )
    whole = option(
        tooltip="axis",
        grid={"left": 4, "right": 20, "top": 40 if len(names) > 1 else 12, "bottom": 28},
        legend=legend(names),
        xAxis=axis,
        yAxis=value_axis(drawing.unit(drawing.chart.y[0])),
        series=series,
    )
    return {"option": whole, "height": HEIGHT}


def _line(drawing: Drawing, name: str, colour: str, is_filled: bool) -> list[dict[str, Any]]:  # noqa: FBT001
    values = [drawing.mark(row, row[name]) for row in drawing.rows]
    finished = _finished(drawing)
    many = len(values) > 45
    solid = {
        "type": "line",
        "name": drawing.title(name),
        "symbol": "none" if many else "circle",
        "symbolSize": 6,
        "showSymbol": not many,
        "cursor": "pointer",
        "triggerLineEvent": True,
        "lineStyle": {"color": colour, "width": 2},
        "itemStyle": {"color": colour, "borderColor": "$surface", "borderWidth": 1.5},
        "areaStyle": {"color": colour, "opacity": 0.07} if is_filled else None,
        "data": [value if is_done else None for value, is_done in zip(values, finished, strict=True)],
    }
    if all(finished):
        return [solid]
    around = [not all(finished[max(index - 1, 0) : index + 2]) for index in range(len(finished))]
    dashed = {
        **solid,
        "areaStyle": None,
        "lineStyle": {"color": colour, "width": 2, "type": [4, 4]},
        "itemStyle": {"color": "$surface", "borderColor": colour, "borderWidth": 1.5},
        "data": [value if is_near else None for value, is_near in zip(values, around, strict=True)],
    }
    return [solid, dashed]


def _finished(drawing: Drawing) -> list[bool]:
    mark = drawing.chart.complete
    return [mark is None or row.get(mark) is not False for row in drawing.rows]


def _unfinished_column(drawing: Drawing, row: Mapping[str, Any], colour: str) -> dict[str, Any]:
    mark = drawing.chart.complete
    if mark is None or row.get(mark) is not False:
        return {}
    return {"itemStyle": {"color": "$accent-soft", "borderColor": colour, "borderWidth": 1, "borderType": "dashed"}}


def _compared(drawing: Drawing) -> list[dict[str, Any]]:
    name = drawing.chart.compare
    if name is None or all(row[name] is None for row in drawing.rows):
        return []
    return [
        {
            "type": "line",
            "name": drawing.title(name),
            "symbol": "none",
            "silent": True,
            "z": 5,
            "lineStyle": {"color": "$compare", "width": 1.5, "type": "dashed"},
            "itemStyle": {"color": "$compare"},
            "data": [plain(row[name]) for row in drawing.rows],
        }
    ]

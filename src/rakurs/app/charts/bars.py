"""How are named things compared? As horizontal bars: funnel, bars, bullet, intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from rakurs.app.charts.drawing import (
    PALETTE,
    STRONG,
    Drawing,
    category_axis,
    legend,
    option,
    plain,
    value_axis,
)
from rakurs.core.text import Text
from rakurs.core.units import Unit

ROW = 34
MARGIN = 56
NAME_WIDTH = 216
PHONE = {"maxWidth": 336}
TILE = {"minWidth": 337, "maxWidth": 680}
NAME_WIDTH_ON_PHONE = 96
NAME_WIDTH_IN_TILE = 140
SIDE_WIDTHS = (70, 72, 88, 76)
TARGET = Text(ru="план", en="target")


def funnel(drawing: Drawing) -> dict[str, Any]:
    """Bars on a common track; count, shares and times stand in aligned columns at the right.

    Rows of several groups (pipelines) stand under a heading each.
    """
    measure = drawing.chart.y[0]
    shown = [measure, *_beside(drawing)]
    lines = _grouped(drawing)
    widest = max((plain(row[measure]) or 0 for row in drawing.rows), default=0)
    track = {"type": "bar", "silent": True, "barWidth": 20, "barGap": "-100%", "tooltip": {"show": False}}
    bars_of = {"type": "bar", "barWidth": 20, "cursor": "pointer", "itemStyle": {"borderRadius": 4}}
    series = [
        {
            **track,
            "itemStyle": {"color": "$track", "borderRadius": 4},
            "data": [None if isinstance(line, str) else widest for line in lines],
        },
        {
            **bars_of,
            "data": [
                None
                if isinstance(line, str)
                else drawing.mark(line, line[measure], itemStyle={"color": _colour(drawing, line)})
                for line in lines
            ],
        },
    ]
    names = _name_axis(
        [line if isinstance(line, str) else drawing.word(drawing.chart.x, line[drawing.chart.x]) for line in lines]
    )
    names["axisLabel"] |= {
        "formatter": "@name",
        "rich": {"group": {**STRONG, "fontWeight": 650, "padding": [8, 0, 0, 0]}},
    }
    side = {**names, "position": "right", "axisLabel": {"formatter": f"@side:{len(shown)}", "rich": _side_styles()}}
    whole = option(
        tooltip="item",
        grid={"left": 4, "right": 4, "top": 8, "bottom": 4},
        xAxis={"type": "value", "show": False, "max": widest or 1},
        yAxis=[names, side],
        series=series,
    )
    phone = {"yAxis": [_short_names(), {"axisLabel": {"formatter": "@side:2"}}]}
    return {
        "option": {"baseOption": whole, "media": _by_width(phone, side={"axisLabel": side["axisLabel"]})},
        "height": len(lines) * ROW + 24,
        "side": [
            [] if isinstance(line, str) else [[plain(line[name]), drawing.unit(name).code] for name in shown]
            for line in lines
        ],
        "heads": [drawing.title(name) for name in shown],
    }


def _side_styles() -> dict[str, Any]:
    styles = {
        f"c{index}": {
            "width": width,
            "align": "right",
            **(STRONG if index == 0 else {"color": "$muted", "fontSize": 12}),
        }
        for index, width in enumerate(SIDE_WIDTHS)
    }
    styles["c0"] |= {"fontWeight": 600}
    return styles


def _grouped(drawing: Drawing) -> list[Any]:
    """The rows, and before the first row of each group its name; one group needs none."""
    group = next(
        (
            name
            for name in list(drawing.columns)[: list(drawing.columns).index(drawing.chart.x)]
            if drawing.unit(name) is Unit.TEXT and len({row[name] for row in drawing.rows}) > 1
        ),
        None,
    )
    lines: list[Any] = []
    seen: set[Any] = set()
    for row in drawing.rows:
        if group is not None and row[group] not in seen:
            seen.add(row[group])
            lines.append(drawing.word(group, row[group]))
        lines.append(row)
    return lines


def bars(drawing: Drawing) -> dict[str, Any]:
    """One bar a row; measures that add up are stacked, others stand beside each other.

    Where the same name comes once per colour (a reason per stage), its rows become the parts of one bar.
    """
    if _is_split(drawing):
        return _split_bars(drawing)
    measures = drawing.chart.y
    is_stacked = len(measures) > 1 and all(drawing.adds_up(name) for name in measures)
    series = [
        {
            "type": "bar",
            "name": drawing.title(name),
            "stack": "all" if is_stacked else None,
            "barWidth": 18 if is_stacked or len(measures) == 1 else 12,
            "barGap": "40%",
            "cursor": "pointer",
            "itemStyle": {"color": PALETTE[index], "borderRadius": 0 if is_stacked else 4},
            "label": {"show": False} if is_stacked else _end_label(drawing, name),
            "data": [drawing.mark(row, row[name], **_own_colour(drawing, row)) for row in drawing.rows],
        }
        for index, name in enumerate(measures)
    ]
    row = ROW if is_stacked or len(measures) == 1 else 20 * len(measures) + 16
    return _horizontal(drawing, series, legend_names=[drawing.title(name) for name in measures], row=row)


def _beside(drawing: Drawing) -> list[str]:
    """What stands in columns beside the count: the first two shares and the first time."""
    shares = [name for name in drawing.columns if drawing.unit(name).kind == "share"]
    times = [name for name in drawing.columns if drawing.unit(name) is Unit.HOURS]
    return [*shares[:2], *times[:1]]


def _is_split(drawing: Drawing) -> bool:
    names = [row[drawing.chart.x] for row in drawing.rows]
    return drawing.chart.color is not None and len(set(names)) < len(names)


def _split_bars(drawing: Drawing) -> dict[str, Any]:
    """Bars made of parts, the longest bar on top, the commonest part first."""
    chart = drawing.chart
    measure, colour = chart.y[0], chart.color or chart.x
    names = _by_size(drawing, chart.x, measure)
    parts = _by_size(drawing, colour, measure)
    by_place = {(row[chart.x], row[colour]): row for row in drawing.rows}
    series = [
        {
            "type": "bar",
            "name": drawing.word(colour, part),
            "stack": "all",
            "barWidth": 18,
            "cursor": "pointer",
            "itemStyle": {
                "color": drawing.colour(part, parts),
                "borderColor": "$surface",
                "borderWidth": 1,
                "borderRadius": 2,
            },
            "data": [
                drawing.mark(by_place[name, part], by_place[name, part][measure]) if (name, part) in by_place else None
                for name in names
            ],
        }
        for part in parts
    ]
    axis = _name_axis([drawing.word(chart.x, name) for name in names])
    legends = [drawing.word(colour, part) for part in parts]
    return _horizontal(drawing, series, legend_names=legends, names=axis)


def _by_size(drawing: Drawing, name: str, measure: str) -> list[Any]:
    sizes: dict[Any, float] = {}
    for row in drawing.rows:
        sizes[row[name]] = sizes.get(row[name], 0) + (plain(row[measure]) or 0)
    return sorted(sizes, key=lambda value: -sizes[value])


def bullet(drawing: Drawing) -> dict[str, Any]:
    """Fact as a bar, the forecast as a pale bar behind it; ticks for the pace by now and for the target."""
    fact, *rest = drawing.chart.y
    forecast, pace = (*rest, None, None)[:2]
    series: list[dict[str, Any]] = []
    if forecast:
        series.append(_bullet_bar(drawing, forecast, {"color": "$accent-soft"}, width=22))
    # Between bars of 22 and 10 pixels a gap of -73 % puts the thin one in the middle of the pale one.
    series.append({**_bullet_bar(drawing, fact, {"color": "$c0"}, width=10), "barGap": "-73%", "z": 3})
    ticks = [(pace, "$warn", 2), (drawing.chart.compare, "$text", 3)]
    series += [_ticks(drawing, name, colour, width, is_lower=bool(forecast)) for name, colour, width in ticks if name]
    names = [str(item["name"]) for item in series]
    return _horizontal(drawing, series, legend_names=names, row=46)


def intervals(drawing: Drawing) -> dict[str, Any]:
    """A dot with its 95 % interval; where intervals share a point, the difference says nothing."""
    measure = drawing.chart.y[0]
    low, high = drawing.chart.interval or (measure, measure)
    series: list[dict[str, Any]] = [
        {
            "type": "bar",
            "stack": "interval",
            "stackStrategy": "all",  # an interval may lie below zero, or across it
            "silent": True,
            "barWidth": 6,
            "itemStyle": {"color": "transparent"},
            "tooltip": {"show": False},
            "data": [plain(row[low]) for row in drawing.rows],
        },
        {
            "type": "bar",
            "stack": "interval",
            "stackStrategy": "all",  # an interval may lie below zero, or across it
            "name": Text(ru="95 % интервал", en="95% interval").to(drawing.form.language),
            "barWidth": 6,
            "cursor": "pointer",
            "itemStyle": {"color": "$accent-soft", "borderRadius": 3},
            "data": [drawing.mark(row, _span(row, low, high)) for row in drawing.rows],
        },
        _dots(drawing, measure, "$c0", 10),
    ]
    if len(drawing.chart.y) > 1:
        series.append(_dots(drawing, drawing.chart.y[1], "$c2", 7))
    names = [str(item["name"]) for item in series if "name" in item]
    return _horizontal(drawing, series, legend_names=names, row=30)


def _span(row: Mapping[str, Any], low: str, high: str) -> Any:
    return None if row[low] is None or row[high] is None else plain(row[high]) - plain(row[low])


def _dots(drawing: Drawing, name: str, colour: str, size: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": drawing.title(name),
        "symbolSize": size,
        "cursor": "pointer",
        "z": 4,
        "itemStyle": {"color": colour, "borderColor": "$surface", "borderWidth": 2},
        "data": [
            drawing.mark(row, [plain(row[name]), index])
            for index, row in enumerate(drawing.rows)
            if row[name] is not None
        ],
    }


def _bullet_bar(drawing: Drawing, name: str, style: Mapping[str, Any], *, width: int) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": drawing.title(name),
        "barWidth": width,
        "cursor": "pointer",
        "itemStyle": {**style, "borderRadius": 3},
        "data": [drawing.mark(row, row[name]) for row in drawing.rows],
    }


def _ticks(drawing: Drawing, name: str, colour: str, width: int, *, is_lower: bool) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": drawing.title(name),
        "symbol": "rect",
        "symbolSize": [width, 26],
        "symbolOffset": [0, 3 if is_lower else 0],
        "cursor": "pointer",
        "z": 5,
        "itemStyle": {"color": colour, "opacity": 1},
        "data": [
            drawing.mark(row, [plain(row[name]), index])
            for index, row in enumerate(drawing.rows)
            if row[name] is not None
        ],
    }


def _horizontal(
    drawing: Drawing,
    series: list[dict[str, Any]],
    *,
    legend_names: Sequence[str],
    row: int = ROW,
    names: dict[str, Any] | None = None,
) -> dict[str, Any]:
    names = names or _names(drawing)
    unit = drawing.unit(drawing.chart.y[0])
    has_legend = len(legend_names) > 1
    whole = option(
        tooltip="item",
        grid={"left": 4, "right": 72, "top": 36 if has_legend else 8, "bottom": 28},
        legend=legend(legend_names),
        xAxis=value_axis(unit, greatest=_greatest(drawing, unit)),
        yAxis=names,
        series=series,
    )
    phone = {"grid": {"right": 56}, "yAxis": _short_names()}
    return {
        "option": {"baseOption": whole, "media": _by_width(phone)},
        "height": len(names["data"]) * row + MARGIN + (28 if has_legend else 0),
    }


def _names(drawing: Drawing) -> dict[str, Any]:
    x = drawing.chart.x
    return _name_axis([drawing.word(x, row[x]) for row in drawing.rows])


def _name_axis(words: Sequence[str]) -> dict[str, Any]:
    return category_axis(
        words,
        inverse=True,
        axisLine={"show": False},
        axisLabel={**STRONG, "width": NAME_WIDTH, "overflow": "truncate", "interval": 0, "hideOverlap": False},
    )


def _by_width(phone: dict[str, Any], *, side: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """The narrow form, and the way back from it when the page grows, the texts beside the bars included."""
    names: dict[str, Any] = {"axisLabel": {"width": NAME_WIDTH}}
    wide = {"yAxis": [names, side or {}] if isinstance(phone["yAxis"], list) else names}
    tile = {**phone, "yAxis": _names_as_wide(phone["yAxis"], NAME_WIDTH_IN_TILE)}
    return [{"query": PHONE, "option": phone}, {"query": TILE, "option": tile}, {"option": wide}]


def _names_as_wide(axes: Any, width: int) -> Any:
    """The axes of the narrow form, the first of which holds the names, with more room for them."""
    names = {"axisLabel": {"width": width}}
    return [names, *axes[1:]] if isinstance(axes, list) else names


def _short_names() -> dict[str, Any]:
    return {"axisLabel": {"width": NAME_WIDTH_ON_PHONE}}


def _end_label(drawing: Drawing, name: str) -> dict[str, Any]:
    return {"show": True, "position": "right", **STRONG, "formatter": f"@label:{drawing.unit(name).code}"}


def _colour(drawing: Drawing, row: Mapping[str, Any]) -> str:
    name = drawing.chart.color
    if name is None or name not in row:
        return "$c0"
    return drawing.colour(row[name], list(dict.fromkeys(item[name] for item in drawing.rows)))


def _greatest(drawing: Drawing, unit: Unit) -> float:
    known = (plain(row[name]) for name in drawing.chart.y for row in drawing.rows if drawing.unit(name) is unit)
    return max((value for value in known if value is not None), default=0)


def _own_colour(drawing: Drawing, row: Mapping[str, Any]) -> dict[str, Any]:
    return {"itemStyle": {"color": _colour(drawing, row)}} if drawing.chart.color in row else {}

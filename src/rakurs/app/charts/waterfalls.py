"""Why is one number not the other? As a bridge of steps from the first to the last: waterfall."""

from collections.abc import Mapping
from typing import Any

from rakurs.app.charts.drawing import STRONG, Drawing, category_axis, option, plain, value_axis
from rakurs.core.text import Text

HEIGHT = 360
WIDEST = 56
PHONE = {"maxWidth": 560}
NAME_WIDTHS = {"ru": 144, "en": 92}
"""Pixels. Where texts are measured without a canvas, a Cyrillic letter is taken for a square: half as wide again."""
TOTAL, UP, DOWN = "$c0", "$won", "$lost"
STEP_UP = Text(ru="прибавило", en="added")
STEP_DOWN = Text(ru="убавило", en="took away")


def waterfall(drawing: Drawing) -> dict[str, Any]:
    """Columns that hang between the level before and after; rows without a change are totals and stand on zero.

    Rows without a level are no part of the bridge and are not drawn. The direction is told by the sign on the
    label and by where the column hangs, the colour only repeats it.
    """
    steps = [row for row in drawing.rows if row[drawing.chart.compare or ""] is not None]
    spans = [_span(drawing, row) for row in steps]
    names = [drawing.word(drawing.chart.x, row[drawing.chart.x]) for row in steps]
    width = NAME_WIDTHS[drawing.form.language]
    # Columns cannot hang over zero on both sides at once: what stands on either side is stacked apart.
    series = [_side(drawing, steps, spans, side) for side in (1, -1)]
    parts = [part for pair in series for part in pair]
    whole = option(
        tooltip="item",
        grid={"left": 4, "right": 12, "top": 28, "bottom": 44},
        xAxis=category_axis(
            names,
            axisLabel={"interval": 0, "hideOverlap": False, "width": width, "overflow": "break", "lineHeight": 15},
        ),
        yAxis=value_axis(drawing.unit(drawing.chart.y[0])),
        series=[*parts, _labels(drawing, steps, spans), _bridge(spans)],
    )
    phone = {
        "grid": {"bottom": 96},
        "xAxis": {"axisLabel": {"rotate": 60, "width": 110, "overflow": "truncate"}},
    }
    wide = {"grid": {"bottom": 44}, "xAxis": {"axisLabel": {"rotate": 0, "width": width, "overflow": "break"}}}
    media = [{"query": PHONE, "option": phone}, {"option": wide}]
    return {"option": {"baseOption": whole, "media": media}, "height": HEIGHT}


def _is_total(drawing: Drawing, row: Mapping[str, Any]) -> bool:
    return row[drawing.chart.y[0]] is None


def _span(drawing: Drawing, row: Mapping[str, Any]) -> tuple[float, float]:
    """Where the column begins and ends: from zero for a total, else from the level before to the level after."""
    after = float(plain(row[drawing.chart.compare or ""]))
    change = row[drawing.chart.y[0]]
    return (0.0, after) if change is None else (after - float(plain(change)), after)


def _side(
    drawing: Drawing, steps: list[Mapping[str, Any]], spans: list[tuple[float, float]], side: int
) -> list[dict[str, Any]]:
    """The columns above zero (`side` 1) or below it (-1): what they hang on, unseen, and themselves."""
    cuts = [sorted(max(0.0, end * side) for end in span) for span in spans]
    stack = {"type": "bar", "stack": f"side{side}", "barMaxWidth": WIDEST, "barGap": "-100%", "barCategoryGap": "28%"}
    hung = {
        **stack,
        "silent": True,
        "tooltip": {"show": False},
        "itemStyle": {"color": "transparent"},
        "data": [low * side for low, _ in cuts],
    }
    shown = {
        **stack,
        "cursor": "pointer",
        "data": [
            drawing.mark(row, (high - low) * side, itemStyle={"color": _colour(drawing, row), "borderRadius": 3})
            for row, (low, high) in zip(steps, cuts, strict=True)
        ],
    }
    return [hung, shown]


def _colour(drawing: Drawing, row: Mapping[str, Any]) -> str:
    if _is_total(drawing, row):
        return TOTAL
    return UP if row[drawing.chart.y[0]] > 0 else DOWN


def _labels(drawing: Drawing, steps: list[Mapping[str, Any]], spans: list[tuple[float, float]]) -> dict[str, Any]:
    """The number of each step over its column: the level of a total, the signed change of a step."""
    unit = drawing.unit(drawing.chart.y[0]).code
    measure, level = drawing.chart.y[0], drawing.chart.compare or ""
    return {
        "type": "scatter",
        "symbolSize": 0.1,
        "silent": True,
        "tooltip": {"show": False},
        "z": 6,
        "data": [
            {
                "value": [index, max(span)],
                "shown": plain(row[level] if _is_total(drawing, row) else row[measure]),
                "label": {
                    "show": True,
                    "position": "top",
                    "distance": 4,
                    **STRONG,
                    "formatter": f"@{'level' if _is_total(drawing, row) else 'step'}:{unit}",
                },
            }
            for index, (row, span) in enumerate(zip(steps, spans, strict=True))
        ],
    }


def _bridge(spans: list[tuple[float, float]]) -> dict[str, Any]:
    """The hairline that carries each level to the next column; where it turns, the column hides it."""
    return {
        "type": "line",
        "step": "end",
        "symbol": "none",
        "silent": True,
        "z": 1,
        "tooltip": {"show": False},
        "lineStyle": {"color": "$line-strong", "width": 1},
        "data": [after for _, after in spans],
    }

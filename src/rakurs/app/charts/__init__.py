"""How does an answer look? As JSON for the chart element: tokens for colours, names for formats, no code.

The JSON holds `option` (an ECharts option), `height` in pixels, and `side` (texts beside the bars).
"$c0" is a colour of the theme, "@axis:money" a format of static/rakurs/chart.js.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rakurs.app.charts.bars import bars, bullet, funnel, intervals
from rakurs.app.charts.drawing import Drawing, drawing_of
from rakurs.app.charts.grids import cohorts, heatmap
from rakurs.app.charts.timelines import columns, lines, pareto
from rakurs.app.charts.waterfalls import waterfall
from rakurs.app.formats import Format
from rakurs.core.analysis import Analysis, ChartKind
from rakurs.core.answer import Answer

BUILDERS: Mapping[ChartKind, Callable[[Drawing], dict[str, Any]]] = {
    "funnel": funnel,
    "bars": bars,
    "columns": columns,
    "lines": lines,
    "heatmap": heatmap,
    "cohorts": cohorts,
    "pareto": pareto,
    "bullet": bullet,
    "intervals": intervals,
    "waterfall": waterfall,
}
"""Every kind but those that are not drawn: a number alone, a table alone."""


def chart_json(analysis: Analysis, answer: Answer, form: Format) -> dict[str, Any] | None:
    """The chart of `answer`; None when there is nothing to draw."""
    draw = BUILDERS.get(analysis.chart.kind)
    drawing = drawing_of(analysis, answer, form)
    return draw(drawing) if draw is not None and drawing.rows else None


__all__ = ["BUILDERS", "chart_json"]

"""Which picture stands for what? Names of icons in the sprite (assets/icons.txt lists them)."""

from collections.abc import Mapping

from rakurs.core.analysis import ChartKind

CHART_ICONS: Mapping[ChartKind, str] = {
    "funnel": "funnel",
    "bars": "chart-bar",
    "columns": "chart-column",
    "lines": "chart-line",
    "heatmap": "grid-3x3",
    "cohorts": "layers",
    "pareto": "trending-up",
    "bullet": "target",
    "intervals": "users-round",
    "number": "gauge",
    "table": "table-2",
    "waterfall": "arrow-up-down",
}
STATUS_ICONS: Mapping[int, str] = {403: "shield-alert", 404: "search", 503: "clock"}
OTHER_ICON = "circle-alert"

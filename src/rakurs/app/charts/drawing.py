"""What do all charts share? Rows with their cell and tooltip, axes, colours by meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rakurs.app.formats import Format
from rakurs.core.analysis import Analysis, Chart
from rakurs.core.answer import Answer
from rakurs.core.periods import Grain
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit

UNNAMED = Text(ru="не указано", en="not given")
PALETTE = ("$c0", "$c1", "$c2", "$c3", "$c4", "$c5", "$c6", "$c7")
MEANING = {"won": "$won", "lost": "$lost", "open": "$c0", "A": "$c0", "B": "$c1", "C": "$faint"}
"""Colours of values whose meaning is common knowledge; anything else takes its turn in the palette."""

LABEL = {"color": "$muted", "fontSize": 12}
STRONG = {"color": "$text", "fontSize": 12}
TIP_COLUMNS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """An answer's chart rows, ready to be put on axes."""

    chart: Chart
    rows: tuple[Mapping[str, Any], ...]
    columns: Mapping[str, Column]
    by: tuple[str, ...]
    grain: Grain | None
    form: Format

    def title(self, name: str) -> str:
        """The title of a column; a count the chart makes itself has none of its own."""
        column = self.columns.get(name)
        return column.title.to(self.form.language) if column else _COUNTED.to(self.form.language)

    def unit(self, name: str) -> Unit:
        """The unit of a column; what is counted for the chart is a count."""
        column = self.columns.get(name)
        return column.unit if column else Unit.COUNT

    def adds_up(self, name: str) -> bool:
        """Whether values of this column may be stacked on each other."""
        column = self.columns.get(name)
        return self.unit(name).is_additive and (column is None or column.adds_up)

    def word(self, name: str, value: Any) -> str:
        """A value of a category as people read it."""
        if value is None:
            return UNNAMED.to(self.form.language)
        column = self.columns.get(name)
        if column is not None and value in column.choices:
            return column.choices[value].to(self.form.language)
        grain = self.grain if name in self.by else None
        return self.form.shown(value, self.unit(name), grain=grain)

    def values(self, name: str) -> list[Any]:
        """The different values of a category: in the order its column declares them, else sorted; absent ones last."""
        found = {row[name] for row in self.rows}
        declared = list(self.columns[name].choices) if name in self.columns else []
        others = sorted(value for value in found if value is not None and value not in declared)
        return [*(value for value in declared if value in found), *others, *([None] if None in found else [])]

    def is_listed(self, name: str) -> bool:
        """Whether a category's column declares its values, so that they read from the top down."""
        return name in self.columns and bool(self.columns[name].choices)

    def mark(self, row: Mapping[str, Any], value: Any, **more: Any) -> dict[str, Any]:
        """One drawn thing: its value, the cell it stands for, and what its tooltip says."""
        return {
            "value": value if isinstance(value, list) else plain(value),
            "cell": {name: plain(row[name]) for name in self.by if name in row},
            "tip": {"title": self.word(self.chart.x, row.get(self.chart.x)), "rows": self.tip(row)},
            **more,
        }

    def tip(self, row: Mapping[str, Any]) -> list[list[Any]]:
        """The numbers of a row: [title, value, unit]."""
        numeric = [name for name in row if self.unit(name).is_numeric and self.unit(name) is not Unit.POSITION]
        return [[self.title(name), plain(row[name]), self.unit(name).code] for name in numeric[:TIP_COLUMNS]]

    def colour(self, value: Any, seen: Sequence[Any]) -> str:
        """The colour of a category's value: by meaning, else by its turn."""
        return MEANING.get(str(value)) or PALETTE[list(seen).index(value) % len(PALETTE)]


_COUNTED = Text(ru="Количество", en="Count")


def drawing_of(analysis: Analysis, answer: Answer, form: Format) -> Drawing:
    """The drawing of `answer`, from the rows it keeps for its chart."""
    return Drawing(
        chart=analysis.chart,
        rows=tuple(answer.chart.to_pylist()),
        columns={column.name: column for column in answer.columns},
        by=analysis.members.by,
        grain=grain_of(answer.params, analysis),
        form=form,
    )


def grain_of(params: Mapping[str, Any], analysis: Analysis) -> Grain | None:
    """The length of a bucket of time, when the question has one: the value of its parameter of type Grain."""
    for name, field in analysis.params.model_fields.items():
        if field.annotation is Grain:
            return Grain(params.get(name, field.default))
    return None


def plain(value: Any) -> Any:
    """`value` as JSON knows it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def option(*, tooltip: str, grid: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    """An ECharts option with what all of ours have."""
    return {
        "animationDuration": 220,
        "animationDurationUpdate": 220,
        "textStyle": {"fontFamily": "$font"},
        "tooltip": {
            "trigger": tooltip,
            "confine": True,
            "className": "tip",
            "formatter": "@tip",
            "axisPointer": {"type": "line" if tooltip == "axis" else "none", "lineStyle": {"color": "$line-strong"}},
        },
        "grid": dict(grid),
        **parts,
    }


HOUR_STEPS = (1, 2, 6, 12, 24, 48, 72, 120, 168, 240, 360, 480, 720, 1440, 2160, 4320, 8760)
TICKS = 5


def value_axis(unit: Unit, *, greatest: float = 0, **more: Any) -> dict[str, Any]:
    """A numeric axis: hairlines, no ticks, short numbers. Times step by whole hours, days and weeks; no share is above the whole."""
    if unit is Unit.HOURS and greatest:
        step = next((step for step in HOUR_STEPS if greatest / step <= TICKS), HOUR_STEPS[-1])
        more |= {"interval": step, "max": -(-greatest // step) * step}
    if unit is Unit.SHARE and 0.75 < greatest <= 1:
        more |= {"interval": 0.25, "max": 1}
    return {
        "type": "value",
        "axisLine": {"show": False},
        "axisTick": {"show": False},
        "splitNumber": 4,
        "minInterval": 1 if unit is Unit.COUNT else 0,
        "splitLine": {"lineStyle": {"color": "$line"}},
        "axisLabel": {**LABEL, "formatter": f"@axis:{unit.code}", "hideOverlap": True},
        **more,
    }


def category_axis(values: Sequence[str], **more: Any) -> dict[str, Any]:
    """An axis of names."""
    label = {**LABEL, "hideOverlap": True, **more.pop("axisLabel", {})}
    return {
        "type": "category",
        "data": list(values),
        "axisLine": {"lineStyle": {"color": "$line-strong"}},
        "axisTick": {"show": False},
        "axisLabel": label,
        **more,
    }


def time_axis(drawing: Drawing, name: str, **more: Any) -> dict[str, Any]:
    """Buckets of time in order, named by their grain, the last one never clipped."""
    grain = (drawing.grain or Grain.DAY).value
    values = [plain(row[name]) for row in drawing.rows]
    label = {"formatter": f"@bucket:{grain}", "margin": 10}
    return category_axis(values, boundaryGap=more.pop("boundaryGap", False), axisLabel=label, **more)


def legend(names: Sequence[str], **more: Any) -> dict[str, Any]:
    """The names of the series, top left; none for a single one."""
    return {
        "type": "scroll",
        "show": len(names) > 1,
        "data": list(names),
        "left": 0,
        "top": 0,
        "itemWidth": 14,
        "itemHeight": 8,
        "itemGap": 18,
        "icon": "roundRect",
        "textStyle": {**LABEL, "padding": [0, 0, 0, 2]},
        "itemStyle": {"borderWidth": 0},
        "inactiveColor": "$faint",
        **more,
    }

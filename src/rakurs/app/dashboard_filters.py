"""What is chosen for a whole dashboard, and how does each tile's question take it?

A question takes the choices it has a parameter or a field for; those it has not are named, so that the tile can say so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, get_args, get_origin

from rakurs.analyses import PLAN, PLANNED, analysis_named
from rakurs.app.asked import AnalysisAsked, PivotAsked, Where, narrowed
from rakurs.app.asked_rows import FIELD
from rakurs.app.dashboards import Tile
from rakurs.app.measuring import COMPARISON_LABELS, table_called
from rakurs.app.params import checked_params, given_params
from rakurs.app.tiles import spark_grain
from rakurs.core.metric import Dimension
from rakurs.core.params import CUSTOMER_SEGMENT, PRESET_LABELS, RECORDS, PeriodParams, Records, parameter
from rakurs.core.periods import Comparison, Grain, Period, Preset
from rakurs.core.text import Language, Text
from rakurs.metrics import DIMENSIONS, dimension_named, measure_named

PREFIX = "f."
"""What the name of a field starts with in an address: `f.manager=17`."""
OFFERED = ("manager", "department", "branch", "channel", "pipeline", "category", "region", "customer_kind")
"""The fields every dashboard offers, where a company has values of them; any other comes by a click on a chart."""
PLAN_FIELDS: Mapping[str, str] = {
    "manager": "employee",
    "department": "department",
    "pipeline": "pipeline",
    "category": "product_category",
}
"""A filter by this field, and by nothing else, is a cut that plans are set for."""
PERIOD_NAMES = ("period", "from_day", "to_day")
COMPARISON_NAMES = ("compare", "against")
PERIOD_TITLE = Text(ru="Период", en="Period")


class DashboardParams(PeriodParams):
    """The days and the comparison of a whole dashboard."""

    period: Preset = parameter(Preset.LAST_30_DAYS, PERIOD_TITLE, labels=PRESET_LABELS)
    compare: Comparison = parameter(Comparison.PREVIOUS, Text(ru="Сравнить", en="Compare"), labels=COMPARISON_LABELS)
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS

    @property
    def is_of_all(self) -> bool:
        """Whether every record is asked about: of nobody's segment, suspect ones too."""
        return self.customer_segment is None and self.records is Records.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Days and comparison, and the wanted values by field; None among the values means "without one"."""

    params: DashboardParams
    where: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict[str, tuple[str | None, ...]])

    @property
    def address(self) -> dict[str, Any]:
        """The parts of the address, defaults left out."""
        given = given_params(self.params)
        if given.get("from_day") or given.get("to_day"):
            given.pop("period", None)
        return {**given, **{PREFIX + name: [value or "" for value in values] for name, values in self.where.items()}}


def chosen_of(parts: Mapping[str, Sequence[str]]) -> Chosen:
    """What the parts of an address choose. BadParameter or UnknownName says which part is wrong."""
    raw = {name: parts[name][-1] for name in DashboardParams.infos() if parts.get(name)}
    where = {
        dimension_named(name.removeprefix(PREFIX)).name: tuple(dict.fromkeys(value or None for value in values))
        for name, values in parts.items()
        if name.startswith(PREFIX) and values
    }
    return Chosen(params=checked_params(DashboardParams, raw), where=where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A tile's question with what was chosen put over its own, and what it cannot take."""

    asked: AnalysisAsked | PivotAsked
    unfit: tuple[Text, ...] = ()


def fitted(
    asked: AnalysisAsked | PivotAsked, chosen: Chosen, *, today: date, own_period: bool, fits_grain: bool
) -> Fitted:
    """`asked` under what is chosen for the dashboard, on the business day `today`."""
    grain: Grain | None = None
    if fits_grain:
        own = {name: asked.params[name] for name in PERIOD_NAMES if asked.params.get(name)}
        params = checked_params(DashboardParams, own) if own_period else chosen.params
        grain = spark_grain(params.bound(today).window)
    if isinstance(asked, AnalysisAsked):
        return _fitted_analysis(asked, chosen, own_period=own_period, grain=grain)
    return _fitted_pivot(asked, chosen, own_period=own_period, grain=grain)


def fitted_tile(tile: Tile, asked: AnalysisAsked | PivotAsked, chosen: Chosen, *, today: date) -> Fitted:
    """What a tile asks, under what is chosen for its dashboard."""
    return fitted(asked, chosen, today=today, own_period=tile.own_period, fits_grain=tile.fits_grain)


def _fitted_analysis(asked: AnalysisAsked, chosen: Chosen, *, own_period: bool, grain: Grain | None) -> Fitted:
    model = analysis_named(asked.name).params
    infos, taken, unfit = model.infos(), dict[str, Any](), list[Text]()
    if "period" in model.model_fields:
        taken |= _days(chosen, own_period=own_period)
    elif not own_period:
        unfit.append(PERIOD_TITLE)
    if chosen.params.as_of is not None:
        taken["as_of"] = chosen.params.as_of.isoformat()
    limits = _limits(chosen)
    taken |= {name: value for name, value in limits.items() if name in infos}
    unfit += [DashboardParams.infos()[name].title for name in limits if name not in infos]
    for name in COMPARISON_NAMES:
        if name in infos and chosen.params.compare.value in _values(model.model_fields[name].annotation):
            taken[name] = chosen.params.compare.value
    if grain is not None and "grain" in infos:
        taken["grain"] = grain.value
    for name, values in chosen.where.items():
        param = next((param for param, info in infos.items() if info.options == name), None)
        is_list = param is not None and _is_list(model.model_fields[param].annotation)
        if param is not None and None not in values and (is_list or len(values) == 1):
            taken[param] = list(values) if is_list else values[0]
        else:
            unfit.append(dimension_named(name).title)
    return Fitted(asked=_given(narrowed(asked, taken)), unfit=tuple(unfit))


def _fitted_pivot(asked: PivotAsked, chosen: Chosen, *, own_period: bool, grain: Grain | None) -> Fitted:
    taken = _days(chosen, own_period=own_period)
    if chosen.params.as_of is not None:
        taken["as_of"] = chosen.params.as_of.isoformat()
    taken |= _limits(chosen)
    is_plain_split = bool(asked.rows) and dimension_named(asked.rows[0]).calendar is None
    if "compare" not in asked.params and not is_plain_split:
        taken["compare"] = chosen.params.compare.value
    rows = asked.rows
    if grain is not None and rows and not is_plain_split:
        rows = (grain.value, *rows[1:])
    where, unfit = list(asked.where), list[Text]()
    for name, values in chosen.where.items():
        wanted = Where(field=name, operator="in", values=values)
        if _fits(asked, [*where, wanted]):
            where.append(wanted)
        else:
            unfit.append(dimension_named(name).title)
    cut = asked.model_copy(update={"rows": rows, "where": tuple(where)})
    return Fitted(asked=_given(narrowed(cut, taken)), unfit=tuple(unfit))


def _given(asked: Any) -> Any:
    """The question without parameters that say nothing: the dashboard's days took the place of its own."""
    params = {name: value for name, value in asked.params.items() if value is not None}
    return asked.model_copy(update={"params": params})


def _fits(asked: PivotAsked, where: Sequence[Where]) -> bool:
    """Whether every metric can be read from a mart that has all these fields and the split's."""
    named = [dimension_named(name) for name in (*asked.split, *(item.field for item in where))]
    measured = [measure_named(name) for name in asked.metrics]
    metrics = [metric for item in measured for metric in item.operands or (item,)]
    return all(any(all(dimension.splits(measure) for dimension in named) for measure in m.measures) for m in metrics)


def _days(chosen: Chosen, *, own_period: bool) -> dict[str, Any]:
    if own_period:
        return {}
    params = chosen.params
    if params.period is not Preset.CUSTOM:
        return {"period": params.period.value, "from_day": None, "to_day": None}
    days = {"from_day": params.from_day, "to_day": params.to_day}
    return {"period": None, **{name: day.isoformat() if day else None for name, day in days.items()}}


def _limits(chosen: Chosen) -> dict[str, Any]:
    """Of which records the dashboard is asked, where not of all."""
    segment, records = chosen.params.customer_segment, chosen.params.records
    whose = {} if segment is None else {FIELD: segment}
    return whose if records is Records.ALL else {**whose, "records": records.value}


def _values(annotation: Any) -> set[str]:
    kind = annotation if isinstance(annotation, type) else None
    return {str(item.value) for item in kind} if kind is not None and issubclass(kind, Enum) else set()


def _is_list(annotation: Any) -> bool:
    kinds = (annotation, *get_args(annotation))
    return any(get_origin(kind) in (tuple, list, frozenset) for kind in kinds)


def dimension_of_column(column: str) -> Dimension | None:
    """The field that a column of an answer holds values of: `manager_id` is the manager."""
    return next(
        (dimension for dimension in DIMENSIONS if column in dimension.columns.values() and dimension.is_split), None
    )


def value_words(dimension: Dimension, value: str, language: Language) -> str:
    """What one of a fixed set of values is called; empty for any other."""
    for mart, column in dimension.columns.items():
        word = table_called(mart).column(column).choices.get(value)
        if word is not None:
            return word.to(language)
    return ""


def has_options(dimension: Dimension) -> bool:
    """Whether the values of a field can be listed with their names."""
    return dimension.custom_key is None and bool(dimension.columns)


def window_is_whole_months(period: Period) -> bool:
    """Whether the days begin with a month and end with one, or with the day of the question."""
    return period.start is not None and period.start.day == 1 and period.end is not None


__all__ = [
    "OFFERED",
    "PREFIX",
    "Chosen",
    "DashboardParams",
    "Fitted",
    "chosen_of",
    "dimension_of_column",
    "fitted",
    "fitted_tile",
    "has_options",
    "value_words",
    "window_is_whole_months",
]


def plan_question(metric: str, chosen: Chosen, *, today: date) -> AnalysisAsked | None:
    """What is asked of the plan beside a metric; None where nobody plans it, or not for such a part of the company."""
    if not chosen.params.is_of_all:
        # No plan is made for a part of the records, and the company's beside a part's number would be a lie.
        return None
    planned = PLANNED.get(metric)
    if planned is None or len(chosen.where) > 1 or any(len(values) > 1 for values in chosen.where.values()):
        return None
    by = "company" if not chosen.where else PLAN_FIELDS.get(next(iter(chosen.where)))
    if by is None:
        return None
    params = chosen.params
    days: dict[str, Any] = {"period": Preset.THIS_MONTH.value}
    if window_is_whole_months(params.bound(today).window):
        days = {name: value for name, value in chosen.address.items() if name in ("period", "from_day", "to_day")}
    as_of = {"as_of": params.as_of.isoformat()} if params.as_of else {}
    return AnalysisAsked(name=PLAN.name, params={"metric": planned.value, "by": by, **days, **as_of})

"""What may be picked in the report builder, and what is? Metrics, splits, conditions, pictures, highlights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from rakurs.app.addresses import SEPARATOR, where_word
from rakurs.app.asked import Highlight, PivotAsked, Where
from rakurs.app.formats import SYMBOLS, Format
from rakurs.app.pivots import OPERATORS, PivotParams, PivotQuestion
from rakurs.core.analysis import ChartKind
from rakurs.core.errors import RakursError
from rakurs.core.metric import Dimension, Metric, Operator
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics import DIMENSIONS, FIELDS, METRICS, dimension_named, measure_named
from rakurs.metrics.dimensions import custom_field
from rakurs.web.filters import Options
from rakurs.web.pictures import CHART_ICONS

CHART_TITLES: dict[ChartKind, Text] = {
    "bars": Text(ru="Полосы", en="Bars"),
    "columns": Text(ru="Столбцы", en="Columns"),
    "lines": Text(ru="Линии", en="Lines"),
    "heatmap": Text(ru="Тепловая карта", en="Heatmap"),
    "intervals": Text(ru="Интервалы", en="Intervals"),
    "number": Text(ru="Число", en="Number"),
    "table": Text(ru="Только таблица", en="Table only"),
}
STYLES = {
    "": Text(ru="обычный вид", en="plain"),
    "bars": Text(ru="полоски", en="bars"),
    "scale": Text(ru="шкала цвета", en="colour scale"),
    "above": Text(ru="отметить больше", en="mark above"),
    "below": Text(ru="отметить меньше", en="mark below"),
}
CALENDAR = Text(ru="Календарь", en="Calendar")
COMMON = Text(ru="Разрезы", en="Splits")
OWN_FIELDS = Text(ru="Свои поля", en="Own fields")
NUMBERS = Text(ru="Числа и даты", en="Numbers and dates")
SHOWN_VALUES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that may be picked, or is."""

    value: str
    title: str
    about: str = ""
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A group of things under a heading."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionPill:
    """A condition as it stands on the page; its fields are numbered, so that several may ask of one dimension."""

    number: int
    field: str
    title: str
    shown: str
    kind: str
    operators: tuple[Item, ...]
    choices: tuple[Item, ...] = ()
    text: str = ""
    low: str = ""
    high: str = ""
    suffix: str = ""
    is_draft: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HighlightField:
    """How one column is highlighted, and how it may be."""

    column: str
    title: str
    styles: tuple[Item, ...]
    threshold: str
    needs_threshold: bool
    is_bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Everything the builder's form shows."""

    metrics: tuple[Item, ...]
    more_metrics: tuple[Shelf, ...]
    rows: tuple[Item, ...]
    columns: tuple[Item, ...]
    more_splits: tuple[Shelf, ...]
    conditions: tuple[ConditionPill, ...]
    more_fields: tuple[Shelf, ...]
    charts: tuple[tuple[Item, str], ...]
    tops: tuple[Item, ...]
    top_metrics: tuple[Item, ...]
    has_top: bool
    highlights: tuple[HighlightField, ...]
    is_highlighted: bool


def parts_of(form: QueryDict) -> dict[str, list[str]]:
    """The parts of an address from a form, whose conditions and highlights come field by field."""
    parts: dict[str, list[str]] = {name: [str(value) for value in form.getlist(name)] for name in form}
    numbers = sorted({name[1:] for name in form if name.startswith("f") and name[1:].isdecimal()}, key=int)
    told = [word for number in numbers if (word := _condition_word(form, number))]
    parts["w"] = [*parts.get("w", []), *told]
    styled = [name.removeprefix("h.") for name in form if name.startswith("h.")]
    parts["h"] = [*parts.get("h", []), *(word for column in styled if (word := _highlight_word(form, column)))]
    return parts


def _condition_word(form: QueryDict, number: str) -> str:
    operator = form.get(f"o{number}", "in")
    low, high = form.get(f"lo{number}") or None, form.get(f"hi{number}") or None
    text = form.get(f"t{number}", "").strip()
    values = [text] if operator == "contains" and text else form.getlist(f"v{number}")
    field = form.get(f"f{number}", "")
    asked: dict[str, Any] = {"field": field, "operator": operator}
    if operator in ("in", "not_in", "contains"):
        asked["values"] = [value or None for value in values]
    elif operator == "between":
        asked |= {"low": low, "high": high}
    is_whole = bool(asked.get("values", True)) and (operator != "between" or bool(low or high))
    return where_word(Where.model_validate(asked)) if field and is_whole else ""


def _highlight_word(form: QueryDict, column: str) -> str:
    style, threshold = form.get(f"h.{column}", ""), form.get(f"ht.{column}", "")
    if not style:
        return ""
    words = [column, style]
    if style in ("above", "below"):
        words += [threshold or "0", form.get(f"hc.{column}", "good")]
    return SEPARATOR.join(words)


def draft_of(form: QueryDict) -> str | None:
    """The field a condition is just being made of: the one to be added, else one that still asks nothing."""
    drafts = [name.removeprefix("draft") for name in form if name.startswith("draft")]
    unfinished = [form.get(f"f{number}", "") for number in drafts if not _condition_word(form, number)]
    return str(form.get("add", "")) or next((field for field in unfinished if field), None)


def builder_of(
    asked: PivotAsked | None,
    *,
    custom: Sequence[str],
    options: Options,
    form: Format,
    draft: str | None,
    operator: Operator | None = None,
) -> Builder:
    """The builder with `asked` picked; None while nothing is."""
    metrics = _known_metrics(asked)
    fitting = [item for item in _splits(custom) if all(item.fits(metric) for metric in metrics)]
    return Builder(
        metrics=tuple(_metric_item(text, metric, form) for text, metric in metrics_by_text(asked).items()),
        more_metrics=_metric_shelves(asked, metrics, form),
        rows=_picked(asked.rows if asked else (), form),
        columns=_picked(asked.columns if asked else (), form),
        more_splits=_split_shelves(fitting, set(asked.split) if asked else set(), form),
        conditions=conditions_of(asked, options=options, form=form, draft=draft, operator=operator),
        more_fields=_field_shelves(fitting, metrics, form),
        charts=_charts(asked, form),
        tops=_tops(asked, form),
        top_metrics=tuple(
            Item(
                value=text,
                title=metric.title.to(form.language),
                is_chosen=bool(asked and asked.top and asked.top.metric == text),
            )
            for text, metric in metrics_by_text(asked).items()
        ),
        has_top=bool(asked and asked.rows and dimension_named(asked.rows[0]).unit.kind == "text"),
        highlights=_highlights(asked, form),
        is_highlighted=bool(asked and asked.highlights),
    )


def metrics_by_text(asked: PivotAsked | None) -> dict[str, Metric]:
    """The metrics that are asked for, by the words they are asked in; those that cannot be read are left out."""
    found: dict[str, Metric] = {}
    for text in asked.metrics if asked else ():
        try:
            found[text] = measure_named(text)
        except RakursError:
            continue
    return found


def _known_metrics(asked: PivotAsked | None) -> list[Metric]:
    return list(metrics_by_text(asked).values())


def _metric_item(text: str, metric: Metric, form: Format) -> Item:
    return Item(
        value=text,
        title=metric.title.to(form.language),
        about=metric.definition.to(form.language),
        is_chosen=True,
    )


def _metric_shelves(asked: PivotAsked | None, chosen: Sequence[Metric], form: Format) -> tuple[Shelf, ...]:
    """Metrics not picked yet that can be split as the question is, by what they are read from."""
    taken = {metric.name for metric in chosen}
    split = [dimension_named(name) for name in asked.split] if asked else []
    shelves: dict[str, list[Item]] = {}
    for metric in METRICS:
        if metric.name in taken or not all(dimension.fits(metric) for dimension in split):
            continue
        title = metric.measures[0].mart.title.to(form.language)
        words = metric.definition.to(form.language)
        shelves.setdefault(title, []).append(Item(value=metric.name, title=metric.title.to(form.language), about=words))
    return tuple(Shelf(title=title, items=tuple(items)) for title, items in shelves.items())


def _splits(custom: Sequence[str]) -> list[Dimension]:
    return [*DIMENSIONS, *(custom_field(key) for key in custom)]


def _picked(names: Sequence[str], form: Format) -> tuple[Item, ...]:
    return tuple(
        Item(value=name, title=dimension_named(name).title.to(form.language), is_chosen=True) for name in names
    )


def _split_shelves(fitting: Sequence[Dimension], taken: set[str], form: Format) -> tuple[Shelf, ...]:
    free = [item for item in fitting if item.name not in taken]
    return _shelves(
        (
            (CALENDAR, [item for item in free if item.calendar]),
            (COMMON, [item for item in free if not item.calendar and not item.custom_key]),
            (OWN_FIELDS, [item for item in free if item.custom_key]),
        ),
        form,
    )


def _field_shelves(fitting: Sequence[Dimension], metrics: Sequence[Metric], form: Format) -> tuple[Shelf, ...]:
    ranges = [item for item in FIELDS if all(item.fits(metric) for metric in metrics)]
    named = [item for item in fitting if not item.calendar]
    return _shelves(
        (
            (COMMON, [item for item in named if not item.custom_key]),
            (NUMBERS, ranges),
            (OWN_FIELDS, [item for item in named if item.custom_key]),
        ),
        form,
    )


def _shelves(groups: Sequence[tuple[Text, Sequence[Dimension]]], form: Format) -> tuple[Shelf, ...]:
    return tuple(
        Shelf(
            title=title.to(form.language),
            items=tuple(Item(value=item.name, title=item.title.to(form.language)) for item in items),
        )
        for title, items in groups
        if items
    )


def conditions_of(
    asked: PivotAsked | None,
    *,
    options: Options,
    form: Format,
    draft: str | None = None,
    operator: Operator | None = None,
) -> tuple[ConditionPill, ...]:
    """The conditions of a question as pills, and the one that is just being made."""
    pills = [
        _condition(number, item, options=options, form=form) for number, item in enumerate(asked.where if asked else ())
    ]
    if draft is not None:
        dimension = dimension_named(draft)
        usual: Operator = operator or ("in" if dimension.is_split else "between")
        empty = Where.model_construct(field=draft, operator=usual, values=(), low=None, high=None)
        pills.append(_condition(len(pills), empty, options=options, form=form, is_draft=True))
    return tuple(pills)


def _condition(number: int, where: Where, *, options: Options, form: Format, is_draft: bool = False) -> ConditionPill:
    dimension = dimension_named(where.field)
    known = list(options(where.field))[:SHOWN_VALUES] if dimension.is_split else []
    choices = [
        Item(value=value, title=label, is_chosen=value in where.values)
        for value, label in _worded(dimension, known, form)
    ]
    listed = {item.value for item in choices}
    missing = [value for value in where.values if value and value not in listed]
    choices += [Item(value=value, title=value, is_chosen=True) for value in missing if where.operator != "contains"]
    allowed: tuple[Operator, ...] = (
        ("in", "not_in", "contains", "given", "empty") if dimension.is_split else ("between", "given", "empty")
    )
    kinds = {"in": "values", "not_in": "values", "contains": "text", "between": "range"}
    kind = kinds.get(where.operator, "none")
    if kind == "range" and dimension.unit is Unit.DAY:
        kind = "days"
    return ConditionPill(
        number=number,
        field=where.field,
        title=dimension.title.to(form.language),
        shown=_shown(where, {item.value: item.title for item in choices}, dimension, form),
        kind=kind,
        operators=tuple(
            Item(value=name, title=OPERATORS[name].to(form.language), is_chosen=name == where.operator)
            for name in allowed
        ),
        choices=tuple(choices),
        text=str(where.values[0]) if where.operator == "contains" and where.values else "",
        low=where.low or "",
        high=where.high or "",
        suffix=SYMBOLS.get(form.currency, form.currency) if dimension.unit.kind == "money" else "",
        is_draft=is_draft,
    )


def _worded(dimension: Dimension, known: Sequence[tuple[str, str]], form: Format) -> list[tuple[str, str]]:
    """Values in the page's words, where the mart's column has them."""
    words = choices_of(dimension)
    return [(value, words[value].to(form.language) if value in words else label) for value, label in known]


def choices_of(dimension: Dimension) -> dict[str, Text]:
    """The words of a dimension's values, from the marts that hold it."""
    marts = {measure.mart.name: measure.mart for metric in METRICS for measure in metric.measures}
    found: dict[str, Text] = {}
    if dimension.custom_key is None:
        for name, column in dimension.columns.items():
            found |= marts[name].column(column).choices
    return found


def _shown(where: Where, titles: dict[str, str], dimension: Dimension, form: Format) -> str:
    if where.operator == "between":
        ends = [_end(end, dimension, form) for end in (where.low, where.high)]
        return f"{ends[0] or '…'} – {ends[1] or '…'}" if any(ends) else "…"
    names = [titles.get(value, value) if value else "—" for value in where.values]
    shown = names[0] if names else "…"
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    verb = "" if where.operator == "in" else OPERATORS[where.operator].to(form.language) + " "
    return verb.strip() if where.operator in ("given", "empty") else f"{verb}{shown}{more}"


def _end(value: str | None, dimension: Dimension, form: Format) -> str:
    if not value:
        return ""
    if dimension.unit is Unit.DAY:
        return form.shown(value, Unit.TEXT)
    return form.shown(float(value), Unit.NUMBER) if value.replace(".", "", 1).lstrip("-").isdigit() else value


def _charts(asked: PivotAsked | None, form: Format) -> tuple[tuple[Item, str], ...]:
    if asked is None or not metrics_by_text(asked):
        return ()
    readable = asked.model_copy(update={"metrics": tuple(metrics_by_text(asked))})
    question = PivotQuestion(readable, PivotParams())
    return tuple(
        (
            Item(value=kind, title=CHART_TITLES[kind].to(form.language), is_chosen=kind == question.chart.kind),
            CHART_ICONS[kind],
        )
        for kind in question.charts
    )


def _tops(asked: PivotAsked | None, form: Format) -> tuple[Item, ...]:
    every = Text(ru="все строки", en="all rows").to(form.language)
    chosen = asked.top.count if asked and asked.top else None
    counts = sorted({3, 5, 10, 20, 50} | ({chosen} if chosen else set()))
    first = Text(ru="первые {n} и остальные", en="top {n} and others")
    return (
        Item(value="", title=every, is_chosen=chosen is None),
        *(
            Item(value=str(count), title=first.filled(n=count).to(form.language), is_chosen=count == chosen)
            for count in counts
        ),
    )


def _highlights(asked: PivotAsked | None, form: Format) -> tuple[HighlightField, ...]:
    chosen = {item.column: item for item in (asked.highlights if asked else ())}
    return tuple(_highlight(metric, chosen.get(metric.name), form) for metric in metrics_by_text(asked).values())


def _highlight(metric: Metric, chosen: Highlight | None, form: Format) -> HighlightField:
    style = chosen.style if chosen else ""
    return HighlightField(
        column=metric.name,
        title=metric.title.to(form.language),
        styles=tuple(
            Item(value=name, title=title.to(form.language), is_chosen=name == style) for name, title in STYLES.items()
        ),
        threshold=f"{chosen.threshold:g}" if chosen and chosen.threshold is not None else "",
        needs_threshold=style in ("above", "below"),
        is_bad=bool(chosen and chosen.tone == "bad"),
    )


def chart_kept(asked: PivotAsked) -> dict[str, Any]:
    """The chart that is asked for, when it fits and is not the one shown anyway."""
    if asked.chart is None or not metrics_by_text(asked):
        return {}
    kinds = PivotQuestion(asked.model_copy(update={"metrics": tuple(metrics_by_text(asked))}), PivotParams()).charts
    return {"chart": asked.chart if asked.chart in kinds[1:] else None}


def highlights_kept(asked: PivotAsked) -> dict[str, Any]:
    """The highlights whose columns are still there."""
    columns = {metric.name for metric in metrics_by_text(asked).values()}
    return {"highlights": tuple(item for item in asked.highlights if item.column in columns)}

"""What stands in a tile: a number with its plan and pace, a chart, the first rows, or honestly what is missing."""

from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from rakurs.app.addresses import address_of
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.charts import chart_json
from rakurs.app.charts.drawing import grain_of, plain
from rakurs.app.dashboard_filters import (
    PREFIX,
    Chosen,
    Fitted,
    dimension_of_column,
    fitted_tile,
    plan_question,
)
from rakurs.app.dashboards import NumberTile, QuestionTile, ReportTile, Tile, WordsTile, words_in
from rakurs.app.formats import Format
from rakurs.app.kept_dashboards import Shown, question_of, report_title
from rakurs.app.readiness import lacking_for, readiness
from rakurs.app.rights import Scope
from rakurs.app.showing import shown_columns
from rakurs.app.tiles import Tile as KeyNumber
from rakurs.app.workspace import Workspace
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer
from rakurs.core.errors import RakursError, UnknownName
from rakurs.core.params import PeriodParams
from rakurs.core.table import Table
from rakurs.core.units import Unit
from rakurs.metrics import measure_named
from rakurs.state.models import User
from rakurs.web.filters import window_words
from rakurs.web.links import query
from rakurs.web.tables import Cell, table_of
from rakurs.web.views.home import shown_tile

FILLED = frozenset({"lines", "columns", "pareto", "waterfall"})
"""Charts that take any height; the others have a height of their own and grow from it."""
MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Onlooker:
    """Who looks, at which company, and how numbers are shown to them."""

    company: Workspace
    user: User
    scope: Scope
    form: Format


def tile_head(tile: Tile, shown: Shown, eyes: Onlooker) -> dict[str, Any]:
    """What is known of a tile before its numbers are: its title, and where its question stands on a page of its own."""
    language = eyes.form.language
    try:
        title = _title(tile, shown, eyes)
    except UnknownName:
        title = ""
    content = tile.content
    return {
        "tile": tile,
        "kind": content.kind,
        "title": words_in(tile.title, language) if tile.title else title,
        "text": words_in(content.text, language) if isinstance(content, WordsTile) and content.text else "",
        "place": tile.place,
    }


def tile_body(tile: Tile, shown: Shown, chosen: Chosen, eyes: Onlooker, *, is_kept: bool = True) -> dict[str, Any]:
    """What stands in the tile under what is chosen; an error of ours is told in the tile, the others stay whole."""
    context = tile_head(tile, shown, eyes)
    try:
        asked = question_of(tile, shown, eyes.user)
        if asked is None or isinstance(tile.content, WordsTile):
            return context
        take = fitted_tile(tile, asked, chosen, today=eyes.company.today)
        context |= _marks(tile, take, eyes)
        context["members"] = members_url(shown, tile, chosen) if is_kept else ""
        if isinstance(tile.content, NumberTile):
            return context | _number(tile.content, take, chosen, eyes)
        return context | _answered(tile.content, take, context["members"], eyes)
    except RakursError as error:
        return context | {"problem": error.message}


def members_url(shown: Shown, tile: Tile, chosen: Chosen) -> str:
    """The address of the rows behind a tile."""
    page = reverse("dashboard_members", args=[shown.key, tile.id])
    return page + query(chosen.address)


def _title(tile: Tile, shown: Shown, eyes: Onlooker) -> str:
    content, language = tile.content, eyes.form.language
    if isinstance(content, WordsTile):
        return words_in(content.heading, language)
    if isinstance(content, ReportTile):
        return report_title(content, shown, eyes.user)
    if isinstance(content, NumberTile):
        return measure_named(content.metric).title.to(language)
    analysis, _ = eyes.company.question(content.asked, scope=eyes.scope)
    return analysis.title.to(language)


def _marks(tile: Tile, take: Fitted, eyes: Onlooker) -> dict[str, Any]:
    """What the tile does not take from the dashboard: other days, filters it has no field for."""
    marks: dict[str, Any] = {"unfit": ", ".join(text.to(eyes.form.language) for text in take.unfit)}
    if tile.own_period:
        _, params = eyes.company.question(take.asked, scope=eyes.scope)
        marks["own_days"] = window_words(params, eyes.form) if isinstance(params, PeriodParams) else ""
    return marks


# -- a number ------------------------------------------------------------------------------------------


def _number(content: NumberTile, take: Fitted, chosen: Chosen, eyes: Onlooker) -> dict[str, Any]:
    metric = measure_named(content.metric)
    lacking = lacking_for(metric, eyes.company.state.tables)
    if lacking:
        return {"lacking": _lacking(lacking, eyes)}
    assert isinstance(take.asked, PivotAsked)
    (found,) = eyes.company.number_tiles(take.asked, scope=eyes.scope)
    return {
        "number": shown_tile(found, eyes.form),
        "plan": _plan(found, chosen, eyes) if content.has_plan else None,
    }


def _plan(found: KeyNumber, chosen: Chosen, eyes: Onlooker) -> dict[str, Any] | None:
    """How much of the plan is done, and how much is usually done by this day; None where there is no such plan."""
    asked = plan_question(found.metric, chosen, today=eyes.company.today)
    if asked is None:
        return None
    answer = eyes.company.ask(asked, scope=eyes.scope)
    wanted = next(iter(chosen.where.values()), (None,))[0]
    rows = [row for row in answer.table.to_pylist() if not chosen.where or row["key"] == wanted]
    row = next((row for row in rows if row["target"]), None)
    if answer.status != "ok" or row is None:
        return None
    form, expected = eyes.form, row["expected_by_now"]
    ahead = float((row["fact"] - expected) / row["target"])
    _, params = eyes.company.question(asked, scope=eyes.scope)
    assert isinstance(params, PeriodParams)
    is_whole = params.today >= (params.window.end or params.today)
    return {
        "done": form.shown(row["done"], Unit.RATIO, decimals=0),
        "filled": _percent(row["done"]),
        "pace": _percent(float(expected / row["target"])),
        "ahead": form.change(ahead, Unit.POINTS),
        "is_ahead": ahead >= 0,
        "is_whole": is_whole,
        "target": form.compact(row["target"], found.unit),
        "days": window_words(params, form),
        "forecast": form.compact(row["forecast"], found.unit) if row["forecast"] is not None else "",
    }


def _percent(share: float) -> int:
    return round(100 * min(max(share, 0), 1))


# -- an answer -----------------------------------------------------------------------------------------


def _answered(content: QuestionTile | ReportTile, take: Fitted, members: str, eyes: Onlooker) -> dict[str, Any]:
    asked, form = take.asked, eyes.form
    analysis, _ = eyes.company.question(asked, scope=eyes.scope)
    lacking = _lacking_of(asked, analysis, eyes)
    if lacking:
        return {"lacking": lacking}
    if isinstance(asked, PivotAsked) and not asked.split:
        return {"numbers": [shown_tile(tile, form) for tile in eyes.company.number_tiles(asked, scope=eyes.scope)]}
    answer = eyes.company.ask(asked, scope=eyes.scope, limit=content.rows)
    context: dict[str, Any] = {"analysis": analysis, "total": answer.total_rows, "page": _page(asked)}
    if answer.status != "ok":
        return context | {"missing": [item.message.to(form.language) for item in answer.missing]}
    if not answer.total_rows:
        return context | {"is_empty": True}
    chart = chart_json(analysis, answer, form) if content.view == "chart" else None
    if chart is not None:
        return context | {
            "chart": chart,
            "fill": "all" if analysis.chart.kind in FILLED else "grow",
            "cross": _cross(analysis, answer, form),
        }
    columns = content.columns if isinstance(content, QuestionTile) else ()
    return context | {"table": _table(analysis, answer, form, columns=columns, members=members)}


def _page(asked: AnalysisAsked | PivotAsked) -> str:
    """Where the whole answer stands."""
    if isinstance(asked, AnalysisAsked):
        return reverse("report", args=[asked.name]) + query({**asked.params, "sort": asked.sort})
    return reverse("build") + query(address_of(asked))


def _cross(analysis: Analysis, answer: Answer, form: Format) -> dict[str, Any] | None:
    """Which field a click on a mark of the chart filters: the one that the chart's names or buckets are values of."""
    x = analysis.chart.x
    column = next((name for name in analysis.members.by if name in (x, f"{x}_id")), None)
    if column is None:
        return None
    grain = grain_of(answer.params, analysis)
    is_timeline = analysis.chart.kind in FILLED and analysis.column(column).unit is Unit.DAY
    if is_timeline and grain is not None:
        return {"column": column, "grain": grain.value}
    dimension = dimension_of_column(column)
    if dimension is None:
        return None
    return {"column": column, "field": PREFIX + dimension.name, "title": dimension.title.to(form.language)}


def _table(
    analysis: Analysis, answer: Answer, form: Format, *, columns: tuple[str, ...], members: str
) -> dict[str, Any]:
    """The first rows with the wanted columns; a row can filter the dashboard, its name opens what is behind it."""
    whole = table_of(analysis, answer, form, given={}, sort=None, offset=0, limit=answer.table.num_rows or 1)
    names = [column.name for column in shown_columns(analysis, answer.columns)]
    wanted = [name for name in columns if name in names] or names[:MOST_COLUMNS]
    places = [names.index(name) for name in wanted]
    cross = _cross(analysis, answer, form)
    values = answer.table.to_pylist()
    return {
        "heads": [whole.heads[place] for place in places],
        "rows": [
            {
                "cells": [_linked(row.cells[place], members) for place in places],
                "is_finished": row.is_finished,
                "value": plain(values[index].get(cross["column"])) if cross and "field" in cross else None,
            }
            for index, row in enumerate(whole.rows)
        ],
        "cross": cross if cross and "field" in cross else None,
    }


def _linked(cell: Cell, members: str) -> Cell:
    """The cell with the address of its rows under this tile."""
    if not cell.href:
        return cell
    words = cell.href.removeprefix("members/").removeprefix("?")
    joined = f"{members}{'&' if '?' in members else '?'}{words}" if members else ""
    return replace(cell, href=joined)


def _lacking_of(asked: AnalysisAsked | PivotAsked, analysis: Analysis, eyes: Onlooker) -> list[dict[str, str]]:
    states = eyes.company.state.tables
    if isinstance(asked, PivotAsked):
        return next(
            (found for name in asked.metrics if (found := _lacking(lacking_for(measure_named(name), states), eyes))), []
        )
    ready = readiness(analysis, states)
    return _lacking(tuple(item.table for item in ready.needed if not item.rows), eyes) if ready.lacking else []


def _lacking(tables: tuple[Table, ...], eyes: Onlooker) -> list[dict[str, str]]:
    return [
        {"title": table.title.to(eyes.form.language), "href": reverse("template", args=[table.name, "csv"])}
        for table in tables
    ]

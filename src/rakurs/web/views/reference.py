"""The reference inside the application: every analysis, metric and table, where to start, what is new."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rakurs.analyses import AREAS, analysis_named
from rakurs.app.news import mark_read, releases
from rakurs.app.readiness import readiness
from rakurs.core.analysis import Analysis
from rakurs.core.params import ParamInfo
from rakurs.metrics import DIMENSIONS, METRICS
from rakurs.schema import TABLES
from rakurs.web.access import format_of, user_of, workspace
from rakurs.web.language import page_language, said


def contents(request: HttpRequest) -> HttpResponse:
    """Everything the reference has."""
    return render(request, "rakurs/help.html", {"metrics": METRICS, "tables": TABLES})


def analysis(request: HttpRequest, name: str) -> HttpResponse:
    """One analysis: what it answers, by which rule, how to read it, from what, an example counted by hand."""
    found = analysis_named(name)
    context = {
        "analysis": found,
        "area": next(area for area in AREAS if area.name == found.area),
        "params": [_param(found, field, info) for field, info in found.params.infos().items()],
        "example_tables": [_example_table(table, rows) for table, rows in found.example.tables.items()],
        "example_answer": _example_table("", found.example.expect),
        "ready": readiness(found, workspace().state.tables),
    }
    return render(request, "rakurs/help_analysis.html", context)


def metrics(request: HttpRequest) -> HttpResponse:
    """Every metric with its definition and what it can be split by."""
    listed = [
        {
            "metric": metric,
            "by": ", ".join(said(item.title) for item in DIMENSIONS if item.is_split and item.fits(metric)),
        }
        for metric in METRICS
    ]
    return render(request, "rakurs/help_metrics.html", {"listed": listed})


def tables(request: HttpRequest) -> HttpResponse:
    """Every table that files may fill, with its columns and templates."""
    states = workspace().state.tables
    listed = [{"table": table, "rows": states[table.name].rows if table.name in states else 0} for table in TABLES]
    return render(request, "rakurs/help_tables.html", {"listed": listed})


def start(request: HttpRequest) -> HttpResponse:
    """What do you want to decide? Each question with the data it takes and whether that is there."""
    states = workspace().state.tables
    chosen = request.GET.get("for", "")
    groups = [
        {"area": area, "items": [{"analysis": item, "ready": readiness(item, states)} for item in area.analyses]}
        for area in AREAS
    ]
    return render(request, "rakurs/start.html", {"groups": groups, "chosen": chosen})


def news(request: HttpRequest) -> HttpResponse:
    """What changed, release by release; opening it is reading it."""
    mark_read(user_of(request))
    return render(request, "rakurs/news.html", {"releases": releases(page_language())})


def _param(found: Analysis, name: str, info: ParamInfo) -> dict[str, str]:
    default = found.params.model_fields[name].default
    label = info.labels.get(default)
    shown = said(label) if label is not None else "" if default is None else format_of().shown(default, info.unit)
    return {
        "name": name,
        "title": said(info.title),
        "help": said(info.help) if info.help else "",
        "default": shown,
        "choices": ", ".join(said(text) for text in info.labels.values()),
    }


def _example_table(name: str, rows: Any) -> dict[str, Any]:
    heads = list(dict.fromkeys(head for row in rows for head in row))
    return {"name": name, "heads": heads, "rows": [[row.get(head) for head in heads] for row in rows]}

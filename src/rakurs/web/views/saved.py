"""Reports people keep: the list, the report itself over the reader's own rows, its versions, copies and audience."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from rakurs.app.accounts import note
from rakurs.app.addresses import address_of
from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, narrowed
from rakurs.app.exporting import ExportKind
from rakurs.app.looking import looked
from rakurs.app.params import checked_params
from rakurs.app.saved import (
    AUDIENCES,
    asked_in,
    audiences_for,
    create_report,
    delete_report,
    duplicate_report,
    rename_report,
    report_for,
    reports_of,
    restore_version,
    save_version,
    share_report,
)
from rakurs.core.errors import BadParameter
from rakurs.core.params import Params
from rakurs.core.text import Text
from rakurs.state.models import Audience, Report
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.builder import conditions_of
from rakurs.web.filters import filters_of
from rakurs.web.links import cell_of, public, query
from rakurs.web.pictures import CHART_ICONS
from rakurs.web.views.answered import answered
from rakurs.web.views.build import first_of
from rakurs.web.views.pages import is_part, page_or_part
from rakurs.web.views.report import downloads_of, members_page, options_for, sent_file

COPY = Text(ru="{title} (копия)", en="{title} (copy)")


def shelf(request: HttpRequest) -> HttpResponse:
    """The reports this person keeps, and those shown to the whole company."""
    user = user_of(request)
    lines = [_line(report, request) for report in reports_of(user)]
    context = {
        "mine": [line for line in lines if line["is_mine"]],
        "shared": [line for line in lines if not line["is_mine"]],
    }
    return page_or_part(request, whole="rakurs/my.html", part="rakurs/_my.html", context=context)


def saved(request: HttpRequest, report_id: str) -> HttpResponse:
    """A kept report over the reader's own rows; parameters in the address stand over its own."""
    report = report_for(user_of(request), report_id)
    form, kept = format_of(), asked_in(report)
    given, problem = _given(request, kept)
    asked = kept if problem else _over(kept, given)
    params = checked_params(_model(request, kept), asked.params)
    filters = filters_of(params, options=options_for(request), form=form)
    sort = request.GET.get("sort") or None
    context: dict[str, Any] = {
        "report": report,
        "filters": filters,
        "given": given,
        "is_mine": report.owner == user_of(request),
        "audiences": [
            {**item, "is_chosen": item["value"] == report.audience} for item in audiences_for(user_of(request))
        ],
        "address": public(request, request.path),
        "versions": [
            {"number": item.number, "at": item.at, "by": item.by, "is_current": item.number == report.version}
            for item in report.versions.select_related("by")
        ],
        "edit": _edit(asked, report),
        "conditions": conditions_of(asked, options=options_for(request), form=form)
        if isinstance(asked, PivotAsked)
        else (),
        "problem": problem.message if problem else None,
        "downloads": downloads_of(given, form, prefix="download") if user_of(request).may("export") else [],
    }
    if workspace().has_data:
        context |= answered(request, asked, form, given=given, sort=sort)
        looked(user_of(request), "answer", report.id, detail={"title": report.title, "params": given})
    response = page_or_part(
        request,
        whole="rakurs/saved.html",
        part="rakurs/_saved.html",
        context=context,
        status=422 if problem else 200,
    )
    if is_part(request):
        state = {**given, "sort": sort, "offset": request.GET.get("offset")}
        response.headers["HX-Push-Url"] = request.path + query(state, keep_empty=given)
    return response


def members(request: HttpRequest, report_id: str) -> HttpResponse:
    """The rows behind one cell of a kept report."""
    report, asked, given = _asked_here(request, report_id)
    return members_page(
        request,
        asked,
        given={**given, "of": request.GET.get("of")},
        page=reverse("saved_members", args=[report.id]),
        back=reverse("saved", args=[report.id]) + query(given),
        subject=report.id,
        title=report.title,
    )


@may("export")
def download(request: HttpRequest, report_id: str, kind: str) -> StreamingHttpResponse:
    """The whole answer as a file."""
    report, asked, _ = _asked_here(request, report_id)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().ask_export(
            asked, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export", report.id, detail={"kind": kind})
    return sent_file(write, kind, name=report.title)


@may("export")
def download_members(request: HttpRequest, report_id: str, kind: str) -> StreamingHttpResponse:
    """All rows behind a cell as a file."""
    report, asked, _ = _asked_here(request, report_id)
    cell = cell_of(request.GET)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().ask_export(
            asked, cell=cell, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export members", report.id, detail={"cell": cell, "kind": kind})
    return sent_file(write, kind, name=f"{report.title}-rows")


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """Keep a question under a name."""
    title, audience = request.POST.get("title", ""), request.POST.get("audience", "")
    asked = _posted(request)
    report = create_report(user_of(request), asked, title=title, audience=audience or Audience.PRIVATE)
    return HttpResponseRedirect(reverse("saved", args=[report.id]))


@require_POST
def change(request: HttpRequest, report_id: str) -> HttpResponse:
    """Do one of `DEEDS` to a report."""
    report = report_for(user_of(request), report_id)
    deed = DEEDS.get(request.POST.get("deed", ""))
    if deed is None:
        raise BadParameter("deed", request.POST.get("deed"), Text(ru=", ".join(DEEDS), en=", ".join(DEEDS)))
    return HttpResponseRedirect(deed(request, report))


def _save(request: HttpRequest, report: Report) -> str:
    save_version(report, _posted(request), by=user_of(request))
    return reverse("saved", args=[report.id])


def _rename(request: HttpRequest, report: Report) -> str:
    rename_report(report, by=user_of(request), title=request.POST.get("title", ""), about=request.POST.get("about", ""))
    return reverse("saved", args=[report.id])


def _share(request: HttpRequest, report: Report) -> str:
    share_report(report, request.POST.get("audience", ""), by=user_of(request))
    return reverse("saved", args=[report.id])


def _restore(request: HttpRequest, report: Report) -> str:
    number = request.POST.get("number", "")
    restore_version(report, int(number) if number.isdecimal() else 0, by=user_of(request))
    return reverse("saved", args=[report.id])


def _duplicate(request: HttpRequest, report: Report) -> str:
    title = COPY.filled(title=report.title).to(format_of().language)
    return reverse("saved", args=[duplicate_report(report, owner=user_of(request), title=title[:200]).id])


def _delete(request: HttpRequest, report: Report) -> str:
    delete_report(report, by=user_of(request))
    return reverse("my")


DEEDS: Mapping[str, Callable[[HttpRequest, Report], str]] = {
    "save": _save,
    "rename": _rename,
    "share": _share,
    "restore": _restore,
    "duplicate": _duplicate,
    "delete": _delete,
}


def _posted(request: HttpRequest) -> AnalysisAsked | PivotAsked:
    try:
        kept = json.loads(request.POST.get("asked", ""))
    except ValueError:
        kept = {}
    asked = asked_of(kept if isinstance(kept, dict) else {})
    workspace().question(asked, scope=scope_for(request))
    return asked


def _line(report: Report, request: HttpRequest) -> dict[str, Any]:
    kept = asked_in(report)
    analysis, _ = workspace().question(kept, scope=scope_for(request))
    return {
        "report": report,
        "icon": CHART_ICONS[analysis.chart.kind],
        "about": report.about or analysis.title.to(format_of().language),
        "is_mine": report.owner == user_of(request),
        "audience": AUDIENCES[report.audience],
        "is_shared": report.audience != "private",
    }


def _model(request: HttpRequest, asked: AnalysisAsked | PivotAsked) -> type[Params]:
    analysis, _ = workspace().question(asked, scope=scope_for(request))
    return analysis.params


def _given(request: HttpRequest, kept: AnalysisAsked | PivotAsked) -> tuple[dict[str, Any], BadParameter | None]:
    """What the address puts over the kept parameters; an empty value takes a kept one away."""
    model = _model(request, kept)
    given = {name: _values(request.GET, name) for name in model.infos() if name in request.GET}
    usual = model()
    for name in list(given):
        kept_value = kept.params.get(name, _plain(getattr(usual, name)))
        if given[name] == _plain(kept_value) or (not given[name] and kept_value is None):
            del given[name]
    try:
        checked_params(model, _over(kept, given).params)
    except BadParameter as problem:
        return {}, problem
    return given, None


def _over(kept: AnalysisAsked | PivotAsked, given: Mapping[str, Any]) -> AnalysisAsked | PivotAsked:
    over = narrowed(kept, given)
    return over.model_copy(update={"params": {name: value for name, value in over.params.items() if value}})


def _values(form: QueryDict, name: str) -> str | list[str]:
    values = [value for value in form.getlist(name) if value]
    return values if len(values) > 1 else values[0] if values else ""


def _plain(value: Any) -> Any:
    return "" if value is None else str(getattr(value, "value", value)) if not isinstance(value, list) else value


def _edit(asked: AnalysisAsked | PivotAsked, report: Report) -> str:
    """Where the question is changed: in the builder, or on the page of its analysis."""
    if isinstance(asked, PivotAsked):
        return reverse("build") + query({**address_of(asked), "report": report.id})
    return reverse("report", args=[asked.name]) + query(asked.params)


def _asked_here(request: HttpRequest, report_id: str) -> tuple[Report, AnalysisAsked | PivotAsked, dict[str, Any]]:
    report = report_for(user_of(request), report_id)
    kept = asked_in(report)
    given, problem = _given(request, kept)
    if problem:
        raise problem
    asked = _over(kept, given)
    if isinstance(asked, PivotAsked):
        asked = first_of(asked, request.GET.get("of"))
    return report, asked, given

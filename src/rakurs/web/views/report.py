"""One page for every question there is: filters, chart, table, passport, the rows behind a number, files."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from rakurs.analyses import AREAS, analysis_named
from rakurs.app.accounts import note
from rakurs.app.asked import AnalysisAsked, PivotAsked
from rakurs.app.charts import chart_json
from rakurs.app.choosing import choices
from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.formats import Format
from rakurs.app.looking import looked
from rakurs.app.params import checked_params
from rakurs.app.passports import passport_page
from rakurs.app.recent import opened
from rakurs.app.segment_counting import leads_to_customers
from rakurs.app.segment_definitions import Behind, kept_definition
from rakurs.core.analysis import Analysis, Area
from rakurs.core.answer import Answer
from rakurs.core.errors import BadParameter
from rakurs.core.params import Params, PeriodParams
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.filters import Filters, filters_of, short_params, window_words
from rakurs.web.links import PAGE_SIZE, cell_of, members_query, query
from rakurs.web.pictures import CHART_ICONS
from rakurs.web.stories import told
from rakurs.web.tables import cell_words, pages_of, plain_table, table_of
from rakurs.web.views.pages import is_part, page_or_part, whole_number

CHUNK = 1 << 20


def report(request: HttpRequest, name: str) -> HttpResponse:
    """The answer to one question under the filters in the address."""
    analysis = analysis_named(name)
    form = format_of()
    params, problem = _asked(request, analysis)
    filters = filters_of(params, options=options_for(request), form=form)
    if not is_part(request):
        icon = CHART_ICONS[analysis.chart.kind]
        opened(user_of(request), title=analysis.title.to(form.language), href=request.path, icon=icon)
    context: dict[str, Any] = {
        "analysis": analysis,
        "area": _area_of(analysis),
        "filters": filters,
        "problem": problem.message if problem else None,
        "schedule_url": reverse("new_schedule") + query({"analysis": name, **filters.given}),
        "to_dashboard": reverse("add_to_dashboard") + query({"name": name, **filters.given}),
        "downloads": downloads_of(filters.given, form, prefix="download") if user_of(request).may("export") else [],
    }
    if workspace().has_data:
        sort = request.GET.get("sort") or None
        offset = whole_number(request.GET.get("offset"))
        answer = workspace().answer(
            name, filters.given, scope=scope_for(request), limit=PAGE_SIZE, offset=offset, sort=sort
        )
        looked(user_of(request), "answer", name, detail={"params": filters.given})
        context |= _answered(analysis, answer, filters, form, sort=sort, offset=offset)
        context["days"] = days_of(params, form)
    response = page_or_part(
        request,
        whole="rakurs/report.html",
        part="rakurs/_report.html",
        context=context,
        status=422 if problem else 200,
    )
    if is_part(request):
        response.headers["HX-Push-Url"] = request.path + query(
            {**filters.given, "sort": request.GET.get("sort"), "offset": request.GET.get("offset")}
        )
    return response


def members(request: HttpRequest, name: str) -> HttpResponse:
    """The rows behind one cell of an answer."""
    analysis = analysis_named(name)
    params, problem = _asked(request, analysis)
    if problem:
        raise problem
    given = short_params(params)
    return members_page(
        request,
        AnalysisAsked(name=name, params=given),
        given=given,
        page=reverse("members", args=[name]),
        back=reverse("report", args=[name]) + query(given),
        subject=name,
    )


def members_page(
    request: HttpRequest,
    asked: AnalysisAsked | PivotAsked,
    *,
    given: Mapping[str, Any],
    page: str,
    back: str,
    subject: str,
    title: str | None = None,
) -> HttpResponse:
    """The rows behind the cell named in the address, of any question.

    `given` are the parts of the question's address, `page` this page's own path, `back` the answer's address.
    """
    form, scope = format_of(), scope_for(request)
    analysis, params = workspace().question(asked, scope=scope)
    cell = cell_of(request.GET)
    offset = whole_number(request.GET.get("offset"))
    found = workspace().ask_members(asked, cell, scope=scope, limit=PAGE_SIZE, offset=offset)
    heads, rows = plain_table(found.columns, found.table, form, entity=found.entity, key=found.key)
    here = members_query(given, cell)
    note(user_of(request), "members", subject, detail={"params": dict(given), "cell": cell}, rows=found.total_rows)
    context = {
        "analysis": analysis,
        "title": title or analysis.title.to(form.language),
        "heads": heads,
        "rows": rows,
        "total": found.total_rows,
        "pages": pages_of(
            found.total_rows,
            offset=offset,
            limit=PAGE_SIZE,
            given={**given, **{f"cell.{column}": value for column, value in cell.items()}},
            keep_empty=tuple(f"cell.{column}" for column in cell),
        ),
        "cell": cell_words(analysis, workspace().ask(asked, scope=scope), cell, form),
        "days": days_of(params, form),
        "back": back,
        "downloads": [
            {"title": file.title.to(form.language), "href": f"{page}download.{kind}{here}"}
            for kind, file in KINDS.items()
            if user_of(request).may("export")
        ],
        "here": page + here,
        "segment": kept_definition(Behind(asked=asked, cell=cell)) if leads_to_customers(found.entity) else None,
    }
    return page_or_part(
        request,
        whole="rakurs/members.html",
        part="rakurs/_members.html",
        panel="rakurs/_members_panel.html",
        context=context,
    )


@may("export")
def download(request: HttpRequest, name: str, kind: str) -> StreamingHttpResponse:
    """The whole answer as a file."""
    analysis = analysis_named(name)
    params = checked_params(analysis.params, _raw(request, analysis))
    given = short_params(params)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().export(
            name, given, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export", name, detail={"params": given, "kind": kind})
    return sent_file(write, kind, name=analysis.name)


@may("export")
def download_members(request: HttpRequest, name: str, kind: str) -> StreamingHttpResponse:
    """All rows behind a cell as a file."""
    analysis = analysis_named(name)
    params = checked_params(analysis.params, _raw(request, analysis))
    given, cell = short_params(params), cell_of(request.GET)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().export_members(
            name, given, cell, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export members", name, detail={"params": given, "cell": cell, "kind": kind})
    return sent_file(write, kind, name=f"{analysis.name}-{analysis.members.entity_for(params)}")


def _raw(request: HttpRequest, analysis: Analysis) -> dict[str, Any]:
    """What the address says of the question's own parameters."""
    raw: dict[str, Any] = {}
    for name in analysis.params.model_fields:
        values = [value for value in request.GET.getlist(name) if value]
        if values:
            raw[name] = values if len(values) > 1 else values[0]
    return raw


def _asked(request: HttpRequest, analysis: Analysis) -> tuple[Params, BadParameter | None]:
    """The parameters asked for; where one is wrong, the defaults and what is wrong."""
    try:
        return checked_params(analysis.params, _raw(request, analysis)), None
    except BadParameter as problem:
        return analysis.params(), problem


def options_for(request: HttpRequest) -> Any:
    """The values of a dimension this person may choose from."""
    user, scope = user_of(request), scope_for(request)
    return lambda name: choices(workspace(), name, user=user, scope=scope) if workspace().has_data else ()


def _answered(
    analysis: Analysis, answer: Answer, filters: Filters, form: Format, *, sort: str | None, offset: int
) -> dict[str, Any]:
    return {
        "answer": answer,
        "missing": [item.message.to(form.language) for item in answer.missing],
        "story": told(answer.story, form, given=filters.given),
        "chart": chart_json(analysis, answer, form) if answer.status == "ok" else None,
        "table": table_of(analysis, answer, form, given=filters.given, sort=sort, offset=offset, limit=PAGE_SIZE),
        "members_url": f"members/{query(filters.given)}",
        "passport": passport_page(answer.passport, analysis.params, form),
    }


def days_of(params: Params, form: Format) -> str:
    """The days of the question, in words."""
    bound = params.bound(workspace().today, fiscal_year_start=workspace().company.fiscal_year_start)
    return window_words(bound, form) if isinstance(bound, PeriodParams) else ""


def downloads_of(given: Mapping[str, Any], form: Format, *, prefix: str) -> list[dict[str, str]]:
    """The kinds of file an answer may be had as."""
    return [
        {"title": file.title.to(form.language), "href": f"{prefix}.{kind}{query(given)}"}
        for kind, file in KINDS.items()
    ]


def _area_of(analysis: Analysis) -> Area:
    return next(area for area in AREAS if analysis in area.analyses)


def sent_file(write: Any, kind: str, *, name: str) -> StreamingHttpResponse:
    """What `write(target, kind)` makes, sent from a scratch file that goes away when it is read."""
    if kind not in KINDS:
        raise Http404(kind)
    extension = KINDS[kind].extension
    folder = tempfile.TemporaryDirectory(dir=workspace().home.scratch)
    target = Path(folder.name) / f"{uuid4().hex}.{extension}"
    write(target, kind)
    response = StreamingHttpResponse(_chunks(folder, target), content_type=KINDS[kind].content_type)
    day = workspace().today.isoformat()
    header = content_disposition_header(as_attachment=True, filename=f"{name}-{day}.{extension}")
    response.headers["Content-Disposition"] = header or "attachment"
    response.headers["Content-Length"] = str(target.stat().st_size)
    return response


async def _chunks(folder: "tempfile.TemporaryDirectory[str]", target: Path) -> AsyncIterator[bytes]:
    with folder, target.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk

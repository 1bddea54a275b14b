"""The report builder: any metrics by any splits, seen at once; the address holds the whole question."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse

from rakurs.app.accounts import note
from rakurs.app.addresses import address_of, pivot_at
from rakurs.app.asked import PivotAsked, kept_asked
from rakurs.app.exporting import ExportKind
from rakurs.app.looking import looked
from rakurs.app.params import checked_params
from rakurs.app.pivots import OPERATORS, PivotParams
from rakurs.app.saved import audiences_for, report_for
from rakurs.core.errors import BadParameter, RakursError
from rakurs.core.metric import Operator
from rakurs.core.text import Text
from rakurs.metrics import measure_named
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.builder import builder_of, chart_kept, draft_of, highlights_kept, metrics_by_text, parts_of
from rakurs.web.filters import Filters, filters_of
from rakurs.web.links import cell_of, query
from rakurs.web.views.answered import answered
from rakurs.web.views.pages import is_part, page_or_part
from rakurs.web.views.report import downloads_of, members_page, options_for, sent_file

FIRST_PILLS = ("period", "compare", "basis")
EXAMPLES: tuple[tuple[Text, Text, PivotAsked], ...] = (
    (
        Text(ru="Выручка по месяцам", en="Revenue by month"),
        Text(ru="Как идут продажи и как шли год назад?", en="How do sales go, and how did they a year ago?"),
        PivotAsked(
            metrics=("revenue",), rows=("month",), params={"period": "last_365_days", "compare": "last_year"}
        ),
    ),
    (
        Text(ru="Менеджеры и источники", en="Managers and channels"),
        Text(ru="Кто из каких заявок делает деньги?", en="Who makes money of which leads?"),
        PivotAsked(metrics=("win_rate", "won_amount"), rows=("manager",), columns=("channel",),
                   params={"period": "last_365_days"}),
    ),
    (
        Text(ru="Десять главных товаров", en="Ten leading products"),
        Text(ru="На чём держится выручка, и сколько на всё остальное?", en="What carries revenue, and what is the rest?"),
        PivotAsked.model_validate(
            {"metrics": ["revenue", "customers"], "rows": ["product"], "params": {"period": "last_365_days"},
             "top": {"count": 10}, "highlights": [{"column": "revenue", "style": "bars"}]}
        ),
    ),
    (
        Text(ru="Выручка на созданную сделку", en="Revenue per deal created"),
        Text(ru="Свой показатель из двух готовых", en="A measure of one's own, from two ready ones"),
        PivotAsked(metrics=("revenue / deals_created", "conversion"), rows=("region",),
                   params={"period": "last_365_days"}),
    ),
)  # fmt: skip


def build(request: HttpRequest) -> HttpResponse:
    """The builder with the question of the address, and its answer."""
    form = format_of()
    asked, problem = _asked(request)
    given = address_of(asked) if asked else {}
    report_id = request.GET.get("report") or None
    saved = report_for(user_of(request), report_id) if report_id else None
    scope = scope_for(request)
    operator = _draft_operator(request)
    context: dict[str, Any] = {
        "builder": builder_of(
            asked,
            custom=workspace().custom_fields(scope=scope) if workspace().has_data else (),
            options=options_for(request),
            form=form,
            draft=draft_of(request.GET),
            operator=operator,
        ),
        "filters": _pills(request, asked),
        "asked": asked,
        "problem": problem.message if problem else None,
        "examples": [
            {"title": title, "about": about, "href": query(address_of(question))} for title, about, question in EXAMPLES
        ],
        "saved": saved,
        "is_mine": saved is not None and saved.owner == user_of(request),
        "audiences": audiences_for(user_of(request)),
        "kept": kept_asked(asked) if asked else None,
        "failed_formula": _failed_formula(asked),
    }
    state = {**given, "report": report_id}
    if asked is not None and problem is None and workspace().has_data:
        context |= answered(request, asked, form, given=state)
        looked(user_of(request), "answer", "builder", detail={"asked": kept_asked(asked)})
        context["downloads"] = downloads_of(given, form, prefix="download") if user_of(request).may("export") else []
    response = page_or_part(
        request,
        whole="rakurs/build.html",
        part="rakurs/_build.html",
        context=context,
        status=422 if problem else 200,
    )
    if is_part(request) and problem is None:
        response.headers["HX-Push-Url"] = request.path + query({**state, "offset": request.GET.get("offset")})
    return response


def members(request: HttpRequest) -> HttpResponse:
    """The rows behind one cell of the builder's answer; `of` names the metric whose rows they are."""
    asked = _certain(request)
    given = {**address_of(asked), "of": request.GET.get("of")}
    back = reverse("build") + query(address_of(asked))
    return members_page(
        request,
        first_of(asked, request.GET.get("of")),
        given=given,
        page=reverse("build_members"),
        back=back,
        subject="builder",
    )


@may("export")
def download(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """The whole answer as a file."""
    asked = _certain(request)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().ask_export(
            asked, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export", "builder", detail={"asked": kept_asked(asked), "kind": kind})
    return sent_file(write, kind, name="report")


@may("export")
def download_members(request: HttpRequest, kind: str) -> StreamingHttpResponse:
    """All rows behind a cell as a file."""
    asked, cell = first_of(_certain(request), request.GET.get("of")), cell_of(request.GET)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().ask_export(
            asked, cell=cell, scope=scope_for(request), kind=file_kind, language=format_of().language, target=target
        )

    note(user_of(request), "export members", "builder", detail={"asked": kept_asked(asked), "cell": cell})
    return sent_file(write, kind, name="report-rows")


def first_of(asked: PivotAsked, column: str | None) -> PivotAsked:
    """The same question with the metric of `column` first, whose rows are then the members."""
    first = [text for text in asked.metrics if column is not None and measure_named(text).name == column]
    rest = tuple(text for text in asked.metrics if text not in first)
    top = asked.top
    if top is not None and top.metric is None:
        top = top.model_copy(update={"metric": asked.metrics[0]})
    return asked.model_copy(update={"metrics": (*first, *rest), "top": top})


def _certain(request: HttpRequest) -> PivotAsked:
    return pivot_at(parts_of(request.GET))


def _asked(request: HttpRequest) -> tuple[PivotAsked | None, RakursError | None]:
    """The question of the address; with what is wrong, when it cannot be asked. None while no metric is picked."""
    parts = parts_of(request.GET)
    if not any(value.strip() for value in parts.get("m", ())):
        return None, None
    try:
        asked = pivot_at(parts)
    except RakursError as problem:
        return None, problem
    asked = asked.model_copy(update={**highlights_kept(asked), **chart_kept(asked)})
    try:
        workspace().question(asked, scope=scope_for(request))
    except RakursError as problem:
        return asked, problem
    return asked, None


def _pills(request: HttpRequest, asked: PivotAsked | None) -> Filters:
    try:
        params = checked_params(PivotParams, asked.params if asked else {})
    except BadParameter:
        params = PivotParams()
    pills = filters_of(params, options=options_for(request), form=format_of())
    every = (*pills.primary, *pills.more)
    first = tuple(pill for pill in every if pill.name in FIRST_PILLS)
    # The rest are conditions too, so they stand aside unless they are used.
    return replace(pills, primary=first, more=tuple(pill for pill in every if pill not in first))


def _failed_formula(asked: PivotAsked | None) -> str:
    """The formula that could not be read, to be mended."""
    known = metrics_by_text(asked)
    return next((text for text in asked.metrics if text not in known), "") if asked else ""


def _draft_operator(request: HttpRequest) -> Operator | None:
    """The operator chosen in the condition that is just being made."""
    drafts = [name.removeprefix("draft") for name in request.GET if name.startswith("draft")]
    chosen = request.GET.get(f"o{drafts[-1]}", "") if drafts and not request.GET.get("add") else ""
    return cast("Operator", chosen) if chosen in OPERATORS else None

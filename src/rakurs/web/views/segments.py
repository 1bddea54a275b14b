"""Sets of customers: the list, one set, making one from a number, conditions, a list or other sets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from rakurs.app.accounts import note
from rakurs.app.addresses import address_of
from rakurs.app.asked import AnalysisAsked
from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.formats import Format
from rakurs.app.id_lists import text_of_bytes
from rakurs.app.recent import opened
from rakurs.app.saved import AUDIENCES, audiences_for
from rakurs.app.segment_definitions import Behind, Listed, definition_of
from rakurs.app.segment_desk import (
    SHOWS,
    Portrait,
    customers_of,
    export_customers,
    meeting_count,
    portrait,
    shelf,
    size_chart,
)
from rakurs.app.segment_facts import Difference, Show, Trail
from rakurs.app.segments import (
    create_from_list,
    create_segment,
    delete_segment,
    redefine_segment,
    rename_segment,
    segment_for,
    segments_of,
    share_segment,
)
from rakurs.core.errors import BadInput, NotAllowed
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.state.models import Segment, User
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.links import PAGE_SIZE, members_query, public, query
from rakurs.web.segment_forms import (
    PARTS,
    can_be_filled_in,
    combined_in,
    condition_row,
    condition_rows,
    definition_words,
    filled_form,
    meeting_in,
    trait_groups,
)
from rakurs.web.tables import cell_words, pages_of, plain_table
from rakurs.web.views.pages import page_or_part, whole_number
from rakurs.web.views.report import sent_file

WAYS: Mapping[str, Text] = {
    "conditions": Text(ru="По условиям", en="By conditions"),
    "list": Text(ru="Из списка", en="From a list"),
    "sets": Text(ru="Из других сегментов", en="From other segments"),
}
FILES = ("xlsx", "csv-excel", "csv", "parquet", "pdf")
ICON = "users-round"


def segments(request: HttpRequest) -> HttpResponse:
    """Every segment this person keeps, and those shown to the whole company."""
    user, form = user_of(request), format_of()
    lines = [_line(segment, trail, user, form) for segment, trail in shelf(workspace(), user, scope_for(request))]
    context = {
        "mine": [line for line in lines if line["is_mine"]],
        "shared": [line for line in lines if not line["is_mine"]],
        "has_data": workspace().has_data,
    }
    return page_or_part(request, whole="rakurs/segments.html", part="rakurs/_segments.html", context=context)


def segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """One segment: who is in it, how it changed, what tells it apart, whom it shares."""
    user, form, scope = user_of(request), format_of(), scope_for(request)
    told = portrait(workspace(), segment_for(user, segment_id), user, scope)
    show, offset = _show(request), whole_number(request.GET.get("offset"))
    since = told.trail.before_on
    found = customers_of(workspace(), told.segment, scope=scope, show=show, since=since, limit=PAGE_SIZE, offset=offset)
    heads, rows = plain_table(found.columns, found.table, form, entity=found.entity, key=found.key)
    note(user, "segment", told.segment.id, rows=found.total_rows)
    if not offset and show == "now":
        opened(user, title=told.segment.title, href=request.path, icon=ICON)
    given = {"show": None if show == "now" else show}
    context = {
        **_portrait(request, told, form),
        "heads": heads,
        "rows": rows,
        "shows": [
            {
                "title": said.to(form.language),
                "href": query({"show": None if name == "now" else name}) or "?",
                "is_chosen": name == show,
            }
            for name, said in SHOWS.items()
        ],
        "pages": pages_of(found.total_rows, offset=offset, limit=PAGE_SIZE, given=given),
        "downloads": _downloads(told.segment, show, form) if user.may("export") else [],
    }
    return page_or_part(request, whole="rakurs/segment.html", part="rakurs/_segment.html", context=context)


@may("export")
def download(request: HttpRequest, segment_id: str, kind: str) -> StreamingHttpResponse:
    """Every customer of a segment as a file."""
    found, show = segment_for(user_of(request), segment_id), _show(request)

    def write(target: Path, file_kind: ExportKind) -> None:
        options: Any = {"scope": scope_for(request), "kind": file_kind, "language": format_of().language}
        export_customers(workspace(), found, show=show, target=target, **options)

    note(user_of(request), "export segment", found.id, detail={"kind": kind, "show": show})
    return sent_file(write, kind, name=f"segment-{found.id[:8]}")


def new(request: HttpRequest) -> HttpResponse:
    """A form for a new segment, filled in `like` another; sent, the segment."""
    user, like = user_of(request), request.GET.get("like")
    given: QueryDict = request.POST
    way = request.GET.get("way", "conditions")
    if like:
        way, filled = filled_form(segment_for(user, like))
        given = given or filled
    way = way if way in WAYS else "conditions"
    problem: Text | None = None
    if request.method == "POST":
        try:
            made = _MAKERS[way](request, user)
        except BadInput as wrong:
            problem = wrong.message
        else:
            return HttpResponseRedirect(reverse("segment", args=[made.id]))
    return _form(request, way, given, problem=problem, is_living=not given or "is_living" in given)


def edit(request: HttpRequest, segment_id: str) -> HttpResponse:
    """The form of one's own segment; sent, the segment under its new rule."""
    user = user_of(request)
    kept = segment_for(user, segment_id)
    if kept.owner != user or not can_be_filled_in(definition_of(kept.definition)):
        raise NotAllowed(_NOT_BY_FORM)
    way, given = filled_form(kept)
    problem: Text | None = None
    if request.method == "POST":
        given = request.POST
        try:
            rule = combined_in(given) if way == "sets" else meeting_in(request, given)
            redefine_segment(workspace(), kept, rule, by=user, is_living=_lives(request))
            rename_segment(kept, by=user, **_named(request))
        except BadInput as wrong:
            problem = wrong.message
        else:
            return HttpResponseRedirect(reverse("segment", args=[kept.id]))
    return _form(request, way, given, problem=problem, is_living="is_living" in given, edited=kept)


_NOT_BY_FORM = Text(
    ru="Условия этого сегмента здесь не изменить: он чужой или взят из отчёта или списка.",
    en="The rule of this segment is not changed here: it is another's, or taken from a report or a list.",
)


def _form(
    request: HttpRequest,
    way: str,
    given: QueryDict,
    *,
    problem: Text | None,
    is_living: bool,
    edited: Segment | None = None,
) -> HttpResponse:
    context = {
        "way": way,
        "ways": [{"name": name, "title": title, "is_chosen": name == way} for name, title in WAYS.items()],
        "problem": problem,
        "given": given,
        "is_living": is_living,
        "edited": edited,
        **_FORMS[way](request, given),
    }
    return render(request, "rakurs/segment_new.html", context, status=422 if problem else 200)


def condition(request: HttpRequest) -> HttpResponse:
    """One row of conditions anew, as its trait and operator ask for; or one more row."""
    number = whole_number(request.GET.get("row"))
    context = {
        "row": condition_row(request, request.GET, number),
        "groups": trait_groups(),
        "next": number + 1 if "more" in request.GET else None,
    }
    return render(request, "rakurs/_segment_condition.html", context)


def count(request: HttpRequest) -> HttpResponse:
    """How many customers meet the conditions filled in so far, in words."""
    try:
        found = meeting_count(workspace(), meeting_in(request, request.GET), user_of(request))
    except BadInput as wrong:
        return render(request, "rakurs/_segment_count.html", {"problem": wrong.message})
    return render(request, "rakurs/_segment_count.html", {"found": found})


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """The customers behind a number, kept as a segment."""
    definition = definition_of(_object(request.POST.get("definition", "")))
    title, is_living = request.POST.get("title", ""), "is_living" in request.POST
    made = create_segment(workspace(), user_of(request), definition, title=title, is_living=is_living)
    return HttpResponseRedirect(reverse("segment", args=[made.id]))


@require_POST
def change(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Another name, another audience, or no segment any more."""
    user = user_of(request)
    found = segment_for(user, segment_id)
    deed, post = request.POST.get("deed", ""), request.POST
    if deed == "delete":
        delete_segment(workspace(), found, by=user)
        return HttpResponseRedirect(reverse("segments"))
    if deed == "share":
        share_segment(found, post.get("audience", ""), by=user)
    else:
        rename_segment(found, by=user, title=post.get("title", ""), about=post.get("about", ""))
    return HttpResponseRedirect(reverse("segment", args=[found.id]))


def _by_conditions(request: HttpRequest, user: User) -> Segment:
    return create_segment(
        workspace(), user, meeting_in(request, request.POST), **_named(request), is_living=_lives(request)
    )


def _from_list(request: HttpRequest, user: User) -> Segment:
    file = request.FILES.get("file")
    text = text_of_bytes(file.read()) if file else request.POST.get("ids", "")  # type: ignore[union-attr]
    name = str(getattr(file, "name", "") or "")
    return create_from_list(workspace(), user, text, file=name, **_named(request))


def _from_sets(request: HttpRequest, user: User) -> Segment:
    return create_segment(workspace(), user, combined_in(request.POST), **_named(request), is_living=_lives(request))


_MAKERS = {"conditions": _by_conditions, "list": _from_list, "sets": _from_sets}


def _named(request: HttpRequest) -> dict[str, Any]:
    return {"title": request.POST.get("title", ""), "about": request.POST.get("about", "")}


def _lives(request: HttpRequest) -> bool:
    return "is_living" in request.POST


def _conditions_form(request: HttpRequest, given: QueryDict) -> dict[str, Any]:
    rows = condition_rows(request, given)
    return {"rows": rows, "groups": trait_groups(), "next": rows[-1].number + 1}


def _sets_form(request: HttpRequest, given: QueryDict) -> dict[str, Any]:
    parts = [{"segment": item, "chosen": given.get(f"part-{item.id}", "")} for item in segments_of(user_of(request))]
    return {"parts": parts, "roles": list(PARTS.items())}


_FORMS: Mapping[str, Any] = {"conditions": _conditions_form, "list": lambda _request, _given: {}, "sets": _sets_form}


def _show(request: HttpRequest) -> Show:
    asked = request.GET.get("show", "now")
    return cast("Show", asked) if asked in SHOWS else "now"


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _line(segment: Segment, trail: Trail, user: User, form: Format) -> dict[str, Any]:
    return {
        "segment": segment,
        "is_mine": segment.owner == user,
        "audience": AUDIENCES[segment.audience],
        "is_shared": segment.audience != "private",
        "size": form.shown(trail.size, Unit.COUNT),
        **_change(trail, form),
        "points": [[size, True] for _, size in trail.points],
    }


def _change(trail: Trail, form: Format) -> dict[str, Any]:
    return {
        "change": form.change(trail.change, Unit.NUMBER) if trail.before_on and trail.change else "",
        "direction": "up" if trail.change > 0 else "down",
        "before_on": trail.before_on,
    }


def _portrait(request: HttpRequest, told: Portrait, form: Format) -> dict[str, Any]:
    user, kept = user_of(request), told.segment
    chart = size_chart(told.trail, form)
    return {
        "segment": kept,
        "definition": told.definition,
        "words": definition_words(request, told.definition, told.others, form),
        "source": _source(request, told.definition, form),
        "listed": told.definition if isinstance(told.definition, Listed) else None,
        "is_mine": kept.owner == user,
        "has_form": can_be_filled_in(told.definition),
        "audience": AUDIENCES[kept.audience],
        "audiences": [{**item, "is_chosen": item["value"] == kept.audience} for item in audiences_for(user)],
        "address": public(request, request.path),
        "problem": Text(ru=kept.problem_ru, en=kept.problem_en) if kept.problem_ru else None,
        "warnings": told.warnings,
        "size": form.shown(told.trail.size, Unit.COUNT),
        "share": form.shown(told.share, Unit.SHARE) if told.share is not None else "",
        **_change(told.trail, form),
        "since": form.shown(told.trail.before_on, Unit.DAY) if told.trail.before_on else "",
        "turnover": told.turnover,
        "replaced": form.shown(told.turnover.replaced, Unit.SHARE) if told.turnover.replaced is not None else "",
        "chart": chart,
        "reckoned_until": form.shown(kept.observed_from, Unit.DAY)
        if kept.observed_from and chart and told.trail.points[0][0] < kept.observed_from
        else "",
        "differences": [_difference(item, request, form) for item in told.differences],
        "overlaps": [
            {
                "segment": told.others[item.segment_id],
                "size": item.size,
                "common": item.common,
                "of_this": form.shown(item.common / told.trail.size, Unit.SHARE) if told.trail.size else "",
                "of_other": form.shown(item.common / item.size, Unit.SHARE) if item.size else "",
                "width": round(100 * item.common / told.trail.size) if told.trail.size else 0,
            }
            for item in told.overlaps
        ],
    }


def _difference(item: Difference, request: HttpRequest, form: Format) -> dict[str, Any]:
    labels = {value: text.to(form.language) for value, text in item.trait.choices.items()}
    if item.trait.name in {"region", "channel", "manager"}:
        labels = dict(workspace().options(item.trait.name, scope=scope_for(request)))

    def between(interval: Any) -> str:
        return f"{form.shown(interval.low, Unit.SHARE)} – {form.shown(interval.high, Unit.SHARE)}"

    return {
        "trait": item.trait.dimension.title,
        "value": labels.get(item.value, item.value),
        "share": form.shown(item.share, Unit.SHARE),
        "interval": between(item.interval),
        "others": form.shown(item.others_share, Unit.SHARE),
        "others_interval": between(item.others_interval),
        "inside_width": item.share * 100,
        "outside_width": item.others_share * 100,
        "gap": form.change(item.gap, Unit.POINTS),
        "direction": "up" if item.gap > 0 else "down",
    }


def _source(request: HttpRequest, definition: Any, form: Format) -> dict[str, Any] | None:
    """The number a segment was taken from: the report, its cell in words, the way there."""
    if not isinstance(definition, Behind):
        return None
    asked, scope = definition.asked, scope_for(request)
    analysis, _ = workspace().question(asked, scope=scope)
    if isinstance(asked, AnalysisAsked):
        page, given = reverse("report", args=[asked.name]), dict(asked.params)
    else:
        page, given = reverse("build"), address_of(asked)
    return {
        "title": analysis.title,
        "href": page + query(given),
        "cell": cell_words(analysis, workspace().ask(asked, scope=scope), definition.cell, form),
        "members": f"{page}members/{members_query(given, definition.cell)}",
    }


def _downloads(found: Segment, show: Show, form: Format) -> list[dict[str, str]]:
    state = query({"show": None if show == "now" else show})
    return [
        {
            "title": KINDS[kind].title.to(form.language),
            "href": reverse("download_segment", args=[found.id, kind]) + state,
        }
        for kind in FILES
    ]

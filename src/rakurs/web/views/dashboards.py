"""Dashboards: tiles on one page under common filters, each fetched on its own, so that the first ones are seen at once."""

from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from rakurs.app.accounts import note
from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, kept_asked
from rakurs.app.dashboard_filters import Chosen, DashboardParams, chosen_of
from rakurs.app.dashboards import (
    Content,
    QuestionTile,
    ReportTile,
    Tile,
    kept_tile,
    layout_of,
    tile_of,
)
from rakurs.app.exporting import ExportKind
from rakurs.app.kept_dashboards import (
    Shown,
    add_tile,
    arrange,
    copy_dashboard,
    create_dashboard,
    dashboard_for,
    dashboards_of,
    delete_dashboard,
    drop_preset,
    home_of,
    keep_preset,
    own_dashboards,
    rename_dashboard,
    set_home,
    share_dashboard,
    tile_in,
    tile_question,
)
from rakurs.app.looking import looked
from rakurs.app.ready_dashboards import READY
from rakurs.app.saved import AUDIENCES, report_for, reports_of
from rakurs.core.errors import BadInput, BadParameter, RakursError, UnknownName
from rakurs.core.text import Text
from rakurs.metrics import METRICS
from rakurs.state.models import Audience
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.dashboard_filters import bar_of
from rakurs.web.dashboard_tiles import Onlooker, tile_body, tile_head
from rakurs.web.filters import window_words
from rakurs.web.language import page_language
from rakurs.web.links import cell_of, public, query
from rakurs.web.views.pages import page_or_part, whole_number
from rakurs.web.views.report import members_page, sent_file

STATE = "state"
"""The form value that holds the dashboard's query, so that a tile asks for the same choice the address names."""
TV_ROWS = 14
TV_SECONDS, TV_LEAST, TV_MOST = 30, 5, 3600
NOT_PARAMETERS = frozenset({"name", "asked", "report", "dashboard", "new", "csrfmiddlewaretoken", "sort", "offset"})
BAD_JSON = Text(ru="Нужен JSON.", en="JSON is needed.")


def home(request: HttpRequest) -> HttpResponse:
    """The first page: the person's home dashboard, or how to begin while there is no data."""
    if not workspace().has_data:
        return render(request, "rakurs/reports.html", {"has_data": False})
    return _page(request, home_of(user_of(request)))


def dashboard(request: HttpRequest, key: str) -> HttpResponse:
    """One dashboard under the filters in the address; htmx gets its bar of filters."""
    return _page(request, dashboard_for(user_of(request), key))


def edit(request: HttpRequest, key: str) -> HttpResponse:
    """The same page with handles on its tiles."""
    shown = dashboard_for(user_of(request), key)
    if not shown.is_mine:
        return redirect("dashboard", key)
    return _page(request, shown, is_edited=True)


def index(request: HttpRequest) -> HttpResponse:
    """Every dashboard this person may open."""
    user = user_of(request)
    kept = list(dashboards_of(user))
    context = {
        "ready": READY.values(),
        "mine": [item for item in kept if item.owner == user],
        "others": [item for item in kept if item.owner != user],
        "home_key": home_of(user).key,
        "audiences": AUDIENCES,
    }
    return render(request, "rakurs/dashboards.html", context)


def tile(request: HttpRequest, key: str, tile_id: str) -> HttpResponse:
    """What stands in one tile."""
    shown, found = _tile(request, key, tile_id)
    return _body(request, shown, found)


def preview(request: HttpRequest, key: str) -> HttpResponse:
    """A tile that is not kept yet: its frame, or what stands in it."""
    shown = dashboard_for(user_of(request), key)
    found = tile_of(_json(request.GET.get("tile", "")))
    if request.GET.get("part") == "body":
        return _body(request, shown, found, is_kept=False)
    head = tile_head(found, shown, _eyes(request)) | {"kept": kept_tile(found)}
    address = f"{reverse('dashboard_preview', args=[key])}{query({'part': 'body', 'tile': request.GET['tile']})}"
    return render(request, "rakurs/_dashboard_tile.html", {"head": head | {"href": address}, "is_edited": True})


def members(request: HttpRequest, key: str, tile_id: str) -> HttpResponse:
    """The rows behind a tile, or behind one mark of it."""
    shown, found = _tile(request, key, tile_id)
    chosen = _chosen(request.GET)
    head = tile_head(found, shown, _eyes(request))
    return members_page(
        request,
        tile_question(found, shown, chosen, user=user_of(request), today=workspace().today),
        given=chosen.address,
        page=reverse("dashboard_members", args=[key, tile_id]),
        back=reverse("dashboard", args=[key]) + query(chosen.address),
        subject=f"{key}/{tile_id}",
        title=head["title"],
    )


@may("export")
def download_members(request: HttpRequest, key: str, tile_id: str, kind: str) -> StreamingHttpResponse:
    """All rows behind a tile, or behind one mark of it, as a file."""
    shown, found = _tile(request, key, tile_id)
    asked = tile_question(found, shown, _chosen(request.GET), user=user_of(request), today=workspace().today)
    cell = cell_of(request.GET)

    def write(target: Path, file_kind: ExportKind) -> None:
        workspace().ask_export(
            asked, cell=cell, scope=scope_for(request), kind=file_kind, language=page_language(), target=target
        )

    note(user_of(request), "export members", f"{key}/{tile_id}", detail={"asked": kept_asked(asked), "cell": cell})
    return sent_file(write, kind, name=f"{tile_id}-rows")


def television(request: HttpRequest) -> HttpResponse:
    """Dashboards on a wall: no menu, large letters, one after another."""
    user = user_of(request)
    keys = [key for key in request.GET.getlist("show") if key] or [home_of(user).key]
    at = whole_number(request.GET.get("at")) % len(keys)
    seconds = min(max(whole_number(request.GET.get("every"), otherwise=TV_SECONDS), TV_LEAST), TV_MOST)
    shown = dashboard_for(user, keys[at])
    looked(user, "dashboard", shown.key)
    chosen = _chosen(request.GET)
    following = {"show": keys, "at": (at + 1) % len(keys), "every": seconds, **chosen.address}
    board = _board(request, shown, chosen)
    context = board | {
        "heads": _first_rows(board["heads"]),
        "seconds": seconds,
        "following": query(following),
        "turn": keys,
        "places": [{"is_here": place == at} for place in range(len(keys))],
        "days": window_words(chosen.params.bound(workspace().today), format_of()),
        "leave": reverse("dashboard", args=[shown.key]),
    }
    return render(request, "rakurs/television.html", context)


def _first_rows(heads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tiles that fit a screen without scrolling; all of them where not even the first does."""
    fitting = [head for head in heads if head["place"].y + head["place"].h <= TV_ROWS]
    return fitting or heads


# -- what changes something ------------------------------------------------------------------------------


@require_POST
def create(request: HttpRequest) -> HttpResponse:
    """A new dashboard, empty or a copy, open for editing."""
    user, title = user_of(request), request.POST.get("title", "")
    if source := request.POST.get("source"):
        made = copy_dashboard(dashboard_for(user, source), owner=user, language=page_language(), title=title)
    else:
        made = create_dashboard(user, title=title)
    return redirect("edit_dashboard", made.key)


@require_POST
def save(request: HttpRequest, key: str) -> HttpResponse:
    """The tiles as they were arranged, and the name."""
    user = user_of(request)
    shown = dashboard_for(user, key)
    arranged = arrange(shown, layout_of(_json(request.POST.get("tiles", ""))), by=user)
    title, about = request.POST.get("title", ""), request.POST.get("about", "")
    if shown.kept is not None and (title, about) != (shown.kept.title, shown.kept.about):
        rename_dashboard(arranged, by=user, title=title, about=about)
    return redirect("dashboard", key)


@require_POST
def share(request: HttpRequest, key: str) -> HttpResponse:
    """Who else may open it."""
    user = user_of(request)
    share_dashboard(dashboard_for(user, key), request.POST.get("audience", ""), by=user)
    return redirect("dashboard", key)


@require_POST
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Gone."""
    user = user_of(request)
    delete_dashboard(dashboard_for(user, key), by=user)
    return redirect("dashboards")


@require_POST
def make_home(request: HttpRequest, key: str) -> HttpResponse:
    """From now on this person's first page."""
    set_home(user_of(request), key)
    return redirect("dashboard", key)


@require_POST
def presets(request: HttpRequest, key: str) -> HttpResponse:
    """Keep what is chosen now under a name, or drop a name."""
    user = user_of(request)
    shown = dashboard_for(user, key)
    state, dropped = request.POST.get(STATE, ""), request.POST.get("drop", "")
    if dropped:
        drop_preset(shown, by=user, name=dropped)
    else:
        keep_preset(shown, by=user, name=request.POST.get("name", ""), state=state)
    return redirect(reverse("dashboard", args=[key]) + (f"?{state}" if state else ""))


def add(request: HttpRequest) -> HttpResponse:
    """Where should this question stand? A choice of one's own dashboards, or the name of a new one, which goes first.

    The question is `asked` (the JSON of a question), a `report`'s id, or an analysis's `name` with its parameters.
    """
    user = user_of(request)
    content, question = _content(request)
    if request.method != "POST":
        context = {
            "question": question,
            "mine": own_dashboards(user),
            "hidden": [(name, value) for name in request.GET for value in request.GET.getlist(name)],
        }
        return render(request, "rakurs/dashboard_add.html", context)
    target, title = request.POST.get("dashboard", ""), request.POST.get("new", "").strip()
    shown = dashboard_for(user, target) if target and not title else create_dashboard(user, title=title)
    add_tile(shown, content, by=user)
    return redirect("dashboard", shown.key)


# -- parts -----------------------------------------------------------------------------------------------


def _page(request: HttpRequest, shown: Shown, *, is_edited: bool = False) -> HttpResponse:
    looked(user_of(request), "dashboard", shown.key)
    problem: RakursError | None = None
    try:
        chosen = _chosen(request.GET)
    except (BadParameter, UnknownName) as error:
        chosen, problem = Chosen(params=DashboardParams()), error
    context = _board(request, shown, chosen, is_edited=is_edited) | {"problem": problem.message if problem else None}
    response = page_or_part(
        request,
        whole="rakurs/dashboard.html",
        part="rakurs/_dashboard_bar.html",
        context=context,
        status=422 if problem else 200,
    )
    if "HX-Request" in request.headers:
        response.headers["HX-Push-Url"] = request.path + (f"?{context['state']}" if context["state"] else "")
    return response


def _board(request: HttpRequest, shown: Shown, chosen: Chosen, *, is_edited: bool = False) -> dict[str, Any]:
    """What the page of a dashboard needs before any of its numbers is known."""
    user, eyes = user_of(request), _eyes(request)
    state = query(chosen.address).removeprefix("?")
    heads = [
        tile_head(item, shown, eyes)
        | {"href": reverse("dashboard_tile", args=[shown.key, item.id]), "kept": kept_tile(item)}
        for item in shown.layout.tiles
    ]
    context: dict[str, Any] = {
        "shown": shown,
        "name": shown.name(page_language()),
        "about": shown.about if isinstance(shown.about, str) else shown.about.to(page_language()),
        "heads": heads,
        "state": state,
        "bar": bar_of(chosen, eyes),
        "is_edited": is_edited,
        "is_home": home_of(user).key == shown.key,
        "boards": _menu(request, shown),
        "may_share": user.may("share"),
        "audiences": [(value, title) for value, title in AUDIENCES.items()],
        "link": public(request, reverse("dashboard", args=[shown.key])),
        "is_private": shown.kept is not None and shown.kept.audience == Audience.PRIVATE,
    }
    if is_edited:
        context |= {"metrics": METRICS, "reports": reports_of(user)}
    return context


def _menu(request: HttpRequest, shown: Shown) -> list[dict[str, Any]]:
    language = page_language()
    ready = [(item.name, item.title.to(language)) for item in READY.values()]
    kept = [(item.id, item.title) for item in dashboards_of(user_of(request))]
    return [{"key": key, "title": title, "is_here": key == shown.key} for key, title in (*ready, *kept)]


def _body(request: HttpRequest, shown: Shown, found: Tile, *, is_kept: bool = True) -> HttpResponse:
    chosen = _chosen(QueryDict(request.GET.get(STATE, "")))
    context = tile_body(found, shown, chosen, _eyes(request), is_kept=is_kept)
    response = render(request, "rakurs/_dashboard_body.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _chosen(parts: QueryDict) -> Chosen:
    return chosen_of(dict(parts.lists()))


def _tile(request: HttpRequest, key: str, tile_id: str) -> tuple[Shown, Tile]:
    shown = dashboard_for(user_of(request), key)
    return shown, tile_in(shown, tile_id)


def _content(request: HttpRequest) -> tuple[Content, str]:
    """The tile's content that the request asks for, and what it is called."""
    given = request.POST if request.method == "POST" else request.GET
    user, language = user_of(request), page_language()
    if report_id := given.get("report"):
        report = report_for(user, report_id)
        return ReportTile(report=report.id), report.title
    asked: AnalysisAsked | PivotAsked
    if kept := given.get("asked"):
        asked = asked_of(_json(kept))
    else:
        name = given.get("name", "")
        params = {
            key: values if len(values) > 1 else values[0] for key, values in given.lists() if key not in NOT_PARAMETERS
        }
        asked = AnalysisAsked(name=name, params=params)
    analysis, _ = workspace().question(asked, scope=scope_for(request))
    return QuestionTile(asked=asked), analysis.title.to(language)


def _eyes(request: HttpRequest) -> Onlooker:
    return Onlooker(company=workspace(), user=user_of(request), scope=scope_for(request), form=format_of())


def _json(text: str) -> Any:
    try:
        return loads(text)
    except JSONDecodeError as error:
        raise BadInput(BAD_JSON) from error

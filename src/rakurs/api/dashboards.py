"""How does a program keep dashboards, and read their tiles?"""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import caller
from rakurs.api.problems import language_of
from rakurs.api.questions import LIMIT, OFFSET, as_json
from rakurs.app.accounts import note
from rakurs.app.answers_json import answer_document
from rakurs.app.dashboard_filters import chosen_of
from rakurs.app.dashboards import Layout, layout_of
from rakurs.app.kept_dashboards import (
    arrange,
    create_dashboard,
    dashboard_document,
    dashboard_for,
    dashboards_of,
    delete_dashboard,
    rename_dashboard,
    share_dashboard,
    tile_in,
    tile_question,
)
from rakurs.app.ready_dashboards import READY
from rakurs.app.serving import current

router = Router(tags=["dashboards"])


class NewDashboard(Schema):
    """A dashboard to keep. `tiles` are as another dashboard shows them; private until it is shared."""

    title: str
    about: str = ""
    tiles: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])
    audience: str | None = None


class DashboardChange(Schema):
    """What is to be different; what is not named stays."""

    title: str | None = None
    about: str | None = None
    tiles: list[dict[str, Any]] | None = None
    audience: str | None = None


@router.get("/dashboards", summary="The ready dashboards, one's own, and those shown to the whole company")
def dashboards(request: HttpRequest) -> HttpResponse:
    """Ready ones first."""
    user, language = caller(request).person(), language_of(request)
    keys = [*READY, *(kept.pk for kept in dashboards_of(user))]
    return as_json([dashboard_document(dashboard_for(user, key), language) for key in keys])


@router.post("/dashboards", summary="Keep a dashboard")
def create(request: HttpRequest, new: NewDashboard) -> HttpResponse:
    """A new dashboard of the caller's."""
    user = caller(request).person("keep")
    layout: Layout = layout_of(new.tiles)
    with transaction.atomic():
        made = create_dashboard(user, title=new.title, about=new.about, layout=layout)
        if new.audience is not None:
            share_dashboard(made, new.audience, by=user)
    return as_json(dashboard_document(dashboard_for(user, made.key), language_of(request)), status=201)


@router.get("/dashboards/{key}", summary="One dashboard")
def one(request: HttpRequest, key: str) -> HttpResponse:
    """Its tiles with their places and questions, and its presets."""
    return as_json(dashboard_document(dashboard_for(caller(request).person(), key), language_of(request)))


@router.patch("/dashboards/{key}", summary="Change a dashboard of one's own")
def change(request: HttpRequest, key: str, wanted: DashboardChange) -> HttpResponse:
    """A new name, other tiles, another audience: all of it, or nothing where a part is refused."""
    user, language = caller(request).person("keep"), language_of(request)
    shown = dashboard_for(user, key)
    known = dashboard_document(shown, language)
    with transaction.atomic():
        if wanted.title is not None or wanted.about is not None:
            title = known["title"] if wanted.title is None else wanted.title
            about = known["about"] if wanted.about is None else wanted.about
            rename_dashboard(shown, by=user, title=title, about=about)
        if wanted.tiles is not None:
            arrange(shown, layout_of(wanted.tiles), by=user)
        if wanted.audience is not None:
            share_dashboard(shown, wanted.audience, by=user)
    return as_json(dashboard_document(dashboard_for(user, key), language))


@router.delete("/dashboards/{key}", summary="Delete a dashboard of one's own")
def delete(request: HttpRequest, key: str) -> HttpResponse:
    """Reports it showed stay."""
    user = caller(request).person("keep")
    delete_dashboard(dashboard_for(user, key), by=user)
    return HttpResponse(status=204)


@router.get("/dashboards/{key}/tiles/{tile_id}/answer", summary="The answer in a tile, over the caller's own rows")
def answer(request: HttpRequest, key: str, tile_id: str, limit: int = LIMIT, offset: int = OFFSET) -> HttpResponse:
    """One page of it. Other parameters are the dashboard's own: `period`, `compare`, `f.manager` and the like."""
    who = caller(request)
    user = who.person()
    shown = dashboard_for(user, key)
    tile = tile_in(shown, tile_id)
    asked = tile_question(tile, shown, _chosen(request.GET), user=user, today=current().today)
    found = current().ask(asked, scope=who.scope, limit=limit, offset=offset)
    note(user, "answer", f"{key}/{tile_id}", rows=found.table.num_rows)
    return as_json(answer_document(found, language_of(request), currency=current().company.currency))


def _chosen(query: QueryDict) -> Any:
    own = {"limit", "offset", "language"}
    return chosen_of({name: query.getlist(name) for name in query if name not in own})

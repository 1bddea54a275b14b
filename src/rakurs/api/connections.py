"""How does a program connect the systems a company follows, see how they do, and how do they tell of their changes?"""

from datetime import date
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from ninja.throttling import SimpleRateThrottle

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app import connections, sync_jobs, syncing
from rakurs.app.accounts import note
from rakurs.app.connection_documents import reached_document, run_document, source_document, state_document
from rakurs.app.consenting import consent_document
from rakurs.app.serving import current
from rakurs.sources import LIVE_SOURCES
from rakurs.sources.live import LiveSource
from rakurs.state.models import Connection

router = Router(tags=["connections"])
HOOKS_A_MINUTE = "6000/m"


class PerConnection(SimpleRateThrottle):
    """So many calls a minute for each connection that is named, whoever calls."""

    def get_cache_key(self, request: HttpRequest) -> str | None:
        matched = request.resolver_match
        return f"hook-{matched.kwargs['connection_id'] if matched else request.path}"


class NewConnection(Schema):
    """A system to follow: which connector, what it asks for, and how often."""

    source: str
    title: str
    settings: dict[str, Any]
    every_minutes: int = 15


class ConnectionChange(Schema):
    """What is to be other; what is left out stays. An empty secret leaves the known one."""

    title: str | None = None
    settings: dict[str, Any] | None = None
    every_minutes: int | None = None
    is_paused: bool | None = None


class NewRun(Schema):
    """What a run is to bring: by default changes, or what a failed run had left; a period takes both days."""

    kind: Literal["full", "changes", "period"] | None = None
    from_day: date | None = None
    to_day: date | None = None


@router.get("/sources", summary="Systems that can be followed")
def sources(request: HttpRequest) -> HttpResponse:
    """Each with the settings it asks for."""
    _keeper(request)
    return as_json([source_document(source, language_of(request)) for source in LIVE_SOURCES.values()])


@router.get("/connections", summary="Systems that are followed")
def list_connections(request: HttpRequest) -> HttpResponse:
    """How each does: health, lag, the latest run, what to do."""
    _keeper(request)
    return as_json([state_document(state, language_of(request)) for state in connections.states()])


@router.post("/connections", summary="Follow a system")
def make_connection(request: HttpRequest, new: NewConnection) -> HttpResponse:
    """Its first, full run begins by itself; where it is opened by consent, once a person let Rakurs in on its page."""
    _keeper(request)
    source = connections.source_named(new.source)
    who = _keeper(request, source)
    settings = connections.checked(source, new.settings)
    connection = connections.made(current().home, source, settings, title=new.title, every_minutes=new.every_minutes)
    note(who.user, "connection made", connection.prefix)
    return as_json(state_document(connections.state_of(connection), language_of(request)), status=201)


@router.post("/connections/check", summary="Try settings without keeping them")
def check_settings(request: HttpRequest, new: NewConnection) -> HttpResponse:
    """Who answers, how many records there are, and what is closed to us."""
    _keeper(request)
    source = connections.source_named(new.source)
    _keeper(request, source)
    reached = source.check(connections.checked(source, new.settings))
    return as_json(reached_document(reached, language_of(request)))


@router.get("/connections/{name}", summary="One connection")
def connection(request: HttpRequest, name: str) -> HttpResponse:
    """How it does, its settings without secrets, where it sends changes, its latest runs; where it is opened by consent, the page on
    which a person lets Rakurs in.
    """
    _keeper(request)
    found, language = connections.connection_named(name), language_of(request)
    runs = [run_document(run, language) for run in connections.runs_of(found)[:20]]
    shown = connections.shown_settings(current().home, found)
    hook = connections.address_of(found)
    document = state_document(connections.state_of(found), language)
    consent = consent_document(current().home, found)
    return as_json(document | {"settings": shown, "hook": hook, "consent": consent, "runs": runs})


@router.patch("/connections/{name}", summary="Change a connection")
def change_connection(request: HttpRequest, name: str, change: ConnectionChange) -> HttpResponse:
    """Its name, pace, settings, or whether it rests. Other settings mean that the next run reads everything."""
    _keeper(request)
    found, home = connections.connection_named(name), current().home
    who = _keeper(request, connections.source_of(found))
    if change.title is not None or change.every_minutes is not None:
        connections.changed(
            found, title=change.title or found.title, every_minutes=change.every_minutes or found.every_minutes
        )
    if change.settings is not None:
        connections.resettle(home, found, change.settings)
    if change.is_paused is not None:
        connections.paused(found, is_paused=change.is_paused)
    note(who.user, "connection changed", found.prefix)
    return as_json(state_document(connections.state_of(found), language_of(request)))


@router.delete("/connections/{name}", summary="Follow a system no more")
def remove_connection(request: HttpRequest, name: str) -> HttpResponse:
    """Its keys are forgotten; rows that came stay."""
    who = _keeper(request)
    found = connections.connection_named(name)
    connections.removed(current().home, found)
    note(who.user, "connection removed", found.prefix)
    return HttpResponse(status=204)


@router.post("/connections/{name}/check", summary="Test a connection")
def check_connection(request: HttpRequest, name: str) -> HttpResponse:
    """Who answers at the other side."""
    _keeper(request)
    found = connections.connection_named(name)
    settings = connections.settings_of(current().home, found)
    reached = connections.source_of(found).check(settings)
    return as_json(reached_document(reached, language_of(request)))


@router.post("/connections/{name}/runs", summary="Bring data now")
def begin_run(request: HttpRequest, name: str, new: NewRun) -> HttpResponse:
    """Returns at once; the run tells how far it is."""
    who = _keeper(request)
    found = connections.connection_named(name)
    run = syncing.begun(found, new.kind, by=who.user, from_day=new.from_day, to_day=new.to_day)
    note(who.user, "connection run", found.prefix)
    return as_json(run_document(run, language_of(request)), status=202)


@router.get("/connections/{name}/runs", summary="Runs of a connection, the newest first")
def runs(request: HttpRequest, name: str, limit: int = Query(50, ge=1, le=1000)) -> HttpResponse:
    """What each brought, and what went wrong."""
    _keeper(request)
    found = connections.connection_named(name)
    return as_json([run_document(run, language_of(request)) for run in connections.runs_of(found)[:limit]])


@router.delete("/connections/{name}/runs", summary="Stop the run under way")
def stop_run(request: HttpRequest, name: str) -> HttpResponse:
    """The connection is paused; what was read is kept, and the next run goes on from there."""
    _keeper(request)
    found = connections.connection_named(name)
    for run in connections.runs_of(found)[:1]:
        if not run.is_finished:
            syncing.cancelled(run)
    found.refresh_from_db()
    return as_json(state_document(connections.state_of(found), language_of(request)))


@router.post("/hooks/{connection_id}", auth=None, throttle=[PerConnection(HOOKS_A_MINUTE)], include_in_schema=False)
def hook(request: HttpRequest, connection_id: str) -> HttpResponse:
    """A followed system tells of a change. No login: the system has none, it proves itself by the token of its webhook."""
    return _heard(request, connection_id)


@router.post(
    "/hooks/{connection_id}/{path:rest}",
    auth=None,
    throttle=[PerConnection(HOOKS_A_MINUTE)],
    include_in_schema=False,
    url_name="hook_below",
)
def hook_below(request: HttpRequest, connection_id: str, rest: str) -> HttpResponse:
    """The same, of a system that adds a path of its own to the address it is given. No login, as above."""
    _ = rest
    return _heard(request, connection_id)


def _heard(request: HttpRequest, connection_id: str) -> HttpResponse:
    found = get_object_or_404(Connection, pk=connection_id)
    form = {name: request.POST.get(name, "") for name in request.POST}
    sync_jobs.hear(found, form)
    return HttpResponse(status=200)


def _keeper(request: HttpRequest, source: LiveSource | None = None) -> Caller:
    """Whoever loads data; what names places of this machine or its network is for those who administer."""
    who = caller(request)
    who.must("load")
    if source is not None and source.reaches_inside:
        who.must("administer")
    return who

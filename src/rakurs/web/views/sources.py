"""Which systems does the company follow, how does each do, and how is one connected?"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone as clock
from django.views.decorators.http import require_POST

from rakurs.app import connections, consenting, syncing
from rakurs.app.accounts import note
from rakurs.app.connection_documents import KIND_WORDS, STATUS_WORDS, run_document, state_document
from rakurs.app.reports import report_read
from rakurs.core.errors import BadParameter, NotAllowed, RakursError, UnknownName
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import table_named
from rakurs.sources import LIVE_SOURCES
from rakurs.sources.live import Area, LiveSource, Reached
from rakurs.state.models import Connection, SyncRun
from rakurs.web.access import REFUSED, format_of, may, user_of, workspace
from rakurs.web.language import page_language, said
from rakurs.web.links import public
from rakurs.web.views.pages import page_or_part

SHOWN_RUNS = 20
AREAS: Mapping[Area, Text] = {
    "crm": Text(ru="CRM", en="CRM"),
    "telephony": Text(ru="Телефония", en="Telephony"),
    "advertising": Text(ru="Реклама и счётчики", en="Advertising and counters"),
    "data": Text(ru="Базы и файлы", en="Databases and files"),
}
TONES: Mapping[str, str] = {
    "good": "good",
    "working": "accent",
    "late": "warn",
    "bad": "bad",
    "paused": "",
    "new": "",
    SyncRun.Status.WAITING: "",
    SyncRun.Status.FETCHING: "accent",
    SyncRun.Status.LOADING: "accent",
    SyncRun.Status.DONE: "good",
    SyncRun.Status.FAILED: "bad",
    SyncRun.Status.CANCELLED: "",
}
_CONNECTED = Text(
    ru="Подключено. Ответил {who}; первая загрузка начинается.", en="Connected. {who} answered; the first load begins."
)
_TO_ALLOW = Text(
    ru="Сохранено. Осталось разрешить доступ: нажмите «Разрешить».",
    en="Saved. What is left is to allow access: press “Allow”.",
)
_ALLOWED = Text(ru="Доступ разрешён: отвечает {who}.", en="Access is allowed: {who} answers.")
_ASKED = "consent"
"""Where a session keeps the question that somebody was sent to answer."""
_PARTLY = Text(ru="Закрыто и не загрузится: {closed}.", en="Closed and not loaded: {closed}.")
_ANSWERS = Text(ru="Связь есть: отвечает {who}.", en="The connection works: {who} answers.")
_ANSWERS_PARTLY = Text(
    ru="Связь есть: отвечает {who}. Не загружается: {closed}.",
    en="The connection works: {who} answers. Not loaded: {closed}.",
)
_KEPT = Text(ru="Сохранено.", en="Saved.")
_BEGUN = Text(ru="Запуск начинается.", en="The run begins.")
_GONE = Text(
    ru="Отключено, ключи забыты. Загруженные строки остались.",
    en="Disconnected, its keys are forgotten. The rows that came stay.",
)
_FIELD = Text(ru="{title}: проверьте значение ({reason})", en="{title}: check the value ({reason})")


@may("load")
def index(request: HttpRequest) -> HttpResponse:
    """Every connection and how it does; what else can be connected."""
    states = [_state_view(state) for state in connections.states()]
    context = {
        "states": states,
        "is_running": any(state["moves"] for state in states),
        "offered": _offered(is_administrator=user_of(request).may("administer")),
    }
    return page_or_part(request, whole="rakurs/sources.html", part="rakurs/_sources.html", context=context)


def _offered(*, is_administrator: bool) -> list[tuple[Text, list[LiveSource]]]:
    """What can be connected, by area; what reaches inside is for those who administer."""
    offered = [source for source in LIVE_SOURCES.values() if is_administrator or not source.reaches_inside]
    by_area = ((title, [source for source in offered if source.area == area]) for area, title in AREAS.items())
    return [(title, sources) for title, sources in by_area if sources]


@may("load")
def new(request: HttpRequest, name: str) -> HttpResponse:
    """The settings form of a system; posted, they are tried and kept only when somebody answered."""
    try:
        source = connections.source_named(name)
    except UnknownName as unknown:
        raise Http404 from unknown
    _let_in(request, source)
    problem = ""
    given = request.POST.dict() if request.method == "POST" else {"title": said(source.title), **_defaults(source)}
    if request.method == "POST":
        try:
            settings = connections.checked(source, {**given, **_flags(source, given)})
            reached = None if source.is_by_consent(settings) else source.check(settings)
            made = connections.made(
                workspace().home, source, settings, title=given.get("title", ""), every_minutes=_minutes(given)
            )
        except RakursError as wrong:
            problem = _words_of(wrong, source)
        else:
            note(user_of(request), "connection made", made.prefix)
            if reached is None:
                messages.success(request, said(_TO_ALLOW))
            else:
                messages.success(request, said(reached.advice or _CONNECTED.filled(who=reached.who)))
                _warn_of(request, reached)
            return redirect("source", made.pk)
    context = {
        "source": source,
        "fields": _fields(source, given),
        "given": given,
        "problem": problem,
        "back": public(request, consenting.RETURN_PATH),
    }
    return page_or_part(request, whole="rakurs/source_new.html", part="rakurs/_source_new.html", context=context)


@may("load")
def source(request: HttpRequest, connection_id: str) -> HttpResponse:
    """One connection: health, progress, what came, its runs and settings."""
    found = _found(connection_id)
    known = connections.source_of(found)
    state = connections.state_of(found)
    runs = [_run_view(run) for run in connections.runs_of(found)[:SHOWN_RUNS]]
    shown = connections.shown_settings(workspace().home, found)
    hook = public(request, connections.address_of(found))
    context = {
        "state": _state_view(state),
        "run": runs[0] if runs else None,
        "good": None if state.last_good is None else _run_view(state.last_good),
        "runs": runs,
        "source": known,
        "fields": _fields(
            known, {**shown, **{name: "on" for name, value in shown.items() if value is True}}, shown=shown
        ),
        "hook": hook,
        "back": public(request, consenting.RETURN_PATH),
        "is_by_consent": consenting.is_by_consent(workspace().home, found),
        "is_allowed": consenting.is_allowed(workspace().home, found),
        "may_settle": not known.reaches_inside or user_of(request).may("administer"),
        "today": workspace().clock_today.isoformat(),
    }
    return page_or_part(request, whole="rakurs/source.html", part="rakurs/_source.html", context=context)


@may("load")
def allow(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Off to the system's own page, where its person agrees. What comes back must repeat the word that this session keeps."""
    found = _found(connection_id)
    _let_in(request, connections.source_of(found))
    back = public(request, consenting.RETURN_PATH)
    address, question = consenting.asked(workspace().home, found, back=back, at=clock.now())
    request.session[_ASKED] = question.kept()
    return redirect(address)


@may("load")
def allowed(request: HttpRequest) -> HttpResponse:
    """Back from the system with a code: it becomes tokens, once."""
    kept = request.session.pop(_ASKED, None)
    # A word that was used opens nothing more, whatever becomes of the answer.
    request.session.save()
    user = user_of(request)
    try:
        found, reached = consenting.answered(workspace().home, kept, request.GET.dict(), at=clock.now(), by=user)
    except RakursError as wrong:
        messages.error(request, said(wrong.message))
        return redirect("source", kept["connection"]) if kept else redirect("sources")
    note(user, "connection allowed", found.prefix)
    messages.success(request, said(_ALLOWED.filled(who=reached.who)))
    _warn_of(request, reached)
    return redirect("source", found.pk)


def _warn_of(request: HttpRequest, reached: Reached) -> None:
    if reached.closed:
        messages.warning(request, said(_PARTLY.filled(closed=", ".join(said(title) for title in reached.closed))))


@require_POST
@may("load")
def act(request: HttpRequest, connection_id: str) -> HttpResponse:
    """Run now, stop, pause, go on, test, save, disconnect: one deed of the connection's page."""
    found, deed = _found(connection_id), request.POST.get("deed", "")
    known, home = connections.source_of(found), workspace().home
    try:
        if deed in {"run", "full", "period"}:
            _begin(request, found, deed)
            messages.success(request, said(_BEGUN))
        elif deed == "stop":
            for run in connections.runs_of(found)[:1]:
                syncing.cancelled(run)
        elif deed in {"pause", "resume"}:
            connections.paused(found, is_paused=deed == "pause")
            note(user_of(request), "connection changed", found.prefix)
        elif deed == "check":
            reached = known.check(connections.settings_of(home, found))
            closed = ", ".join(said(title) for title in reached.closed)
            words = _ANSWERS_PARTLY if closed else _ANSWERS
            tell = messages.warning if reached.advice else messages.success
            tell(request, said(reached.advice or words.filled(who=reached.who, closed=closed)))
        elif deed == "settings":
            _let_in(request, known)
            given: dict[str, Any] = request.POST.dict()
            connections.changed(found, title=given.get("title", ""), every_minutes=_minutes(given))
            connections.resettle(home, found, {**given, **_flags(known, given)})
            note(user_of(request), "connection changed", found.prefix)
            messages.success(request, said(_KEPT))
        elif deed == "remove":
            connections.removed(home, found)
            note(user_of(request), "connection removed", found.prefix)
            messages.success(request, said(_GONE))
            return redirect("sources")
    except RakursError as wrong:
        messages.error(request, _words_of(wrong, known))
    return redirect("source", found.pk)


def _let_in(request: HttpRequest, source: LiveSource) -> None:
    """What names places of this machine or its network is for those who administer."""
    if source.reaches_inside and not user_of(request).may("administer"):
        raise NotAllowed(REFUSED)


def _begin(request: HttpRequest, found: Connection, deed: str) -> None:
    user = user_of(request)
    if deed == "period":
        days = [_day(request.POST.get(name, "")) for name in ("from_day", "to_day")]
        syncing.begun(found, "period", by=user, from_day=days[0], to_day=days[1])
    else:
        syncing.begun(found, "full" if deed == "full" else None, by=user)
    if found.is_paused:
        connections.paused(found, is_paused=False)
    note(user, "connection run", found.prefix)


def _found(connection_id: str) -> Connection:
    try:
        return connections.connection_named(connection_id)
    except UnknownName as unknown:
        raise Http404 from unknown


def _state_view(state: connections.State) -> dict[str, Any]:
    connection = state.connection
    document = state_document(state, page_language())
    return {
        **document,
        "href": reverse("source", args=[connection.pk]),
        "tone": TONES[state.health],
        # What is about to begin by itself is looked at again, as what is under way is.
        "moves": state.health in {"working", "new"},
        "updated_at": None if state.last_good is None else state.last_good.started_at,
        "due_at": connections.due_at(connection, state.latest),
        "heard_at": connection.heard_at,
        "compared_at": connection.compared_at,
        "latest": None if state.latest is None else _run_view(state.latest),
    }


def _run_view(run: SyncRun) -> dict[str, Any]:
    document = run_document(run, page_language())
    seconds = None
    if run.started_at is not None and run.finished_at is not None:
        seconds = round((run.finished_at - run.started_at).total_seconds())
    tables = [
        {"title": said(table_named(table["table"]).title), "name": table["table"], "count": {"removed": 0, **table}}
        for table in document["tables"]
        if any(table.get(part) for part in ("read", "removed"))
    ]
    return {
        **document,
        "words": said(STATUS_WORDS[run.status]),
        "kind_words": said(KIND_WORDS[run.wanted["kind"]]),
        "tone": TONES[run.status],
        "is_running": not run.is_finished,
        "is_cancel_asked": run.is_cancel_asked,
        "begun_at": run.started_at or run.created_at,
        "by": run.by,
        "took": None if seconds is None else format_of().shown(seconds, Unit.SECONDS),
        "tables": tables,
        "notes": [said(note) for note in _notes_of(run)],
    }


def _notes_of(run: SyncRun) -> list[Text]:
    """What reading wants a person to know: a new shape of file, totals that were left out."""
    files = [] if run.report is None else report_read(run.report).files
    return [Text(ru=f"{file.file}: {one.ru}", en=f"{file.file}: {one.en}") for file in files for one in file.notes]


def _fields(
    source: LiveSource, given: Mapping[str, Any], *, shown: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "title": said(field.title),
            "hint": said(field.hint),
            "kind": field.kind,
            "is_required": field.is_required and field.way == "any" and not (shown or {}).get(field.name),
            "way": field.way,
            "is_set": bool((shown or {}).get(field.name)),
            "value": "" if field.kind == "secret" else given.get(field.name, ""),
            "is_on": field.kind == "flag" and given.get(field.name) == "on",
        }
        for field in source.fields
    ]


def _defaults(source: LiveSource) -> dict[str, str]:
    """What a new connection has where nobody says otherwise, as a form gives it."""
    defaults = {name: info.default for name, info in source.settings.model_fields.items() if not info.is_required()}
    said_as = {True: "on", False: ""}
    return {
        field.name: said_as[default] if isinstance(default := defaults[field.name], bool) else str(default)
        for field in source.fields
        if field.kind in {"text", "flag"} and field.name in defaults and defaults[field.name] is not None
    }


def _flags(source: LiveSource, given: Mapping[str, Any]) -> dict[str, bool]:
    """A form leaves out what is not ticked."""
    return {field.name: field.name in given for field in source.fields if field.kind == "flag"}


def _minutes(given: Mapping[str, Any]) -> int:
    text = str(given.get("every_minutes", ""))
    if not text.isdecimal():
        raise BadParameter(
            "every_minutes", text, Text(ru="нужно целое число минут", en="a whole number of minutes is needed")
        )
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _words_of(wrong: RakursError, source: LiveSource) -> str:
    """An error in words; a wrong field is called by its title, without its value, which may be a secret."""
    if isinstance(wrong, BadParameter):
        titles = {field.name: field.title for field in source.fields}
        if wrong.parameter in titles:
            return said(_FIELD.filled(title=said(titles[wrong.parameter]), reason=said(wrong.reason)))
    return said(wrong.message)

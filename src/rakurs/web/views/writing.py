"""What is written into which CRM? Where it is allowed, a form, the preview, and the log of every deed."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from rakurs.app import writing, writing_runs, writing_wishes
from rakurs.app.connections import connection_named, source_of
from rakurs.app.naming import Names, names_in
from rakurs.app.segments import segments_of
from rakurs.app.writing import KINDS, Permit
from rakurs.app.writing_documents import DEED_WORDS, STATUS_WORDS, counts_of, kinds_counted, reasons_counted
from rakurs.app.writing_drafts import REASONS
from rakurs.app.writing_values import VALUES, value_named
from rakurs.app.writing_wishes import Wish
from rakurs.core.errors import BadInput, UnknownName
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import reference
from rakurs.state.models import Connection, WriteDeed, WriteRun
from rakurs.web.access import format_of, may, scope_for, user_of, workspace
from rakurs.web.language import page_language, said
from rakurs.web.links import PAGE_SIZE, card_href, query
from rakurs.web.tables import pages_of
from rakurs.web.views.pages import page_or_part, whole_number

SHOWN_RUNS = 50
DUE_IN = timedelta(days=3)
TONES: Mapping[str, str] = {
    WriteRun.Status.READY: "warn",
    WriteRun.Status.DRAFTING: "accent",
    WriteRun.Status.WAITING: "accent",
    WriteRun.Status.WRITING: "accent",
    WriteRun.Status.DONE: "good",
    WriteRun.Status.FAILED: "bad",
    WriteDeed.Status.SENT: "accent",
    WriteDeed.Status.PLANNED: "",
    WriteDeed.Status.SKIPPED: "",
}
TABS: Mapping[str, Text] = {
    WriteDeed.Status.PLANNED: Text(ru="Будет записано", en="To be written"),
    WriteDeed.Status.SENT: Text(ru="Выясняется", en="Being found out"),
    WriteDeed.Status.DONE: Text(ru="Записано", en="Written"),
    WriteDeed.Status.FAILED: Text(ru="Ошибки", en="Failed"),
    WriteDeed.Status.SKIPPED: Text(ru="Пропущено", en="Skipped"),
}
ICONS: Mapping[str, str] = {"field": "pencil", "comment": "message-circle", "task": "clipboard-list"}
KINDS_OF_ONE: Mapping[str, Text] = {
    "field": Text(ru="Поле", en="Field"),
    "comment": Text(ru="Комментарий", en="Comment"),
    "task": Text(ru="Задача", en="Task"),
}
_EMPLOYEE = reference("employee_id", "employees", "Сотрудник", "Employee")
_ALLOWED = Text(ru="Сохранено.", en="Saved.")
_FORBIDDEN = Text(ru="Запись выключена.", en="Writing is off.")
_NAME = Text(ru="имя клиента", en="the customer's name")


@may(writing.WRITES)
def index(request: HttpRequest) -> HttpResponse:
    """Where writing is allowed, and everything that was written."""
    runs = [_run_view(run) for run in writing.runs()[:SHOWN_RUNS]]
    permits = [_permit_view(permit) for permit in writing.permits()]
    context = {
        "permits": permits,
        "is_on": any(permit["is_on"] for permit in permits),
        "runs": runs,
        "is_running": any(run["is_moving"] for run in runs),
    }
    return page_or_part(request, whole="rakurs/writing.html", part="rakurs/_writing.html", context=context)


@require_POST
@may(writing.TURNS_ON)
def settle(request: HttpRequest, connection_id: str) -> HttpResponse:
    """What may be written over a connection, and how much of it."""
    post = request.POST
    try:
        permit = writing.permitted(
            _connection(connection_id),
            post.getlist("kinds"),
            by=user_of(request),
            run_limit=whole_number(post.get("run_limit")),
            day_limit=whole_number(post.get("day_limit")),
        )
    except BadInput as wrong:
        messages.error(request, said(wrong.message))
    else:
        messages.success(request, said(_ALLOWED if permit.is_on else _FORBIDDEN))
    return redirect("writing")


@may(writing.WRITES)
def new(request: HttpRequest) -> HttpResponse:
    """The form of a writing; sent, its preview."""
    given: QueryDict = request.POST if request.method == "POST" else request.GET
    problem: Text | None = None
    if request.method == "POST":
        try:
            run = writing_wishes.begun(
                _connection(given.get("connection", "")),
                given.get("segment", ""),
                _wish(given),
                by=user_of(request),
                language=page_language(),
                today=workspace().clock_today,
            )
        except BadInput as wrong:
            problem = wrong.message
        else:
            return redirect("writing_run", run.pk)
    context = {
        "problem": problem,
        "given": given,
        "due_on": given.get("due_on") or (workspace().clock_today + DUE_IN).isoformat(),
        "is_clearing": request.method != "POST" or "clears" in given,
        "today": workspace().clock_today.isoformat(),
        "permits": [_permit_view(permit) for permit in writing.permits() if permit.is_on],
        "segments": segments_of(user_of(request)),
        "values": [
            {"name": value.name, "title": value.title, "is_chosen": value.name in given.getlist("values")}
            for value in VALUES
        ],
        "words": [{"name": "name", "title": _NAME}, *({"name": one.name, "title": one.title} for one in VALUES)],
    }
    status = 422 if problem else 200
    return page_or_part(
        request, whole="rakurs/writing_new.html", part="rakurs/_writing_new.html", context=context, status=status
    )


@may(writing.WRITES)
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """One writing: its preview while it waits to be confirmed, its progress, its log."""
    found = _run(run_id)
    counts = counts_of(found)
    usual = WriteDeed.Status.PLANNED if counts["planned"] or not counts["done"] else WriteDeed.Status.DONE
    asked = request.GET.get("show", "")
    shown, offset = asked if asked in TABS else usual, whole_number(request.GET.get("offset"))
    deeds = list(WriteDeed.objects.filter(run=found, status=shown)[offset : offset + PAGE_SIZE])
    reasons = reasons_counted(found)
    context = {
        "run": _run_view(found),
        "about": _about(found),
        "kinds": [{**one, "icon": ICONS[one["kind"]]} for one in kinds_counted(found)],
        "new_fields": [{"title": one["title"], "place": one[page_language()]} for one in found.lacking],
        "reasons": [{"title": REASONS[name], "count": count} for name, count in reasons.items()],
        "tabs": [
            {
                "title": title,
                "count": counts[name],
                "href": query({"show": None if name == usual else name}) or "?",
                "is_chosen": name == shown,
            }
            for name, title in TABS.items()
            if counts[name] or name == shown
        ],
        "deeds": _deed_views(request, found, deeds),
        "has_deeds": any(counts.values()),
        "has_states": shown != WriteDeed.Status.PLANNED,
        "pages": pages_of(counts[shown], offset=offset, limit=PAGE_SIZE, given={"show": asked or None}),
    }
    return page_or_part(request, whole="rakurs/writing_run.html", part="rakurs/_writing_run.html", context=context)


@require_POST
@may(writing.WRITES)
def act(request: HttpRequest, run_id: str) -> HttpResponse:
    """Confirm, stop or drop, go on, bring back: one deed of a writing's page."""
    found, user, deed = _run(run_id), user_of(request), request.POST.get("deed", "")
    try:
        if deed == "confirm":
            writing_runs.confirmed(found, by=user)
        elif deed == "resume":
            writing_runs.gone_on(found, by=user)
        elif deed == "stop":
            writing_runs.stopped(found, by=user)
        elif deed == "undo":
            return redirect("writing_run", writing_runs.undo_begun(found, by=user).pk)
    except BadInput as wrong:
        messages.error(request, said(wrong.message))
    return redirect("writing_run", found.pk)


def _wish(given: QueryDict) -> Wish:
    return Wish(
        values=tuple(given.getlist("values")),
        comment=given.get("comment", "").strip(),
        task=given.get("task", "").strip(),
        due_on=_day(given.get("due_on", "")),
        campaign=given.get("campaign", ""),
        clears="clears" in given,
    )


def _connection(name: str) -> Connection:
    try:
        return connection_named(name)
    except UnknownName as unknown:
        raise Http404 from unknown


def _run(run_id: str) -> WriteRun:
    try:
        return writing.run_named(run_id)
    except UnknownName as unknown:
        raise Http404 from unknown


def _permit_view(permit: Permit) -> dict[str, Any]:
    connection = permit.connection
    return {
        "id": connection.pk,
        "title": connection.title,
        "source": source_of(connection).title,
        "prefix": connection.prefix,
        "is_on": permit.is_on,
        "allowed": ", ".join(said(KINDS[kind]).lower() for kind in permit.kinds),
        "kinds": [
            {"name": kind, "title": title, "is_on": kind in permit.kinds}
            for kind, title in KINDS.items()
            if kind in permit.writer.kinds
        ],
        "run_limit": permit.run_limit,
        "day_limit": permit.day_limit,
        "left_today": writing.left_today(workspace(), permit),
        "needs": permit.writer.needs,
        "href": f"{reverse('new_writing')}{query({'connection': connection.prefix})}",
    }


def _run_view(run: WriteRun) -> dict[str, Any]:
    counts = counts_of(run)
    return {
        "id": run.pk,
        "href": reverse("writing_run", args=[run.pk]),
        "title": run.title,
        "connection": run.connection.title if run.connection else run.prefix,
        "kinds": ", ".join(said(KINDS[kind]).lower() for kind in writing_runs.kinds_of(run)),
        "is_undo": run.undoes is not None,
        "undoes": run.undoes,
        "status": run.status,
        "words": STATUS_WORDS[run.status],
        "tone": TONES.get(run.status, ""),
        "is_moving": run.is_moving,
        "is_writing": run.status in WriteRun.UNDER_WAY,
        "is_ready": run.status == WriteRun.Status.READY,
        "can_go_on": run.status in WriteRun.STOPPED
        and run.confirmed_at is not None
        and bool(counts["planned"] + counts["sent"]),
        "can_be_undone": writing_runs.can_be_undone(run),
        "is_cancel_asked": run.is_cancel_asked,
        "step": run.step_ru if page_language() == "ru" else run.step_en,
        "done": run.done,
        "total": run.total,
        "counts": counts,
        "error": run.error_ru if page_language() == "ru" else run.error_en,
        "by": run.by,
        "created_at": run.created_at,
        "confirmed_at": run.confirmed_at,
        "finished_at": run.finished_at,
    }


def _about(run: WriteRun) -> list[dict[str, str]]:
    """What was asked, in words; nothing of one that only brings back."""
    if run.undoes is not None:
        return []
    wish = writing_wishes.wish_of(run)
    fields = [value.title for value in VALUES if value.name in wish.values]
    told = [
        (Text(ru="Поля", en="Fields"), " · ".join(said(title) for title in fields)),
        (Text(ru="Комментарий", en="Comment"), wish.comment),
        (Text(ru="Задача", en="Task"), wish.task),
        (Text(ru="Срок", en="Due"), format_of().shown(wish.due_on, Unit.DAY) if wish.task else ""),
        (Text(ru="Повод", en="Occasion"), wish.campaign),
    ]
    return [{"title": said(title), "text": text} for title, text in told if text]


def _deed_views(request: HttpRequest, run: WriteRun, deeds: list[WriteDeed]) -> list[dict[str, Any]]:
    told = [{"employee_id": f"{run.prefix}:{deed.to}"} for deed in deeds if deed.to]
    with workspace().reading() as reader:
        names = names_in(reader, [((_EMPLOYEE,), told)], scope=scope_for(request))
    records = [(deed.customer_id, deed.record) for deed in deeds]
    return [
        {
            **_deed_view(deed, run, names),
            "is_first": number == 0 or records[number - 1] != record,
            "goes_on": number + 1 < len(records) and records[number + 1] == record,
        }
        for number, (deed, record) in enumerate(zip(deeds, records, strict=True))
    ]


def _deed_view(deed: WriteDeed, run: WriteRun, names: Names) -> dict[str, Any]:
    value = value_named(deed.field)
    return {
        "kind": deed.kind,
        "icon": ICONS[deed.kind],
        "title": value.title if value else KINDS_OF_ONE[deed.kind],
        "customer": deed.customer or deed.customer_id,
        "href": card_href("customers", deed.customer_id),
        "record": deed.record,
        "is_field": deed.kind == "field",
        "has_change": deed.reason not in {"no_record", "no_value", "gone"},
        "before": deed.before,
        "value": deed.value,
        "text": deed.text,
        "to": names.of(_EMPLOYEE, {"employee_id": f"{run.prefix}:{deed.to}"}) if deed.to else "",
        "due_at": deed.due_at,
        "state": REASONS[deed.reason] if deed.reason else DEED_WORDS[deed.status],
        "tone": {"done": "good", "failed": "bad", "sent": "accent"}.get(deed.status, ""),
        "words": deed.words,
        "at": deed.finished_at,
    }


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None

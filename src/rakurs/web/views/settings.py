"""Who may do what here, and what did they do? People, invitations, roles, the audit."""

import io
import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from rakurs.app import people, second_factor
from rakurs.app.accounts import note, reset_password
from rakurs.app.audit import AuditFilter, deeds_in_audit, people_in_audit, subject_titles, write_audit
from rakurs.app.audit_words import deed_words
from rakurs.app.people import Rights
from rakurs.app.rights import Scope, ScopeKind
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.state.models import AuditEvent, Invitation, OwnRole, User
from rakurs.state.roles import DEED_HELP, DEED_TITLES, DEEDS, EVERYONES, ROLES, SCOPES
from rakurs.web.access import may, user_of, workspace
from rakurs.web.language import said
from rakurs.web.links import PAGE_SIZE, public, query
from rakurs.web.tables import pages_of
from rakurs.web.views.pages import page_or_part, whole_number

USUAL_RIGHTS = {"role": "manager", "scope_kind": "own"}
"""What the form of an invitation proposes: the least."""
SAVED = Text(ru="Сохранено.", en="Saved.")
DONE = {
    "close": Text(ru="Доступ закрыт, сеансы завершены.", en="Access is closed and the sessions have ended."),
    "reopen": Text(ru="Доступ возвращён.", en="Access is open again."),
    "end-sessions": Text(ru="Сеансы завершены.", en="The sessions have ended."),
    "drop-second-factor": Text(ru="Второй фактор сброшен.", en="The second factor is reset."),
}
WITHDRAWN = Text(ru="Приглашение отозвано.", en="The invitation is withdrawn.")


@may("administer")
@never_cache
def everybody(request: HttpRequest, *, problem: Text | None = None, link: str = "") -> HttpResponse:
    """Who may log in, who was invited, and the form that invites; a new invitation's link is shown this once."""
    titles = people.role_titles()
    users = User.objects.order_by("-is_active", "name", "login")
    context = {
        "people": [_person_view(user, titles) for user in users],
        "invitations": [
            {"id": found.pk, "login": found.login, "role": _role_words(found.role, titles), "scope": _sight(found)}
            | {"expires_at": found.expires_at}
            for found in Invitation.objects.filter(expires_at__gt=timezone.now())
        ],
        "problem": said(problem) if problem else "",
        "link": link,
        "given": request.POST if problem else USUAL_RIGHTS,
        **_choices(),
    }
    return render(request, "rakurs/people.html", context, status=422 if problem else 200)


@may("administer")
@require_POST
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    try:
        _invitation, text = people.invite(
            user_of(request), request.POST.get("login", ""), _rights(request), name=request.POST.get("name", "")
        )
    except BadInput as lacking:
        return _page(everybody, request, problem=lacking.message)
    link = public(request, reverse("join", args=[text]))
    return _page(everybody, request, link=link)


@may("administer")
@require_POST
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """The link of an invitation opens nothing from now on."""
    people.withdraw(user_of(request), get_object_or_404(Invitation, pk=invitation_id))
    messages.success(request, said(WITHDRAWN))
    return redirect("people")


@may("administer")
@never_cache
def person(request: HttpRequest, user_id: int, *, password: str = "") -> HttpResponse:
    """One person: name, role, how far they see; what can be done to their access."""
    user = get_object_or_404(User, pk=user_id)
    problem: Text | None = None
    if request.method == "POST" and not password:
        try:
            people.change(user_of(request), user, _rights(request), name=request.POST.get("name", ""))
        except BadInput as lacking:
            problem = lacking.message
            user = get_object_or_404(User, pk=user_id)
        else:
            messages.success(request, said(SAVED))
            return redirect("person", user_id)
    context = {
        "person": user,
        "has_second_factor": second_factor.has_one(user),
        "sessions": user.sessions.filter(expire_date__gt=timezone.now()).count(),
        "tokens": user.tokens.count(),
        "is_me": user.pk == user_of(request).pk,
        "problem": said(problem) if problem else "",
        "password": password,
        **_choices(),
    }
    return render(request, "rakurs/person.html", context, status=422 if problem else 200)


@may("administer")
@require_POST
def person_deed(request: HttpRequest, user_id: int, deed: str) -> HttpResponse:
    """Close or reopen access, end sessions, reset the password or the second factor."""
    user, by = get_object_or_404(User, pk=user_id), user_of(request)
    if deed == "reset-password":
        made = reset_password(user.login)
        note(by, "password reset", user.login)
        return _page(person, request, user_id, password=made.password)
    if deed not in DONE:
        raise Http404(deed)
    _PERSON_DEEDS[deed](by, user)
    messages.success(request, said(DONE[deed]))
    return redirect("person", user_id)


_PERSON_DEEDS: Mapping[str, Callable[[User, User], object]] = {
    "close": people.close,
    "reopen": people.reopen,
    "end-sessions": people.end_sessions,
    "drop-second-factor": second_factor.switch_off,
}


@may("administer")
@never_cache
def roles(request: HttpRequest) -> HttpResponse:
    """Every role and what it may do; a form for one of the company's own."""
    problem: Text | None = None
    if request.method == "POST":
        number = whole_number(request.POST.get("role_id"))
        role = get_object_or_404(OwnRole, pk=number) if number else None
        try:
            if request.POST.get("deed") == "drop" and role is not None:
                people.drop_role(user_of(request), role)
            else:
                people.keep_role(
                    user_of(request), name=request.POST.get("name", ""), deeds=request.POST.getlist("deeds"), role=role
                )
        except BadInput as lacking:
            problem = lacking.message
        else:
            messages.success(request, said(SAVED))
            return redirect("roles")
    held = {key: User.objects.filter(role=key, is_active=True).count() for key in people.role_titles()}
    context = {
        "deeds": [
            (deed, said(title), said(DEED_HELP[deed])) for deed, title in DEED_TITLES.items() if deed not in EVERYONES
        ],
        "ready": [{"title": said(title), "deeds": DEEDS[key], "people": held[key]} for key, title in ROLES.items()],
        "own": [{"role": role, "people": held[role.key]} for role in OwnRole.objects.all()],
        "problem": said(problem) if problem else "",
    }
    return render(request, "rakurs/roles.html", context, status=422 if problem else 200)


@may("administer")
def audit(request: HttpRequest) -> HttpResponse:
    """Who did what, the newest first."""
    given, lines = _asked_lines(request)
    offset = whole_number(request.GET.get("offset"))
    found = lines.events()
    total = found.count()
    shown = list(found[offset : offset + PAGE_SIZE])
    titles = subject_titles(shown)
    context = {
        "events": [_event_view(event, titles) for event in shown],
        "total": total,
        "pages": pages_of(total, offset=offset, limit=PAGE_SIZE, given=given),
        "given": given,
        "everybody": people_in_audit(),
        "deeds": sorted(((deed, said(deed_words(deed))) for deed in deeds_in_audit()), key=lambda pair: pair[1]),
        "query": query(given),
    }
    return page_or_part(request, whole="rakurs/audit.html", part="rakurs/_audit.html", context=context)


@may("administer", "export")
def audit_file(request: HttpRequest) -> FileResponse:
    """The lines asked for as CSV, by way of the disk: an audit of years does not fit a server's memory."""
    given, lines = _asked_lines(request)
    file = tempfile.TemporaryFile(dir=workspace().home.scratch)  # noqa: SIM115 - the response closes it
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    rows = write_audit(lines, text)
    text.detach().seek(0)
    note(user_of(request), "audit exported", detail=given, rows=rows)
    return FileResponse(file, as_attachment=True, filename="audit.csv", content_type="text/csv; charset=utf-8")


def _page(view: Any, request: HttpRequest, *arguments: Any, **shown: Any) -> HttpResponse:
    """Another view's page with something shown once."""
    page: HttpResponse = view(request, *arguments, **shown)
    return page


def _rights(request: HttpRequest) -> Rights:
    given = {name: request.POST.get(name, "").strip() or None for name in ("employee_id", "department", "branch")}
    scope = Scope(
        kind=cast("ScopeKind", request.POST.get("scope_kind", "")),
        employee_id=given["employee_id"],
        department=given["department"],
        branch=given["branch"],
    )
    return Rights(role=request.POST.get("role", ""), scope=scope)


def _choices() -> dict[str, Any]:
    """Roles, scopes and what the company's data knows of employees, departments and branches."""
    company = workspace()
    found = company.staff() if company.has_data else ()
    return {
        "roles": [(key, said(title)) for key, title in people.role_titles().items()],
        "scopes": [(key, said(title)) for key, title in SCOPES.items()],
        "employees": [(row["employee_id"], row["name"] or row["employee_id"]) for row in found],
        "departments": sorted({row["department"] for row in found if row["department"]}),
        "branches": sorted({row["branch"] for row in found if row["branch"]}),
    }


def _person_view(user: User, titles: Mapping[str, Text]) -> dict[str, Any]:
    return {"user": user, "role": _role_words(user.role, titles), "scope": _sight(user)}


def _role_words(role: str, titles: Mapping[str, Text]) -> str:
    return said(titles[role]) if role in titles else role


def _sight(whose: User | Invitation) -> str:
    """How far somebody sees, in words with the value."""
    value = {"own": whose.employee_id, "department": whose.department, "branch": whose.branch}.get(whose.scope_kind, "")
    title = said(SCOPES[whose.scope_kind]) if whose.scope_kind in SCOPES else whose.scope_kind
    return f"{title}: {value}" if value else title


def _asked_lines(request: HttpRequest) -> tuple[dict[str, str], AuditFilter]:
    names = ("who", "deed", "text", "from_day", "to_day")
    given = {name: request.GET.get(name, "") for name in names if request.GET.get(name)}
    lines = AuditFilter(
        who=given.get("who", ""),
        deed=given.get("deed", ""),
        text=given.get("text", ""),
        first=_day(given.get("from_day")),
        last=_day(given.get("to_day")),
        timezone=workspace().company.timezone,
    )
    return given, lines


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _event_view(event: AuditEvent, titles: Mapping[str, str]) -> dict[str, Any]:
    detail = json.dumps(event.detail, ensure_ascii=False, indent=1) if event.detail else ""
    return {
        "event": event,
        "deed": said(deed_words(event.deed)),
        "detail": detail,
        "subject": titles.get(event.subject, event.subject),
    }

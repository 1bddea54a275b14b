"""How does a program manage access, read the audit and change the company's settings?"""

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router, Schema
from pydantic import Field, ValidationError

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import MOST_ROWS, OFFSET, as_json
from rakurs.app import settling
from rakurs.app.accounts import new_user, note
from rakurs.app.audit import AuditFilter, audit_document
from rakurs.app.company import Company
from rakurs.app.rights import Scope, ScopeKind
from rakurs.app.serving import current
from rakurs.core.errors import BadInput, BadParameter
from rakurs.core.text import Text
from rakurs.state.models import User

router = Router(tags=["administration"])

LIMIT: Any = Query(100, ge=1, le=MOST_ROWS)
_BUSY = Text(
    ru="Сейчас пересчитываются прежние настройки. Дождитесь конца.", en="Earlier settings are being applied. Wait."
)


class LinesWanted(Schema):
    """Which lines of the audit: of a login, a deed, a part of the login or subject, days."""

    who: str = ""
    deed: str = ""
    text: str = ""
    from_day: date | None = None
    to_day: date | None = None


class UserWanted(Schema):
    """A new account; `scope` other than `all` needs to be told whose rows."""

    login: str = Field(min_length=1, max_length=150)
    name: str = Field("", max_length=150)
    role: str = "manager"
    scope: ScopeKind = "own"
    employee_id: str | None = None
    department: str | None = None
    branch: str | None = None


@router.get("/audit", summary="Who saw, changed and took out what")
def audit(request: HttpRequest, lines: Query[LinesWanted], limit: int = LIMIT, offset: int = OFFSET) -> HttpResponse:
    """The lines asked for, the newest first; both days are included, on the company's clock."""
    _administrator(request)
    found = AuditFilter(
        who=lines.who,
        deed=lines.deed,
        text=lines.text,
        first=lines.from_day,
        last=lines.to_day,
        timezone=current().company.timezone,
    ).events()
    return as_json(
        {"total": found.count(), "events": [audit_document(event) for event in found[offset : offset + limit]]}
    )


@router.get("/users", summary="Who may log in")
def users(request: HttpRequest) -> HttpResponse:
    """Everybody with an account, those whose access is closed too."""
    _administrator(request)
    return as_json([_user_document(user) for user in User.objects.order_by("login")])


@router.post("/users", summary="A new account")
def add_user(request: HttpRequest, wanted: UserWanted) -> HttpResponse:
    """The answer holds a one-time password: it is shown only this once, and the first login replaces it."""
    who = _administrator(request)
    scope = Scope(kind=wanted.scope, employee_id=wanted.employee_id, department=wanted.department, branch=wanted.branch)
    made = new_user(wanted.login, role=wanted.role, scope=scope, name=wanted.name)
    note(who.user, "user", made.login, detail={"role": wanted.role, "scope": wanted.scope})
    user = User.objects.get(login=made.login)
    return as_json({**_user_document(user), "password": made.password}, status=201)


@router.get("/company", summary="The company's settings")
def company(request: HttpRequest) -> HttpResponse:
    """The settings in force, and how far the data follows a change."""
    _administrator(request)
    return as_json(_company_document(request))


@router.patch("/company", summary="Change the company's settings")
def change_company(request: HttpRequest, changes: Body[dict[str, Any]]) -> HttpResponse:
    """Only what is told changes. 202: the data follows in the background, ask again to see how far it is."""
    who = _administrator(request)
    if settling.progress().is_running:
        raise BadInput(_BUSY)
    try:
        wanted = Company.model_validate({**current().company.model_dump(mode="json"), **changes})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "company"
        raise BadParameter(name, first["input"], Text(ru=first["msg"], en=first["msg"])) from wrong
    settling.begin(who.user, wanted)
    return as_json(_company_document(request), status=202 if settling.progress().is_running else 200)


def _administrator(request: HttpRequest) -> Caller:
    who = caller(request)
    who.must("administer")
    return who


def _user_document(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "login": user.login,
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "scope": user.scope_kind,
        "employee_id": user.employee_id or None,
        "department": user.department or None,
        "branch": user.branch or None,
        "is_active": user.is_active,
        "last_login": user.last_login.isoformat(timespec="seconds") if user.last_login else None,
    }


def _company_document(request: HttpRequest) -> dict[str, Any]:
    progress, language = settling.progress(), language_of(request)
    return {
        "settings": current().company.model_dump(mode="json"),
        "is_settling": progress.is_running,
        "step": progress.step.to(language) if progress.step else None,
        "error": progress.error.to(language) if progress.error else None,
    }

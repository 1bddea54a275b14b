"""Who is this, and with which password and keys do they come in?"""

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.decorators.vary import vary_on_cookie

from rakurs.app import people, second_factor
from rakurs.app.accounts import SIGNING_SCOPES, TOKEN_SCOPES, keep_own_password, new_token, note
from rakurs.app.signing import signing_secret
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.state.models import Session, User
from rakurs.state.roles import DEED_TITLES, SCOPES
from rakurs.web.access import user_of, workspace
from rakurs.web.language import said
from rakurs.web.views.entrance import PASSED
from rakurs.web.views.pages import whole_number

OLD = Text(ru="Нынешний пароль", en="Present password")
NEW = Text(ru="Новый пароль", en="New password")
AGAIN = Text(ru="Новый пароль ещё раз", en="New password again")
SAVED = Text(ru="Пароль сменён.", en="The password is changed.")
USUAL = frozenset({"export"})
LIFETIMES = (
    (90, Text(ru="90 дней", en="90 days")),
    (365, Text(ru="год", en="a year")),
    (0, Text(ru="бессрочно", en="no end")),
)
MOST_DAYS = 3650
BROWSERS = (
    ("Edg/", "Edge"),
    ("YaBrowser", "Yandex Browser"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
PROFILE_SAVED = Text(ru="Имя и почта сохранены.", en="The name and e-mail are saved.")
ENDED = Text(ru="Сеанс завершён.", en="The session has ended.")
FACTOR_OFF = Text(ru="Второй фактор выключен.", en="The second factor is off.")
WRONG = Text(ru="Нынешний пароль не подходит.", en="The present password does not match.")
REVOKED = Text(
    ru="Ключ закрыт: запросы с ним больше не проходят.", en="The key is closed: requests with it are refused."
)


class OwnPassword(SetPasswordForm):  # type: ignore[type-arg]
    """A new password, twice. The one-time password was just given at the login and is not asked again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label = said(NEW)
        self.fields["new_password2"].label = said(AGAIN)
        self.fields["new_password1"].widget.attrs |= {"autofocus": True}


@never_cache
def change_password(request: HttpRequest) -> HttpResponse:
    """Replace the password; the session goes on, others of this user end."""
    user = user_of(request)
    form = OwnPassword(user, request.POST or None)
    problem = ""
    if request.method == "POST" and form.is_valid():
        if user.must_change_password or user.check_password(request.POST.get("old_password", "")):
            keep_own_password(user, form.cleaned_data["new_password1"])
            update_session_auth_hash(request, user)
            note(user, "password")
            messages.success(request, said(SAVED))
            return redirect("home")
        problem = said(WRONG)
    context = {"form": form, "problem": problem, "old_label": said(OLD)}
    return render(request, "rakurs/password.html", context, status=422 if request.method == "POST" else 200)


@never_cache
@vary_on_cookie
def account(
    request: HttpRequest,
    *,
    new_key: str = "",
    new_secret: str = "",
    codes: tuple[str, ...] = (),
    problem: Text | None = None,
) -> HttpResponse:
    """Language, theme, password, second factor, sessions, keys; a new key or new codes are shown this once."""
    user = user_of(request)
    titles = people.role_titles()
    context = {
        "tokens": user.tokens.all(),
        "given": request.POST if problem and "email" in request.POST else {"name": user.name, "email": user.email},
        "role": said(titles[user.role]) if user.role in titles else user.role,
        "scope": said(SCOPES[user.scope_kind]) if user.scope_kind in SCOPES else user.scope_kind,
        "key_scopes": [
            {"name": scope, "title": said(DEED_TITLES[scope]), "is_usual": scope in USUAL}
            for scope in TOKEN_SCOPES
            if scope != "read" and user.may(scope)
        ],
        "lifetimes": LIFETIMES,
        "sessions": [_session_view(session, request) for session in _sessions(user)],
        "has_second_factor": second_factor.has_one(user),
        "codes_left": second_factor.codes_left(user),
        "is_factor_required": user.role in workspace().company.second_factor_roles,
        "new_key": new_key,
        "new_secret": new_secret,
        "may_sign": all(user.may(deed) for deed in SIGNING_SCOPES),
        "codes": codes,
        "problem": said(problem) if problem else "",
    }
    return render(request, "rakurs/account.html", context, status=422 if problem else 200)


@require_POST
def change_profile(request: HttpRequest) -> HttpResponse:
    """One's own name, and the address reports are sent to."""
    try:
        people.change_profile(user_of(request), name=request.POST.get("name", ""), email=request.POST.get("email", ""))
    except BadInput as wrong:
        return _account(request, problem=wrong.message)
    messages.success(request, said(PROFILE_SAVED))
    return redirect("account")


@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Make a key and show it, this once."""
    user = user_of(request)
    wanted = [scope for scope in TOKEN_SCOPES if scope == "read" or (request.POST.get(scope) and user.may(scope))]
    days = whole_number(request.POST.get("days"))
    expires_at = timezone.now() + timedelta(days=days) if 0 < days <= MOST_DAYS else None
    token, text = new_token(
        user, name=request.POST.get("name", ""), scopes=wanted, expires_at=expires_at, signs="signs" in request.POST
    )
    note(user, "token", token.prefix, detail={"name": token.name, "scopes": token.scopes, "days": days or None})
    return _account(request, new_key=text, new_secret=signing_secret(token) if token.signing else "")


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """Close one of one's own keys."""
    user = user_of(request)
    token = get_object_or_404(user.tokens, pk=token_id)
    note(user, "token closed", token.prefix)
    token.delete()
    messages.success(request, said(REVOKED))
    return redirect("account")


@require_POST
def end_session(request: HttpRequest, session_id: str) -> HttpResponse:
    """Log one other browser of one's own out; `others` ends all but this one."""
    user = user_of(request)
    if session_id == "others":
        people.end_sessions(user, user, but=request.session.session_key)
    else:
        for session in _sessions(user):
            if _public_id(session) == session_id:
                session.delete()
                note(user, "sessions ended", user.login, rows=1)
    messages.success(request, said(ENDED))
    return redirect("account")


@never_cache
def set_second_factor(request: HttpRequest) -> HttpResponse:
    """The secret as a picture until the first code is right; then recovery codes, and never the secret again."""
    user = user_of(request)
    if second_factor.has_one(user):
        if not request.session.get(PASSED):
            logout(request)  # This browser came in before there was one: let it come in again, with the code.
        return redirect("account")
    problem = ""
    if request.method == "POST":
        try:
            codes = second_factor.confirm(user, request.POST.get("code", ""))
        except BadInput as wrong:
            problem = said(wrong.message)
        else:
            request.session[PASSED] = True
            people.end_sessions(user, user, but=request.session.session_key)
            return _account(request, codes=tuple(codes))
    device = second_factor.proposed(user)
    context = {
        "picture": second_factor.picture(device),
        "spelled": second_factor.spelled(device),
        "problem": problem,
        "is_required": user.role in workspace().company.second_factor_roles,
    }
    return render(request, "rakurs/second_factor.html", context, status=422 if problem else 200)


@require_POST
def change_second_factor(request: HttpRequest, deed: str) -> HttpResponse:
    """Turn it off, or have new recovery codes; both ask for the password once more."""
    user = user_of(request)
    if not user.check_password(request.POST.get("password", "")):
        return _account(request, problem=WRONG)
    if deed == "codes" and second_factor.has_one(user):
        return _account(request, codes=tuple(second_factor.renew_codes(user)))
    if deed == "off":
        second_factor.switch_off(user, user)
        request.session[PASSED] = False
        messages.success(request, said(FACTOR_OFF))
    return redirect("account")


def _account(request: HttpRequest, **shown: Any) -> HttpResponse:
    page: HttpResponse = account(request, **shown)
    return page


def _sessions(user: User) -> list[Session]:
    return list(user.sessions.filter(expire_date__gt=timezone.now()).order_by("-seen_at"))


def _public_id(session: Session) -> str:
    """What a page may call a session: its key would let a reader of the page in."""
    return hashlib.sha256(session.session_key.encode()).hexdigest()[:16]


def _session_view(session: Session, request: HttpRequest) -> dict[str, Any]:
    return {
        "id": _public_id(session),
        "browser": browser_words(session.agent),
        "address": session.address or "—",
        "started_at": session.started_at,
        "seen_at": session.seen_at,
        "is_this": session.session_key == request.session.session_key,
    }


def browser_words(agent: str) -> str:
    """`Firefox, Windows`: what a person knows a browser by; the raw words of an unknown one."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (browser, system) if part) or agent[:60] or "—"

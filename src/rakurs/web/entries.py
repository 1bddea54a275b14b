"""Who came in, who tried, who left? Written into the audit as Django says it happened."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from rakurs.app.accounts import attempted_login, note
from rakurs.state.models import User


def _from(request: HttpRequest | None) -> dict[str, str]:
    return {"address": request.META.get("REMOTE_ADDR") or ""} if request is not None else {}


@receiver(user_logged_in)
def came_in(request: HttpRequest | None, user: Any, **_kwargs: Any) -> None:
    """Somebody is in."""
    note(user, "login", user.login, detail=_from(request))


@receiver(user_logged_out)
def left(request: HttpRequest | None, user: Any, **_kwargs: Any) -> None:
    """Somebody went away; a session that was nobody's says nothing."""
    if isinstance(user, User):
        note(user, "logout", user.login, detail=_from(request))


@receiver(user_login_failed)
def was_refused(credentials: dict[str, Any], request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """A wrong password or code; whether there is such an account at all is not said."""
    login = attempted_login(request, credentials)[:150]
    note(None, "login failed", login, detail=_from(request), who=login or "?")

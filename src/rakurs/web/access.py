"""On whose behalf is this page made? The workspace, the user's rights, the way numbers are shown to them."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest, HttpResponseBase

from rakurs.app.accounts import scope_of
from rakurs.app.formats import Format
from rakurs.app.rights import Scope
from rakurs.app.serving import current
from rakurs.app.workspace import Workspace
from rakurs.core.errors import NotAllowed
from rakurs.core.text import Text
from rakurs.state.models import User
from rakurs.state.roles import Deed
from rakurs.web.language import page_language

Page = TypeVar("Page", bound=HttpResponseBase)

REFUSED = Text(
    ru="Вашей роли это не открыто. Попросите владельца дать вам доступ.",
    en="Your role does not reach this. Ask the owner for access.",
)


def workspace() -> Workspace:
    """The company this process serves."""
    return current()


def user_of(request: HttpRequest) -> User:
    """The person behind a request; pages without a login never ask."""
    return cast("User", request.user)


def scope_for(request: HttpRequest) -> Scope:
    """The rows this person may see."""
    return scope_of(user_of(request))


def format_of() -> Format:
    """How numbers are shown on this page."""
    company = workspace().company
    return Format(
        language=page_language(),
        currency=company.currency,
        timezone=company.timezone,
        has_fiscal_year=company.fiscal_year_start != 1,
    )


def may(*deeds: Deed) -> Callable[[Callable[..., Page]], Callable[..., Page]]:
    """A view for those who may do all of `deeds`; NotAllowed for the others."""

    def guarded(view: Callable[..., Page]) -> Callable[..., Page]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Page:
            if not all(user_of(request).may(deed) for deed in deeds):
                raise NotAllowed(REFUSED)
            return view(request, *args, **kwargs)

        return checked

    return guarded

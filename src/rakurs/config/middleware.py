"""May this person go on? Not before a one-time password is replaced and, where their role asks for it, a second factor set up."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from rakurs.app.serving import current
from rakurs.state.models import User
from rakurs.web.views.entrance import PASSED

ALWAYS_ALLOWED = frozenset(
    {"logout", "login", "login_code", "join", "set_language", "health", "site_script", "collect"}
)
FIRST_THINGS = {
    "password_change": "Change the one-time password first",
    "set_second_factor": "Set up the second factor first",
}
"""The page that must come first, and what a program is told meanwhile."""


class FirstThingsFirst:
    """Sends a person to what their account still lacks, whatever was asked for."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        first = _first_thing(request)
        if first is None:
            return None
        if request.resolver_match is not None and request.resolver_match.view_name in {*ALWAYS_ALLOWED, first}:
            return None
        if request.path.startswith("/api/"):
            return JsonResponse({"title": FIRST_THINGS[first], "status": 403}, status=403)
        return redirect(reverse(first))


def _first_thing(request: HttpRequest) -> str | None:
    user = request.user
    if not isinstance(user, User):
        return None
    if user.must_change_password:
        return "password_change"
    if user.role in current().company.second_factor_roles and not request.session.get(PASSED):
        return "set_second_factor"
    return None

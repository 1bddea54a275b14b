"""The counter of the company's own site: the script its pages load, what they send, and the page where it is set up."""

import json
import time
from http import HTTPStatus
from importlib.resources import files
from threading import Lock

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from rakurs.app import tracking
from rakurs.app.accounts import note
from rakurs.app.inbox import InboxFull
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.web.access import may, user_of, workspace
from rakurs.web.language import said
from rakurs.web.links import public

SCRIPT = files("rakurs.web").joinpath("site/rakurs.js").read_text(encoding="utf-8")
FRESH_SECONDS = 300
"""How long a browser may use the script it has: changed settings reach it then."""
MOST_CALLS = 300
"""A second, of all visitors together: whoever sends more fills the disk, and is no visitor."""
_KEPT = Text(ru="Сохранено. Код счётчика ниже.", en="Saved. The counter's code is below.")
_OFF = Text(ru="Счётчик выключен.", en="The counter is off.")


class _Calls:
    """How many calls this second has seen."""

    def __init__(self) -> None:
        self._lock, self._second, self._calls = Lock(), 0, 0

    def is_too_many(self) -> bool:
        """Count one more."""
        with self._lock:
            second = int(time.monotonic())
            self._second, self._calls = second, self._calls + 1 if second == self._second else 1
            return self._calls > MOST_CALLS


_calls = _Calls()


@login_not_required  # Visitors of the company's site have no account; the script tells nothing about the company.
@require_GET
def script(_request: HttpRequest) -> HttpResponse:
    """The counter itself, nothing where it is off."""
    settings = tracking.site_of(workspace().home)
    words = json.dumps({"needs_consent": settings.needs_consent})
    text = SCRIPT.replace("__SETTINGS__", words) if settings.domains else "/* The counter is off. */"
    response = HttpResponse(text, content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@login_not_required  # Visitors of the company's site have no account. It only takes, from pages of the named sites.
@csrf_exempt
@require_POST
def collect(request: HttpRequest) -> HttpResponse:
    """204 once what a page sent lies on the disk, and for robots, who are not counted.

    403 from other sites, 400 for what is no event, 413 and 429 for too much at once, 503 while too much waits.
    """
    status = _refusal(request)
    if status is None:
        try:
            tracking.take(tracking.site_of(workspace().home), request.body)
            status = HTTPStatus.NO_CONTENT
        except BadInput:
            status = HTTPStatus.BAD_REQUEST
        except InboxFull:
            status = HTTPStatus.SERVICE_UNAVAILABLE
    return HttpResponse(status=status)


def _refusal(request: HttpRequest) -> int | None:
    """What is answered to a call that is not read."""
    origin = request.headers.get("Origin") or request.headers.get("Referer") or ""
    if not tracking.is_counted(tracking.site_of(workspace().home), origin):
        return HTTPStatus.FORBIDDEN
    if tracking.is_robot(request.headers.get("User-Agent", "")):
        return HTTPStatus.NO_CONTENT
    if int(request.headers.get("Content-Length") or 0) > tracking.MOST_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return HTTPStatus.TOO_MANY_REQUESTS if _calls.is_too_many() else None


@may("administer")
def counter(request: HttpRequest) -> HttpResponse:
    """Which sites are counted, the code for their pages, and what came."""
    home = workspace().home
    if request.method != "POST":
        return _page(request, tracking.site_of(home))
    domains, needs_consent = tuple(request.POST.get("domains", "").split()), "needs_consent" in request.POST
    try:
        kept = tracking.SiteSettings(domains=tracking.hosts(domains), needs_consent=needs_consent)
    except BadInput as wrong:
        given = tracking.SiteSettings(domains=domains, needs_consent=needs_consent)
        return _page(request, given, error=said(wrong.message))
    tracking.save_site(home, kept)
    note(user_of(request), "site", ", ".join(kept.domains))
    messages.success(request, said(_KEPT if kept.domains else _OFF))
    return redirect(reverse("site"))


def _page(request: HttpRequest, given: tracking.SiteSettings, *, error: str = "") -> HttpResponse:
    """The page with `given` in its form: what is kept, or what was wrong about what a person wrote."""
    context = {
        "domains": "\n".join(given.domains),
        "needs_consent": given.needs_consent,
        "is_on": bool(tracking.site_of(workspace().home).domains),
        "code": f'<script async src="{public(request, reverse("site_script"))}"></script>',
        "counted": tracking.counted(workspace()),
        "error": error,
    }
    return render(
        request, "rakurs/site.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK
    )

"""How does somebody come in? Login and password, then the telephone's code where one is asked for; or an invitation."""

from typing import Any, cast

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_client_ip_address
from django.contrib.auth import authenticate, login, signals, views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from rakurs.app import people, second_factor
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.state.models import User
from rakurs.state.roles import SCOPES
from rakurs.state.sessions import ADDRESS, AGENT
from rakurs.web.language import page_language, said

BACKEND = "django.contrib.auth.backends.ModelBackend"
HALF_IN = "half in"
"""In the session between password and code: who, and where to. It opens nothing by itself."""
PASSED = "second factor passed"
MOST_SECONDS_BETWEEN = 300
WRONG_CODE = Text(
    ru="Код не подошёл. Каждый код годится один раз; дождитесь следующего.",
    en="The code does not match. Each works once; wait for the next.",
)


@method_decorator(never_cache, name="dispatch")
class Login(views.LoginView):
    """Login and password. Wrong ones are counted by axes; where a code is asked for, nobody is in before it."""

    template_name = "rakurs/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        user = cast("User", form.get_user())
        if second_factor.has_one(user):
            self.request.session.cycle_key()
            self.request.session[HALF_IN] = {"user": user.pk, "next": self.get_success_url()}
            self.request.session.set_expiry(MOST_SECONDS_BETWEEN)
            return redirect("login_code")
        let_in(self.request, user)
        return HttpResponseRedirect(self.get_success_url())


@login_not_required
@never_cache
def code(request: HttpRequest) -> HttpResponse:
    """The second step: the telephone's code, or a recovery code. Wrong ones count like wrong passwords."""
    half: dict[str, Any] = request.session.get(HALF_IN) or {}
    user = User.objects.filter(pk=half.get("user", 0), is_active=True).first()
    if user is None:
        return redirect("login")
    if request.method != "POST":
        return render(request, "rakurs/login_code.html")
    credentials = {"username": user.login}
    if not AxesProxyHandler.is_allowed(request, credentials):
        return locked_out(request)
    if second_factor.passes(user, request.POST.get("code", "")):
        request.session.set_expiry(None)
        let_in(request, user, with_code=True)
        return HttpResponseRedirect(_safe(request, half.get("next", "")))
    signals.user_login_failed.send(sender=__name__, credentials=credentials, request=request)
    if not AxesProxyHandler.is_allowed(request, credentials):
        return locked_out(request)
    return render(request, "rakurs/login_code.html", {"problem": said(WRONG_CODE)}, status=422)


@login_not_required
def locked_out(request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
    """Too many wrong passwords: when to come back, and who can help."""
    return render(request, "rakurs/locked.html", status=429)


@login_not_required
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponseBase:
    """An invitation's one-time link: a name, a password of one's own, and in."""
    invitation = people.invitation_behind(token)
    if invitation is None:
        return render(request, "rakurs/join.html", {"is_over": True}, status=410)
    problem = ""
    if request.method == "POST":
        try:
            user = _joined(request, token)
        except BadInput as lacking:
            problem = said(lacking.message)
        else:
            # Through the same door as everybody: the counters of wrong passwords know of the login.
            known = authenticate(request, username=user.login, password=request.POST["password"])
            let_in(request, cast("User", known))
            return redirect("home")
    context = {
        "invitation": invitation,
        "problem": problem,
        "name": request.POST.get("name", invitation.name),
        "role": said(people.role_titles()[invitation.role]),
        "scope": said(SCOPES[invitation.scope_kind]),
    }
    response = render(request, "rakurs/join.html", context, status=422 if problem else 200)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _joined(request: HttpRequest, token: str) -> User:
    password = request.POST.get("password", "")
    if password != request.POST.get("again"):
        raise BadInput(Text(ru="Пароли не совпадают.", en="The passwords differ."))
    return people.accept(token, name=request.POST.get("name", ""), password=password, language=page_language())


def let_in(request: HttpRequest, user: User, *, with_code: bool = False) -> None:
    """Start the session of somebody recognised; it knows the browser, so that they can tell it among their own."""
    login(request, user, backend=BACKEND)
    request.session.pop(HALF_IN, None)
    request.session[ADDRESS] = get_client_ip_address(request)
    request.session[AGENT] = request.headers.get("User-Agent", "")
    request.session[PASSED] = with_code


def _safe(request: HttpRequest, address: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})
    return address if is_ours and address else reverse("home")

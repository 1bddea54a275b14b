"""One person's data: what is known, all of it as a file, its erasure; who was erased; and how long which data is kept."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from rakurs.app import privacy_desk
from rakurs.app.documents import Document
from rakurs.app.retention import KINDS
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.warehouse.persons import SeveralPeople
from rakurs.web.access import may, user_of, workspace
from rakurs.web.language import page_language, said

_BEGUN = Text(
    ru="Стирание началось и закончится само, даже если сервер перезапустят.",
    en="The erasure has begun and ends by itself, even if the server is restarted.",
)
_NOT_SURE = Text(
    ru="Отметьте, что понимаете: вернуть стёртое нельзя.",
    en="Tick that you understand: what is erased cannot come back.",
)
_LET_IN = Text(ru="Новые данные этого человека снова принимаются.", en="New data of this person is taken in again.")
_KEPT = Text(ru="Сроки сохранены. Лишнее уйдёт ночью.", en="Saved. What is past goes at night.")
_GOING = Text(ru="Данные с истёкшим сроком уходят.", en="Data whose time is up is going.")
_MONTHS = Text(ru="Срок пишется числом месяцев.", en="A time is a number of months.")


@may("administer", "personal_data")
@never_cache
def privacy(request: HttpRequest) -> HttpResponseBase:
    """The page, and every deed on it."""
    deed = request.POST.get("deed", "")
    if request.method == "POST" and deed in _DEEDS:
        try:
            return _DEEDS[deed](request)
        except BadInput as wrong:
            return _page(request, problem=said(wrong.message))
    return _found(request) if request.GET.get("who") else _page(request)


def _found(request: HttpRequest) -> HttpResponse:
    """Who it is, and what is known; where several fit, which of them."""
    who = (request.POST.get("who") or request.GET.get("who", "")).strip()
    try:
        told = privacy_desk.look(workspace(), who, language=page_language(), by=user_of(request))
    except SeveralPeople as several:
        return _page(request, who=who, several=several.found)
    except BadInput as wrong:
        return _page(request, who=who, problem=said(wrong.message))
    return _page(request, who=who, found=told, rows=sum(row["rows"] for row in told["tables"]))


def _handed_over(request: HttpRequest) -> FileResponse:
    """All that is known, as one archive, by way of the disk."""
    with tempfile.TemporaryDirectory(dir=workspace().home.scratch) as folder:
        target = Path(folder) / "person.zip"
        file = privacy_desk.hand_over(workspace(), request.POST.get("who", ""), target, by=user_of(request)).open("rb")
    return FileResponse(file, as_attachment=True, filename="person.zip", content_type="application/zip")


def _erased(request: HttpRequest) -> HttpResponse:
    if request.POST.get("sure") != "on":
        messages.error(request, said(_NOT_SURE))
        return _found(request)
    with_deals = request.POST.get("with_deals") == "on"
    privacy_desk.erase(workspace(), request.POST.get("who", ""), with_deals=with_deals, by=user_of(request))
    messages.success(request, said(_BEGUN))
    return redirect("privacy")


def _let_in(request: HttpRequest) -> HttpResponse:
    privacy_desk.let_in(workspace(), request.POST.get("erasure", ""), by=user_of(request))
    messages.success(request, said(_LET_IN))
    return redirect("privacy")


def _previewed(request: HttpRequest) -> HttpResponse:
    """What would go under the months in the form; nothing is kept."""
    months = _months(request)
    past = privacy_desk.past_under(workspace(), months, page_language())
    return _page(request, months=months, past={item["kind"]: item["rows"] for item in past})


def _settled(request: HttpRequest) -> HttpResponse:
    privacy_desk.keep_for(workspace(), _months(request), by=user_of(request))
    messages.success(request, said(_KEPT))
    return redirect("privacy")


def _let_go(request: HttpRequest) -> HttpResponse:
    privacy_desk.let_go_soon(workspace())
    messages.success(request, said(_GOING))
    return redirect("privacy")


_DEEDS: Mapping[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "find": _found,
    "export": _handed_over,
    "erase": _erased,
    "let_in": _let_in,
    "preview": _previewed,
    "settle": _settled,
    "let_go": _let_go,
}


def _months(request: HttpRequest) -> dict[str, int | None]:
    given = {kind: request.POST.get(kind, "").strip() for kind in KINDS}
    wrong = [text for text in given.values() if text and not text.isdecimal()]
    if wrong:
        raise BadInput(_MONTHS)
    return {kind: int(text) if text else None for kind, text in given.items()}


def _erasure_view(item: Document) -> Document:
    begun = datetime.fromisoformat(item["begun_at"]).replace(tzinfo=UTC)
    return item | {"begun": begun, "rows": sum(row["rows"] for row in item["tables"])}


def _page(
    request: HttpRequest,
    *,
    months: Mapping[str, int | None] | None = None,
    past: Mapping[str, list[dict[str, Any]]] | None = None,
    problem: str = "",
    **shown: Any,
) -> HttpResponse:
    language = page_language()
    erasures = privacy_desk.erasures(workspace(), language)
    settings = privacy_desk.settings_for(workspace(), language)
    kinds = [
        kind | {"months": (months or {}).get(kind["kind"], kind["months"]) if months is not None else kind["months"]}
        for kind in settings["kinds"]
    ]
    for kind in kinds:
        kind["past"] = None if past is None else past.get(kind["kind"])
    context = {
        "erasures": [_erasure_view(item) for item in erasures],
        "is_under_way": any(item["done_at"] is None for item in erasures),
        "is_going": settings["is_asked"],
        "kinds": kinds,
        "is_previewed": past is not None,
        "keeps_some": any(kind["months"] for kind in settings["kinds"]),
        "problem": problem,
        **shown,
    }
    return render(request, "rakurs/privacy.html", context, status=422 if problem else 200)

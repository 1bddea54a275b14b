"""What is true of the whole company? The settings that change what numbers mean, and who must have a second factor."""

from typing import Any
from zoneinfo import available_timezones

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from pydantic import ValidationError

from rakurs.app import people, settling
from rakurs.app.company import BASES, COUNTRIES, ORDER_DAYS, SUSPECTS, Company
from rakurs.core.text import Text
from rakurs.web.access import may, user_of, workspace
from rakurs.web.language import page_language, said
from rakurs.web.views.pages import is_part

MONTHS = (
    Text(ru="Январь", en="January"),
    Text(ru="Февраль", en="February"),
    Text(ru="Март", en="March"),
    Text(ru="Апрель", en="April"),
    Text(ru="Май", en="May"),
    Text(ru="Июнь", en="June"),
    Text(ru="Июль", en="July"),
    Text(ru="Август", en="August"),
    Text(ru="Сентябрь", en="September"),
    Text(ru="Октябрь", en="October"),
    Text(ru="Ноябрь", en="November"),
    Text(ru="Декабрь", en="December"),
)
CURRENCIES = ("RUB", "BYN", "KZT", "UZS", "AMD", "KGS", "GEL", "CNY", "USD", "EUR", "TRY", "AED")
SAVED = Text(ru="Настройки сохранены.", en="The settings are saved.")
WRONG = {
    "days_off": Text(ru="Дни — по одному в строке, вида 2026-12-31.", en="Days: one a line, like 2026-12-31."),
    "working_days": Text(ru="Дни — по одному в строке, вида 2026-12-31.", en="Days: one a line, like 2026-12-31."),
    "currency": Text(ru="Валюта — три латинские буквы: RUB.", en="A currency is three Latin letters: RUB."),
    "timezone": Text(ru="Такого часового пояса нет.", en="There is no such time zone."),
}
BUSY = Text(
    ru="Сейчас пересчитываются прежние настройки. Дождитесь конца.", en="Earlier settings are being applied. Wait."
)


@may("administer")
@never_cache
def company(request: HttpRequest) -> HttpResponse:
    """The settings and their form; while data follows a change, how far it is."""
    present = workspace().company
    given: dict[str, Any] = present.model_dump(mode="json")
    problem = ""
    if request.method == "POST":
        given = _given(request, present)
        try:
            if settling.progress().is_running:
                problem = said(BUSY)
            else:
                settling.begin(user_of(request), Company.model_validate(given))
                messages.success(request, said(SAVED))
                return redirect("company")
        except (ValidationError, ValueError) as error:
            problem = _words(error)
    progress = settling.progress()
    context = {
        "given": given,
        "days_off": "\n".join(given["days_off"]),
        "working_days": "\n".join(given["working_days"]),
        "problem": problem,
        "progress": progress,
        "zones": sorted(available_timezones()),
        "currencies": sorted({*CURRENCIES, given["currency"]}),
        "countries": sorted(((code, said(title)) for code, title in COUNTRIES.items()), key=lambda pair: pair[1]),
        "months": list(enumerate((said(month) for month in MONTHS), start=1)),
        "bases": [(key, said(title)) for key, title in BASES.items()],
        "order_days": [(key, said(title)) for key, title in ORDER_DAYS.items()],
        "suspects": [(key, said(title), key in given["suspect_rules"]) for key, title in SUSPECTS.items()],
        "roles": [
            (key, said(title), key in given["second_factor_roles"]) for key, title in people.role_titles().items()
        ],
        "step": (progress.step.ru if page_language() == "ru" else progress.step.en) if progress.step else "",
        "error": said(progress.error) if progress.error else "",
    }
    template = "rakurs/_settling.html" if is_part(request) else "rakurs/company.html"
    return render(request, template, context, status=422 if problem else 200)


def _given(request: HttpRequest, present: Company) -> dict[str, Any]:
    names = ("name", "timezone", "currency", "country", "revenue_basis", "orders_dated_by", "fiscal_year_start")
    lists = {name: request.POST.get(name, "").split() for name in ("days_off", "working_days")}
    typed = {name: request.POST.get(name, "").strip() for name in names}
    chosen = {"second_factor_roles": request.POST.getlist("factor"), "suspect_rules": request.POST.getlist("suspect")}
    return {**present.model_dump(mode="json"), **typed, **lists, **chosen}


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        known = WRONG.get(str(first["loc"][0]) if first["loc"] else "")
        return said(known) if known else first["msg"]
    return said(WRONG["timezone"])

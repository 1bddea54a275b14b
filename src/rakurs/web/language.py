"""In which language is this page? The cookie's, else the one the server was set up with."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from rakurs.core.text import Language, Text


class LanguageByCookie:
    """Russian or English by cookie, never by guess: a shared link looks the same to everyone in the company."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        known = {code for code, _name in settings.LANGUAGES}
        with translation.override(asked if asked in known else settings.LANGUAGE_CODE):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", page_language())
        return response


def page_language() -> Language:
    """The language of the page being made."""
    return "ru" if (translation.get_language() or "ru").startswith("ru") else "en"


def said(text: Text) -> str:
    """`text` in the language of the page being made."""
    return text.to(page_language())


def counted(number: int, forms: Text) -> str:
    """The form of a noun that goes with `number`: ru "строка|строки|строк", en "row|rows".

    Source: the plural rules of CLDR for ru and en.
    """
    words = said(forms).split("|")
    return words[_russian_form(number)] if page_language() == "ru" else words[0 if number == 1 else 1]


def _russian_form(number: int) -> int:
    last, last_two = number % 10, number % 100
    if last == 1 and last_two != 11:
        return 0
    return 1 if last in (2, 3, 4) and last_two not in (12, 13, 14) else 2

"""How does a template say a phrase, draw an icon, show a number? `{% load rakurs %}`."""

from functools import cache
from json import dumps
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from rakurs.app.formats import Format
from rakurs.core.analysis import ChartKind
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.state.roles import DEED_TITLES
from rakurs.web.access import format_of
from rakurs.web.language import counted, page_language, said
from rakurs.web.pictures import CHART_ICONS

register = template.Library()


@register.simple_tag
def t(ru: str, en: str, **values: Any) -> str:
    """A phrase in both languages, said in the page's: `{% t "Скачать" "Download" %}`."""
    text = said(Text(ru=ru, en=en))
    return text.format(**values) if values else text


@register.simple_tag
def plural(number: int, ru: str, en: str) -> str:
    """A number with its noun: `{% plural 5 "строка|строки|строк" "row|rows" %}`."""
    shown = Format(language=page_language()).shown(number, Unit.COUNT)
    return f"{shown}\N{NO-BREAK SPACE}{counted(number, Text(ru=ru, en=en))}"


@register.filter
def to_page(text: Text) -> str:
    """A `Text` in the page's language."""
    return said(text)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """A picture that repeats what stands beside it, so screen readers pass it by."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("vendor/icons.svg"), name
    )


@register.filter
def moment(value: Any) -> str:
    """A point in time on the company's clock."""
    return format_of().shown(value, Unit.TIME)


@register.filter
def whole(value: Any) -> str:
    """A whole number, grouped."""
    return format_of().shown(value, Unit.COUNT)


@register.filter
def chart_icon(kind: ChartKind) -> str:
    """The picture of a kind of chart, for the menu."""
    return CHART_ICONS[kind]


@register.filter
def json(value: Any) -> str:
    """`value` as JSON, to be escaped into an attribute."""
    return dumps(value, ensure_ascii=False, separators=(",", ":"))


@register.filter
def unlocalized(value: float) -> str:
    """A number as markup has it: a point, no grouping."""
    return f"{value:g}"


@register.filter
def deeds(names: list[str]) -> str:
    """Deeds of a role or key in words; a name that is none is left out."""
    return ", ".join(said(title) for deed, title in DEED_TITLES.items() if deed in names)

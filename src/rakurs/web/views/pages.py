"""Is the whole page wanted, only its changing part, or what the side panel shows of it?"""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def is_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the changing part; going back asks for the whole page."""
    headers = request.headers
    return bool(headers.get("HX-Request")) and not headers.get("HX-History-Restore-Request")


def is_panel(request: HttpRequest) -> bool:
    """Whether the side panel asks for its content."""
    return is_part(request) and request.headers.get("HX-Target") == "panel"


def page_or_part(
    request: HttpRequest,
    *,
    whole: str,
    part: str,
    context: Mapping[str, Any],
    panel: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """The part for a request htmx made, `panel` for the side panel, the whole page otherwise.

    Caches keep them apart.
    """
    template = part if is_part(request) else whole
    if panel and is_panel(request):
        template = panel
    response = render(request, template, dict(context), status=status)
    patch_vary_headers(response, ("HX-Request", "HX-Target", "HX-History-Restore-Request", "Cookie"))
    response.headers["Cache-Control"] = "no-store"
    return response


def whole_number(text: str | None, *, otherwise: int = 0) -> int:
    """A number from an address; anything else is `otherwise`."""
    return int(text) if text is not None and text.isdecimal() else otherwise

"""What is offered for the letters typed so far?"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rakurs.web.palette import palette_groups

LONGEST = 100


def palette(request: HttpRequest) -> HttpResponse:
    """The options of the palette; without a script, a page of its own with the same search."""
    text = request.GET.get("q", "")[:LONGEST]
    context = {"groups": palette_groups(request, text), "asked": text}
    is_part = request.headers.get("X-Palette") == "1"
    response = render(request, "rakurs/_palette_options.html" if is_part else "rakurs/search.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response

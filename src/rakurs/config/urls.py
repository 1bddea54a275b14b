"""Which part of Rakurs answers which address?"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from rakurs.api.routes import api, routes


@login_not_required  # Whoever watches the process has no account; the answer tells nothing about the company.
def health(_request: HttpRequest) -> HttpResponse:
    """`ok` while the server answers at all."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("health", health, name="health"),
    path("api/v1/", (routes(), "ninja", api.urls_namespace)),
    path("", include("rakurs.web.urls")),
]

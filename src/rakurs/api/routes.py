"""Which operations make up the API? The catalogues' questions, data in and out, one's own keys, local upkeep."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from ninja import NinjaAPI

from rakurs.api import (
    account,
    administering,
    channels,
    connections,
    dashboards,
    data,
    exchange,
    identities,
    local,
    notices,
    predictions,
    privacy,
    questions,
    reconciling,
    rows,
    saved,
    segments,
    writing,
)
from rakurs.api.callers import LocalKey, PerCaller, PersonalToken, Session
from rakurs.api.problems import add_problems
from rakurs.api.questions import as_json

REQUESTS_A_MINUTE = "1200/m"

api = NinjaAPI(
    title="Rakurs",
    version="1",
    description="Questions to a company's data, and the data itself. Keys: Authorization: Bearer rk_…",
    docs_url=None,  # the usual page needs a CDN; the document itself is at /api/v1/openapi.json
    openapi_url=None,  # served below, behind the same keys as everything else
    auth=[LocalKey(), PersonalToken(), Session()],
    throttle=[PerCaller(REQUESTS_A_MINUTE)],
)
add_problems(api)
api.add_router("", questions.router)
api.add_router("", data.router)
api.add_router("", reconciling.router)
api.add_router("", account.router)
api.add_router("", saved.router)
api.add_router("", dashboards.router)
api.add_router("", notices.router)
api.add_router("", administering.router)
api.add_router("", rows.router)
api.add_router("", connections.router)
api.add_router("", exchange.router)
api.add_router("", segments.router)
api.add_router("", writing.router)
api.add_router("", identities.router)
api.add_router("", channels.router)
api.add_router("", predictions.router)
api.add_router("", privacy.router)
api.add_router("/local", local.router)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - ninja calls it so
    """This API, described for programs."""
    return as_json(api.get_openapi_schema())


def routes() -> list[URLPattern | URLResolver]:
    """The URL patterns, freed of the login page: each operation asks for a key or a session itself."""
    patterns: list[URLPattern | URLResolver] = list(api.urls[0])
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            login_not_required(pattern.callback)
    return patterns

"""What may a command of this machine ask of the server that owns its home? Loading from a path, and upkeep."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from rakurs.api.callers import LocalKey
from rakurs.api.data import job_document
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app import jobs
from rakurs.app.accounts import note
from rakurs.app.documents import finding_document
from rakurs.app.serving import current

router = Router(auth=LocalKey(), tags=["local"])


class PathsToLoad(Schema):
    """Files and folders of this machine, and how to read them."""

    paths: list[str]
    profile: str = ""
    timezone: str = ""
    currency: str = ""


class Target(Schema):
    """Where a backup goes."""

    path: str


@router.post("/loads", summary="Load files of this machine")
def load(request: HttpRequest, wanted: PathsToLoad) -> HttpResponse:
    """The job, to be asked how far it is."""
    job = jobs.submit(
        [Path(path) for path in wanted.paths],
        owner=None,
        profile=wanted.profile,
        timezone=wanted.timezone,
        currency=wanted.currency,
    )
    return as_json(job_document(job, language_of(request)), status=202)


@router.post("/rebuild", summary="Make every table anew from raw")
def rebuild(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - ninja calls it so
    """Answers when it is done."""
    current().rebuild()
    note(None, "rebuild")
    return as_json({"data_version": current().data_version})


@router.get("/doctor", summary="Check the home")
def doctor(request: HttpRequest) -> HttpResponse:
    """What is wrong, and the next step."""
    return as_json([finding_document(finding, language_of(request)) for finding in current().doctor()])


@router.post("/backup", summary="Back the home up")
def backup(request: HttpRequest, target: Target) -> HttpResponse:  # noqa: ARG001 - ninja calls it so
    """A consistent copy, made while everything runs."""
    written = current().backup(Path(target.path))
    note(None, "backup", str(written))
    return as_json({"path": str(written)})

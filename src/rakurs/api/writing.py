"""How does a program write back into a CRM? Allow it, preview, confirm, watch, stop, bring fields back."""

from datetime import date
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app import writing, writing_runs, writing_wishes
from rakurs.app.connections import connection_named
from rakurs.app.serving import current
from rakurs.app.writing_documents import deed_document, permit_document, run_document, values_document
from rakurs.app.writing_wishes import Wish
from rakurs.sources.writing import DeedKind
from rakurs.state.models import WriteDeed

router = Router(tags=["writing"])
MOST_DEEDS = 1000


class PermitChange(Schema):
    """Which kinds of deeds may be written, none to turn it off, and how many of them in a run and in a day."""

    kinds: list[DeedKind]
    run_limit: int = 500
    day_limit: int = 2000


class NewWriting(Schema):
    """What to write about each customer of a segment. Texts may name `{name}`, `{segment}` and every value."""

    connection: str
    segment: str
    values: tuple[str, ...] = ()
    comment: str = ""
    task: str = ""
    due_on: date | None = None
    campaign: str = ""
    clears: bool = True


class WritingDeed(Schema):
    """What to do with a writing: confirm its preview, stop it or drop its preview, go on where it stopped."""

    deed: Literal["confirm", "stop", "resume"]


@router.get("/writing/permits", summary="Systems that can be written to")
def permits(request: HttpRequest) -> HttpResponse:
    """What may be written over each connection; nothing until an administrator allows it."""
    _writer(request)
    return as_json([permit_document(permit, language_of(request)) for permit in writing.permits()])


@router.put("/writing/permits/{name}", summary="Allow or forbid writing over a connection")
def allow(request: HttpRequest, name: str, change: PermitChange) -> HttpResponse:
    """For those who administer. No kinds turn it off; what is under way is stopped."""
    who = caller(request)
    who.must(writing.TURNS_ON)
    found = connection_named(name)
    permit = writing.permitted(found, change.kinds, by=who.user, run_limit=change.run_limit, day_limit=change.day_limit)
    return as_json(permit_document(permit, language_of(request)))


@router.get("/writing/values", summary="What can be written of a customer")
def values(request: HttpRequest) -> HttpResponse:
    """Names for `values` and for texts."""
    _writer(request)
    return as_json(values_document(language_of(request)))


@router.get("/writing/runs", summary="Writings, the newest first")
def list_runs(request: HttpRequest, limit: int = Query(50, ge=1, le=1000)) -> HttpResponse:
    """Each with how many deeds are done, failed and skipped."""
    _writer(request)
    return as_json([run_document(run, language_of(request)) for run in writing.runs()[:limit]])


@router.post("/writing/runs", summary="Preview a writing")
def begin(request: HttpRequest, new: NewWriting) -> HttpResponse:
    """Nothing is written. Returns at once; the writing tells when its preview is ready."""
    who, language = _writer(request), language_of(request)
    wish = Wish(
        values=new.values,
        comment=new.comment,
        task=new.task,
        due_on=new.due_on,
        campaign=new.campaign,
        clears=new.clears,
    )
    run = writing_wishes.begun(
        connection_named(new.connection),
        new.segment,
        wish,
        by=who.user,
        language=language,
        today=current().clock_today,
    )
    return as_json(run_document(run, language), status=202)


@router.get("/writing/runs/{run_id}", summary="One writing")
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """How far it is, and what came of it."""
    _writer(request)
    return as_json(run_document(writing.run_named(run_id), language_of(request)))


@router.get("/writing/runs/{run_id}/deeds", summary="What exactly is written, and what came of each deed")
def deeds(
    request: HttpRequest,
    run_id: str,
    status: Literal["planned", "sent", "done", "failed", "skipped"] | None = None,
    limit: int = Query(100, ge=1, le=MOST_DEEDS),
    offset: int = Query(0, ge=0),
) -> HttpResponse:
    """The preview before it is confirmed, the log after."""
    _writer(request)
    found = WriteDeed.objects.filter(run=writing.run_named(run_id))
    found = found.filter(status=status) if status else found
    rows = [deed_document(deed, language_of(request)) for deed in found[offset : offset + limit]]
    return as_json({"total_rows": found.count(), "rows": rows})


@router.post("/writing/runs/{run_id}", summary="Confirm, stop or resume a writing")
def act(request: HttpRequest, run_id: str, what: WritingDeed) -> HttpResponse:
    """Returns at once; the writing tells how far it is."""
    who, found = _writer(request), writing.run_named(run_id)
    if what.deed == "confirm":
        writing_runs.confirmed(found, by=who.user)
    elif what.deed == "resume":
        writing_runs.gone_on(found, by=who.user)
    else:
        writing_runs.stopped(found, by=who.user)
    return as_json(run_document(found, language_of(request)), status=202)


@router.post("/writing/runs/{run_id}/undo", summary="Preview bringing back what stood in the fields")
def undo(request: HttpRequest, run_id: str) -> HttpResponse:
    """A writing of its own, to be confirmed like any other. Fields that were changed since stay."""
    who = _writer(request)
    made = writing_runs.undo_begun(writing.run_named(run_id), by=who.user)
    return as_json(run_document(made, language_of(request)), status=202)


def _writer(request: HttpRequest) -> Caller:
    who = caller(request)
    who.must(writing.WRITES)
    return who

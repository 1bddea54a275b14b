"""How does a program see, hand over and erase one person's data, and set how long data is kept?

Who is meant stands in the body, never in an address: addresses are written into logs.
"""

import tempfile
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import as_json
from rakurs.app import privacy_desk
from rakurs.app.serving import current

router = Router(tags=["personal data"])


class Who(Schema, extra="forbid"):
    """A person: the id of any of the records, or a phone or a mailbox as people type them."""

    who: str = Field(min_length=1, max_length=300)


class Erase(Who):
    """A person to be erased. `with_deals`: the sales go too, and numbers of the past change."""

    with_deals: bool = False


class LetIn(Schema, extra="forbid"):
    """An erasure, whose person is welcome again."""

    erasure: str


class Months(Schema, extra="forbid"):
    """Kinds of data, each with the months it is kept; null keeps it for ever."""

    months: dict[str, int | None]


@router.post("/privacy/person", summary="Who it is, and what is known of the person")
def look(request: HttpRequest, body: Who) -> HttpResponse:
    """Rows by table; contacts that others have too are told apart."""
    who = _keeper(request)
    return as_json(privacy_desk.look(current(), body.who, language=language_of(request), by=who.user))


@router.post("/privacy/person/export", summary="All that is known of a person, as one archive")
def export(request: HttpRequest, body: Who) -> FileResponse:
    """CSV and JSON of every row, the raw rows they came from, and pages to read in Russian and English."""
    who = _keeper(request)
    who.must("export")
    with tempfile.TemporaryDirectory(dir=current().home.scratch) as folder:
        target = privacy_desk.hand_over(current(), body.who, Path(folder) / "person.zip", by=who.user)
        file = target.open("rb")
    return FileResponse(file, as_attachment=True, filename="person.zip", content_type="application/zip")


@router.post("/privacy/erasures", summary="Erase a person everywhere")
def erase(request: HttpRequest, body: Erase) -> HttpResponse:
    """202: it is kept and will be done, whatever happens to the server; ask the list how far it is. It cannot be taken back."""
    who = _keeper(request)
    erasure = privacy_desk.erase(current(), body.who, with_deals=body.with_deals, by=who.user)
    return as_json({"erasure": erasure}, status=202)


@router.get("/privacy/erasures", summary="Who is being erased, and who was")
def erasures(request: HttpRequest) -> HttpResponse:
    """Under way first, then the latest; nothing tells who it was. `done_at` is null until all is done."""
    _keeper(request)
    return as_json(privacy_desk.erasures(current(), language_of(request)))


@router.post("/privacy/erasures/let-in", summary="Take in again what comes of a person who was erased")
def let_in(request: HttpRequest, body: LetIn) -> HttpResponse:
    """What was erased stays so."""
    who = _keeper(request)
    privacy_desk.let_in(current(), body.erasure, by=who.user)
    return as_json(privacy_desk.erasures(current(), language_of(request)))


@router.get("/privacy/retention", summary="How long each kind of data is kept")
def retention(request: HttpRequest) -> HttpResponse:
    """With what is past just now."""
    _keeper(request)
    return as_json(privacy_desk.kept_for(current(), language_of(request)))


@router.post("/privacy/retention/preview", summary="What would go under other settings")
def preview(request: HttpRequest, body: Months) -> HttpResponse:
    """Nothing is changed."""
    _keeper(request)
    return as_json(privacy_desk.past_under(current(), body.months, language_of(request)))


@router.patch("/privacy/retention", summary="Set how long kinds of data are kept")
def settle(request: HttpRequest, body: Months) -> HttpResponse:
    """What is past goes at night."""
    who = _keeper(request)
    privacy_desk.keep_for(current(), body.months, by=who.user)
    return as_json(privacy_desk.kept_for(current(), language_of(request)))


@router.post("/privacy/retention/apply", summary="Let go what is past now")
def apply(request: HttpRequest) -> HttpResponse:
    """Answers when it is done, with what went."""
    who = _keeper(request)
    return as_json(privacy_desk.let_go(current(), language_of(request), by=who.user))


def _keeper(request: HttpRequest) -> Caller:
    """Everybody's data, whole: for who administers and may see personal data."""
    who = caller(request)
    who.must("administer")
    who.must("personal_data")
    return who

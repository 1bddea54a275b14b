"""How does a program keep sets of customers? List, make, open, change, take out."""

import tempfile
from pathlib import Path
from typing import Any, Literal

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from rakurs.api.callers import caller
from rakurs.api.problems import language_of
from rakurs.api.questions import DEFAULT_LIMIT, MOST_ROWS, as_json
from rakurs.app.accounts import note
from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.segment_definitions import definition_of
from rakurs.app.segment_desk import (
    customers_of,
    export_customers,
    members_list,
    portrait_document,
    shelf_document,
)
from rakurs.app.segment_facts import Show
from rakurs.app.segments import (
    create_from_list,
    create_segment,
    delete_segment,
    redefine_segment,
    rename_segment,
    segment_for,
    share_segment,
)
from rakurs.app.serving import current
from rakurs.core.errors import BadInput
from rakurs.core.text import Text

router = Router(tags=["segments"])

_WHAT = Text(ru="Нужно что-то одно: definition или ids.", en="Give one of the two: definition or ids.")


class NewSegment(Schema):
    """A segment to make: by `definition` (filter, members, combination), or of `ids`, one id, phone or e-mail a line."""

    title: str
    about: str = ""
    definition: dict[str, Any] | None = None
    ids: str | None = None
    is_living: bool = False


class SegmentChange(Schema):
    """What to change; what is left out stays."""

    title: str | None = None
    about: str | None = None
    definition: dict[str, Any] | None = None
    is_living: bool | None = None
    audience: Literal["private", "link", "everyone"] | None = None


class Shown(Schema):
    """Which customers: those in it now, those who came, those who went since the compared day."""

    show: Show = "now"
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MOST_ROWS)
    offset: int = Field(default=0, ge=0)


SHOWN: Any = Query(...)


@router.get("/segments", summary="Every segment in one's list")
def segments(request: HttpRequest) -> HttpResponse:
    """With sizes within the caller's rights."""
    who = caller(request)
    who.must("read")
    return as_json(shelf_document(current(), who.user, who.scope))


@router.post("/segments", summary="A new segment")
def create(request: HttpRequest, body: NewSegment) -> HttpResponse:
    """Counted at once; of a living one also the past months are reckoned."""
    who = caller(request)
    who.must("keep")
    owner, named = who.person(), {"title": body.title, "about": body.about}
    if (body.definition is None) == (body.ids is None):
        raise BadInput(_WHAT)
    if body.ids is not None:
        made = create_from_list(current(), owner, body.ids, **named)
    else:
        definition = definition_of(body.definition or {})
        made = create_segment(current(), owner, definition, is_living=body.is_living, **named)
    return as_json(portrait_document(current(), made, owner, who.scope), status=201)


@router.get("/segments/{segment_id}", summary="One segment")
def segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Size, history, who came and went, what it shares with others, what tells it apart."""
    who = caller(request)
    who.must("read")
    found = segment_for(who.user, segment_id)
    return as_json(portrait_document(current(), found, who.user, who.scope))


@router.patch("/segments/{segment_id}", summary="Rename, share or redefine a segment")
def change(request: HttpRequest, segment_id: str, body: SegmentChange) -> HttpResponse:
    """Only its owner may."""
    who = caller(request)
    who.must("keep")
    user = who.person()
    found = segment_for(user, segment_id)
    if body.title is not None or body.about is not None:
        title, about = body.title or found.title, found.about if body.about is None else body.about
        rename_segment(found, by=user, title=title, about=about)
    if body.definition is not None or body.is_living is not None:
        rule = definition_of(found.definition if body.definition is None else body.definition)
        is_living = found.is_living if body.is_living is None else body.is_living
        redefine_segment(current(), found, rule, by=user, is_living=is_living)
    if body.audience is not None:
        share_segment(found, body.audience, by=user)
    return as_json(portrait_document(current(), found, user, who.scope))


@router.delete("/segments/{segment_id}", summary="Delete a segment")
def delete(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Refused while another segment is made of it."""
    who = caller(request)
    who.must("keep")
    user = who.person()
    delete_segment(current(), segment_for(user, segment_id), by=user)
    return HttpResponse(status=204)


@router.get("/segments/{segment_id}/members", summary="The customers of a segment")
def members(request: HttpRequest, segment_id: str, shown: Shown = SHOWN) -> HttpResponse:
    """One page of them, by id."""
    who = caller(request)
    who.must("read")
    found = segment_for(who.user, segment_id)
    rows = customers_of(current(), found, scope=who.scope, show=shown.show, limit=shown.limit, offset=shown.offset)
    note(who.user, "segment", found.id, rows=rows.total_rows)
    return as_json(members_list(rows, language_of(request)))


@router.get("/segments/{segment_id}/export", summary="The customers of a segment as a file")
def export(request: HttpRequest, segment_id: str, kind: ExportKind = "xlsx", show: Show = "now") -> FileResponse:
    """All of them."""
    who = caller(request)
    who.must("export")
    found = segment_for(who.user, segment_id)
    with tempfile.TemporaryDirectory(dir=current().home.scratch) as folder:
        target = Path(folder) / f"segment.{KINDS[kind].extension}"
        options: Any = {"scope": who.scope, "kind": kind, "language": language_of(request), "target": target}
        export_customers(current(), found, show=show, **options)
        note(who.user, "export segment", found.id, detail={"kind": kind, "show": show})
        file = target.open("rb")
    return FileResponse(file, as_attachment=True, filename=target.name, content_type=KINDS[kind].content_type)

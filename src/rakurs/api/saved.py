"""How does a program ask a question of its own, and keep, share and ask again the ones people keep?"""

import tempfile
from pathlib import Path
from typing import Any

from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.questions import DEFAULT_LIMIT, LIMIT, MOST_ROWS, OFFSET, as_json
from rakurs.app.accounts import note
from rakurs.app.answers_json import answer_document, members_document
from rakurs.app.asked import Asked, kept_asked
from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.saved import (
    asked_in,
    create_report,
    delete_report,
    duplicate_report,
    rename_report,
    report_document,
    report_for,
    reports_of,
    restore_version,
    save_version,
    share_report,
    versions_document,
)
from rakurs.app.serving import current

router = Router(tags=["saved"])


class AskedQuestion(Schema):
    """Any question: metrics by any dimensions, or an analysis of the catalogue. `cell` is for its members."""

    asked: Asked
    cell: dict[str, Any] = Field(default_factory=dict)
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MOST_ROWS)
    offset: int = Field(default=0, ge=0)
    sort: str | None = None


class NewReport(Schema):
    """A question to keep, private until it is shared."""

    title: str
    asked: Asked
    about: str = ""
    audience: str | None = None


class ReportChange(Schema):
    """What is to be different; what is not named stays."""

    title: str | None = None
    about: str | None = None
    asked: Asked | None = None
    audience: str | None = None


@router.post("/ask", summary="Any metrics by any dimensions, or an analysis")
def ask(request: HttpRequest, question: AskedQuestion) -> HttpResponse:
    """The answer to a question of one's own."""
    who = caller(request)
    who.must("read")
    answer = current().ask(
        question.asked, scope=who.scope, limit=question.limit, offset=question.offset, sort=question.sort
    )
    note(who.user, "answer", "ask", detail={"asked": kept_asked(question.asked)}, rows=answer.table.num_rows)
    return as_json(answer_document(answer, language_of(request), currency=current().company.currency))


@router.post("/ask/members", summary="Rows behind a cell of any question")
def ask_members(request: HttpRequest, question: AskedQuestion) -> HttpResponse:
    """The rows behind one cell; of a split of metrics, those its first metric counts."""
    who = caller(request)
    who.must("read")
    members = current().ask_members(
        question.asked, question.cell, scope=who.scope, limit=question.limit, offset=question.offset
    )
    detail = {"asked": kept_asked(question.asked), "cell": {name: str(value) for name, value in question.cell.items()}}
    note(who.user, "members", "ask", detail=detail, rows=members.table.num_rows)
    return as_json(members_document(members, language_of(request)))


@router.get("/saved", summary="Reports one keeps, and those shown to the whole company")
def saved(request: HttpRequest) -> HttpResponse:
    """By title."""
    user = caller(request).person()
    return as_json([report_document(report, user) for report in reports_of(user)])


@router.post("/saved", summary="Keep a question")
def create(request: HttpRequest, new: NewReport) -> HttpResponse:
    """A new report; it is asked once, so that only what can be answered is kept."""
    who = caller(request)
    user = who.person("keep")
    current().question(new.asked, scope=who.scope)
    with transaction.atomic():  # what may not be shared is not kept either
        report = create_report(user, new.asked, title=new.title, about=new.about)
        if new.audience:
            _share(who, report, new.audience)
    return as_json(report_document(report, user), status=201)


@router.get("/saved/{report_id}", summary="One report")
def one(request: HttpRequest, report_id: str) -> HttpResponse:
    """What it asks, and its versions, newest first."""
    user = caller(request).person()
    return as_json(versions_document(report_for(user, report_id), user))


@router.patch("/saved/{report_id}", summary="Change a report of one's own")
def change(request: HttpRequest, report_id: str, wanted: ReportChange) -> HttpResponse:
    """A new name, question (a new version) or audience."""
    who = caller(request)
    user = who.person("keep")
    report = report_for(user, report_id)
    with transaction.atomic():  # all of the change or none
        if wanted.title is not None or wanted.about is not None:
            title = report.title if wanted.title is None else wanted.title
            rename_report(report, by=user, title=title, about=report.about if wanted.about is None else wanted.about)
        if wanted.asked is not None:
            current().question(wanted.asked, scope=who.scope)
            report = save_version(report, wanted.asked, by=user)
        if wanted.audience is not None:
            _share(who, report, wanted.audience)
    return as_json(report_document(report, user))


@router.delete("/saved/{report_id}", summary="Delete a report of one's own")
def delete(request: HttpRequest, report_id: str) -> HttpResponse:
    """Its history goes with it."""
    user = caller(request).person("keep")
    delete_report(report_for(user, report_id), by=user)
    return HttpResponse(status=204)


@router.post("/saved/{report_id}/duplicate", summary="A copy of one's own")
def duplicate(request: HttpRequest, report_id: str) -> HttpResponse:
    """Private, with a history of its own."""
    user = caller(request).person("keep")
    return as_json(report_document(duplicate_report(report_for(user, report_id), owner=user), user), status=201)


@router.post("/saved/{report_id}/versions/{number}/restore", summary="Bring an earlier version back")
def restore(request: HttpRequest, report_id: str, number: int) -> HttpResponse:
    """It becomes the newest version."""
    user = caller(request).person("keep")
    return as_json(report_document(restore_version(report_for(user, report_id), number, by=user), user))


@router.get("/saved/{report_id}/answer", summary="The answer of a report, over the caller's own rows")
def answer(
    request: HttpRequest, report_id: str, limit: int = LIMIT, offset: int = OFFSET, sort: str | None = None
) -> HttpResponse:
    """One page of it."""
    who = caller(request)
    report = report_for(who.person(), report_id)
    found = current().ask(asked_in(report), scope=who.scope, limit=limit, offset=offset, sort=sort)
    note(who.user, "answer", report.id, rows=found.table.num_rows)
    return as_json(answer_document(found, language_of(request), currency=current().company.currency))


@router.get("/saved/{report_id}/export", summary="The whole answer of a report as a file")
def export(request: HttpRequest, report_id: str, kind: ExportKind = "xlsx") -> FileResponse:
    """With its chart and passport, over the caller's own rows."""
    who = caller(request)
    report = report_for(who.person("export"), report_id)
    with tempfile.TemporaryDirectory(dir=current().home.scratch) as folder:
        target = Path(folder) / f"report.{KINDS[kind].extension}"
        options: Any = {"scope": who.scope, "kind": kind, "language": language_of(request), "target": target}
        current().ask_export(asked_in(report), title=report.title, **options)
        note(who.user, "export", report.id, detail={"kind": kind})
        file = target.open("rb")
    return FileResponse(file, as_attachment=True, filename=target.name, content_type=KINDS[kind].content_type)


def _share(who: Caller, report: Any, audience: str) -> None:
    # Whether the person may share is told by their role: a report shares a question, never rows.
    share_report(report, audience, by=who.person())

"""How does data come in over the network, and what became of it? Uploads, loads, quarantine, tables, metrics."""

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import File, Form, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from rakurs.api.callers import caller
from rakurs.api.problems import language_of
from rakurs.api.questions import MOST_ROWS, OFFSET, as_json
from rakurs.app import jobs
from rakurs.app.accounts import note
from rakurs.app.answers_json import plain
from rakurs.app.choosing import choices
from rakurs.app.confirming import confirm_mappings, proposed_documents
from rakurs.app.documents import (
    dimension_document,
    load_document,
    metric_document,
    pivot_document,
    quarantine_document,
    table_document,
)
from rakurs.app.exporting import KINDS
from rakurs.app.serving import current
from rakurs.core.text import Language
from rakurs.metrics import DIMENSIONS, METRICS
from rakurs.schema import TABLES, table_named
from rakurs.state.models import LoadJob

router = Router()

SHORT_LIMIT: Any = Query(100, ge=1, le=MOST_ROWS)


@router.get("/status", summary="The company and its data", tags=["data"])
def status(request: HttpRequest) -> HttpResponse:
    """What the numbers are counted in, and the version of the data."""
    caller(request).must("read")
    workspace = current()
    company = workspace.company
    return as_json(
        {
            "name": company.name,
            "timezone": company.timezone,
            "currency": company.currency,
            "today": workspace.today.isoformat(),
            "has_data": workspace.has_data,
            "data_version": workspace.data_version,
        }
    )


@router.get("/metrics", summary="Metrics and what they can be split by", tags=["metrics"])
def metrics(request: HttpRequest) -> HttpResponse:
    """Every measure of the semantic layer."""
    caller(request).must("read")
    return as_json([metric_document(metric, DIMENSIONS, language_of(request)) for metric in METRICS])


@router.get("/dimensions", summary="Dimensions", tags=["metrics"])
def dimensions(request: HttpRequest) -> HttpResponse:
    """Every way to split a measure."""
    caller(request).must("read")
    return as_json([dimension_document(dimension, language_of(request)) for dimension in DIMENSIONS])


@router.get("/dimensions/{name}/values", summary="The values of a dimension", tags=["metrics"])
def dimension_values(request: HttpRequest, name: str) -> HttpResponse:
    """What may be chosen in a filter, as far as the caller sees."""
    who = caller(request)
    who.must("read")
    known = choices(current(), name, user=who.user, scope=who.scope)
    return as_json([{"value": value, "label": label} for value, label in known])


@router.get("/pivot", summary="Metrics by dimensions", tags=["metrics"])
def pivot(request: HttpRequest, metric: Query[list[str]], by: Query[list[str]] = []) -> HttpResponse:  # noqa: B006
    """Any metrics by any fitting dimensions; other parameters are the period's."""
    who = caller(request)
    who.must("read")
    params = {name: request.GET[name] for name in request.GET if name not in {"metric", "by", "language"}}
    answer = current().pivot(metric, by, params=params, scope=who.scope)
    note(who.user, "pivot", ",".join(metric), detail={"by": by, **params}, rows=answer.table.num_rows)
    return as_json(pivot_document(metric, by, answer, language_of(request)))


@router.get("/tables", summary="Canonical tables", tags=["data"])
def tables(request: HttpRequest) -> HttpResponse:
    """What files may hold."""
    caller(request).must("read")
    return as_json([table_document(table, language_of(request)) for table in TABLES])


@router.get("/tables/{name}/template", summary="An empty file of a canonical table", tags=["data"])
def template(request: HttpRequest, name: str, kind: Literal["csv", "xlsx"] = "csv") -> HttpResponse:
    """The header to fill in."""
    caller(request).must("read")
    table = table_named(name)
    response = HttpResponse(current().template(table.name, kind), content_type=KINDS[kind].content_type)
    response["Content-Disposition"] = f'attachment; filename="{table.name}.{kind}"'
    return response


@router.post("/loads", summary="Upload files", tags=["loads"])
def upload(request: HttpRequest, files: File[list[UploadedFile]], profile: Form[str] = "") -> HttpResponse:
    """Keep the files and load them in the background; ask the returned job how far it is."""
    who = caller(request)
    who.must("load")
    job = jobs.receive(
        ((file.name or "", file.chunks()) for file in files),
        home=current().home,
        owner=who.user,
        profile=profile,
    )
    return as_json(job_document(job, language_of(request)), status=202)


@router.get("/loads", summary="Loads under way and done", tags=["loads"])
def loads(request: HttpRequest, limit: int = SHORT_LIMIT) -> HttpResponse:
    """`jobs` came through the server; `history` is everything that was ever loaded."""
    caller(request).must("load")
    language = language_of(request)
    return as_json(
        {
            "jobs": [job_document(job, language) for job in LoadJob.objects.all()[:limit]],
            "history": [load_document(report, language) for report in current().loads(limit)],
        }
    )


@router.get("/loads/{job_id}", summary="How far a load is", tags=["loads"])
def load(request: HttpRequest, job_id: str) -> HttpResponse:
    """Status, progress and, when done, the report."""
    caller(request).must("load")
    return as_json(job_document(get_object_or_404(LoadJob, pk=job_id), language_of(request)))


@router.delete("/loads/{job_id}", summary="Cancel a load", tags=["loads"])
def cancel(request: HttpRequest, job_id: str) -> HttpResponse:
    """Stop it; the data stays as it was before."""
    caller(request).must("load")
    job = get_object_or_404(LoadJob, pk=job_id)
    jobs.cancel(job)
    job.refresh_from_db()
    return as_json(job_document(job, language_of(request)))


class ProposedColumn(Schema):
    """What one column of a file is taken for; no table and field where nothing of ours fits."""

    column: str
    samples: list[str]
    table: str | None
    field: str | None
    confidence: float = Field(ge=0, le=1)


class ProposedMapping(Schema):
    """One waiting file: its columns, and the mapping as an entry of a profile's `files`, also as the profile's YAML."""

    file: str
    rows_estimate: int
    notes: list[str]
    columns: list[ProposedColumn]
    mapping: dict[str, Any]
    profile: str


class ProposedMappings(Schema):
    """Every file of a load that waits."""

    files: list[ProposedMapping]


class ConfirmedMapping(Schema, extra="forbid"):
    """What a file means: `mapping` as it was proposed or corrected; left out, the proposal stands as it is."""

    file: str
    mapping: dict[str, Any] | None = None


class ConfirmedMappings(Schema, extra="forbid"):
    """The files whose mapping is confirmed; the load goes on when none is left."""

    files: list[ConfirmedMapping] = Field(min_length=1)


@router.get(
    "/loads/{job_id}/mapping", summary="What waiting files are taken for", tags=["loads"], response=ProposedMappings
)
def proposed_mapping(request: HttpRequest, job_id: str) -> HttpResponse:
    """Per file and column the proposed table and field with samples and confidence, and the mapping to confirm."""
    who = caller(request)
    who.must("load")
    who.must("personal_data")  # samples are cells of the file
    job = get_object_or_404(LoadJob, pk=job_id)
    waits = job.status == LoadJob.Status.NEEDS_MAPPING
    return as_json({"files": proposed_documents(job, language_of(request)) if waits else []})


@router.post("/loads/{job_id}/mapping", summary="Confirm what files mean", tags=["loads"])
def confirm_mapping(request: HttpRequest, job_id: str, confirmed: ConfirmedMappings) -> HttpResponse:
    """Remember the mappings for the next files of these shapes and let the load go on; 202 and the job."""
    who = caller(request)
    who.must("load")
    job = get_object_or_404(LoadJob, pk=job_id)
    confirm_mappings(job, {item.file: item.mapping for item in confirmed.files}, owner=who.user)
    job.refresh_from_db()
    return as_json(job_document(job, language_of(request)), status=202)


@router.get("/quarantine", summary="Rows that broke a rule", tags=["data"])
def quarantine(
    request: HttpRequest,
    table: str | None = None,
    rule: str | None = None,
    limit: int = SHORT_LIMIT,
    offset: int = OFFSET,
) -> HttpResponse:
    """Each with its rule, reason, file, row, column and value."""
    who = caller(request)
    who.must("load")
    who.must("personal_data")  # a row in quarantine is shown whole
    page = current().quarantine(table=table, rule=rule, limit=limit, offset=offset)
    note(who.user, "quarantine", table or "", rows=page.rows.num_rows)
    return as_json(quarantine_document(page, language_of(request)))


def job_document(job: LoadJob, language: Language) -> dict[str, Any]:
    """A job as its owner sees it: names of files, not where they lie."""
    report = jobs.report_of(job)
    error = job.error_ru if language == "ru" else job.error_en
    return {
        "id": job.id,
        "status": job.status,
        "files": [path.replace("\\", "/").rpartition("/")[2] for path in job.paths],
        "step": job.step_ru if language == "ru" else job.step_en,
        "done": job.done,
        "total": job.total,
        "error": error or None,
        "unknown_files": job.unknown_files,
        "report": load_document(report, language) if report else None,
        "created_at": plain(job.created_at, language),
        "finished_at": plain(job.finished_at, language),
    }

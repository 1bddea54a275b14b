"""How do files come in, what became of them, and what was set aside?"""

import csv
import io
import json
from pathlib import Path
from typing import Any, cast, get_args

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from rakurs.app import jobs
from rakurs.app.correcting import correctable
from rakurs.core.loading import LoadReport
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import TABLES, table_named
from rakurs.schema.rules import rule_named
from rakurs.sources.files import template
from rakurs.sources.files.templates import TemplateKind
from rakurs.state.models import LoadJob
from rakurs.web.access import format_of, may, user_of, workspace
from rakurs.web.language import page_language, said
from rakurs.web.links import PAGE_SIZE, query
from rakurs.web.tables import pages_of
from rakurs.web.views.pages import page_or_part, whole_number

SHOWN_LOADS = 50
SHOWN_GROUPS = 6
FILE_ROWS = 100_000
BROKEN_FIELDS = ("table", "file", "row_number", "column", "value", "reason", "next_step", "raw")
BROKEN_HEADS = (
    Text(ru="Таблица", en="Table"),
    Text(ru="Файл", en="File"),
    Text(ru="Строка", en="Row"),
    Text(ru="Столбец", en="Column"),
    Text(ru="Значение", en="Value"),
    Text(ru="Что не так", en="What is wrong"),
    Text(ru="Что делать", en="What to do"),
    Text(ru="Вся строка", en="The whole row"),
)
STATUS_WORDS = {
    LoadJob.Status.RECEIVED: (Text(ru="В очереди", en="Waiting"), ""),
    LoadJob.Status.INSPECTING: (Text(ru="Просматриваю файлы", en="Looking at the files"), "accent"),
    LoadJob.Status.NEEDS_MAPPING: (Text(ru="Нужно сопоставить столбцы", en="Columns need a meaning"), "warn"),
    LoadJob.Status.LOADING: (Text(ru="Загружаю", en="Loading"), "accent"),
    LoadJob.Status.DONE: (Text(ru="Готово", en="Done"), "good"),
    LoadJob.Status.FAILED: (Text(ru="Не получилось", en="Failed"), "bad"),
    LoadJob.Status.CANCELLED: (Text(ru="Отменено", en="Cancelled"), ""),
}


@may("load")
def upload(request: HttpRequest) -> HttpResponse:
    """Where files are dropped; posting them starts a load and leads to its page."""
    if request.method == "POST":
        files = [(file.name or "", file.chunks()) for file in request.FILES.getlist("files")]
        job = jobs.receive(files, home=workspace().home, owner=user_of(request))
        return redirect("load", job.id)
    context = {"tables": TABLES, "jobs": [job_view(job) for job in LoadJob.objects.all()[:5]]}
    return page_or_part(request, whole="rakurs/upload.html", part="rakurs/_upload.html", context=context)


@may("load")
def loads(request: HttpRequest) -> HttpResponse:
    """Every load, the newest first."""
    context = {"jobs": [job_view(job) for job in LoadJob.objects.select_related("owner")[:SHOWN_LOADS]]}
    return page_or_part(request, whole="rakurs/loads.html", part="rakurs/_loads.html", context=context)


@may("load")
def load(request: HttpRequest, job_id: str) -> HttpResponse:
    """How far one load is, or what came of it."""
    job = get_object_or_404(LoadJob, pk=job_id)
    context = {"job": job_view(job)}
    return page_or_part(request, whole="rakurs/load.html", part="rakurs/_load.html", context=context)


@may("load")
@require_POST
def cancel(_request: HttpRequest, job_id: str) -> HttpResponse:
    """Stop a load; the data stays as it was."""
    jobs.cancel(get_object_or_404(LoadJob, pk=job_id))
    return redirect("load", job_id)


@may("load")
@require_POST
def retry(_request: HttpRequest, job_id: str) -> HttpResponse:
    """Try a load again."""
    jobs.go_on(get_object_or_404(LoadJob, pk=job_id))
    return redirect("load", job_id)


@may("load", "personal_data")
def quarantine(request: HttpRequest) -> HttpResponse:
    """Rows that broke a rule: which, where, why, and what to do."""
    table, rule = request.GET.get("table") or None, request.GET.get("rule") or None
    offset = whole_number(request.GET.get("offset"))
    page = workspace().quarantine(table=table, rule=rule, limit=PAGE_SIZE, offset=offset)
    given = {"table": table, "rule": rule}
    groups = [_group_view(*group, table=table, rule=rule) for group in page.by_rule]
    context = {
        "total": page.total,
        "groups": groups[:SHOWN_GROUPS],
        "more_groups": groups[SHOWN_GROUPS:],
        "is_more_open": any(group["is_chosen"] for group in groups[SHOWN_GROUPS:]),
        "rows": [_broken_view(row) for row in page.rows.to_pylist()],
        "pages": pages_of(page.total, offset=offset, limit=PAGE_SIZE, given=given),
        "is_filtered": bool(table or rule),
        "query": query(given),
    }
    return page_or_part(request, whole="rakurs/quarantine.html", part="rakurs/_quarantine.html", context=context)


@may("load", "personal_data")
def quarantine_file(request: HttpRequest) -> HttpResponse:
    """Every quarantined row as CSV, with what is wrong with it, for whoever corrects the file."""
    table, rule = request.GET.get("table") or None, request.GET.get("rule") or None
    page = workspace().quarantine(table=table, rule=rule, limit=FILE_ROWS)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([said(head) for head in BROKEN_HEADS])
    for row in (_broken_view(row) for row in page.rows.to_pylist()):
        writer.writerow([row[name] for name in BROKEN_FIELDS])
    response = HttpResponse("\ufeff" + text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="quarantine.csv"'
    return response


@may("load")
def template_file(_request: HttpRequest, table: str, kind: str) -> HttpResponse:
    """An empty file of one table, ready to be filled in."""
    if kind not in get_args(TemplateKind):
        raise Http404(kind)
    content = template(table_named(table), cast("TemplateKind", kind), language=page_language())
    response = HttpResponse(content, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{table}.{kind}"'
    return response


def job_view(job: LoadJob) -> dict[str, Any]:
    """One load as the pages show it."""
    words, tone = STATUS_WORDS[LoadJob.Status(job.status)]
    report = jobs.report_of(job)
    ru = page_language() == "ru"
    return {
        "id": job.id,
        "href": reverse("load", args=[job.id]),
        "files": [Path(path).name for path in job.paths],
        "status": job.status,
        "words": said(words),
        "tone": tone,
        "step": job.step_ru if ru else job.step_en,
        "error": job.error_ru if ru else job.error_en,
        "done": job.done,
        "total": job.total,
        "owner": job.owner,
        "created_at": job.created_at,
        "is_finished": job.is_finished,
        "is_waiting": job.status == LoadJob.Status.NEEDS_MAPPING,
        "is_running": not job.is_finished and job.status != LoadJob.Status.NEEDS_MAPPING,
        "is_cancel_asked": job.is_cancel_asked,
        "unknown": [Path(file).name for file in job.unknown_files],
        "report": _report_view(job, report) if report else None,
    }


def _report_view(job: LoadJob, report: LoadReport) -> dict[str, Any]:
    form = format_of()
    wrong = correctable(job)
    return {
        "seconds": form.shown(round(report.seconds, 1), Unit.NUMBER),
        "files": [
            {
                "count": count,
                "correction": reverse("correction", args=[job.id, number]) if count.file in wrong else None,
            }
            for number, count in enumerate(report.files)
        ],
        "tables": [
            {"title": said(table_named(count.table).title), "name": count.table, "count": count}
            for count in report.tables
        ],
        "read": sum(count.read for count in report.tables),
        "quarantined": sum(count.quarantined for count in report.tables),
    }


def _group_view(
    name: str, code: str, title: Text, count: int, *, table: str | None, rule: str | None
) -> dict[str, Any]:
    return {
        "table": said(table_named(name).title),
        "rule": said(title),
        "count": count,
        "href": query({"table": name, "rule": code}),
        "is_chosen": (table, rule) == (name, code),
    }


def _broken_view(row: dict[str, Any]) -> dict[str, Any]:
    table = table_named(row["table_name"])
    rule = rule_named(row["rule"])
    column = next((item for item in table.columns if item.name == row["column_name"]), None)
    return {
        "table": said(table.title),
        "file": Path(row["file"] or "").name or "—",
        "row_number": row["row_number"],
        "column": said(column.title) if column else row["column_name"] or "—",
        "value": row["value"],
        "reason": said(rule.reason),
        "next_step": said(rule.next_step),
        "raw": json.dumps(json.loads(row["raw"]), ensure_ascii=False, indent=1) if row["raw"] else "",
    }

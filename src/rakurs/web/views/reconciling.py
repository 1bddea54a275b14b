"""Why is our number not theirs? A form, both numbers, and the deals that make the difference."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from rakurs.app.accounts import note
from rakurs.app.exporting import ExportKind
from rakurs.app.formats import Format
from rakurs.app.id_lists import IdList, id_list, text_of_bytes
from rakurs.app.reconciling import ReconcileParams, Reconciliation
from rakurs.core.errors import BadInput
from rakurs.core.periods import Preset
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.web.access import format_of, scope_for, user_of, workspace
from rakurs.web.tables import plain_table
from rakurs.web.views.report import sent_file

FIELDS = ("metric", "period", "from_day", "to_day", "system", "timezone")
SHOWN_ROWS = 200
DOWNLOADS = (("xlsx", Text(ru="Excel", en="Excel")), ("csv-excel", Text(ru="CSV", en="CSV")))


def reconcile(request: HttpRequest) -> HttpResponseBase:
    """The form; after it is sent, the difference and its deals, or the same as a file."""
    form = format_of()
    given = {name: request.POST.get(name, "").strip() for name in FIELDS}
    text = request.POST.get("ids", "")
    found: Reconciliation | None = None
    problem: Text | None = None
    if request.method == "POST":
        try:
            found = workspace().reconcile(_params(given), _listed(request, text), scope=scope_for(request))
        except BadInput as error:
            problem = error.message
    if found is not None:
        note(user_of(request), "reconcile", found.metric, detail=_params(given), rows=found.table.num_rows)
        kind = request.POST.get("kind")
        if kind:
            return sent_file(_writer(found, form), kind, name=f"reconciliation-{found.metric}")
    context = {**_choices(given, form), "ids": text, "problem": problem, "downloads": _downloads(form)}
    if found is not None:
        context |= _shown(found, form)
    return render(request, "rakurs/reconcile.html", context, status=422 if problem else 200)


def _params(given: Mapping[str, str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value}


def _listed(request: HttpRequest, text: str) -> IdList | None:
    """The pasted list, or the one in the file; None where there is neither."""
    file = request.FILES.get("file")
    words = text_of_bytes(file.read()) if file else text  # type: ignore[union-attr]
    return id_list(words) if words.strip() else None


def _writer(found: Reconciliation, form: Format) -> Any:
    def write(target: Path, kind: ExportKind) -> None:
        workspace().export_reconciliation(found, kind=kind, language=form.language, target=target)

    return write


def _choices(given: Mapping[str, str], form: Format) -> dict[str, Any]:
    """The fields with their words and what is chosen in them."""
    infos = ReconcileParams.infos()

    has_days = bool(given["from_day"] or given["to_day"])

    def options(name: str, default: str) -> list[dict[str, Any]]:
        chosen = "" if name == "period" and has_days else given[name] or default
        return [
            {"value": str(getattr(value, "value", value)), "label": label.to(form.language),
             "is_chosen": str(getattr(value, "value", value)) == chosen}
            for value, label in infos[name].labels.items()
            if value is not Preset.CUSTOM
        ]  # fmt: skip

    return {
        "metrics": options("metric", "won_amount"),
        "periods": options("period", Preset.LAST_MONTH.value),
        "systems": options("system", ""),
        "given": given,
    }


def _downloads(form: Format) -> list[dict[str, str]]:
    return [{"kind": kind, "title": title.to(form.language)} for kind, title in DOWNLOADS]


def _shown(found: Reconciliation, form: Format) -> dict[str, Any]:
    shown = found.table.slice(0, SHOWN_ROWS)
    heads, rows = plain_table(found.columns, shown, form)
    unit = Unit.POINTS if found.unit is Unit.SHARE else found.unit
    each = Unit.MONEY if found.unit is Unit.MONEY else Unit.NUMBER
    return {
        "found": found,
        "ours": form.shown(found.ours, found.unit),
        "theirs": form.shown(found.theirs, found.unit),
        "difference": form.change(found.difference, unit),
        "reasons": [
            {"title": title.to(form.language), "deals": deals, "difference": form.change(difference, each)}
            for _, title, deals, difference in found.by_reason
        ],
        "heads": heads,
        "rows": rows,
        "hidden": found.table.num_rows - shown.num_rows,
        "notes": [text.to(form.language) for text in found.notes],
    }

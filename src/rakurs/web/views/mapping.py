"""What do the columns of a file mean: asked once when it is new, and again when the answer turned out wrong?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from rakurs.app import jobs
from rakurs.app.confirming import checked_profile, confirm
from rakurs.app.correcting import correct, loaded_part
from rakurs.app.mapping import CUSTOM, IGNORED, Details, Lacking, mapping_from, target_groups
from rakurs.core.errors import BadInput
from rakurs.core.source import FileMapping
from rakurs.schema import TABLES
from rakurs.sources.files import Inspected, Profile, profile_of, profile_yaml
from rakurs.state.models import LoadJob
from rakurs.web.access import may, user_of, workspace
from rakurs.web.language import page_language, said
from rakurs.web.mapping_form import (
    CURRENCIES,
    DATE_ORDERS,
    OUTCOMES,
    Words,
    column_view,
    constant_views,
    known_details,
    said_details,
    stage_views,
    summary_of,
    words_in,
)
from rakurs.web.views.data import job_view
from rakurs.web.views.pages import page_or_part

PREVIEW_ROWS = 8


@may("load", "personal_data")
def mapping(request: HttpRequest, job_id: str) -> HttpResponse:
    """What the columns of one new file mean: proposed, confirmed once, remembered for the next file of that shape."""
    job = get_object_or_404(LoadJob, pk=job_id)
    if job.status != LoadJob.Status.NEEDS_MAPPING:
        return redirect("load", job_id)
    with workspace().unknown([Path(path) for path in job.paths]) as unknown:
        if not unknown:
            jobs.go_on(job)
            return redirect("load", job_id)
        part = unknown[0]
        form = _Form(request, part)
    if form.profile is not None:
        left = confirm(job, {Path(part.file).name: form.profile}, owner=user_of(request))
        return redirect("mapping" if left else "load", job_id)
    return form.page(job, left=len(unknown))


@may("load", "personal_data")
def correction(request: HttpRequest, job_id: str, number: int) -> HttpResponse:
    """What the columns of a loaded file mean after all: saved, the file is read again from the raw zone."""
    job = get_object_or_404(LoadJob, pk=job_id)
    report = jobs.report_of(job)
    if report is None or number >= len(report.files):
        raise Http404(number)
    part = loaded_part(job, report.files[number].file)
    form = _Form(request, part)
    if form.profile is not None:
        correct(job, part, form.profile, owner=user_of(request))
        return redirect("load", job_id)
    return form.page(job, is_correction=True)


class _Form:
    """The form of one file: what it shows, and the `profile` to keep once a person saved it."""

    def __init__(self, request: HttpRequest, part: Inspected) -> None:
        self.request, self.part = request, part
        asked = request.POST if request.method == "POST" else None
        self.choices = _said_choices(part, asked) if asked else _proposed(part)
        self.words: Words = words_in(part, self.choices)
        if asked:
            self.details = said_details(asked, part.scan.columns, self.words, part.mapping)
        else:
            self.details = known_details(part.mapping, self.words)
        self.made, self.problem = _made(part, self.choices, self.details)
        self.action = asked.get("action", "check") if asked else "check"
        self.yaml = asked.get("yaml", "") if asked else ""
        self.yaml_problem: BadInput | None = None
        self.profile = self._profile()

    def _profile(self) -> Profile | None:
        if self.action == "yaml":
            try:
                return checked_profile(self.part, self.yaml)
            except BadInput as wrong:
                self.yaml_problem = wrong
        if self.action == "save" and self.made is not None:
            return profile_of(self.made, columns=self.part.scan.columns)
        return None

    def page(self, job: LoadJob, *, left: int = 1, is_correction: bool = False) -> HttpResponse:
        """The page with what was said so far."""
        part, details = self.part, self.details
        shown = self.problem if self.action == "save" else None
        profile = profile_of(self.made or part.mapping, columns=part.scan.columns)
        lacking = self.problem.targets if isinstance(self.problem, Lacking) else ()
        context = {
            "job": job_view(job),
            "is_correction": is_correction,
            "file": Path(part.file).name,
            "left": left,
            "problem": shown.message if shown else None,
            "unfinished": self.problem.message if self.problem else None,
            "rows_estimate": part.rows_estimate,
            "notes": part.notes,
            "columns": self._columns(),
            "stages": stage_views(details),
            "outcomes": [(code, said(title)) for code, title in OUTCOMES.items()],
            "constants": constant_views(details, lacking),
            "summary": summary_of(self.made) if self.made else [],
            "date_orders": [(code, said(title)) for code, title in DATE_ORDERS.items()],
            "date_order": details.date_order or part.mapping.date_order,
            "currencies": CURRENCIES,
            "currency": details.currency or part.mapping.currency or "",
            "groups": target_groups(page_language(), main=part.entity),
            "custom": CUSTOM,
            "ignored": IGNORED,
            "header": part.scan.columns,
            "preview": part.preview[:PREVIEW_ROWS],
            "yaml": self.yaml if self.yaml_problem else profile_yaml(profile),
            "yaml_problem": self.yaml_problem.message if self.yaml_problem else None,
        }
        return page_or_part(
            self.request,
            whole="rakurs/mapping.html",
            part="rakurs/_mapping.html",
            context=context,
            status=422 if shown or self.yaml_problem else 200,
        )

    def _columns(self) -> Sequence[Mapping[str, Any]]:
        return [
            column_view(number, guess, self.choices, self.words, self.details)
            for number, guess in enumerate(self.part.guesses)
        ]


def _proposed(part: Inspected) -> dict[str, str]:
    told = dict.fromkeys(part.mapping.ignored, IGNORED)
    return {
        guess.column: f"{guess.table}.{guess.target}" if guess.target else told.get(guess.column, CUSTOM)
        for guess in part.guesses
    }


def _said_choices(part: Inspected, post: Mapping[str, str]) -> dict[str, str]:
    known = {CUSTOM, IGNORED, *(f"{table.name}.{name}" for table in TABLES for name in table.names)}
    told = {guess.column: post.get(f"column-{number}", CUSTOM) for number, guess in enumerate(part.guesses)}
    return {column: choice if choice in known else CUSTOM for column, choice in told.items()}


def _made(part: Inspected, choices: Mapping[str, str], details: Details) -> tuple[FileMapping | None, BadInput | None]:
    try:
        return mapping_from(part.mapping, choices, main=part.entity, details=details), None
    except BadInput as lacking:
        return None, lacking

"""How does a program ask? For every analysis of the catalogue: describe, answer, members, export."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from ninja import Query, Router, Schema
from pydantic import Field

from rakurs.analyses import AREAS, analysis_named
from rakurs.api.callers import Caller, caller
from rakurs.api.problems import language_of
from rakurs.api.schemas import answer_parameters, cell_parameters, question_body
from rakurs.app.accounts import note
from rakurs.app.answers_json import answer_document, members_document
from rakurs.app.documents import analysis_document, analysis_line
from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.serving import current
from rakurs.core.analysis import Analysis, Area
from rakurs.core.errors import BadParameter
from rakurs.core.text import Text

router = Router()

DEFAULT_LIMIT = 1000
MOST_ROWS = 1_000_000
LIMIT: Any = Query(DEFAULT_LIMIT, ge=1, le=MOST_ROWS)
OFFSET: Any = Query(0, ge=0)
NOT_PARAMS = frozenset({"limit", "offset", "sort", "language", "kind", "cell"})


class Question(Schema):
    """A question as a JSON body. `cell` names the values of one cell, for its members."""

    params: dict[str, Any] = Field(default_factory=dict)
    cell: dict[str, Any] = Field(default_factory=dict)
    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MOST_ROWS)
    offset: int = Field(default=0, ge=0)
    sort: str | None = None


@router.get("/analyses", summary="The catalogue of analyses")
def analyses(request: HttpRequest) -> HttpResponse:
    """Every question that can be asked, in menu order."""
    caller(request).must("read")
    language = language_of(request)
    return as_json([analysis_line(analysis, area, language) for area in AREAS for analysis in area.analyses])


def as_json(document: Any, *, status: int = 200) -> HttpResponse:
    """A document as the terminal prints it: Cyrillic as it is, numbers as numbers."""
    return HttpResponse(json.dumps(document, ensure_ascii=False), status=status, content_type="application/json")


def given(query: QueryDict) -> dict[str, Any]:
    """The parameters in a query string; a parameter that holds several values may be repeated."""
    names = [name for name in query if name not in NOT_PARAMS]
    return {name: query.getlist(name) if len(query.getlist(name)) > 1 else query[name] for name in names}


def _cells(query: QueryDict) -> dict[str, Any]:
    """`cell=stage_id=won&cell=manager_id=` -> {"stage_id": "won", "manager_id": ""}."""
    cell: dict[str, Any] = {}
    for item in query.getlist("cell"):
        name, separator, value = item.partition("=")
        if not separator:
            raise BadParameter("cell", item, Text(ru="Ожидается столбец=значение.", en="Expected column=value."))
        cell[name] = value
    return cell


def _answered(request: HttpRequest, analysis: Analysis, question: Question) -> HttpResponse:
    who = caller(request)
    who.must("read")
    answer = current().answer(
        analysis.name,
        question.params,
        scope=who.scope,
        limit=question.limit,
        offset=question.offset,
        sort=question.sort,
    )
    _noted(who, "answer", analysis, question.params, answer.table.num_rows)
    return as_json(answer_document(answer, language_of(request), currency=current().company.currency))


def _members(request: HttpRequest, analysis: Analysis, question: Question) -> HttpResponse:
    who = caller(request)
    who.must("read")
    members = current().members(
        analysis.name, question.params, question.cell, scope=who.scope, limit=question.limit, offset=question.offset
    )
    _noted(who, "members", analysis, {**question.params, "cell": question.cell}, members.table.num_rows)
    return as_json(members_document(members, language_of(request)))


def _exported(request: HttpRequest, analysis: Analysis, question: Question, kind: ExportKind) -> FileResponse:
    who = caller(request)
    who.must("export")
    # The open file outlives the folder: what is being downloaded needs no name, and nothing is left behind.
    with tempfile.TemporaryDirectory(dir=current().home.scratch) as folder:
        target = Path(folder) / f"{analysis.name}.{KINDS[kind].extension}"
        options: Any = {"scope": who.scope, "kind": kind, "language": language_of(request), "target": target}
        if question.cell:
            current().export_members(analysis.name, question.params, question.cell, **options)
        else:
            current().export(analysis.name, question.params, **options)
        _noted(who, "export", analysis, {**question.params, "cell": question.cell, "kind": kind}, None)
        file = target.open("rb")
    return FileResponse(file, as_attachment=True, filename=target.name, content_type=KINDS[kind].content_type)


def _noted(who: Caller, deed: str, analysis: Analysis, detail: Mapping[str, Any], rows: int | None) -> None:
    note(who.user, deed, analysis.name, detail={name: str(value) for name, value in detail.items()}, rows=rows)


def _add(area: Area, analysis: Analysis) -> None:
    """The operations of one analysis, its parameters typed in OpenAPI."""
    path, title = f"/analyses/{analysis.name}", analysis.title.en
    parameters = answer_parameters(analysis)
    body = question_body(analysis, with_cell=False)
    cell_body = question_body(analysis, with_cell=True)

    def describe(request: HttpRequest) -> HttpResponse:
        caller(request).must("read")
        return as_json(analysis_document(analysis, area, language_of(request)))

    def answer(request: HttpRequest, limit: int = LIMIT, offset: int = OFFSET, sort: str | None = None) -> HttpResponse:
        params = given(request.GET)
        return _answered(request, analysis, Question(params=params, limit=limit, offset=offset, sort=sort))

    def ask(request: HttpRequest, question: Question) -> HttpResponse:
        return _answered(request, analysis, question)

    def members(request: HttpRequest, limit: int = LIMIT, offset: int = OFFSET) -> HttpResponse:
        params = given(request.GET)
        return _members(
            request, analysis, Question(params=params, cell=_cells(request.GET), limit=limit, offset=offset)
        )

    def ask_members(request: HttpRequest, question: Question) -> HttpResponse:
        return _members(request, analysis, question)

    def export(request: HttpRequest, kind: ExportKind = "xlsx") -> FileResponse:
        question = Question(params=given(request.GET), cell=_cells(request.GET))
        return _exported(request, analysis, question, kind)

    plans: tuple[tuple[str, str, Callable[..., HttpResponseBase], str, dict[str, Any]], ...] = (
        ("GET", path, describe, f"{title}: what it asks and answers", {}),
        ("GET", f"{path}/answer", answer, title, {"parameters": parameters}),
        ("POST", f"{path}/answer", ask, title, {"requestBody": body}),
        (
            "GET",
            f"{path}/members",
            members,
            f"{title}: rows behind a cell",
            {"parameters": [*parameters, *cell_parameters(analysis)]},
        ),
        ("POST", f"{path}/members", ask_members, f"{title}: rows behind a cell", {"requestBody": cell_body}),
        (
            "GET",
            f"{path}/export",
            export,
            f"{title} as a file",
            {"parameters": [*parameters, *cell_parameters(analysis)]},
        ),
    )
    for method, route, view, summary, extra in plans:
        router.api_operation(
            [method],
            route,
            summary=summary,
            description=f"{analysis.question.en} {analysis.definition.en}",
            operation_id=f"{analysis.name}_{view.__name__}",
            tags=[area.name],
            openapi_extra=extra,
        )(view)


for _area in AREAS:
    for _analysis in _area.analyses:
        _add(_area, _analysis)


@router.api_operation(["GET", "POST"], "/analyses/{name}", include_in_schema=False)
def no_such_analysis(request: HttpRequest, name: str) -> HttpResponse:
    """A name outside the catalogue is answered with the nearest one in it."""
    caller(request).must("read")
    analysis_named(name)
    return HttpResponse(status=405)


@router.api_operation(["GET", "POST"], "/analyses/{name}/{verb}", include_in_schema=False)
def no_such_question(request: HttpRequest, name: str, verb: str) -> HttpResponse:
    """The same for what is asked of a name outside the catalogue."""
    caller(request).must("read")
    analysis_named(name)
    return HttpResponse(status=404 if verb not in {"answer", "members", "export"} else 405)

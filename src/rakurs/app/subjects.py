"""What can be told, on a schedule or when a number moves? A question, a saved report, a dashboard, in somebody's scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from rakurs.app.accounts import scope_of
from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, kept_asked
from rakurs.app.dashboard_filters import chosen_of, fitted_tile
from rakurs.app.dashboards import NumberTile, ReportTile, Tile, words_in
from rakurs.app.exporting import answer_content
from rakurs.app.kept_dashboards import Shown, dashboard_for, question_of, report_title
from rakurs.app.letters import Told
from rakurs.app.printing.sheet import sheet_of
from rakurs.app.rights import Scope
from rakurs.app.saved import asked_in, report_for
from rakurs.app.workspace import Workspace
from rakurs.core.answer import Answer
from rakurs.core.text import Language, Text
from rakurs.state.models import User

Question = AnalysisAsked | PivotAsked

NUMBERS = Text(ru="Главные числа", en="Key numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The questions of a subject, each under a title (empty for the question's own), and the page they stand on."""

    title: str
    questions: Sequence[tuple[Question, str]]
    page: str = ""
    is_one: bool = True
    """Whether it is one question; of several, one that has no rows leaves the others."""


def kept_subject(
    *, asked: Question | None = None, report_id: str = "", dashboard: str = "", state: str = ""
) -> dict[str, Any]:
    """A subject as JSON: a question as it is; a saved report or a dashboard by its address, whose changes it follows.

    `state` is what is chosen on the dashboard, as its address has it.
    """
    if dashboard:
        chosen_of(parse_qs(state))
        return {"dashboard": dashboard, "state": state}
    return {"report": report_id} if report_id else {"asked": kept_asked(asked) if asked is not None else {}}


def subject_of(
    workspace: Workspace, kept: Mapping[str, Any], *, owner: User, language: Language, scope: Scope
) -> Subject:
    """What `kept` names. The owner of the notice must be able to open it; whose numbers are told is another matter."""
    if "dashboard" in kept:
        return _dashboard(workspace, kept, owner=owner, language=language)
    if "report" in kept:
        report = report_for(owner, str(kept["report"]))
        return Subject(title=report.title, questions=[(asked_in(report), report.title)], page=f"my/{kept['report']}/")
    asked = asked_of(kept["asked"])
    analysis, _ = workspace.question(asked, scope=scope)
    return Subject(title=analysis.title.to(language), questions=[(asked, "")])


def told_to(
    workspace: Workspace,
    kept: Mapping[str, Any],
    *,
    owner: User,
    viewer: User,
    language: Language,
    public_url: str = "",
) -> list[Told]:
    """The answers as `viewer` may see them; of a dashboard the empty ones are left out, unless all are."""
    scope = scope_of(viewer)
    subject = subject_of(workspace, kept, owner=owner, language=language, scope=scope)
    address = f"{public_url}/{subject.page}" if public_url and subject.page else ""
    told = [
        _told(workspace, asked, title=title, scope=scope, language=language, address=address)
        for asked, title in subject.questions
    ]
    if subject.is_one:
        return told
    return [item for item in told if not item.is_empty] or told[:1]


def _told(workspace: Workspace, asked: Question, *, title: str, scope: Scope, language: Language, address: str) -> Told:
    analysis, _ = workspace.question(asked, scope=scope)
    answer = workspace.ask(asked, scope=scope)
    form = workspace.format(language)
    made: dict[str, Any] = {"company": workspace.company.name, "made_at": workspace.now, "title": title}
    return Told(
        sheet=sheet_of(analysis, answer, form, title=title),
        content=answer_content(analysis, answer, form, **made),
        total_rows=0 if answer.status != "ok" or _is_of_nothing(asked, answer) else answer.total_rows,
        address=address,
    )


def _is_of_nothing(asked: Question, answer: Answer) -> bool:
    """Whether numbers that always make one row are all zero or absent: nothing happened, and nothing before."""
    if isinstance(asked, AnalysisAsked) or asked.split:
        return False
    return not any(value for row in answer.table.to_pylist() for value in row.values())


def _dashboard(workspace: Workspace, kept: Mapping[str, Any], *, owner: User, language: Language) -> Subject:
    """The tiles in reading order, under what was chosen; numbers side by side are told in one row."""
    shown, state = dashboard_for(owner, str(kept["dashboard"])), str(kept.get("state", ""))
    chosen = chosen_of(parse_qs(state))
    questions: list[tuple[Question, str]] = []
    for tile in shown.layout.tiles:
        asked = question_of(tile, shown, owner)
        if asked is None:
            continue
        taken = fitted_tile(tile, asked, chosen, today=workspace.today).asked
        if isinstance(tile.content, NumberTile) and questions and _goes_on(questions[-1], taken, language):
            questions[-1] = (_joined(questions[-1][0], taken), questions[-1][1])
        else:
            questions.append((taken, _title(tile, shown, owner, language)))
    page = f"dashboards/{shown.key}/" + (f"?{state}" if state else "")
    return Subject(title=shown.name(language), questions=questions, page=page, is_one=False)


def _goes_on(before: tuple[Question, str], asked: Question, language: Language) -> bool:
    """Whether a number is told in the row of the numbers before it: asked of the same days and the same rows."""
    known, title = before
    return title == NUMBERS.to(language) and _but_metrics(known) == _but_metrics(asked)


def _but_metrics(asked: Question) -> dict[str, Any]:
    return asked.model_dump(exclude={"metrics"})


def _joined(known: Question, asked: Question) -> Question:
    assert isinstance(known, PivotAsked)
    assert isinstance(asked, PivotAsked)
    return known.model_copy(update={"metrics": tuple(dict.fromkeys((*known.metrics, *asked.metrics)))})


def _title(tile: Tile, shown: Shown, owner: User, language: Language) -> str:
    if isinstance(tile.content, NumberTile):
        return NUMBERS.to(language)
    if tile.title:
        return words_in(tile.title, language)
    return report_title(tile.content, shown, owner) if isinstance(tile.content, ReportTile) else ""

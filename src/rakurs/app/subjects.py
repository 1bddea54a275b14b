"""What can be told, on a schedule or when a number moves? A question, or a saved report, always in somebody's scope."""

from collections.abc import Mapping
from typing import Any

from rakurs.app.accounts import scope_of
from rakurs.app.asked import AnalysisAsked, PivotAsked, asked_of, kept_asked
from rakurs.app.exporting import answer_content
from rakurs.app.letters import Told
from rakurs.app.printing.sheet import sheet_of
from rakurs.app.saved import asked_in, report_for
from rakurs.app.workspace import Workspace
from rakurs.core.text import Language
from rakurs.state.models import User

Question = AnalysisAsked | PivotAsked


def kept_subject(*, asked: Question | None = None, report_id: str = "") -> dict[str, Any]:
    """A subject as JSON: a saved report by its address (it follows the report's changes), or a question as it is."""
    return {"report": report_id} if report_id else {"asked": kept_asked(asked) if asked is not None else {}}


def subject_question(subject: Mapping[str, Any], *, owner: User) -> tuple[Question, str]:
    """The question of a subject and the title of the saved report it is, if one.

    The owner of the notice must be able to open the report; whose numbers are told is another matter.
    """
    if "report" in subject:
        report = report_for(owner, str(subject["report"]))
        return asked_in(report), report.title
    return asked_of(subject["asked"]), ""


def told_to(
    workspace: Workspace,
    subject: Mapping[str, Any],
    *,
    owner: User,
    viewer: User,
    language: Language,
    public_url: str = "",
) -> Told:
    """The answer as `viewer` may see it."""
    asked, title = subject_question(subject, owner=owner)
    scope = scope_of(viewer)
    analysis, _ = workspace.question(asked, scope=scope)
    answer = workspace.ask(asked, scope=scope)
    form = workspace.format(language)
    made: dict[str, Any] = {"company": workspace.company.name, "made_at": workspace.now, "title": title}
    address = f"{public_url}/my/{subject['report']}/" if public_url and "report" in subject else ""
    return Told(
        sheet=sheet_of(analysis, answer, form, title=title),
        content=answer_content(analysis, answer, form, **made),
        total_rows=answer.total_rows if answer.status == "ok" else 0,
        address=address,
    )

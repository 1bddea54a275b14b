"""One person at the reports they keep: the list, one with its versions, its answer, a file of it, a copy, going back."""

from pathlib import Path
from typing import Any, Protocol

from rakurs.app.accounts import note, scope_of
from rakurs.app.answers_json import answer_document
from rakurs.app.documents import Document
from rakurs.app.exporting import ExportKind
from rakurs.app.saved import (
    asked_in,
    delete_report,
    duplicate_report,
    report_document,
    report_for,
    reports_of,
    restore_version,
    versions_document,
)
from rakurs.app.workspace import Workspace
from rakurs.core.errors import NotAllowed
from rakurs.core.text import Language, Text
from rakurs.state.models import User
from rakurs.state.roles import Deed

_MAY_NOT = Text(
    ru="Роли пользователя «{login}» это не дано. Попросите владельца.",
    en="The role of user “{login}” does not allow it. Ask the owner.",
)


class ReportShelf(Protocol):
    """What a command asks of the reports of one person, whether this process opens the home or a server owns it."""

    def reports(self) -> list[Document]: ...

    def report(self, report_id: str) -> Document: ...

    def answer(self, report_id: str, *, limit: int | None, language: Language) -> Document: ...

    def export(self, report_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path: ...

    def duplicate(self, report_id: str) -> Document: ...

    def restore(self, report_id: str, number: int) -> Document: ...

    def delete(self, report_id: str) -> None: ...


class OwnShelf:
    """The shelf of `user` in a workspace of this process, within their role and over their own rows."""

    def __init__(self, workspace: Workspace, user: User) -> None:
        self._workspace, self._user = workspace, user

    def reports(self) -> list[Document]:
        self._must("read")
        return [report_document(report, self._user) for report in reports_of(self._user)]

    def report(self, report_id: str) -> Document:
        self._must("read")
        return versions_document(report_for(self._user, report_id), self._user)

    def answer(self, report_id: str, *, limit: int | None, language: Language) -> Document:
        self._must("read")
        report = report_for(self._user, report_id)
        found = self._workspace.ask(asked_in(report), scope=scope_of(self._user), limit=limit)
        note(self._user, "answer", report.id, rows=found.table.num_rows)
        return answer_document(found, language, currency=self._workspace.company.currency)

    def export(self, report_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path:
        self._must("export")
        report = report_for(self._user, report_id)
        options: Any = {"scope": scope_of(self._user), "kind": kind, "language": language, "target": target}
        written = self._workspace.ask_export(asked_in(report), title=report.title, **options)
        note(self._user, "export", report.id, detail={"kind": kind})
        return written

    def duplicate(self, report_id: str) -> Document:
        self._must("keep")
        return report_document(duplicate_report(report_for(self._user, report_id), owner=self._user), self._user)

    def restore(self, report_id: str, number: int) -> Document:
        self._must("keep")
        back = restore_version(report_for(self._user, report_id), number, by=self._user)
        return report_document(back, self._user)

    def delete(self, report_id: str) -> None:
        self._must("keep")
        delete_report(report_for(self._user, report_id), by=self._user)

    def _must(self, deed: Deed) -> None:
        if not self._user.may(deed):
            raise NotAllowed(_MAY_NOT.filled(login=self._user.login))

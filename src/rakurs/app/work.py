"""What can a command ask of a home, whether this process opens it or a server already owns it?"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rakurs.app.announcement import announced
from rakurs.app.answers_json import answer_document, members_document
from rakurs.app.documents import Document, finding_document, load_document, pivot_document, quarantine_document
from rakurs.app.exporting import ExportKind
from rakurs.app.home import Home
from rakurs.app.id_lists import id_list
from rakurs.app.identities import decide, pair_document, pairs_to_judge, state_document, state_of
from rakurs.app.reconciled import reconciliation_document
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.core.text import Language
from rakurs.models import model_named
from rakurs.warehouse.identities import DecisionKind

if TYPE_CHECKING:
    from rakurs.app.report_shelf import ReportShelf


class Work(Protocol):
    """The same questions and deeds either way; answers come as documents in one language."""

    def answer(self, name: str, params: Mapping[str, Any], *, limit: int | None, language: Language) -> Document: ...

    def members(
        self,
        name: str,
        params: Mapping[str, Any],
        cell: Mapping[str, Any],
        *,
        limit: int | None,
        language: Language,
    ) -> Document: ...

    def export(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        cell: Mapping[str, Any] | None = None,
        kind: ExportKind,
        language: Language,
        target: Path,
    ) -> Path: ...

    def pivot(
        self, metrics: Sequence[str], by: Sequence[str], *, params: Mapping[str, Any], language: Language
    ) -> Document: ...

    def reconcile(self, params: Mapping[str, Any], ids: str | None, *, language: Language) -> Document: ...

    def report_shelf(self, login: str) -> "ReportShelf":
        """Of the person who logs in as `login`; empty: of the first owner."""
        ...

    def segments(self) -> list[Document]: ...

    def export_segment(self, segment_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path: ...

    def identities(self, *, limit: int, language: Language) -> Document: ...

    def decide_identity(self, left_id: str, right_id: str, kind: DecisionKind, *, language: Language) -> Document: ...

    def compare_records(self, *, language: Language) -> Document: ...

    def models(self, *, language: Language) -> list[Document]: ...

    def model(self, name: str, *, language: Language) -> Document: ...

    def fit_model(self, name: str, *, language: Language) -> Document: ...

    def quarantine(
        self, *, table: str | None, rule: str | None, limit: int, offset: int, language: Language
    ) -> Document: ...

    def loads(self, *, limit: int, language: Language) -> list[Document]: ...

    def load(
        self,
        paths: Sequence[Path],
        *,
        profile: str | None = None,
        timezone: str | None = None,
        currency: str | None = None,
        progress: Progress = silent,
    ) -> LoadReport: ...

    def rebuild(self, *, progress: Progress = silent) -> None: ...

    def doctor(self, *, language: Language) -> list[Document]: ...

    def backup(self, target: Path) -> Path: ...


class DirectWork:
    """A workspace opened by this process."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def answer(self, name: str, params: Mapping[str, Any], *, limit: int | None, language: Language) -> Document:
        answer = self._workspace.answer(name, params, scope=EVERYTHING, limit=limit)
        return answer_document(answer, language, currency=self._workspace.company.currency)

    def members(
        self,
        name: str,
        params: Mapping[str, Any],
        cell: Mapping[str, Any],
        *,
        limit: int | None,
        language: Language,
    ) -> Document:
        return members_document(self._workspace.members(name, params, cell, scope=EVERYTHING, limit=limit), language)

    def export(
        self,
        name: str,
        params: Mapping[str, Any],
        *,
        cell: Mapping[str, Any] | None = None,
        kind: ExportKind,
        language: Language,
        target: Path,
    ) -> Path:
        options: Any = {"scope": EVERYTHING, "kind": kind, "language": language, "target": target}
        if cell is None:
            return self._workspace.export(name, params, **options)
        return self._workspace.export_members(name, params, cell, **options)

    def pivot(
        self, metrics: Sequence[str], by: Sequence[str], *, params: Mapping[str, Any], language: Language
    ) -> Document:
        return pivot_document(
            metrics, by, self._workspace.pivot(metrics, by, params=params, scope=EVERYTHING), language
        )

    def reconcile(self, params: Mapping[str, Any], ids: str | None, *, language: Language) -> Document:
        listed = None if ids is None else id_list(ids)
        return reconciliation_document(self._workspace.reconcile(params, listed, scope=EVERYTHING), language)

    def report_shelf(self, login: str) -> "ReportShelf":
        _open_state()
        from rakurs.app import accounts, report_shelf  # noqa: PLC0415 - their models need the settings

        return report_shelf.OwnShelf(self._workspace, accounts.acting_user(login))

    def segments(self) -> list[Document]:
        desk, _ = _segments()
        found: list[Document] = desk.shelf_document(self._workspace, None, EVERYTHING)
        return found

    def export_segment(self, segment_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path:
        desk, kept = _segments()
        segment, options = kept.segment_for(None, segment_id), {"scope": EVERYTHING, "kind": kind, "target": target}
        written: Path = desk.export_customers(self._workspace, segment, language=language, **options)
        return written

    def identities(self, *, limit: int, language: Language) -> Document:
        pairs, total = pairs_to_judge(self._workspace, limit=limit)
        told = [pair_document(pair, language) for pair in pairs]
        return self._identity_state(language) | {"pairs": told, "total": total}

    def decide_identity(self, left_id: str, right_id: str, kind: DecisionKind, *, language: Language) -> Document:
        changed = decide(self._workspace, left_id, right_id, kind)
        return {"changed": changed} | self._identity_state(language)

    def compare_records(self, *, language: Language) -> Document:
        changed = self._workspace.compare_records()
        return {"changed": changed} | self._identity_state(language)

    def _identity_state(self, language: Language) -> Document:
        return state_document(state_of(self._workspace), language)

    def models(self, *, language: Language) -> list[Document]:
        desk, _ = _predictions()
        found: list[Document] = desk.models_document(language)
        return found

    def model(self, name: str, *, language: Language) -> Document:
        desk, predictions = _predictions()
        found: Document = desk.model_document(predictions.standing(model_named(name)), language)
        return found

    def fit_model(self, name: str, *, language: Language) -> Document:
        _, predictions = _predictions()
        from rakurs.app.looking_back import look_back  # noqa: PLC0415 - its models need the settings

        predictions.fit_now(self._workspace, model_named(name))
        look_back(self._workspace, model_named(name))
        return self.model(name, language=language)

    def quarantine(
        self, *, table: str | None, rule: str | None, limit: int, offset: int, language: Language
    ) -> Document:
        return quarantine_document(
            self._workspace.quarantine(table=table, rule=rule, limit=limit, offset=offset), language
        )

    def loads(self, *, limit: int, language: Language) -> list[Document]:
        return [load_document(report, language) for report in self._workspace.loads(limit)]

    def load(
        self,
        paths: Sequence[Path],
        *,
        profile: str | None = None,
        timezone: str | None = None,
        currency: str | None = None,
        progress: Progress = silent,
    ) -> LoadReport:
        return self._workspace.load(paths, profile=profile, timezone=timezone, currency=currency, progress=progress)

    def rebuild(self, *, progress: Progress = silent) -> None:
        self._workspace.rebuild(progress=progress)

    def doctor(self, *, language: Language) -> list[Document]:
        return [finding_document(finding, language) for finding in self._workspace.doctor()]

    def backup(self, target: Path) -> Path:
        return self._workspace.backup(target)


def _segments() -> tuple[Any, Any]:
    """The segments kept in the state, which most commands never open."""
    _open_state()
    from rakurs.app import segment_desk, segments  # noqa: PLC0415 - their models need the settings above

    return segment_desk, segments


def _predictions() -> tuple[Any, Any]:
    """What models have learned, kept in the state too."""
    _open_state()
    from rakurs.app import prediction_desk, predictions  # noqa: PLC0415 - as above

    return prediction_desk, predictions


def _open_state() -> None:
    from rakurs.state.opening import open_state  # noqa: PLC0415 - Django is half of a command's start-up

    open_state()


@contextmanager
def opened(home: Home) -> Generator[Work]:
    """The home's own server when one owns it, else the home itself, opened here. Raises WarehouseBusy."""
    server = announced(home)
    if server is not None:
        # An HTTP client is half of a command's start-up; most homes have no server.
        from rakurs.app.remote import RemoteWork, answers  # noqa: PLC0415

        if answers(server):
            with RemoteWork(server) as remote:
                yield remote
            return
    with Workspace.open(home) as workspace:
        yield DirectWork(workspace)

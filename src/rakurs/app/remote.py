"""How does a command work while a server owns the home? Over loopback, with the key the server left in the home."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from rakurs.app.announcement import FOR_HEADER, Announcement
from rakurs.app.documents import Document
from rakurs.app.exporting import ExportKind
from rakurs.app.reports import report_from
from rakurs.core.errors import BadInput, Cancelled, MappingNeeded
from rakurs.core.loading import LoadReport, Progress, silent
from rakurs.core.text import Language, Text
from rakurs.warehouse.identities import DecisionKind

ALL_ROWS = 1_000_000
POLL_SECONDS = 0.25


class Refused(BadInput):
    """The server's answer was no; `kind` is the problem's last word ("unknown-name")."""

    def __init__(self, kind: str, message: Text) -> None:
        super().__init__(message)
        self.kind = kind


def answers(server: Announcement) -> bool:
    """Whether `server` is really there; its process id may have passed to another program."""
    try:
        with _client(server) as client:
            return client.get("/api/v1/me", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class _Calls:
    """Requests to the server's API and what they bring: a document, or a file."""

    def __init__(self, client: httpx.Client, headers: Mapping[str, str] | None = None) -> None:
        self._client, self._headers = client, dict(headers or {})

    def _file(
        self, path: str, query: Mapping[str, Any], target: Path, *, method: str = "GET", json: Any = None
    ) -> Path:
        with self._client.stream(method, f"/api/v1{path}", params=query, json=json, headers=self._headers) as response:
            if response.is_error:
                response.read()
            _check(response)
            with target.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
        return target

    def _document(self, method: str, path: str, language: Language, *, json: Any = None, **query: Any) -> Document:
        response = self._answer(method, path, json=json, **query, language=language)
        document: Document = response.json()
        return document

    def _answer(self, method: str, path: str, *, json: Any = None, **query: Any) -> httpx.Response:
        response = self._client.request(method, f"/api/v1{path}", params=query, json=json, headers=self._headers)
        _check(response)
        return response


class RemoteReports(_Calls):
    """The reports of the person who logs in as `login` (empty: of the first owner), asked with their rights."""

    def __init__(self, client: httpx.Client, login: str) -> None:
        # A header holds Latin letters only.
        super().__init__(client, {FOR_HEADER: quote(login)})

    def reports(self) -> list[Document]:
        found: Any = self._document("GET", "/saved", "en")
        return list(found)

    def report(self, report_id: str) -> Document:
        return self._document("GET", f"/saved/{report_id}", "en")

    def answer(self, report_id: str, *, limit: int | None, language: Language) -> Document:
        return self._document("GET", f"/saved/{report_id}/answer", language, limit=limit or ALL_ROWS)

    def export(self, report_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path:
        return self._file(f"/saved/{report_id}/export", {"kind": kind, "language": language}, target)

    def duplicate(self, report_id: str) -> Document:
        return self._document("POST", f"/saved/{report_id}/duplicate", "en")

    def restore(self, report_id: str, number: int) -> Document:
        return self._document("POST", f"/saved/{report_id}/versions/{number}/restore", "en")

    def delete(self, report_id: str) -> None:
        self._answer("DELETE", f"/saved/{report_id}")


class RemoteWork(_Calls):
    """The server's workspace, asked over its API as the owner of the home."""

    def __init__(self, server: Announcement) -> None:
        super().__init__(_client(server))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def answer(self, name: str, params: Mapping[str, Any], *, limit: int | None, language: Language) -> Document:
        body = {"params": params, "limit": limit or ALL_ROWS}
        return self._document("POST", f"/analyses/{name}/answer", language, json=body)

    def members(
        self,
        name: str,
        params: Mapping[str, Any],
        cell: Mapping[str, Any],
        *,
        limit: int | None,
        language: Language,
    ) -> Document:
        body = {"params": params, "cell": cell, "limit": limit or ALL_ROWS}
        return self._document("POST", f"/analyses/{name}/members", language, json=body)

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
        cells = [f"{column}={value}" for column, value in (cell or {}).items()]
        query = {**params, "cell": cells, "kind": kind, "language": language}
        return self._file(f"/analyses/{name}/export", query, target)

    def pivot(
        self, metrics: Sequence[str], by: Sequence[str], *, params: Mapping[str, Any], language: Language
    ) -> Document:
        return self._document("GET", "/pivot", language, metric=list(metrics), by=list(by), **params)

    def reconcile(self, params: Mapping[str, Any], ids: str | None, *, language: Language) -> Document:
        return self._document("POST", "/reconcile", language, json={"params": params, "ids": ids})

    def report_shelf(self, login: str) -> RemoteReports:
        return RemoteReports(self._client, login)

    def segments(self) -> list[Document]:
        found: Any = self._document("GET", "/segments", "en")
        return list(found)

    def export_segment(self, segment_id: str, *, kind: ExportKind, language: Language, target: Path) -> Path:
        return self._file(f"/segments/{segment_id}/export", {"kind": kind, "language": language}, target)

    def identities(self, *, limit: int, language: Language) -> Document:
        return self._document("GET", "/identities", language, limit=limit)

    def decide_identity(self, left_id: str, right_id: str, kind: DecisionKind, *, language: Language) -> Document:
        body = {"left_id": left_id, "right_id": right_id, "kind": kind}
        return self._document("POST", "/identities/decisions", language, json=body)

    def compare_records(self, *, language: Language) -> Document:
        return self._document("POST", "/identities/comparison", language)

    def models(self, *, language: Language) -> list[Document]:
        found: Any = self._document("GET", "/models", language)
        return list(found)

    def model(self, name: str, *, language: Language) -> Document:
        return self._document("GET", f"/models/{name}", language)

    def fit_model(self, name: str, *, language: Language) -> Document:
        told = self._document("POST", f"/models/{name}/fit", language)
        try:
            while told["fits"][0]["finished_at"] is None:
                time.sleep(POLL_SECONDS)
                told = self.model(name, language=language)
        except BaseException:
            # Whatever stops the command stops the fit: the old scores stand.
            self._client.delete(f"/api/v1/models/{name}/fit")
            raise
        return told

    def quarantine(
        self, *, table: str | None, rule: str | None, limit: int, offset: int, language: Language
    ) -> Document:
        wanted = {"table": table, "rule": rule, "limit": limit, "offset": offset}
        given = {name: value for name, value in wanted.items() if value is not None}
        return self._document("GET", "/quarantine", language, **given)

    def loads(self, *, limit: int, language: Language) -> list[Document]:
        history: list[Document] = self._document("GET", "/loads", language, limit=limit)["history"]
        return history

    def load(
        self,
        paths: Sequence[Path],
        *,
        profile: str | None = None,
        timezone: str | None = None,
        currency: str | None = None,
        progress: Progress = silent,
    ) -> LoadReport:
        wanted = {
            "paths": [str(path.resolve()) for path in paths],
            "profile": _absolute(profile),
            "timezone": timezone or "",
            "currency": currency or "",
        }
        job = self._both("POST", "/local/loads", json=wanted)
        try:
            while not job["ru"]["finished_at"] and job["ru"]["status"] != "needs_mapping":
                progress(_text(job, "step"), done=job["ru"]["done"], total=job["ru"]["total"])
                time.sleep(POLL_SECONDS)
                job = self._both("GET", f"/loads/{job['ru']['id']}")
        except BaseException:
            # Whatever stops the command (Ctrl-C above all) stops its load: the old state stands.
            self._client.delete(f"/api/v1/loads/{job['ru']['id']}")
            raise
        return _outcome(job)

    def rebuild(self, *, progress: Progress = silent) -> None:
        progress(Text(ru="Сервер пересобирает таблицы", en="The server rebuilds the tables"), done=0, total=0)
        self._document("POST", "/local/rebuild", "en")

    def doctor(self, *, language: Language) -> list[Document]:
        found: Any = self._document("GET", "/local/doctor", language)
        return found

    def backup(self, target: Path) -> Path:
        return Path(self._document("POST", "/local/backup", "en", json={"path": str(target.resolve())})["path"])

    def _both(self, method: str, path: str, *, json: Any = None) -> dict[Language, Document]:
        """A job in both languages: the command chooses later which to show."""
        russian = self._document(method, path, "ru", json=json)
        return {"ru": russian, "en": self._document("GET", f"/loads/{russian['id']}", "en")}


def _client(server: Announcement) -> httpx.Client:
    # No proxy of the environment may see the key or stand between a command and its own machine.
    return httpx.Client(
        base_url=server.url,
        headers={"X-Rakurs-Key": server.key},
        trust_env=False,
        timeout=httpx.Timeout(None, connect=5),
    )


def _absolute(profile: str | None) -> str:
    if profile is None:
        return ""
    return str(Path(profile).resolve()) if Path(profile).exists() else profile


def _text(job: Mapping[Language, Document], name: str) -> Text:
    return Text(ru=job["ru"][name] or "…", en=job["en"][name] or "…")


def _outcome(job: Mapping[Language, Document]) -> LoadReport:
    status = job["ru"]["status"]
    if status == "needs_mapping":
        raise MappingNeeded(job["ru"]["unknown_files"][0], None)
    if status == "cancelled":
        raise Cancelled(Text(ru="Загрузка отменена; прежние данные целы.", en="Cancelled; the data is as it was."))
    if status != "done":
        raise BadInput(_text(job, "error"))
    return report_from(job["ru"]["report"], job["en"]["report"])


def _check(response: httpx.Response) -> None:
    """Raise what a problem document says; its words are already in the command's language."""
    if not response.is_error:
        return
    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
    problem = response.json() if is_problem else {"detail": f"HTTP {response.status_code}"}
    words = str(problem["detail"])
    raise Refused(str(problem.get("type", "")).removeprefix("urn:rakurs:"), Text(ru=words, en=words))

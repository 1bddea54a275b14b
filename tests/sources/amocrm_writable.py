"""An account that can be written to: fields, notes and tasks, taken whole or refused with what is wrong about each."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from sources.amocrm_account import Account
from sources.amocrm_answers import ROOT, Answers
from sources.amocrm_crm import Crm
from sources.amocrm_dictionaries import FIELDS, SINGULARS, Record
from sources.amocrm_http import Visitor
from sources.amocrm_php import Params
from sources.amocrm_refusals import Problem

MOST = 250
OWN_FROM = 700_001


class Refused(Problem):
    """A request that is wrong about some of its rows."""

    def __init__(self, errors: list[Record]) -> None:
        super().__init__(400, "Request validation failed")
        self.errors = errors


class _AnswersWithOwnFields(Answers):
    def __init__(self, crm: Crm, own: Mapping[str, Mapping[str, Record]]) -> None:
        super().__init__(crm)
        self.own = own

    def definitions(self, plural: str) -> Iterable[Record]:
        yield from super().definitions(plural)
        yield from self.own[plural].values()


class WritableAccount(Account):
    """Answers what writing back calls, and keeps what was written."""

    def __init__(self, **options: Any) -> None:
        self.own: dict[str, dict[str, Record]] = {plural: {} for plural in FIELDS}
        self.rights: Record = {"is_admin": True}
        self.writes: list[tuple[str, str, int]] = []
        self.write_seconds = 0.0
        super().__init__(**options)

    def __enter__(self) -> Self:
        super().__enter__()
        assert self._server is not None
        self._server.RequestHandlerClass = WritingVisitor
        return self

    def value(self, record: str, code: str) -> Any:
        """What stands in a field of ours on a card."""
        row = self._card(record)
        known = {one["field_code"]: one for one in row["custom_fields_values"] or ()}
        return known[code]["values"][0]["value"] if code in known else None

    def by_hand(self, record: str, code: str, value: Any) -> None:
        """Somebody writes into our field on the card."""
        code_, _, _ = record.partition("_")
        plural = "contacts" if code_ == "C" else "companies"
        with self.lock:
            self._fill_in(
                plural, self._card(record), [{"field_id": self.own[plural][code]["id"], "values": [{"value": value}]}]
            )

    def notes(self, text: str = "") -> list[Record]:
        """The comments that hold a text."""
        found = (one for one in self.records["note"].values() if one["note_type"] == "common")
        return [one for one in found if text in one["params"]["text"]]

    def _card(self, record: str) -> Record:
        code, _, number = record.partition("_")
        return self.records["contact" if code == "C" else "company"][int(number)]

    def _answers(self) -> Answers:
        return _AnswersWithOwnFields(self, self.own)

    def answer(self, path: str, params: Params) -> Record | None:
        place = path.removeprefix(ROOT)
        if place.startswith("users/"):
            with self.lock:
                user = self.records["user"].get(int(place.partition("/")[2]))
                return None if user is None else user | {"rights": user["rights"] | self.rights}
        return super().answer(path, params)

    def changed(self, method: str, path: str, rows: Any) -> Record:
        """What is answered to a change."""
        place = path.removeprefix(ROOT)
        if not isinstance(rows, list) or not rows or len(rows) > MOST:
            raise Problem(400, "A list of up to 250 is needed")
        with self.lock:
            self.writes.append((method, place, len(rows)))
            plural, _, rest = place.partition("/")
            if method == "PATCH" and plural in SINGULARS and not rest:
                return self._patched(plural, rows)
            if method == "POST" and rest == "custom_fields":
                return self._fields_added(plural, rows)
            if method == "POST" and rest == "notes" and plural in SINGULARS:
                return self._notes_added(plural, rows)
            if method == "POST" and place == "tasks":
                return self._tasks_added(rows)
        raise Problem(405, "Method Not Allowed")

    def _patched(self, plural: str, rows: list[Record]) -> Record:
        cards = self.records[SINGULARS[plural]]
        known = {one["id"] for one in self.answers.definitions(plural)}
        self._check(
            rows,
            lambda row: (
                []
                if int(row.get("id") or 0) in cards
                and {one["field_id"] for one in row["custom_fields_values"]} <= known
                else [{"code": "NotSupportedChoice", "path": "id", "detail": "Entity not found"}]
            ),
        )
        for row in rows:
            self._fill_in(plural, cards[int(row["id"])], row["custom_fields_values"])
        told = [{"id": row["id"], "updated_at": cards[int(row["id"])]["updated_at"]} for row in rows]
        return {"_embedded": {plural: told}}

    def _fill_in(self, plural: str, card: Record, fields: list[Record]) -> None:
        about = {one["id"]: one for one in self.answers.definitions(plural)}
        values = {one["field_id"]: one for one in card["custom_fields_values"] or ()}
        for field in fields:
            number = field["field_id"]
            if field["values"] is None:
                values.pop(number, None)
                continue
            named = {"field_id": number, "field_name": about[number]["name"], "field_code": about[number]["code"]}
            values[number] = named | {"field_type": about[number]["type"], "values": field["values"]}
        card["custom_fields_values"] = list(values.values()) or None
        card["updated_at"] = self.second()

    def _fields_added(self, plural: str, rows: list[Record]) -> Record:
        if not self.rights.get("is_admin"):
            raise Problem(403, "Only administrators may")
        self._check(
            rows,
            lambda row: (
                []
                if row.get("name")
                and row.get("type") in ("text", "numeric")
                and row.get("code") not in self.own[plural]
                else [{"code": "NotUnique", "path": "code", "detail": "Such a field is there"}]
            ),
        )
        for row in rows:
            number = OWN_FROM + sum(map(len, self.own.values()))
            base = {"id": number, "name": row["name"], "code": row["code"], "type": row["type"], "sort": 900}
            self.own[plural][row["code"]] = base | {"entity_type": plural, "account_id": self.account_id, "enums": None}
        return {"_embedded": {"custom_fields": [self.own[plural][row["code"]] for row in rows]}}

    def _notes_added(self, plural: str, rows: list[Record]) -> Record:
        kind = SINGULARS[plural]
        self._check(
            rows,
            lambda row: (
                []
                if row.get("entity_id") in self.records[kind] and row.get("params", {}).get("text")
                else [{"code": "NotFound", "path": "entity_id", "detail": "Entity not found"}]
            ),
        )
        told = []
        for row in rows:
            number, when, user = self.next_id(), self.second(), next(iter(self.records["user"]))
            note = {"id": number, "entity_id": row["entity_id"], "note_type": row["note_type"], "params": row["params"]}
            note |= {"created_by": user, "updated_by": user, "created_at": when, "updated_at": when, "group_id": 0}
            self.records["note"][number] = note | {"responsible_user_id": user, "account_id": self.account_id}
            self.note_owner[number] = kind
            told.append({"id": number, "entity_id": row["entity_id"], "request_id": row.get("request_id")})
        return {"_embedded": {"notes": told}}

    def _tasks_added(self, rows: list[Record]) -> Record:
        if (self.rights.get("tasks") or {}).get("edit") == "D":
            raise Problem(403, "Not enough rights")
        self._check(
            rows,
            lambda row: (
                []
                if row.get("responsible_user_id") in self.records["user"]
                and row.get("text")
                and row.get("complete_till")
                else [{"code": "NotFound", "path": "responsible_user_id", "detail": "User not found"}]
            ),
        )
        told = []
        for row in rows:
            given = {key: row[key] for key in ("text", "responsible_user_id", "complete_till", "task_type_id")}
            number = self.put_task(row["entity_id"], self.second(), **given)
            told.append({"id": number, "request_id": row.get("request_id")})
        return {"_embedded": {"tasks": told}}

    @staticmethod
    def _check(rows: list[Record], wrong: Any) -> None:
        """A request is taken whole or not at all."""
        errors = [
            {"request_id": str(row.get("request_id", at)), "errors": found}
            for at, row in enumerate(rows)
            if (found := wrong(row))
        ]
        if errors:
            raise Refused(errors)


class WritingVisitor(Visitor):
    def do_POST(self) -> None:
        self._change("POST")

    def do_PATCH(self) -> None:  # noqa: N802 - http.server calls it so
        self._change("PATCH")

    def _change(self, method: str) -> None:
        account: Any = self.server.account
        path = urlsplit(self.path).path
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if account.faults.on_request:
            account.faults.on_request(path, {})
        try:
            account.gate(path, self.headers.get("Authorization"))
            fault = account.limits.next_fault()
            if fault and fault.isdecimal():
                self._send(int(fault), b"<html><body><h1>nginx</h1></body></html>", "text/html")
                return
            if fault == "drop":
                account.requests.append((self.path, 0))
                self.close_connection = True
                return
            time.sleep(account.write_seconds)
            told = account.changed(method, path, json.loads(body))
        except Refused as refused:
            about = {
                "title": "Bad Request",
                "status": 400,
                "detail": refused.detail,
                "validation-errors": refused.errors,
            }
            self._send(400, json.dumps(about).encode(), "application/problem+json")
            return
        except Problem as problem:
            self._refuse(problem)
            return
        self._send(200, json.dumps(told, ensure_ascii=False).encode(), "application/hal+json", half=fault == "half")

"""A portal that can be written to: fields of one's own, comments on cards, tasks, as the vendor's documentation tells them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sources.bitrix24_answers import Answer, Answers
from sources.bitrix24_crm import Crm
from sources.bitrix24_php import Params, listed
from sources.bitrix24_portal import Portal
from sources.bitrix24_records import Record
from sources.bitrix24_refusals import RestError

KINDS = {"contact": "C", "company": "CO", "lead": "L"}
LONGEST_NAME = 13
PAGE = 50


class _AnswersWithOwnFields(Answers):
    def __init__(self, crm: Crm, own: Mapping[str, Mapping[str, Record]]) -> None:
        super().__init__(crm)
        self.own = own

    def _selected(self, kind: str, select: Any) -> list[str]:
        asked = select if isinstance(select, list) else []
        return [*super()._selected(kind, select), *(name for name in asked if name in self.own.get(kind, ()))]


class WritablePortal(Portal):
    """Answers what writing back calls, keeps what was written, and counts it. `is_administrator` may make fields."""

    def __init__(self, **options: Any) -> None:
        self.own: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        self.comments: dict[int, Record] = {}
        self.tasks: dict[int, Record] = {}
        self.updates: list[tuple[str, Params]] = []
        self.is_administrator = True
        self.command_seconds = 0.0
        self._last = 9000
        super().__init__(**options)

    def _answers(self) -> Answers:
        return _AnswersWithOwnFields(self, self.own)

    def _table_of_methods(self) -> dict[str, Callable[[Params], Answer]]:
        methods = super()._table_of_methods() | {
            "tasks.task.add": self._add_task,
            "tasks.task.list": self._list_tasks,
            "crm.timeline.comment.add": self._add_comment,
            "crm.timeline.comment.list": self._list_comments,
        }
        for kind in KINDS:
            methods[f"crm.{kind}.update"] = lambda p, kind=kind: self._update(kind, p)
            methods[f"crm.{kind}.userfield.add"] = lambda p, kind=kind: self._add_field(kind, p)
            plain = methods[f"crm.{kind}.fields"]
            methods[f"crm.{kind}.fields"] = lambda p, kind=kind, plain=plain: Answer(plain(p).result | self.own[kind])
        return methods

    def _scopes(self) -> list[str]:
        return sorted({*super()._scopes(), *({"task"} - self.faults.missing_scopes)})

    def _called(self, method: str, params: Params) -> Answer:
        if method.startswith("tasks.") and "task" in self.faults.missing_scopes:
            raise RestError(401, "insufficient_scope", "The request requires higher privileges than provided")
        if self.command_seconds and method.partition(".")[2].endswith(("add", "update")):
            time.sleep(self.command_seconds)
        return super()._called(method, params)

    def value(self, record: str, field: str) -> Any:
        """What stands in a field of ours on a card; None where nothing does."""
        code, _, record_id = record.partition("_")
        kind = next(name for name, short in KINDS.items() if short == code)
        return self.records[kind][int(record_id)].get(f"UF_CRM_{field}") or None

    def by_hand(self, record: str, field: str, value: Any) -> None:
        """Somebody writes into our field on the card."""
        code, _, record_id = record.partition("_")
        kind = next(name for name, short in KINDS.items() if short == code)
        with self.lock:
            row = self.records[kind][int(record_id)]
            self.tables[kind].put(int(record_id), row | {f"UF_CRM_{field}": value})

    def _update(self, kind: str, params: Params) -> Answer:
        asked = {key.lower(): value for key, value in params.items()}
        record_id = int(asked.get("id") or 0)
        row = self.records[kind].get(record_id)
        if row is None:
            raise RestError(400, "", f"{kind.capitalize()} is not found")
        # An incorrect field is ignored, as documented.
        fields = {name: value for name, value in (asked.get("fields") or {}).items() if name in self.own[kind]}
        for name, value in fields.items():
            if self.own[kind][name]["type"] == "double" and value not in ("", None):
                fields[name] = f"{float(value):.2f}"
        self.tables[kind].put(record_id, row | fields | {"DATE_MODIFY": self._stamp()})
        self.updates.append((f"{KINDS[kind]}_{record_id}", fields))
        return Answer(result=True)

    def _add_field(self, kind: str, params: Params) -> Answer:
        fields = params.get("fields") or {}
        name = str(fields.get("FIELD_NAME", "")).removeprefix("UF_CRM_")
        if not self.is_administrator:
            raise RestError(400, "ACCESS_DENIED", "Access denied.")
        if not name or len(name) > LONGEST_NAME or f"UF_CRM_{name}" in self.own[kind]:
            raise RestError(400, "ERROR_CORE", f"Field UF_CRM_{name} cannot be added")
        label = fields.get("EDIT_FORM_LABEL") or fields.get("LABEL")
        about = {"type": fields["USER_TYPE_ID"], "isReadOnly": False, "isMultiple": False, "isDynamic": True}
        self.own[kind][f"UF_CRM_{name}"] = about | {"title": f"UF_CRM_{name}", "formLabel": label, "listLabel": label}
        return Answer(self._next())

    def _add_comment(self, params: Params) -> Answer:
        fields = params.get("fields") or {}
        kind, record_id = str(fields.get("ENTITY_TYPE", "")), int(fields.get("ENTITY_ID") or 0)
        if not fields.get("COMMENT"):
            raise RestError(400, "INVALID_ARG_VALUE", "Empty comment")
        if kind not in KINDS or record_id not in self.records[kind]:
            raise RestError(400, "NOT_FOUND", "Not found.")
        number = self._next()
        row = {"ID": str(number), "ENTITY_ID": str(record_id), "ENTITY_TYPE": kind, "CREATED": self._stamp()}
        self.comments[number] = row | {"COMMENT": fields["COMMENT"], "AUTHOR_ID": "1"}
        return Answer(number)

    def _list_comments(self, params: Params) -> Answer:
        asked = params.get("filter") or {}
        if not asked.get("ENTITY_ID") or not asked.get("ENTITY_TYPE"):
            raise RestError(400, "100", "Required fields: ENTITY_ID, ENTITY_TYPE")
        wanted = (str(asked["ENTITY_ID"]), str(asked["ENTITY_TYPE"]))
        found = [row for row in self.comments.values() if (row["ENTITY_ID"], row["ENTITY_TYPE"]) == wanted]
        page, total = self._newest(found, params)
        return Answer(page, total)

    def _add_task(self, params: Params) -> Answer:
        fields = params.get("fields") or {}
        if not fields.get("TITLE"):
            raise RestError(400, "ERROR_CORE", "Task title not specified<br>")
        if int(fields.get("RESPONSIBLE_ID") or 0) not in self.records["user"]:
            raise RestError(400, "ERROR_CORE", 'User specified in the "Assignee" field not found<br>')
        number = self._next()
        self.tasks[number] = {
            "id": str(number),
            "title": fields["TITLE"],
            "description": fields.get("DESCRIPTION", ""),
            "responsibleId": str(fields["RESPONSIBLE_ID"]),
            "deadline": fields.get("DEADLINE"),
            "xmlId": fields.get("XML_ID"),
            "ufCrmTask": listed(fields.get("UF_CRM_TASK")) or [],
        }
        return Answer({"task": self.tasks[number]})

    def _list_tasks(self, params: Params) -> Answer:
        record = (params.get("filter") or {}).get("UF_CRM_TASK")
        found = [row for row in self.tasks.values() if record is None or record in row["ufCrmTask"]]
        page, total = self._newest(found, params)
        return Answer({"tasks": page}, total)

    def _newest(self, found: list[Record], params: Params) -> tuple[list[Record], int]:
        start = int(params.get("start") or 0)
        return list(reversed(found))[start : start + PAGE], len(found)

    def _next(self) -> int:
        self._last += 1
        return self._last

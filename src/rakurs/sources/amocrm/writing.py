"""How are fields, comments and tasks written into an account? Fifty records in a request, none of them ever repeated blindly.

A request is taken whole or not at all: what one record is wrong about is named by its `request_id`, and the others are sent again.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.amocrm.account import PAGE, Account, Rejected
from rakurs.sources.amocrm.records import COMPANY, CONTACT
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.live import Closed
from rakurs.sources.writing import (
    Card,
    CommentDeed,
    Deed,
    DeedKind,
    FieldDeed,
    Lacking,
    Outcome,
    OwnField,
    Pen,
    TaskDeed,
    Writer,
    marked,
)

AT_ONCE = 50
_CALL = 1
"""The type of a task: a call."""
_KINDS = {CONTACT: "contacts", COMPANY: "companies"}
_TITLES = {"contacts": Text(ru="контакты", en="contacts"), "companies": Text(ru="компании", en="companies")}
_TYPES = {"text": "text", "number": "numeric"}
_DENIED = "D"
_LACKS = Text(ru="у пользователя токена нет права менять {what}", en="the token's user may not change {what}")
_NEEDED: Mapping[DeedKind, tuple[str, ...]] = {
    "field": ("contacts", "companies"),
    "comment": ("contacts", "companies"),
    "task": ("tasks",),
}


class _Pen:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._ids: dict[str, dict[str, int]] = {}

    @property
    def at_once(self) -> int:
        return AT_ONCE

    def closed(self, kinds: Sequence[DeedKind]) -> Mapping[DeedKind, Text]:
        user = self._account.ask("account").get("current_user_id")
        try:
            rights = self._account.ask(f"users/{user}").get("rights") or {}
        except Closed:
            # Only administrators see what others may; what is closed is then told by the first deed.
            return {}
        if rights.get("is_admin"):
            return {}
        return {
            kind: _LACKS.filled(what=", ".join(denied))
            for kind in kinds
            if (denied := [what for what in _NEEDED[kind] if (rights.get(what) or {}).get("edit") == _DENIED])
        }

    def read(self, records: Sequence[str], fields: Sequence[str]) -> Mapping[str, Card]:
        found: dict[str, Card] = {}
        for kind, ids in _by_kind(records).items():
            codes = {field_id: code for code, field_id in self._known(kind).items()} if fields else {}
            for start in range(0, len(ids), PAGE):
                asked = [("filter[id][]", one) for one in ids[start : start + PAGE]]
                for row in (row for page in self._account.pages(kind, kind, asked) for row in page):
                    values = {codes.get(one["field_id"]): one for one in row.get("custom_fields_values") or ()}
                    found[f"{_code(kind)}_{row['id']}"] = Card(
                        responsible=str(row["responsible_user_id"]) if row.get("responsible_user_id") else None,
                        values={code: _value(values.get(code)) for code in fields},
                    )
        return found

    def lacking(self, records: Sequence[str], fields: Sequence[OwnField]) -> tuple[Lacking, ...]:
        return tuple(
            Lacking(place=kind, place_title=_TITLES[kind], field=own)
            for kind in _by_kind(records)
            for own in fields
            if own.code not in self._known(kind)
        )

    def add(self, lacking: Lacking) -> None:
        own, path = lacking.field, f"{lacking.place}/custom_fields"
        try:
            self._account.change("POST", path, [{"name": own.title, "code": own.code, "type": _TYPES[own.kind]}])
        except SourceUnreachable:
            # Its answer may have been lost, or somebody was quicker: what counts is whether the field is there.
            self._ids.pop(lacking.place, None)
            if own.code not in self._known(lacking.place):
                raise
        self._ids.pop(lacking.place, None)

    def write(self, deeds: Sequence[Deed]) -> Iterator[tuple[str, Outcome]]:
        for kind in _by_kind([deed.record for deed in deeds]):
            mine = [deed for deed in deeds if _kind(deed) == kind]
            yield from self._sent(kind, mine)

    def found(self, deeds: Sequence[Deed]) -> Mapping[str, str]:
        known: dict[str, str] = {}
        for kind in _by_kind([deed.record for deed in deeds]):
            mine = [deed for deed in deeds if _kind(deed) == kind]
            marks = {deed.mark for deed in mine}
            for start in range(0, len(mine), AT_ONCE):
                for row in self._written_on(kind, mine[start : start + AT_ONCE]):
                    text = str(row.get("text") or (row.get("params") or {}).get("text") or "").strip()
                    mark = text.splitlines()[-1].strip() if text else ""
                    if mark in marks:
                        known[mark] = str(row["id"])
        return known

    def _written_on(self, kind: str, deeds: Sequence[Deed]) -> Iterator[dict[str, Any]]:
        """The tasks or comments of the records of `deeds`."""
        ids = dict.fromkeys(_id(deed) for deed in deeds)
        asked: list[tuple[str, Any]] = [("filter[entity_id][]", one) for one in ids]
        if isinstance(deeds[0], TaskDeed):
            path, name = "tasks", "tasks"
            asked.append(("filter[entity_type]", kind))
        else:
            path, name = f"{kind}/notes", "notes"
            asked.append(("filter[note_type][]", "common"))
        for page in self._account.pages(path, name, [*asked, ("order[id]", "asc")]):
            yield from page

    def _sent(self, kind: str, deeds: Sequence[Deed]) -> Iterator[tuple[str, Outcome]]:
        groups = _groups(deeds)
        method, path, name = _place(kind, deeds[0])
        body = [self._row(kind, request_id, group) for request_id, group in groups.items()]
        try:
            told = self._account.change(method, path, body)
        except Rejected as rejected:
            for request_id, group in groups.items():
                why = rejected.reasons.get(request_id)
                if why is None and rejected.reasons:
                    outcome = Outcome(came="later" if isinstance(deeds[0], FieldDeed) else "unknown")
                else:
                    outcome = Outcome(came="failed", words=why or rejected.message.en)
                yield from ((deed.mark, outcome) for deed in group)
            return
        except SourceUnreachable as lost:
            yield from ((deed.mark, Outcome(came="unknown", words=lost.message.en)) for deed in deeds)
            return
        answers = {
            str(row.get("request_id") or row.get("id")): str(row.get("id") or "")
            for row in (told.get("_embedded") or {}).get(name) or ()
        }
        for request_id, group in groups.items():
            is_field = isinstance(deeds[0], FieldDeed)
            came = "done" if is_field or request_id in answers else "unknown"
            for deed in group:
                yield deed.mark, Outcome(came=came, answer="" if is_field else answers.get(request_id, ""))

    def _row(self, kind: str, request_id: str, group: Sequence[Deed]) -> dict[str, Any]:
        deed = group[0]
        if isinstance(deed, TaskDeed):
            return {
                "task_type_id": _CALL,
                "text": marked(deed.text, deed.mark),
                "complete_till": int(deed.due_at.timestamp()),
                "entity_id": _id(deed),
                "entity_type": kind,
                "responsible_user_id": int(deed.to),
                "request_id": request_id,
            }
        if isinstance(deed, CommentDeed):
            params = {"text": marked(deed.text, deed.mark)}
            return {"entity_id": _id(deed), "note_type": "common", "params": params, "request_id": request_id}
        known = self._known(kind)
        values = [
            {"field_id": known[one.field], "values": None if one.value is None else [{"value": one.value}]}
            for one in group
            if isinstance(one, FieldDeed)
        ]
        return {"id": _id(deed), "custom_fields_values": values, "request_id": request_id}

    def _known(self, kind: str) -> dict[str, int]:
        """The ids of the fields of a kind of records, by their codes."""
        if kind not in self._ids:
            pages = self._account.pages(f"{kind}/custom_fields", "custom_fields")
            self._ids[kind] = {row["code"]: row["id"] for page in pages for row in page if row.get("code")}
        return self._ids[kind]


@contextmanager
def _opened(settings: AmoSettings, breathe: Callable[[], None]) -> Generator[Pen]:
    with Account(settings, breathe=breathe) as account:
        yield _Pen(account)


WRITER = Writer(
    kinds=("field", "comment", "task"),
    needs=Text(
        ru="Токену нужен доступ к данным аккаунта, его пользователю — право менять контакты, компании и задачи. Поля заводит администратор.",
        en="The token needs access to the account's data, its user the right to change contacts, companies and tasks. Fields are made by an "
        "administrator.",
    ),
    settles_seconds=60.0,
    open=_opened,
)


def _kind(deed: Deed) -> str:
    return _KINDS.get(deed.record.partition("_")[0], "")


def _id(deed: Deed) -> int:
    return int(deed.record.partition("_")[2])


def _code(kind: str) -> str:
    return next(code for code, name in _KINDS.items() if name == kind)


def _by_kind(records: Sequence[str]) -> dict[str, list[str]]:
    """Ids by the kind of record, each once."""
    found: dict[str, list[str]] = {}
    for record in dict.fromkeys(records):
        code, _, record_id = record.partition("_")
        if code in _KINDS:
            found.setdefault(_KINDS[code], []).append(record_id)
    return found


def _groups(deeds: Sequence[Deed]) -> dict[str, list[Deed]]:
    """By the `request_id` of their row: fields of one record go together, everything else alone."""
    found: dict[str, list[Deed]] = {}
    for deed in deeds:
        found.setdefault(str(_id(deed)) if isinstance(deed, FieldDeed) else deed.mark, []).append(deed)
    return found


def _place(kind: str, deed: Deed) -> tuple[str, str, str]:
    """The method, the address, and the name of the answer's rows."""
    if isinstance(deed, TaskDeed):
        return "POST", "tasks", "tasks"
    if isinstance(deed, CommentDeed):
        return "POST", f"{kind}/notes", "notes"
    return "PATCH", kind, kind


def _value(field: Mapping[str, Any] | None) -> str | None:
    values = [] if field is None else field.get("values") or []
    return str(values[0]["value"]) if values and values[0].get("value") not in (None, "") else None

"""How are fields, comments and tasks written into a portal? Some calls at once, none of them ever repeated blindly.

A call takes seconds where a portal's own rules run after it, and a batch must end within a minute: it begins with few and
takes more while they are quick.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.bitrix24.portal import MOST_COMMANDS, PAGE, Portal
from rakurs.sources.bitrix24.records import COMPANY, CONTACT, LEAD
from rakurs.sources.bitrix24.settings import Bitrix24Settings
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

OWN = "UF_CRM_"
"""Before the code of a field that was added."""
_FIRST_SIZE, _QUICK_SECONDS, _SLOW_SECONDS = 10, 10.0, 30.0
_TITLE_LENGTH = 200
_KINDS = {CONTACT: "contact", COMPANY: "company", LEAD: "lead"}
_TITLES = {
    "contact": Text(ru="контакты", en="contacts"),
    "company": Text(ru="компании", en="companies"),
    "lead": Text(ru="лиды", en="leads"),
}
_TYPES = {"text": "string", "number": "double"}
_SCOPES: Mapping[DeedKind, str] = {"field": "crm", "comment": "crm", "task": "task"}
_LATER = frozenset({"QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"})
_CLOSED = frozenset({"insufficient_scope", "ERROR_METHOD_NOT_FOUND", "allowed_only_intranet_user"})
_NO_ANSWER = "NO_ANSWER"
_LACKS = Text(ru="у вебхука нет права «{scope}»", en="the webhook lacks the permission “{scope}”")
Command = tuple[str, dict[str, Any]]


class _Pen:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._size = _FIRST_SIZE

    @property
    def at_once(self) -> int:
        return self._size

    def closed(self, kinds: Sequence[DeedKind]) -> Mapping[DeedKind, Text]:
        given = {str(scope) for scope in self._portal.call("scope")}
        return {kind: _LACKS.filled(scope=_SCOPES[kind]) for kind in kinds if _SCOPES[kind] not in given}

    def read(self, records: Sequence[str], fields: Sequence[str]) -> Mapping[str, Card]:
        commands: dict[str, Command] = {}
        for kind, ids in _by_kind(records).items():
            select = ["ID", "ASSIGNED_BY_ID", *(OWN + code for code in fields)]
            for start in range(0, len(ids), PAGE):
                narrowed = {"@ID": ids[start : start + PAGE]}
                asked = {"filter": narrowed, "select": select, "order": {"ID": "ASC"}, "start": -1}
                commands[f"{kind}-{start}"] = (f"crm.{kind}.list", asked)
        codes = {kind: code for code, kind in _KINDS.items()}
        return {
            f"{codes[name.partition('-')[0]]}_{row['ID']}": Card(
                responsible=str(row["ASSIGNED_BY_ID"]) if str(row.get("ASSIGNED_BY_ID") or "0") != "0" else None,
                values={code: _filled(row.get(OWN + code)) for code in fields},
            )
            for name, rows in self._all(commands).items()
            for row in rows
        }

    def lacking(self, records: Sequence[str], fields: Sequence[OwnField]) -> tuple[Lacking, ...]:
        found: list[Lacking] = []
        for kind in _by_kind(records):
            known = self._portal.call(f"crm.{kind}.fields")
            found += [
                Lacking(place=kind, place_title=_TITLES[kind], field=own)
                for own in fields
                if OWN + own.code not in known
            ]
        return tuple(found)

    def add(self, lacking: Lacking) -> None:
        own = lacking.field
        labels = dict.fromkeys(("LABEL", "EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LIST_FILTER_LABEL"), own.title)
        fields = {
            "FIELD_NAME": own.code,
            "USER_TYPE_ID": _TYPES[own.kind],
            "XML_ID": own.code,
            "SHOW_FILTER": "Y",
            **labels,
        }
        try:
            with self._portal.once():
                self._portal.call(f"crm.{lacking.place}.userfield.add", {"fields": fields})
        except SourceUnreachable:
            # Its answer may have been lost, or somebody was quicker: what counts is whether the field is there.
            if OWN + own.code not in self._portal.call(f"crm.{lacking.place}.fields"):
                raise

    def write(self, deeds: Sequence[Deed]) -> Iterator[tuple[str, Outcome]]:
        marks: dict[str, list[str]] = {}
        commands: dict[str, Command] = {}
        for number, group in enumerate(_groups(deeds)):
            marks[f"w{number}"] = [deed.mark for deed in group]
            commands[f"w{number}"] = _command(group)
        for name, outcome in self._once(commands).items():
            for mark in marks[name]:
                yield mark, outcome

    def found(self, deeds: Sequence[Deed]) -> Mapping[str, str]:
        known: dict[str, str] = {}
        left = {f"f{number}": deed for number, deed in enumerate(deeds)}
        start = 0
        while left:
            pages = self._all({name: _listing(deed, start) for name, deed in left.items()})
            for name, answer in pages.items():
                rows = answer.get("tasks", []) if isinstance(answer, dict) else answer
                mark = left[name].mark
                mine = [row for row in rows if mark in (row.get("xmlId"), *_last_lines(row))]
                if mine:
                    known[mark] = str(mine[0].get("id") or mine[0].get("ID"))
                if mine or len(rows) < PAGE:
                    del left[name]
            start += PAGE
        return known

    def _all(self, commands: Mapping[str, Command]) -> dict[str, Any]:
        """What many calls that change nothing answer, by their names."""
        names = list(commands)
        found: dict[str, Any] = {}
        for start in range(0, len(names), MOST_COMMANDS):
            some = names[start : start + MOST_COMMANDS]
            answers = self._portal.batch({name: commands[name] for name in some})
            found |= {name: answers.of(name) for name in some}
        return found

    def _once(self, commands: Mapping[str, Command]) -> dict[str, Outcome]:
        """What came of each command. Raises Closed where the key may do none of them."""
        began = time.monotonic()
        try:
            with self._portal.once():
                answers = self._portal.batch(commands, is_chain=True)
        except SourceUnreachable as lost:
            self._size = max(1, self._size // 2)
            return dict.fromkeys(commands, Outcome(came="unknown", words=lost.message.en))
        self._pace(time.monotonic() - began)
        closed = [(name, error) for name, error in answers.errors.items() if error[0] in _CLOSED]
        if closed and not answers.results:
            name, (code, _) = closed[0]
            raise Closed(f"{commands[name][0]} ({code})")
        return {
            name: _refusal(*answers.errors[name])
            if name in answers.errors
            else Outcome(came="done", answer=_id_of(answers.results[name]))
            for name in commands
        }

    def _pace(self, seconds: float) -> None:
        if seconds < _QUICK_SECONDS:
            self._size = min(MOST_COMMANDS, self._size + _FIRST_SIZE)
        elif seconds > _SLOW_SECONDS:
            self._size = max(1, self._size // 2)


@contextmanager
def _opened(settings: Bitrix24Settings, breathe: Callable[[], None]) -> Generator[Pen]:
    with Portal(settings, breathe=breathe) as portal:
        yield _Pen(portal)


WRITER = Writer(
    kinds=("field", "comment", "task"),
    needs=Text(
        ru="Вебхуку нужны права crm и task. Поля заводит администратор портала: вебхук должен быть его.",
        en="The webhook needs the permissions crm and task. Fields are made by an administrator of the portal: the webhook must be theirs.",
    ),
    # A request lasts a minute at most (limits.md); whatever it did by then is done.
    settles_seconds=65.0,
    open=_opened,
)


def _by_kind(records: Sequence[str]) -> dict[str, list[str]]:
    """Ids by the kind of record, each once."""
    found: dict[str, list[str]] = {}
    for record in dict.fromkeys(records):
        code, _, record_id = record.partition("_")
        if code in _KINDS:
            found.setdefault(_KINDS[code], []).append(record_id)
    return found


def _groups(deeds: Sequence[Deed]) -> list[list[Deed]]:
    """Fields of one record go in one call; everything else alone."""
    fields: dict[str, list[Deed]] = {}
    for deed in deeds:
        fields.setdefault(deed.record if isinstance(deed, FieldDeed) else deed.mark, []).append(deed)
    return list(fields.values())


def _command(group: Sequence[Deed]) -> Command:
    deed = group[0]
    code, _, record_id = deed.record.partition("_")
    if isinstance(deed, TaskDeed):
        title, _, rest = deed.text.partition("\n")
        return "tasks.task.add", {
            "fields": {
                "TITLE": _plain(title)[:_TITLE_LENGTH],
                "DESCRIPTION": _plain(
                    marked(deed.text if rest or len(title) > _TITLE_LENGTH else "", deed.mark).strip()
                ),
                "RESPONSIBLE_ID": deed.to,
                "DEADLINE": deed.due_at.isoformat(timespec="seconds"),
                "UF_CRM_TASK": [deed.record],
                "XML_ID": deed.mark,
            }
        }
    if isinstance(deed, CommentDeed):
        text = _plain(marked(deed.text, deed.mark))
        return "crm.timeline.comment.add", {
            "fields": {"ENTITY_ID": record_id, "ENTITY_TYPE": _KINDS[code], "COMMENT": text}
        }
    values = {OWN + one.field: _plain(one.value or "") for one in group if isinstance(one, FieldDeed)}
    return f"crm.{_KINDS[code]}.update", {"id": record_id, "fields": values}


def _listing(deed: Deed, start: int) -> Command:
    """The newest comments or tasks of a record."""
    code, _, record_id = deed.record.partition("_")
    if isinstance(deed, TaskDeed):
        select = ["ID", "XML_ID", "DESCRIPTION"]
        asked = {"filter": {"UF_CRM_TASK": deed.record}, "select": select, "order": {"ID": "desc"}, "start": start}
        return "tasks.task.list", asked
    narrowed = {"ENTITY_ID": record_id, "ENTITY_TYPE": _KINDS[code]}
    return "crm.timeline.comment.list", {
        "filter": narrowed,
        "select": ["ID", "COMMENT"],
        "order": {"ID": "DESC"},
        "start": start,
    }


def _last_lines(row: Mapping[str, Any]) -> tuple[str, ...]:
    texts = (str(row.get(name) or "").strip() for name in ("COMMENT", "description"))
    return tuple(text.splitlines()[-1].strip() for text in texts if text)


def _plain(text: str) -> str:
    """A batch fills in `$result[...]` wherever it stands, in people's words too."""
    return text.replace("$result", "$\u200bresult")


def _refusal(code: str, words: str) -> Outcome:
    if code in _LATER:
        return Outcome(came="later")
    if code == _NO_ANSWER:
        return Outcome(came="unknown")
    return Outcome(came="failed", words=f"{code} {words}".replace("<br>", "").strip())


def _id_of(result: Any) -> str:
    if isinstance(result, dict):
        return str(result.get("task", {}).get("id", ""))
    return "" if isinstance(result, bool) else str(result)


def _filled(value: Any) -> str | None:
    return None if value in (None, "", False, []) else str(value)

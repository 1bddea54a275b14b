"""In which order is an account read, and where does a stopped run go on?

Short lists first, then people, leads, the steps of leads between statuses, calls and tasks. Steps are events of the account; the status a
lead began in is told by its first event, or is the present one where it never moved.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rakurs.core.errors import SourceUnreachable
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Text
from rakurs.sources.amocrm import records
from rakurs.sources.amocrm.account import EVENTS_PAGE, PAGE, Account, Pairs
from rakurs.sources.amocrm.settings import AmoSettings
from rakurs.sources.live import Change, Closed, Cursor, Reached, Teller, Wanted
from rakurs.sources.rows import GONE, LEFT
from rakurs.sources.spool import Spool

OVERLAP = timedelta(minutes=5)
"""An account shows a change some moments after the time it writes on it."""
_WITH = [("with", "contacts,loss_reason")]
_STEP, _GONE_LEAD, _BACK = "lead_status_changed", "lead_deleted", "lead_restored"
_GONE_PEOPLE = {"contact_deleted": records.CONTACT, "company_deleted": records.COMPANY}
_CALLS = [("filter[note_type][]", "call_in"), ("filter[note_type][]", "call_out")]
_DATED = frozenset({"companies", "contacts", "leads"})
_PEOPLE = {"companies": records.COMPANY, "contacts": records.CONTACT}
TITLES: Mapping[str, Text] = {
    "users": Text(ru="Сотрудники", en="Employees"),
    "companies": Text(ru="Компании", en="Companies"),
    "contacts": Text(ru="Контакты", en="Contacts"),
    "leads": Text(ru="Сделки", en="Deals"),
    "events": Text(ru="История этапов", en="Stage history"),
    "calls": Text(ru="Звонки", en="Calls"),
    "tasks": Text(ru="Задачи", en="Tasks"),
}


def check(settings: AmoSettings) -> Reached:
    """Whose account it is, and what is closed to the token."""
    with Account(settings, is_trial=True) as account:
        told = account.ask("account")
        closed: list[Text] = []
        for name in ("leads", "contacts", "companies", "users"):
            try:
                account.ask(name, [("limit", 1)])
            except Closed:
                closed.append(TITLES[name])
        return Reached(who=f"{told.get('name') or account.host} ({account.host})", closed=tuple(closed))


def fetch(settings: AmoSettings, wanted: Wanted, spool: Spool, progress: Progress = silent) -> Cursor:
    """Bring what is wanted into the spool; the cursor of the next run."""
    teller = Teller(progress, TITLES["users"], done=spool.total)
    with Account(settings, breathe=teller.breathe) as account:
        return _Run(settings=settings, wanted=wanted, spool=spool, account=account, teller=teller).go()


@dataclass(slots=True, kw_only=True)
class _Run:
    settings: AmoSettings
    wanted: Wanted
    spool: Spool
    account: Account
    teller: Teller

    def go(self) -> Cursor:
        """The whole run; what is in the spool already is not asked for again."""
        if self.wanted.kind == "records":
            self._single_records()
            return self.wanted.cursor
        self._directories()
        for name, code in _PEOPLE.items():
            self._window(name, name, lambda record, code=code: records.person(record, code))
        self._window("leads", "leads", self._lead, _WITH)
        self._events()
        for entity in ("leads", "contacts", "companies"):
            self._calls(entity)
        self.teller.step = TITLES["tasks"]
        self._window("tasks", "tasks", records.task)
        if self.wanted.kind == "full" and self.wanted.compares:
            self._left()
        return self._cursor()

    # -- lists -------------------------------------------------------------------------------------

    def _directories(self) -> None:
        if self.spool.is_done("stages"):
            return
        told = self.account.ask("account")
        # The account's clock before the first record was read: whatever changes later is of the next run.
        began = self.spool.noted("began") or int(self.account.now.timestamp())
        self.spool.note(began=began, currency=told.get("currency"))
        users = self._numbered("users", "users", [("with", "group")])
        self.spool.append("users", map(records.user, users))
        pipelines = self.account.ask("leads/pipelines").get("_embedded", {}).get("pipelines") or []
        self.spool.append("pipelines", [{"id": one["id"], "name": one["name"]} for one in pipelines])
        stages = [stage for one in pipelines for stage in records.stages(one)]
        self.spool.append("stages", stages, is_done=True)

    def _numbered(self, path: str, name: str, params: Pairs = ()) -> list[dict[str, Any]]:
        try:
            return [one for page in self.account.pages(path, name, params) for one in page]
        except Closed:
            self.spool.note_closed(path)
            return []

    def _window(
        self,
        stream: str,
        path: str,
        flat: Callable[[Mapping[str, Any]], dict[str, Any]],
        params: Pairs = (),
    ) -> None:
        """A list read in the order its records changed in; it goes on at the last time that was kept.

        A period is asked by the time of creation, and tasks have no order by change: both are read by ascending ids.
        """
        if self.spool.is_done(stream):
            return
        self.teller.step = TITLES.get(stream.partition("_")[0], self.teller.step)
        kept = self.spool.place(stream)
        try:
            for page in self._pages(stream, path, params, kept):
                gone = [one for one in page if one.get("is_deleted")]
                alive = (one for one in page if not one.get("is_deleted"))
                self.spool.append(stream, map(flat, alive), place=str(page[-1]["updated_at"]))
                if gone and stream == "leads":
                    self.spool.append(f"{GONE}leads", [{"id": one["id"]} for one in gone])
                self.teller.came(len(page))
        except Closed as closed:
            if self.spool.place(stream):
                # What was open a moment ago is not closed by rights: nothing is concluded from a half.
                raise SourceUnreachable(closed.message) from None
            self.spool.note_closed(path)
        self.spool.append(stream, (), is_done=True)

    def _pages(self, stream: str, path: str, params: Pairs, kept: str) -> Iterator[list[dict[str, Any]]]:
        name = path.rpartition("/")[2]
        first, last = self._bounds()
        if self.wanted.kind == "period" and stream in _DATED:
            between = [("filter[created_at][from]", first), ("filter[created_at][to]", last)]
            return self.account.pages(path, name, [*params, *between, ("order[id]", "asc")])
        if stream == "tasks":
            since = [("filter[updated_at][from]", first)] if first else []
            return self.account.pages(path, name, [*params, *since, ("order[id]", "asc")])
        return self.account.window(path, name, params, by="updated_at", since=int(kept or first))

    def _bounds(self) -> tuple[int, int]:
        """From when to when records are wanted, in seconds; 0 for no bound."""
        if self.wanted.kind == "changes":
            return int(self.wanted.cursor.get("since", "0")), 0
        if self.wanted.from_day is None or self.wanted.to_day is None:
            return 0, 0
        first = datetime.combine(self.wanted.from_day, datetime.min.time(), UTC)
        last = datetime.combine(self.wanted.to_day, datetime.max.time(), UTC)
        return int(first.timestamp()), int(last.timestamp())

    def _lead(self, record: Mapping[str, Any]) -> dict[str, Any]:
        return records.lead(
            record,
            channel_field=self.settings.channel_field.strip(),
            loss_reason_field=self.settings.loss_reason_field.strip(),
        )

    # -- the way of leads --------------------------------------------------------------------------

    def _events(self) -> None:
        """Steps between statuses, deletions and returns; then where each new lead began."""
        if self.spool.is_done("starts"):
            return
        self.teller.step = TITLES["events"]
        first, last = self._bounds()
        types = [_STEP] if self.wanted.kind == "period" else [_STEP, _GONE_LEAD, _BACK, *_GONE_PEOPLE]
        # No event is ever deleted, and none comes below the upper bound any more: numbered pages stand still.
        bounds = [("filter[created_at][from]", first), ("filter[created_at][to]", last or self._read_at())]
        asked: Pairs = [("filter[type]", ",".join(types)), *bounds]
        earliest: dict[int, tuple[int, tuple[int, int] | None]] = {}
        fates: dict[int, tuple[int, bool]] = {}
        try:
            for page in self.account.pages("events", "events", asked, limit=EVENTS_PAGE):
                self._told(page, earliest, fates)
                self.teller.came(len(page))
        except Closed:
            self.spool.note_closed("events")
            self.spool.append("starts", (), is_done=True)
            return
        if self.wanted.kind == "changes":
            self._settle(fates)
        self.spool.append("starts", self._starts(earliest, since=first), is_done=True)

    def _read_at(self) -> int:
        """When the leads had been read: a step later than that is of the next run, one before it is not missed."""
        self.spool.note(read_at=self.spool.noted("read_at") or int(self.account.now.timestamp()) + 1)
        return int(self.spool.noted("read_at"))

    def _told(
        self,
        page: Sequence[Mapping[str, Any]],
        earliest: dict[int, tuple[int, tuple[int, int] | None]],
        fates: dict[int, tuple[int, bool]],
    ) -> None:
        """Keep the steps of a page; note each lead's first one, and whether it was last thrown away or brought back."""
        steps = [event for event in page if event["type"] == _STEP]
        self.spool.append("entries", (entry for event in steps if (entry := records.entry(event)) is not None))
        for event in steps:
            lead, at = int(event["entity_id"]), int(event["created_at"])
            if lead not in earliest or at <= earliest[lead][0]:
                earliest[lead] = (at, records.status(event.get("value_before")))
        for event in page:
            if event["type"] in {_GONE_LEAD, _BACK}:
                lead = int(event["entity_id"])
                fates[lead] = max(fates.get(lead, (0, False)), (int(event["created_at"]), event["type"] == _BACK))
        if self.wanted.kind == "changes":
            gone = [event for event in page if event["type"] in _GONE_PEOPLE]
            people = [{"id": f"{_GONE_PEOPLE[event['type']]}_{event['entity_id']}"} for event in gone]
            self.spool.append(f"{GONE}customers", people)

    def _settle(self, fates: Mapping[int, tuple[int, bool]]) -> None:
        """Leads that were thrown away are gone; those brought back are read again: they may stand in no list of changes."""
        back = [lead for lead, (_, is_back) in fates.items() if is_back]
        found = [one for one in self._by_id("leads", back, _WITH) if not one.get("is_deleted")]
        alive = {int(one["id"]) for one in found}
        self.spool.append("leads", map(self._lead, found))
        self.spool.append(f"{GONE}leads", [{"id": lead} for lead in fates if lead not in alive])
        # Their way went with them, and is told anew.
        self._ways(sorted(alive))

    def _starts(
        self, earliest: Mapping[int, tuple[int, tuple[int, int] | None]], *, since: int, only: Collection[int] = ()
    ) -> Iterator[dict[str, Any]]:
        """The status each lead created since then began in; of `only` some where they are named."""
        floor = records.moment(since) or ""
        for row in self.spool.records("leads"):
            if row["_created_at"] >= floor and (not only or int(row["id"]) in only):
                told = earliest.get(int(row["id"]))
                pipeline, status = told[1] if told and told[1] else (row["_pipeline"], row["_status"])
                yield {"deal": row["id"], "pipeline": pipeline, "status": status, "at": row["_created_at"]}

    # -- calls and the rest ------------------------------------------------------------------------

    def _calls(self, entity: str) -> None:
        self.teller.step = TITLES["calls"]
        self._window(f"calls_of_{entity}", f"{entity}/notes", lambda note: records.call(note, entity), _CALLS)

    def _left(self) -> None:
        """After everything was read, what is known and was not among it is gone."""
        self.spool.note(compared=True)
        closed = {*self.spool.noted("closed", [])}
        if "leads" not in closed:
            self.spool.append(f"{LEFT}leads", ({"id": row["id"]} for row in self.spool.records("leads")))
        if not closed & {*_PEOPLE}:
            people = (row for name in _PEOPLE for row in self.spool.records(name))
            self.spool.append(f"{LEFT}customers", ({"id": row["id"]} for row in people))

    def _single_records(self) -> None:
        """The records an outgoing webhook named, as they are now."""
        by_stream: dict[str, list[Change]] = {}
        for change in self.wanted.changes:
            by_stream.setdefault(change.stream, []).append(change)
        for stream, changes in by_stream.items():
            # Nothing a call says is believed: what it calls deleted is asked for like the rest.
            ids = sorted({int(change.record_id) for change in changes})
            code = _PEOPLE.get(stream)
            found = [one for one in self._by_id(stream, ids, () if code else _WITH) if not one.get("is_deleted")]
            alive = [int(one["id"]) for one in found]
            target, prefix = ("customers", f"{code}_") if code else ("leads", "")
            self.spool.append(f"{GONE}{target}", [{"id": f"{prefix}{one}"} for one in ids if one not in alive])
            if code:
                self.spool.append(stream, (records.person(one, code) for one in found))
            else:
                self.spool.append("leads", map(self._lead, found))
                self._ways(alive)

    def _ways(self, ids: Sequence[int]) -> None:
        """Every step of these leads."""
        if not ids:
            return
        earliest: dict[int, tuple[int, tuple[int, int] | None]] = {}
        try:
            for some in _portions(ids, 10):
                entity = [("filter[entity]", "lead"), *(("filter[entity_id][]", one) for one in some)]
                asked = [("filter[type]", _STEP), *entity]
                for page in self.account.pages("events", "events", asked, limit=EVENTS_PAGE):
                    self._told(page, earliest, {})
        except Closed:
            self.spool.note_closed("events")
            return
        self.spool.append("starts", list(self._starts(earliest, since=0, only={*ids})))

    def _by_id(self, path: str, ids: Sequence[int], params: Pairs = ()) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for some in _portions(ids, PAGE):
            asked = [*params, *(("filter[id][]", one) for one in some)]
            found += [one for page in self.account.pages(path, path, asked) for one in page]
        return found

    def _cursor(self) -> Cursor:
        if self.wanted.kind == "period":
            return self.wanted.cursor
        since = datetime.fromtimestamp(int(self.spool.noted("began")), UTC) - OVERLAP
        return {**self.wanted.cursor, "since": str(int(since.timestamp()))}


def _portions(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]

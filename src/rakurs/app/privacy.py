"""Who is to be erased, what would go, who is being erased, and who was? A plan per person, kept in the home until it is done.

A plan holds what the person is known by, or nobody could be looked for in all the places; so it is a file for its owner's eyes,
and goes when the erasure ends. What stays is a line in the list of the warehouse, in hashes (`rakurs.warehouse.forgotten`).
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rakurs.app.documents import Document
from rakurs.app.home import Home
from rakurs.app.privacy_texts import Traces
from rakurs.app.secret_files import keep_secretly
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, UnknownName
from rakurs.core.table import Table
from rakurs.core.text import Language, Text
from rakurs.schema import table_named
from rakurs.schema.personal import HOLDERS
from rakurs.warehouse import dossiers, erasing, forgotten, persons
from rakurs.warehouse.contacts import full_name_pattern, full_names
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.forgotten import Forgotten
from rakurs.warehouse.persons import Person

Step = Literal["tables", "file", "rest"]
ERASURE = Text(ru="Стирания", en="erasure")
_UNDER_WAY = Text(ru="Этого человека уже стирают.", en="This person is being erased already.")
_OWN: Mapping[str, Table] = {table.name: table for table in persons.OWN_TABLES}


class Plan(BaseModel):
    """One erasure under way: who, what of him, and which step is next. `names` are full names that nobody else has.

    `is_again` tells that an older backup brought back whoever was erased before; `only_past` that they are welcome when they
    come again. `error` says why it does not go on just now.
    """

    model_config = ConfigDict(extra="forbid")

    erasure: str
    begun_at: str
    by: str = ""
    with_deals: bool = False
    is_again: bool = False
    only_past: bool = False
    error: dict[str, str] = {}
    step: Step = "tables"
    customer_id: str | None = None
    records: tuple[str, ...] = ()
    all_names: tuple[str, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()
    contacts: dict[str, tuple[str, ...]] = {}
    all_contacts: dict[str, tuple[str, ...]] = {}
    holders: dict[str, tuple[str, ...]] = {}
    sources: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    raw_files: int = 0
    raw_rows: int = 0

    @property
    def known_by(self) -> dict[forgotten.Kind, Sequence[str]]:
        """What the list keeps of him, before it is hashed; his deals only where they go too."""
        person = Person(
            customer_id=self.customer_id,
            records=self.records,
            names=self.all_names,
            contacts={kind: frozenset(values) for kind, values in self.all_contacts.items()},
        )
        known: dict[forgotten.Kind, Sequence[str]] = {kind: sorted(values) for kind, values in person.known_by.items()}
        known["name"] = [" ".join(sorted(words)) for words in self.names]
        if self.with_deals:
            known |= {kind: self.holders.get(kind, ()) for kind in ("deals", "orders", "visits")}
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A person as the preview shows him: what he is called, his records, what would go of each table, what others share."""

    person: Person
    label: str
    counts: Mapping[str, int]
    loads: int


def found(workspace: Workspace, who: str) -> Found:
    """The person of that id, phone or mailbox. UnknownName where nobody is; SeveralPeople where it fits more than one."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        person = persons.person_named(cursor, who)
        counts = dossiers.counts_about(cursor, person)
        return Found(
            person=person,
            label=person.names[0] if person.names else (person.customer_id or who.strip()),
            counts=counts,
            loads=dossiers.batches_about(cursor, person),
        )


def begun(workspace: Workspace, who: str, *, with_deals: bool = False, by: str = "") -> Plan:
    """Keep that this person is to be erased; durable when this returns, whatever happens then.

    UnknownName and SeveralPeople as above, BadInput where it is under way already.
    """
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        person = dossiers.with_history(cursor, persons.person_named(cursor, who), warehouse.company)
        plan = _plan(cursor, person, by=by, with_deals=with_deals, at=workspace.now)
    for other in plans(workspace.home):
        if set(other.records) & set(plan.records) or (not plan.records and other.all_contacts == plan.all_contacts):
            raise BadInput(_UNDER_WAY)
    keep(workspace.home, plan)
    return plan


def begun_for(workspace: Workspace, records: Sequence[str]) -> Plan:
    """Keep that these records are to be erased, because their time is up; whoever of them comes again is welcome."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        person = Person(customer_id=None, records=tuple(records))
        plan = _plan(cursor, person, by="", with_deals=False, at=workspace.now)
    plan = plan.model_copy(update={"only_past": True})
    keep(workspace.home, plan)
    return plan


def begun_again(workspace: Workspace) -> list[Plan]:
    """Plans for whoever is in the list but was brought back with an older backup."""
    made: list[Plan] = []
    warehouse, _ = workspace.whole
    if not forgotten.listed(warehouse.folder):
        return made
    with warehouse.examining() as cursor:
        done, waiting = erasing.applied(cursor), {plan.erasure for plan in plans(workspace.home)}
        for item in forgotten.listed(warehouse.folder):
            if item.erasure not in done | waiting:
                person = persons.person_behind(cursor, item)
                plan = _plan(cursor, person, by=item.by, with_deals=item.with_deals, at=workspace.now)
                made.append(plan.model_copy(update={"erasure": item.erasure, "is_again": True}))
    for plan in made:
        keep(workspace.home, plan)
    return made


def plans(home: Home) -> list[Plan]:
    """Erasures that have not come to their end, the oldest first."""
    read = [Plan.model_validate_json(path.read_text(encoding="utf-8")) for path in home.erasures.glob("*.json")]
    return sorted(read, key=lambda plan: (plan.begun_at, plan.erasure))


def pattern_of(waiting: Sequence[Plan]) -> str | None:
    """What finds their full names in the engine."""
    return full_name_pattern([words for plan in waiting for words in plan.names])


def is_applied(workspace: Workspace, plan: Plan) -> bool:
    """Whether the tables have been through this erasure."""
    warehouse, _ = workspace.whole
    with warehouse.examining() as cursor:
        return plan.erasure in erasing.applied(cursor)


def keep(home: Home, plan: Plan) -> None:
    """Keep how far the erasure is."""
    home.erasures.mkdir(mode=0o700, exist_ok=True)
    path = _file(home, plan)
    keep_secretly(path, plan.model_dump())
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stopped(home: Home, erasure: str, why: Text) -> None:
    """The erasure does not go on just now, and says why."""
    for plan in plans(home):
        if plan.erasure == erasure:
            keep(home, plan.model_copy(update={"error": {"ru": why.ru, "en": why.en}}))


def dropped(home: Home, plan: Plan) -> None:
    """The erasure is done: nothing of the plan is needed any more."""
    _file(home, plan).unlink(missing_ok=True)


def traces_of(plan: Plan, salt: str) -> Traces:
    """What is looked for in texts."""
    ids = {record: forgotten.replaced_id(salt, record, plan.sources) for record in plan.records}
    plain = {
        _without_source(before, plan.sources): _without_source(after, plan.sources) for before, after in ids.items()
    }
    return Traces(
        ids=ids,
        source_ids=plain,
        deals=frozenset(plan.holders.get("deals", ())),
        contacts=plan.contacts,
        names=plan.names,
        all_contacts=plan.all_contacts,
        all_names=tuple(dict.fromkeys(words for name in plan.all_names for words in full_names(name))),
    )


def history(home: Home) -> list[Forgotten]:
    """Whoever was erased or is being erased, the latest first."""
    return sorted(forgotten.listed(home.warehouse), key=lambda item: item.begun_at, reverse=True)


def readmitted(home: Home, erasure: str) -> None:
    """Take in again what comes of this person; what was erased stays so. UnknownName for an erasure that never was."""
    known = [item.erasure for item in forgotten.listed(home.warehouse)]
    if erasure not in known:
        raise UnknownName(ERASURE, erasure, known)
    forgotten.readmitted(home.warehouse, erasure)


def table_titles(counts: Mapping[str, int], language: Language) -> list[tuple[str, str, int]]:
    """(name, title, rows) of what was counted, in words."""
    return [(name, _table(name).title.to(language), rows) for name, rows in counts.items()]


def found_document(told: Found, language: Language) -> Document:
    """The preview as JSON."""
    person = told.person
    return {
        "customer_id": person.customer_id,
        "label": told.label,
        "records": list(person.records),
        "names": list(person.names),
        "contacts": {kind: sorted(values) for kind, values in person.contacts.items() if values},
        "shared": {value: list(others) for value, others in person.shared.items()},
        "tables": [
            {"table": name, "title": title, "rows": rows} for name, title, rows in table_titles(told.counts, language)
        ],
        "raw_files": told.loads,
    }


def erasure_document(item: Forgotten, language: Language) -> Document:
    """One erasure as JSON: nothing in it tells who it was."""
    told = dict(item.told)
    return {
        "erasure": item.erasure,
        "begun_at": item.begun_at.isoformat(timespec="seconds"),
        "done_at": None if item.done_at is None else item.done_at.isoformat(timespec="seconds"),
        "by": item.by,
        "with_deals": item.with_deals,
        "is_let_in": item.only_past,
        "tables": [
            {"table": name, "title": title, "rows": rows}
            for name, title, rows in table_titles(told.get("counts", {}), language)
        ],
        "raw_files": told.get("raw_files", 0),
        "raw_rows": told.get("raw_rows", 0),
        "sources": told.get("sources", []),
        "left": [words[language] for words in told.get("left", [])],
    }


def plan_document(plan: Plan, language: Language) -> Document:
    """An erasure under way as JSON: nothing in it tells who it is."""
    return {
        "erasure": plan.erasure,
        "begun_at": datetime.fromisoformat(plan.begun_at).replace(tzinfo=None).isoformat(timespec="seconds"),
        "done_at": None,
        "by": plan.by,
        "with_deals": plan.with_deals,
        "is_let_in": False,
        "tables": [
            {"table": name, "title": title, "rows": rows} for name, title, rows in table_titles(plan.counts, language)
        ],
        "raw_files": plan.raw_files,
        "raw_rows": plan.raw_rows,
        "sources": sources_of(plan),
        "left": [plan.error[language]] if plan.error else [],
    }


def deals_of(cursor: Cursor, person: Person) -> list[str]:
    """The ids of his deals."""
    return dossiers.keys_about(cursor, person, table_named("deals"))


def _plan(cursor: Cursor, person: Person, *, by: str, with_deals: bool, at: datetime) -> Plan:
    holders = {name: dossiers.keys_about(cursor, person, table_named(name)) for name in HOLDERS}
    return Plan(
        erasure=forgotten.new_erasure(),
        begun_at=at.isoformat(),
        by=by,
        with_deals=with_deals,
        customer_id=person.customer_id,
        records=person.records,
        all_names=person.names,
        names=persons.names_of_nobody_else(cursor, person),
        contacts={kind: tuple(sorted(values)) for kind, values in person.own.items()},
        all_contacts={kind: tuple(sorted(values)) for kind, values in person.contacts.items()},
        holders={name: tuple(keys) for name, keys in holders.items()},
        sources=dossiers.sources(cursor),
        counts=dossiers.counts_about(cursor, person),
    )


def _table(name: str) -> Table:
    return _OWN[name] if name in _OWN else table_named(name)


def _file(home: Home, plan: Plan) -> Path:
    return home.erasures / f"{plan.erasure}.json"


def _without_source(record: str, sources: Sequence[str]) -> str:
    return next((record.removeprefix(f"{name}:") for name in sources if record.startswith(f"{name}:")), record)


def sources_of(plan: Plan) -> list[str]:
    """The systems, by the prefixes of his records, that still have him."""
    return sorted({name for name in plan.sources if any(record.startswith(f"{name}:") for record in plan.records)})

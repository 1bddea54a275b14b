"""Who is meant by an id, a phone or a mailbox, by what is that person known, and which rows are about him?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rakurs.core.errors import BadInput, UnknownName
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.schema import TABLES
from rakurs.schema.ddl import literal, quoted
from rakurs.schema.identities import IDENTITIES, IDENTITY_DECISIONS, IDENTITY_PAIRS
from rakurs.schema.personal import ABOUT_PEOPLE, HOLDERS, customer_columns, holder_columns, traces_of
from rakurs.schema.scores import MODEL_SCORES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS
from rakurs.warehouse.contacts import CONTACTS, full_names, words_of, words_sql
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.forgotten import MARK, Forgotten, Kind, hashed_sql

PERSON = Text(ru="Клиента", en="customer")
_LIVE = f'(select record_id, customer_id from main.{IDENTITIES.name} where "until" is null)'
_SEVERAL = Text(
    ru="Так находятся разные клиенты: {ids}. Назовите одного из них по номеру.",
    en="Several customers are found so: {ids}. Name one of them by the id.",
)
_ERASED = Text(ru="«{who}»: этот человек уже стёрт.", en="“{who}”: this person is erased already.")
OWN_TABLES: tuple[Table, ...] = (IDENTITIES, IDENTITY_DECISIONS, IDENTITY_PAIRS, SEGMENT_MEMBERSHIPS, MODEL_SCORES)
"""What Rakurs itself writes about customers."""
TOLD_TABLES: tuple[Table, ...] = tuple(table for table in TABLES if table in ABOUT_PEOPLE or holder_columns(table))
"""The canonical tables that may hold rows about somebody, in load order."""


class SeveralPeople(BadInput):
    """What was typed fits several customers; `found` holds the id and the name of each."""

    def __init__(self, found: Sequence[tuple[str, str | None]]) -> None:
        super().__init__(_SEVERAL.filled(ids=", ".join(customer_id for customer_id, _ in found)))
        self.found = tuple(found)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One person as the tables know him. Without records: somebody who only called or left a contact.

    `contacts` are by kind, as they are compared; `shared` are those that others have too, with the ids of these others.
    """

    customer_id: str | None
    records: tuple[str, ...]
    names: tuple[str, ...] = ()
    contacts: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def own(self) -> Mapping[str, frozenset[str]]:
        """The contacts that nobody else has."""
        return {kind: values - self.shared.keys() for kind, values in self.contacts.items()}

    @property
    def known_by(self) -> dict[Kind, set[str]]:
        """What the list of the forgotten keeps of him, before it is hashed."""
        reached = {value for kind in ("phone", "email") for value in self.contacts.get(kind, ())}
        words = {word for name in self.names for word in words_of(name) if len(word) > 1}
        return {
            "id": set(self.records),
            "phone": set(self.contacts.get("phone", ())),
            "email": set(self.contacts.get("email", ())),
            "tax_id": set(self.contacts.get("tax_id", ())),
            "word": {f"{contact}|{word}" for contact in reached for word in words},
        }


def person_named(cursor: Cursor, typed: str) -> Person:
    """The person of whom `typed` is an id of any record, a phone or a mailbox as people type them.

    UnknownName where nobody is; SeveralPeople where it fits more than one.
    """
    who = typed.strip()
    records = _records_named(cursor, who)
    if not records:
        return _caller(cursor, who)
    heads = cursor.execute(
        f"select distinct coalesce(who.customer_id, told.customer_id) from main.customers told left join {_LIVE} who "
        f"on who.record_id = told.customer_id where told.customer_id in ({_listed(records)}) order by all"
    ).fetchall()
    if len(heads) > 1:
        ids = [head for (head,) in heads]
        raise SeveralPeople(
            cursor.execute(
                f"select customer_id, name from main.customers where customer_id in ({_listed(ids)}) order by all"
            ).fetchall()
        )
    (head,) = heads[0]
    if MARK in head:
        raise BadInput(_ERASED.filled(who=who))
    return _person(cursor, head)


def person_behind(cursor: Cursor, item: Forgotten) -> Person:
    """The person of a line of the list, as far as he is in the tables again."""
    known = frozenset(item.hashes.get("id", ()))
    rows = cursor.execute(
        f"select customer_id from main.customers where {hashed_sql(item.salt, 'id', 'customer_id')} in ({_listed(known)}) order by all"
    ).fetchall()
    records = [record for (record,) in rows]
    person = _told(cursor, records, records[0] if records else None)
    if records:
        return person
    contacts = {kind: _contacts_behind(cursor, item, kind) for kind in ("phone", "email")}
    return _with_shared(cursor, Person(customer_id=None, records=(), contacts=contacts))


def rows_about(person: Person, table: Table) -> str:
    """SQL: the rows of a table that are about the person; of a canonical one as it is stored."""
    if table in OWN_TABLES:
        mine = [
            f"{quoted(column.name)} in ({_listed(person.records)})"
            for column in table.columns
            if column.references == "customers"
        ]
        return f"select * from main.{quoted(table.name)} where {' or '.join(mine)}"
    named, ways = _ways(person, table)
    nobody = " and ".join(f"{quoted(name)} is null" for name in named) or "true"
    his = [f"{quoted(name)} in ({_listed(person.records)})" for name in named]
    his += [f"({nobody} and ({' or '.join(ways)}))"] if ways else []
    return f"select * from main.{quoted(table.name)} where {' or '.join(his) or 'false'}"


def with_past_contacts(
    cursor: Cursor, person: Person, found: Mapping[str, Iterable[str]], names: Iterable[str]
) -> Person:
    """The person with contacts and names that older batches have of him."""
    contacts = {kind: person.contacts.get(kind, frozenset()) | frozenset(found.get(kind, ())) for kind in CONTACTS}
    told = tuple(dict.fromkeys((*person.names, *names)))
    return _with_shared(
        cursor, Person(customer_id=person.customer_id, records=person.records, names=told, contacts=contacts)
    )


def names_of_nobody_else(cursor: Cursor, person: Person) -> tuple[tuple[str, ...], ...]:
    """Those of his full names that stand in no name of another customer or employee."""
    kept: list[tuple[str, ...]] = []
    for words in dict.fromkeys(words for name in person.names for words in full_names(name)):
        held = f"list_has_all({words_sql('name')}, [{', '.join(map(literal, words))}])"
        others = (
            f"select 1 from main.customers where {held} and customer_id not in ({_listed(person.records)}) "
            f"union all select 1 from main.employees where {held} limit 1"
        )
        if not cursor.execute(others).fetchall():
            kept.append(words)
    return tuple(kept)


def _records_named(cursor: Cursor, who: str) -> list[str]:
    if cursor.execute("select 1 from main.customers where customer_id = ?", [who]).fetchall():
        return [who]
    ways = [f"source_id = {literal(who)}"]
    for kind, known in _contacts_in(cursor, who).items():
        ways.append(_holds(kind, kind, known))
    found = cursor.execute(f"select customer_id from main.customers where {' or '.join(ways)} order by all").fetchall()
    return [record for (record,) in found]


def _contacts_in(cursor: Cursor, typed: str) -> Mapping[str, frozenset[str]]:
    """The contacts in what was typed, by kind; only kinds that are there."""
    found: dict[str, frozenset[str]] = {}
    for kind, contacts in CONTACTS.items():
        ((told,),) = cursor.execute(f"select {contacts(literal(typed))}").fetchall()
        if told:
            found[kind] = frozenset(item["known"] for item in told)
    return found


def _caller(cursor: Cursor, who: str) -> Person:
    """Somebody who is no customer, known by a contact alone."""
    contacts = {kind: known for kind, known in _contacts_in(cursor, who).items() if kind != "tax_id"}
    person = Person(customer_id=None, records=(), contacts=contacts)
    tables = [f"({rows_about(person, table)})" for table in TOLD_TABLES] if contacts else []
    if not any(cursor.execute(f"select 1 from {rows} limit 1").fetchall() for rows in tables):
        raise UnknownName(PERSON, who, ())
    return person


def _person(cursor: Cursor, head: str) -> Person:
    alive = cursor.execute(
        f"select record_id from {_LIVE} where customer_id = ? union select ? order by all", [head, head]
    ).fetchall()
    records = [record for (record,) in alive]
    person = _told(cursor, records, head)
    return _told(cursor, [*records, *_deleted(cursor, person)], head)


def _contacts_behind(cursor: Cursor, item: Forgotten, kind: str) -> frozenset[str]:
    """The contacts of a line of the list that calls and events of the site hold."""
    tables = ("calls", "web_events") if kind == "phone" else ("web_events",)
    told = " union all ".join(
        f"select unnest({CONTACTS[kind](kind)}).known as value from main.{table} where {kind} is not null"
        for table in tables
    )
    known = _listed(item.hashes.get(kind, ()))
    found = cursor.execute(
        f"select distinct value from ({told}) where {hashed_sql(item.salt, kind, 'value')} in ({known})"
    ).fetchall()
    return frozenset(value for (value,) in found)


def _told(cursor: Cursor, records: Sequence[str], head: str | None) -> Person:
    rows = cursor.execute(
        f"select name, phone, email, tax_id from main.customers where customer_id in ({_listed(records)})"
    ).fetchall()
    contacts = {
        kind: frozenset(
            known
            for row in rows
            if row[place] is not None
            for known in _contacts_in(cursor, row[place]).get(kind, frozenset())
        )
        for place, kind in enumerate(CONTACTS, start=1)
    }
    names = tuple(dict.fromkeys(row[0] for row in rows if row[0]))
    return _with_shared(cursor, Person(customer_id=head, records=tuple(records), names=names, contacts=contacts))


def _deleted(cursor: Cursor, person: Person) -> list[str]:
    """Records that their sources have deleted, of the same person: they are nobody's customer any more, but still lie here.

    The same tax id, or the same phone or mailbox and two words of the name.
    """
    words = sorted({word for name in person.names for word in words_of(name) if len(word) > 1})
    ways = [_holds("tax_id", "tax_id", person.contacts["tax_id"])] if person.contacts.get("tax_id") else []
    if len(words) >= 2:
        same = f"len(list_intersect({words_sql('name')}, [{', '.join(map(literal, words))}])) >= 2"
        ways += [
            f"{_holds(kind, kind, known)} and {same}"
            for kind, known in person.contacts.items()
            if kind != "tax_id" and known
        ]
    if not ways:
        return []
    found = cursor.execute(
        f"select customer_id from main.customers where deleted_at is not null and ({' or '.join(ways)}) "
        f"and customer_id not in ({_listed(person.records)}) and not contains(customer_id, {literal(MARK)}) order by all"
    ).fetchall()
    return [record for (record,) in found]


def _with_shared(cursor: Cursor, person: Person) -> Person:
    shared: dict[str, list[str]] = {}
    for kind, known in person.contacts.items():
        if known:
            told = (
                f"select customer_id, unnest({CONTACTS[kind](kind)}).known as value from main.customers where {kind} is not null "
                f"and deleted_at is null and customer_id not in ({_listed(person.records)})"
            )
            found = cursor.execute(
                f"select value, customer_id from ({told}) where value in ({_listed(known)}) order by all"
            ).fetchall()
            for value, customer_id in found:
                shared.setdefault(value, []).append(customer_id)
    return Person(
        customer_id=person.customer_id,
        records=person.records,
        names=person.names,
        contacts=person.contacts,
        shared={value: tuple(others) for value, others in shared.items()},
    )


def _ways(person: Person, table: Table) -> tuple[tuple[str, ...], list[str]]:
    """The columns of a table that name customers, and how a row that names none is his all the same."""
    ways = [
        _holds(trace, name, person.own.get(trace, frozenset()))
        for name, trace in traces_of(table.name).items()
        if trace in CONTACTS and person.own.get(trace)
    ]
    if table in ABOUT_PEOPLE:
        ways += [_holds(kind, "custom", known) for kind, known in person.own.items() if known]
    for name, holder in holder_columns(table).items():
        key = next(one for one in TABLES if one.name == holder).key[0]
        if holder != table.name:
            ways.append(f"{quoted(name)} in (select {key} from ({rows_about(person, _holder(holder))}))")
    if any(trace == "browser" for trace in traces_of(table.name).values()):
        ways.append(f"visitor_id in ({_browsers(person)})")
    return customer_columns(table), ways


def _holder(name: str) -> Table:
    assert name in HOLDERS
    return next(table for table in TABLES if table.name == name)


def _browsers(person: Person) -> str:
    """Browsers in which he told who he is, and nobody else did."""
    told = (
        "select * from main.web_events where visitor_id is not null and coalesce(customer_id, phone, email) is not null"
    )
    mine = [f"customer_id in ({_listed(person.records)})"]
    mine += [
        f"(customer_id is null and {_holds(kind, kind, known)})"
        for kind, known in person.own.items()
        if known and kind != "tax_id"
    ]
    return f"select visitor_id from ({told}) group by visitor_id having bool_and(coalesce({' or '.join(mine)}, false))"


def _holds(kind: str, column: str, known: Iterable[str]) -> str:
    """SQL: whether a text holds one of these contacts."""
    written = f"list_transform({CONTACTS[kind](quoted(column))}, lambda it: it.known)"
    return f"list_has_any({written}, [{_listed(known)}]::varchar[])"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(literal, sorted(values))) or "null"

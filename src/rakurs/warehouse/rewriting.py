"""Which rows of one batch change when somebody is washed out, and what becomes of each of their cells?"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow.parquet as pq

from rakurs.schema.ddl import literal, quoted
from rakurs.warehouse import forgotten
from rakurs.warehouse.contacts import CONTACTS, names_sql, phone_sql, words_sql
from rakurs.warehouse.duckdb_engine import Cursor, count
from rakurs.warehouse.forgotten import HASHES, MARK
from rakurs.warehouse.raw import OVERFLOW, UNFINISHED, flush_to_disk
from rakurs.warehouse.raw_parts import Part, Role, Stored, may_hold_words, parts_of, roles_of, unreadable
from rakurs.warehouse.shaping import Occasion
from rakurs.warehouse.washing import (
    AGAIN,
    BROWSERS,
    CHANGED,
    HOLDERS,
    NEWER,
    OTHERS,
    Washing,
    listed,
    others_arriving,
    shape_of,
)

STRUCK = "***"
"""What stands in the place of a contact or a name in a text of somebody else's row."""
SET_ASIDE = "?"
"""What stands in the place of a value that broke a rule: the row is to be set aside as before."""
_HITS, _CONTACTS, _TEXTS, _FRESH = "washed_hits", "washed_contacts", "washed_texts", "washed_fresh"
_OPTIONS = "format parquet, compression zstd, compression_level 1, parquet_version v2"
_APART = "' | '"
_TOLD = {**CONTACTS, "name": names_sql}
_HIS = "hit.what in ('gone', 'his')"


def wash(cursor: Cursor, washing: Washing, stored: Stored, occasion: Occasion) -> int:
    """Rewrite the batch where it holds what must go; how many of its rows are other ones now."""
    parts = parts_of(stored, occasion)
    one = _One(cursor, washing, stored, occasion, parts)
    changed = one.fresh() if parts and one.found() else 0
    if changed:
        one.rewrite()
        cursor.execute(
            f"insert into {CHANGED} select {literal(stored.batch.batch_id)}, pos + {stored.scan.first_row} from {_FRESH}"
        )
        washing.changed[one.path] = washing.changed.get(one.path, 0) + changed
    for name in (_HITS, _CONTACTS, _TEXTS, _FRESH):
        cursor.execute(f"drop table if exists {name}")
    return changed


def rows_of(
    cursor: Cursor, washing: Washing, stored: Stored, occasion: Occasion
) -> list[tuple[int, Mapping[str, str]]]:
    """The rows of a batch that are somebody's of the list, as they came: the file's row number and its filled cells."""
    parts = parts_of(stored, occasion)
    one = _One(cursor, washing, stored, occasion, parts)
    if not parts or not one.found():
        return []
    his = f"select distinct pos from {_HITS} where what in ('gone', 'his')"
    rows = cursor.sql(
        f"select raw.* from {one.source} raw join ({his}) hit on hit.pos = raw.file_row_number order by file_row_number"
    )
    return [
        (
            int(row.pop("file_row_number")) + stored.scan.first_row,
            {name: cell for name, cell in row.items() if cell is not None},
        )
        for row in rows.to_arrow_table().to_pylist()
    ]


class _One:
    """One batch while it is washed."""

    def __init__(
        self, cursor: Cursor, washing: Washing, stored: Stored, occasion: Occasion, parts: Sequence[Part]
    ) -> None:
        self.cursor, self.washing, self.parts = cursor, washing, parts
        self.roles = roles_of(stored, parts)
        self.moment = occasion.at
        self.at = f"timestamp {literal(occasion.at.isoformat(sep=' '))}"
        self.path = stored.batch.path
        self.source = f"read_parquet({literal(str(self.path))}, file_row_number=true)"
        self.wordy = [name for name, role in self.roles.items() if may_hold_words(role)]
        self.free = [name for name in self.wordy if self.roles[name].kind not in CONTACTS]
        self.nameless = [name for name in self.free if not _is_name(self.roles[name])]

    # -- which rows --------------------------------------------------------------------------------

    def found(self) -> int:
        """How many rows may change: `pos`, and what each is.

        `gone` or `his`; of whoever is known, an `old` version or `past`; or `words` about him in a row of somebody else.
        """
        self._run(f"create or replace temp table {_HITS} (pos bigint, what varchar, erasure varchar)")
        if self.washing.people:
            for part in self.parts:
                for name in part.customers:
                    rows = f"select pos, {quoted(name)} as value from ({part.told}) where {quoted(name)} is not null"
                    self._his(listed(self.washing, "id", rows, at=self.at))
                    self._his(
                        f"select pos, false as with_deals, null as erasure from ({rows}) where contains(value, {literal(MARK)})"
                    )
            if self.washing.is_arriving:
                self._find_newcomers()
            if self.wordy:
                self._find_contacts()
            self._find_held()
            self._remember_holders()
        self._find_past()
        self._find_outdated()
        return count(self.cursor, f"select count(*) from {_HITS}")

    def _find_newcomers(self) -> None:
        """Records that nobody had before, of forgotten people: the same contact, and a name that can be theirs.

        A name can be theirs when two of its words are, or the only one, or the one beside initials. Without a name the
        contact must be nobody else's; a tax id is always one's own.
        """
        for part in self.parts:
            if part.table.name == "customers" and part.customers:
                known = "select customer_id from main.customers"
                new = f"select * from ({part.told}) where customer_id is not null and customer_id not in ({known})"
                for way in self._ways_to_know(part, new):
                    self._his(way)
                    self._run(f"insert into {AGAIN} select distinct erasure, 'id', customer_id from ({way})")

    def _ways_to_know(self, part: Part, new: str) -> Iterator[str]:
        words = words_sql("name") if "name" in part.values else "[]::varchar[]"
        initials = "len(list_filter(words, lambda word: len(word) = 1))"
        for kind in (kind for kind in CONTACTS if kind in part.values):
            told = (
                f"select pos, customer_id, coalesce({words}, []) as words, unnest({CONTACTS[kind](quoted(kind))}).known as value "
                f"from ({new})"
            )
            if kind == "tax_id":
                yield f"select pos, customer_id, erasure, with_deals from ({listed(self.washing, kind, told, at=self.at)})"
                continue
            nameless = f"select * from ({told}) where len(words) = 0"
            yield f"select pos, customer_id, erasure, with_deals from ({listed(self.washing, kind, nameless, at=self.at)})"
            each = f"select pos, customer_id, words, value as contact, value || '|' || unnest(words) as value from ({told})"
            met = (
                f"select pos, customer_id, erasure, with_deals, words, count(distinct value) as met "
                f"from ({listed(self.washing, 'word', each, at=self.at)}) group by pos, customer_id, erasure, with_deals, words, contact"
            )
            yield f"select pos, customer_id, erasure, with_deals from ({met}) where met >= 2 or met + {initials} >= len(words)"

    def _find_contacts(self) -> None:
        """Contacts anywhere in a row: of a row that names no customer they tell whose it is."""
        ways: list[str] = []
        for kind, told in self._told().items():
            cells = f"select file_row_number as pos, concat_ws({_APART}, {', '.join(map(quoted, told))}) as text from {self.source}"
            found = f"select pos, unnest({_TOLD[kind]('text')}).known as value from ({cells})"
            ways.append(f"select *, '{kind}' as kind from ({listed(self.washing, kind, found, at=self.at)})")
        self._run(
            f"create or replace temp table {_CONTACTS} as select distinct * from ({' union all by name '.join(ways)})"
        )
        if self.washing.is_arriving:
            others_arriving(self.cursor, _CONTACTS)
        self._run(f"delete from {_CONTACTS} where (kind, value) in (select (kind, value) from {OTHERS})")
        if any(part.is_about_people for part in self.parts):
            self._his(f"select pos, with_deals, erasure from {_CONTACTS} where kind <> 'name'", unless_named=True)
        self._run(f"insert into {_HITS} select pos, 'words', null from {_CONTACTS}")
        if self.washing.names and self.nameless:
            text = f"concat_ws({_APART}, {', '.join(map(quoted, self.nameless))})"
            named = f"regexp_matches({text}, {literal(self.washing.names)})"
            self._run(f"insert into {_HITS} select file_row_number, 'words', null from {self.source} where {named}")

    def _told(self) -> Mapping[str, Sequence[str]]:
        """Which columns are looked through for what. Full names are known by hash only when rows arrive: before that, an
        erasure looks for them by a pattern.
        """
        told = dict.fromkeys(CONTACTS, self.wordy)
        return {**told, "name": self.nameless} if self.washing.is_arriving and self.nameless else told

    def _find_held(self) -> None:
        """Rows that name no customer, but his deal, order, visit or browser."""
        for part in self.parts:
            if part.own_id is not None:
                own = f"select pos, {quoted(part.own_id)} as value from ({part.told}) where {quoted(part.own_id)} is not null"
                self._his(listed(self.washing, part.table.name, own, at=self.at), unless_named=True)
            for name, holder in part.holders.items():
                rows = f"select pos, {quoted(name)} as value from ({part.told}) where {quoted(name)} is not null"
                known = f"join {HOLDERS} on holder = {literal(holder)} and id = value"
                self._his(f"select pos, with_deals, erasure from ({rows}) {known}", unless_named=True)
                self._his(listed(self.washing, holder, rows, at=self.at), unless_named=True)
            for name in part.browsers:
                rows = f"select pos from ({part.told}) where {quoted(name)} in (select id from {BROWSERS})"
                self._his(f"select pos, false as with_deals, null as erasure from ({rows})", unless_named=True)

    def _remember_holders(self) -> None:
        """Of what arrives, which deals, orders and visits are his: other rows of the load may name them alone."""
        if not self.washing.is_arriving:
            return
        for part in self.parts:
            if part.own_id is not None:
                his = f"select * from {_HITS} where what in ('gone', 'his')"
                rows = f"select {quoted(part.own_id)} as id, what, erasure from ({part.told}) join ({his}) using (pos)"
                holder = literal(part.table.name)
                self._run(
                    f"insert into {HOLDERS} select distinct {holder}, id, what = 'gone', erasure from ({rows}) "
                    f"where id not in (select id from {HOLDERS} where holder = {holder})"
                )
                self._run(
                    f"insert into {AGAIN} select distinct erasure, {holder}, id from ({rows}) where what = 'gone' and erasure is not null"
                )

    def _find_past(self) -> None:
        for part in self.parts:
            past = self.washing.past_of(part.table.name)
            if past is not None:
                time = past.tables[part.table.name]
                # A row that does not say when it happened is as old as its load.
                moment = f"coalesce({part.readable(time, quoted(time))}, {self.at})" if time in part.values else self.at
                until = f"timestamp {literal(past.until.isoformat(sep=' '))}"
                self._run(f"insert into {_HITS} select pos, 'past', null from ({part.told}) where {moment} < {until}")

    def _find_outdated(self) -> None:
        if self.washing.outdated is None or self.moment >= self.washing.outdated:
            return
        for part in self.parts:
            if part.table.name == "customers" and part.customers:
                again = (
                    f"select pos from ({part.told}) told join {NEWER} newer on newer.id = told.customer_id "
                    f"where shape = {literal(shape_of(part.shaping.mapping))} and newer.seen > {self.at}"
                )
                self._run(f"insert into {_HITS} select pos, 'old', null from ({again})")

    def _his(self, rows: str, *, unless_named: bool = False) -> None:
        """These rows (`pos`, `with_deals`, `erasure`) are his; with deals, all of them goes."""
        if unless_named:
            self._run(f"create or replace temp table {_FRESH} as select pos, with_deals, erasure from ({rows})")
            if not count(self.cursor, f"select count(*) from {_FRESH}"):
                return
            for part in self.parts:
                for name in part.customers:
                    named = f"select pos from ({part.told}) where {quoted(name)} is not null"
                    self._run(f"delete from {_FRESH} where pos in ({named})")
            rows = f"select * from {_FRESH}"
        self._run(f"insert into {_HITS} select pos, if(with_deals, 'gone', 'his'), erasure from ({rows})")

    # -- what becomes of them ----------------------------------------------------------------------

    def fresh(self) -> int:
        """How many rows are to be other ones; how, stands in a table."""
        self._find_texts()
        cells = ", ".join(
            f"{self._cell(name)} as {_alias(number)}, raw.{quoted(name)} as {_alias(number)}_before"
            for number, name in enumerate(self.columns)
        )
        # The first word of the alphabet counts: "gone", "his", "old", "past", "words".
        hits = f"select pos, min(what) as what from {_HITS} group by pos"
        joins = [
            f"left join ({part.told}) part_{part.number} on part_{part.number}.pos = hit.pos" for part in self.parts
        ]
        for number, name in enumerate(self.columns):
            if name in self.struck:
                texts = f"select pos, texts from {_TEXTS} where name = {literal(name)}"
                joins.append(f"left join ({texts}) {_alias(number)}_texts on {_alias(number)}_texts.pos = hit.pos")
        made = (
            f"select hit.pos, {cells} from ({hits}) hit join {self.source} raw on raw.file_row_number = hit.pos "
            f"{' '.join(joins)}"
        )
        names = [_alias(number) for number in range(len(self.columns))]
        differs = " or ".join(f"{name} is distinct from {name}_before" for name in names)
        self._run(
            f"create or replace temp table {_FRESH} as select pos, {', '.join(names)} from ({made}) where {differs}"
        )
        return count(self.cursor, f"select count(*) from {_FRESH}")

    def rewrite(self) -> None:
        """The batch with its fresh rows, in its old order, in its place."""
        cells = ", ".join(
            f"if(fresh.pos is null, raw.{quoted(name)}, fresh.{_alias(number)}) as {quoted(name)}"
            for number, name in enumerate(self.columns)
        )
        query = (
            f"select {cells} from {self.source} raw left join {_FRESH} fresh on fresh.pos = raw.file_row_number "
            "order by raw.file_row_number"
        )
        unfinished = self.path.with_suffix(UNFINISHED)
        self._run(f"copy ({query}) to {literal(str(unfinished))} ({_OPTIONS})")
        flush_to_disk(unfinished)
        unfinished.replace(self.path)
        flush_to_disk(self.path.parent)

    def _find_texts(self) -> None:
        """Which contacts, as they are written, are struck out of which free texts."""
        self.columns = tuple(pq.read_schema(self.path).names)
        written = [
            f"select pos, name, it.written as written, it.known as value, '{kind}' as kind from "
            f"(select file_row_number as pos, {literal(name)} as name, unnest({contacts(quoted(name))}) as it from {self.source} "
            f"where file_row_number in (select pos from {_CONTACTS}))"
            for kind, told in self._told().items()
            for name in told
            for contacts in [_TOLD[kind]]
            if name in self.free
        ]
        self.struck: set[str] = set()
        if written and self.washing.people:
            self._run(
                f"create or replace temp table {_TEXTS} as select told.pos, name, list(distinct written) as texts "
                f"from ({' union all '.join(written)}) told semi join {_CONTACTS} known "
                "on known.pos = told.pos and known.kind = told.kind and known.value = told.value group by all"
            )
            self.struck = {name for (name,) in self.cursor.execute(f"select distinct name from {_TEXTS}").fetchall()}

    def _cell(self, name: str) -> str:
        """SQL: what stands in a raw cell of a row that changes."""
        raw = f"raw.{quoted(name)}"
        if name == OVERFLOW:
            # With nothing beyond the last column the row would be a good one.
            return f"case when hit.what = 'gone' then null when {_HIS} and {raw} is not null then {literal(SET_ASIDE)} else {raw} end"
        role = self.roles[name]
        kept = self._struck(name, raw)
        his = self._his_cell(role, raw, kept)
        past, old = self._past_cell(role, raw), self._old_cell(role, raw)
        return (
            f"case hit.what when 'gone' then null when 'his' then {his} when 'old' then {old} when 'past' then {past} "
            f"else {kept} end"
        )

    def _his_cell(self, role: Role, raw: str, kept: str) -> str:
        if role.kind == "kept":
            return kept
        if role.kind == "unknown" or role.part is None or role.column is None:
            return "null"
        if role.kind in {"customer", "browser"}:
            return self._other_id(role, raw)
        if role.kind == "phone":
            known = phone_sql(raw)
            return _unless_marked(
                raw, f"case when len({known}) = 10 then {forgotten.replaced_phone_sql(self.salt, known)} end"
            )
        if role.kind == "email":
            return _unless_marked(raw, forgotten.replaced_email_sql(self.salt, f"lower(trim({raw}))"))
        return _wiped(role.part, role, raw)

    def _other_id(self, role: Role, raw: str) -> str:
        """The id in the place of a record's or a browser's, as this source writes it; others stay."""
        assert role.part is not None
        assert role.column is not None
        stored = f"part_{role.part.number}.{quoted(role.column.name)}"
        cases: list[str] = []
        for salt in self.washing.salts:
            known = f"{forgotten.hashed_sql(salt, 'id', stored)} in (select hash from {HASHES} where kind = 'id' and (until is null or until >= {self.at}))"
            if role.kind == "browser":
                known = f"{stored} in (select id from {BROWSERS})"
            cases.append(f"when {known} then {self._as_written(role, salt, stored)}")
        return f"case {' '.join(cases)} else {raw} end" if cases else raw

    def _as_written(self, role: Role, salt: str, stored: str) -> str:
        assert role.part is not None
        if not role.is_first:
            return "null"
        sources = {*self.washing.sources, role.part.shaping.mapping.source}
        return f"substr({forgotten.replaced_id_sql(salt, stored, sorted(sources))}, {len(role.part.prefix) + 1})"

    def _past_cell(self, role: Role, raw: str) -> str:
        past = None if role.part is None else self.washing.past_of(role.part.table.name)
        if role.kind == "unknown":
            is_all_past = all(self.washing.past_of(part.table.name) for part in self.parts)
            return "null" if is_all_past else raw
        if past is None or role.part is None or role.column is None or role.kind == "kept":
            return raw
        if role.kind == "customer":
            return "null" if past.nobodys else raw
        if role.kind == "browser":
            return self._as_written(role, self.washing.once, f"part_{role.part.number}.{quoted(role.column.name)}")
        return _wiped(role.part, role, raw)

    def _old_cell(self, role: Role, raw: str) -> str:
        if role.kind == "unknown":
            is_of_customers = all(part.table.name == "customers" for part in self.parts)
            return "null" if is_of_customers else raw
        if role.part is None or role.part.table.name != "customers" or role.kind in {"customer", "kept"}:
            return raw
        return _wiped(role.part, role, raw)

    def _struck(self, name: str, raw: str) -> str:
        """The cell without the contacts and names of forgotten people; everything else in it stays."""
        if name not in self.free:
            return raw
        text = raw
        if name in self.struck:
            texts = f"{_alias(self.columns.index(name))}_texts.texts"
            struck = f"list_reduce(list_prepend({raw}, {texts}), lambda text, found: replace(text, found, {literal(STRUCK)}))"
            text = f"if({texts} is null, {raw}, {struck})"
        if self.washing.names and name in self.nameless:
            pattern, instead = literal(self.washing.names), literal(rf"\1{STRUCK}\3")
            # Twice: of two names side by side the sign between them belongs to the first.
            for _ in range(2):
                text = f"regexp_replace({text}, {pattern}, {instead}, 'g')"
        return text

    @property
    def salt(self) -> str:
        """What contacts are replaced by."""
        return next(iter(self.washing.salts), self.washing.once)

    def _run(self, sql: str) -> None:
        self.cursor.execute(sql)


def _alias(number: int) -> str:
    return f"cell_{number}"


def _unless_marked(raw: str, replaced: str) -> str:
    return f"case when {raw} is null or starts_with({raw}, {literal(MARK)}) then {raw} else {replaced} end"


def _wiped(part: Part, role: Role, raw: str) -> str:
    """Nothing, unless the row is set aside for what stands there: then something that sets it aside as well."""
    assert role.column is not None
    return f"case when {unreadable(part, role.column, raw)} then {literal(SET_ASIDE)} end"


def _is_name(role: Role) -> bool:
    """Whether a column holds the names of customers or employees: whoever is called the same keeps his."""
    is_of_people = role.part is not None and role.part.table.name in {"customers", "employees"}
    return is_of_people and role.column is not None and role.column.name == "name"

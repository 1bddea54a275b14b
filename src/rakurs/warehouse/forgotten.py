"""Whom must the warehouse not know any more? A list beside the raw zone, in salted hashes, that every load is held against.

`erased.jsonl` is only ever added to, a line at a time, synced. A line begins an erasure (what its person is known by, as
hashes), adds to one, tells its end, or lets the person in again. It lies outside `raw/`, so that bringing back an older
backup leaves it in place: whoever is in the list and in the backup is erased once more.

The hashes keep a reader of the file from reading contacts in it; whoever has the file and a phone number can still test
whether that number is in it. That is the price of knowing a person again who must not come back.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from rakurs.schema.ddl import literal
from rakurs.warehouse.duckdb_engine import Cursor
from rakurs.warehouse.raw import flush_to_disk

Kind = Literal["id", "phone", "email", "tax_id", "word", "name", "deals", "orders", "visits"]
"""What is hashed: a record's id, a contact, a contact with a word of the name, a full name that nobody else had (its words
by the alphabet), the id of a holder.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)

FILE = "erased.jsonl"
HASHES = "erased_hashes"
LENGTH = 32
MARK = "erased-"
"""How what stands in the place of an id or a contact begins."""
_ID_LENGTH = 12
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """One person, or several whose time was up together, who must not be known any more.

    `only_past` holds for what was loaded until `at`: whoever comes again later is welcome. `main_id` is the id that the
    person's records are one customer under now.
    """

    erasure: str
    begun_at: datetime
    at: datetime
    salt: str
    hashes: Mapping[str, frozenset[str]]
    with_deals: bool = False
    only_past: bool = False
    main_id: str | None = None
    by: str = ""
    done_at: datetime | None = None
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What came of it: counts, and what could not be reached."""


def new_erasure() -> str:
    """An id for an erasure, which tells nothing."""
    return secrets.token_hex(8)


def begun(
    folder: Path,
    *,
    erasure: str,
    known_by: Mapping[Kind, Iterable[str]],
    with_deals: bool = False,
    only_past: bool = False,
    main_id: str | None = None,
    sources: Iterable[str] = (),
    by: str = "",
) -> Forgotten:
    """Put a person into the list of the warehouse in `folder`; durable when this returns. Told twice, it is there once."""
    known = {item.erasure: item for item in listed(folder)}
    if erasure in known:
        return known[erasure]
    salt = _salt(folder)
    line = {
        "erasure": erasure,
        "begun_at": _now().isoformat(),
        "at": _now().isoformat(),
        "salt": salt,
        "with_deals": with_deals,
        "only_past": only_past,
        "main_id": None if main_id is None else replaced_id(salt, main_id, sources),
        "by": by,
        "hashes": {kind: sorted(hashed(salt, kind, value) for value in values) for kind, values in known_by.items()},
    }
    _add(folder, [line])
    return next(item for item in listed(folder) if item.erasure == erasure)


def learned(folder: Path, found: Mapping[str, Mapping[Kind, Iterable[str]]]) -> None:
    """Ids, as hashes, under which persons of the list came again."""
    _add(
        folder,
        [
            {"erasure": erasure, "hashes": {kind: sorted(values) for kind, values in hashes.items()}}
            for erasure, hashes in found.items()
        ],
    )


def ended(folder: Path, erasure: str, told: Mapping[str, Any]) -> None:
    """The erasure is done, everywhere that can be reached."""
    _add(folder, [{"erasure": erasure, "done_at": _now().isoformat(), "told": dict(told)}])


def readmitted(folder: Path, erasure: str) -> None:
    """From now on what comes of this person is taken in again; what was erased stays so."""
    _add(folder, [{"erasure": erasure, "at": _now().isoformat(), "only_past": True}])


def listed(folder: Path) -> tuple[Forgotten, ...]:
    """Everybody in the list, in the order of the erasures."""
    file = folder / FILE
    if not file.exists():
        return ()
    merged: dict[str, dict[str, Any]] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        line = _line(text)
        if line is not None:
            known = merged.setdefault(line["erasure"], {"hashes": {}})
            hashes = line.pop("hashes", {})
            known.update(line)
            for kind, values in hashes.items():
                known["hashes"].setdefault(kind, set()).update(values)
    return tuple(_forgotten(fields) for fields in merged.values() if "salt" in fields)


def unite(source: Path, target: Path) -> None:
    """Add to the list in `target` what only the list in `source` says: neither a backup nor its return loses anybody."""
    if not (source / FILE).exists():
        return
    known = set((target / FILE).read_text(encoding="utf-8").splitlines()) if (target / FILE).exists() else set()
    new = [line for line in (source / FILE).read_text(encoding="utf-8").splitlines() if line not in known]
    _append(target, new)


def prepare(cursor: Cursor, people: Sequence[Forgotten]) -> None:
    """The temporary table of hashes: `kind`, `hash`, `erasure`, `with_deals`, and `until`, null where it holds for ever."""
    cursor.execute(
        f"create or replace temp table {HASHES} "
        "(kind varchar, hash varchar, erasure varchar, with_deals boolean, until timestamp)"
    )
    rows = [
        f"({literal(kind)}, {literal(value)}, {literal(item.erasure)}, {item.with_deals}, "
        f"{f'timestamp {literal(item.at.isoformat(sep=chr(32)))}' if item.only_past else 'null'})"
        for item in people
        for kind, values in item.hashes.items()
        for value in sorted(values)
    ]
    for start in range(0, len(rows), 1_000):
        cursor.execute(f"insert into {HASHES} values {', '.join(rows[start : start + 1_000])}")


def hashed(salt: str, kind: str, value: str) -> str:
    """What stands in the list for `value`."""
    return sha256(f"{salt}{kind}:{value}".encode()).hexdigest()[:LENGTH]


def hashed_sql(salt: str, kind: str, value: str) -> str:
    """`hashed` of the SQL expression `value`."""
    return f"left(sha256({literal(f'{salt}{kind}:')} || {value}), {LENGTH})"


def replaced_id(salt: str, record_id: str, sources: Iterable[str]) -> str:
    """The id that stands in the place of a record's, with its source's prefix where it has one."""
    prefix = next((f"{source}:" for source in sources if record_id.startswith(f"{source}:")), "")
    if record_id.removeprefix(prefix).startswith(MARK):
        return record_id
    return f"{prefix}{MARK}{sha256(f'{salt}as:{record_id}'.encode()).hexdigest()[:_ID_LENGTH]}"


def replaced_id_sql(salt: str, record_id: str, sources: Iterable[str]) -> str:
    """`replaced_id` of the SQL expression `record_id`."""
    prefixes = " ".join(
        f"when starts_with({record_id}, {literal(source + ':')}) then {literal(source + ':')}" for source in sources
    )
    prefix = f"case {prefixes} else '' end" if prefixes else "''"
    made = f"{prefix} || {literal(MARK)} || left(sha256({literal(salt + 'as:')} || {record_id}), {_ID_LENGTH})"
    return f"case when contains({record_id}, {literal(MARK)}) then {record_id} else {made} end"


def replaced_phone_sql(salt: str, digits: str) -> str:
    """What stands in the place of a phone, of which `digits` are the last ten: ten other digits that nobody can dial.

    Equal for equal phones, so that a call stays with its customer.
    """
    number = f"('0x' || left(sha256({literal(salt + 'phone as:')} || {digits}), 12))::bigint % 10000000"
    return f"{literal(MARK + '000')} || lpad(({number})::varchar, 7, '0')"


def replaced_email_sql(salt: str, email: str) -> str:
    """What stands in the place of a mailbox."""
    return f"{literal(MARK)} || left(sha256({literal(salt + 'email as:')} || {email}), {_ID_LENGTH})"


def _salt(folder: Path) -> str:
    """The salt of the list: one for all, so that what comes in is hashed once."""
    return next((item.salt for item in listed(folder)), None) or secrets.token_hex(_SALT_BYTES)


def _forgotten(fields: dict[str, Any]) -> Forgotten:
    hashes = {kind: frozenset(values) for kind, values in fields.pop("hashes").items()}
    moments = {
        name: datetime.fromisoformat(fields.pop(name))
        for name in ("begun_at", "at", "done_at")
        if fields.get(name) is not None
    }
    return Forgotten(**fields, **moments, hashes=hashes)


def _line(text: str) -> dict[str, Any] | None:
    """A line of the file; None for one that a kill cut short: it was never answered for."""
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return found


def _add(folder: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    _append(folder, [json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines])


def _append(folder: Path, lines: Sequence[str]) -> None:
    if not lines:
        return
    file = folder / FILE
    is_new = not file.exists()
    # A line that was cut short must not swallow the next one.
    torn = not is_new and not file.read_bytes().endswith(b"\n")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (("\n" if torn else "") + "\n".join(lines) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if is_new:
        flush_to_disk(folder)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)

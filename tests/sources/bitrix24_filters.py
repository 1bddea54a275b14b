"""Which records answer a filter of a portal, and in what order?"""

import json
import re
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sources.bitrix24_dictionaries import UF_MULTIPLE
from sources.bitrix24_php import Params, listed
from sources.bitrix24_records import DATES, MULTI, NOT_LIKE, TEMPLATES, WITH_PHONES, Record
from sources.bitrix24_refusals import RestError
from sources.bitrix24_values import moment, number

PAGE = 50
SIGN_AND_NAME = re.compile(r"(!><|><|!=%|!%=|>=|<=|=%|%=|!@|!%|!=|!|>|<|@|%|=|\?)?(.*)", re.DOTALL)
Predicate = Callable[[Record], bool]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value).casefold()


def _equal(name: str, wanted: Any) -> Predicate:
    if name in MULTI:
        return lambda r: any(_plain(entry["VALUE"]) == _plain(wanted) for entry in r.get(name, ()))
    if wanted is None or wanted == "":
        reference = name.endswith(("_ID", "Id"))
        return lambda r: r.get(name) in (None, "", False) or (reference and r.get(name) in ("0", 0))
    if name in DATES:
        at = moment(wanted)
        if at is None:
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' has invalid value")
        return lambda r: moment(r.get(name)) == at
    many = name in UF_MULTIPLE
    if (figure := number(wanted)) is not None:
        if many:
            return lambda r: any(number(one) == figure for one in r.get(name) or ())
        return lambda r: number(r.get(name)) == figure or (r.get(name) is None and figure == 0)
    text = _plain(wanted)
    return lambda r: _plain(r.get(name)) == text


def _ordered(name: str, sign: str, wanted: Any) -> Predicate:
    read: Callable[[Any], Any]
    if name in DATES:
        bound: Any = moment(wanted)
        if bound is None:
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' has invalid value")
        read = moment
    elif (bound := 0 if wanted in ("", None) else number(wanted)) is not None:
        read = number
    else:
        bound, read = _plain(wanted), lambda value: None if value is None else _plain(value)
    if sign == ">":
        return lambda r: (v := read(r.get(name))) is not None and v > bound
    if sign == ">=":
        return lambda r: (v := read(r.get(name))) is not None and v >= bound
    if sign == "<":
        return lambda r: (v := read(r.get(name))) is not None and v < bound
    return lambda r: (v := read(r.get(name))) is not None and v <= bound


def _alike(name: str, wanted: Any, *, pattern: bool) -> Predicate:
    if name in NOT_LIKE:
        return lambda r: False
    text = _plain(wanted)
    if not pattern:
        return lambda r: text in _plain(r.get(name))
    like = re.compile(".*".join(re.escape(part) for part in text.split("%")), re.DOTALL)
    return lambda r: like.fullmatch(_plain(r.get(name))) is not None


def _predicate(name: str, sign: str, wanted: Any) -> Predicate | None:
    """One condition; None where the portal would not look at it."""
    wanted = listed(wanted)
    negative = sign.startswith("!")
    if sign in ("><", "!><"):
        if not isinstance(wanted, list) or len(wanted) != 2:
            return None
        low, high = _ordered(name, ">=", wanted[0]), _ordered(name, "<=", wanted[1])
        return (lambda r: not (low(r) and high(r))) if negative else (lambda r: low(r) and high(r))
    if sign in (">", ">=", "<", "<="):
        return None if isinstance(wanted, list | dict) else _ordered(name, sign, wanted)
    if "%" in sign or sign == "?":
        like = _alike(name, wanted, pattern="=" in sign)
        return (lambda r: not like(r)) if negative else like
    options = [_equal(name, one) for one in (wanted if isinstance(wanted, list) else [wanted])]
    one = options[0] if len(options) == 1 else None
    if negative:
        return (lambda r: not one(r)) if one else (lambda r: not any(test(r) for test in options))
    return one or (lambda r: any(test(r) for test in options))


class Table:
    """Records of one kind, in order of their ids, and the answers already worked out."""

    def __init__(self, kind: str, key: str) -> None:
        self.kind, self.key = kind, key
        self.rows: dict[int, Record] = {}
        self.ids: list[int] = []
        self.last = 0
        self.version = 0
        self._known: OrderedDict[tuple[int, str], list[int]] = OrderedDict()

    def put(self, record_id: int, record: Record) -> None:
        if record_id not in self.rows:
            if not self.ids or record_id > self.ids[-1]:
                self.ids.append(record_id)
            else:
                insort(self.ids, record_id)
        self.rows[record_id] = record
        self.last = max(self.last, record_id)
        self.version += 1

    def drop(self, record_id: int) -> None:
        del self.rows[record_id]
        del self.ids[bisect_left(self.ids, record_id)]
        self.version += 1

    def known(self, question: str, work: Callable[[], list[int]]) -> list[int]:
        mark = (self.version, question)
        if mark not in self._known:
            self._known[mark] = work()
            if len(self._known) > 64:
                self._known.popitem(last=False)
        return self._known[mark]


@dataclass
class Found:
    """Ids that answer a question, not yet cut to a page."""

    ids: Sequence[int]
    low: int
    high: int
    backwards: bool = False

    @property
    def total(self) -> int:
        return max(0, self.high - self.low)

    def page(self, start: int) -> list[int]:
        if start >= self.total:
            return []
        if self.backwards:
            stop = self.high - start
            return list(self.ids[max(self.low, stop - PAGE) : stop])[::-1]
        return list(self.ids[self.low + start : min(self.low + start + PAGE, self.high)])


@dataclass
class Dialect:
    """How one family of methods reads filters and orders."""

    names: Mapping[str, str] | None = None  # asked name -> stored name; None: as stored
    unknown: str = "ignored"  # or "refused"
    nested: bool = False

    def stored(self, table: Table, name: str, place: str) -> str | None:
        found = self.names.get(name) if self.names is not None else name
        if found is not None and (found in TEMPLATES[table.kind] or (found in MULTI and table.kind in WITH_PHONES)):
            return found
        if self.unknown == "refused":
            raise RestError(400, "INVALID_ARG_VALUE", f"Invalid {place}: field '{name}' is not allowed in {place}")
        return None


LEGACY = Dialect()
STRICT = Dialect(unknown="refused", nested=True)
HISTORY = Dialect(unknown="refused")
LENIENT = Dialect()


def _conditions(table: Table, asked: Mapping[str, Any], dialect: Dialect) -> list[tuple[str, str, Any]]:
    found = []
    for raw, wanted in asked.items():
        match = SIGN_AND_NAME.fullmatch(str(raw))
        sign, name = (match[1] or "", match[2]) if match else ("", raw)
        stored = dialect.stored(table, name, "filter")
        if stored is not None:
            found.append((stored, sign, wanted))
    return found


def _compiled(table: Table, asked: Mapping[str, Any], dialect: Dialect) -> list[Predicate]:
    tests: list[Predicate] = []
    flat = {}
    for key, value in asked.items():
        if dialect.nested and str(key).isdigit() and isinstance(value, dict | list):
            tests.append(_group(table, value, dialect))
        elif str(key).lower() != "logic":
            flat[key] = value
    tests += [
        test for name, sign, wanted in _conditions(table, flat, dialect) if (test := _predicate(name, sign, wanted))
    ]
    return tests


def _group(table: Table, asked: Any, dialect: Dialect) -> Predicate:
    parts = dict(enumerate(asked)) if isinstance(asked, list) else asked
    either = str(next((v for k, v in parts.items() if str(k).lower() == "logic"), "AND")).upper() == "OR"
    tests = _compiled(table, parts, dialect)
    return (lambda r: any(test(r) for test in tests)) if either else (lambda r: all(test(r) for test in tests))


def _sort_key(name: str) -> Callable[[Record], tuple[int, Any]]:
    def key(record: Record) -> tuple[int, Any]:
        value = record.get(name)
        if name in DATES:
            at = moment(value)
            return (0, 0) if at is None else (1, at)
        if value is None or isinstance(value, list | dict):
            return (0, 0)
        figure = number(value)
        return (1, figure) if figure is not None else (2, _plain(value))

    return key


def _arranged_by(table: Table, order: Any, dialect: Dialect) -> list[tuple[str, bool]]:
    by = []
    for raw, way in order.items() if isinstance(order, dict) else ():
        stored = dialect.stored(table, raw, "order")
        if str(way).upper() not in ("ASC", "DESC") and dialect.unknown == "refused":
            text = f"Invalid order: allowed sort directions are `ASC, DESC`. But got '{way}' for field '{raw}'"
            raise RestError(400, "INVALID_ARG_VALUE", text)
        if stored is not None:
            by.append((stored, str(way).upper() == "DESC"))
    return by or [(table.key, False)]


@dataclass
class Split:
    """A filter taken apart: what it says of the id goes by bisection, the rest is looked at."""

    bounds: list[tuple[str, float]] = field(default_factory=list)
    exact: set[int] | None = None
    rest: Params = field(default_factory=dict)


def _split(table: Table, asked: Params, dialect: Dialect, *, by_id: bool) -> Split:
    split = Split()
    for raw, given in asked.items():
        match = SIGN_AND_NAME.fullmatch(str(raw))
        sign, name = (match[1] or "", match[2]) if match else ("", str(raw))
        stored = dialect.names.get(name) if dialect.names is not None else name
        value = listed(given)
        if stored == table.key and sign in (">", ">=", "<", "<=") and by_id and not isinstance(value, list | dict):
            split.bounds.append((sign, number(value) or 0))  # nothing reads as zero: every id is above it
        elif stored == table.key and sign in ("", "=", "@"):
            wanted = {int(n) for one in (value if isinstance(value, list) else [value]) if (n := number(one))}
            split.exact = wanted if split.exact is None else split.exact & wanted
        else:
            split.rest[raw] = given
    return split


def find(table: Table, asked: Any, order: Any, dialect: Dialect) -> Found:
    """The ids that answer a filter, in the order asked for (by id where none is)."""
    if isinstance(asked, list):
        asked = dict(enumerate(asked))
    by = _arranged_by(table, order, dialect)
    by_id = by[0][0] == table.key
    split = _split(table, asked if isinstance(asked, dict) else {}, dialect, by_id=by_id)
    tests, rows = _compiled(table, split.rest, dialect), table.rows
    question = json.dumps(split.rest, sort_keys=True, default=str)
    ids = table.ids
    if split.exact is not None:
        ids = sorted(i for i in split.exact if i in rows and all(test(rows[i]) for test in tests))
    elif tests:
        ids = table.known(question, lambda: [i for i in table.ids if all(test(rows[i]) for test in tests)])
    if by_id:
        low, high = 0, len(ids)
        for sign, bound in split.bounds:
            if sign[0] == ">":
                low = max(low, (bisect_right if sign == ">" else bisect_left)(ids, bound))
            else:
                high = min(high, (bisect_left if sign == "<" else bisect_right)(ids, bound))
        return Found(ids, low, max(low, high), backwards=by[0][1])

    def arranged() -> list[int]:
        found = list(ids)
        for name, down in reversed(by):
            key = _sort_key(name)
            found.sort(key=lambda i: key(rows[i]), reverse=down)
        return found

    exact = None if split.exact is None else sorted(split.exact)
    ids = table.known(f"{question} {exact} {by}", arranged)
    return Found(ids, 0, len(ids))

"""What has 1C told so far? Its present state, a database beside what it sends.

A document names little: an offer has no group, a delta no price types, an order of today no goods. What was told before stands
here, so that every row we make is complete. Each thing keeps the number of the exchange that last changed it: a run brings what
changed after its cursor, a full run everything, and a run that was killed is simply done again.
"""

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

Kind = Literal[
    "group", "property", "price_type", "store", "owner", "good", "offer", "price", "stock",
    "customer", "document", "number", "set", "trouble",
]  # fmt: skip
_Personal = Literal["customer", "document"]
"""What may tell of a person."""
Body = Mapping[str, Any]
_PATIENCE_SECONDS = 30.0
_PAGE = 2000
_TABLES = """
create table if not exists things (
    kind text not null, id text not null, body blob not null, aside text not null, owner text not null, base text not null,
    changed integer not null, seen integer not null, is_gone integer not null,
    primary key (kind, id)
) without rowid;
create index if not exists things_changed on things (kind, changed);
create index if not exists things_owner on things (kind, owner);
create index if not exists things_base on things (kind, base);
create table if not exists progress (name text primary key, value integer not null) without rowid;
"""
_PUT = """
insert into things values (:kind, :id, :body, :aside, :owner, :base, :now, :now, 0)
on conflict (kind, id) do update set
    changed = case when body = excluded.body and is_gone = 0 then changed else :now end,
    aside = case when body = excluded.body and is_gone = 0 then aside else excluded.aside end,
    body = excluded.body, owner = excluded.owner, base = excluded.base, seen = :now, is_gone = 0
"""
# Every index begins with the kind, and the engine has no statistics to choose by: it is told which one serves.
_GONE = "set is_gone = 1, changed = :now, aside = :aside where kind = :kind and is_gone = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something 1C told of. `aside` is what may differ without a change: where it stood, when it was said."""

    id: str
    body: Body
    aside: Body = field(default_factory=dict[str, Any])
    is_gone: bool = False
    changed: int = 0


class Known:
    """The state, opened by one run; `now` is the number of the exchange that is being read."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, isolation_level=None)
        # Whoever looks meanwhile is not kept waiting, and what is committed survives a loss of power.
        self._base.executescript("pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -32000;")
        self._base.executescript(_TABLES)
        self.now = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    @property
    def last(self) -> int:
        """The exchange that was read last."""
        found = self._base.execute("select value from progress where name = 'last'").fetchone()
        return int(found[0]) if found else 0

    def begin(self, number: int) -> None:
        """What follows is told by this exchange, and counts when it is over."""
        self.now = number
        self._base.execute("begin immediate")

    def end(self) -> None:
        """All of the exchange is here."""
        self._base.execute("insert or replace into progress values ('last', ?)", (self.now,))
        self._base.execute("commit")

    def put(
        self, kind: Kind, id: str, body: Body, *, owner: str = "", base: str = "", aside: Body | None = None
    ) -> None:
        """This is how it is now."""
        self._base.execute(
            _PUT,
            {
                "kind": kind,
                "id": id,
                "body": _packed(body),
                "aside": json.dumps(aside or {}, ensure_ascii=False),
                "owner": owner,
                "base": base,
                "now": self.now,
            },
        )

    def get(self, kind: Kind, id: str) -> Thing | None:
        """What is known of it, also when it is gone."""
        found = self._base.execute(f"{_SELECT} where kind = ? and id = ?", (kind, id)).fetchone()
        return _thing(found) if found else None

    def gone(self, kind: Kind, id: str, *, aside: Body | None = None) -> None:
        """It is there no more."""
        self._base.execute(f"update things {_GONE} and id = :id", {**self._as_gone(kind, aside), "id": id})

    def gone_unseen(
        self,
        kind: Kind,
        *,
        owner: str | None = None,
        base: str | None = None,
        since: int | None = None,
        aside: Body | None = None,
    ) -> None:
        """What belongs to `owner`, or hangs on `base`, and was not told since an exchange (this one) is there no more."""
        column, value = ("owner", owner) if base is None else ("base", base)
        given = {**self._as_gone(kind, aside), "value": value, "since": since or self.now}
        indexed = f"update things indexed by things_{column}"
        self._base.execute(f"{indexed} {_GONE} and {column} = :value and seen < :since", given)

    def changed(self, kind: Kind, after: int) -> Iterator[Thing]:
        """What is other since exchange `after`, in the order of change."""
        asked = f"{_SELECT} indexed by things_changed where kind = ? and changed > ? order by changed, id"
        with closing(self._base.cursor()) as cursor:
            for found in cursor.execute(asked, (kind, after)):
                yield _thing(found)

    def has_changed(self, after: int) -> bool:
        """Whether anything that becomes a row is other since exchange `after`."""
        kinds = ", ".join(f"'{kind}'" for kind in get_args(Kind) if kind != "trouble")
        found = self._base.execute(f"select 1 from things where kind in ({kinds}) and changed > ? limit 1", (after,))
        return found.fetchone() is not None

    def all(self, kind: Kind) -> Iterator[Thing]:
        """All that is there, in the order of change."""
        return (thing for thing in self.changed(kind, -1) if not thing.is_gone)

    def based_on(self, kind: Kind, base: str) -> list[Thing]:
        """What hangs on `base` and is there."""
        asked = f"{_SELECT} indexed by things_base where kind = ? and base = ? and is_gone = 0 order by id"
        found = self._base.execute(asked, (kind, base))
        return [_thing(row) for row in found.fetchall()]

    def count(self, kind: Kind) -> int:
        """How many are there."""
        return int(
            self._base.execute("select count(*) from things where kind = ? and is_gone = 0", (kind,)).fetchone()[0]
        )

    def touched_products(self, after: int) -> Iterator[str]:
        """The ids of products of which anything is other since exchange `after`, variants of changed goods too."""
        touched = """
            select id from things where kind in ('good', 'offer', 'price') and changed > :after
            union
            select variant.id from things variant join things good on good.kind = 'good' and good.id = variant.base
            where variant.kind in ('good', 'offer') and good.changed > :after and variant.base <> variant.id
            order by 1
        """
        with closing(self._base.cursor()) as cursor:
            for (found,) in cursor.execute(touched, {"after": after}):
                yield found

    def stock_of(self, store: str) -> Iterator[Thing]:
        """What lies in a warehouse."""
        return (thing for thing in self.all("stock") if thing.id.endswith(f"\n{store}"))

    def holds_stock_of(self, store: str) -> bool:
        """Whether anything was counted there."""
        return next(self.stock_of(store), None) is not None

    def clean(self, ids: Collection[str], cleaned: Callable[[Any], Any]) -> int:
        """Take a person out of what was told: customers of these ids wholly, of other records what `cleaned` takes; how many were other.

        Nothing counts as changed by it, and nothing of it is left in the file.
        """
        self._base.execute("pragma secure_delete = on")
        self._base.execute("begin immediate")
        found = 0
        for kind in get_args(_Personal):
            for thing in self._told(kind):
                body = {} if kind == "customer" and thing.id in ids else cleaned(thing.body)
                if body != thing.body:
                    found += 1
                    self._base.execute(
                        "update things set body = ? where kind = ? and id = ?", (_packed(body), kind, thing.id)
                    )
        self._base.execute("commit")
        self._base.execute("pragma wal_checkpoint(truncate)")
        return found

    def _told(self, kind: Kind) -> Iterator[Thing]:
        """All of a kind, gone or not, a page at a time: they may be written meanwhile."""
        last, asked = "", f"{_SELECT} where kind = ? and id > ? order by id limit {_PAGE}"
        while page := self._base.execute(asked, (kind, last)).fetchall():
            yield from map(_thing, page)
            last = page[-1][0]

    def _as_gone(self, kind: Kind, aside: Body | None) -> dict[str, Any]:
        return {"kind": kind, "now": self.now, "aside": json.dumps(aside or {}, ensure_ascii=False)}


_SELECT = "select id, body, aside, is_gone, changed from things"


def _packed(body: Body) -> bytes:
    return zlib.compress(json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(), 1)


def _thing(found: tuple[str, bytes, str, int, int]) -> Thing:
    key, body, aside, is_gone, changed = found
    return Thing(
        id=key,
        body=json.loads(zlib.decompress(body)),
        aside=json.loads(aside),
        is_gone=bool(is_gone),
        changed=changed,
    )

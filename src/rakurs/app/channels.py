"""Which channels are one? An advertising system's, a CRM's and the site's counter's, each with an id of its own, until somebody says.

What people say is rows of `channels` (`same_as`) like any others: kept in the raw zone, replayed by a rebuild, taken back by a row.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.accounts import note
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput
from rakurs.core.text import Text
from rakurs.schema import AD_COSTS, CHANNELS, CUSTOMERS, DEALS, LEADS, VISITS
from rakurs.sources import events
from rakurs.state.models import User
from rakurs.warehouse.reading import Reader

JOINED = "join channels"
PARTED = "part channels"
"""What the audit calls both."""
COUNTED = (LEADS, DEALS, CUSTOMERS, VISITS)
"""The tables whose rows tell how much a channel is."""
_NO_CHANNEL = Text(
    ru="Канала «{name}» нет. Список каналов: «Данные», «Каналы».",
    en="There is no channel “{name}”. The list of channels: “Data”, “Channels”.",
)
_ALONE = Text(
    ru="Выберите хотя бы два канала, которые ещё не объединены.",
    en="Choose two channels at least that are still apart.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel as its system writes it: how many rows name it, what it cost, and which channel it is read as."""

    id: str
    name: str
    medium: str | None
    platform: str | None
    read_as: str
    rows: Mapping[str, int]
    cost: Decimal

    @property
    def is_joined(self) -> bool:
        """Whether it is read as another one."""
        return self.read_as != self.id


def channels_of(workspace: Workspace) -> list[Channel]:
    """Every channel, the ones that are one together, those with the most rows first."""
    with workspace.reading() as reader:
        records = reader.collect(reader.records(CHANNELS.name).filter(nw.col("deleted_at").is_null())).to_pylist()
        counts = {table.name: _counts(reader, table.name) for table in COUNTED}
        costs = _costs(reader)
    heads = _heads(records)
    found = [
        Channel(
            id=row["channel_id"],
            name=row["name"] or row["channel_id"],
            medium=row["medium"],
            platform=row["platform"],
            read_as=heads[row["channel_id"]],
            rows={table: by_id.get(row["channel_id"], 0) for table, by_id in counts.items()},
            cost=costs.get(row["channel_id"], Decimal(0)),
        )
        for row in records
    ]
    weight: dict[str, int] = defaultdict(int)
    for one in found:
        weight[one.read_as] += sum(one.rows.values())
    return sorted(found, key=lambda one: (-weight[one.read_as], one.read_as, one.is_joined, one.name, one.id))


def suggested(found: Sequence[Channel]) -> list[list[Channel]]:
    """Channels that are still apart though they are called the same, whatever the case, spaces and marks."""
    alike: dict[str, list[Channel]] = defaultdict(list)
    for one in found:
        if not one.is_joined:
            alike[_letters(one.name)].append(one)
    return [group for letters, group in alike.items() if letters and len(group) > 1]


def join(workspace: Workspace, ids: Iterable[str], by: User | None) -> str:
    """From now on these channels are one: the one with the most rows gives the id. Returns it. BadInput of fewer than two."""
    known = {one.id: one for one in channels_of(workspace)}
    heads = sorted({_known(known, name).read_as for name in ids})
    if len(heads) < 2:
        raise BadInput(_ALONE)
    head = min(heads, key=lambda name: (-sum(known[name].rows.values()), name))
    others = [name for name in heads if name != head]
    _say(workspace, {head: head, **dict.fromkeys(others, head)})
    if by is not None:
        note(by, JOINED, head, detail={"channels": others})
    return head


def part(workspace: Workspace, channel_id: str, by: User | None) -> None:
    """This channel is one of its own again, and so are those that were read as it."""
    known = {one.id: one for one in channels_of(workspace)}
    parted = _known(known, channel_id)
    _say(workspace, {one.id: one.id for one in known.values() if parted.id in {one.id, one.read_as}})
    if by is not None:
        note(by, PARTED, parted.id)


def _known(known: Mapping[str, Channel], name: str) -> Channel:
    if name not in known:
        raise BadInput(_NO_CHANNEL.filled(name=name))
    return known[name]


def _say(workspace: Workspace, same: Mapping[str, str]) -> None:
    """Load what was said as rows of `channels`; every number has followed when this returns."""
    with TemporaryDirectory(dir=workspace.home.scratch) as scratch:
        # A name of its own, in the order of time: a rebuild replays what was said one after another.
        told = Path(scratch) / f"said-{time.time_ns()}.events"
        rows = [{"channel_id": one, "same_as": other} for one, other in same.items()]
        told.write_bytes(b"".join(events.line_of(CHANNELS.name, row) for row in rows))
        workspace.take_in(events.deliveries([told], scratch=Path(scratch)))


def _heads(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Where the chain of each channel ends, as the warehouse reads it."""
    known = {row["channel_id"] for row in records}
    following = {
        row["channel_id"]: row["same_as"]
        for row in records
        if row["same_as"] in known and row["same_as"] != row["channel_id"]
    }
    heads: dict[str, str] = {}
    for name in known:
        path = [name]
        while path[-1] in following and following[path[-1]] not in path:
            path.append(following[path[-1]])
        is_ring = path[-1] in following
        heads[name] = min(path[path.index(following[path[-1]]) :]) if is_ring else path[-1]
    return heads


def _counts(reader: Reader, table: str) -> dict[str, int]:
    named = reader.records(table).filter(nw.col("deleted_at").is_null(), ~nw.col("channel_id").is_null())
    return {row["channel_id"]: row["rows"] for row in _by_channel(reader, named, nw.len().alias("rows"))}


def _costs(reader: Reader) -> dict[str, Decimal]:
    named = reader.records(AD_COSTS.name).filter(nw.col("deleted_at").is_null(), ~nw.col("channel_id").is_null())
    return {
        row["channel_id"]: row["cost"] or Decimal(0)
        for row in _by_channel(reader, named, nw.col("amount").sum().alias("cost"))
    }


def _by_channel(reader: Reader, named: nw.LazyFrame[Any], what: nw.Expr) -> list[dict[str, Any]]:
    return reader.collect(named.group_by("channel_id").agg(what)).to_pylist()


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.lower().replace("ё", "е"))

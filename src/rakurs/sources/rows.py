"""How do the streams of a spool become rows: what they bring, and what they say is gone?"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from rakurs.core.source import Deletes, Delivery, FileMapping, TableMapping, Value
from rakurs.sources.spool import Spool

GONE, LEFT = "gone_", "left_"
"""Before the name of a stream: the ids that a system says are gone, and those that are left of it."""
Dependents = Mapping[str, Sequence[tuple[str, str]]]
"""What goes when a record is gone: the tables, and the column in each that holds its id."""


def of(*columns: str, default: str | None = None) -> Value:
    """The first of these fields that is filled."""
    return Value(columns=columns, default=default)


def listed(table: str, key: str, *columns: str, **others: Value) -> TableMapping:
    """One row per distinct value of a field; the value is its own name unless told otherwise."""
    return TableMapping(table=table, values={key: of(*columns), "name": of(*columns), **others}, distinct=True)


def brought(
    spool: Spool,
    stream: str,
    tables: Sequence[TableMapping],
    *,
    name: str,
    source: str,
    kept: Collection[str] = (),
    currency: str | None = None,
) -> Iterator[Delivery]:
    """A stream as rows of `source`, where it has any; of the fields that feed nothing only `kept` become custom fields."""
    used = {column for table in tables for value in table.values.values() for column in value.columns}
    ignored = tuple(sorted(set(spool.columns(stream)) - used - {*kept}))
    mapping = FileMapping(
        name=f"{name} {stream}",
        source=source,
        tables=tuple(tables),
        date_order="ymd",
        ignored=ignored,
        currency=currency,
    )
    slot = f"{source}/{stream}/{spool.folder.name}"
    delivery = spool.delivery(stream, mapping, entity=tables[-1].table, slot=slot)
    if delivery is not None:
        yield delivery


def deleted(spool: Spool, dependents: Dependents, *, name: str, source: str) -> Iterator[Delivery]:
    """What the spool's lists of ids that are gone, or left, mark as deleted."""
    choices: tuple[tuple[str, Deletes], ...] = ((GONE, "listed"), (LEFT, "unlisted"))
    for prefix, deletes in choices:
        for stream, tables in dependents.items():
            marks = [TableMapping(table=table, values={key: of("id")}, deletes=deletes) for table, key in tables]
            yield from brought(spool, f"{prefix}{stream}", marks, name=name, source=source)

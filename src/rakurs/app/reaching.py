"""Which rows does a card read, and which rows open it? Those within the user's scope that their source still has."""

from typing import Any

import narwhals.stable.v2 as nw

from rakurs.app.rights import OWNERLESS, Scope, keys_within, reached
from rakurs.core.table import Table
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]


def readable(reader: Reader, table: Table, scope: Scope) -> Frame:
    """The rows of any table that `scope` reaches, the deleted left out."""
    rows = reached(reader, table, scope)
    return rows.filter(nw.col("deleted_at").is_null()) if "deleted_at" in table.names else rows


def opening(reader: Reader, table: Table, scope: Scope) -> Frame:
    """The rows that open a card: of tables whose names everyone may read, only the ones within `scope`."""
    rows = readable(reader, table, scope)
    if scope.kind == "all" or table.name not in OWNERLESS:
        return rows
    return rows.join(keys_within(reader, table.name, scope), on=table.key[0], how="semi")

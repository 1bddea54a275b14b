"""What does the loader fill in where a file is silent?

`TEXT_DEFAULTS` stand in for empty cells before anything is checked. `SETTLED` are typed columns worked out from
the row's other columns, in layers: a layer sees what the layers before it made. The amount of an order without
one is not filled in here: it is the sum of lines that may come in another file, and is made when marts are.
"""

from collections.abc import Mapping

TEXT_DEFAULTS: Mapping[tuple[str, str], str] = {
    ("stages", "pipeline_id"): "main",
    ("deals", "pipeline_id"): "main",
}

# Decimals of up to 18 digits are multiplied as 64-bit numbers, several times faster than wider ones.
_NARROW = "(try_cast(quantity as decimal(7,3)) * try_cast(price as decimal(11,4)))::decimal(18,2)"
_WIDE = "(quantity * price)::decimal(18,2)"
_SIGN = "case when is_return then -abs({column}) else {column} end"

SETTLED: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "order_lines": (
        {"is_return": "coalesce(is_return, quantity < 0)"},
        {column: _SIGN.format(column=column) for column in ("quantity", "amount", "cost", "discount")},
        {"amount": f"coalesce(amount, coalesce({_NARROW}, {_WIDE}) - coalesce(discount, 0))::decimal(18,2)"},
    ),
    "deal_stage_events": ({"provenance": "coalesce(provenance, 'history')"},),
    "deal_snapshots": ({"provenance": "coalesce(provenance, 'history')"},),
    "plans": ({"month": "date_trunc('month', month)::date"},),
}

ORDINALS: Mapping[str, tuple[str, str]] = {"order_lines": ("line_no", "order_id")}
"""table -> (column, group): where empty, the column is the row's number within the group, in file order."""


def settled_columns(table: str) -> frozenset[str]:
    """The columns of `table` that are worked out at load even when no file gives them."""
    ordinal = {ORDINALS[table][0]} if table in ORDINALS else set[str]()
    return frozenset(ordinal.union(*SETTLED.get(table, ())))

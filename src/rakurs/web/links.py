"""What is the shortest address of this state of a page? Defaults and empty values are left out."""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from rakurs.analyses import CARDS

CELL = "cell."
PAGE_SIZE = 50
CARD_NAMES = frozenset(card.name for card in CARDS)


def public(request: HttpRequest, path: str) -> str:
    """The address by which others reach `path`: below RAKURS_PUBLIC_URL where a proxy stands in front, else as it was asked."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def query(values: Mapping[str, Any], *, keep_empty: Collection[str] = ()) -> str:
    """`?a=1&b=2`, in the given order; empty text when nothing is left. A list repeats its name."""
    pairs = [
        (name, "" if value is None else value)
        for name, value in values.items()
        if name in keep_empty or value not in (None, "", [], ())
    ]
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""


def cell_query(cell: Mapping[str, Any]) -> dict[str, str]:
    """A cell as parts of an address; an empty one means "without a value" and is kept."""
    return {f"{CELL}{name}": "" if value is None else str(value) for name, value in cell.items()}


def members_query(params: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    """The address of the rows behind a cell: the question's parameters and the cell's values."""
    words = cell_query(cell)
    return query({**params, **words}, keep_empty=words) or "?"


def cell_of(asked: Mapping[str, str]) -> dict[str, str | None]:
    """The cell named in an address."""
    return {name.removeprefix(CELL): value or None for name, value in asked.items() if name.startswith(CELL)}


def card_href(table: str | None, key: Any) -> str:
    """The address of the card of one row of `table`; empty where that table has no cards."""
    if table not in CARD_NAMES or key in (None, ""):
        return ""
    return reverse("card", kwargs={"card_name": table, "subject_id": str(key)})

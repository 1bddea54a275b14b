"""The contract of a ready-made dashboard: whose morning it is made for, and what it shows where."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rakurs.core.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardTile:
    """One place of the grid of twelve columns: x, y, width, height; and what stands there.

    `content` is that of a tile of `app.dashboards`, as plain values. A tile with its `own_period` keeps the days its
    question names; one that `fits_grain` is split into days, weeks or months as suits the period.
    """

    id: str
    place: tuple[int, int, int, int]
    content: Mapping[str, Any]
    title: Text | None = None
    own_period: bool = False
    fits_grain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard of ours, opened by its name. `homes` are the roles that see it first."""

    name: str
    title: Text
    about: Text
    icon: str
    tiles: tuple[BoardTile, ...]
    homes: tuple[str, ...]

"""Which dashboards are there out of the box? Those of the catalogue, opened by name; nothing of them is in state."""

from collections.abc import Mapping
from dataclasses import dataclass

from rakurs.analyses import BOARDS
from rakurs.app.dashboards import Layout, Place, Tile
from rakurs.core.board import Board, BoardTile
from rakurs.core.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyDashboard:
    """A dashboard of the catalogue, its tiles checked."""

    name: str
    title: Text
    about: Text
    icon: str
    layout: Layout


def _tile(tile: BoardTile) -> Tile:
    x, y, w, h = tile.place
    return Tile.model_validate(
        {
            "id": tile.id,
            "place": Place(x=x, y=y, w=w, h=h),
            "content": tile.content,
            "title": tile.title,
            "own_period": tile.own_period,
            "fits_grain": tile.fits_grain,
        }
    )


def _ready(board: Board) -> ReadyDashboard:
    layout = Layout(tiles=tuple(_tile(tile) for tile in board.tiles))
    return ReadyDashboard(name=board.name, title=board.title, about=board.about, icon=board.icon, layout=layout)


READY: Mapping[str, ReadyDashboard] = {board.name: _ready(board) for board in BOARDS}
"""In menu order."""

HOME_OF: Mapping[str, str] = {role: board.name for board in BOARDS for role in board.homes}
"""What each role sees first, until a person sets a home of their own."""

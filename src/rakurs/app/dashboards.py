"""What is a dashboard? Tiles on a grid of twelve columns, and what is chosen for all of them at once.

A tile holds a question, never its answer: whoever opens the dashboard sees the numbers of their own scope.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from rakurs.app.asked import Asked, kept_asked
from rakurs.core.errors import BadParameter
from rakurs.core.text import Language, Text

COLUMNS = 12
DEEPEST, TALLEST = 119, 20
MOST_TILES, MOST_PRESETS = 40, 20

Words = Text | Annotated[str, Field(max_length=200)]
"""A phrase in both languages, as the ready dashboards have it, or as one person wrote it."""


SIZES: Mapping[str, tuple[int, int]] = {"number": (3, 2), "question": (6, 5), "report": (6, 5), "words": (12, 1)}
"""Width and height a new tile gets, by what it shows."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Value):
    """Where a tile stands, in cells of the grid: `x`, `y` of its top left corner, its width and height."""

    x: int = Field(ge=0, lt=COLUMNS)
    y: int = Field(ge=0, le=DEEPEST)
    w: int = Field(ge=1, le=COLUMNS)
    h: int = Field(ge=1, le=TALLEST)

    @model_validator(mode="after")
    def _stands_inside(self) -> Self:
        if self.x + self.w > COLUMNS:
            raise ValueError(f"column {self.x} and width {self.w} reach beyond {COLUMNS} columns")
        return self

    def meets(self, other: "Place") -> bool:
        """Whether the two share a cell."""
        across = self.x < other.x + other.w and other.x < self.x + self.w
        return across and self.y < other.y + other.h and other.y < self.y + self.h


class NumberTile(_Value):
    """One metric: its value, the comparison, the line that led there; with its plan and pace where it has a plan."""

    kind: Literal["number"] = "number"
    metric: str = Field(max_length=200)
    has_plan: bool = False


class QuestionTile(_Value):
    """The answer to a question, as its chart or its first rows."""

    kind: Literal["question"] = "question"
    asked: Asked
    view: Literal["chart", "table"] = "chart"
    rows: int = Field(default=10, ge=1, le=50)
    columns: tuple[str, ...] = Field(default=(), max_length=12)
    """Which columns the table has; the first few when none are named."""


class ReportTile(_Value):
    """A saved report, as it asks now."""

    kind: Literal["report"] = "report"
    report: str = Field(max_length=32)
    view: Literal["chart", "table"] = "chart"
    rows: int = Field(default=10, ge=1, le=50)


class WordsTile(_Value):
    """A heading between tiles, with a sentence under it when there is something to say."""

    kind: Literal["words"] = "words"
    heading: Words
    text: Words | None = None


Content = Annotated[NumberTile | QuestionTile | ReportTile | WordsTile, Field(discriminator="kind")]


class Tile(_Value):
    """One place of the grid and what stands there.

    `title` takes the place of the question's own. A tile with its `own_period` keeps the days its question names,
    whatever is chosen for the dashboard; one that `fits_grain` is split into days, weeks or months as suits the period.
    """

    id: str = Field(default_factory=lambda: uuid4().hex[:12], pattern=r"^[a-z0-9_]{1,32}$")
    place: Place
    content: Content
    title: Words | None = None
    own_period: bool = False
    fits_grain: bool = False


class FilterPreset(_Value):
    """What was chosen once, under a name: `state` is the query of the address, without the question mark."""

    name: str = Field(min_length=1, max_length=60)
    state: str = Field(max_length=4000)


class Layout(_Value):
    """All tiles of a dashboard and the presets of its filters."""

    tiles: tuple[Tile, ...] = Field(default=(), max_length=MOST_TILES)
    presets: tuple[FilterPreset, ...] = Field(default=(), max_length=MOST_PRESETS)

    @model_validator(mode="after")
    def _tells_tiles_apart(self) -> Self:
        ids = [tile.id for tile in self.tiles]
        if len(set(ids)) < len(ids):
            raise ValueError("two tiles have one id")
        return self

    @property
    def settled(self) -> "Layout":
        """The same tiles in reading order, none over another, no empty rows above any."""
        return self.model_copy(update={"tiles": settled(self.tiles)})

    @property
    def bottom(self) -> int:
        """The first row below all tiles."""
        return max((tile.place.y + tile.place.h for tile in self.tiles), default=0)

    def tile(self, tile_id: str) -> Tile | None:
        """The tile of that id."""
        return next((tile for tile in self.tiles if tile.id == tile_id), None)


_TILES: TypeAdapter[tuple[Tile, ...]] = TypeAdapter(tuple[Tile, ...])
_TILE: TypeAdapter[Tile] = TypeAdapter(Tile)


def settled(tiles: Iterable[Tile]) -> tuple[Tile, ...]:
    """Each tile as high as the ones before it let it, in reading order; static/rakurs/grid.js does the same."""
    placed: list[Tile] = []
    for tile in sorted(tiles, key=lambda tile: (tile.place.y, tile.place.x, tile.id)):
        place = tile.place

        def is_free(y: int, place: Place = place) -> bool:
            moved = place.model_copy(update={"y": y})
            return not any(moved.meets(other.place) for other in placed)

        y = place.y
        while not is_free(y):
            y += 1
        while y > 0 and is_free(y - 1):
            y -= 1
        placed.append(tile.model_copy(update={"place": place.model_copy(update={"y": y})}))
    return tuple(sorted(placed, key=lambda tile: (tile.place.y, tile.place.x)))


def free_place(layout: Layout, content: Content) -> Place:
    """A place of the usual size that no tile takes: beside the last ones where there is room, else below all."""
    width, height = SIZES[content.kind]
    last = max(layout.tiles, key=lambda tile: (tile.place.y, tile.place.x), default=None)
    if last is not None and last.place.x + last.place.w + width <= COLUMNS:
        beside = Place(x=last.place.x + last.place.w, y=last.place.y, w=width, h=height)
        if not any(beside.meets(tile.place) for tile in layout.tiles):
            return beside
    return Place(x=0, y=layout.bottom, w=width, h=height)


def layout_of(tiles: Any, filters: Mapping[str, Any] | None = None) -> Layout:
    """The layout a row of state or a program holds, settled. BadParameter says which part is wrong."""
    kept = {"tiles": tiles, "presets": (filters or {}).get("presets", [])}
    return _checked(lambda: Layout.model_validate(kept).settled, "tiles")


def tile_of(kept: Any) -> Tile:
    """One tile from plain JSON values. BadParameter says which part is wrong."""
    return _checked(lambda: _TILE.validate_python(kept), "tile")


def kept_tiles(layout: Layout) -> list[dict[str, Any]]:
    """The tiles as plain JSON values."""
    return [kept_tile(tile) for tile in layout.tiles]


def kept_tile(tile: Tile) -> dict[str, Any]:
    """A tile as plain JSON values, what differs from the defaults only."""
    kept = tile.model_dump(mode="json", exclude_defaults=True)
    content: dict[str, Any] = {**kept["content"], "kind": tile.content.kind}
    if isinstance(tile.content, QuestionTile):
        content["asked"] = kept_asked(tile.content.asked)
    return {**kept, "id": tile.id, "content": content}


def kept_filters(layout: Layout) -> dict[str, Any]:
    """What a dashboard keeps beside its tiles, as plain JSON values."""
    return {"presets": [preset.model_dump() for preset in layout.presets]}


def words_in(words: Words, language: Language) -> str:
    """A phrase as this reader reads it."""
    return words.to(language) if isinstance(words, Text) else words


def _checked(make: Any, name: str) -> Any:
    try:
        return make()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or name
        message = first["msg"].removeprefix("Value error, ")
        raise BadParameter(place, first["input"], Text(ru=message, en=message)) from error

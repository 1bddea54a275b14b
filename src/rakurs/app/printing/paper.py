"""How do sheets become a PDF or a picture? Typst sets them, from the template beside this module."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import typst

from rakurs.app.formats import Format
from rakurs.app.printing.assets import FONTS, light_colours
from rakurs.app.printing.pictures import PAINTER, WIDTH, Painter
from rakurs.app.printing.sheet import Sheet
from rakurs.core.units import Unit

PaperKind = Literal["pdf", "png"]
TEMPLATE = "paper.typ"
PICTURE_PPI = 144.0
LYING_FROM = 8
"""Columns from which a page lies on its side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An A4 page: the millimetres between its margins, and the tallest chart that leaves room for a heading."""

    width: int
    tallest: int

    def pixels(self, height: int, *, is_endless: bool) -> int:
        """How many pixels wide to draw a chart `height` pixels tall, so that it fills the width and fits the page."""
        return WIDTH if is_endless else max(WIDTH, height * self.width // self.tallest)


STANDING = Page(width=178, tallest=205)
LYING = Page(width=265, tallest=132)


def printed(
    sheets: Sequence[Sheet],
    *,
    target: Path,
    kind: PaperKind,
    form: Format,
    company: str,
    at: datetime,
    painter: Painter = PAINTER,
) -> Path:
    """`sheets` written to `target` as one document: A4 pages, or one picture as tall as it must be.

    `at` is the moment the document says it was made; `company` stands at its foot.
    """
    page = LYING if any(len(sheet.heads) >= LYING_FROM for sheet in sheets) else STANDING
    with tempfile.TemporaryDirectory(prefix="rakurs-paper-") as folder:
        place = Path(folder)
        shutil.copyfile(str(files("rakurs.app.printing") / TEMPLATE), place / TEMPLATE)
        documents: list[dict[str, object]] = []
        for number, sheet in enumerate(sheets):
            picture: dict[str, object] = {"picture": "", "picture_width": WIDTH}
            if sheet.chart is not None:
                pixels = page.pixels(sheet.chart["height"], is_endless=kind == "png")
                picture = {"picture": f"chart-{number}.svg", "picture_width": pixels}
                svg = painter.svg(sheet.chart, form, width=pixels)
                (place / f"chart-{number}.svg").write_text(svg, encoding="utf-8")
            documents.append({**sheet.document, **picture})
        moment = at.astimezone(ZoneInfo(form.timezone))
        content = {
            "sheets": documents,
            "language": form.language,
            "company": company,
            "made": form.shown(moment, Unit.TIME),
            "is_picture": kind == "png",
            "is_wide": page is LYING,
            "width": page.width,
            "colours": light_colours(),
        }
        (place / "content.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        made = typst.compile(
            str(place / TEMPLATE),
            root=str(place),
            font_paths=[str(FONTS)],
            ignore_system_fonts=True,
            format=kind,
            ppi=PICTURE_PPI,
        )
        target.write_bytes(made)
    return target

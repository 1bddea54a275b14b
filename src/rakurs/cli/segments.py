"""Which sets of customers are kept, and who is in one? `rakurs segments list`, `rakurs segments export ID FILE`."""

import json
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from rakurs.app.exporting import KINDS, ExportKind
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.terminal import print_rows, use_settings
from rakurs.core.text import Text

LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


segments_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Наборы клиентов", "Sets of customers")
)

_COLUMNS = (
    {"name": "id", "title": _words("Код", "Id"), "unit": "id"},
    {"name": "title", "title": _words("Сегмент", "Segment"), "unit": "text"},
    {"name": "size", "title": _words("Клиентов", "Customers"), "unit": "count"},
    {"name": "change", "title": _words("За 30 дней", "In 30 days"), "unit": "number"},
    {"name": "owner", "title": _words("Владелец", "Owner"), "unit": "text"},
)


@segments_app.command("list", help=_words("Все сегменты и их размеры", "Every segment and its size"))
def list_segments(*, format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table") -> None:
    """Counted up to now."""
    use_settings()
    with opened(default_home()) as work:
        found = work.segments()
    if format == "json":
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    print_rows(_COLUMNS, found)


@segments_app.command(help=_words("Клиенты сегмента в файл", "The customers of a segment as a file"))
def export(
    *,
    segment_id: Annotated[str, typer.Argument(metavar="ID")],
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help=_words("xlsx, csv, parquet, json", "xlsx, csv, parquet, json"))
    ],
) -> None:
    """The kind of file is told by its name."""
    use_settings()
    kind = target.suffix.removeprefix(".")
    if kind not in KINDS:
        raise typer.BadParameter(", ".join(KINDS), param_hint="FILE")
    with opened(default_home()) as work:
        typer.echo(work.export_segment(segment_id, kind=cast("ExportKind", kind), language=LANGUAGE, target=target))

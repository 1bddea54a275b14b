"""In which shape does an answer leave a terminal? A table with its passport, JSON, or a file."""

import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rakurs.app.languages import default_language
from rakurs.cli.terminal import print_json, print_passport, print_rows
from rakurs.core.errors import BadInput
from rakurs.core.text import Text

Format = Literal["table", "json", "csv", "xlsx", "parquet", "pdf", "png"]
FILES = frozenset({"csv", "xlsx", "parquet", "pdf", "png"})
LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


FormatOption = Annotated[Format, typer.Option("--format", help=_words("Вид ответа", "Shape of the answer"))]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, help=_words("Не больше строк", "At most so many rows"))
]
OutputOption = Annotated[Path | None, typer.Option("--output", help=_words("Записать в файл", "Write to a file"))]


def print_answer(document: Mapping[str, Any], *, format: Format, output: Path | None) -> None:
    """A document of an answer as a table or JSON, to the terminal or into `output`."""
    with _redirected(output):
        if format == "json":
            print_json(document)
            return
        for missing in document.get("missing", ()):
            typer.echo(missing["message"])
        for statement in document.get("story", ()):
            typer.echo(statement["text"])
        if document.get("status", "ok") == "ok":
            print_rows(document["columns"], document["rows"], total=document["total_rows"])
        if "passport" in document:
            print_passport(document["passport"])


@contextmanager
def _redirected(output: Path | None) -> Generator[None]:
    if output is None:
        yield
        return
    with output.open("w", encoding="utf-8") as file, redirect_stdout(file):
        yield


def hand_over(write: Callable[[Path], Path], kind: str, output: Path | None) -> None:
    """A file where the user wants it, or its bytes down the pipe."""
    if output is not None:
        write(output.absolute())
        return
    if kind != "csv" and sys.stdout.isatty():
        raise BadInput(
            Text(
                ru=f"Файл {kind} нельзя показать в терминале: добавьте --output ФАЙЛ.{kind}",
                en=f"A {kind} file cannot be shown in a terminal: add --output FILE.{kind}",
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder) / f"answer.{kind}")
        sys.stdout.buffer.write(written.read_bytes())
        sys.stdout.flush()

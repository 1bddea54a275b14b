"""How do files come in from a terminal, what became of their rows, and what was set aside?"""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from rakurs.app.documents import load_document
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.profiles import Proposal, proposals, remember_profile
from rakurs.app.templates import template_bytes
from rakurs.app.work import opened
from rakurs.cli.terminal import print_json, print_rows
from rakurs.core.errors import MappingNeeded
from rakurs.core.loading import LoadReport
from rakurs.core.loading import Progress as Told
from rakurs.core.text import Text

LANGUAGE = default_language()
TableOrJson = Literal["table", "json"]
COUNTS = (
    ("table", "text", Text(ru="Таблица", en="Table")),
    ("read", "count", Text(ru="Прочитано", en="Read")),
    ("inserted", "count", Text(ru="Новых", en="Inserted")),
    ("updated", "count", Text(ru="Изменено", en="Updated")),
    ("unchanged", "count", Text(ru="Без изменений", en="Unchanged")),
    ("quarantined", "count", Text(ru="В карантине", en="Quarantined")),
    ("repeated", "count", Text(ru="Повторов ключа", en="Repeated keys")),
)
_LOADED = Text(
    ru="Загружено за {seconds} с, версия данных {version}", en="Loaded in {seconds} s, data version {version}"
)
_SEE_QUARANTINE = Text(
    ru="Что в карантине и почему: rakurs quarantine", en="What is in quarantine and why: rakurs quarantine"
)
_CONFIRM = Text(
    ru="Проверьте предложение, поправьте файл и загрузите:\n  rakurs load {paths} --profile {profile}",
    en="Check the proposal, correct the file and load:\n  rakurs load {paths} --profile {profile}",
)

load_app = typer.Typer(add_completion=False)
loads_app = typer.Typer(add_completion=False)
quarantine_app = typer.Typer(add_completion=False)
template_app = typer.Typer(add_completion=False)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


FormatOption = Annotated[TableOrJson, typer.Option("--format")]


@load_app.command(help=_words("Загрузить файлы и папки: всё или ничего", "Load files and folders: all or nothing"))
def load(
    paths: Annotated[
        list[Path], typer.Argument(exists=True, help=_words("Файлы, папки, архивы", "Files, folders, archives"))
    ],
    profile: Annotated[
        str | None, typer.Option(help=_words("Имя или файл профиля", "Name or file of a profile"))
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help=_words("Часовой пояс компании", "The company's time zone"))
    ] = None,
    currency: Annotated[str | None, typer.Option(help=_words("Валюта компании", "The company's currency"))] = None,
    format: FormatOption = "table",
) -> None:
    """Exit 0 also when rows went to quarantine; 1 when nothing could be loaded."""
    home = default_home()
    with opened(home) as work, watched() as progress:
        try:
            report = work.load(paths, profile=profile, timezone=timezone, currency=currency, progress=progress)
        except MappingNeeded as unknown:
            _propose(paths, proposals(home.ensured(), paths), unknown)
            raise
    if profile is not None and Path(profile).is_file():
        remember_profile(home, Path(profile))
    _print_report(report, format)


@contextmanager
def watched() -> Generator[Told]:
    """A bar on stderr while work goes on; nothing when nobody watches."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task("…", total=None)

        def told(step: Text, *, done: int, total: int) -> None:
            bar.update(task, description=step.to(LANGUAGE), completed=done, total=total or None)

        yield told


def _print_report(report: LoadReport, format: TableOrJson) -> None:
    document = load_document(report, LANGUAGE)
    if format == "json":
        print_json(document)
        return
    print_rows(
        [{"name": name, "unit": unit, "title": title.to(LANGUAGE)} for name, unit, title in COUNTS], document["tables"]
    )
    for file in document["files"]:
        for note in file["notes"]:
            typer.echo(f"{file['file']}: {note}")
    seconds = f"{report.seconds:.1f}"
    typer.echo(_LOADED.filled(seconds=seconds, version=report.data_version).to(LANGUAGE))
    if any(count.quarantined for count in report.tables):
        typer.echo(_SEE_QUARANTINE.to(LANGUAGE))


def _propose(paths: Sequence[Path], found: Sequence[Proposal], unknown: MappingNeeded) -> None:
    """What each column of the new shape may mean, kept as YAML to confirm."""
    titles = (
        ("column", Text(ru="Столбец файла", en="Column of the file")),
        ("target", Text(ru="Наш столбец", en="Our column")),
        ("confidence", Text(ru="Уверенность", en="Confidence")),
        ("samples", Text(ru="Примеры", en="Samples")),
    )
    columns = [
        {"name": name, "unit": "share" if name == "confidence" else "text", "title": title.to(LANGUAGE)}
        for name, title in titles
    ]
    for proposal in found:
        typer.echo(proposal.file)
        rows = [
            {
                "column": guess.column,
                "target": f"{guess.table}.{guess.target}" if guess.target else None,
                "confidence": guess.confidence if guess.target else None,
                "samples": ", ".join(guess.samples[:3]),
            }
            for guess in proposal.guesses
        ]
        print_rows(columns, rows)
        quoted = " ".join(f'"{path}"' if " " in str(path) else str(path) for path in paths)
        typer.echo(_CONFIRM.filled(paths=quoted, profile=proposal.profile).to(LANGUAGE))
    if not found:
        typer.echo(unknown.message.to(LANGUAGE))


@loads_app.command(help=_words("Что и когда загружено", "What was loaded and when"))
def loads(limit: Annotated[int, typer.Option(min=1)] = 20, format: FormatOption = "table") -> None:
    """The latest loads, newest first."""
    with opened(default_home()) as work:
        history = work.loads(limit=limit, language=LANGUAGE)
    if format == "json":
        print_json(history)
        return
    columns = (
        ("started_at", "text", Text(ru="Начата", en="Started")),
        ("files", "text", Text(ru="Файлы", en="Files")),
        ("read", "count", Text(ru="Прочитано строк", en="Rows read")),
        ("quarantined", "count", Text(ru="В карантине", en="Quarantined")),
        ("seconds", "seconds", Text(ru="Секунд", en="Seconds")),
        ("data_version", "position", Text(ru="Версия данных", en="Data version")),
    )
    rows = [
        {
            **load,
            "started_at": load["started_at"][:19],
            "files": ", ".join(file["file"] for file in load["files"]),
            "read": sum(table["read"] for table in load["tables"]),
            "quarantined": sum(table["quarantined"] for table in load["tables"]),
        }
        for load in history
    ]
    print_rows([{"name": name, "unit": unit, "title": title.to(LANGUAGE)} for name, unit, title in columns], rows)


@quarantine_app.command(help=_words("Строки, нарушившие правило", "Rows that broke a rule"))
def quarantine(
    table: Annotated[str | None, typer.Option(help=_words("Только эта таблица", "Only this table"))] = None,
    rule: Annotated[str | None, typer.Option(help=_words("Только это правило", "Only this rule"))] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    offset: Annotated[int, typer.Option(min=0)] = 0,
    format: FormatOption = "table",
) -> None:
    """How many rows broke which rule, then the rows with file, row, column, value."""
    with opened(default_home()) as work:
        page = work.quarantine(table=table, rule=rule, limit=limit, offset=offset, language=LANGUAGE)
    if format == "json":
        print_json(page)
        return
    summary = (
        ("table", "text", Text(ru="Таблица", en="Table")),
        ("title", "text", Text(ru="Правило", en="Rule")),
        ("count", "count", Text(ru="Строк", en="Rows")),
    )
    print_rows(
        [{"name": name, "unit": unit, "title": title.to(LANGUAGE)} for name, unit, title in summary], page["by_rule"]
    )
    if page["rows"]:
        names = list(page["rows"][0])
        columns: list[dict[str, Any]] = [{"name": name, "unit": "text", "title": name} for name in names]
        print_rows(columns, page["rows"], total=page["total"])


@template_app.command(help=_words("Пустой файл таблицы с заголовком", "An empty file of a table with its header"))
def template(
    table: str,
    format: Annotated[Literal["csv", "xlsx"], typer.Option("--format")] = "csv",
    output: Annotated[Path | None, typer.Option("--output")] = None,
) -> None:
    """What to fill in so that it loads without any mapping."""
    content = template_bytes(table, format, language=LANGUAGE)
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()

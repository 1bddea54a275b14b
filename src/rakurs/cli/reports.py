"""Which reports are kept, and what do they say now? `rakurs reports list`, `rakurs reports run ID`."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.answering import FILES, FormatOption, LimitOption, OutputOption, hand_over, print_answer
from rakurs.cli.terminal import SHOWN_ROWS, print_json, print_pairs, print_rows, use_settings
from rakurs.core.text import Text

if TYPE_CHECKING:
    from rakurs.app.report_shelf import ReportShelf

LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


reports_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Сохранённые отчёты", "Reports people keep")
)

AsOption = Annotated[
    str,
    typer.Option("--as", metavar="LOGIN", help=_words("От чьего имени; иначе владельца", "For whom; else the owner")),
]
ReportArgument = Annotated[str, typer.Argument(metavar="ID")]
DocumentOption = Annotated[Literal["table", "json"], typer.Option("--format")]
_COPIED = Text(ru="Копия: {id}", en="The copy: {id}")
_SURE = Text(ru="Удалить отчёт «{title}» и все его версии?", en="Delete the report “{title}” and all its versions?")
_CONFIRM = Text(
    ru="Отчёт и все его версии исчезнут. Повторите с ключом --yes.",
    en="The report and all its versions go. Repeat with --yes.",
)
_GONE = Text(ru="Отчёт «{title}» удалён.", en="The report “{title}” is gone.")
_NOW = Text(ru="Сейчас версия {version}.", en="It is at version {version} now.")


def _columns(*names: tuple[str, str, str]) -> list[dict[str, str]]:
    return [{"name": name, "title": _words(ru, en), "unit": "text"} for name, ru, en in names]


_LISTED = _columns(
    ("id", "Код", "Id"),
    ("title", "Отчёт", "Report"),
    ("owner", "Владелец", "Owner"),
    ("version", "Версия", "Version"),
    ("updated_at", "Изменён", "Changed"),
)
_VERSIONS = _columns(
    ("number", "Версия", "Version"), ("at", "Когда", "When"), ("by", "Кто", "Who"), ("asked", "Что спрашивает", "Asks")
)
_SHOWN = _columns(
    ("title", "Отчёт", "Report"), ("about", "О чём", "About"), ("owner", "Владелец", "Owner"),
    ("audience", "Кому виден", "Shown to"), ("version", "Версия", "Version"), ("updated_at", "Изменён", "Changed"),
    ("asked", "Что спрашивает", "Asks"),
)  # fmt: skip


@contextmanager
def _shelf(login: str) -> Generator["ReportShelf"]:
    use_settings()
    with opened(default_home()) as work:
        yield work.report_shelf(login)


@reports_app.command("list", help=_words("Свои и открытые всей компании", "One's own and the whole company's"))
def list_reports(*, login: AsOption = "", format: DocumentOption = "table") -> None:
    """By title."""
    with _shelf(login) as shelf:
        found = shelf.reports()
    if format == "json":
        print_json(found)
        return
    print_rows(_LISTED, [_line(report) for report in found])


@reports_app.command(help=_words("Что спрашивает отчёт и чей он", "What a report asks, and whose it is"))
def show(*, report_id: ReportArgument, login: AsOption = "", format: DocumentOption = "table") -> None:
    """With its versions in the JSON form."""
    with _shelf(login) as shelf:
        found = shelf.report(report_id)
    if format == "json":
        print_json(found)
        return
    told = _line(found)
    print_pairs((column["title"], str(told[column["name"]])) for column in _SHOWN if told[column["name"]] != "")


@reports_app.command(help=_words("Ответ отчёта сейчас", "The answer of a report now"))
def run(
    *,
    report_id: ReportArgument,
    login: AsOption = "",
    limit: LimitOption = None,
    format: FormatOption = "table",
    output: OutputOption = None,
) -> None:
    """Over the rows of the person it is asked for."""
    with _shelf(login) as shelf:
        if format in FILES:
            kind: Any = format
            hand_over(
                lambda target: shelf.export(report_id, kind=kind, language=LANGUAGE, target=target), format, output
            )
            return
        wanted = limit or (SHOWN_ROWS if format == "table" else None)
        document = shelf.answer(report_id, limit=wanted, language=LANGUAGE)
    print_answer(document, format=format, output=output)


@reports_app.command(help=_words("Версии отчёта", "The versions of a report"))
def history(*, report_id: ReportArgument, login: AsOption = "", format: DocumentOption = "table") -> None:
    """Newest first."""
    with _shelf(login) as shelf:
        versions = shelf.report(report_id)["versions"]
    if format == "json":
        print_json(versions)
        return
    print_rows(_VERSIONS, [_line(version) for version in versions])


@reports_app.command(help=_words("Вернуть прежнюю версию", "Bring an earlier version back"))
def restore(*, report_id: ReportArgument, number: Annotated[int, typer.Argument(min=1)], login: AsOption = "") -> None:
    """It becomes the newest version, so nothing between is lost."""
    with _shelf(login) as shelf:
        back = shelf.restore(report_id, number)
    typer.echo(_NOW.filled(version=back["version"]).to(LANGUAGE))


@reports_app.command(help=_words("Сделать себе копию", "Make a copy of one's own"))
def duplicate(*, report_id: ReportArgument, login: AsOption = "") -> None:
    """Private, with a history of its own."""
    with _shelf(login) as shelf:
        copy = shelf.duplicate(report_id)
    typer.echo(_COPIED.filled(id=copy["id"]).to(LANGUAGE))


@reports_app.command(help=_words("Удалить отчёт", "Delete a report"))
def delete(
    *,
    report_id: ReportArgument,
    login: AsOption = "",
    yes: Annotated[bool, typer.Option("--yes", help=_words("Не спрашивать", "Do not ask"))] = False,
) -> None:
    """Its versions go with it."""
    with _shelf(login) as shelf:
        title = shelf.report(report_id)["title"]
        if not yes and not sys.stdin.isatty():
            typer.echo(_CONFIRM.to(LANGUAGE), err=True)
            raise typer.Exit(1)
        if not yes and not typer.confirm(_SURE.filled(title=title).to(LANGUAGE)):
            raise typer.Exit(1)
        shelf.delete(report_id)
    typer.echo(_GONE.filled(title=title).to(LANGUAGE))


def _line(document: dict[str, Any]) -> dict[str, Any]:
    """A document with its question and moments as words of one line."""
    shown = {name: "" if value is None else value for name, value in document.items()}
    for name in ("at", "updated_at"):
        if name in shown:
            shown[name] = shown[name][:16].replace("T", " ")
    return {**shown, "asked": json.dumps(document["asked"], ensure_ascii=False)}

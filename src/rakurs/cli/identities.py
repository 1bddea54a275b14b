"""Which records are one customer? `rakurs identities list`, `merge A B`, `never A B`, `forget A B`, `compare`."""

import json
from typing import Annotated, Any, Literal

import typer

from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.terminal import print_rows, use_settings
from rakurs.core.text import Text

LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


identities_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help=_words("Один клиент из многих записей", "One customer out of many records"),
)

_COLUMNS = (
    {"name": "left_id", "title": _words("Запись", "Record"), "unit": "id"},
    {"name": "left", "title": _words("Что в ней", "What it says"), "unit": "text"},
    {"name": "right_id", "title": _words("Другая запись", "Other record"), "unit": "id"},
    {"name": "right", "title": _words("Что в ней", "What it says"), "unit": "text"},
    {"name": "rule_title", "title": _words("Почему", "Why"), "unit": "text"},
    {"name": "probability", "title": _words("Вероятность", "Probability"), "unit": "share"},
)
_SHOWN = ("name", "phone", "email", "tax_id", "birth_date", "city")
_Record = Annotated[str, typer.Argument(metavar="ID")]
_Format = Annotated[Literal["table", "json"], typer.Option("--format")]


@identities_app.command("list", help=_words("Пары, которые ждут решения", "Pairs that wait for a decision"))
def list_pairs(*, limit: Annotated[int, typer.Option(min=1)] = 20, format: _Format = "table") -> None:
    """How many customers the records are, and what people are asked."""
    use_settings()
    with opened(default_home()) as work:
        found = work.identities(limit=limit, language=LANGUAGE)
    if format == "json":
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    _tell(found)
    print_rows(_COLUMNS, [_line(pair) for pair in found["pairs"]])


@identities_app.command(help=_words("Две записи: один клиент", "Two records are one customer"))
def merge(left_id: _Record, right_id: _Record) -> None:
    """Holds through every rebuild, whatever the rules say."""
    _decide(left_id, right_id, "merge")


@identities_app.command(help=_words("Две записи: разные клиенты", "Two records are never one customer"))
def never(left_id: _Record, right_id: _Record) -> None:
    """Parts them where they were one."""
    _decide(left_id, right_id, "never")


@identities_app.command(help=_words("Снять решение о паре", "Take a decision back"))
def forget(left_id: _Record, right_id: _Record) -> None:
    """From here on the rules say again."""
    _decide(left_id, right_id, "forget")


@identities_app.command(help=_words("Искать похожие записи сейчас", "Look for records alike now"))
def compare() -> None:
    """A server does so by itself after every load of customers."""
    use_settings()
    with opened(default_home()) as work:
        _tell(work.compare_records(language=LANGUAGE))


def _decide(left_id: str, right_id: str, kind: Literal["merge", "never", "forget"]) -> None:
    use_settings()
    with opened(default_home()) as work:
        _tell(work.decide_identity(left_id, right_id, kind, language=LANGUAGE))


def _tell(found: dict[str, Any]) -> None:
    typer.echo(
        _words("Записей: {records}, клиентов: {customers}, ждут решения: {waiting}",
               "Records: {records}, customers: {customers}, waiting for a decision: {waiting}").format(**found)
    )  # fmt: skip


def _line(pair: dict[str, Any]) -> dict[str, Any]:
    line = {name: pair[name] for name in ("rule_title", "probability")}
    for side in ("left", "right"):
        record = pair[side]
        line |= {f"{side}_id": record["record_id"], side: ", ".join(record[name] for name in _SHOWN if record[name])}
    return line

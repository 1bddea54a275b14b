"""Why is our number not theirs? `rakurs reconcile METRIC --ids FILE`."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rakurs.app.home import default_home
from rakurs.app.id_lists import text_of_bytes
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.terminal import print_pairs, print_rows, shown
from rakurs.core.text import Text

LANGUAGE = default_language()

reconcile_app = typer.Typer(add_completion=False)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


@reconcile_app.command(
    help=_words(
        "Почему наше число не такое, как там: какие сделки дают разницу и отчего",
        "Why our number is not theirs: which deals make the difference, and why",
    )
)
def reconcile(
    *,
    metric: Annotated[
        str, typer.Argument(help=_words("Показатель: won_amount, deals_won …", "Metric: won_amount, deals_won …"))
    ],
    from_day: Annotated[
        str | None, typer.Option("--from", help=_words("С дня, включительно", "From day, inclusive"))
    ] = None,
    to_day: Annotated[
        str | None, typer.Option("--to", help=_words("По день, включительно", "To day, inclusive"))
    ] = None,
    period: Annotated[str | None, typer.Option("--period")] = None,
    ids: Annotated[
        Path | None,
        typer.Option(
            "--ids", help=_words("Файл: номер в строке, через «;» сумма", "File: an id a line, an amount after “;”")
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option("--system", help=_words("Считать по правилам системы", "Count by the rules of a system")),
    ] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help=_words("Её часовой пояс", "Its time zone"))] = None,
    format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """Both numbers, the reasons, and every deal that counts differently."""
    wanted = {"metric": metric, "from_day": from_day, "to_day": to_day, "period": period, "system": system,
              "timezone": timezone}  # fmt: skip
    params = {name: value for name, value in wanted.items() if value is not None}
    text = None if ids is None else text_of_bytes(ids.read_bytes())
    with opened(default_home()) as work:
        document = work.reconcile(params, text, language=LANGUAGE)
    if format == "json":
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    _print(document)


def _print(document: dict[str, Any]) -> None:
    sides = (("ours", "У нас", "Ours"), ("theirs", "У них", "Theirs"), ("difference", "Разница", "Difference"))
    print_pairs((_words(ru, en), shown(document[name], document["unit"], LANGUAGE)) for name, ru, en in sides)
    titles = {reason["reason"]: reason["title"] for reason in document["by_reason"]}
    print_rows(document["columns"], [{**row, "reason": titles[row["reason"]]} for row in document["rows"]])
    for note in document["notes"]:
        typer.echo(note)

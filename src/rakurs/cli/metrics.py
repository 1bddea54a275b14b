"""What can be measured, and any of it by anything that fits?"""

from typing import Annotated, Literal

import typer

from rakurs.app.documents import metric_document
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.terminal import print_json, print_left_out, print_rows
from rakurs.core.text import Text
from rakurs.metrics import DIMENSIONS, METRICS

LANGUAGE = default_language()

metrics_app = typer.Typer(add_completion=False)
pivot_app = typer.Typer(add_completion=False)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


@metrics_app.command(help=_words("Показатели и разрезы, которые им подходят", "Metrics and what they can be split by"))
def metrics(format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table") -> None:
    """Every measure of the semantic layer."""
    documents = [metric_document(metric, DIMENSIONS, LANGUAGE) for metric in METRICS]
    if format == "json":
        print_json(documents)
        return
    titles = (("name", "Имя", "Name"), ("title", "Показатель", "Metric"), ("by", "Разрезы", "By"))
    columns = [{"name": name, "unit": "text", "title": _words(ru, en)} for name, ru, en in titles]
    print_rows(columns, [{**document, "by": ", ".join(document["by"])} for document in documents])


@pivot_app.command(help=_words("Показатели по разрезам", "Metrics by dimensions"))
def pivot(
    *,
    metric: Annotated[list[str], typer.Argument(help=_words("Имена показателей", "Names of metrics"))],
    by: Annotated[
        list[str] | None, typer.Option("--by", help=_words("Разрез, можно несколько", "A dimension; repeat for more"))
    ] = None,
    period: Annotated[str | None, typer.Option("--period")] = None,
    from_day: Annotated[
        str | None, typer.Option("--from", help=_words("С дня, включительно", "From day, inclusive"))
    ] = None,
    to_day: Annotated[
        str | None, typer.Option("--to", help=_words("По день, включительно", "To day, inclusive"))
    ] = None,
    compare: Annotated[str | None, typer.Option("--compare", help="previous|last_year|weekdays|holidays|none")] = None,
    basis: Annotated[str | None, typer.Option("--basis", help="deals|orders")] = None,
    records: Annotated[
        Literal["all", "trusted"],
        typer.Option("--records", help=_words("trusted — без сомнительных", "trusted: without suspect ones")),
    ] = "all",
    format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """Any metrics by any fitting dimensions."""
    days = {"period": period, "from_day": from_day, "to_day": to_day}
    wanted = {**days, "compare": compare, "basis": basis, "records": records}
    params = {name: value for name, value in wanted.items() if value is not None}
    with opened(default_home()) as work:
        document = work.pivot(metric, by or [], params=params, language=LANGUAGE)
    if format == "json":
        print_json(document)
    else:
        print_rows(document["columns"], document["rows"])
        print_left_out(document["left_out"])

"""Who saw, changed and took out what? The audit in the terminal."""

from datetime import datetime
from typing import Annotated, Literal

import typer

from rakurs.app.audit_words import deed_words
from rakurs.app.company import company_of
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.cli.terminal import print_json, print_rows, use_settings
from rakurs.core.text import Text
from rakurs.state.opening import open_state

audit_app = typer.Typer(add_completion=False)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(default_language())


_TITLES = {
    "at": _words("Когда", "When"),
    "who": _words("Кто", "Who"),
    "deed": _words("Что сделал", "Deed"),
    "subject": _words("С чем", "Subject"),
    "rows": _words("Строк", "Rows"),
}


@audit_app.command(help=_words("Кто что смотрел, менял и выгружал", "Who saw, changed and took out what"))
def audit(
    *,
    who: Annotated[str, typer.Option(help=_words("Логин", "A login"))] = "",
    deed: Annotated[str, typer.Option(help=_words("Действие, как в JSON", "A deed, as in JSON"))] = "",
    text: Annotated[str, typer.Option(help=_words("Часть логина или предмета", "A part of the login or subject"))] = "",
    from_day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    to_day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """The newest lines first; both days are included, on the company's clock."""
    use_settings()
    open_state()
    from rakurs.app.audit import AuditFilter, audit_document  # noqa: PLC0415 - its models need the settings

    found = AuditFilter(
        who=who,
        deed=deed,
        text=text,
        first=from_day.date() if from_day else None,
        last=to_day.date() if to_day else None,
        timezone=company_of(default_home()).timezone,
    ).events()
    lines = [audit_document(event) for event in found[:limit]]
    if format == "json":
        print_json(lines)
        return
    rows = [line | {"deed": deed_words(line["deed"]).to(default_language())} for line in lines]
    units = {"rows": "count"}
    columns = [{"name": name, "unit": units.get(name, "text"), "title": title} for name, title in _TITLES.items()]
    print_rows(columns, rows, total=found.count())

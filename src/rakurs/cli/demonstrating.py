"""How does a person see Rakurs at work before giving it any data? On a made-up company."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from rakurs.app.announcement import announced
from rakurs.app.demonstration import DemoCompany, is_same_demo, load_demo, write_demo
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.workspace import Workspace
from rakurs.cli.loading import watched
from rakurs.cli.serving import HOST, HostOption, PortOption, become_server
from rakurs.cli.terminal import shown
from rakurs.core.errors import WarehouseBusy
from rakurs.core.text import Text

LANGUAGE = default_language()

demo_app = typer.Typer(add_completion=False)

_RUNS = Text(
    ru="Сервер этой папки уже работает: {url} (процесс {pid})",
    en="This folder's server already runs: {url} (process {pid})",
)
_WRITTEN = Text(ru="Файлы вымышленной компании: {folder}", en="The made-up company's files: {folder}")
_READY = Text(ru="Вымышленная компания загружена: {rows} строк", en="The made-up company is loaded: {rows} rows")
_BEFORE = Text(ru="Вымышленная компания уже загружена.", en="The made-up company is already loaded.")


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


@demo_app.command(help=_words("Показать на вымышленной компании", "Show a made-up company"))
def demo(
    *,
    customers: Annotated[int, typer.Option(min=1)] = 20_000,
    years: Annotated[int, typer.Option(min=1, max=20)] = 3,
    seed: Annotated[int, typer.Option()] = 1,
    today: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help=_words("День, на который она живёт", "The day it lives on")),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(help=_words("Только записать файлы в эту папку", "Only write the files into this folder")),
    ] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help=_words("Только загрузить", "Only load"))] = False,
    host: HostOption = HOST,
    port: PortOption = None,
) -> None:
    """Deterministic by seed and day; loaded through the same intake as real files, then served."""
    company = DemoCompany(customers=customers, years=years, seed=seed, today=today.date() if today else _today())
    if files is not None:
        with watched() as progress:
            write_demo(company, files, progress=progress)
        typer.echo(_WRITTEN.filled(folder=files).to(LANGUAGE))
        return
    home = default_home().ensured()
    server = announced(home)
    if server is not None:
        raise WarehouseBusy(_RUNS.filled(url=server.url, pid=server.pid))
    with Workspace.open(home) as workspace:
        if is_same_demo(home, company, has_data=workspace.has_data, any_day=today is None):
            typer.echo(_BEFORE.to(LANGUAGE))
        else:
            with watched() as progress:
                report = load_demo(home, company, workspace, progress=progress)
            rows = sum(count.read for count in report.tables)
            typer.echo(_READY.filled(rows=shown(rows, "count", LANGUAGE)).to(LANGUAGE))
    if not no_serve:
        become_server(host, port)


def _today() -> date:
    return datetime.now(ZoneInfo("Europe/Moscow")).date()

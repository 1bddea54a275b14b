"""Is the home in order, and how is it rebuilt, copied and brought back?"""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from rakurs.app.announcement import announced
from rakurs.app.home import default_home, state_url
from rakurs.app.languages import default_language
from rakurs.app.privacy_work import caught_up
from rakurs.app.upkeep import restored
from rakurs.app.work import opened
from rakurs.cli.loading import watched
from rakurs.cli.terminal import print_json, use_settings
from rakurs.core.errors import WarehouseBusy
from rakurs.core.text import Text

LANGUAGE = default_language()

rebuild_app = typer.Typer(add_completion=False)
doctor_app = typer.Typer(add_completion=False)
backup_app = typer.Typer(add_completion=False)
restore_app = typer.Typer(add_completion=False)

_REBUILT = Text(ru="Все таблицы пересобраны из сырых данных.", en="Every table is made anew from raw.")
_KEPT = Text(ru="Копия: {path}", en="Backup: {path}")
_BESIDES = Text(
    ru="Пользователи и загрузки хранятся в PostgreSQL: их копию делает pg_dump.",
    en="Users and loads are kept in PostgreSQL: pg_dump makes their copy.",
)
_RESTORED = Text(ru="Папка {home} возвращена из копии.", en="{home} is back from the backup.")
_ERASED_AGAIN = Text(ru="Стёртые раньше люди стёрты и здесь.", en="Whoever was erased before is erased here too.")
_STOP_FIRST = Text(
    ru="Сначала остановите сервер этой папки (процесс {pid}).", en="Stop this folder's server first (process {pid})."
)
_SURE = Text(ru="Данные в {home} будут заменены копией. Продолжить?", en="The data in {home} will be replaced. Go on?")


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


@rebuild_app.command(help=_words("Пересобрать все таблицы из сырых данных", "Make every table anew from raw"))
def rebuild() -> None:
    """All or nothing; repairs yesterday's rows with today's rules."""
    with opened(default_home()) as work, watched() as progress:
        work.rebuild(progress=progress)
    typer.echo(_REBUILT.to(LANGUAGE))


@doctor_app.command(help=_words("Проверить папку данных", "Check the data folder"))
def doctor(format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table") -> None:
    """What is worth a look, and the next step."""
    with opened(default_home()) as work:
        findings = work.doctor(language=LANGUAGE)
    if format == "json":
        print_json(findings)
    else:
        for finding in findings:
            step = f" → {finding['next_step']}" if finding["next_step"] else ""
            typer.echo(f"{finding['level']}: {finding['what']}{step}")


@backup_app.command(help=_words("Сделать копию всего", "Copy everything"))
def backup(
    target: Annotated[Path, typer.Argument(help=_words("Новая папка для копии", "A new folder for the copy"))],
) -> None:
    """A consistent copy, also while a server runs."""
    with opened(default_home()) as work:
        written = work.backup(target.absolute())
    typer.echo(_KEPT.filled(path=written).to(LANGUAGE))
    if state_url():
        typer.echo(_BESIDES.to(LANGUAGE))


@restore_app.command(help=_words("Вернуть из копии", "Bring a backup back"))
def restore(
    source: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    yes: Annotated[bool, typer.Option("--yes", help=_words("Не спрашивать", "Do not ask"))] = False,  # noqa: FBT002
) -> None:
    """Replaces what is in the home; a server must not be running on it."""
    home = default_home()
    server = announced(home)
    if server is not None:
        raise WarehouseBusy(_STOP_FIRST.filled(pid=server.pid))
    if not yes and sys.stdin.isatty() and not typer.confirm(_SURE.filled(home=home.path).to(LANGUAGE)):
        raise typer.Exit(1)
    restored(home, source)
    typer.echo(_RESTORED.filled(home=home.path).to(LANGUAGE))
    use_settings()
    if caught_up(home):
        typer.echo(_ERASED_AGAIN.to(LANGUAGE))

"""Which commands are there? The table of them; a command's module is imported only when it runs."""

import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rakurs import __version__
from rakurs.app.languages import default_language
from rakurs.core.text import Text

STOPPED = 130
"""The exit code of a command stopped by Ctrl-C, as shells have it."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command lives (`module:typer app`) and its line in the list of commands."""

    place: str
    help: Text


COMMANDS = {
    "load": Lazy("rakurs.cli.loading:load_app", Text(ru="Загрузить файлы и папки", en="Load files and folders")),
    "analyses": Lazy("rakurs.cli.asking:analyses_app", Text(ru="Какие вопросы можно задать", en="What can be asked")),
    "run": Lazy("rakurs.cli.asking:run_app", Text(ru="Задать вопрос", en="Ask a question")),
    "members": Lazy("rakurs.cli.asking:members_app", Text(ru="Кто стоит за числом", en="Who stands behind a number")),
    "metrics": Lazy("rakurs.cli.metrics:metrics_app", Text(ru="Какие есть показатели", en="What can be measured")),
    "pivot": Lazy("rakurs.cli.metrics:pivot_app", Text(ru="Показатели по разрезам", en="Metrics by dimensions")),
    "reconcile": Lazy(
        "rakurs.cli.reconciling:reconcile_app",
        Text(ru="Почему наше число не такое, как там", en="Why our number is not theirs"),
    ),
    "reports": Lazy("rakurs.cli.reports:reports_app", Text(ru="Сохранённые отчёты", en="Reports people keep")),
    "segments": Lazy("rakurs.cli.segments:segments_app", Text(ru="Наборы клиентов", en="Sets of customers")),
    "identities": Lazy(
        "rakurs.cli.identities:identities_app",
        Text(ru="Один клиент из многих записей", en="One customer out of many records"),
    ),
    "sources": Lazy(
        "rakurs.cli.connections:sources_app", Text(ru="Системы, за которыми следим", en="Systems that are followed")
    ),
    "write": Lazy("rakurs.cli.writing:write_app", Text(ru="Записать в CRM", en="Write into a CRM")),
    "models": Lazy("rakurs.cli.models:models_app", Text(ru="Чему научились модели", en="What models have learned")),
    "quarantine": Lazy(
        "rakurs.cli.loading:quarantine_app", Text(ru="Строки, нарушившие правило", en="Rows that broke a rule")
    ),
    "loads": Lazy("rakurs.cli.loading:loads_app", Text(ru="Что и когда загружено", en="What was loaded and when")),
    "person": Lazy(
        "rakurs.cli.privacy:person_app",
        Text(ru="Данные одного человека и сроки хранения", en="One person's data, and how long data is kept"),
    ),
    "template": Lazy("rakurs.cli.loading:template_app", Text(ru="Пустой файл таблицы", en="An empty file of a table")),
    "rebuild": Lazy(
        "rakurs.cli.upkeep:rebuild_app", Text(ru="Пересобрать всё из сырых данных", en="Rebuild all from raw")
    ),
    "doctor": Lazy("rakurs.cli.upkeep:doctor_app", Text(ru="Проверить папку данных", en="Check the data folder")),
    "backup": Lazy("rakurs.cli.upkeep:backup_app", Text(ru="Сделать копию", en="Make a backup")),
    "restore": Lazy("rakurs.cli.upkeep:restore_app", Text(ru="Вернуть из копии", en="Restore a backup")),
    "serve": Lazy("rakurs.cli.serving:serve_app", Text(ru="Открыть в браузере", en="Serve the browser and the API")),
    "demo": Lazy(
        "rakurs.cli.demonstrating:demo_app", Text(ru="Показать на вымышленной компании", en="Show a made-up company")
    ),
    "user": Lazy("rakurs.cli.people:user_app", Text(ru="Пользователи и пароли", en="Users and passwords")),
    "audit": Lazy("rakurs.cli.auditing:audit_app", Text(ru="Кто что смотрел и менял", en="Who saw and changed what")),
    "token": Lazy("rakurs.cli.people:token_app", Text(ru="Ключи для программ", en="Keys for programs")),
}


class LazyGroup(TyperGroup):
    """Lists commands from the table and imports only the one that runs."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]  # noqa: ARG002
        lazy = COMMANDS.get(cmd_name)
        return None if lazy is None else TyperCommand(cmd_name, help=lazy.help.to(default_language()))

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> tuple[str | None, Any, list[str]]:  # type: ignore[override]
        name, rest = args[0], args[1:]
        if name not in COMMANDS:
            return super().resolve_command(ctx, args)  # type: ignore[arg-type]
        module, _, attribute = COMMANDS[name].place.partition(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.name = name
        return name, command, rest

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        # Here every error of every command passes once, to become a line and an exit code.
        failing = import_module("rakurs.cli.failing")
        with failing.told():
            return super().invoke(ctx)  # type: ignore[arg-type]


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=Text(
        ru="Ракурс: аналитическая CRM. Файлы компании на входе, ответы с паспортом на выходе.",
        en="Rakurs: an analytical CRM. A company's files in, answers with a passport out.",
    ).to(default_language()),
)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        typer.echo(f"rakurs {__version__}")
        raise typer.Exit


# Both are read before the command's own module is imported: its words are chosen then.
def _use_home(home: Path | None) -> None:
    if home is not None:
        os.environ["RAKURS_HOME"] = str(home.expanduser().absolute())


def _use_language(language: str | None) -> None:
    if language is None:
        return
    if language not in {"ru", "en"}:
        raise typer.BadParameter("ru | en", param_hint="--language")
    os.environ["RAKURS_LANGUAGE"] = language


_HOME_HELP = Text(ru="Папка данных (или RAKURS_HOME)", en="The data folder (or RAKURS_HOME)").to(default_language())
_LANGUAGE_HELP = Text(ru="Язык слов: ru или en", en="Language of the words: ru or en").to(default_language())


@app.callback()
def root(
    *,
    home: Annotated[Path | None, typer.Option(help=_HOME_HELP, callback=_use_home, is_eager=True)] = None,
    language: Annotated[str | None, typer.Option(help=_LANGUAGE_HELP, callback=_use_language, is_eager=True)] = None,
    version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True)] = False,
) -> None:
    """Options that stand before a command; they reach this process and the server it may become."""
    del home, language, version  # their callbacks have done the work

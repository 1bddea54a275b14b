"""Which systems are followed? `rakurs sources list`, `add`, `allow`, `check`, `sync`, `pause`, `resume`, `remove`."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

import typer

from rakurs.app.announcement import announced
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.workspace import Workspace
from rakurs.cli.loading import watched
from rakurs.cli.terminal import print_json, print_rows, use_settings
from rakurs.core.errors import Cancelled, RakursError
from rakurs.core.loading import Progress
from rakurs.core.text import Text
from rakurs.sources import LIVE_SOURCES
from rakurs.state.opening import open_state

if TYPE_CHECKING:
    from rakurs.sources.live import LiveSource, Reached
    from rakurs.state.models import SyncRun

LANGUAGE = default_language()
LOOK_SECONDS = 0.3

_MADE = Text(
    ru="Подключено: {prefix}. Первая полная загрузка: rakurs sources sync {prefix}",
    en="Connected: {prefix}. The first full load: rakurs sources sync {prefix}",
)
_TO_ALLOW = Text(
    ru="Подключение {prefix} ждёт разрешения. На его странице или здесь: rakurs sources allow {prefix}",
    en="The connection {prefix} waits to be allowed. On its page, or here: rakurs sources allow {prefix}",
)
_OPEN_THIS = Text(
    ru="Откройте в браузере, согласитесь и сразу вставьте адрес, на который вас вернули (пусть страница и не открылась):\n{page}",
    en="Open this in a browser, agree, and at once paste the address you were sent back to (even if its page did not open):\n{page}",
)
_DONE = Text(ru="Прочитано {fetched}, изменилось {changed}", en="{fetched} read, {changed} changed")
_CLOSED = Text(ru="Закрыто и не загружено: {what}", en="Closed and not loaded: {what}")
_OTHER = Text(ru="Вместо него начат другой запуск.", en="Another run was begun instead.")
_SERVER_GONE = Text(
    ru="Сервер остановлен. Запуск продолжится с ним или по этой же команде.",
    en="The server has stopped. The run goes on with it, or by this same command.",
)
_REMOVED = Text(ru="Отключено; загруженные строки остались.", en="Disconnected; the rows that came stay.")
_PAUSED = Text(ru="На паузе.", en="Paused.")
_RESUMED = Text(ru="Снова по расписанию.", en="By its schedule again.")


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


sources_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Системы, за которыми следим", "Systems that are followed")
)
_Name = Annotated[
    str, typer.Argument(metavar="CONNECTION", help=_words("Приставка подключения", "Prefix of a connection"))
]
_Format = Annotated[Literal["table", "json"], typer.Option("--format")]
_LIST = (
    {"name": "prefix", "title": _words("Подключение", "Connection"), "unit": "id"},
    {"name": "title", "title": _words("Название", "Name"), "unit": "text"},
    {"name": "source_title", "title": _words("Система", "System"), "unit": "text"},
    {"name": "health_title", "title": _words("Состояние", "Health"), "unit": "text"},
    {"name": "fetched", "title": _words("Прочитано", "Read"), "unit": "count"},
    {"name": "finished_at", "title": _words("Последний запуск", "Latest run"), "unit": "text"},
    {"name": "error", "title": _words("Ошибка", "Error"), "unit": "text"},
)
_COUNTS = (
    {"name": "title", "title": _words("Что", "What"), "unit": "text"},
    {"name": "records", "title": _words("Записей", "Records"), "unit": "count"},
)


@sources_app.command("list", help=_words("Подключения и их состояние", "Connections and how they do"))
def list_connections(*, format: _Format = "table") -> None:
    """Health, the latest run and its error."""
    _open()
    from rakurs.app import connection_documents, connections  # noqa: PLC0415 - the state is open only now

    found = [connection_documents.state_document(state, LANGUAGE) for state in connections.states()]
    if format == "json":
        print_json(found)
        return
    latest: list[dict[str, Any]] = [state["latest_run"] or {} for state in found]
    keys = ("fetched", "finished_at", "error")
    print_rows(_LIST, [state | {key: run.get(key) for key in keys} for state, run in zip(found, latest, strict=True)])


@sources_app.command(help=_words("Подключить систему", "Connect a system"))
def add(
    source: Annotated[str, typer.Argument(help=_words("Система: ", "A system: ") + ", ".join(LIVE_SOURCES))],
    *,
    title: Annotated[str, typer.Option(help=_words("Название подключения", "Name of the connection"))] = "",
    set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help=_words("Настройка; секреты лучше не здесь", "A setting; secrets better not")
        ),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help=_words("Минут между запусками", "Minutes between runs"))] = 15,
) -> None:
    """What is required and not given is asked for; secrets are not shown while typed."""
    _open()
    from rakurs.app import connections  # noqa: PLC0415 - the state is open only now

    known = connections.source_named(source)
    given = dict(pair.partition("=")[::2] for pair in set or [])
    settings = connections.checked(known, _asked(known, given))
    is_by_consent = known.is_by_consent(settings)
    if not is_by_consent:
        _tell(known.check(settings))
    home = default_home().ensured()
    made = connections.made(home, known, settings, title=title or known.title.to(LANGUAGE), every_minutes=every)
    typer.echo((_TO_ALLOW if is_by_consent else _MADE).filled(prefix=made.prefix).to(LANGUAGE))


@sources_app.command(
    help=_words("Разрешить доступ через приложение (OAuth)", "Allow access through an application (OAuth)")
)
def allow(
    name: _Name,
    *,
    back: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help=_words("Адрес возврата, записанный в приложении", "The return address written in the application"),
        ),
    ],
) -> None:
    """Prints the page on which a person agrees, asks for the address the browser came back to, and takes the code in it."""
    _open()
    from rakurs.app import connections, consenting  # noqa: PLC0415 - the state is open only now

    home, found = default_home(), connections.connection_named(name)
    page, question = consenting.asked(home, found, back=back, at=datetime.now(UTC))
    typer.echo(_OPEN_THIS.filled(page=page).to(LANGUAGE))
    came = typer.prompt(_words("Адрес возврата", "Return address"))
    answer = dict(parse_qsl(urlsplit(came.strip()).query))
    _tell(consenting.answered(home, question.kept(), answer, at=datetime.now(UTC))[1])


@sources_app.command(help=_words("Проверить связь", "Test a connection"))
def check(name: _Name) -> None:
    """Who answers, and how many records there are."""
    _open()
    from rakurs.app import connections  # noqa: PLC0415 - the state is open only now

    found = connections.connection_named(name)
    _tell(connections.source_of(found).check(connections.settings_of(default_home(), found)))


@sources_app.command(help=_words("Загрузить сейчас", "Bring data now"))
def sync(
    name: _Name,
    *,
    full: Annotated[bool, typer.Option("--full", help=_words("Всё заново", "Everything anew"))] = False,
    from_day: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"])] = None,
    to_day: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"])] = None,
    format: _Format = "table",
) -> None:
    """Changes since the last run, or everything the first time; a stopped run goes on where it was."""
    _open()
    from rakurs.app import connection_documents, connections, syncing  # noqa: PLC0415 - the state is open only now

    found = connections.connection_named(name)
    kind: Any = "full" if full else "period" if from_day else None
    days = {"from_day": from_day and from_day.date(), "to_day": to_day and to_day.date()}
    latest = connections.runs_of(found).first()
    home = default_home()
    is_served = announced(home) is not None
    # Without a server a run that was killed is nobody's: it goes on here.
    left = latest if latest is not None and not latest.is_finished and not is_served else None
    if left is not None and kind is not None:
        syncing.ended(left, Cancelled(_OTHER))
        left = None
    run = left or syncing.begun(found, kind, **days)
    with watched() as progress:
        if is_served:
            _followed(run, progress)
        else:
            with Workspace.open(home) as workspace:
                syncing.done_whole(workspace, run, progress)
    document = connection_documents.run_document(run, LANGUAGE)
    if format == "json":
        print_json(document)
        return
    typer.echo(_DONE.filled(fetched=document["fetched"], changed=document["changed"]).to(LANGUAGE))
    if document["closed"]:
        typer.echo(_CLOSED.filled(what=", ".join(document["closed"])).to(LANGUAGE))


@sources_app.command(help=_words("Приостановить", "Pause"))
def pause(name: _Name) -> None:
    """Nothing begins by itself."""
    _rest(name, is_paused=True)
    typer.echo(_PAUSED.to(LANGUAGE))


@sources_app.command(help=_words("Продолжить", "Resume"))
def resume(name: _Name) -> None:
    """By its schedule again."""
    _rest(name, is_paused=False)
    typer.echo(_RESUMED.to(LANGUAGE))


@sources_app.command(help=_words("Отключить и забыть ключи", "Disconnect and forget the keys"))
def remove(name: _Name) -> None:
    """Rows that came stay."""
    _open()
    from rakurs.app import connections  # noqa: PLC0415 - the state is open only now

    connections.removed(default_home(), connections.connection_named(name))
    typer.echo(_REMOVED.to(LANGUAGE))


def _open() -> None:
    use_settings()
    open_state()


def _rest(name: str, *, is_paused: bool) -> None:
    _open()
    from rakurs.app import connections  # noqa: PLC0415 - the state is open only now

    connections.paused(connections.connection_named(name), is_paused=is_paused)


def _tell(reached: "Reached") -> None:
    """Who answers, how many records there are, what is closed."""
    typer.echo(reached.who)
    print_rows(_COUNTS, [{"title": title.to(LANGUAGE), "records": count} for title, count in reached.counts])
    if reached.advice:
        typer.echo(reached.advice.to(LANGUAGE))
    if reached.closed:
        typer.echo(_CLOSED.filled(what=", ".join(title.to(LANGUAGE) for title in reached.closed)).to(LANGUAGE))


def _asked(source: "LiveSource", given: dict[str, str]) -> dict[str, str]:
    """What was given, and what is required besides, asked for: of an application where its id is given, else of a key."""
    other_way = "key" if given.get("client_id") else "consent"
    return given | {
        field.name: typer.prompt(field.title.to(LANGUAGE), hide_input=field.kind == "secret")
        for field in source.fields
        if field.is_required and field.way != other_way and not given.get(field.name)
    }


def _followed(run: "SyncRun", progress: Progress) -> None:
    """Watch a run that the server does. RakursError says what went wrong there."""
    while not run.is_finished:
        time.sleep(LOOK_SECONDS)
        if announced(default_home()) is None:
            raise RakursError(_SERVER_GONE)
        run.refresh_from_db()
        progress(Text(ru=run.step_ru or "…", en=run.step_en or "…"), done=run.done, total=run.total)
    if run.error_ru:
        raise RakursError(Text(ru=run.error_ru, en=run.error_en))

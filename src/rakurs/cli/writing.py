"""What is told to a CRM? `rakurs write allow`, `preview`, `confirm`, `list`, `show`, `stop`, `resume`, `undo`."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from rakurs.app.announcement import announced
from rakurs.app.company import company_of
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.workspace import Workspace
from rakurs.cli.loading import watched
from rakurs.cli.terminal import print_json, print_pairs, print_rows, use_settings
from rakurs.core.errors import RakursError
from rakurs.core.loading import Progress
from rakurs.core.text import Text
from rakurs.state.opening import open_state

if TYPE_CHECKING:
    from rakurs.state.models import WriteRun

LANGUAGE = default_language()
LOOK_SECONDS = 0.3
SHOWN = 50

_CONFIRM = Text(
    ru="Ничего ещё не записано. Записать: rakurs write confirm {run}",
    en="Nothing is written yet: rakurs write confirm {run}",
)
_SERVER_GONE = Text(
    ru="Сервер остановлен. Запись продолжится с ним или по команде rakurs write resume.",
    en="The server has stopped. The writing goes on with it, or by rakurs write resume.",
)


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


write_app = typer.Typer(add_completion=False, no_args_is_help=True, help=_words("Записать в CRM", "Write into a CRM"))
_Run = Annotated[str, typer.Argument(metavar="ID", help=_words("Номер записи", "Id of a writing"))]
_Format = Annotated[Literal["table", "json"], typer.Option("--format")]
_PERMITS = (
    {"name": "connection", "title": _words("Подключение", "Connection"), "unit": "id"},
    {"name": "title", "title": _words("Название", "Name"), "unit": "text"},
    {"name": "kinds", "title": _words("Можно", "Allowed"), "unit": "text"},
    {"name": "run_limit", "title": _words("За запуск", "A run"), "unit": "count"},
    {"name": "day_limit", "title": _words("За день", "A day"), "unit": "count"},
)
_RUNS = (
    {"name": "id", "title": _words("Номер", "Id"), "unit": "id"},
    {"name": "connection", "title": _words("Куда", "Where"), "unit": "id"},
    {"name": "title", "title": _words("Сегмент", "Segment"), "unit": "text"},
    {"name": "status_title", "title": _words("Состояние", "Status"), "unit": "text"},
    {"name": "planned", "title": _words("Будет", "To write"), "unit": "count"},
    {"name": "done", "title": _words("Записано", "Written"), "unit": "count"},
    {"name": "failed", "title": _words("Ошибок", "Failed"), "unit": "count"},
    {"name": "skipped", "title": _words("Пропущено", "Skipped"), "unit": "count"},
)
_DEEDS = (
    {"name": "customer", "title": _words("Клиент", "Customer"), "unit": "text"},
    {"name": "record", "title": _words("Карточка", "Record"), "unit": "id"},
    {"name": "what", "title": _words("Что", "What"), "unit": "text"},
    {"name": "before", "title": _words("Было", "Before"), "unit": "text"},
    {"name": "after", "title": _words("Станет", "After"), "unit": "text"},
    {"name": "state", "title": _words("Состояние", "Status"), "unit": "text"},
)


@write_app.command(help=_words("Что и куда можно писать", "What may be written, and where"))
def permits(*, format: _Format = "table") -> None:
    """Nothing anywhere until it is allowed."""
    _open()
    from rakurs.app import writing, writing_documents  # noqa: PLC0415 - the state is open only now

    found = [writing_documents.permit_document(permit, LANGUAGE) for permit in writing.permits()]
    if format == "json":
        print_json(found)
        return
    print_rows(_PERMITS, [row | {"kinds": ", ".join(row["kinds"]) or "—"} for row in found])


@write_app.command(help=_words("Разрешить запись или выключить её", "Allow writing, or turn it off"))
def allow(
    name: Annotated[str, typer.Argument(metavar="CONNECTION")],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help=_words("field, comment, task; без них запись выключена", "field, comment, task; none turns it off")
        ),
    ] = None,
    run_limit: Annotated[int, typer.Option(min=1, help=_words("Не больше за запуск", "At most in a run"))] = 500,
    day_limit: Annotated[int, typer.Option(min=1, help=_words("Не больше за день", "At most in a day"))] = 2000,
) -> None:
    """What is under way stops when it is turned off."""
    _open()
    from rakurs.app import connections, writing  # noqa: PLC0415 - the state is open only now

    found = connections.connection_named(name)
    writing.permitted(found, kind or [], by=None, run_limit=run_limit, day_limit=day_limit)
    permits()


@write_app.command(help=_words("Показать, что будет записано", "Show what would be written"))
def preview(
    name: Annotated[str, typer.Argument(metavar="CONNECTION")],
    segment: Annotated[str, typer.Argument(metavar="SEGMENT", help=_words("Код сегмента", "Id of a segment"))],
    *,
    value: Annotated[
        list[str] | None,
        typer.Option(help=_words("segment, risk, cancel, worth, offer", "segment, risk, cancel, worth, offer")),
    ] = None,
    comment: Annotated[str, typer.Option(help=_words("Комментарий в карточку", "A comment on the card"))] = "",
    task: Annotated[str, typer.Option(help=_words("Задача ответственному", "A task for whoever is responsible"))] = "",
    due: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help=_words("Срок задачи", "Due day"))] = None,
    campaign: Annotated[
        str,
        typer.Option(
            help=_words(
                "Повод: в одном поводе одно и то же пишется один раз", "Occasion: within one, the same is written once"
            )
        ),
    ] = "",
    clears: Annotated[
        bool,
        typer.Option(
            help=_words("Убрать название сегмента у тех, кто ушёл", "Take the segment's name off those who left")
        ),
    ] = True,
    format: _Format = "table",
) -> None:
    """Writes nothing."""
    _open()
    from rakurs.app import connections, writing_runs, writing_wishes  # noqa: PLC0415 - the state is open only now

    wish = writing_wishes.Wish(
        values=tuple(value or ()),
        comment=comment,
        task=task,
        due_on=due and due.date(),
        campaign=campaign,
        clears=clears,
    )
    found, home = connections.connection_named(name), default_home().ensured()
    today = datetime.now(ZoneInfo(company_of(home).timezone)).date()
    run = writing_wishes.begun(found, segment, wish, by=None, language=LANGUAGE, today=today)
    _done(run, writing_runs.previewed)
    _show(run, format)


@write_app.command(help=_words("Записать то, что показано", "Write what was shown"))
def confirm(run_id: _Run, *, format: _Format = "table") -> None:
    """Exactly the preview, and nothing else."""
    _open()
    from rakurs.app import writing, writing_runs  # noqa: PLC0415 - the state is open only now

    run = writing.run_named(run_id)
    writing_runs.confirmed(run, by=None)
    _done(run, writing_runs.written)
    _show(run, format)


@write_app.command(help=_words("Продолжить остановленное", "Go on with what was stopped"))
def resume(run_id: _Run, *, format: _Format = "table") -> None:
    """Nothing that is done is done again."""
    _open()
    from rakurs.app import writing, writing_runs  # noqa: PLC0415 - the state is open only now

    run = writing.run_named(run_id)
    # Without a server a writing that was killed is nobody's: it goes on here.
    is_left = run.is_moving and announced(default_home()) is None
    if not is_left:
        writing_runs.gone_on(run, by=None)
    _done(run, writing_runs.previewed if run.status == "drafting" else writing_runs.written)
    _show(run, format)


@write_app.command(help=_words("Остановить или отменить предпросмотр", "Stop, or drop a preview"))
def stop(run_id: _Run) -> None:
    """What is written stays."""
    _open()
    from rakurs.app import writing, writing_documents, writing_runs  # noqa: PLC0415 - the state is open only now

    run = writing.run_named(run_id)
    writing_runs.stopped(run, by=None)
    typer.echo(writing_documents.STATUS_WORDS[run.status].to(LANGUAGE))


@write_app.command(
    help=_words("Показать, как вернуть прежние значения полей", "Show how to bring the former values back")
)
def undo(run_id: _Run, *, format: _Format = "table") -> None:
    """A preview of its own, to be confirmed."""
    _open()
    from rakurs.app import writing, writing_runs  # noqa: PLC0415 - the state is open only now

    run = writing_runs.undo_begun(writing.run_named(run_id), by=None)
    _done(run, writing_runs.previewed)
    _show(run, format)


@write_app.command("list", help=_words("Что писали", "What was written"))
def list_runs(*, limit: Annotated[int, typer.Option(min=1)] = 20, format: _Format = "table") -> None:
    """The newest first."""
    _open()
    from rakurs.app import writing, writing_documents  # noqa: PLC0415 - the state is open only now

    found = [writing_documents.run_document(run, LANGUAGE) for run in writing.runs()[:limit]]
    if format == "json":
        print_json(found)
        return
    print_rows(_RUNS, [run | run["counts"] for run in found])


@write_app.command(help=_words("Что именно и чем кончилось", "What exactly, and what came of it"))
def show(run_id: _Run, *, format: _Format = "table") -> None:
    """The preview before it is confirmed, the log after."""
    _open()
    from rakurs.app import writing  # noqa: PLC0415 - the state is open only now

    _show(writing.run_named(run_id), format)


def _open() -> None:
    use_settings()
    open_state()


def _done(run: "WriteRun", work: "Callable[[Workspace, WriteRun, Progress], None]") -> None:
    """Let the server do it and watch, or do it here where there is none."""
    home = default_home().ensured()
    with watched() as progress:
        if announced(home) is not None:
            _followed(run, progress)
            return
        with Workspace.open(home) as workspace:
            work(workspace, run, progress)


def _followed(run: "WriteRun", progress: Progress) -> None:
    """Watch what the server does. RakursError says what went wrong there."""
    while run.is_moving:
        time.sleep(LOOK_SECONDS)
        if announced(default_home()) is None:
            raise RakursError(_SERVER_GONE)
        run.refresh_from_db()
        progress(Text(ru=run.step_ru or "…", en=run.step_en or "…"), done=run.done, total=run.total)
    if run.error_ru:
        raise RakursError(Text(ru=run.error_ru, en=run.error_en))


def _show(run: "WriteRun", format: str) -> None:
    from rakurs.app import writing_documents  # noqa: PLC0415 - the state is open only now
    from rakurs.state.models import WriteDeed  # noqa: PLC0415 - as above

    document = writing_documents.run_document(run, LANGUAGE)
    found = WriteDeed.objects.filter(run=run)
    deeds = [writing_documents.deed_document(deed, LANGUAGE) for deed in found]
    if format == "json":
        print_json(document | {"deeds": deeds})
        return
    counts = document["counts"]
    print_pairs(
        [
            (_words("Запись", "Writing"), f"{document['id']}: {document['title']} → {document['connection']}"),
            (_words("Состояние", "Status"), document["status_title"]),
            (
                _words("Итого", "In all"),
                ", ".join(
                    f"{title.to(LANGUAGE)} {counts[name]}"
                    for name, title in writing_documents.DEED_WORDS.items()
                    if counts[name]
                ),
            ),
            *[(_words("Пропущено", "Skipped"), f"{one['title']}: {one['deeds']}") for one in document["skipped"]],
            *[
                (_words("Заведёт поле", "Makes a field"), f"{one['title']} ({one['place']})")
                for one in document["new_fields"]
                if counts["planned"]
            ],
        ]
    )
    rows = [
        deed
        | {
            "what": deed["field_title"] or _words("задача", "task")
            if deed["kind"] != "comment"
            else _words("комментарий", "comment"),
            "before": deed["before"] or "—",
            "after": deed["value"] or deed["text"] or "—",
            "state": deed["reason_title"] or deed["words"] or deed["status_title"],
        }
        for deed in deeds[:SHOWN]
    ]
    print_rows(_DEEDS, rows, total=len(deeds))
    if document["status"] == "ready" and counts["planned"]:
        typer.echo(_CONFIRM.filled(run=document["id"]).to(LANGUAGE))

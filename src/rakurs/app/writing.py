"""Which systems may be written to, with what, and how much? Nothing anywhere until an administrator says so."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from rakurs.app.accounts import note
from rakurs.app.connections import source_of
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, BadParameter, NotAllowed, UnknownName
from rakurs.core.text import Text
from rakurs.sources.writing import DeedKind, Writer
from rakurs.state.models import Connection, User, WriteDeed, WritePermit, WriteRun
from rakurs.state.roles import Deed

TURNS_ON: Deed = "administer"
WRITES: Deed = "load"
MOST_IN_A_RUN, MOST_IN_A_DAY = 10_000, 100_000
KINDS: Mapping[DeedKind, Text] = {
    "field": Text(ru="Поля", en="Fields"),
    "comment": Text(ru="Комментарии", en="Comments"),
    "task": Text(ru="Задачи", en="Tasks"),
}
"""In the order they are written."""
GONE = Text(ru="Подключения больше нет.", en="The connection is gone.")
_RUN = Text(ru="Записи", en="writing")
_NOT_WRITTEN = Text(ru="Эту систему Ракурс только читает.", en="Rakurs only reads this system.")
_OFF = Text(
    ru="Запись в «{title}» выключена. Включает администратор: Данные → Запись в CRM.",
    en="Writing into “{title}” is off. An administrator turns it on: Data → Writing to CRM.",
)
_NOT_OPEN = Text(
    ru="В «{title}» не разрешено: {kinds}. Разрешает администратор: Данные → Запись в CRM.",
    en="Not allowed in “{title}”: {kinds}. An administrator allows it: Data → Writing to CRM.",
)
_MAY_NOT = Text(
    ru="Записывать в CRM может тот, чья роль позволяет загружать данные.",
    en="Writing to a CRM takes a role that may load data.",
)
_LIMIT = Text(ru="от 1 до {most}", en="between 1 and {most}")
_UNKNOWN_KIND = Text(ru="бывает: field, comment, task", en="there are: field, comment, task")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What may be written over a connection; no kinds, nothing."""

    connection: Connection
    writer: Writer
    kinds: tuple[DeedKind, ...]
    run_limit: int
    day_limit: int

    @property
    def is_on(self) -> bool:
        """Whether anything may be written."""
        return bool(self.kinds)


def writer_of(connection: Connection) -> Writer:
    """How the system is written to. BadInput where it is only read."""
    writer = source_of(connection).writer
    if writer is None:
        raise BadInput(_NOT_WRITTEN)
    return writer


def permit_of(connection: Connection) -> Permit:
    """What may be written over this connection."""
    writer, kept = writer_of(connection), WritePermit.objects.filter(connection=connection).first()
    kept = kept or WritePermit(connection=connection)
    allowed: Container[object] = kept.kinds
    kinds: tuple[DeedKind, ...] = tuple(kind for kind in writer.kinds if kind in allowed)
    return Permit(connection=connection, writer=writer, kinds=kinds, run_limit=kept.run_limit, day_limit=kept.day_limit)


def permits() -> list[Permit]:
    """Every connection whose system can be written to."""
    return [permit_of(connection) for connection in Connection.objects.all() if source_of(connection).writer]


def permitted(
    connection: Connection, kinds: Sequence[str], *, by: User | None, run_limit: int, day_limit: int
) -> Permit:
    """From now on these kinds of deeds may be written, and so many of them; no kinds turn it off, what is under way too."""
    writer_of(connection)
    if by is not None and not by.may(TURNS_ON):
        raise NotAllowed(_OFF.filled(title=connection.title))
    for kind in kinds:
        if kind not in KINDS:
            raise BadParameter("kinds", kind, _UNKNOWN_KIND)
    for name, value, most in (("run_limit", run_limit, MOST_IN_A_RUN), ("day_limit", day_limit, MOST_IN_A_DAY)):
        if not 1 <= value <= most:
            raise BadParameter(name, value, _LIMIT.filled(most=most))
    kept, _ = WritePermit.objects.get_or_create(connection=connection)
    before = {"kinds": kept.kinds, "run_limit": kept.run_limit, "day_limit": kept.day_limit}
    kept.kinds = [kind for kind in KINDS if kind in kinds]
    kept.run_limit, kept.day_limit, kept.by = run_limit, day_limit, by
    kept.save()
    if not kept.kinds:
        WriteRun.objects.filter(connection=connection, status__in=WriteRun.UNDER_WAY).update(is_cancel_asked=True)
    note(
        by,
        "write permit",
        connection.prefix,
        detail={"before": before, "kinds": kept.kinds, "run": run_limit, "day": day_limit},
    )
    return permit_of(connection)


def must_be_allowed(by: User | None) -> None:
    """NotAllowed unless this person may write to systems; None is the machine's owner."""
    if by is not None and not by.may(WRITES):
        raise NotAllowed(_MAY_NOT)


def must_permit(permit: Permit, kinds: Sequence[DeedKind]) -> None:
    """BadInput names what is not allowed, and who allows it."""
    title = permit.connection.title
    if not permit.is_on:
        raise BadInput(_OFF.filled(title=title))
    closed = [KINDS[kind] for kind in kinds if kind not in permit.kinds]
    if closed:
        words = Text(ru=", ".join(one.ru for one in closed), en=", ".join(one.en for one in closed))
        raise BadInput(
            Text(
                ru=_NOT_OPEN.ru.format(title=title, kinds=words.ru), en=_NOT_OPEN.en.format(title=title, kinds=words.en)
            )
        )


def left_today(workspace: Workspace, permit: Permit) -> int:
    """How many deeds may still be done today, by the company's clock."""
    zone = ZoneInfo(workspace.company.timezone)
    midnight = datetime.combine(workspace.clock_today, time(), tzinfo=zone)
    done = WriteDeed.objects.filter(run__prefix=permit.connection.prefix, sent_at__gte=midnight)
    return max(0, permit.day_limit - done.exclude(status=WriteDeed.Status.PLANNED).count())


def runs() -> "QuerySet[WriteRun]":
    """Every writing, the newest first."""
    return WriteRun.objects.select_related("connection", "by", "undoes")


def run_named(run_id: str) -> WriteRun:
    """The writing of that id. UnknownName where there is none."""
    found = runs().filter(pk=run_id).first()
    if found is None:
        raise UnknownName(_RUN, run_id, ())
    return found

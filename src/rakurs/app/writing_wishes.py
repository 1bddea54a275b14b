"""What does somebody want to be told to a CRM about the customers of a segment?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from rakurs.app.accounts import note
from rakurs.app.segments import segment_for
from rakurs.app.writing import KINDS, must_be_allowed, must_permit, permit_of
from rakurs.app.writing_values import VALUES
from rakurs.core.errors import BadInput, BadParameter, UnknownName
from rakurs.core.text import Language, Text
from rakurs.sources.writing import DeedKind
from rakurs.state.models import Connection, User, WriteRun

LONGEST_TEXT = 2_000
_LONGEST_CAMPAIGN = 60
_HOLE = re.compile(r"\{(\w+)\}")
_VALUE = Text(ru="Значения", en="value")
_NO_WISH = Text(
    ru="Выберите, что записать: поля, комментарий или задачу.", en="Choose what to write: fields, a comment or a task."
)
_NO_DAY = Text(ru="Задаче нужен срок, не раньше сегодняшнего дня.", en="A task takes a due day, today or later.")
_TOO_LONG = Text(ru="не длиннее {most} букв", en="at most {most} letters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be written about each customer of a segment. `campaign` tells one occasion from another: within one, the same
    comment or task is written once. `clears` empties our field "segment" of those who were written into it and have left.
    """

    values: tuple[str, ...] = ()
    comment: str = ""
    task: str = ""
    due_on: date | None = None
    campaign: str = ""
    clears: bool = True

    @property
    def kinds(self) -> tuple[DeedKind, ...]:
        """The kinds of deeds it takes."""
        wanted: dict[DeedKind, bool] = {
            "field": bool(self.values),
            "comment": bool(self.comment),
            "task": bool(self.task),
        }
        return tuple(kind for kind in KINDS if wanted[kind])


def wish_of(run: WriteRun) -> Wish:
    """What a run was asked for."""
    kept = run.asked
    return Wish(
        values=tuple(kept["values"]),
        comment=kept["comment"],
        task=kept["task"],
        due_on=date.fromisoformat(kept["due_on"]) if kept["due_on"] else None,
        campaign=kept["campaign"],
        clears=kept["clears"],
    )


def begun(
    connection: Connection, segment_id: str, wish: Wish, *, by: User | None, language: Language, today: date
) -> WriteRun:
    """A preview that waits to be made. BadInput, BadParameter, NotAllowed, UnknownName say what is wrong with it."""
    must_be_allowed(by)
    segment = segment_for(by, segment_id)
    wish = replace(
        wish, comment=wish.comment.strip(), task=wish.task.strip(), campaign=wish.campaign.strip()[:_LONGEST_CAMPAIGN]
    )
    _check(wish, today=today)
    must_permit(permit_of(connection), wish.kinds)
    asked = {
        "values": list(wish.values),
        "comment": wish.comment,
        "task": wish.task,
        "due_on": wish.due_on.isoformat() if wish.due_on else None,
        "campaign": wish.campaign,
        "clears": wish.clears,
        "language": language,
    }
    run = WriteRun.objects.create(
        connection=connection, prefix=connection.prefix, subject=segment.pk, title=segment.title, asked=asked, by=by
    )
    note(by, "write preview", run.pk, detail={"connection": connection.prefix, "segment": segment.title})
    return run


def filled(text: str, facts: Mapping[str, str | None]) -> str:
    """The text with `{name}`, `{segment}`, `{offer}` and the like filled in; what is not known is a dash."""
    return _HOLE.sub(lambda hole: (facts[hole[1]] or "—") if hole[1] in facts else hole[0], text)


def _check(wish: Wish, *, today: date) -> None:
    if not wish.kinds:
        raise BadInput(_NO_WISH)
    names = [value.name for value in VALUES]
    for name in wish.values:
        if name not in names:
            raise UnknownName(_VALUE, name, names)
    for name, text in (("comment", wish.comment), ("task", wish.task)):
        if len(text) > LONGEST_TEXT:
            raise BadParameter(name, f"{text[:20]}…", _TOO_LONG.filled(most=LONGEST_TEXT))
    if wish.task and (wish.due_on is None or wish.due_on < today):
        raise BadInput(_NO_DAY)

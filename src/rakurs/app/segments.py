"""Sets of customers people keep: who may open one, who may change it, when is it counted again?

A segment is counted with the rights of its owner; whoever opens it sees those of its customers whom their own rights
reach, in every number of it. A living one is counted again when the data has changed, a still one never.
"""

import logging
from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Any

from django.db.models import Q, QuerySet

from rakurs.analyses import analysis_named
from rakurs.app.accounts import note, scope_of
from rakurs.app.asked_rows import FIELD, SEGMENT
from rakurs.app.id_lists import id_list
from rakurs.app.saved import AUDIENCES
from rakurs.app.segment_counting import check, count_anew, count_first, keep_list
from rakurs.app.segment_definitions import (
    AnyDefinition,
    Behind,
    Combined,
    Listed,
    definition_of,
    kept_definition,
)
from rakurs.app.workspace import Workspace
from rakurs.core.errors import BadInput, BadParameter, NotAllowed, RakursError, UnknownName
from rakurs.core.text import Text
from rakurs.state.models import Audience, Segment, User

_log = logging.getLogger(__name__)
_counting = RLock()

_NOT_YOURS = Text(
    ru="Этот сегмент принадлежит другому человеку. Соберите свой: например, из этого и ещё одного.",
    en="This segment belongs to somebody else. Make one of your own: of this one and another, say.",
)
_OF_ITSELF = Text(
    ru="Сегмент нельзя собрать из него самого, в том числе через другие.",
    en="A segment cannot be made of itself, nor through others.",
)
_OF_A_SEGMENT = Text(
    ru="Отчёт уже взят по сегменту: живым такой сегмент быть не может. Уберите сегмент из отбора и соберите их вместе.",
    en="The report is itself of a segment: such a segment cannot live. Take the segment out and combine the two.",
)
_MAY_NOT_SHARE = Text(ru="Вашей роли не дано делиться сохранённым.", en="Your role may not share what is saved.")
_UNEXPECTED = Text(
    ru="Сегмент не удалось пересчитать; прежний состав цел. Подробности в журнале сервера.",
    en="The segment could not be counted; who was in it stays. Details are in the server's log.",
)


def segments_of(user: User | None) -> QuerySet[Segment]:
    """What stands in this person's list: their own, and those shown to the whole company. None is the machine's owner."""
    known = Segment.objects.select_related("owner").order_by("title", "id")
    return known if user is None else known.filter(Q(owner=user) | Q(audience=Audience.EVERYONE))


def segment_for(user: User | None, segment_id: str) -> Segment:
    """The segment of that address, when this person may open it; otherwise it does not exist for them."""
    found = Segment.objects.select_related("owner").filter(pk=segment_id).first()
    if found is None or (user not in (None, found.owner) and found.audience == Audience.PRIVATE):
        raise UnknownName(SEGMENT, segment_id, ())
    return found


def create_segment(
    workspace: Workspace,
    owner: User,
    definition: AnyDefinition,
    *,
    title: str,
    about: str = "",
    is_living: bool = False,
) -> Segment:
    """A new segment, private until it is shared, already counted; of a living one also the past year is reckoned."""
    definition = _checked(workspace, definition, owner=owner, is_living=is_living)
    segment = _made(owner, definition, title=title, about=about, is_living=is_living)
    return _counted_or_gone(workspace, segment, lambda: count_first(workspace, segment))


def create_from_list(
    workspace: Workspace, owner: User, text: str, *, title: str, about: str = "", file: str = ""
) -> Segment:
    """A still segment of the customers named in `text`, one id, phone or e-mail a line; who was not found is kept.

    Only customers whom the owner's own rights reach are found.
    """
    ids = list(id_list(text).amounts)
    segment = _made(owner, Listed(file=file, given=len(ids)), title=title, about=about, is_living=False)
    return _counted_or_gone(workspace, segment, lambda: keep_list(workspace, segment, ids))


def refresh_living(
    workspace: Workspace, segments: Sequence[Segment] | None = None, *, has_new_scores: bool = False
) -> int:
    """Count again every living segment (or those of `segments`) the data has moved on from; how many there were.

    New scores of a model move every segment on: any may be made of them.
    In the order they were made, so that a part is counted before what is made of it. One that fails keeps who was in
    it, and says why.
    """
    version, today = workspace.data_version, workspace.today
    chosen = None if segments is None else {segment.pk for segment in segments}
    counted = 0
    with _counting:
        stale = Segment.objects.select_related("owner").filter(is_living=True).order_by("created_at", "id")
        if not has_new_scores:
            stale = stale.exclude(counted_version=version, counted_on=today)
        for segment in stale:
            if chosen is None or segment.pk in chosen or isinstance(definition_of(segment.definition), Combined):
                _count_again(workspace, segment)
                counted += 1
    return counted


def redefine_segment(
    workspace: Workspace, segment: Segment, definition: AnyDefinition, *, by: User, is_living: bool
) -> None:
    """Another rule of who is in it. Its history is reckoned anew by that rule; the address and what is made of it stay.

    A definition that cannot be counted leaves the segment as it was.
    """
    _must_own(segment, by)
    definition = _checked(workspace, definition, owner=by, is_living=is_living)
    if segment.pk in _everything_in(definition):
        raise BadInput(_OF_ITSELF)
    before = {"definition": segment.definition, "is_living": segment.is_living}
    after = {"definition": kept_definition(definition), "is_living": is_living}
    with _counting:
        try:
            _recount(workspace, segment, after)
        except BaseException:
            _recount(workspace, segment, before)
            raise
    note(by, "change segment", segment.id, detail=before)


def rename_segment(segment: Segment, *, by: User, title: str, about: str) -> None:
    """A new name and description; who is in it stays."""
    _must_own(segment, by)
    segment.title, segment.about = _title(title), about.strip()
    segment.save(update_fields=["title", "about", "updated_at"])
    note(by, "rename segment", segment.id)


def share_segment(segment: Segment, audience: str, *, by: User) -> None:
    """Who besides the owner may open it from now on."""
    _must_own(segment, by)
    if audience not in AUDIENCES:
        allowed = ", ".join(AUDIENCES)
        raise BadParameter("audience", audience, Text(ru=f"Допустимо: {allowed}.", en=f"Allowed: {allowed}."))
    if audience != Audience.PRIVATE and not by.may("share"):
        raise NotAllowed(_MAY_NOT_SHARE)
    segment.audience = audience
    segment.save(update_fields=["audience", "updated_at"])
    note(by, "share segment", segment.id, detail={"audience": audience})


def delete_segment(workspace: Workspace, segment: Segment, *, by: User) -> None:
    """The segment and its history are gone. BadInput while another is made of it."""
    _must_own(segment, by)
    made_of_it = [other.title for other in Segment.objects.exclude(pk=segment.pk) if segment.pk in parts_of(other)]
    if made_of_it:
        names = ", ".join(f"«{title}»" for title in made_of_it)
        raise BadInput(
            Text(
                ru=f"Из этого сегмента собраны другие: {names}. Сначала удалите их.",
                en=f"Other segments are made of this one: {names}. Delete them first.",
            )
        )
    note(by, "delete segment", segment.id, detail={"title": segment.title, "definition": segment.definition})
    workspace.forget_members(segment.id)
    segment.delete()


def parts_of(segment: Segment) -> tuple[str, ...]:
    """The segments it is made of; none for any other kind."""
    definition = definition_of(segment.definition)
    return definition.parts if isinstance(definition, Combined) else ()


def segment_document(segment: Segment, user: User | None) -> dict[str, Any]:
    """A segment as a program sees it, its size aside. What a list did not find is its owner's to know."""
    hidden = () if user in (None, segment.owner) else ("unmatched",)
    return {
        "id": segment.id,
        "title": segment.title,
        "about": segment.about,
        "owner": segment.owner.login,
        "is_mine": segment.owner == user,
        "audience": segment.audience,
        "is_living": segment.is_living,
        "definition": {name: value for name, value in segment.definition.items() if name not in hidden},
        "counted_on": segment.counted_on.isoformat() if segment.counted_on else None,
        "observed_from": segment.observed_from.isoformat() if segment.observed_from else None,
    }


def _checked(workspace: Workspace, definition: AnyDefinition, *, owner: User, is_living: bool) -> AnyDefinition:
    """The definition as it is kept; raises what is wrong with it."""
    if isinstance(definition, Listed):
        raise BadParameter("definition", "ids", Text(ru="Список передаётся сам.", en="Give the list itself."))
    if isinstance(definition, Combined):
        for part in definition.parts:
            segment_for(owner, part)
    if isinstance(definition, Behind) and is_living and _names_a_segment(definition):
        raise BadInput(_OF_A_SEGMENT)
    if isinstance(definition, Behind) and is_living:
        # A day said once would keep a living segment from living.
        params = {name: value for name, value in definition.asked.params.items() if name != "as_of"}
        definition = definition.model_copy(update={"asked": definition.asked.model_copy(update={"params": params})})
    check(workspace, definition, scope=scope_of(owner))
    return definition


def _names_a_segment(definition: Behind) -> bool:
    """Whether the question behind the set asks of another segment, which may ask of this one."""
    named = {FIELD}
    if definition.asked.kind == "analysis":
        infos = analysis_named(definition.asked.name).params.infos()
        named |= {name for name, info in infos.items() if info.options == FIELD}
    return any(definition.asked.params.get(name) is not None for name in named)


def _everything_in(definition: AnyDefinition) -> set[str]:
    """The segments a definition is made of, and those they are made of."""
    found: set[str] = set()
    waiting = list(definition.parts) if isinstance(definition, Combined) else []
    while waiting:
        part = waiting.pop()
        if part not in found:
            found.add(part)
            waiting += parts_of(Segment.objects.get(pk=part))
    return found


def _recount(workspace: Workspace, segment: Segment, kept: Mapping[str, Any]) -> None:
    segment.definition, segment.is_living = kept["definition"], kept["is_living"]
    segment.save(update_fields=["definition", "is_living", "updated_at"])
    workspace.forget_members(segment.id)
    count_first(workspace, segment)


def _made(owner: User, definition: AnyDefinition, *, title: str, about: str, is_living: bool) -> Segment:
    segment = Segment.objects.create(
        owner=owner,
        title=_title(title),
        about=about.strip(),
        definition=kept_definition(definition),
        is_living=is_living,
    )
    note(owner, "save segment", segment.id, detail={"title": segment.title})
    return segment


def _counted_or_gone(workspace: Workspace, segment: Segment, count: Any) -> Segment:
    """A segment that cannot be counted the first time is not made."""
    try:
        with _counting:
            count()
    except BaseException:
        workspace.forget_members(segment.id)
        segment.delete()
        raise
    return segment


def _count_again(workspace: Workspace, segment: Segment) -> None:
    try:
        count_anew(workspace, segment)
    except RakursError as failed:
        _failed(workspace, segment, failed.message)
    except Exception:  # noqa: BLE001 - one segment must not stop the others: the log gets the cause, people a sentence
        _log.exception("segment %s could not be counted", segment.id)
        _failed(workspace, segment, _UNEXPECTED)


def _failed(workspace: Workspace, segment: Segment, why: Text) -> None:
    """Who was in it stays; it is not tried again before the data changes."""
    segment.problem_ru, segment.problem_en = why.ru, why.en
    segment.counted_version, segment.counted_on = workspace.data_version, workspace.today
    segment.save(update_fields=["problem_ru", "problem_en", "counted_version", "counted_on"])


def _must_own(segment: Segment, by: User) -> None:
    if segment.owner != by:
        raise NotAllowed(_NOT_YOURS)


def _title(title: str) -> str:
    cleaned = " ".join(title.split())
    if not cleaned or len(cleaned) > 200:
        raise BadParameter("title", title, Text(ru="От 1 до 200 букв.", en="1 to 200 letters."))
    return cleaned

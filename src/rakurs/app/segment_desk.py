"""One person at one company's segments: the list, one segment with all there is to say of it, its customers out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rakurs.app.accounts import scope_of
from rakurs.app.answers_json import column_document, rows_of
from rakurs.app.charts.drawing import Drawing
from rakurs.app.charts.timelines import lines
from rakurs.app.exporting import Content, ExportKind, write_file
from rakurs.app.formats import Format
from rakurs.app.printing.sheet import members_sheet
from rakurs.app.rights import Scope
from rakurs.app.segment_counting import check, count_meeting
from rakurs.app.segment_definitions import AnyDefinition, Meeting, definition_of
from rakurs.app.segment_facts import (
    Difference,
    Overlap,
    Show,
    Trail,
    Turnover,
    customers_seen,
    differences,
    holding,
    overlaps,
    segment_members,
    trails,
    turnover,
    warnings_of,
)
from rakurs.app.segments import refresh_living, segment_document, segments_of
from rakurs.app.workspace import Workspace
from rakurs.core.analysis import Chart
from rakurs.core.answer import MembersAnswer
from rakurs.core.periods import Grain
from rakurs.core.table import Column
from rakurs.core.text import Language, Text
from rakurs.core.units import Unit
from rakurs.state.models import Segment, User

SHOWS: Mapping[Show, Text] = {
    "now": Text(ru="Сейчас в сегменте", en="In it now"),
    "came": Text(ru="Пришли", en="Came"),
    "went": Text(ru="Ушли", en="Went"),
}
SIZE_COLUMNS = (
    Column(name="day", unit=Unit.DAY, title=Text(ru="День", en="Day")),
    Column(name="size", unit=Unit.COUNT, title=Text(ru="Клиентов", en="Customers")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """All there is to say of one segment within the viewer's rights. `others` are the segments beside it, by id."""

    segment: Segment
    definition: AnyDefinition
    trail: Trail
    turnover: Turnover
    customers: int
    differences: Sequence[Difference]
    overlaps: Sequence[Overlap]
    others: Mapping[str, Segment]
    warnings: Sequence[Text]

    @property
    def share(self) -> float | None:
        """Of all customers the viewer sees."""
        return self.trail.size / self.customers if self.customers else None


def shelf(workspace: Workspace, user: User | None, scope: Scope) -> list[tuple[Segment, Trail]]:
    """Every segment in this person's list with its trail, counted up to now."""
    refresh_living(workspace)
    found = list(segments_of(user))
    known = _trails(workspace, tuple(segment.id for segment in found), scope)
    return [(segment, known[segment.id]) for segment in found]


def portrait(workspace: Workspace, segment: Segment, user: User | None, scope: Scope) -> Portrait:
    """One segment, counted up to now."""
    refresh_living(workspace)
    segment.refresh_from_db()
    definition, today = definition_of(segment.definition), workspace.today
    others = {other.id: other for other in segments_of(user) if other.pk != segment.pk}
    trail = _trails(workspace, (segment.id,), scope)[segment.id]
    asked: Any = {"scope": scope, "today": today}
    basis = workspace.company.revenue_basis
    chosen_by = [where.field for where in definition.where] if isinstance(definition, Meeting) else []
    key = (segment.id, workspace.memberships_version, today, scope)
    changed = workspace.kept(
        ("segment turnover", *key, trail.before_on),
        lambda reader: turnover(reader, segment.id, since=trail.before_on, **asked),
    )
    return Portrait(
        segment=segment,
        definition=definition,
        trail=trail,
        turnover=changed,
        customers=workspace.kept(("customers seen", scope), lambda reader: customers_seen(reader, scope=scope)),
        differences=workspace.kept(
            ("segment differences", *key, basis),
            lambda reader: differences(reader, segment.id, basis=basis, without=chosen_by, **asked),
        ),
        overlaps=workspace.kept(
            ("segment overlaps", *key, tuple(sorted(others))),
            lambda reader: overlaps(reader, segment.id, tuple(others), **asked),
        ),
        others=others,
        warnings=warnings_of(trail, changed),
    )


def customers_of(
    workspace: Workspace,
    segment: Segment,
    *,
    scope: Scope,
    show: Show = "now",
    since: date | None = None,
    limit: int | None,
    offset: int = 0,
) -> MembersAnswer:
    """One page of the customers; `came` and `went` are told since `since`, as the portrait has it when None."""
    if show != "now" and since is None:
        since = _trails(workspace, (segment.id,), scope)[segment.id].before_on
    with workspace.reading() as reader:
        return segment_members(
            reader,
            segment.id,
            show=show,
            scope=scope,
            today=workspace.today,
            since=since,
            limit=limit,
            offset=offset,
        )


def meeting_count(workspace: Workspace, definition: AnyDefinition, user: User) -> int:
    """How many customers meet the conditions of a definition nobody has kept yet."""
    scope = scope_of(user)
    check(workspace, definition, scope=scope)
    key = ("customers meeting", definition.model_dump_json(), workspace.today, workspace.company.revenue_basis, scope)
    return workspace.kept(
        key,
        lambda reader: count_meeting(workspace, reader, definition, scope) if isinstance(definition, Meeting) else 0,
    )


def size_chart(trail: Trail, form: Format) -> dict[str, Any] | None:
    """The size day by day, or month by month; nothing for a single point."""
    if len(trail.points) < 2:
        return None
    return lines(
        Drawing(
            chart=Chart(kind="lines", x="day", y=("size",)),
            rows=tuple({"day": day, "size": size} for day, size in trail.points),
            columns={column.name: column for column in SIZE_COLUMNS},
            by=("day",),
            grain=Grain.DAY,
            form=form,
        )
    )


def export_customers(
    workspace: Workspace,
    segment: Segment,
    *,
    scope: Scope,
    kind: ExportKind,
    language: Language,
    target: Path,
    show: Show = "now",
) -> Path:
    """Every customer of the segment as a file."""
    found = customers_of(workspace, segment, scope=scope, show=show, limit=None)
    form, title = workspace.format(language), segment.title
    content = Content(
        table=found.table,
        columns=found.columns,
        form=form,
        company=workspace.company.name,
        made_at=workspace.now,
        document=lambda: members_list(found, language),
        sheet=lambda: members_sheet(title, found, form),
    )
    return write_file(content, target=target, kind=kind)


def members_list(found: MembersAnswer, language: Language) -> dict[str, Any]:
    """Customers as a program sees them."""
    return {
        "total_rows": found.total_rows,
        "columns": [column_document(column, language) for column in found.columns],
        "rows": rows_of(found.table),
    }


def shelf_document(workspace: Workspace, user: User | None, scope: Scope) -> list[dict[str, Any]]:
    """The list as a program sees it."""
    return [_sized(segment, trail, user) for segment, trail in shelf(workspace, user, scope)]


def portrait_document(workspace: Workspace, segment: Segment, user: User | None, scope: Scope) -> dict[str, Any]:
    """One segment as a program sees it."""
    told = portrait(workspace, segment, user, scope)
    return {
        **_sized(told.segment, told.trail, user),
        "share": told.share,
        "came": told.turnover.came,
        "went": told.turnover.went,
        "sizes": [{"day": day.isoformat(), "size": size} for day, size in told.trail.points],
        "overlaps": [
            {
                "segment": item.segment_id,
                "title": told.others[item.segment_id].title,
                "size": item.size,
                "common": item.common,
            }
            for item in told.overlaps
        ],
        "differences": [
            {"trait": item.trait.name, "value": item.value, "share": item.share, "others_share": item.others_share}
            for item in told.differences
        ],
        "warnings": [{"ru": text.ru, "en": text.en} for text in told.warnings],
    }


def holding_customer(workspace: Workspace, customer_id: str, user: User, scope: Scope) -> list[Segment]:
    """The segments of this person's list that a customer is in."""
    refresh_living(workspace)
    with workspace.reading() as reader:
        held = set(holding(reader, customer_id, scope=scope, today=workspace.today))
    return [segment for segment in segments_of(user) if segment.id in held]


def _sized(segment: Segment, trail: Trail, user: User | None) -> dict[str, Any]:
    return {
        **segment_document(segment, user),
        "size": trail.size,
        "change": trail.change if trail.before_on else None,
        "compared_on": trail.before_on.isoformat() if trail.before_on else None,
        "problem": {"ru": segment.problem_ru, "en": segment.problem_en} if segment.problem_ru else None,
    }


def _trails(workspace: Workspace, ids: tuple[str, ...], scope: Scope) -> Mapping[str, Trail]:
    today = workspace.today
    return workspace.kept(
        ("segment trails", ids, workspace.memberships_version, today, scope),
        lambda reader: trails(reader, ids, scope=scope, today=today),
    )

"""Cards of the company that is open: asked for by name, on somebody's behalf; what is measured once is kept."""

from collections.abc import Hashable, Sequence
from typing import Any

from rakurs.analyses import card_named
from rakurs.app.cards import (
    MOMENTS_AT_ONCE,
    CardAnswer,
    Timeline,
    card_of,
    checked_subject,
    measured,
    section_of,
    timeline_of,
)
from rakurs.app.rights import Scope
from rakurs.app.workspace import Workspace
from rakurs.core.card import Standard, Subject


def card(workspace: Workspace, name: str, subject_id: str, *, scope: Scope) -> CardAnswer:
    """Everything about one customer, deal or employee; UnknownName when this user may not see it.

    Sections that wait for a heavy standard have no rows yet: ask for them with `card_section`.
    """
    known = card_named(name)
    with workspace.reading() as reader:
        subject = checked_subject(reader, known, subject_id, scope=scope, today=workspace.today)
        return card_of(
            reader,
            known,
            subject,
            scope=scope,
            against=lambda standard: _measured(workspace, standard, subject, scope),
            is_ready=lambda standard: workspace.has_kept(_key(standard, subject, scope)),
        )


def card_section(workspace: Workspace, name: str, subject_id: str, section: str, *, scope: Scope) -> CardAnswer:
    """One section of a card, whatever it takes."""
    known = card_named(name)
    with workspace.reading() as reader:
        subject = checked_subject(reader, known, subject_id, scope=scope, today=workspace.today)
        return section_of(
            reader,
            known,
            section,
            subject,
            scope=scope,
            against=lambda standard: _measured(workspace, standard, subject, scope),
        )


def timeline(
    workspace: Workspace,
    name: str,
    subject_id: str,
    *,
    scope: Scope,
    kinds: Sequence[str] = (),
    limit: int = MOMENTS_AT_ONCE,
) -> Timeline:
    """What happened with one customer, deal or employee, the newest first."""
    known = card_named(name)
    with workspace.reading() as reader:
        subject = checked_subject(reader, known, subject_id, scope=scope, today=workspace.today)
        return timeline_of(reader, known, subject, scope=scope, kinds=kinds, limit=limit)


def seen_subject(workspace: Workspace, name: str, subject_id: str, *, scope: Scope) -> Subject:
    """The subject of a card, when this user may see it; UnknownName when not."""
    with workspace.reading() as reader:
        return checked_subject(reader, card_named(name), subject_id, scope=scope, today=workspace.today)


def _measured(workspace: Workspace, standard: Standard, subject: Subject, scope: Scope) -> Any:
    return workspace.kept(
        _key(standard, subject, scope),
        lambda reader: measured(reader, standard, scope=scope, today=subject.today),
    )


def _key(standard: Standard, subject: Subject, scope: Scope) -> Hashable:
    return ("standard", standard.name, subject.today, scope)

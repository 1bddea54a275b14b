"""Which groups does a customer belong to? Each source of groups answers for one subject; a card lists them all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rakurs.app.rights import Scope
from rakurs.app.segment_desk import holding_customer
from rakurs.app.serving import current
from rakurs.app.workspace import Workspace
from rakurs.state.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A group the subject is in, under the title its owner gave it, and the address it opens at."""

    title: str
    href: str


def _segments(workspace: Workspace, card: str, subject_id: str, user: User, scope: Scope) -> Sequence[Membership]:
    if card != "customers":
        return ()
    found = holding_customer(workspace, subject_id, user, scope)
    return [Membership(title=segment.title, href=f"/segments/{segment.id}/") for segment in found]


Groups = Callable[[Workspace, str, str, User, Scope], Sequence[Membership]]
"""(company, card, subject id, user, scope) -> the groups of this user's list that the subject is in."""

SOURCES: tuple[Groups, ...] = (_segments,)


def memberships(card: str, subject_id: str, *, user: User, scope: Scope) -> tuple[Membership, ...]:
    """Every group the subject is in, source by source."""
    return tuple(group for source in SOURCES for group in source(current(), card, subject_id, user, scope))

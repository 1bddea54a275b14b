"""What may be chosen in a filter? The values this person sees, and the segments in their list."""

from rakurs.app.asked_rows import FIELD
from rakurs.app.rights import Scope
from rakurs.app.segments import segments_of
from rakurs.app.workspace import Workspace
from rakurs.state.models import User


def choices(workspace: Workspace, name: str, *, user: User | None, scope: Scope) -> tuple[tuple[str, str], ...]:
    """The values of a parameter's `options` as (value, label), by label; `user` None is the machine's owner."""
    if name == FIELD:
        return tuple((segment.id, segment.title) for segment in segments_of(user))
    return workspace.options(name, scope=scope)

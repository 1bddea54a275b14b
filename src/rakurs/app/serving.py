"""Which workspace does this server serve, and with which key do the commands of the same machine come in?"""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rakurs.app.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Serving:
    """The one workspace of this process and the key kept in the home's server file."""

    workspace: "Workspace"
    local_key: str


class _Place:
    """Holds what is served; set once at start, cleared at the end."""

    serving: Serving | None = None


def install(workspace: "Workspace", *, local_key: str) -> None:
    """From now on `current()` answers with `workspace`."""
    _Place.serving = Serving(workspace, local_key)


def clear() -> None:
    """Nothing is served any more."""
    _Place.serving = None


def current() -> "Workspace":
    """The workspace of this process. Only a started server has one."""
    if _Place.serving is None:
        raise RuntimeError("no workspace is open in this process: start it with rakurs.config.server")
    return _Place.serving.workspace


def is_local_key(candidate: str) -> bool:
    """Whether `candidate` is the key this server wrote into its home."""
    return _Place.serving is not None and secrets.compare_digest(candidate, _Place.serving.local_key)

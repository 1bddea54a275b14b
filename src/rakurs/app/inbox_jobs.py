"""When do rows that programs sent become numbers? A moment after they came, all that came together in one load."""

from pathlib import Path

from rakurs.app.inbox import Inbox, drain
from rakurs.app.segments import refresh_living
from rakurs.app.serving import current
from rakurs.app.watching import Watch

LOOK_SECONDS = 0.5

_watch = Watch("inbox", seconds=LOOK_SECONDS)
_inboxes: dict[Path, Inbox] = {}


def start() -> None:
    """Load what waits, and look again and again whether something does."""
    inbox()
    _watch.start(_look)


def stop() -> None:
    """Nothing more is loaded; what waits, waits for the next start."""
    _watch.stop()


def inbox() -> Inbox:
    """The inbox of the home that this process serves."""
    folder = current().home.inbox
    if folder not in _inboxes:
        _inboxes[folder] = Inbox(folder)
    return _inboxes[folder]


def _look() -> None:
    workspace, box = current(), inbox()
    # Living segments are counted when a pause comes: while rows stream in, numbers go first.
    if drain(workspace, box) and not box.waiting_bytes:
        refresh_living(workspace)

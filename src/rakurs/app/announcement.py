"""Does a server already own this home, and how is it reached? The home's server file tells."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from rakurs.app.home import Home

FOR_HEADER = "X-Rakurs-For"
"""For whom a command of this machine asks what belongs to people: a login, percent-encoded; empty for the first owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Where the server of a home listens; `key` opens it to commands of the same user of this machine."""

    host: str
    port: int
    key: str
    pid: int

    @property
    def url(self) -> str:
        """The address to open or to call."""
        return f"http://{self.host}:{self.port}"


def announce(home: Home, announcement: Announcement) -> None:
    """Write the server file, whole and for its owner's eyes only."""
    draft = home.server_file.with_suffix(f".{announcement.pid}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(asdict(announcement), file)
    draft.replace(home.server_file)


def withdraw(home: Home) -> None:
    """Remove the server file, if it is this process' own."""
    found = _read(home.server_file)
    if found is not None and found.pid == os.getpid():
        home.server_file.unlink(missing_ok=True)


def announced(home: Home) -> Announcement | None:
    """The server said to own `home`; None when there is none, or when its process is gone."""
    found = _read(home.server_file)
    return found if found is not None and _is_alive(found.pid) else None


def _read(file: Path) -> Announcement | None:
    try:
        return Announcement(**json.loads(file.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, TypeError):
        # A file of another version, or half of one left by a full disk, announces nobody.
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    if not status.exists():
        return False
    return status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:1] == ["Z"]

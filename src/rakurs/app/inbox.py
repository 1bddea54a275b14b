"""How is a row that a program sent never lost and never counted twice? It lies on the disk before the answer is given.

Lines are appended to a file of the home and synced; calls that come together share one sync. A file is closed before it is
loaded and removed after, so a server killed between the two loads it again: rows are known by their keys, and what the
warehouse already took changes nothing.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import BinaryIO

from rakurs.app.workspace import Workspace
from rakurs.core.errors import RakursError
from rakurs.core.text import Text
from rakurs.sources import events

MOST_WAITING_BYTES = 64 << 20
"""What may wait to be loaded: a program that sends faster is asked to wait instead of filling the disk."""
_SUFFIX = ".events"


class InboxFull(RakursError):
    """More waits than is taken; sent again later, it is welcome."""

    def __init__(self) -> None:
        super().__init__(
            Text(
                ru="Строк ждёт слишком много. Ничего не принято: повторите через несколько секунд.",
                en="Too many rows wait. Nothing was taken: send them again in a few seconds.",
            )
        )


class Inbox:
    """The waiting rows of one home. Thread-safe; one process owns it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing, self._syncing = Lock(), Lock()
        self._open: BinaryIO | None = None
        self._written = self._synced = 0
        folder.mkdir(exist_ok=True)
        # What a killed server left is whole up to its last line.
        self._number = max((int(path.stem) for path in folder.glob(f"*{_SUFFIX}")), default=0)
        self._waiting = sum(path.stat().st_size for path in self._closed())

    def put(self, lines: Sequence[bytes]) -> None:
        """Keep `lines`; on the disk when this returns. InboxFull when too much waits already."""
        content = b"".join(lines)
        with self._writing:
            if self._waiting + len(content) > MOST_WAITING_BYTES:
                raise InboxFull
            if self._open is None:
                self._number += 1
                self._open = (self._folder / f"{self._number:012d}{_SUFFIX}").open("ab")
            self._open.write(content)
            self._waiting += len(content)
            self._written += len(content)
            mine = self._written
        with self._syncing:
            if self._synced < mine:
                self._sync()

    def _sync(self) -> None:
        with self._writing:
            file, upto = self._open, self._written
            if file is not None:
                file.flush()
                os.fsync(file.fileno())
        self._synced = max(self._synced, upto)

    def close_file(self) -> tuple[Path, ...]:
        """Begin a new file with the next row; every file that is complete, the oldest first."""
        with self._syncing:
            self._sync()
            with self._writing:
                if self._open is not None:
                    self._open.close()
                    self._open = None
                # Looked up while nobody writes: a file that a call is just opening would pass for a complete one, and what it
                # goes on to write would go with it.
                return self._closed()

    def remove(self, files: Sequence[Path]) -> None:
        """These are loaded."""
        for path in files:
            size = path.stat().st_size
            path.unlink()
            with self._writing:
                self._waiting -= size

    @property
    def waiting_bytes(self) -> int:
        """How much waits to be loaded."""
        return self._waiting

    def _closed(self) -> tuple[Path, ...]:
        found = sorted(self._folder.glob(f"*{_SUFFIX}"))
        return tuple(path for path in found if self._open is None or Path(self._open.name) != path)


def drain(workspace: Workspace, box: Inbox) -> bool:
    """Load every complete file in one transaction, then remove them; whether there was anything."""
    files = box.close_file() if box.waiting_bytes else ()
    if not files:
        return False
    with TemporaryDirectory(dir=workspace.home.scratch) as scratch:
        workspace.take_in(events.deliveries(files, scratch=Path(scratch)))
    box.remove(files)
    return True

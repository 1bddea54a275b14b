"""How does a command reach a person's data: in a home that this process opens, or over the server that owns it?"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rakurs.app.announcement import announced
from rakurs.app.documents import Document
from rakurs.app.home import Home
from rakurs.app.workspace import Workspace
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Language


class PrivacyWork(Protocol):
    """The same deeds either way; answers come as documents in one language."""

    def look(self, who: str, *, language: Language) -> Document: ...

    def hand_over(self, who: str, target: Path) -> Path: ...

    def erase(self, who: str, *, with_deals: bool, language: Language, progress: Progress = silent) -> Document: ...

    def resume(self, *, language: Language, progress: Progress = silent) -> list[Document]: ...

    def erasures(self, *, language: Language) -> list[Document]: ...

    def let_in(self, erasure: str) -> None: ...

    def kept_for(self, *, language: Language) -> Document: ...

    def past_under(self, months: Mapping[str, int | None], *, language: Language) -> list[Document]: ...

    def keep_for(self, months: Mapping[str, int | None]) -> None: ...

    def let_go(self, *, language: Language, progress: Progress = silent) -> list[Document]: ...


class DirectPrivacy:
    """A workspace opened by this process; nobody else reads it."""

    def __init__(self, workspace: Workspace) -> None:
        from rakurs.state.opening import open_state  # noqa: PLC0415 - Django is half of a command's start-up

        open_state()
        from rakurs.app import inbox, privacy_desk  # noqa: PLC0415 - their models need the settings

        self._workspace, self._desk, self._inbox = workspace, privacy_desk, inbox

    def look(self, who: str, *, language: Language) -> Document:
        return self._desk.look(self._workspace, who, language=language)

    def hand_over(self, who: str, target: Path) -> Path:
        return self._desk.hand_over(self._workspace, who, target)

    def erase(self, who: str, *, with_deals: bool, language: Language, progress: Progress = silent) -> Document:
        self._take_waiting_in()
        erasure = self._desk.erase(self._workspace, who, with_deals=with_deals)
        self._desk.go_on(self._workspace, progress=progress)
        return _named(erasure, self.erasures(language=language))

    def resume(self, *, language: Language, progress: Progress = silent) -> list[Document]:
        self._take_waiting_in()
        self._desk.go_on(self._workspace, progress=progress)
        return self.erasures(language=language)

    def erasures(self, *, language: Language) -> list[Document]:
        return self._desk.erasures(self._workspace, language)

    def let_in(self, erasure: str) -> None:
        self._desk.let_in(self._workspace, erasure)

    def kept_for(self, *, language: Language) -> Document:
        return self._desk.kept_for(self._workspace, language)

    def past_under(self, months: Mapping[str, int | None], *, language: Language) -> list[Document]:
        return self._desk.past_under(self._workspace, months, language)

    def keep_for(self, months: Mapping[str, int | None]) -> None:
        self._desk.keep_for(self._workspace, months)

    def let_go(self, *, language: Language, progress: Progress = silent) -> list[Document]:
        return self._desk.let_go(self._workspace, language, progress=progress)

    def _take_waiting_in(self) -> None:
        """Rows that a server which is gone left waiting are taken in first: they may tell of the person."""
        if self._workspace.home.inbox.exists():
            self._inbox.drain(self._workspace, self._inbox.Inbox(self._workspace.home.inbox))


@contextmanager
def opened(home: Home) -> Generator[PrivacyWork]:
    """The home's own server when one owns it, else the home itself, opened here. Raises WarehouseBusy."""
    server = announced(home)
    if server is not None:
        from rakurs.app.privacy_remote import RemotePrivacy, answers  # noqa: PLC0415 - only where there is a server

        if answers(server):
            with RemotePrivacy(server) as remote:
                yield remote
            return
    with Workspace.open(home) as workspace:
        yield DirectPrivacy(workspace)


def _named(erasure: str, told: list[Document]) -> Document:
    return next(item for item in told if item["erasure"] == erasure)


def caught_up(home: Home) -> bool:
    """Erase anew whoever a backup brought back that lies in `home` now; whether there was anybody."""
    from rakurs.warehouse import forgotten  # noqa: PLC0415 - most backups come back where nobody was erased

    if not forgotten.listed(home.warehouse):
        return False
    with Workspace.open(home) as workspace:
        DirectPrivacy(workspace).resume(language="en")
    return True

"""How does a command reach a person's data while a server owns the home? Over its API, as the owner of the home."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rakurs.app.documents import Document
from rakurs.app.remote import POLL_SECONDS, RemoteWork, answers
from rakurs.core.errors import BadInput
from rakurs.core.loading import Progress, silent
from rakurs.core.text import Language, Text

__all__ = ["RemotePrivacy", "answers"]
_STEP = Text(ru="Сервер стирает", en="The server erases")


class RemotePrivacy(RemoteWork):
    """The server's desk of personal data."""

    def look(self, who: str, *, language: Language) -> Document:
        return self._document("POST", "/privacy/person", language, json={"who": who})

    def hand_over(self, who: str, target: Path) -> Path:
        return self._file("/privacy/person/export", {}, target, method="POST", json={"who": who})

    def erase(self, who: str, *, with_deals: bool, language: Language, progress: Progress = silent) -> Document:
        body = {"who": who, "with_deals": with_deals}
        erasure = self._document("POST", "/privacy/erasures", language, json=body)["erasure"]
        return next(item for item in self._ended(language, progress) if item["erasure"] == erasure)

    def resume(self, *, language: Language, progress: Progress = silent) -> list[Document]:
        return self._ended(language, progress)

    def erasures(self, *, language: Language) -> list[Document]:
        return self._list("GET", "/privacy/erasures", language)

    def let_in(self, erasure: str) -> None:
        self._document("POST", "/privacy/erasures/let-in", "en", json={"erasure": erasure})

    def kept_for(self, *, language: Language) -> Document:
        return self._document("GET", "/privacy/retention", language)

    def past_under(self, months: Mapping[str, int | None], *, language: Language) -> list[Document]:
        return self._list("POST", "/privacy/retention/preview", language, json={"months": dict(months)})

    def keep_for(self, months: Mapping[str, int | None]) -> None:
        self._document("PATCH", "/privacy/retention", "en", json={"months": dict(months)})

    def let_go(self, *, language: Language, progress: Progress = silent) -> list[Document]:
        progress(_STEP, done=0, total=0)
        return self._list("POST", "/privacy/retention/apply", language)

    def _ended(self, language: Language, progress: Progress) -> list[Document]:
        """All erasures once none is under way. BadInput where one cannot go on."""
        told = self.erasures(language=language)
        while waiting := [item for item in told if item["done_at"] is None]:
            stopped = next((words for item in waiting for words in item["left"]), None)
            if stopped is not None:
                raise BadInput(Text(ru=stopped, en=stopped))
            progress(_STEP, done=0, total=0)
            time.sleep(POLL_SECONDS)
            told = self.erasures(language=language)
        return told

    def _list(self, method: str, path: str, language: Language, *, json: Any = None) -> list[Document]:
        found: Any = self._document(method, path, language, json=json)
        return list(found)

"""A company that takes in what a base of 1C left on its disk, and its numbers as the base would tell them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rakurs.core.loading import LoadReport
from rakurs.sources.commerceml import SOURCE
from rakurs.sources.receiving import DONE, RECORD, Received, ReceivedFile
from sources.commerceml_client import Base, numbers_of
from sources.following import Following

PASSWORD = "секрет-1C-обмена"


class Follower(Following):
    """Takes in what a base left on the disk."""

    marts = ()

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.received = folder / "received"
        self.given = {"login": "exchange", "password": PASSWORD, "received": self.received, **settings}
        super().__init__(folder, SOURCE, SOURCE.settings.model_validate(self.given), prefix="commerceml")
        self.number = 0

    def left(
        self,
        *files: Mapping[str, bytes],
        kind: str = "catalog",
        is_told: bool = True,
        is_whole: bool = True,
        since: int | None = None,
        troubles: tuple[ReceivedFile, ...] = (),
    ) -> int:
        """An exchange that is over."""
        self.number += 1
        folder = self.received / DONE / f"{self.number:012d}"
        folder.mkdir(parents=True)
        taken: list[ReceivedFile] = []
        for name, content in [pair for group in files for pair in group.items()]:
            stored = f"{len(taken):05d}"
            (folder / stored).write_bytes(content)
            taken.append(ReceivedFile(name=name, stored=stored, state="taken"))
        now = datetime(2026, 9, 1, 12, tzinfo=UTC) + timedelta(hours=self.number)
        record = Received(
            number=self.number,
            since=since or self.number,
            kind=kind,
            key="k",
            begun_at=now,
            heard_at=now,
            is_told=is_told,
            is_whole=is_whole,
            files=[*taken, *troubles],
        )
        (folder / RECORD).write_text(record.model_dump_json(), encoding="utf-8")
        return self.number

    def sent(self, *files: Mapping[str, bytes], **given: Any) -> LoadReport:
        """An exchange and the run that takes it in."""
        self.left(*files, **given)
        return self.run("changes" if self.cursor else "full")

    def numbers(self) -> dict[str, Any]:
        return numbers_of(self.rows)

    def row(self, table: str, key: str) -> dict[str, Any]:
        return next(
            row for row in self.rows(table) if key in {value for name, value in row.items() if name == "source_id"}
        )


def whole(base: Base) -> dict[str, bytes]:
    return {"import.xml": base.catalogue(), "offers.xml": base.offers(), "orders.xml": base.documents()}


def remarks(report: LoadReport) -> str:
    return " ".join(note.en for file in report.files for note in file.notes)

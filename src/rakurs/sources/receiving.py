"""What does a system that sends its data by itself leave on the disk, and how do we know that it has sent all of it?

An exchange is a folder: one JSON record and a file for each document. It lies in `open` while documents come and in `done` once
it is over; nobody writes it after that. Exchanges are numbered, so a run reads those after its cursor.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, field_validator

from rakurs.core.errors import UnreadableFile
from rakurs.sources.live import SourceSettings

CURSOR = "exchange"
"""The name in a cursor of the last exchange that was taken in."""
OPEN, DONE, RECORD = "open", "done", "exchange.json"
LEAST_PASSWORD = 8
MOST_PIECE_MB = 64


class ReceivingSettings(SourceSettings):
    """How a system signs in to send, and in which pieces. Where it all lies (`received`) is said by the application, not by a person."""

    login: str
    password: SecretStr
    takes_zip: bool = True
    piece_mb: int = 4
    received: Path | None = Field(default=None, exclude=True)

    @field_validator("login")
    @classmethod
    def _is_login(cls, value: str) -> str:
        if not value.strip() or ":" in value:
            raise ValueError("a name without a colon is needed")
        return value.strip()

    @field_validator("password")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < LEAST_PASSWORD:
            raise ValueError(f"a password of {LEAST_PASSWORD} characters or more is needed")
        return value

    @field_validator("piece_mb")
    @classmethod
    def _is_possible(cls, value: int) -> int:
        if not 1 <= value <= MOST_PIECE_MB:
            raise ValueError(f"a whole number from 1 to {MOST_PIECE_MB} is needed")
        return value


class Unfinished(UnreadableFile):
    """A document that ends too early: the rest of it may still come."""


class ReceivedFile(BaseModel):
    """A document or archive of an exchange: `stored` is its file, `first` and `last` are the digests of its first and its last piece."""

    name: str
    stored: str
    state: Literal["coming", "opened", "unpacked", "taken", "refused"] = "coming"
    size: int = 0
    first: str = ""
    last: str = ""
    trouble_ru: str = ""
    trouble_en: str = ""


class Received(BaseModel):
    """One exchange: of which kind, what it brought, and whether it was said (`is_told`) and seen (`is_whole`) to be complete.

    What comes after an exchange was taken for over is another, that goes on from the one numbered `since`.
    """

    number: int
    since: int
    kind: str
    key: str
    begun_at: datetime
    heard_at: datetime
    is_told: bool = False
    is_whole: bool = False
    files: list[ReceivedFile] = []

    @property
    def taken(self) -> list[ReceivedFile]:
        """The documents that are whole, as they came."""
        return [file for file in self.files if file.state == "taken"]


def numbered(received: Path, stage: str) -> list[tuple[int, Path]]:
    """The exchanges of a stage, in the order they began, each with its folder."""
    folder = received / stage
    found = [path for path in folder.iterdir() if path.name.isdecimal()] if folder.exists() else []
    return sorted((int(path.name), path) for path in found)


def record_of(folder: Path) -> Received:
    """What is known of the exchange in `folder`."""
    return Received.model_validate(json.loads((folder / RECORD).read_text(encoding="utf-8")))

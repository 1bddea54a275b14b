"""What has a run gathered of files that lie elsewhere, which of them are meant, and what do they mean?

A file is known by its name; what it was `seen` like says whether it is another one since. It is written beside and put into its place
when it is whole, so that a killed run leaves no half of one. A run that goes on keeps what is whole and is still there.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from rakurs.core.source import Delivery
from rakurs.core.text import Text
from rakurs.sources.files.intake import deliveries as intake
from rakurs.sources.files.parts import KIND_BY_SUFFIX, is_junk
from rakurs.sources.files.profiles import remembered
from rakurs.sources.live import Change, Landing, SettingField, SourceSettings, Wanted
from rakurs.sources.spool import Spool

READING = Text(ru="Забираю файлы", en="Taking files")
FOUND = Text(ru="Файлы", en="Files")
PATTERN = SettingField(
    name="pattern",
    title=Text(ru="Какие файлы", en="Which files"),
    hint=Text(
        ru="Образцы через запятую, например продажи*.xlsx, *.csv. Пусто: все таблицы и архивы ZIP.",
        en="Patterns with commas, such as sales*.xlsx, *.csv. Empty: all tables and ZIP archives.",
    ),
)
_STREAM = "files"
_LONGEST_NAME = 200
"""Bytes of a name that every file system keeps."""
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]+")


class Gathered:
    """The files of one run, in its spool."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.folder, self._drafts = spool.folder / _STREAM, spool.folder / "drafts"
        self.folder.mkdir(exist_ok=True)
        self._drafts.mkdir(exist_ok=True)
        self._seen = {record["name"]: record["seen"] for record in spool.records(_STREAM)}

    @property
    def size(self) -> int:
        """How many bytes have come, halves of files too."""
        return sum(path.stat().st_size for folder in (self.folder, self._drafts) for path in folder.rglob("*"))

    def has(self, name: str, seen: str) -> bool:
        """Whether the file is here, whole, as it was seen."""
        return self._seen.get(name) == seen and (self.folder / name).is_file()

    def draft(self, name: str, seen: str) -> Path:
        """Where the file is written until it is whole; what a killed run wrote of it is still there."""
        return self._drafts / hashlib.blake2b(f"{name}\0{seen}".encode(), digest_size=16).hexdigest()

    def put(self, draft: Path, name: str, seen: str) -> None:
        """The draft is the whole file."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        size = draft.stat().st_size
        draft.replace(target)
        self._spool.append(_STREAM, [{"name": name, "seen": seen, "size": size}])
        self._seen[name] = seen

    def keep_only(self, names: Collection[str]) -> None:
        """Take back what an earlier try of the run gathered and is not there any more, or is not meant."""
        for name in self._seen.keys() - {*names}:
            (self.folder / name).unlink(missing_ok=True)
            del self._seen[name]


def is_meant(name: str, pattern: str) -> bool:
    """Whether a file of that name is to be loaded: one of the patterns fits, or it may be a table where there is none."""
    if is_junk(name):
        return False
    base = PurePosixPath(name).name.lower()
    patterns = [part.strip().lower() for part in pattern.split(",") if part.strip()]
    return any(fnmatch(base, one) for one in patterns) if patterns else PurePosixPath(base).suffix in KIND_BY_SUFFIX


def is_wanted(wanted: Wanted, changed_at: datetime, seen: str, *, known: str | None) -> bool:
    """Whether the run is to bring a file: all, those of a period, or those that are other than they were."""
    if wanted.kind == "period":
        day = changed_at.date()
        return (wanted.from_day or day) <= day <= (wanted.to_day or day)
    return wanted.kind == "full" or seen != known


def gathered_deliveries(spool: Spool, landing: Landing, *, by_folder: bool = True) -> Iterator[Delivery]:
    """What the files hold, read as a person's own files are. Raises MappingNeeded where every shape of them is new.

    Files of one name in several folders are several files, unless `by_folder` is no: then the later one is the former anew.
    """
    folder = spool.folder / _STREAM
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if files:
        scratch = spool.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        yield from intake(
            files, profiles=remembered(landing.profiles), scratch=scratch, root=folder if by_folder else None
        )


def tells_nothing(_settings: SourceSettings, _form: Mapping[str, str]) -> tuple[Change, ...]:
    """Files do not tell of themselves."""
    return ()


def told_name(headers: Message) -> str:
    """What headers call the file they stand before, in whichever of the known ways; empty where they call it nothing."""
    plain = Message()
    for header, value in headers.raw_items():
        plain[header] = _text(str(value).encode(errors="surrogateescape"), "utf-8")
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        told = plain.get_params([], header=header) or []
        # The last one: a name in plain letters comes first, for programs that know no other.
        for name, value in reversed(told):
            if name.lower() == parameter and value:
                return safe_name(_unfolded(value))
    return ""


def safe_name(name: str) -> str:
    """The name without folders, control characters and what no file system keeps; its ending stays."""
    base = PurePosixPath(_UNSAFE.sub(" ", name).replace("\\", "/")).name.strip(". ")
    ending = PurePosixPath(base).suffix if len(PurePosixPath(base).suffix) < 16 else ""
    stem = base.removesuffix(ending).encode()[: _LONGEST_NAME - len(ending.encode())]
    return stem.decode(errors="ignore") + ending


def words_of(header: str) -> str:
    """A header as people read it: encoded words decoded, in whatever charset they claim."""
    try:
        parts = decode_header(header)
    except (HeaderParseError, ValueError):
        return header
    plain = "raw-unicode-escape"
    return "".join(part if isinstance(part, str) else _text(part, charset or plain) for part, charset in parts)


def _unfolded(value: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(value, str):
        return words_of(value)
    charset, _, text = value
    return _text(text.encode("latin-1", "replace"), charset or "utf-8")


def _text(content: bytes, charset: str) -> str:
    for name in (charset, "utf-8", "cp1251"):
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return content.decode("cp1251", "replace")

"""Which documents are in an archive that a system sent? Unpacked one by one, so that no name leads anywhere and nothing fills the disk."""

import os
import shutil
import zipfile
import zlib
from pathlib import Path

from rakurs.core.errors import UnreadableFile
from rakurs.core.text import Text
from rakurs.sources.files.archives import ALWAYS_ALLOWED_BYTES, MAX_RATIO, member_name
from rakurs.sources.receiving import Unfinished

DOCUMENT, ARCHIVE = ".xml", ".zip"
_CHUNK = 1 << 20
_BEGINS = b"PK\x03\x04"
_DAMAGES = (zipfile.BadZipFile, EOFError, zlib.error, NotImplementedError, ValueError)
_DAMAGED = Text(ru="архив повреждён. Повторите обмен.", en="the archive is damaged. Repeat the exchange.")
_CUT_OFF = Text(ru="архив пришёл не весь. Повторите обмен.", en="the archive came in part. Repeat the exchange.")
_LOCKED = Text(
    ru="архив закрыт паролем. Уберите пароль в настройке обмена.",
    en="the archive is locked with a password. Take it off.",
)
_BOMB = Text(
    ru="архив раздувается подозрительно сильно. Выключите сжатие в настройках подключения и повторите обмен.",
    en="the archive grows suspiciously when unpacked. Turn compression off in the connection's settings and repeat the exchange.",
)
_NO_ROOM = Text(ru="не хватает места на диске для распаковки.", en="there is not enough disk space to unpack it.")


def is_archive(name: str) -> bool:
    """Whether a file is one, by its name."""
    return name.lower().endswith(ARCHIVE)


def documents_in(path: Path, *, name: str, scratch: Path) -> list[tuple[str, Path]]:
    """The documents of an archive, synced under `scratch`, each with the end of the name it has inside, which is a label and no path;
    what else is in it is passed by.

    Unfinished where the rest of the archive may still come, UnreadableFile where it is broken or too large for what it was.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if one.filename.lower().endswith(DOCUMENT)]
            _check(members, path=path, name=name)
            return [
                (_label(member), _unpacked(archive, member, scratch / f"unpacking-{number}", name=name))
                for number, member in enumerate(members)
            ]
    except _DAMAGES as error:
        with path.open("rb") as file:
            is_begun = file.read(len(_BEGINS)) in {_BEGINS, b""} and not zipfile.is_zipfile(path)
        raise (Unfinished(name, _CUT_OFF) if is_begun else UnreadableFile(name, _DAMAGED)) from error


def _label(member: zipfile.ZipInfo) -> str:
    end = member_name(member).replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in end if sign.isprintable())


def _check(members: list[zipfile.ZipInfo], *, path: Path, name: str) -> None:
    total = sum(member.file_size for member in members)
    if total > max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * path.stat().st_size):
        raise UnreadableFile(name, _BOMB)
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile(name, _LOCKED)
    if total > shutil.disk_usage(path.parent).free:
        raise UnreadableFile(name, _NO_ROOM)


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, *, name: str) -> Path:
    # The size in the directory is only a claim: what really comes out is counted too.
    left = member.file_size
    with archive.open(member) as packed, target.open("wb") as document:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise UnreadableFile(name, _BOMB)
            document.write(chunk)
        document.flush()
        os.fsync(document.fileno())
    return target

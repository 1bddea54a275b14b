"""Archives: what is inside a ZIP, unpacked so that no member can leave its folder or fill the disk?"""

import errno
import hashlib
import shutil
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from rakurs.core.errors import UnreadableFile
from rakurs.core.text import Text

MAX_MEMBERS = 10_000
MAX_RATIO = 200
"""No honest table shrinks more than this; a bomb shrinks a thousand times."""
ALWAYS_ALLOWED_BYTES = 64 << 20
_UTF8_FLAG = 0x800

_DAMAGED = Text(
    ru="архив повреждён. Скачайте или упакуйте его заново.", en="the archive is damaged. Download or pack it again."
)
_LOCKED = Text(
    ru="архив закрыт паролем. Распакуйте его и дайте папку.",
    en="the archive is locked with a password. Unpack it and give the folder.",
)
_BOMB = Text(
    ru="архив раздувается подозрительно сильно. Распакуйте его сами и дайте папку.",
    en="the archive grows suspiciously when unpacked. Unpack it yourself and give the folder.",
)
_ESCAPES = Text(
    ru="имя «{name}» внутри архива ведёт за его пределы. Упакуйте архив заново.",
    en="the name “{name}” inside leads out of the archive. Pack it again.",
)
_FULL = Text(ru="не хватает места на диске для распаковки.", en="there is not enough disk space to unpack it.")

# What zipfile raises over broken bytes: places beyond the file, unknown methods, names no file can have.
_DAMAGES = (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError, struct.error)


def extracted(path: Path, *, file: str, scratch: Path) -> Path:
    """A folder under `scratch` with the members of the archive, under their own names."""
    folder = scratch / f"zip-{hashlib.blake2b(file.encode(), digest_size=8).hexdigest()}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check(members, path=path, file=file, scratch=scratch)
            for member in members:
                _extract(archive, member, folder=folder, file=file)
    except _DAMAGES as error:
        is_full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        raise UnreadableFile(file, _FULL if is_full else _DAMAGED) from error
    return folder


def _check(members: list[zipfile.ZipInfo], *, path: Path, file: str, scratch: Path) -> None:
    total = sum(member.file_size for member in members)
    allowed = max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * path.stat().st_size)
    if total > allowed or len(members) > MAX_MEMBERS:
        raise UnreadableFile(file, _BOMB)
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile(file, _LOCKED)
    if total > shutil.disk_usage(scratch).free:
        raise UnreadableFile(file, _FULL)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, folder: Path, file: str) -> None:
    name = member_name(member)
    steps = PurePosixPath(name.replace("\\", "/"))
    if steps.is_absolute() or ".." in steps.parts or ":" in steps.parts[0]:
        raise UnreadableFile(file, _ESCAPES.filled(name=name))
    target = folder.joinpath(*steps.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The size in the directory is only a claim: what really comes out is counted too.
    left = member.file_size
    with archive.open(member) as packed, target.open("wb") as unpacked:
        while chunk := packed.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise UnreadableFile(file, _BOMB)
            unpacked.write(chunk)


def member_name(member: zipfile.ZipInfo) -> str:
    """The member's name; Windows archivers write Cyrillic in the DOS code page without saying so."""
    if member.flag_bits & _UTF8_FLAG:
        return member.filename
    raw = member.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "cp866"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename

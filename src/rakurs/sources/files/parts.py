"""Parts: which table-like files are in what a person gave: a file, a folder, an archive?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rakurs.core.errors import UnreadableFile
from rakurs.core.text import Text
from rakurs.sources.files.archives import extracted

KIND_BY_SUFFIX = {
    ".csv": "text",
    ".tsv": "text",
    ".tab": "text",
    ".txt": "text",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
    ".xlsb": "workbook",
    ".xls": "workbook",
    ".ods": "workbook",
    ".parquet": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".zip": "zip",
}
_JUNK = re.compile(r"^(~\$.*|\..*|__MACOSX|Thumbs\.db|desktop\.ini)$", re.IGNORECASE)
_ZIP_DEPTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file to read. `file` is its display name, the same on every load; `path` is where it lies now."""

    file: str
    path: Path
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies under a path: the parts to read, and names of files that are no tables."""

    parts: tuple[Part, ...]
    skipped: tuple[str, ...]


def is_junk(name: str) -> bool:
    """Whether a file or folder name is a leftover of an office program or of an operating system."""
    return any(_JUNK.match(step) for step in PurePosixPath(name).parts if step != "..")


def found(path: Path, *, scratch: Path, name: str = "") -> Found:
    """Every part under `path`, in name order; archives are unpacked into `scratch`. A file is called `name` where it is given."""
    if not path.exists():
        raise UnreadableFile(
            str(path),
            Text(ru="такого файла или папки нет. Проверьте путь.", en="no such file or folder. Check the path."),
        )
    listed = list(_listed(path, file=name or path.name, scratch=scratch, depth=0))
    parts = tuple(part for part in listed if part.kind)
    if not parts:
        raise UnreadableFile(
            path.name,
            Text(
                ru="здесь нет таблиц. Подойдут CSV, TSV, XLSX, Parquet, JSON Lines или ZIP с ними.",
                en="there are no tables here. CSV, TSV, XLSX, Parquet, JSON Lines or a ZIP of them will do.",
            ),
        )
    return Found(parts=parts, skipped=tuple(part.file for part in listed if not part.kind))


def _listed(path: Path, *, file: str, scratch: Path, depth: int) -> Iterator[Part]:
    if path.is_dir():
        yield from _in_folder(path, prefix="", scratch=scratch, depth=depth)
        return
    kind = _kind(path)
    if kind == "zip":
        yield from _in_archive(path, file=file, scratch=scratch, depth=depth)
        return
    # A file named on its own is read whatever its name ends with; among others an unknown one is left out.
    yield Part(file=file, path=path, kind=kind or ("text" if depth == 0 else ""))


def _in_folder(folder: Path, *, prefix: str, scratch: Path, depth: int) -> Iterator[Part]:
    for inner in sorted(item for item in folder.rglob("*") if item.is_file()):
        relative = inner.relative_to(folder).as_posix()
        if not is_junk(relative):
            yield from _listed(inner, file=prefix + relative, scratch=scratch, depth=max(depth, 1))


def _in_archive(path: Path, *, file: str, scratch: Path, depth: int) -> Iterator[Part]:
    if depth >= _ZIP_DEPTH:
        raise UnreadableFile(
            file,
            Text(ru="слишком много архивов друг в друге. Распакуйте их.", en="archives nested too deep. Unpack them."),
        )
    folder = extracted(path, file=file, scratch=scratch)
    yield from _in_folder(folder, prefix=file + "/", scratch=scratch, depth=depth + 1)


def _kind(path: Path) -> str:
    """The kind by name, corrected by the first bytes: a workbook called .csv, text called .xls."""
    named = KIND_BY_SUFFIX.get(path.suffix.lower(), "")
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "workbook"
    if head.startswith(b"PK\x03\x04"):
        return named if named in {"workbook", "zip"} else _zip_kind(path)
    if named == "workbook" and head:
        return "text"
    return named


def _zip_kind(path: Path) -> str:
    with path.open("rb") as stream:
        return "workbook" if b"[Content_Types].xml" in stream.read(4096) else "zip"

"""Intake: what did a person give, what does it mean, and is it ready for the warehouse?"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from rakurs.core.errors import MappingNeeded, UnreadableFile
from rakurs.core.loading import Progress, silent
from rakurs.core.source import Delivery, FileMapping, Scan
from rakurs.core.text import Text
from rakurs.schema import TABLES
from rakurs.sources.files.charset import Told
from rakurs.sources.files.columnar import json_parts, json_records, parquet_parts, parquet_records
from rakurs.sources.files.guessing import ColumnGuess, column_guesses, main_table
from rakurs.sources.files.parts import Part, found
from rakurs.sources.files.profiles import Profile, best_fit, profile_of
from rakurs.sources.files.recognition import RecognisedBy, recognised, settled
from rakurs.sources.files.scratch_tables import scratch_file, write_table
from rakurs.sources.files.shapes import Shape
from rakurs.sources.files.tablepart import TablePart
from rakurs.sources.files.texts import SAMPLE_ROWS, text_parts, text_records
from rakurs.sources.files.workbooks import workbook_parts

PREVIEW_ROWS = 20
RAW_ONLY = "raw"
"""The entity of a file that feeds no canonical table and is kept in the raw zone only."""

_LOOKING = Text(ru="Просматриваю файлы", en="Looking at the files")
_SKIPPED = Text(ru="Пропущены, потому что это не таблицы: {names}", en="Skipped, being no tables: {names}")
_NO_RECORDS = Text(
    ru="в отчёте не нашлось строк с датой или документом. Выгрузите его без группировок.",
    en="the report has no rows with a date or a document. Export it without groups.",
)
_LOAD_ORDER = {table.name: place for place, table in enumerate(TABLES)}
_READERS: dict[str, Callable[..., tuple[TablePart, ...]]] = {
    "text": text_parts,
    "workbook": workbook_parts,
    "parquet": parquet_parts,
    "json": json_parts,
}
_RECORDS: dict[str, Callable[..., Iterator[list[str]]]] = {
    "delimited": text_records,
    "parquet": parquet_records,
    "jsonl": json_records,
}


_NO_LONGER = Text(
    ru="профиль, по которому он прочитан, больше ему не подходит. Загрузите файл заново.",
    en="the profile it was read by fits it no more. Load the file again.",
)
_UNMAPPED = Text(
    ru="Такой файл ещё не встречался: он сохранён как есть и пока никуда не входит. Загрузите его отдельно, чтобы "
    "подтвердить, что значат столбцы",
    en="This shape of file is new: it is kept as it came and feeds nothing yet. Load it by itself to confirm what its "
    "columns mean",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One table found in what a person gave: how to read it, what it means and who says so."""

    file: str
    scan: Scan
    recognised_by: RecognisedBy
    mapping: FileMapping
    guesses: tuple[ColumnGuess, ...]
    notes: tuple[Text, ...]
    rows_estimate: int
    sample: tuple[tuple[str, ...], ...]
    """The first records as text, one cell per column."""
    content_hash: str
    size_bytes: int

    @property
    def preview(self) -> tuple[tuple[str, ...], ...]:
        """As many records as a person looks at."""
        return self.sample[:PREVIEW_ROWS]

    @property
    def entity(self) -> str:
        """The canonical table the file is mostly about, or "raw"."""
        return main_table(self.mapping)

    @property
    def profile(self) -> Profile:
        """The mapping with the header it fits, ready to be saved and remembered."""
        return profile_of(self.mapping, columns=self.scan.columns)


def inspect(
    path: Path,
    *,
    profiles: Sequence[Profile] = (),
    scratch: Path,
    profile: Profile | FileMapping | None = None,
    progress: Progress = silent,
    name: str = "",
) -> tuple[Inspected, ...]:
    """Every table under `path` (a file, a folder, a ZIP), those that are referred to first.

    `profile` overrules all recognition where it fits. Nothing is loaded; `scratch` must live as long as the result. A
    file is called `name` where it is given, else by its own.
    """
    # Files of one name from several folders must not meet in one scratch file.
    scratch = scratch / hashlib.blake2b(str(path.resolve()).encode(), digest_size=8).hexdigest()
    scratch.mkdir(parents=True, exist_ok=True)
    all_found = found(path, scratch=scratch, name=name)
    inspected: list[Inspected] = []
    sizes = [part.path.stat().st_size for part in all_found.parts]
    for place, part in enumerate(all_found.parts):
        told = _told(progress, before=sum(sizes[:place]), size=sizes[place], total=sum(sizes))
        inspected.extend(_inspected(part, profiles=profiles, profile=profile, scratch=scratch, told=told))
    progress(_LOOKING, done=sum(sizes), total=sum(sizes))
    inspected.sort(key=lambda item: (_load_place(item.mapping), item.file))
    if all_found.skipped:
        note = _SKIPPED.filled(names=", ".join(all_found.skipped[:10]))
        inspected[0] = replace(inspected[0], notes=(*inspected[0].notes, note))
    return tuple(inspected)


def loaded_before(scan: Scan, mapping: FileMapping, *, file: str, rows: int) -> Inspected:
    """A table that was loaded before, with what it was taken for; `scan` reads it from where it is kept as text."""
    width = len(scan.columns)
    stored = islice(_RECORDS[scan.kind](scan, file=file), SAMPLE_ROWS)
    sample = tuple(tuple(row[:width]) for row in stored if any(row))
    part = TablePart(
        file=file, stem=Path(file).stem, scan=scan, sample=sample, rows_estimate=rows, content_hash="", size_bytes=0
    )
    return Inspected(
        file=file,
        scan=scan,
        recognised_by="profile",
        mapping=mapping,
        guesses=column_guesses(part, mapping),
        notes=(),
        rows_estimate=rows,
        sample=sample,
        content_hash="",
        size_bytes=0,
    )


def meaning_in(profiles: Sequence[Profile], item: Inspected) -> FileMapping:
    """What the profile that `item` was read by says of it now. UnreadableFile where it says nothing any more."""
    named = [profile for profile in profiles if profile.name == item.mapping.name]
    fit = best_fit(named, item.scan.columns, stem=Path(item.file).stem)
    if fit is None:
        raise UnreadableFile(item.file, _NO_LONGER)
    return settled(fit[1].mapping, item.scan.columns, file=item.file)[0]


def deliveries(
    paths: Sequence[Path],
    *,
    profiles: Sequence[Profile] = (),
    profile: Profile | FileMapping | None = None,
    scratch: Path,
    progress: Progress = silent,
    root: Path | None = None,
) -> Iterator[Delivery]:
    """What `paths` hold, ready to be loaded, those that are referred to first. Files are called by their way from `root`.

    A table of a new shape among known ones is kept as it came, feeds nothing yet and says so. MappingNeeded when
    every table is new: then nothing is delivered, and the proposal is the profile to confirm. UnreadableFile when
    any cannot be read.
    """
    inspected = [
        item
        for path in paths
        for item in inspect(
            path,
            profiles=profiles,
            profile=profile,
            scratch=scratch,
            progress=progress,
            name="" if root is None else path.relative_to(root).as_posix(),
        )
    ]
    if inspected and all(item.recognised_by == "proposal" for item in inspected):
        raise MappingNeeded(inspected[0].file, inspected[0].profile)
    inspected.sort(key=lambda item: _load_place(item.mapping))
    for item in inspected:
        yield delivery_of(_kept_raw(item) if item.recognised_by == "proposal" else item)


def _kept_raw(item: Inspected) -> Inspected:
    """A table nobody has mapped yet, as a delivery that feeds no canonical table."""
    return replace(item, mapping=FileMapping(name=RAW_ONLY, tables=()), notes=(*item.notes, _UNMAPPED))


def delivery_of(item: Inspected) -> Delivery:
    """An inspected table as the warehouse takes it."""
    return Delivery(
        entity=item.entity,
        slot=item.file,
        scan=item.scan,
        mapping=item.mapping,
        content_hash=item.content_hash,
        size_bytes=item.size_bytes,
        notes=item.notes,
    )


def words_of(item: Inspected, columns: Sequence[str], *, most: int) -> tuple[tuple[str, ...], ...]:
    """The distinct non-empty values of `columns` over the whole table, in file order: `most` of them, and one more
    where there are more. The scratch folder it was inspected with must still be there.
    """
    places = [item.scan.columns.index(column) for column in columns]
    seen: dict[tuple[str, ...], None] = {}
    rows = _RECORDS[item.scan.kind](item.scan, file=item.file)
    for row in _without_totals(rows, count=item.scan.tail_rows, header=list(item.scan.header_values)):
        words = tuple(row[place].strip() for place in places)
        if words[-1]:
            seen.setdefault(words)
        if len(seen) > most:
            break
    return tuple(seen)


def records(part: TablePart) -> Iterator[list[str]]:
    """Every row of a table from its first record on, as text; blank rows too, totals at the end not."""
    rows = _RECORDS[part.scan.kind](part.scan, file=part.file)
    return _without_totals(rows, count=part.scan.tail_rows, header=list(part.scan.header_values))


def _told(progress: Progress, *, before: int, size: int, total: int) -> Told:
    """Progress in bytes over all parts, from the share of one that is read."""
    return lambda share: progress(_LOOKING, done=before + int(share * size), total=total)


def _inspected(
    part: Part, *, profiles: Sequence[Profile], profile: Profile | FileMapping | None, scratch: Path, told: Told
) -> Iterator[Inspected]:
    told(0.0)
    for table in _READERS[part.kind](part, scratch=scratch, told=told):
        known = recognised(
            table,
            profiles=profiles,
            forced=profile,
            records=records,
            tidied=lambda table, shape: _tidied(table, shape, scratch=scratch),
        )
        read = known.part
        yield Inspected(
            file=read.file,
            scan=read.scan,
            recognised_by=known.by,
            mapping=known.mapping,
            guesses=known.guesses,
            notes=(*read.notes, *known.notes),
            rows_estimate=read.rows_estimate,
            sample=read.sample,
            content_hash=read.content_hash,
            size_bytes=read.size_bytes,
        )


def _tidied(table: TablePart, shape: Shape, *, scratch: Path) -> TablePart:
    """A printed report rewritten as records, row under row, so that row numbers stay true."""
    if shape.tidied is None:
        return table
    columns, rows = shape.tidied(table.scan.columns, records(table))
    target = scratch_file(scratch, table.file + "/tidied", ".parquet")
    write_table(rows, columns=columns, target=target)
    scan = replace(table.scan, kind="parquet", path=target, columns=columns, header_values=(), tail_rows=0)
    filled = [tuple(row) for row in parquet_records(scan, file=table.file) if any(row)]
    if not filled:
        raise UnreadableFile(table.file, _NO_RECORDS)
    return replace(table, scan=scan, sample=tuple(filled[:SAMPLE_ROWS]), rows_estimate=len(filled))


def _without_totals(rows: Iterator[list[str]], *, count: int, header: list[str]) -> Iterator[list[str]]:
    """Holds back as many filled rows as are totals, with the blank ones after them."""
    held: deque[list[str]] = deque()
    filled = 0
    for row in rows:
        kept = [""] * len(row) if row == header else row
        held.append(kept)
        filled += _is_filled(kept)
        while filled > count:
            filled -= _is_filled(held[0])
            yield held.popleft()


def _is_filled(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row)


def _load_place(mapping: FileMapping) -> int:
    return _LOAD_ORDER.get(main_table(mapping), len(_LOAD_ORDER))

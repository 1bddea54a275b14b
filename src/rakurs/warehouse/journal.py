"""Which loads made the tables, told beside the raw batches, so that a lost database can be made again?

`raw/_loads/<moment>-<load id>.json` holds one load: its report, the company's time zone and currency at the time, and
every batch it brought with the way it was read and what its columns mean. While the database is there, it decides
which loads are done. A load writes its record under the name `.prepared` just before it commits and renames it
afterwards; what a kill left prepared is asked of the database at the next opening: known there, the load is done,
unknown, it never was. Where the database itself is gone, a prepared load counts as done: its rows are all here.
"""

import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rakurs import __version__
from rakurs.core.loading import LoadReport
from rakurs.warehouse.ledger import Entry, report_fields, report_of
from rakurs.warehouse.raw import UNFINISHED, flush_to_disk

FOLDER = "_loads"
"""No source's folder is called so: theirs begin with a letter or a digit."""
LAYOUT = 1
_DONE = ".json"
_PREPARED = ".prepared"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadRecord:
    """One load as the raw zone remembers it: enough to make it again. `timezone` and `currency` are the company's."""

    report: LoadReport
    entries: Sequence[Entry]
    timezone: str
    currency: str


def prepare(raw: Path, record: LoadRecord) -> Path:
    """Write `record` durably, to count once `confirm` or the database says so."""
    folder = raw / FOLDER
    folder.mkdir(exist_ok=True)
    prepared = folder / f"{record.report.started_at:%Y%m%dT%H%M%S.%f}-{record.report.load_id}{_PREPARED}"
    unfinished = prepared.with_suffix(UNFINISHED)
    unfinished.write_text(_text_of(record), encoding="utf-8")
    flush_to_disk(unfinished)
    unfinished.replace(prepared)
    flush_to_disk(folder)
    flush_to_disk(raw)
    return prepared


def confirm(prepared: Path) -> None:
    """The load of this record is done."""
    prepared.replace(prepared.with_suffix(_DONE))


def settle(raw: Path, *, committed: Collection[str] | None) -> None:
    """Confirm what is prepared and `committed`, drop the rest. None: there is no database to ask, all of it counts."""
    for prepared in (raw / FOLDER).glob(f"*{_PREPARED}"):
        if committed is None or _load_id(prepared) in committed:
            confirm(prepared)
        else:
            prepared.unlink()


def recorded(raw: Path) -> set[str]:
    """The ids of all loads on record."""
    return {_load_id(path) for path in _done(raw)}


def records(raw: Path, *, without: Collection[str] = ()) -> list[LoadRecord]:
    """Every load on record but those named, oldest first."""
    found = [_record(path) for path in _done(raw) if _load_id(path) not in without]
    return sorted(found, key=lambda record: (record.report.started_at, record.report.load_id))


def _done(raw: Path) -> list[Path]:
    return list((raw / FOLDER).glob(f"*{_DONE}"))


def _load_id(path: Path) -> str:
    return path.stem.rpartition("-")[2]


def _text_of(record: LoadRecord) -> str:
    document = {
        "layout": LAYOUT,
        "rakurs": __version__,
        "company": {"timezone": record.timezone, "currency": record.currency},
        "report": report_fields(record.report),
        "batches": [_batch_of(entry) for entry in record.entries],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + os.linesep


def _batch_of(entry: Entry) -> dict[str, Any]:
    """An entry without what the report says already; counts are made again with the tables."""
    fields = asdict(entry)
    for name in ("load_id", "started_at", "counts"):
        del fields[name]
    return {**fields, "scan": json.loads(entry.scan), "mapping": json.loads(entry.mapping)}


def _record(path: Path) -> LoadRecord:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    report = report_of(document["report"])
    return LoadRecord(
        report=report,
        entries=[_entry(batch, report.load_id, report.started_at) for batch in document["batches"]],
        timezone=document["company"]["timezone"],
        currency=document["company"]["currency"],
    )


def _entry(batch: dict[str, Any], load_id: str, started_at: datetime) -> Entry:
    # The same texts the ledger holds, so that the same file is known again.
    texts = {name: json.dumps(batch[name], ensure_ascii=False, sort_keys=True) for name in ("scan", "mapping")}
    return Entry(**{**batch, **texts}, load_id=load_id, started_at=started_at, counts="[]")

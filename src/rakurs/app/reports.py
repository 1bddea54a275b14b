"""A load's report on its way through JSON and back, in both languages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from rakurs.core.loading import FileCount, LoadReport, TableCount
from rakurs.core.text import Text

REPORT = TypeAdapter(LoadReport)


def report_kept(report: LoadReport) -> dict[str, Any]:
    """The report as plain JSON values, both languages kept."""
    kept: dict[str, Any] = REPORT.dump_python(report, mode="json")
    return kept


def report_read(kept: Mapping[str, Any]) -> LoadReport:
    """The report that `report_kept` wrote."""
    return REPORT.validate_python(kept)


def report_from(russian: Mapping[str, Any], english: Mapping[str, Any]) -> LoadReport:
    """The report behind the same load document in two languages."""
    files = tuple(
        FileCount(
            file=ru["file"],
            shape=ru["shape"],
            rows=ru["rows"],
            is_unchanged=ru["is_unchanged"],
            notes=tuple(Text(ru=a, en=b) for a, b in zip(ru["notes"], en["notes"], strict=True)),
        )
        for ru, en in zip(russian["files"], english["files"], strict=True)
    )
    return LoadReport(
        load_id=russian["load_id"],
        started_at=datetime.fromisoformat(russian["started_at"]),
        seconds=russian["seconds"],
        files=files,
        tables=tuple(TableCount(**table) for table in russian["tables"]),
        data_version=russian["data_version"],
    )

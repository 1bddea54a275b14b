"""A reconciliation told to a face: as a document, as a file, and which deals wait in quarantine."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rakurs.app.answers_json import column_document, plain, rows_of
from rakurs.app.exporting import Content
from rakurs.app.formats import Format
from rakurs.app.printing.sheet import members_sheet
from rakurs.app.reconciling import Reconciliation
from rakurs.core.answer import MembersAnswer
from rakurs.core.periods import DAY
from rakurs.core.text import Language, Text
from rakurs.metrics import metric_named
from rakurs.schema.rules import rule_named
from rakurs.warehouse.warehouse import Warehouse

MOST_SET_ASIDE = 1_000_000

_TITLE = Text(ru="Сверка: {metric}", en="Reconciliation: {metric}")


def reconciliation_document(found: Reconciliation, language: Language) -> dict[str, Any]:
    """Both numbers, the reasons, and every deal that counts differently."""
    window = found.window
    return {
        "metric": found.metric,
        "title": metric_named(found.metric).title.to(language),
        "unit": found.unit.code,
        "from_day": plain(window.start, language),
        "to_day": None if window.end is None else plain(window.end - DAY, language),
        "ours": plain(found.ours, language),
        "theirs": plain(found.theirs, language),
        "difference": plain(found.difference, language),
        "by_reason": [
            {"reason": code, "title": title.to(language), "deals": deals, "difference": plain(difference, language)}
            for code, title, deals, difference in found.by_reason
        ],
        "columns": [column_document(column, language) for column in found.columns],
        "rows": rows_of(found.table),
        "notes": [note.to(language) for note in found.notes],
    }


def reconciliation_content(found: Reconciliation, form: Format, *, company: str, made_at: datetime) -> Content:
    """The differing deals as the content of a file."""
    title = _TITLE.to(form.language).format(metric=metric_named(found.metric).title.to(form.language))
    rows = MembersAnswer(
        entity="deals", key="deal_id", columns=found.columns, table=found.table, total_rows=found.table.num_rows
    )
    return Content(
        table=found.table,
        columns=found.columns,
        form=form,
        company=company,
        made_at=made_at,
        document=lambda: reconciliation_document(found, form.language),
        sheet=lambda: members_sheet(title, rows, form),
    )


def set_aside(warehouse: Warehouse) -> Mapping[str, str]:
    """The ids of the deals that wait in quarantine, each with the rule it broke."""
    rows = warehouse.quarantined(table="deals", limit=MOST_SET_ASIDE).select(["key", "rule"]).to_pylist()
    return {str(json.loads(row["key"])[0]): rule_named(row["rule"]).code for row in rows if row["key"]}

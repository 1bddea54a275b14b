"""An answer of any analysis' shape with made-up numbers: for tests of how answers are drawn and written."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from rakurs.analyses import AREAS
from rakurs.app.asking import ARROW_TYPES, chart_rows
from rakurs.core.analysis import Analysis
from rakurs.core.answer import Answer, Passport
from rakurs.core.text import Text

ALL = [analysis for area in AREAS for analysis in area.analyses]
WORDS = Text(ru="слова", en="words")
SAMPLES: dict[str, Any] = {
    "text": lambda row, unit: f"{unit.code} {row}",
    "number": lambda row, unit: row + 1,
    "money": lambda row, unit: Decimal(1000 * (row + 1)),
    "share": lambda row, unit: (row + 1) / 10,
    "day": lambda row, unit: date(2026, row + 1, 1),
    "time": lambda row, unit: datetime.fromisoformat(f"2026-0{row + 1}-01"),
    "flag": lambda row, unit: row < 3,
}


def answer_of(analysis: Analysis, rows: int = 4, **empty: None) -> Answer:
    """An answer of the analysis' shape, its numbers made up; columns named in `empty` hold nothing."""
    table = pa.table(
        {
            column.name: pa.array(
                [
                    None
                    if column.name in empty
                    else next(iter(column.choices), None) or SAMPLES[column.unit.kind](row, column.unit)
                    for row in range(rows)
                ],
                type=ARROW_TYPES[column.unit.sql],
            )
            for column in analysis.columns
        }
    )
    passport = Passport(
        definition=WORDS, how_to_read=WORDS, source="", period="..", filters={}, names={}, scope=WORDS, inputs=(), left_out=(),
        notes=(), data_version=1, loaded_at=None, newest_on=None, computed_at=datetime.now(UTC), seconds=0.0, sql="",
    )  # fmt: skip
    return Answer(
        analysis=analysis.name,
        params={},
        columns=analysis.columns,
        table=table,
        chart=chart_rows(table, analysis),
        total_rows=rows,
        passport=passport,
    )

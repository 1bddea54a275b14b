"""An answer as JSON: the same document from the terminal, the API and an export."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from rakurs.app.telling import story_document
from rakurs.core.answer import Answer, MembersAnswer, Omitted, Passport
from rakurs.core.table import Column
from rakurs.core.text import Language, Text


def answer_document(answer: Answer, language: Language, *, currency: str) -> dict[str, Any]:
    """The answer as plain values: see the reference page "Answers as JSON" for the fields.

    `currency` is the company's: sentences name it.
    """
    document: dict[str, Any] = {
        "analysis": answer.analysis,
        "status": answer.status,
        "params": plain(answer.params, language),
        "columns": [column_document(column, language) for column in answer.columns],
        "rows": rows_of(answer.table),
        "total_rows": answer.total_rows,
        "totals": plain(answer.totals, language),
        "passport": passport_document(answer.passport, language),
    }
    if answer.story:
        document["story"] = story_document(answer.story, language, currency)
    if answer.missing:
        document["missing"] = [
            {
                "what": item.what.to(language),
                "at_least": item.at_least,
                "have": item.have,
                "message": item.message.to(language),
            }
            for item in answer.missing
        ]
    return document


def members_document(members: MembersAnswer, language: Language) -> dict[str, Any]:
    """The rows behind a cell; `ids` alone is enough for a reconciliation."""
    return {
        "entity": members.entity,
        "key": members.key,
        "ids": members.table[members.key].to_pylist(),
        "columns": [column_document(column, language) for column in members.columns],
        "rows": rows_of(members.table),
        "total_rows": members.total_rows,
    }


def column_document(column: Column, language: Language) -> dict[str, Any]:
    """A column's name, unit and title."""
    return {"name": column.name, "unit": column.unit.code, "title": column.title.to(language)}


def passport_document(passport: Passport, language: Language) -> dict[str, Any]:
    """The passport as plain values."""
    return {
        "definition": passport.definition.to(language),
        "how_to_read": passport.how_to_read.to(language),
        "source": passport.source,
        "period": passport.period,
        "filters": plain(passport.filters, language),
        "names": dict(passport.names),
        "scope": passport.scope.to(language),
        "inputs": [
            {
                "table": item.table,
                "title": item.title.to(language),
                "rows": item.rows,
                "loaded_at": plain(item.loaded_at, language),
            }
            for item in passport.inputs
        ],
        "left_out": [omitted_document(item, language) for item in passport.left_out],
        "notes": [note.to(language) for note in passport.notes],
        "data_version": passport.data_version,
        "loaded_at": plain(passport.loaded_at, language),
        "newest_on": passport.newest_on,
        "computed_at": plain(passport.computed_at, language),
        "seconds": round(passport.seconds, 4),
        "sql": passport.sql,
    }


def omitted_document(item: Omitted, language: Language) -> dict[str, Any]:
    """Rows that were left out, as plain values; the money only where it is told."""
    told = {"reason": item.reason.to(language), "rows": item.rows}
    return told if item.amount is None else {**told, "amount": plain(item.amount, language)}


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """A page of rows as JSON-ready values."""
    return [{name: plain(value, "en") for name, value in row.items()} for row in table.to_pylist()]


def plain(value: Any, language: Language) -> Any:
    """A JSON-ready value: decimals become numbers, times ISO text, `Text` one language."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Text):
        return value.to(language)
    if isinstance(value, Mapping):
        return {str(name): plain(item, language) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, language) for item in value]
    return value


def json_lines(batches: Iterator[pa.RecordBatch]) -> Iterator[str]:
    """One JSON object a line, batch by batch, for exports of any length."""
    for batch in batches:
        for row in batch.to_pylist():
            yield json.dumps({name: plain(value, "en") for name, value in row.items()}, ensure_ascii=False) + "\n"

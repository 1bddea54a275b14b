"""What do the terminal and the API say of things other than answers? One document per thing, in one language."""

from collections.abc import Mapping, Sequence
from typing import Any

from rakurs.app.answers_json import column_document, omitted_document, plain, rows_of
from rakurs.core.analysis import Analysis, Area
from rakurs.core.loading import LoadReport
from rakurs.core.metric import Dimension, Metric
from rakurs.core.params import ParamInfo
from rakurs.core.table import Column, Table
from rakurs.core.text import Language, Text

Document = dict[str, Any]


def analysis_line(analysis: Analysis, area: Area, language: Language) -> Document:
    """One line of the catalogue."""
    return {
        "name": analysis.name,
        "area": area.name,
        "area_title": area.title.to(language),
        "title": analysis.title.to(language),
        "question": analysis.question.to(language),
    }


def analysis_document(analysis: Analysis, area: Area, language: Language) -> Document:
    """All that a program needs to ask this analysis and to read its answer."""
    return {
        **analysis_line(analysis, area, language),
        "definition": analysis.definition.to(language),
        "how_to_read": analysis.how_to_read.to(language),
        "source": analysis.source,
        "params": [_param(analysis, name, info, language) for name, info in analysis.params.infos().items()],
        "params_schema": analysis.params.model_json_schema(),
        "columns": [column_document(column, language) for column in analysis.columns],
        "members": {"entity": analysis.members.entity, "by": list(analysis.members.by)},
    }


def _param(analysis: Analysis, name: str, info: ParamInfo, language: Language) -> Document:
    field = analysis.params.model_fields[name]
    return {
        "name": name,
        "title": info.title.to(language),
        "unit": info.unit.code,
        "help": info.help.to(language) if info.help else None,
        "default": plain(field.get_default(), language),
        "labels": {str(value): label.to(language) for value, label in info.labels.items()} or None,
        "options": info.options,
    }


def metric_document(metric: Metric, dimensions: Sequence[Dimension], language: Language) -> Document:
    """One metric and what it can be split by."""
    return {
        "name": metric.name,
        "title": metric.title.to(language),
        "definition": metric.definition.to(language),
        "unit": metric.unit.code,
        "by": [dimension.name for dimension in dimensions if dimension.fits(metric)],
    }


def dimension_document(dimension: Dimension, language: Language) -> Document:
    """One way to split a metric."""
    return {"name": dimension.name, "title": dimension.title.to(language), "unit": dimension.unit.code}


def table_document(table: Table, language: Language) -> Document:
    """One canonical table, as a file of it would have to look."""
    return {
        "name": table.name,
        "title": table.title.to(language),
        "grain": table.grain.to(language),
        "key": list(table.key),
        "columns": [_table_column(column, language) for column in table.columns],
    }


def _table_column(column: Column, language: Language) -> Document:
    return {
        **column_document(column, language),
        "required": column.required,
        "choices": list(column.choices) or None,
        "references": column.references,
    }


def load_document(report: LoadReport, language: Language) -> Document:
    """What a finished load did, by file and by table."""
    return {
        "load_id": report.load_id,
        "started_at": plain(report.started_at, language),
        "seconds": round(report.seconds, 3),
        "data_version": report.data_version,
        "files": [
            {
                "file": file.file,
                "shape": file.shape,
                "rows": file.rows,
                "is_unchanged": file.is_unchanged,
                "notes": [note.to(language) for note in file.notes],
            }
            for file in report.files
        ],
        "tables": [
            {
                "table": count.table,
                "read": count.read,
                "inserted": count.inserted,
                "updated": count.updated,
                "unchanged": count.unchanged,
                "quarantined": count.quarantined,
                "repeated": count.repeated,
            }
            for count in report.tables
        ],
    }


def quarantine_document(page: Any, language: Language) -> Document:
    """One page of rows that broke a rule, and how many broke which."""
    return {
        "total": page.total,
        "by_rule": [
            {"table": table, "rule": rule, "title": title.to(language), "count": count}
            for table, rule, title, count in page.by_rule
        ],
        "rows": rows_of(page.rows),
    }


def pivot_document(metrics: Sequence[str], by: Sequence[str], answer: Any, language: Language) -> Document:
    """Metrics by dimensions as rows."""
    return {
        "metrics": list(metrics),
        "by": list(by),
        "columns": [column_document(column, language) for column in answer.columns],
        "rows": rows_of(answer.table),
        "left_out": [omitted_document(item, language) for item in answer.left_out],
    }


def finding_document(finding: Any, language: Language) -> Document:
    """One thing a check of the home found."""
    return {
        "level": finding.level,
        "what": finding.what.to(language),
        "next_step": finding.next_step.to(language) if finding.next_step else None,
    }


def problem_document(title: Text, detail: Text, *, kind: str, status: int, language: Language) -> Document:
    """An error as application/problem+json (RFC 9457)."""
    return {
        "type": f"urn:rakurs:{kind}",
        "title": title.to(language),
        "status": status,
        "detail": detail.to(language),
    }


def without_empty(document: Mapping[str, Any]) -> Document:
    """The document without the fields that say nothing."""
    return {name: value for name, value in document.items() if value is not None}

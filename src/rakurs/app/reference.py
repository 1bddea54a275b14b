"""The reference pages, written from the declarations themselves: tables, analyses, metrics, models.

`python -m rakurs.app.reference FOLDER` writes them.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from rakurs.analyses import AREAS
from rakurs.core.analysis import Analysis
from rakurs.core.model import Model
from rakurs.core.params import ParamInfo
from rakurs.core.table import Column, Table
from rakurs.metrics import DIMENSIONS, METRICS
from rakurs.models import MODELS
from rakurs.schema import TABLES

_NOTE = "<!-- Written by `make docs` from the declarations in the code: change them there. -->\n"


def reference_pages() -> Mapping[str, str]:
    """Page name -> Markdown, the same bytes for the same code."""
    return {
        "tables.md": _tables_page(),
        "analyses.md": _analyses_page(),
        "metrics.md": _metrics_page(),
        "models.md": _models_page(),
    }


def write_reference(folder: Path) -> tuple[Path, ...]:
    """The pages written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, text in reference_pages().items():
        target = folder / name
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return tuple(written)


def _tables_page() -> str:
    parts = [_NOTE, "# Canonical tables\n", "A file named after a table, with these columns, loads with no mapping.\n"]
    parts += [_table_section(table) for table in TABLES]
    return "\n".join(parts)


def _table_section(table: Table) -> str:
    head = f"## {table.name}\n\n{table.title.en} · {table.title.ru}. {table.grain.en}. Key: {_code(table.key)}.\n"
    lines = ["| column | unit | meaning | |", "|---|---|---|---|"]
    lines += [
        f"| `{column.name}` | {column.unit.code} | {column.title.en} · {column.title.ru} | {_column_notes(column)} |"
        for column in table.columns
    ]
    return head + "\n" + "\n".join(lines) + "\n"


def _column_notes(column: Column) -> str:
    notes = ["required"] if column.required else []
    if column.references:
        notes.append(f"key of `{column.references}`")
    if column.choices:
        notes.append("one of " + ", ".join(f"`{code}`" for code in column.choices))
    if column.low is not None:
        notes.append(f"at least {column.low:g}")
    return "; ".join(notes)


def _analyses_page() -> str:
    parts = [_NOTE, "# Analyses\n"]
    for area in AREAS:
        parts.append(f"## {area.title.en} · {area.title.ru}\n")
        parts += [_analysis_section(analysis) for analysis in area.analyses]
    return "\n".join(parts)


def _analysis_section(analysis: Analysis) -> str:
    return "\n".join(
        (
            f"### {analysis.name}\n",
            f"**{analysis.title.en}** · {analysis.title.ru}. {analysis.question.en}\n",
            f"{analysis.definition.en}\n",
            f"*How to read:* {analysis.how_to_read.en}\n",
            f"*Method:* {analysis.source}.\n",
            f"*Reads:* {_code(table.name for table in analysis.inputs.values())}.\n",
            f"*Members:* {analysis.members.entity} by {_code(analysis.members.by)}.\n",
            "| parameter | default | meaning |",
            "|---|---|---|",
            *(_param_line(analysis, name, info) for name, info in analysis.params.infos().items()),
            "",
            "| column | unit | meaning |",
            "|---|---|---|",
            *(f"| `{item.name}` | {item.unit.code} | {item.title.en} |" for item in analysis.columns),
            "",
        )
    )


def _param_line(analysis: Analysis | Model, name: str, info: ParamInfo) -> str:
    default = analysis.params.model_fields[name].default
    shown = "—" if default is None else f"`{default}`"
    choices = f" ({', '.join(f'`{value}`' for value in info.labels)})" if info.labels else ""
    return f"| `{name}` | {shown} | {info.title.en}{choices} |"


def _metrics_page() -> str:
    lines = [
        _NOTE,
        "# Metrics and dimensions\n",
        "## Metrics\n",
        "| metric | unit | definition | by |",
        "|---|---|---|---|",
    ]
    for metric in METRICS:
        fitting = _code(dimension.name for dimension in DIMENSIONS if dimension.fits(metric))
        lines.append(
            f"| `{metric.name}` | {metric.unit.code} | {metric.title.en}: {metric.definition.en} | {fitting} |"
        )
    lines += ["\n## Dimensions\n", "| dimension | meaning |", "|---|---|"]
    lines += [f"| `{item.name}` | {item.title.en} · {item.title.ru} |" for item in DIMENSIONS]
    return "\n".join(lines) + "\n"


def _models_page() -> str:
    return "\n".join([_NOTE, "# Models\n", *(_model_section(model) for model in MODELS)])


def _model_section(model: Model) -> str:
    shown = [analysis.name for area in AREAS for analysis in area.analyses if analysis.model == model.name]
    needs = "; ".join(f"{need.at_least} {need.what.en}" for need in model.gate.needs)
    return "\n".join(
        (
            f"## {model.name}\n",
            f"**{model.title.en}** · {model.title.ru}. {model.question.en}\n",
            f"{model.definition.en}\n",
            f"*Method:* {model.source}.\n",
            f"*Speaks of:* {model.entity}. *Shown by:* {_code(shown)}. *Needs at least:* {needs}.\n",
            "| setting | default | meaning |",
            "|---|---|---|",
            *(_param_line(model, name, info) for name, info in model.params.infos().items() if name != "as_of"),
            "",
            *(["| feature | meaning |", "|---|---|"] if model.features else []),
            *(f"| `{feature.name}` | {feature.title.en} |" for feature in model.features),
            "",
        )
    )


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))

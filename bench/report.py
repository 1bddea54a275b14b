"""How is a measurement shown: as one table of ratios, and as JSON?"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MEGABYTE = 1 << 20
PEERS = ("sql", "polars")
QUESTION_HEADS = (
    "question",
    "rows",
    "page, ms",
    "page, CPU ms",
    "ours, ms",
    "SQL, ms",
    "polars, ms",
    "ours / SQL",
    "ours / polars",
    "CPU, ours / SQL",
    "CPU, ours / polars",
    "ours, MB",
    "SQL, MB",
    "polars, MB",
)
LOAD_HEADS = (
    "load",
    "seconds",
    "CPU seconds",
    "rows a second",
    "peak, MB",
    "ours, times longer",
    "ours, times the CPU",
    "tables alone, times longer",
    "tables alone, times the CPU",
)
FIRST_HEADS = (
    "page",
    "opened, ms",
    "cold, ms",
    "cold: first chart, ms",
    "another filter, ms",
    "again, ms",
    "opened, CPU ms",
    "cold, CPU ms",
    "another filter, CPU ms",
    "again, CPU ms",
)
CROWD_HEADS = (
    "people",
    "views a second",
    "p50, ms",
    "p95, ms",
    "longest, ms",
    "CPU ms a view",
    "memory before, MB",
    "peak, MB",
    "a person, MB",
    "failed",
)
MODEL_HEADS = ("model", "by", "rows", "seconds", "CPU seconds", "CPU µs a row", "peer / ours, a row", "peak, MB")
FILE_HEADS = ("file", "rows", "seconds", "CPU seconds", "MB", "memory above the server's, MB")


def show(console: Console, result: Mapping[str, Any]) -> None:
    """Print the questions and the load, each as ours, the peers', and our time as a multiple of theirs."""
    if result["questions"]:
        console.print(_questions_table(result["questions"], result["sizes"]))
    if result.get("load"):
        console.print(_table("Load of the same files", LOAD_HEADS, _load_cells(result["load"])))
    for title, heads, cells in _people_tables(result.get("people")):
        console.print(_table(title, heads, cells))
    if result.get("models"):
        console.print(_table("Models learn and answer", MODEL_HEADS, _model_cells(result["models"])))
    for name, sentences in result["disagreements"].items():
        for sentence in sentences:
            console.print(f"[red]{name}[/red]: {sentence}")


def write_json(path: Path, result: Mapping[str, Any]) -> None:
    """Keep everything that was measured."""
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False), encoding="utf-8")


def markdown(result: Mapping[str, Any]) -> str:
    """The same tables for docs/bench.md."""
    questions = [_question_cells(question) for question in result["questions"]]
    lines = _markdown_table(QUESTION_HEADS, questions) if questions else []
    if result.get("load"):
        lines += ["", *_markdown_table(LOAD_HEADS, _load_cells(result["load"]))]
    if result.get("models"):
        lines += ["", "Models learn and answer:", "", *_markdown_table(MODEL_HEADS, _model_cells(result["models"]))]
    for title, heads, cells in _people_tables(result.get("people")):
        lines += ["", f"{title}:", "", *_markdown_table(heads, cells)]
    return "\n".join(lines) + "\n"


def _markdown_table(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        "|---|" + "---:|" * (len(heads) - 1),
        *("| " + " | ".join(row) + " |" for row in cells),
    ]


def _questions_table(questions: Sequence[Mapping[str, Any]], sizes: Mapping[str, int]) -> Table:
    counted = ", ".join(f"{rows:,} {name}" for name, rows in sizes.items())
    table = Table(title=f"Warm median on {counted}", caption="ours / peer below 1 means ours is faster")
    for number, head in enumerate(QUESTION_HEADS):
        table.add_column(head, justify="left" if number == 0 else "right")
    for question in questions:
        table.add_row(*_question_cells(question))
    return table


def _question_cells(question: Mapping[str, Any]) -> list[str]:
    ours = question["ours"]
    peers = [question.get(peer) for peer in PEERS]
    return [
        question["name"],
        f"{ours['rows']:,}",
        _milliseconds(ours, "page_seconds"),
        _milliseconds(ours, "page_cpu_seconds"),
        _milliseconds(ours, "seconds"),
        *(_milliseconds(peer, "seconds") for peer in peers),
        *(_ratio(ours, peer, "seconds") for peer in peers),
        *(_ratio(ours, peer, "cpu_seconds") for peer in peers),
        *(_megabytes(engine) for engine in (ours, *peers)),
    ]


def _table(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title)
    for number, head in enumerate(heads):
        table.add_column(head, justify="left" if number == 0 else "right")
    for row in cells:
        table.add_row(*row)
    return table


def _load_cells(load: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Ours whole, and until every row was in its table: bare DuckDB makes no marts."""
    titles = {"ours": "ours, marts included", "plain": "DuckDB, select *", "typed": "DuckDB, typed and derived"}
    tables = load["ours"]["tables"] if "ours" in load else None
    return [
        [
            titles[how],
            f"{measured['seconds']:.1f}",
            f"{measured['cpu_seconds']:.1f}",
            f"{measured['rows'] / measured['seconds']:,.0f}",
            _megabytes(measured),
            *(
                _ratio(ours, measured, clock)
                for ours in (load.get("ours"), tables)
                for clock in ("seconds", "cpu_seconds")
            ),
        ]
        for how, measured in load.items()
    ]


def _model_cells(models: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Each of ours, then its peers, by the processor time of a row."""
    ours = {model["name"]: model["cpu_seconds"] / model["rows"] for model in models if model["peer"] == "ours"}
    return [
        [
            model["name"],
            model["peer"],
            f"{model['rows']:,}",
            f"{model['seconds']:.1f}",
            f"{model['cpu_seconds']:.1f}",
            f"{model['cpu_seconds'] / model['rows'] * 1e6:.1f}",
            f"{model['cpu_seconds'] / model['rows'] / ours[model['name']]:.1f}",
            _megabytes(model),
        ]
        for model in models
    ]


def _people_tables(people: Mapping[str, Any] | None) -> list[tuple[str, Sequence[str], list[list[str]]]]:
    """What people wait for and what the server pays, as titles, heads and cells."""
    if not people:
        return []
    crowd = people["crowd"]
    of_crowd = [
        f"{crowd['people']}",
        f"{crowd['views'] / crowd['seconds']:.1f}",
        *(f"{crowd[wait] * 1000:.0f}" for wait in ("p50", "p95", "longest")),
        f"{crowd['cpu_per_view'] * 1000:.0f}",
        *(f"{crowd[size] / MEGABYTE:.0f}" for size in ("resident_before", "peak")),
        f"{crowd['per_person'] / MEGABYTE:.1f}",
        f"{len(crowd['failed'])}",
    ]
    first = [
        [
            view["name"],
            *(
                f"{view[how] * 1000:.0f}"
                for how in (
                    "opened",
                    "cold",
                    "cold_first",
                    "other",
                    "again",
                    "opened_cpu",
                    "cold_cpu",
                    "other_cpu",
                    "again_cpu",
                )
            ),
        ]
        for view in people["first"]
    ]
    files = [
        [
            file["kind"],
            f"{file['rows']:,}",
            f"{file['seconds']:.1f}",
            f"{file['cpu_seconds']:.1f}",
            f"{file['bytes'] / MEGABYTE:.0f}",
            f"{file['growth'] / MEGABYTE:.0f}",
        ]
        for file in people["files"]
    ]
    return [
        ("From the request to the whole page with its charts", FIRST_HEADS, first),
        ("People who filter at once", CROWD_HEADS, [of_crowd]),
        ("Every row of the longest answer as a file", FILE_HEADS, files),
    ]


def _milliseconds(measured: Mapping[str, Any] | None, clock: str) -> str:
    return "—" if measured is None else f"{measured[clock] * 1000:.0f}"


def _megabytes(measured: Mapping[str, Any] | None) -> str:
    return "—" if measured is None else f"{measured['peak_bytes'] / MEGABYTE:.0f}"


def _ratio(ours: Mapping[str, Any] | None, peer: Mapping[str, Any] | None, clock: str) -> str:
    return "—" if ours is None or peer is None else f"{ours[clock] / peer[clock]:.2f}"

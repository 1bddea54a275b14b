"""What does one measurement cost? Runs in a process of its own, so that its memory is its own.

`python -m bench.measured TASK` reads the task as JSON and prints its result as JSON on the last line.
"""

import json
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bench import bare_load
from bench import learning as models
from bench.company import PEER_MEMORY, Place, table_files
from bench.peers import polars_answer, sql_answer
from bench.questions import asked, peer_values, question_named
from rakurs.analyses import analysis_named
from rakurs.app.asking import Computed, computed, rows_beyond
from rakurs.app.home import Home
from rakurs.app.rights import EVERYTHING
from rakurs.app.workspace import Workspace
from rakurs.core.text import Text


def in_own_process(task: Mapping[str, Any]) -> dict[str, Any]:
    """Run `task` in a fresh Python process; its result."""
    command = [sys.executable, "-m", "bench.measured", json.dumps(task, default=str)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def peak_bytes() -> int:
    """The most memory this process ever held. Linux counts it from the start of the program; elsewhere, getrusage."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def timed(run: Callable[[], pa.Table], *, repeat: int) -> tuple[pa.Table, dict[str, Any]]:
    """The answer, the time of the first run, and the medians of `repeat` runs after it: by the clock and of all cores.

    Processor time depends far less on who else uses the machine.
    """
    started = perf_counter()
    answer = run()
    first = perf_counter() - started
    seconds: list[float] = []
    cpu_seconds: list[float] = []
    for _ in range(repeat):
        started, cpu_started = perf_counter(), process_time()
        run()
        seconds.append(perf_counter() - started)
        cpu_seconds.append(process_time() - cpu_started)
    return answer, {
        "first_seconds": first,
        "seconds": statistics.median(seconds),
        "cpu_seconds": statistics.median(cpu_seconds),
        "rows": answer.num_rows,
    }


def question(task: Mapping[str, Any]) -> dict[str, Any]:
    """One question asked of one engine, again and again; the answer is kept as Parquet for comparison."""
    answer, measured = _ASK[task["engine"]](task)
    pq.write_table(answer, task["answer"])
    return measured


def _ours(task: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    with Workspace.open(Home(Path(task["home"]))) as workspace:
        analysis = analysis_named(task["name"])
        params = asked(analysis, task["params"], today=workspace.today)

        def page() -> Computed:
            with workspace.reading() as reader:
                return computed(reader, analysis, params, scope=EVERYTHING, state=workspace.state)

        def every_row() -> pa.Table:
            with workspace.reading() as reader:
                return rows_beyond(reader, analysis, params, scope=EVERYTHING, limit=None, offset=0, sort=None)

        first = page()
        _, of_page = timed(lambda: page().table, repeat=task["repeat"])
        is_whole = first.table.num_rows == first.total_rows
        answer, measured = (first.table, of_page) if is_whole else timed(every_row, repeat=task["repeat"])
        measured |= {"page_seconds": of_page["seconds"], "page_cpu_seconds": of_page["cpu_seconds"]}
        values = {
            name: str(value)
            for name, value in peer_values(question_named(task["name"]), params).items()
            if value is not None
        }
        return answer, {**measured, "values": values}


def _sql(task: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    place, values = _place(task), _values(task)
    with duckdb.connect(str(place.peers), read_only=True, config={"memory_limit": PEER_MEMORY}) as connection:
        return timed(lambda: sql_answer(connection, task["name"], values), repeat=task["repeat"])


def _polars(task: Mapping[str, Any]) -> tuple[pa.Table, dict[str, Any]]:
    place, values = _place(task), _values(task)
    return timed(lambda: polars_answer(place.parquet, task["name"], values), repeat=task["repeat"])


def _place(task: Mapping[str, Any]) -> Place:
    return Place(Path(task["place"]), Home(Path(task["home"])))


def _values(task: Mapping[str, Any]) -> dict[str, Any]:
    analysis = analysis_named(task["name"])
    return peer_values(
        question_named(task["name"]), asked(analysis, task["params"], today=date.fromisoformat(task["today"]))
    )


_AFTER_TABLES = "Who is who"
"""The step that begins when every row is in its table, checked and kept raw; the marts follow it, and one checkpoint of all."""


def load(task: Mapping[str, Any]) -> dict[str, Any]:
    """Our load of all files into a new home: raw zone, checks, keys, canonical tables, marts."""
    place = _place(task)
    steps: dict[str, float] = {}
    last = [perf_counter(), ""]
    tables: dict[str, float] = {}

    def told(step: Text, **_: int) -> None:
        now = perf_counter()
        if step.en == _AFTER_TABLES:
            tables.update(seconds=now - started, cpu_seconds=process_time() - cpu_started)
        steps[last[1]] = steps.get(last[1], 0.0) + now - last[0]
        last[:] = [now, step.en]
        if step.en not in steps:
            print(step.en, file=sys.stderr, flush=True)

    started, cpu_started = perf_counter(), process_time()
    with Workspace.open(place.home) as workspace:
        report = workspace.load(table_files(place), progress=told)
    seconds, cpu_seconds = perf_counter() - started, process_time() - cpu_started
    told(Text(ru="конец", en="end"))
    rows = sum(file.rows for file in report.files)
    longest = dict(sorted(steps.items(), key=lambda item: -item[1])[:40])
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "rows": rows,
        "tables": tables or None,
        "steps": {name: round(value, 2) for name, value in longest.items()},
    }


def bare(task: Mapping[str, Any]) -> dict[str, Any]:
    """DuckDB's own load of the same files: `create table as select *`, or with types and derived columns."""
    place = _place(task)
    target = place.path / f"bare-{task['how']}.duckdb"
    target.unlink(missing_ok=True)
    started, cpu_started = perf_counter(), process_time()
    rows = bare_load.LOADS[task["how"]](target, table_files(place))
    seconds, cpu_seconds = perf_counter() - started, process_time() - cpu_started
    target.unlink(missing_ok=True)
    return {"seconds": seconds, "cpu_seconds": cpu_seconds, "rows": rows}


def learning(task: Mapping[str, Any]) -> dict[str, Any]:
    """One model, or a library beside it, on made-up rows."""
    return models.measured(task["name"], task["peer"], rows=task["rows"])


_ASK = {"ours": _ours, "sql": _sql, "polars": _polars}
_TASKS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "question": question,
    "load": load,
    "bare": bare,
    "learning": learning,
}


def main() -> None:
    task = json.loads(sys.argv[1])
    result = _TASKS[task["task"]](task)
    print(json.dumps({**result, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()

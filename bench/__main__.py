"""`make bench`: are the ten questions and the load as fast as they promise to be?"""

import argparse
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import learning
from bench.agreement import disagreements
from bench.company import Place, copied_for_peers, generated
from bench.measured import in_own_process
from bench.people import people
from bench.questions import QUESTIONS, Question
from bench.report import PEERS, markdown, show, write_json
from rakurs.app.home import Home
from rakurs.app.workspace import Workspace
from rakurs.core.text import Text

ENGINES = ("ours", *PEERS)


def main() -> None:
    options = _options()
    console = Console()
    place = Place(options.folder, Home(options.home or options.folder / "home"))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        result = _measured(place, options, bar)
    show(console, result)
    place.path.mkdir(parents=True, exist_ok=True)
    write_json(options.json or place.path / "bench.json", result)
    if options.markdown:
        options.markdown.write_text(markdown(result), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--years", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="comma-separated names of questions; also: load, people, models")
    parser.add_argument("--repeat", type=int, default=5, help="warm runs; their median is shown")
    parser.add_argument("--people", type=int, default=50, help="how many filter at once")
    parser.add_argument("--people-seconds", type=float, default=60, help="for how long they do")
    parser.add_argument("--model-rows", type=int, default=1_000_000, help="customers or baskets the models learn from")
    parser.add_argument(
        "--folder", type=Path, default=Path("bench-data"), help="generated files and copies are kept here"
    )
    parser.add_argument("--home", type=Path, help="a home loaded before; by default one is loaded into the folder")
    parser.add_argument("--json", type=Path, help="where the numbers go; by default bench.json in the folder")
    parser.add_argument("--markdown", type=Path, help="also write the tables as Markdown")
    return parser.parse_args()


def _measured(place: Place, options: argparse.Namespace, bar: Progress) -> dict[str, Any]:
    wanted = [name for name in options.only.split(",") if name]
    today = datetime.now(ZoneInfo("Europe/Moscow")).date()
    if wanted == ["models"]:  # they need no company
        return {"sizes": {}, "questions": [], "load": {}, "models": _models(options, bar), "disagreements": {}}
    if options.home is None:
        told = _teller(bar, "Generating")
        size = {"customers": options.customers, "years": options.years, "seed": options.seed}
        generated(place, **size, today=today, progress=told)
    load = _load(place, options, bar, is_wanted=not wanted or "load" in wanted)
    questions = [question for question in QUESTIONS if not wanted or question.name in wanted]
    if questions:
        copying = bar.add_task("Copying for the peers", total=None)
        copied_for_peers(place, tell=lambda name: bar.update(copying, description=f"Copying {name}"))
        bar.update(copying, total=1, completed=1)
    asked = [_question(place, question, options, bar) for question in questions]
    return {
        "sizes": _sizes(place),
        "questions": [measured for measured, _ in asked],
        "load": load,
        "people": _people(place, options, bar) if not wanted or "people" in wanted else {},
        "models": _models(options, bar) if not wanted or "models" in wanted else [],
        "disagreements": {measured["name"]: found for measured, found in asked if found},
    }


def _people(place: Place, options: argparse.Namespace, bar: Progress) -> dict[str, Any]:
    task = bar.add_task(f"{options.people} people at once", total=1)
    measured = people(place.home, count=options.people, seconds=options.people_seconds, seed=options.seed)
    bar.advance(task)
    return measured


def _models(options: argparse.Namespace, bar: Progress) -> list[dict[str, Any]]:
    task = bar.add_task("Models", total=len(learning.ALL))
    found: list[dict[str, Any]] = []
    for name, peer in learning.ALL:
        bar.update(task, description=f"Models: {name}, {peer}")
        measured = in_own_process({"task": "learning", "name": name, "peer": peer, "rows": options.model_rows})
        found += [measured] if "seconds" in measured else []
        bar.advance(task)
    return found


def _load(place: Place, options: argparse.Namespace, bar: Progress, *, is_wanted: bool) -> dict[str, Any]:
    """Ours into the home where it is new, and DuckDB's two."""
    is_new = not place.home.company_file.exists()
    if not is_new and (options.home is not None or not is_wanted):
        return {}
    task = bar.add_task("Loading", total=3 if is_wanted else 1)
    shutil.rmtree(place.home.path, ignore_errors=True)
    place.peers.unlink(missing_ok=True)
    whole = {"place": str(place.path), "home": str(place.home.path)}
    measured = {"ours": in_own_process({"task": "load", **whole})}
    bar.advance(task)
    for how in ("plain", "typed") if is_wanted else ():
        measured[how] = in_own_process({"task": "bare", "how": how, **whole})
        bar.advance(task)
    return measured


def _question(
    place: Place, question: Question, options: argparse.Namespace, bar: Progress
) -> tuple[dict[str, Any], list[str]]:
    task = bar.add_task(question.name, total=len(ENGINES))
    measured: dict[str, Any] = {"name": question.name}
    answers = place.path / "answers"
    answers.mkdir(exist_ok=True)
    asked: dict[str, Any] = {
        "task": "question",
        "name": question.name,
        "params": dict(question.measured),
        "repeat": options.repeat,
        "place": str(place.path),
        "home": str(place.home.path),
    }
    for engine in ENGINES:
        target = answers / f"{question.name}-{engine}.parquet"
        measured[engine] = in_own_process({**asked, "engine": engine, "answer": str(target)})
        asked["today"] = measured["ours"]["values"]["as_of"]
        # The rest may take hours: what is known is told, and lost by nobody who stops.
        bar.console.print(f"{question.name}: {engine} {measured[engine]['seconds'] * 1000:.0f} ms")
        bar.advance(task)
    return measured, _compared(answers, question)


def _compared(answers: Path, question: Question) -> list[str]:
    ours = pq.read_table(answers / f"{question.name}-ours.parquet")
    found: list[str] = []
    for peer in PEERS:
        theirs = pq.read_table(answers / f"{question.name}-{peer}.parquet")
        differing = disagreements(ours, theirs, key=question.key, compared=question.compared)
        found += [f"{peer}: {sentence}" for sentence in differing]
    return found


def _sizes(place: Place) -> dict[str, int]:
    names: Sequence[str] = ("customers", "orders", "order_lines", "deals", "deal_stage_events")
    with Workspace.open(place.home) as workspace:
        return {name: workspace.state.tables[name].rows for name in names}


def _teller(bar: Progress, title: str) -> Callable[..., None]:
    task = bar.add_task(title, total=None)

    def told(step: Text, *, done: int, total: int) -> None:
        bar.update(task, description=f"{title}: {step.en}", completed=done, total=total)

    return told


if __name__ == "__main__":
    main()

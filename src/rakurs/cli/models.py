"""How do models stand, and how does one learn? `rakurs models list`, `show NAME`, `fit NAME`."""

import json
from typing import Annotated, Any, Literal

import typer

from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.terminal import NOTHING, print_rows, shown, use_settings
from rakurs.core.text import Text

LANGUAGE = default_language()


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


models_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Модели: чему научились", "Models: what they have learned")
)

_COLUMNS = (
    {"name": "name", "title": _words("Модель", "Model"), "unit": "id"},
    {"name": "title", "title": _words("О чём", "About"), "unit": "text"},
    {"name": "status_words", "title": _words("Состояние", "Status"), "unit": "text"},
    {"name": "grade", "title": _words("Оценка", "Grade"), "unit": "text"},
    {"name": "scored_rows", "title": _words("Оценено", "Scored"), "unit": "count"},
    {"name": "lacks", "title": _words("Не хватает", "Lacks"), "unit": "text"},
)
_MEASURES = (
    {"name": "title", "title": _words("Мера", "Measure"), "unit": "text"},
    {"name": "value", "title": _words("Модель", "Model"), "unit": "text"},
    {"name": "between", "title": _words("От и до", "Between"), "unit": "text"},
    {"name": "baseline", "title": _words("Для сравнения", "Baseline"), "unit": "text"},
)
_DIGITS = 3


@models_app.command("list", help=_words("Все модели и как они стоят", "Every model and how it stands"))
def list_models(*, format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table") -> None:
    """What each lacks where it could not learn yet."""
    use_settings()
    with opened(default_home()) as work:
        found = work.models(language=LANGUAGE)
    if format == "json":
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    print_rows(_COLUMNS, [{**line, "lacks": "; ".join(line["missing"])} for line in found])


@models_app.command(help=_words("Карточка модели", "A model's card"))
def show(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """How good it is on days it has not seen, beside the baseline."""
    use_settings()
    with opened(default_home()) as work:
        _print(work.model(name, language=LANGUAGE), format)


@models_app.command(help=_words("Обучить модель сейчас", "Let a model learn now"))
def fit(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table",
) -> None:
    """Learns, is judged, scores; then prints its card."""
    use_settings()
    with opened(default_home()) as work:
        _print(work.fit_model(name, language=LANGUAGE), format)


def _print(document: dict[str, object], format: str) -> None:
    if format == "json":
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    card = document["card"]
    typer.echo(f"{document['title']}: {document['status_words']}")
    for line in document["missing"] if isinstance(document["missing"], list) else []:
        typer.echo(line)
    if isinstance(card, dict):
        typer.echo(f"{card['grade']}: {document['grade_words']}; {card['chosen']}")
        print_rows(_MEASURES, [_measured(measure) for measure in card["measures"]])
        for note in card["notes"]:
            typer.echo(note)


def _measured(measure: dict[str, Any]) -> dict[str, str]:
    low, high = (_number(measure[name], measure["unit"]) for name in ("low", "high"))
    return {
        "title": measure["title"],
        "value": _number(measure["value"], measure["unit"]),
        "between": f"{low} \N{EN DASH} {high}" if measure["low"] is not None else NOTHING,
        "baseline": _number(measure["baseline"], measure["unit"]),
    }


def _number(value: float | None, unit: str) -> str:
    return shown(value, unit, LANGUAGE, digits=_DIGITS)

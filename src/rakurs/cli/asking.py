"""How does a person ask in a terminal? `analyses`, `run NAME`, `members NAME`: options made from the parameters."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rakurs.analyses import AREAS
from rakurs.app.documents import analysis_line
from rakurs.app.home import default_home
from rakurs.app.languages import default_language
from rakurs.app.work import opened
from rakurs.cli.answering import FILES, Format, FormatOption, LimitOption, OutputOption, hand_over, print_answer
from rakurs.cli.terminal import SHOWN_ROWS, print_json, print_rows, use_settings
from rakurs.core.analysis import Analysis
from rakurs.core.errors import BadParameter
from rakurs.core.params import ParamInfo
from rakurs.core.text import Text

LANGUAGE = default_language()
_OPTION_NAMES = {"from_day": ["--from", "--from-day", "--from_day"], "to_day": ["--to", "--to-day", "--to_day"]}


def _words(ru: str, en: str) -> str:
    return Text(ru=ru, en=en).to(LANGUAGE)


CellOption = Annotated[
    list[str] | None,
    typer.Option("--cell", help=_words("столбец=значение ячейки", "column=value of a cell")),
]
COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("limit", LimitOption, None),
    ("format", FormatOption, "table"),
    ("output", OutputOption, None),
)

analyses_app = typer.Typer(add_completion=False)
run_app = typer.Typer(add_completion=False, no_args_is_help=True, help=_words("Задать вопрос", "Ask a question"))
members_app = typer.Typer(
    add_completion=False, no_args_is_help=True, help=_words("Кто стоит за числом", "Who stands behind a number")
)


@run_app.callback()
@members_app.callback()
def each_analysis_is_a_command() -> None:
    """Keeps the name of the analysis on the command line, however many there are."""


@analyses_app.command()
def analyses(format: Annotated[Literal["table", "json"], typer.Option("--format")] = "table") -> None:
    """Every question, by area, in menu order."""
    lines = [analysis_line(analysis, area, LANGUAGE) for area in AREAS for analysis in area.analyses]
    if format == "json":
        print_json(lines)
        return
    titles = (("name", "Имя", "Name"), ("area_title", "Раздел", "Area"), ("question", "Вопрос", "Question"))
    print_rows([{"name": name, "unit": "text", "title": _words(ru, en)} for name, ru, en in titles], lines)


def _run(
    analysis: Analysis, params: Mapping[str, Any], *, limit: int | None, format: Format, output: Path | None
) -> None:
    with opened(default_home()) as work:
        if format in FILES:
            hand_over(
                lambda target: work.export(analysis.name, params, kind=format, language=LANGUAGE, target=target),
                format,
                output,
            )
            return
        wanted = limit or (SHOWN_ROWS if format == "table" else None)
        document = work.answer(analysis.name, params, limit=wanted, language=LANGUAGE)
    print_answer(document, format=format, output=output)


def _members(
    analysis: Analysis,
    params: Mapping[str, Any],
    *,
    cell: Mapping[str, str],
    limit: int | None,
    format: Format,
    output: Path | None,
) -> None:
    with opened(default_home()) as work:
        if format in FILES:
            hand_over(
                lambda target: work.export(
                    analysis.name, params, cell=cell, kind=format, language=LANGUAGE, target=target
                ),
                format,
                output,
            )
            return
        wanted = limit or (SHOWN_ROWS if format == "table" else None)
        document = work.members(analysis.name, params, cell, limit=wanted, language=LANGUAGE)
    print_answer(document, format=format, output=output)


def _cell(items: Sequence[str] | None) -> dict[str, str]:
    cell: dict[str, str] = {}
    for item in items or ():
        name, separator, value = item.partition("=")
        if not separator:
            raise BadParameter("cell", item, Text(ru="Ожидается столбец=значение.", en="Expected column=value."))
        cell[name] = value
    return cell


def _options(analysis: Analysis) -> list[inspect.Parameter]:
    """One command-line option per parameter of the analysis; values are checked where every face's are."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[str | None, typer.Option(*_names(name), help=_help(info), metavar=_metavar(info))],
        )
        for name, info in analysis.params.infos().items()
    ]


def _names(name: str) -> list[str]:
    dashed = "--" + name.replace("_", "-")
    return _OPTION_NAMES.get(name) or list(dict.fromkeys([dashed, f"--{name}"]))


def _help(info: ParamInfo) -> str:
    words = info.title.to(LANGUAGE)
    return f"{words}. {info.help.to(LANGUAGE)}" if info.help else words


def _metavar(info: ParamInfo) -> str:
    return "|".join(str(value) for value in info.labels) or info.unit.code.upper()


def _command(
    analysis: Analysis, ask: Callable[..., None], extra: Sequence[tuple[str, Any, Any]]
) -> Callable[..., None]:
    """A function typer can read: the analysis' own options, then the common ones."""
    own = set(analysis.params.infos())

    def command(**given: Any) -> None:
        # A question may name a segment, which is kept in the state: Django reads the environment only then.
        use_settings()
        params = {name: value for name, value in given.items() if name in own and value is not None}
        ask(analysis, params, **{name: value for name, value in given.items() if name not in own})

    common = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation, default in extra
    ]
    parameters = [*_options(analysis), *common]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = f"{analysis.title.to(LANGUAGE)}: {analysis.question.to(LANGUAGE)}"
    return command


def _ask_members(analysis: Analysis, params: Mapping[str, Any], *, cell: list[str] | None, **common: Any) -> None:
    _members(analysis, params, cell=_cell(cell), **common)


for _area in AREAS:
    for _analysis in _area.analyses:
        run_app.command(_analysis.name)(_command(_analysis, _run, COMMON))
        members_app.command(_analysis.name)(_command(_analysis, _ask_members, (("cell", CellOption, None), *COMMON)))

"""How is a question asked of tables that lie in a notebook? A function per analysis, on frames of any engine."""

from collections.abc import Callable, Mapping
from datetime import date
from inspect import Parameter, Signature
from typing import Any

import narwhals.stable.v2 as nw
from pydantic import ValidationError

from rakurs.core.analysis import Analysis
from rakurs.core.answer import Missing
from rakurs.core.errors import BadInput, BadParameter, UnknownName
from rakurs.core.frames import conform, rows_beside, run_once
from rakurs.core.mart import MartSettings
from rakurs.core.params import Params, Records
from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema import TABLES
from rakurs.schema.derived import day_of
from rakurs.schema.given import empty_table, given_table
from rakurs.schema.scores import MODEL_SCORES
from rakurs.schema.segments import SEGMENT_MEMBERSHIPS

Frame = nw.LazyFrame[Any]

_TABLES = {table.name: table for table in (*TABLES, MODEL_SCORES, SEGMENT_MEMBERSHIPS)}
_MARTS = {mart.table.name: mart for mart in MARTS}
_NO_SEGMENTS = Text(
    ru="Сегменты живут в Ракурсе. Здесь отберите нужных клиентов в самих таблицах.",
    en="Segments live in Rakurs. Here, give tables of the customers you mean.",
)
_NO_SUSPECTS = Text(
    ru="Какие сделки сомнительны, знает Ракурс. Здесь отберите нужные в самих таблицах.",
    en="Which deals are suspect Rakurs knows. Here, give tables of the deals you mean.",
)
_ARGUMENT = Text(ru="Аргумента", en="argument")


def asking(analysis: Analysis) -> Callable[..., Any]:
    """`analysis` as a function of a notebook: tables by their canonical names, parameters by theirs."""

    def ask(*, timezone: str = "Europe/Moscow", currency: str = "RUB", **given: Any) -> Any:
        tables = {name: given[name] for name in given if name in _TABLES and given[name] is not None}
        params = _checked(analysis, {name: value for name, value in given.items() if name not in _TABLES})
        frames = _lazy(tables)
        canonical = {
            name: given_table(_TABLES[name], frame, timezone=timezone, currency=currency)
            for name, frame in frames.items()
        }
        return _answered(analysis, canonical, params).to_native()

    ask.__name__ = ask.__qualname__ = analysis.name
    ask.__doc__ = described(analysis)
    ask.__signature__ = _signature(analysis)  # type: ignore[attr-defined]
    return ask


def tables_of(analysis: Analysis) -> tuple[str, ...]:
    """The canonical tables that `analysis` reads, itself or through marts, in load order."""
    read = {name for table in analysis.inputs.values() for name in _behind(table.name)}
    return tuple(name for name in _TABLES if name in read)


def described(analysis: Analysis) -> str:
    """What `help()` says: the question, the definition, tables, parameters and columns."""
    params = (f"    {name}: {info.title.en}" for name, info in analysis.params.infos().items())
    columns = (f"    {column.name} ({column.unit.code}): {column.title.en}" for column in analysis.columns)
    return "\n".join(
        [
            f"{analysis.title.en}. {analysis.question.en}",
            "",
            analysis.definition.en,
            "",
            f"Tables (any of them): {', '.join(tables_of(analysis))}.",
            "Each may be a DuckDB relation, a polars, pandas, Arrow or Spark frame. The answer is a lazy frame of the",
            "same engine; pandas and Arrow tables are read by DuckDB. `as_of` is the last day found in the data",
            "unless given. A question below its data gate raises BadInput that says what is missing.",
            "",
            "Parameters:",
            *params,
            "    timezone: whose clocks times with an offset are moved to",
            "    currency: the company's currency",
            "",
            "Columns:",
            *columns,
            "",
            f"Source: {analysis.source}",
        ]
    )


def _behind(table: str) -> frozenset[str]:
    mart = _MARTS.get(table)
    if mart is None:
        return frozenset({table})
    return frozenset(name for source in mart.inputs.values() for name in _behind(source.name))


def _signature(analysis: Analysis) -> Signature:
    tables = [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in tables_of(analysis)]
    fields = analysis.params.model_fields.items()
    params = [Parameter(name, Parameter.KEYWORD_ONLY, default=field.default) for name, field in fields]
    own = {"timezone": "Europe/Moscow", "currency": "RUB"}
    return Signature([*tables, *params, *(Parameter(k, Parameter.KEYWORD_ONLY, default=v) for k, v in own.items())])


def _checked(analysis: Analysis, given: Mapping[str, Any]) -> Params:
    model = analysis.params
    for name in given:
        if name not in model.model_fields:
            raise UnknownName(_ARGUMENT, name, [*tables_of(analysis), *model.model_fields, "timezone", "currency"])
    if given.get("customer_segment") is not None:
        raise BadParameter("customer_segment", given["customer_segment"], _NO_SEGMENTS)
    if given.get("records", Records.ALL) != Records.ALL:
        raise BadParameter("records", given["records"], _NO_SUSPECTS)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ", ".join(given)
        raise BadParameter(name, first["input"], Text(ru=first["msg"], en=first["msg"])) from error


def _lazy(tables: Mapping[str, Any]) -> dict[str, Frame]:
    """The given tables as lazy frames of one engine."""
    frames = {name: _lazy_frame(table) for name, table in tables.items()}
    engines = sorted({str(frame.implementation) for frame in frames.values()})
    if len(engines) != 1:
        found = ", ".join(engines) or "-"
        raise BadInput(
            Text(
                ru=f"Нужна хотя бы одна таблица, и все на одном движке; найдено: {found}.",
                en=f"At least one table is needed, and all on one engine; found: {found}.",
            )
        )
    return frames


def _lazy_frame(table: Any) -> Frame:
    frame: Any = nw.from_native(table)
    if isinstance(frame, nw.LazyFrame):
        return frame
    return frame.lazy() if frame.implementation.is_polars() else frame.lazy(backend="duckdb")


def _answered(analysis: Analysis, canonical: Mapping[str, Frame], params: Params) -> Frame:
    beside = next(iter(canonical.values()))
    first, last = _days(canonical)
    bound = params.bound(last)
    calendar = rows_beside(beside, CALENDAR_MART.build(min(first, bound.today), max(last, bound.today)))
    frames: dict[str, Frame] = {**canonical, CALENDAR_MART.table.name: calendar}

    def frame(name: str) -> Frame:
        """A table, or a mart built of the tables before it, once."""
        if name not in frames:
            mart = _MARTS.get(name)
            if mart is None:
                frames[name] = empty_table(_TABLES[name], beside)
            else:
                inputs = {argument: frame(table.name) for argument, table in mart.inputs.items()}
                # A plan with every mart written out at each of its readers takes DuckDB half a minute to think through.
                frames[name] = run_once(mart.build(settings=MartSettings(), **inputs))
        return frames[name]

    inputs = {argument: frame(table.name) for argument, table in analysis.inputs.items()}
    _pass_gate(analysis, inputs, bound)
    answer = analysis.compute(params=bound, **inputs)
    if analysis.finish is not None:
        answer = rows_beside(beside, analysis.finish(_collected(answer), bound))
    descending = [key.startswith("-") for key in analysis.order]
    names = [key.removeprefix("-") for key in analysis.order]
    return conform(answer, analysis.columns).sort(*names, descending=descending, nulls_last=True)


def _days(canonical: Mapping[str, Frame]) -> tuple[date, date]:
    """The first and the last day anything happened on."""
    found: list[date] = []
    for name, frame in canonical.items():
        days = [nw.col(day) for day in _event_days(_TABLES[name])]
        if days:
            first = {f"first_{number}": day.min() for number, day in enumerate(days)}
            last = {f"last_{number}": day.max() for number, day in enumerate(days)}
            [values] = _collected(frame.select(**first, **last)).to_pylist()
            found += [edge for edge in values.values() if edge is not None]
    if not found:
        raise BadInput(
            Text(
                ru="В таблицах нет ни одной даты события: спрашивать не о чем.",
                en="The tables hold no time of any event: there is nothing to ask about.",
            )
        )
    return min(found), max(found)


def _event_days(table: Table) -> list[str]:
    """The columns that say on which days things happened; of scores and segments, the day they were made."""
    if table is MODEL_SCORES:
        return ["scored_on"]
    if table is SEGMENT_MEMBERSHIPS:
        return ["since"]
    return [day_of(column.name) for column in table.columns if column.unit is Unit.TIME]


def _pass_gate(analysis: Analysis, inputs: Mapping[str, Frame], params: Params) -> None:
    for need in analysis.gate.needs:
        have = _collected(need.rows(inputs, params).select(rows=nw.len())).to_pylist()[0]["rows"]
        if have < need.at_least:
            raise BadInput(Missing(what=need.what, at_least=need.at_least, have=have).message)


def _collected(frame: Frame) -> Any:
    return frame.collect("pyarrow").to_native()

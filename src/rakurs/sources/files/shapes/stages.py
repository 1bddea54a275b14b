"""Stages of an export: which stage wins, which loses, and in what order do they stand?"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.core.text import Text
from rakurs.sources.files.synonyms import plain

Outcome = Literal["open", "won", "lost"]
MAIN_PIPELINE = "main"
_WON = re.compile(
    r"^(сделка успешна|успешно( реализовано| завершена?| закрыта?)?|успех|выиграна?|оплачено|оплачена|завершена успешно"
    r"|closed won|won|deal won|success|successful)$"
)
_LOST = re.compile(
    r"^(сделка провалена|закрыто и не реализовано|не реализовано|провал\w*|проигра\w+|отказ( клиента)?|потеряна?"
    r"|анализ( причины)? провала|не успешно|неуспешно|отменена?|отменен[ао]? клиентом|дубль|спам"
    r"|closed lost|lost|deal lost|rejected|cancell?ed|junk)$"
)
_USUAL_ORDER = (
    "неразобранное", "новая", "новый", "новая заявка", "новая сделка", "prospecting", "new", "lead", "первичный контакт",
    "в работе", "квалификация", "qualification", "qualified", "подготовка документов", "переговоры", "engaging",
    "встреча", "презентация", "demo", "proposal", "коммерческое предложение", "отправлено кп", "принимают решение",
    "negotiation", "согласование договора", "счет на предоплату", "cчет на предоплату", "счет выставлен",
    "предоплата получена", "финальный счет", "contract", "доставка", "отгрузка",
)  # fmt: skip
_ORDER_NOTE = Text(
    ru="Порядок этапов в выгрузке не указан: взят обычный для названий, затем порядок появления в файле. "
    "Проверьте его в профиле.",
    en="The export does not say in which order stages stand: the usual order of such names is taken, then the order "
    "of appearance in the file. Check it in the profile.",
)
_OUTCOME_NOTE = Text(
    ru="Исход этапа понят по названию. Выигрыш: {won}. Проигрыш: {lost}.",
    en="A stage's outcome is read from its name. Won: {won}. Lost: {lost}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageColumns:
    """Columns of a file that say in which pipeline and stage a deal is, and when it was created."""

    stage: str
    pipeline: str | None
    created: str | None


@dataclass(frozen=True, slots=True)
class _Seen:
    pipeline: str
    stage: str


def outcome_of(stage: str) -> Outcome:
    """won, lost or open, by the words that CRM systems use for final stages."""
    words = plain(stage)
    if _WON.match(words):
        return "won"
    return "lost" if _LOST.match(words) else "open"


def with_stages(
    mapping: FileMapping, names: StageColumns, *, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> tuple[FileMapping, tuple[Text, ...]]:
    """`mapping` with the pipelines and stages that `rows` name, and deals split by whether their stage is final."""
    seen = _seen(names, columns=columns, rows=rows)
    if not seen:
        return mapping, ()
    stages = tuple(dict.fromkeys(item.stage for item in seen))
    tables = [
        TableMapping(table="pipelines", rows=_pipeline_rows(seen), keep_custom=False),
        TableMapping(table="stages", rows=_stage_rows(seen), keep_custom=False),
        *(split for table in mapping.tables for split in _split(table, names.stage, stages)),
    ]
    outcomes = {outcome: ", ".join(s for s in stages if outcome_of(s) == outcome) or "-" for outcome in ("won", "lost")}
    return replace(mapping, tables=tuple(tables)), (_ORDER_NOTE, _OUTCOME_NOTE.filled(**outcomes))


def _seen(names: StageColumns, *, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[_Seen]:
    stage = columns.index(names.stage)
    pipeline = columns.index(names.pipeline) if names.pipeline else None
    seen: dict[_Seen, None] = {}
    for row in rows:
        if row[stage].strip():
            name = row[pipeline].strip() if pipeline is not None else ""
            seen.setdefault(_Seen(name or MAIN_PIPELINE, row[stage].strip()))
    return list(seen)


def _pipeline_rows(seen: Sequence[_Seen]) -> tuple[dict[str, str], ...]:
    names = dict.fromkeys(item.pipeline for item in seen)
    return tuple({"pipeline_id": name, "name": "Основная" if name == MAIN_PIPELINE else name} for name in names)


def _stage_rows(seen: Sequence[_Seen]) -> tuple[dict[str, str | int], ...]:
    rows: list[dict[str, str | int]] = []
    for pipeline in dict.fromkeys(item.pipeline for item in seen):
        mine = [item.stage for item in seen if item.pipeline == pipeline]
        ordered = sorted(
            mine, key=lambda stage: (_FINAL_LAST[outcome_of(stage)], _usual_place(stage), mine.index(stage))
        )
        rows.extend(
            {
                "pipeline_id": pipeline,
                "stage_id": stage,
                "name": stage,
                "position": position,
                "outcome": outcome_of(stage),
            }
            for position, stage in enumerate(ordered, start=1)
        )
    return tuple(rows)


def _usual_place(stage: str) -> int:
    words = plain(stage)
    return _USUAL_ORDER.index(words) if words in _USUAL_ORDER else len(_USUAL_ORDER)


_FINAL_LAST: dict[Outcome, int] = {"open": 0, "won": 1, "lost": 2}


def _split(table: TableMapping, stage: str, stages: Sequence[str]) -> tuple[TableMapping, ...]:
    """One close column means "expected" while a deal is open and "closed" in a final stage; else nothing to split."""
    closed = table.values.get("closed_at")
    expected = table.values.get("expected_close_on")
    if table.table != "deals" or closed is None or expected is None or closed.columns != expected.columns:
        return (table,)
    final = tuple(name for name in stages if outcome_of(name) != "open")
    running = tuple(name for name in stages if outcome_of(name) == "open")
    return (
        replace(table, values=_without(table, "expected_close_on"), only_where={stage: final}),
        replace(table, values=_without(table, "closed_at"), only_where={stage: (*running, "")}),
    )


def _without(table: TableMapping, column: str) -> dict[str, Value]:
    return {name: value for name, value in table.values.items() if name != column}

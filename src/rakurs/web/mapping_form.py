"""What does the mapping form show of one new file, and what did a person say in it?

Columns and what they mean, words and what they stand for, stages, values the file lacks, how dates and money are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from rakurs.app.mapping import CUSTOM, Details, Stage
from rakurs.core.source import DateOrder, FileMapping
from rakurs.core.text import Text
from rakurs.schema import table_named
from rakurs.sources.files import ColumnGuess, Inspected, outcome_of, words_of
from rakurs.web.language import said

MOST_WORDS = 40
MOST_STAGES = 120
CONSTANT_ROWS = 1
SURE, LIKELY = 0.85, 0.6
SURENESS = {
    "good": Text(ru="уверенно", en="sure"),
    "warn": Text(ru="похоже", en="likely"),
    "bad": Text(ru="проверьте", en="check it"),
    "": Text(ru="не узнан", en="unknown"),
    "accent": Text(ru="выбрано вами", en="your choice"),
}
DATE_ORDERS = {
    "dmy": Text(ru="день.месяц.год — 03.04 это 3 апреля", en="day.month.year: 03.04 is 3 April"),
    "mdy": Text(ru="месяц/день/год — 03.04 это 4 марта", en="month/day/year: 03.04 is March 4"),
    "ymd": Text(ru="год-месяц-день", en="year-month-day"),
}
CURRENCIES = ("RUB", "USD", "EUR", "KZT", "BYN", "CNY", "UZS", "AMD", "GEL", "AED", "TRY")
OUTCOMES = {column.name: column for column in table_named("stages").columns}["outcome"].choices


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one column, and the words of the stage column by pipeline; which columns have too many to list."""

    of_columns: Mapping[str, tuple[str, ...]]
    stages: tuple[tuple[str, str], ...]
    crowded: frozenset[str] = frozenset()


def words_in(part: Inspected, choices: Mapping[str, str]) -> Words:
    """Words a person may want to replace: those of text columns with few of them."""
    stage = next((column for column, choice in choices.items() if choice == "deals.stage_id"), None)
    found: dict[str, tuple[str, ...]] = {}
    crowded: set[str] = set()
    for column, choice in choices.items():
        if column == stage or not _is_word(choice):
            continue
        words = tuple(word for (word,) in words_of(part, [column], most=MOST_WORDS))
        if len(words) > MOST_WORDS:
            crowded.add(column)
        elif words:
            found[column] = words
    stages = _stage_words(part, choices, stage) if stage else ()
    if stage and len(stages) > MOST_STAGES:
        return Words(found, (), frozenset({*crowded, stage}))
    return Words(found, stages, frozenset(crowded))


def _stage_words(part: Inspected, choices: Mapping[str, str], stage: str) -> tuple[tuple[str, str], ...]:
    pipeline = next((column for column, choice in choices.items() if choice == "deals.pipeline_id"), None)
    if pipeline is not None:
        pairs = words_of(part, [pipeline, stage], most=MOST_STAGES)
        return tuple((name or _constant_pipeline(part.mapping), word) for name, word in pairs)
    return tuple((_constant_pipeline(part.mapping), word) for (word,) in words_of(part, [stage], most=MOST_STAGES))


def _constant_pipeline(mapping: FileMapping) -> str:
    values = (table.values.get("pipeline_id") for table in mapping.tables if table.table == "deals")
    return next((value.constant for value in values if value and value.constant), "main")


def _is_word(choice: str) -> bool:
    if choice == CUSTOM or "." not in choice:
        return False
    table, _, name = choice.partition(".")
    column = table_named(table).column(name)
    return bool(column.choices) or (column.unit.kind == "text" and name not in table_named(table).key)


def said_details(post: Mapping[str, str], columns: Sequence[str], words: Words, proposal: FileMapping) -> Details:
    """What the form says beyond the meaning of columns."""
    replacements: dict[str, dict[str, str]] = {}
    for column, known in words.of_columns.items():
        place = columns.index(column)
        told = {word: post.get(f"word-{place}-{number}", "").strip() for number, word in enumerate(known)}
        replacements[column] = {word: new for word, new in told.items() if new and new != word}
    constants = {
        post[f"constant-{number}-target"]: post.get(f"constant-{number}-value", "").strip()
        for number in range(20)
        if post.get(f"constant-{number}-target")
    }
    order = post.get("date_order", "")
    return Details(
        replacements=replacements,
        constants={target: value for target, value in constants.items() if value},
        stages=_said_stages(post, words, constants, proposal),
        date_order=cast("DateOrder", order) if order in get_args(DateOrder) else None,
        currency=post.get("currency", "").strip().upper() or None,
        timezone=post.get("timezone") or None,
    )


def known_details(mapping: FileMapping, words: Words) -> Details:
    """What a mapping says beyond the meaning of columns: a proposal mostly nothing, a corrected one what was said."""
    replacements: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    for table in mapping.tables:
        for name, value in table.values.items():
            if value.constant and not value.columns:
                constants[f"{table.table}.{name}"] = value.constant
            for column in value.columns if (table.table, name) != ("deals", "stage_id") else ():
                listed = words.of_columns.get(column, ())
                told = {word: new for word, new in value.replace.items() if word in listed}
                replacements.setdefault(column, {}).update(told)
    return Details(replacements=replacements, constants=constants, stages=_said_stages({}, words, constants, mapping))


def _said_stages(
    post: Mapping[str, str], words: Words, constants: Mapping[str, str], proposal: FileMapping
) -> tuple[Stage, ...] | None:
    if not words.stages:
        return None
    pipeline = constants.get("deals.pipeline_id")
    proposed = _proposed_stages(words, proposal)
    stages: list[Stage] = []
    for number, before in enumerate(proposed):
        outcome = post.get(f"stage-{number}-outcome", before.outcome)
        position = post.get(f"stage-{number}-position", "")
        stages.append(
            Stage(
                pipeline=pipeline or before.pipeline,
                word=before.word,
                name=post.get(f"stage-{number}-name", "").strip() or before.name,
                outcome=outcome if outcome in OUTCOMES else before.outcome,
                position=int(position) if position.isdecimal() else before.position,
            )
        )
    return tuple(stages)


def _proposed_stages(words: Words, proposal: FileMapping) -> list[Stage]:
    known = {
        (str(row["pipeline_id"]), str(row["stage_id"])): row
        for table in proposal.tables
        if table.table == "stages"
        for row in table.rows
    }
    merged = _merged_words(proposal)
    stages: list[Stage] = []
    for number, (pipeline, word) in enumerate(words.stages, start=1):
        row = known.get((pipeline, merged.get(word, word)), {})
        stages.append(
            Stage(
                pipeline=pipeline,
                word=word,
                name=str(row.get("name", word)),
                outcome=str(row.get("outcome", outcome_of(word))),
                position=int(row.get("position", number)),
            )
        )
    return sorted(stages, key=lambda stage: (stage.pipeline, stage.position, stage.word))


def _merged_words(mapping: FileMapping) -> Mapping[str, str]:
    """Words of the stage column that stand for a stage called by another word."""
    values = (table.values.get("stage_id") for table in mapping.tables if table.table == "deals")
    return next((value.replace for value in values if value), {})


def column_view(
    number: int, guess: ColumnGuess, choices: Mapping[str, str], words: Words, details: Details
) -> dict[str, Any]:
    """One column of the file: name, samples, what it means and how sure that is, words that may be replaced."""
    proposed = f"{guess.table}.{guess.target}" if guess.target else CUSTOM
    tone = _tone(guess) if choices[guess.column] == proposed else "accent"
    told = details.replacements.get(guess.column, {})
    target = choices[guess.column]
    options: Mapping[str, Text] = {}
    if "." in target:
        table, _, name = target.partition(".")
        options = table_named(table).column(name).choices
    return {
        "field": f"column-{number}",
        "name": guess.column,
        "samples": " · ".join(guess.samples) or "—",
        "tone": tone,
        "sureness": said(SURENESS[tone]),
        "percent": round(guess.confidence * 100) if tone in {"good", "warn", "bad"} else None,
        "chosen": target,
        "options": [(code, said(title)) for code, title in options.items()],
        "is_replaced": bool(told),
        "is_crowded": guess.column in words.crowded,
        "most": MOST_STAGES if target == "deals.stage_id" else MOST_WORDS,
        "words": [
            {"field": f"word-{number}-{place}", "word": word, "told": told.get(word, "")}
            for place, word in enumerate(words.of_columns.get(guess.column, ()))
        ],
    }


def _tone(guess: ColumnGuess) -> str:
    if not guess.target:
        return ""
    return "good" if guess.confidence >= SURE else "warn" if guess.confidence >= LIKELY else "bad"


def stage_views(details: Details) -> list[dict[str, Any]]:
    """The stage words in the form, with what they mean; `starts` is the pipeline where one begins."""
    stages = details.stages or ()
    return [
        {
            "number": number,
            "word": stage.word,
            "name": stage.name,
            "outcome": stage.outcome,
            "position": stage.position,
            "starts": stage.pipeline if not number or stages[number - 1].pipeline != stage.pipeline else "",
        }
        for number, stage in enumerate(stages)
    ]


def constant_views(details: Details, lacking: Sequence[str]) -> list[dict[str, Any]]:
    """Values for every row: those told, one for each required column that is missing, and an empty line."""
    told = [(target, value, False) for target, value in details.constants.items()]
    told += [(target, "", True) for target in lacking if target not in details.constants]
    told += [("", "", False)] * CONSTANT_ROWS
    return [
        {"number": number, "target": target, "value": value, "is_lacking": is_lacking}
        for number, (target, value, is_lacking) in enumerate(told)
    ]


def summary_of(mapping: FileMapping) -> list[dict[str, Any]]:
    """What will be loaded: each table with the source of each of its columns."""
    shown: list[dict[str, Any]] = []
    for made in mapping.tables:
        table = table_named(made.table)
        fields = [
            {
                "title": said(table.column(name).title),
                "source": " / ".join(value.columns) or value.constant or said(_ROW),
            }
            for name, value in made.values.items()
        ]
        shown.append({"title": said(table.title), "fields": fields, "rows": len(made.rows), "is_list": made.distinct})
    return shown


_ROW = Text(ru="номер строки", en="the row's number")

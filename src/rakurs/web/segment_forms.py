"""How does a form of conditions on customers look, and what was filled into it?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, QueryDict

from rakurs.analyses.traits import TRAITS, Trait, trait_named
from rakurs.app.asked import Where
from rakurs.app.formats import Format
from rakurs.app.segment_definitions import AnyDefinition, Combined, Meeting, definition_of
from rakurs.core.errors import BadInput, UnknownName
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.state.models import Segment
from rakurs.web.access import scope_for, workspace
from rakurs.web.language import said

OPERATORS: Mapping[str, Text] = {
    "in": Text(ru="одно из", en="one of"),
    "not_in": Text(ru="ни одно из", en="none of"),
    "contains": Text(ru="содержит", en="contains"),
    "between": Text(ru="от … до", en="between"),
    "given": Text(ru="указано", en="is given"),
    "empty": Text(ru="не указано", en="is not given"),
}
CHOSEN_AMONG = frozenset({"region", "channel", "manager"})
"""Traits whose values are listed to choose from, as the filters of reports list them."""
DEFAULT_TRAIT = "last_days_ago"
LISTED_VALUES = 200
PARTS: Mapping[str, Text] = {
    "": Text(ru="не участвует", en="not used"),
    "all_of": Text(ru="обязательно в нём", en="must be in it"),
    "any_of": Text(ru="хотя бы в одном из таких", en="in at least one of these"),
    "none_of": Text(ru="не в нём", en="must not be in it"),
}
_ROW = re.compile(r"^field-(\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """One condition of the form, as it was filled in so far."""

    number: int
    trait: Trait
    operator: str
    operators: Sequence[tuple[str, str]]
    values: Sequence[tuple[str, str, bool]]
    text: str
    low: str
    high: str
    is_day: bool

    @property
    def takes(self) -> str:
        """What is asked for beside the operator: values, text, range or nothing."""
        if self.operator == "between":
            return "range"
        if self.operator in {"given", "empty"}:
            return ""
        return "values" if self.values and self.operator != "contains" else "text"


def condition_row(request: HttpRequest, data: QueryDict, number: int) -> ConditionRow:
    """The condition number `number` of a half-filled form."""
    trait = _trait(data.get(f"field-{number}") or DEFAULT_TRAIT)
    fitting = _operators(trait)
    operator = data.get(f"operator-{number}", "")
    chosen = data.getlist(f"values-{number}")
    return ConditionRow(
        number=number,
        trait=trait,
        operator=operator if operator in fitting else fitting[0],
        operators=[(name, said(OPERATORS[name])) for name in fitting],
        values=[(value, label, value in chosen) for value, label in _values(request, trait)],
        text=data.get(f"text-{number}", ""),
        low=data.get(f"low-{number}", ""),
        high=data.get(f"high-{number}", ""),
        is_day=trait.dimension.unit.kind == "day",
    )


def condition_rows(request: HttpRequest, data: QueryDict) -> list[ConditionRow]:
    """Every condition of the form, at least one."""
    return [condition_row(request, data, number) for number in _numbers(data) or [0]]


def trait_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """The traits a condition may be on, as the form lists them."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for trait in TRAITS:
        groups.setdefault(said(trait.group), []).append((trait.name, said(trait.dimension.title)))
    return list(groups.items())


def meeting_in(request: HttpRequest, data: QueryDict) -> AnyDefinition:
    """The conditions of the form. BadParameter says which one is wrong."""
    where = [_where(condition_row(request, data, number), data) for number in _numbers(data)]
    window = data.get("window_days", "").strip()
    return definition_of({"kind": "filter", "where": where, "window_days": int(window) if window.isdecimal() else 365})


def combined_in(data: QueryDict) -> AnyDefinition:
    """The segments of the form by the part each plays."""
    parts: dict[str, list[str]] = {"all_of": [], "any_of": [], "none_of": []}
    for name, part in data.items():
        if name.startswith("part-") and part in parts:
            parts[str(part)].append(name.removeprefix("part-"))
    return definition_of({"kind": "combination", **parts})


def can_be_filled_in(definition: AnyDefinition) -> bool:
    """Whether the forms below make such a definition."""
    return isinstance(definition, Meeting | Combined)


def filled_form(segment: Segment) -> tuple[str, QueryDict]:
    """The form that would make the segment, and what is filled into it."""
    definition = definition_of(segment.definition)
    data = QueryDict(mutable=True)
    data.update({"title": segment.title, "about": segment.about})
    if segment.is_living:
        data["is_living"] = "on"
    if isinstance(definition, Combined):
        for name in ("all_of", "any_of", "none_of"):
            data.update({f"part-{part}": name for part in getattr(definition, name)})
        return "sets", data
    if isinstance(definition, Meeting):
        data["window_days"] = str(definition.window_days)
        for number, where in enumerate(definition.where):
            data.update({f"field-{number}": where.field, f"operator-{number}": where.operator})
            data.update({f"low-{number}": where.low or "", f"high-{number}": where.high or ""})
            data.setlist(f"values-{number}", [value or "" for value in where.values])
            data[f"text-{number}"] = ", ".join(value for value in where.values if value)
    return "conditions", data


def definition_words(
    request: HttpRequest, definition: AnyDefinition, others: Mapping[str, Segment], form: Format
) -> list[dict[str, Any]]:
    """Conditions and parts in words: `title` and, per value, `text` and where it leads."""
    if isinstance(definition, Meeting):
        return [_condition_words(request, where, definition, form) for where in definition.where]
    if isinstance(definition, Combined):
        named = {name: getattr(definition, name) for name in ("all_of", "any_of", "none_of")}
        return [
            {"title": said(_PART_WORDS[name]), "values": [_part(others, part) for part in parts]}
            for name, parts in named.items()
            if parts
        ]
    return []


_PART_WORDS: Mapping[str, Text] = {
    "all_of": Text(ru="В каждом из", en="In every one of"),
    "any_of": Text(ru="Хотя бы в одном из", en="In at least one of"),
    "none_of": Text(ru="Ни в одном из", en="In none of"),
}
_RANGES: Mapping[tuple[str, ...], Text] = {
    ("low", "high"): Text(ru="от {low} до {high}", en="{low} to {high}"),
    ("low",): Text(ru="от {low}", en="{low} and more"),
    ("high",): Text(ru="до {high}", en="up to {high}"),
}
_NOT_OPEN = Text(ru="сегмент, который вам не открыт", en="a segment not open to you")
_WINDOW = Text(ru="{title}, {days} дн.", en="{title}, {days} days")


def _part(others: Mapping[str, Segment], segment_id: str) -> dict[str, str]:
    known = others.get(segment_id)
    if known is None:
        return {"text": said(_NOT_OPEN), "href": ""}
    return {"text": known.title, "href": f"/segments/{known.id}/"}


def _condition_words(request: HttpRequest, where: Where, definition: Meeting, form: Format) -> dict[str, Any]:
    trait = trait_named(where.field)
    title = said(trait.dimension.title)
    if where.field.startswith("window_") or where.field == "rfm_segment":
        title = said(_WINDOW).format(title=title, days=definition.window_days)
    labels = dict(_values(request, trait))
    unit = trait.dimension.unit

    def bound(value: str) -> str:
        if unit.kind == "day":
            return form.shown(date.fromisoformat(value), unit)
        # Days stand in the title already.
        return form.shown(float(value), Unit.NUMBER if unit is Unit.DAYS else unit)

    if where.operator == "between":
        ends = {"low": where.low, "high": where.high}
        given = {name: bound(value) for name, value in ends.items() if value is not None}
        values = [said(_RANGES[tuple(given)]).format(**given)]
    elif where.operator in {"given", "empty"}:
        values = []
    else:
        values = [labels.get(value or "", value or said(OPERATORS["empty"])) for value in where.values]
    word = "" if where.operator in {"in", "between"} else said(OPERATORS[where.operator])
    return {"title": f"{title} {word}".strip(), "values": [{"text": value, "href": ""} for value in values]}


_INCOMPLETE = Text(
    ru="Условие «{trait}»: укажите, с чем сравнить.", en="Condition “{trait}”: say what to compare with."
)


def _numbers(data: QueryDict) -> list[int]:
    found = (_ROW.match(name) for name in data)
    return sorted(int(match[1]) for match in found if match)


def _trait(name: str) -> Trait:
    try:
        return trait_named(name)
    except UnknownName:
        return trait_named(DEFAULT_TRAIT)


def _operators(trait: Trait) -> list[str]:
    if trait.dimension.unit.kind != "text":
        return ["between", "given", "empty"]
    listed = bool(trait.choices) or trait.name in CHOSEN_AMONG
    return ["in", "not_in", *([] if listed else ["contains"]), "given", "empty"]


def _values(request: HttpRequest, trait: Trait) -> list[tuple[str, str]]:
    """(value, label) of a trait with few values; nothing where they are typed."""
    if trait.choices:
        return [(value, said(label)) for value, label in trait.choices.items()]
    if trait.name in CHOSEN_AMONG and workspace().has_data:
        return list(workspace().options(trait.name, scope=scope_for(request))[:LISTED_VALUES])
    return []


def _where(row: ConditionRow, data: QueryDict) -> dict[str, Any]:
    where: dict[str, Any] = {"field": row.trait.name, "operator": row.operator}
    if row.takes == "range":
        plain = {"low": row.low, "high": row.high}
        where |= {name: _number(value, row) for name, value in plain.items() if value.strip()}
    elif row.takes == "values":
        where["values"] = data.getlist(f"values-{row.number}")
    elif row.takes == "text":
        separated = [row.text] if row.operator == "contains" else row.text.split(",")
        where["values"] = [word.strip() for word in separated if word.strip()]
    if row.takes and not (where.get("values") or "low" in where or "high" in where):
        title = row.trait.dimension.title
        raise BadInput(Text(ru=_INCOMPLETE.ru.format(trait=title.ru), en=_INCOMPLETE.en.format(trait=title.en)))
    return where


def _number(value: str, row: ConditionRow) -> str:
    """As people type it: spaces between thousands, a comma before the cents."""
    return value.strip() if row.is_day else re.sub(r"\s", "", value).replace(",", ".")

"""How is a change told in a few plain sentences, with money and without a causal word?"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from rakurs.analyses.sales.change_events import PURCHASE, SPLITS, WHOLE
from rakurs.analyses.sales.change_factors import Factor, Tree
from rakurs.core.analysis import Statement, Told
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics import metric_named

MOST_CLAIMS = 3
WHOLE_CELL = {"dimension": WHOLE}

_SUMMARY = Text(
    ru="{title}: было {{before}}, стало {{after}}, разница {{change}}.",
    en="{title}: {{before}} before, {{after}} now, a difference of {{change}}.",
)
_CLAIM = Text(
    ru="{split} «{name}», {factor}: было {{before}}, стало {{after}}; это {{effect}} в общей разнице. У остальных изменение другое.",
    en="{split} “{name}”, {factor}: {{before}} before, {{after}} now; {{effect}} of the difference. The rest changed otherwise.",
)
_NO_CLAIM = Text(
    ru="Проверено рядов: {tested}. Ни один не изменился иначе, чем остальные, сильнее случайности: отдельной причины в данных не видно.",
    en="Series tested: {tested}. None changed otherwise than the rest by more than chance: the data shows no separate cause.",
)
_UNNAMED = Text(ru="не указано", en="not given")
_WORDS: Mapping[tuple[str, str], Text] = {
    (PURCHASE, "first"): Text(ru="первая", en="first"),
    (PURCHASE, "repeat"): Text(ru="повторная", en="repeat"),
    ("customer_kind", "person"): Text(ru="человек", en="person"),
    ("customer_kind", "company"): Text(ru="компания", en="company"),
}
"""Values that are codes, in words."""
_TITLES: Mapping[str, Text] = {
    **{split.name: split.title for split in SPLITS},
    PURCHASE: Text(ru="Покупка", en="Purchase"),
}


def told(table: pa.Table, params: Any) -> tuple[Statement, ...]:
    """What changed, by which factors, and which parts of the company changed otherwise than the rest."""
    rows = table.to_pylist()
    if not rows:
        return ()
    name, tree = params.metric.value, params.tree
    bridge = [row for row in rows if row["dimension"] == WHOLE]
    claims = [row for row in rows if row["is_claimed"] and abs(row["effect"]) >= _worth_telling(bridge)]
    tested = sum(row["p_value"] is not None for row in rows)
    nothing = Statement(words=_NO_CLAIM, values={"tested": Told(value=tested, unit=Unit.COUNT)})
    return (
        _summary(metric_named(name).title, tree, bridge),
        *_factors(tree, bridge),
        *(_claim(tree, row, metric_named(name).title) for row in claims[:MOST_CLAIMS]),
        *(() if claims or not tested else (nothing,)),
    )


def _worth_telling(bridge: list[dict[str, Any]]) -> float:
    """A claim that moved next to nothing is true and says nothing: one per cent of what the factors moved in sum."""
    return max(0.005, 0.01 * sum(abs(row["effect"]) for row in bridge if row["effect"] is not None))


def _summary(title: Text, tree: Tree, bridge: list[dict[str, Any]]) -> Statement:
    before, after = bridge[0]["level"], bridge[-1]["level"]
    return Statement(
        words=_said(_SUMMARY, title=title),
        values={
            "before": _level(tree, before),
            "after": _level(tree, after),
            "change": _change(tree, round(after - before, 2)),
        },
        cell=WHOLE_CELL,
    )


def _factors(tree: Tree, bridge: list[dict[str, Any]]) -> tuple[Statement, ...]:
    """Each factor's part, the largest first; none where the metric has one factor only."""
    steps = sorted(bridge[1:-1], key=lambda row: (-abs(row["effect"]), row["factor"]))
    if len(steps) < 2:
        return ()
    titles = {factor.name: factor.title for factor in _all_factors(tree)}
    ru = "; ".join(f"{_lowered(titles[row['factor']].ru)}: {{{row['factor']}}}" for row in steps)
    en = "; ".join(f"{_lowered(titles[row['factor']].en)}: {{{row['factor']}}}" for row in steps)
    return (
        Statement(
            words=Text(ru=f"Из чего сложилась разница: {ru}.", en=f"What the difference is made of: {en}."),
            values={row["factor"]: _change(tree, row["effect"]) for row in steps},
        ),
    )


def _claim(tree: Tree, row: Mapping[str, Any], metric: Text) -> Statement:
    factor = next(item for item in _all_factors(tree) if item.name == row["factor"])
    name = _WORDS.get((row["dimension"], row["key"]))
    shown = name or (_UNNAMED if row["name"] is None else Text(ru=_escaped(row["name"]), en=_escaped(row["name"])))
    title = metric if factor.name in ("rate", "level") else factor.title
    words = _said(
        _CLAIM,
        split=_TITLES[row["dimension"]],
        name=shown,
        factor=Text(ru=_lowered(title.ru), en=_lowered(title.en)),
    )
    return Statement(
        words=words,
        values={
            "before": _of_factor(factor, row["before"]),
            "after": _of_factor(factor, row["after"]),
            "effect": _change(tree, row["effect"]),
        },
        cell={"dimension": row["dimension"], "key": row["key"]},
    )


def _said(pattern: Text, **words: Text) -> Text:
    return Text(
        ru=pattern.ru.format(**{name: text.ru for name, text in words.items()}),
        en=pattern.en.format(**{name: text.en for name, text in words.items()}),
    )


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")


def _lowered(words: str) -> str:
    return words[0].lower() + words[1:]


def _all_factors(tree: Tree) -> tuple[Factor, ...]:
    return (*tree.factors, *((tree.rest,) if tree.rest else ()))


def _level(tree: Tree, value: float) -> Told:
    return Told(value=value / 100, unit=Unit.SHARE) if tree.unit is Unit.SHARE else Told(value=value, unit=tree.unit)


def _change(tree: Tree, value: float) -> Told:
    if tree.unit is Unit.SHARE:
        return Told(value=value / 100, unit=Unit.POINTS, is_change=True)
    unit = Unit.NUMBER if tree.unit is Unit.COUNT else tree.unit
    return Told(value=value, unit=unit, is_change=True)


def _of_factor(factor: Factor, value: float | None) -> Told:
    if factor.unit is Unit.SHARE and value is not None:
        return Told(value=value / 100, unit=Unit.SHARE)
    return Told(value=value, unit=factor.unit)

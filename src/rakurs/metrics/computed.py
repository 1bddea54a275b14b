"""A measure made of others: `revenue / deals_won`. Is the formula sound, and what does its result count?

A formula holds names of metrics, numbers, + - * / and brackets. It is worked out from the totals of its metrics, so
that a total of it is right too. Absent is not zero: where an operand is absent, or a divisor is 0, there is no result.
"""

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zlib import crc32

import narwhals.stable.v2 as nw

from rakurs.core.errors import BadParameter
from rakurs.core.frames import ratio, to_money
from rakurs.core.metric import Metric
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.metrics.catalogue import metric_named

LONGEST = 300
Values = Mapping[str, nw.Expr]
Evaluated = Callable[[Values], nw.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Term:
    """A part of a formula: its value, what it counts, and its words; a bare number counts nothing by itself."""

    value: Evaluated
    unit: Unit
    words: Text
    is_literal: bool = False


def measure_named(text: str) -> Metric:
    """The metric called `text`, or the one computed by the formula `text`, which may begin with `Title =`.

    UnknownName for a metric that is not there; BadParameter for a formula that cannot be read, or adds unlike units.
    """
    if text.isidentifier():
        return metric_named(text)
    title, equals, formula = text.rpartition("=")
    tree = _parsed(formula, text)
    operands = {node.id: metric_named(node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)}
    if not operands:
        raise _refused(text, "В формуле нет ни одного показателя.", "The formula names no metric.")
    term = _term(tree.body, text, operands)
    written = ast.unparse(tree)
    return Metric(
        name=f"f_{crc32(written.encode()):08x}",
        title=Text(ru=title.strip(), en=title.strip()) if equals and title.strip() else term.words,
        definition=Text(ru=f"Вычислено: {term.words.ru}", en=f"Computed: {term.words.en}"),
        unit=term.unit,
        measures=(),
        value=_in_unit(term),
        operands=tuple(operands.values()),
    )


def _parsed(formula: str, text: str) -> ast.Expression:
    try:
        if len(formula) <= LONGEST:
            return ast.parse(formula.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    raise _refused(
        text,
        "Формула — это названия показателей, числа, + − * / и скобки: revenue / deals_won.",
        "A formula is names of metrics, numbers, + - * / and brackets: revenue / deals_won.",
    )


def _term(node: ast.expr, text: str, operands: Mapping[str, Metric]) -> _Term:
    match node:
        case ast.Name(id=name):
            metric = operands[name]
            return _Term(value=lambda values: values[name], unit=metric.unit, words=metric.title)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            words = Text(ru=f"{number:g}", en=f"{number:g}")
            return _Term(value=lambda _values: nw.lit(float(number)), unit=Unit.NUMBER, words=words, is_literal=True)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            term = _term(inner, text, operands)
            words = Text(ru=f"−{term.words.ru}", en=f"−{term.words.en}")
            return _Term(value=lambda values: -term.value(values), unit=_signed(term.unit), words=words)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATIONS:
            return _OPERATIONS[type(operator)](_term(left, text, operands), _term(right, text, operands), text)
        case _:
            shown = ast.unparse(node)
            raise _refused(
                text, f"Так нельзя: {shown}. Есть + − * / и скобки.", f"Not known: {shown}. There is + - * /."
            )


def _sum(left: _Term, right: _Term, text: str) -> _Term:
    return _added(left, right, text, sign="+", value=lambda values: left.value(values) + right.value(values))


def _difference(left: _Term, right: _Term, text: str) -> _Term:
    return _added(left, right, text, sign="−", value=lambda values: left.value(values) - right.value(values))


def _added(left: _Term, right: _Term, text: str, *, sign: str, value: Evaluated) -> _Term:
    kinds = {_kind(left.unit), _kind(right.unit)}
    # 1 - conversion: a bare number beside a share is a share.
    if len(kinds) > 1 and not ((left.is_literal or right.is_literal) and kinds == {"number", "share"}):
        first, second = _WORDS[_kind(left.unit)], _WORDS[_kind(right.unit)]
        raise _refused(
            text,
            f"Нельзя сложить или вычесть разное: «{left.words.ru}» — {first.ru}, «{right.words.ru}» — {second.ru}.",
            f"Unlike things cannot be added or subtracted: “{left.words.en}” is {first.en}, "
            f"“{right.words.en}” is {second.en}.",
        )
    unit = left.unit if sign == "+" and left.unit is right.unit else _signed(left.unit)
    if "share" in kinds:
        unit = Unit.RATIO
    return _Term(value=value, unit=unit, words=_joined(left, sign, right))


def _product(left: _Term, right: _Term, text: str) -> _Term:
    unit = _PRODUCTS.get((_kind(left.unit), _kind(right.unit))) or _PRODUCTS.get((_kind(right.unit), _kind(left.unit)))
    if unit is None:
        raise _senseless(left, right, text, ru="умножить", en="multiply")
    return _Term(
        value=lambda values: left.value(values) * right.value(values),
        unit=unit,
        words=_joined(_bracketed(left), "×", _bracketed(right)),
    )


def _quotient(left: _Term, right: _Term, text: str) -> _Term:
    first, second = _kind(left.unit), _kind(right.unit)
    is_like = first == second and not left.is_literal and not right.is_literal
    unit = Unit.RATIO if is_like else _QUOTIENTS.get((first, second))
    if unit is None:
        raise _senseless(left, right, text, ru="разделить", en="divide")
    return _Term(
        value=lambda values: ratio(left.value(values), right.value(values)),
        unit=unit,
        words=_joined(_bracketed(left), "/", _bracketed(right)),
    )


_OPERATIONS: Mapping[type[ast.operator], Callable[[_Term, _Term, str], _Term]] = {
    ast.Add: _sum,
    ast.Sub: _difference,
    ast.Mult: _product,
    ast.Div: _quotient,
}
_WORDS: Mapping[str, Text] = {
    "money": Text(ru="деньги", en="money"),
    "number": Text(ru="количество", en="a number"),
    "share": Text(ru="доля", en="a share"),
    "days": Text(ru="дни", en="days"),
}
_PRODUCTS: Mapping[tuple[str, str], Unit] = {
    ("money", "number"): Unit.MONEY,
    ("money", "share"): Unit.MONEY,
    ("number", "number"): Unit.NUMBER,
    ("number", "share"): Unit.NUMBER,
    ("share", "share"): Unit.RATIO,
    ("days", "number"): Unit.NUMBER,
    ("days", "share"): Unit.NUMBER,
}
_QUOTIENTS: Mapping[tuple[str, str], Unit] = {
    ("money", "number"): Unit.MONEY,
    ("money", "share"): Unit.MONEY,
    ("money", "days"): Unit.MONEY,
    ("number", "number"): Unit.NUMBER,
    ("number", "share"): Unit.NUMBER,
    ("number", "days"): Unit.NUMBER,
    ("share", "number"): Unit.RATIO,
    ("days", "number"): Unit.NUMBER,
}


def _kind(unit: Unit) -> str:
    return "days" if unit in {Unit.DAYS, Unit.HOURS, Unit.SECONDS} else unit.kind


def _signed(unit: Unit) -> Unit:
    """The unit of what may be negative."""
    return unit if unit is Unit.MONEY else Unit.RATIO if unit.kind == "share" else Unit.NUMBER


def _in_unit(term: _Term) -> Evaluated:
    """The value in its own type, worked out in floats: engines multiply and divide decimals each their own way."""

    def value(values: Values) -> nw.Expr:
        found = term.value({name: operand.cast(nw.Float64()) for name, operand in values.items()})
        return to_money(found) if term.unit is Unit.MONEY else found

    return value


def _joined(left: _Term, sign: str, right: _Term) -> Text:
    return Text(ru=f"{left.words.ru} {sign} {right.words.ru}", en=f"{left.words.en} {sign} {right.words.en}")


def _bracketed(term: _Term) -> _Term:
    """The term with its words in brackets where it is itself a sum."""
    if not any(sign in term.words.en for sign in (" + ", " − ", " / ")):
        return term
    words = Text(ru=f"({term.words.ru})", en=f"({term.words.en})")
    return _Term(value=term.value, unit=term.unit, words=words, is_literal=term.is_literal)


def _senseless(left: _Term, right: _Term, text: str, *, ru: str, en: str) -> BadParameter:
    first, second = _WORDS[_kind(left.unit)], _WORDS[_kind(right.unit)]
    return _refused(
        text,
        f"Нет смысла {ru}: «{left.words.ru}» — {first.ru}, «{right.words.ru}» — {second.ru}.",
        f"It makes no sense to {en}: “{left.words.en}” is {first.en}, “{right.words.en}” is {second.en}.",
    )


def _refused(text: str, ru: str, en: str) -> BadParameter:
    return BadParameter("metrics", text, Text(ru=ru, en=en))

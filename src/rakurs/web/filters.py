"""Which filters does a question have, and what is chosen in them? Pills, from the parameters' own declaration."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from rakurs.app.formats import SYMBOLS, Format, custom_period
from rakurs.app.params import given_params
from rakurs.core.params import ParamInfo, Params, PeriodParams
from rakurs.core.periods import DAY, FISCAL_PRESETS, Preset
from rakurs.core.text import Text
from rakurs.core.units import Unit

PERIOD_FIELDS = ("period", "from_day", "to_day")
LONG_LIST = 12
ROW_WIDTH, PILL_WIDTH, LETTER_WIDTH, SHOWN_LETTERS = 930, 50, 7.3, 27
"""Pixels: the row less "more" and "reset"; a pill without its words; one letter. Longer values are cut."""
ANY = Text(ru="Все", en="All")
AUTO = Text(ru="Авто", en="Auto")
YES = Text(ru="Да", en="Yes")
NO = Text(ru="Нет", en="No")
NOT_SET = Text(ru="не задано", en="not set")

Options = Callable[[str], Sequence[tuple[str, str]]]
PillKind = Literal["period", "select", "search", "number", "text", "day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One value that may be chosen; an empty value is the default."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """One filter as it stands on the page."""

    name: str
    kind: PillKind
    title: str
    help: str
    shown: str
    is_active: bool
    value: str = ""
    choices: tuple[Choice, ...] = ()
    is_multiple: bool = False
    suffix: str = ""
    step: str = "any"
    dates: tuple[tuple[str, str, str], ...] = ()
    """For a period: (name, title, ISO day) of its own first and last day."""

    @property
    def has_choice(self) -> bool:
        """Whether there is anything to choose: a list of nothing but "all" is no filter."""
        return self.kind not in ("select", "search") or len(self.choices) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The pills in one row, and the ones behind "more"."""

    primary: tuple[Pill, ...]
    more: tuple[Pill, ...]
    given: dict[str, Any]
    """What differs from the defaults: the address of this question."""

    @property
    def is_more_active(self) -> bool:
        """Whether a hidden pill limits the answer."""
        return any(pill.is_active for pill in self.more)


def filters_of(params: Params, *, options: Options, form: Format) -> Filters:
    """The filters of a question whose checked parameters are `params` (not yet bound to a day)."""
    model = type(params)
    pills: list[tuple[Pill, bool]] = []
    for name, info in model.infos().items():
        if name in PERIOD_FIELDS[1:] and "period" in model.model_fields:
            continue
        pill = _pill(name, info, params, options, form)
        if pill.is_active or pill.has_choice:
            pills.append((pill, info.is_advanced))
    first = [pill for pill, is_advanced in pills if not is_advanced]
    first.sort(key=lambda pill: pill.kind != "period")
    hidden = [pill for pill, is_advanced in pills if is_advanced]
    fitting = _fitting(first)
    return Filters(primary=tuple(first[:fitting]), more=(*first[fitting:], *hidden), given=short_params(params))


def _fitting(pills: Sequence[Pill]) -> int:
    """How many pills stand in one row on a wide page, by the length of their words."""
    width, count = 0.0, 0
    for pill in pills:
        width += PILL_WIDTH + LETTER_WIDTH * (len(pill.title) + min(len(pill.shown) or 8, SHOWN_LETTERS))
        if width > ROW_WIDTH:
            break
        count += 1
    return count


def short_params(params: Params) -> dict[str, Any]:
    """What differs from the defaults, as an address holds it: days already say that the period is custom."""
    given = given_params(params)
    if given.get("from_day") or given.get("to_day"):
        given.pop("period", None)
    return given


def _pill(name: str, info: ParamInfo, params: Params, options: Options, form: Format) -> Pill:
    field = type(params).model_fields[name]
    value = getattr(params, name)
    is_active = value != field.get_default(call_default_factory=True)
    inner, is_multiple = _inner_type(field.annotation)
    common: dict[str, Any] = {
        "name": name,
        "title": info.title.to(form.language),
        "help": info.help.to(form.language) if info.help else "",
        "is_active": is_active,
    }
    if name == "period":
        return _period_pill(common, info, params, form)
    if info.options is not None:
        return _options_pill(common, options(info.options), value, form, is_multiple=is_multiple)
    if inner is bool:
        words = {True: YES, False: NO}
        return _listed(common, [(str(key).lower(), text.to(form.language), key) for key, text in words.items()], value)
    if _members(inner):
        labelled = [(_plain(item), _label(item, info, form), item) for item in _members(inner)]
        if value is None or field.default is None:
            labelled.insert(0, ("", AUTO.to(form.language), None))
        return _listed(common, labelled, value)
    text = "" if value is None else _plain(value)
    if inner is date:
        shown = form.shown(value, Unit.DAY) if value else NOT_SET.to(form.language)
        return Pill(**common, kind="day", value=text, shown=shown)
    kind: PillKind = "text" if inner is str else "number"
    suffix = SYMBOLS.get(form.currency, form.currency) if info.unit.kind == "money" else ""
    return Pill(**common, kind=kind, value=text, shown=text, suffix=suffix, step="1" if inner is int else "any")


def _period_pill(common: dict[str, Any], info: ParamInfo, params: Params, form: Format) -> Pill:
    assert isinstance(params, PeriodParams)
    infos = type(params).infos()
    dates = tuple(
        (name, infos[name].title.to(form.language), day.isoformat() if (day := getattr(params, name)) else "")
        for name in PERIOD_FIELDS[1:]
    )
    choices = tuple(
        Choice(value=_plain(item), label=_label(item, info, form), is_chosen=item is params.period)
        for item in Preset
        if item is not Preset.CUSTOM and (form.has_fiscal_year or item not in FISCAL_PRESETS or item is params.period)
    )
    shown = (
        custom_period(params.from_day, params.to_day, form)
        if params.period is Preset.CUSTOM
        else _label(params.period, info, form)
    )
    return Pill(**common, kind="period", shown=shown, choices=choices, dates=dates)


def window_words(params: PeriodParams, form: Format) -> str:
    """The days a bound question covers, in words."""
    window = params.window
    return custom_period(window.start, window.end - DAY if window.end else None, form)


def _options_pill(
    common: dict[str, Any],
    known: Sequence[tuple[str, str]],
    value: Any,
    form: Format,
    *,
    is_multiple: bool,
) -> Pill:
    chosen = set(value or ()) if is_multiple else {value}
    anything = ANY.to(form.language)
    choices = [Choice(value=item, label=label, is_chosen=item in chosen) for item, label in known]
    if not is_multiple:
        choices.insert(0, Choice(value="", label=anything, is_chosen=value is None))
    names = [choice.label for choice in choices if choice.is_chosen]
    shown = anything if not names else names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"
    kind: PillKind = "search" if is_multiple or len(choices) > LONG_LIST else "select"
    return Pill(**common, kind=kind, choices=tuple(choices), shown=shown, is_multiple=is_multiple)


def _listed(common: dict[str, Any], known: Sequence[tuple[str, str, Any]], value: Any) -> Pill:
    choices = tuple(Choice(value=text, label=label, is_chosen=item == value) for text, label, item in known)
    shown = next((choice.label for choice in choices if choice.is_chosen), "")
    return Pill(**common, kind="select", choices=choices, shown=shown)


def _label(item: Any, info: ParamInfo, form: Format) -> str:
    text = info.labels.get(item) or info.labels.get(_plain(item))
    return text.to(form.language) if text else _plain(item)


def _plain(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)


def _members(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(kind) if isinstance(kind, type) and issubclass(kind, Enum) else ()


def _inner_type(annotation: Any) -> tuple[Any, bool]:
    """The type of one value, and whether several may be given: `tuple[str, ...] | None` -> (str, True)."""
    if get_origin(annotation) in (Union, UnionType):
        known = [item for item in get_args(annotation) if item is not type(None)]
        return _inner_type(known[0])
    if get_origin(annotation) in (tuple, list, frozenset, set):
        return get_args(annotation)[0], True
    return annotation, False

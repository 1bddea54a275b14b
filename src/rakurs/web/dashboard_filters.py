"""The bar above a dashboard's tiles: days and comparison, the fields to filter by, what is chosen, presets."""

from dataclasses import dataclass

from rakurs.app.charts.drawing import UNNAMED
from rakurs.app.choosing import choices
from rakurs.app.dashboard_filters import OFFERED, PREFIX, Chosen, has_options, value_words
from rakurs.metrics import dimension_named
from rakurs.web.dashboard_tiles import Onlooker
from rakurs.web.filters import ANY, Choice, Pill, filters_of
from rakurs.web.links import query

SHOWN_VALUES = 3
IN_THE_ROW = 3
"""How many fields stand beside the days; the rest are behind "more"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A chosen filter in words, and the query without it."""

    title: str
    value: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Pills in one row, those behind "more", what is chosen, and the presets."""

    primary: tuple[Pill, ...]
    more: tuple[Pill, ...]
    chips: tuple[Chip, ...]
    is_narrowed: bool
    hidden: tuple[tuple[str, str], ...]
    """Chosen values of fields that have no pill: the form carries them on."""

    @property
    def is_more_active(self) -> bool:
        """Whether a hidden pill limits the answer."""
        return any(pill.is_active for pill in self.more)


def bar_of(chosen: Chosen, eyes: Onlooker) -> Bar:
    """The bar of a dashboard under what is chosen."""
    form = eyes.form
    own = filters_of(
        chosen.params,
        options=lambda name: choices(eyes.company, name, user=eyes.user, scope=eyes.scope),
        form=form,
    )
    fields = [pill for name in OFFERED if (pill := _field(name, chosen, eyes)) is not None]
    listed = {pill.name for pill in fields}
    hidden = [
        (PREFIX + name, value or "")
        for name, values in chosen.where.items()
        if PREFIX + name not in listed
        for value in values
    ]
    return Bar(
        primary=(*own.primary, *fields[:IN_THE_ROW]),
        more=(*fields[IN_THE_ROW:], *own.more),
        chips=tuple(_chip(name, chosen, eyes) for name in chosen.where),
        is_narrowed=bool(chosen.address),
        hidden=tuple(hidden),
    )


def _field(name: str, chosen: Chosen, eyes: Onlooker) -> Pill | None:
    """A field's pill; None where the company has not two values to choose from."""
    dimension = dimension_named(name)
    options = eyes.company.options(name, scope=eyes.scope) if eyes.company.has_data else ()
    wanted = chosen.where.get(name, ())
    if len(options) < 2 and not wanted:
        return None
    choices = tuple(
        Choice(value=value, label=value_words(dimension, value, eyes.form.language) or label, is_chosen=value in wanted)
        for value, label in options
    )
    names = [choice.label for choice in choices if choice.is_chosen]
    anything = ANY.to(eyes.form.language)
    return Pill(
        name=PREFIX + name,
        kind="search",
        title=dimension.title.to(eyes.form.language),
        help="",
        shown=anything if not names else names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}",
        is_active=bool(wanted),
        choices=choices,
        is_multiple=True,
    )


def _chip(name: str, chosen: Chosen, eyes: Onlooker) -> Chip:
    dimension, language = dimension_named(name), eyes.form.language
    labels = dict(eyes.company.options(name, scope=eyes.scope)) if has_options(dimension) else {}
    words = [
        UNNAMED.to(language) if value is None else value_words(dimension, value, language) or labels.get(value, value)
        for value in chosen.where[name]
    ]
    rest = Chosen(params=chosen.params, where={key: value for key, value in chosen.where.items() if key != name})
    return Chip(
        title=dimension.title.to(language),
        value=", ".join(words[:SHOWN_VALUES]) + (f" +{len(words) - SHOWN_VALUES}" if len(words) > SHOWN_VALUES else ""),
        href=query(rest.address) or "?",
    )

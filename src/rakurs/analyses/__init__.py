"""Analyses: one question = one module, in folders by area; the catalogue is in menu order.

In a notebook each is a function: `rakurs.analyses.rfm(orders=my_orders)`.
"""

from collections.abc import Callable
from typing import Any

from rakurs.analyses import clients, experience, forecast, products, sales
from rakurs.analyses.boards import BOARDS
from rakurs.analyses.cards import CARDS
from rakurs.analyses.notebook import asking
from rakurs.analyses.sales.plan_fact import ANALYSIS as PLAN
from rakurs.analyses.sales.plan_fact import PLANNED
from rakurs.core.analysis import Analysis, Area
from rakurs.core.card import Card
from rakurs.core.errors import UnknownName
from rakurs.core.text import Text

AREAS: tuple[Area, ...] = (sales.AREA, clients.AREA, products.AREA, experience.AREA, forecast.AREA)

_CARD = Text(ru="Карточки", en="card")
_KIND = Text(ru="Анализа", en="analysis")


def analysis_named(name: str) -> Analysis:
    """The analysis called `name`; UnknownName says which is nearest."""
    known = {analysis.name: analysis for area in AREAS for analysis in area.analyses}
    if name not in known:
        raise UnknownName(_KIND, name, known)
    return known[name]


def card_named(name: str) -> Card:
    """The card of the entity called `name`; UnknownName says which is nearest."""
    known = {card.name: card for card in CARDS}
    if name not in known:
        raise UnknownName(_CARD, name, known)
    return known[name]


def __getattr__(name: str) -> Callable[..., Any]:
    """The analysis called `name` as a function of one's own tables."""
    try:
        return asking(analysis_named(name))
    except UnknownName as unknown:
        raise AttributeError(str(unknown), name=name) from None


def __dir__() -> list[str]:
    return [*__all__, *(analysis.name for area in AREAS for analysis in area.analyses)]


__all__ = ["AREAS", "BOARDS", "CARDS", "PLAN", "PLANNED", "analysis_named", "card_named"]

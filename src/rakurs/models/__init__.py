"""Models: one prediction = one module; the catalogue is in menu order.

A model learns from the past and says something of each customer, product, deal or offer; what it says is the table `model_scores`,
which questions, segments and exports read like any other.
"""

from rakurs.core.errors import UnknownName
from rakurs.core.model import Model
from rakurs.core.text import Text
from rakurs.models.cancelling import MODEL as CANCELLING
from rakurs.models.churn import MODEL as CHURN
from rakurs.models.demand import MODEL as DEMAND
from rakurs.models.groups import MODEL as GROUPS
from rakurs.models.leads import MODEL as LEADS
from rakurs.models.lifetime import MODEL as LIFETIME
from rakurs.models.offers import MODEL as OFFERS
from rakurs.models.uplift import MODEL as UPLIFT
from rakurs.models.win import MODEL as WIN

MODELS: tuple[Model, ...] = (LIFETIME, CHURN, CANCELLING, UPLIFT, GROUPS, OFFERS, DEMAND, LEADS, WIN)

_KIND = Text(ru="Модели", en="model")


def model_named(name: str) -> Model:
    """The model called `name`; UnknownName says which is nearest."""
    known = {model.name: model for model in MODELS}
    if name not in known:
        raise UnknownName(_KIND, name, known)
    return known[name]


__all__ = ["MODELS", "model_named"]

"""Cards: one customer, one deal, one employee, everything known about them in one place."""

from rakurs.analyses.cards.customers import CARD as CUSTOMER
from rakurs.analyses.cards.deals import CARD as DEAL
from rakurs.analyses.cards.employees import CARD as EMPLOYEE
from rakurs.core.card import Card

CARDS: tuple[Card, ...] = (CUSTOMER, DEAL, EMPLOYEE)
"""In the order a search tells them."""

__all__ = ["CARDS"]

"""Which deals were in the pipeline at the end of a day, as was believed on that day?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.filters import narrowed
from rakurs.core.text import Text

Frame = nw.LazyFrame[Any]

STATES = "deal_states"
UNSEEN = Text(
    ru="Сделки, чья сумма того дня не известна: данные появились позже, взята первая известная сумма",
    en="Deals whose amount on that day is not known: data came later, the first known amount stands for it",
)
WITHOUT_AMOUNT = Text(
    ru="Сделки без суммы или без курса валюты: считаются в штуках, но не в деньгах",
    en="Deals without an amount or an exchange rate: counted as deals, not as money",
)


def believed(states: Frame, params: Any, day: date) -> Frame:
    """One row per deal that existed at the end of `day`, as it was believed to stand then."""
    held = nw.col("valid_to").is_null() | (nw.col("valid_to") > nw.lit(day))
    return narrowed(states, params).filter(nw.col("valid_from") <= nw.lit(day), held)


def is_open() -> nw.Expr:
    """The condition "still in the pipeline"."""
    return nw.col("outcome") == "open"


def in_pipeline(states: Frame, params: Any, day: date) -> Frame:
    """The deals that were open at the end of `day`."""
    return believed(states, params, day).filter(is_open())

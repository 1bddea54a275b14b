"""Why does a deal count for one side and not for the other, or for another sum?"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from rakurs.core.periods import Period
from rakurs.core.reckoning import Reckoning
from rakurs.core.text import Text

REASONS: Mapping[str, Text] = {
    "not_here": Text(ru="Нет в наших данных: не загружена", en="Not in our data: not loaded"),
    "quarantined": Text(ru="В карантине: строка нарушила правило", en="In quarantine: the row broke a rule"),
    "not_visible": Text(ru="Нет среди доступных вам сделок", en="Not among the deals you may see"),
    "deleted": Text(ru="Удалена в источнике", en="Deleted in the source"),
    "outcome": Text(ru="Другой исход", en="Another outcome"),
    "time_zone": Text(ru="Другой день из-за часового пояса", en="Another day because of the time zone"),
    "period": Text(ru="Другой период", en="Another period"),
    "belonging": Text(ru="Была в работе в периоде, но не по нашему дню", en="At work in the period, not by our day"),
    "not_listed": Text(ru="Нет в вашем списке", en="Not in your list"),
    "listed_twice": Text(ru="Стоит в списке ещё раз", en="Stands in the list once more"),
    "currency": Text(
        ru="Сумма не пересчитана из другой валюты", en="The amount is not converted from another currency"
    ),
    "rate": Text(ru="Другой курс валюты", en="Another exchange rate"),
    "amount": Text(ru="Другая сумма", en="Another amount"),
}
"""By code, in the order a person would check them."""

FARTHEST_ZONE = 14 * 3600
"""Seconds: no two clocks on Earth differ from UTC by more."""


class Asked(Protocol):
    """What reasons need of the question."""

    @property
    def counting(self) -> Any: ...
    @property
    def window(self) -> Period: ...
    @property
    def company_zone(self) -> str: ...
    @property
    def company_currency(self) -> str: ...
    @property
    def their_zone(self) -> ZoneInfo: ...
    @property
    def reckoning(self) -> Reckoning | None: ...
    def spans(self, epoch: int | None, zone: ZoneInfo) -> bool: ...
    def edge(self, day: Any, zone: ZoneInfo) -> int | None: ...


def reason_of(
    question: Asked, row: Mapping[str, Any], *, ours: Decimal | None, theirs: Decimal | None
) -> tuple[str, str]:
    """(code, detail) of a deal that the two sides count differently."""
    if ours is not None and theirs is not None:
        return _of_worth(question, row, theirs)
    if ours is None:
        return _only_theirs(question, row)
    return _only_ours(question, row)


def _of_worth(question: Asked, row: Mapping[str, Any], theirs: Decimal) -> tuple[str, str]:
    """Both count it, for different sums."""
    currency = row["currency"] or question.company_currency
    if currency != question.company_currency:
        if theirs == row["amount"]:
            return "currency", f"{row['amount']} {currency}"
        rate = theirs / row["amount"] if row["amount"] else None
        return "rate", "" if rate is None else f"{currency} {rate:.4f}"
    return "amount", ""


def _only_theirs(question: Asked, row: Mapping[str, Any]) -> tuple[str, str]:
    counting = question.counting
    if row["deleted_at"] is not None:
        return "deleted", f"{row['deleted_at']:%Y-%m-%d}"
    if row["outcome"] not in counting.outcomes or (counting.day == "closed" and row["outcome"] == "open"):
        return "outcome", str(row["outcome"])
    epoch, day = row[f"{counting.day}_epoch"], row[f"{counting.day}_on"]
    if _is_zone(question, epoch):
        return "time_zone", _moment(epoch)
    if question.reckoning is not None and question.reckoning.belonging == "active":
        return "belonging", "" if day is None else day.isoformat()
    return "period", "" if day is None else day.isoformat()


def _only_ours(question: Asked, row: Mapping[str, Any]) -> tuple[str, str]:
    epoch = row[f"{question.counting.day}_epoch"]
    if question.reckoning is None:
        near = _near_edge(question, epoch)
        return "not_listed", _moment(epoch) if near else ""
    if not question.spans(epoch, question.their_zone):
        return "time_zone", _moment(epoch)
    # Still changing after the period: their report has moved it on.
    return "belonging", "" if row["moved_epoch"] is None else _moment(row["moved_epoch"])


def _is_zone(question: Asked, epoch: int | None) -> bool:
    """Whether the deal is in the period on some clock: on theirs where it is known, else on any there is."""
    if question.reckoning is not None or question.their_zone.key != question.company_zone:
        return question.spans(epoch, question.their_zone)
    return _near_edge(question, epoch)


def _near_edge(question: Asked, epoch: int | None) -> bool:
    if epoch is None:
        return False
    utc = ZoneInfo("UTC")
    edges = (question.edge(question.window.start, utc), question.edge(question.window.end, utc))
    return any(edge is not None and abs(epoch - edge) <= FARTHEST_ZONE for edge in edges)


def _moment(epoch: int | None) -> str:
    return "" if epoch is None else f"{datetime.fromtimestamp(epoch, tz=ZoneInfo('UTC')):%Y-%m-%d %H:%M} UTC"

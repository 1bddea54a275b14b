"""How is a property of Google Analytics 4 asked? One report in pages of rows, each page with the number of all rows.

A report is a list of days with counts. It is read in an order of its own, so that pages neither share nor lose a row; one that changes
while it is read is read again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.ga4.entering import Entrance, key_in
from rakurs.sources.ga4.settings import Ga4Settings

ADDRESS = "https://analyticsdata.googleapis.com/v1beta"
PAGE = 50_000
"""Rows of an answer; the API gives at most 250,000."""
EARLIEST = date(2019, 1, 1)
"""Properties of this kind opened in July 2019. What an app counted before that is read as a period."""
_RATE, _BURST = 5.0, 5
_READINGS = 3
"""How often a report that changes while it is read is begun anew."""
_CROWDED_PAUSE_SECONDS = 10.0
_QUOTA_PAUSE_SECONDS = 600.0
"""Tokens of an hour and of a day come back at a time the API does not tell."""
_EXHAUSTED = "RESOURCE_EXHAUSTED"

_STALE = Text(
    ru="Google не принял вход сервисного аккаунта {email}. Создайте новый ключ и вставьте его в настройки источника.",
    en="Google did not take the entrance of the service account {email}. Make a new key and put it into the source's settings.",
)
_FORBIDDEN = Text(
    ru="Google не пускает к ресурсу {property_id}: {why}. Добавьте {email} в пользователи ресурса с ролью «Читатель» и включите Google "
    "Analytics Data API в проекте ключа.",
    en="Google does not let us to the property {property_id}: {why}. Add {email} to the property's users as a Viewer, and enable the "
    "Google Analytics Data API in the key's project.",
)
_NOT_UNDERSTOOD = Text(
    ru="Google Аналитика не поняла запрос к ресурсу {property_id} (код {status}): {why}",
    en="Google Analytics did not understand what was asked of the property {property_id} (status {status}): {why}",
)
_STRANGE = Text(
    ru="Ответ Google Аналитики по ресурсу {property_id} не похож на отчёт. Запрос повторится сам.",
    en="What Google Analytics answered for the property {property_id} is no report. It is asked again by itself.",
)
_MOVING = Text(
    ru="Отчёт ресурса {property_id} меняется, пока его читают. Чтобы ничего не потерять, запуск остановлен и повторится сам.",
    en="The report of the property {property_id} changes while it is read. The run stops rather than lose anything, and is tried again.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Rows by the names of their dimensions and metrics, all of them text, and what the API says of their quality.

    `sample_share` is the share of events the numbers come from: 1 where they are not sampled.
    """

    rows: tuple[Mapping[str, str], ...]
    total: int
    zone: str
    currency: str
    sample_share: str
    is_thresholded: bool
    is_folded: bool
    """Whether rare combinations were rolled into one row "(other)"."""


class Property:
    """One property, asked as a service account. Not thread-safe."""

    def __init__(
        self, settings: Ga4Settings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        key = key_in(settings)
        self.property_id, self._email = settings.property_id, key.email
        self._url = f"{ADDRESS}/properties/{settings.property_id}:runReport"
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial, auth=Entrance(key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    def today(self, zone: str) -> date:
        """The day it is in the property's own zone, by the clock of the other side."""
        try:
            return self._caller.clock.astimezone(ZoneInfo(zone)).date()
        except (ValueError, KeyError):
            raise SourceUnreachable(_STRANGE.filled(property_id=self.property_id)) from None

    def page(
        self,
        dimensions: Sequence[str],
        metrics: Sequence[str],
        *,
        days: tuple[date | str, date | str],
        offset: int = 0,
        limit: int = 0,
    ) -> Report:
        """Some rows of a report over `days`, in the order of its dimensions. Raises SourceRefused, SourceUnreachable."""
        body = {
            "dimensions": [{"name": name} for name in dimensions],
            "metrics": [{"name": name} for name in metrics],
            "dateRanges": [{"startDate": str(days[0]), "endDate": str(days[1])}],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in dimensions],
            "offset": str(offset),
            "limit": str(limit or PAGE),
        }
        answer = self._caller.post(self._url, body, judge=self._judge)
        try:
            return _report(answer)
        except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError):
            raise SourceUnreachable(_STRANGE.filled(property_id=self.property_id)) from None

    def whole(self, dimensions: Sequence[str], metrics: Sequence[str], *, days: tuple[date, date]) -> Report:
        """All rows of a report. Raises SourceUnreachable where it does not stand still."""
        for _ in range(_READINGS):
            page = self.page(dimensions, metrics, days=days)
            rows, total = [*page.rows], page.total
            while page.rows and len(rows) < total == page.total:
                page = self.page(dimensions, metrics, days=days, offset=len(rows))
                rows += page.rows
            keys = {tuple(row[name] for name in dimensions) for row in rows}
            if len(rows) == len(keys) == total == page.total:
                return Report(
                    rows=tuple(rows),
                    total=total,
                    zone=page.zone,
                    currency=page.currency,
                    sample_share=page.sample_share,
                    is_thresholded=page.is_thresholded,
                    is_folded=page.is_folded,
                )
        raise SourceUnreachable(_MOVING.filled(property_id=self.property_id))

    def _judge(self, status: int, answer: Any) -> None:
        if status < HTTPStatus.BAD_REQUEST:
            return
        error = answer.get("error") if isinstance(answer, dict) else None
        told = error if isinstance(error, dict) else {}
        why = str(told.get("message") or status)
        if status == HTTPStatus.TOO_MANY_REQUESTS or told.get("status") == _EXHAUSTED:
            raise Pause(_CROWDED_PAUSE_SECONDS if "concurrent" in why.lower() else _QUOTA_PAUSE_SECONDS)
        if status == HTTPStatus.UNAUTHORIZED:
            raise SourceRefused(_STALE.filled(email=self._email))
        if status == HTTPStatus.FORBIDDEN:
            raise SourceRefused(_FORBIDDEN.filled(property_id=self.property_id, email=self._email, why=why))
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SourceUnreachable(_NOT_UNDERSTOOD.filled(property_id=self.property_id, status=status, why=why))


def _report(answer: Mapping[str, Any]) -> Report:
    names = [str(one["name"]) for one in (*answer.get("dimensionHeaders", ()), *answer.get("metricHeaders", ()))]
    rows = tuple(dict(zip(names, _values(row), strict=True)) for row in answer.get("rows") or ())
    metadata = answer.get("metadata") or {}
    total = int(answer.get("rowCount") or 0)
    if total and not names:
        raise ValueError("rows without headers")
    return Report(
        rows=rows,
        total=total,
        zone=str(metadata.get("timeZone") or "UTC"),
        currency=str(metadata.get("currencyCode") or ""),
        sample_share=_share(metadata.get("samplingMetadatas") or ()),
        is_thresholded=bool(metadata.get("subjectToThresholding")),
        is_folded=bool(metadata.get("dataLossFromOtherRow")),
    )


def _values(row: Mapping[str, Any]) -> list[str]:
    return [str(one.get("value") or "") for one in (*row.get("dimensionValues", ()), *row.get("metricValues", ()))]


def _share(samplings: Sequence[Mapping[str, Any]]) -> str:
    """The smallest share of events read; it is not told where nothing was left out."""
    shares = [Fraction(int(one["samplesReadCount"]), int(one["samplingSpaceSize"])) for one in samplings]
    return str(float(min(shares, default=Fraction(1))))

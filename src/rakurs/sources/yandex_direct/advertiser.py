"""How is an advertiser of Yandex Direct asked? Lists are JSON; reports are tab-separated and may have to be waited for.

A report that is not ready is answered with 201 or 202 and the seconds after which the same request is made again. At most five
reports of an advertiser wait at once, so they are asked for one by one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause, as_json
from rakurs.sources.yandex_direct.settings import DirectSettings

PAGE = 10_000
COLUMNS = (
    "Date",
    "CampaignId",
    "CampaignName",
    "AdGroupId",
    "AdGroupName",
    "CriteriaId",
    "Criteria",
    "CriteriaType",
    "Impressions",
    "Clicks",
    "Cost",
)
_REPORT = "CRITERIA_PERFORMANCE_REPORT"
_RATE, _BURST = 1.5, 5
_RETRY_SECONDS = 10.0
_LIMIT_SECONDS: Mapping[int, float] = {56: 10.0, 152: 300.0, 506: 10.0, 9000: 10.0}
"""Limits by the code of their error, and how long to wait: requests, points, connections, reports in the queue."""
_TOKEN, _CLOSED = frozenset({53, 58, 3000}), frozenset({54, 513})
_COUNT = re.compile(r"(\d+)\s*$")

_REFUSED = Text(
    ru="Яндекс Директ не пускает ({why}): токен отозван, истёк или заявка на доступ к API не одобрена. Получите новый токен и "
    "вставьте его в настройки источника.",
    en="Yandex Direct refuses ({why}): the token was withdrawn, has expired, or access to the API was not approved. Get a new token and "
    "put it into the source's settings.",
)
_NO_RIGHTS = Text(
    ru="Яндекс Директ не даёт смотреть кампании логина {login} ({why}). Проверьте логин или возьмите токен того, кому кампании доступны.",
    en="Yandex Direct does not show the campaigns of {login} ({why}). Check the login, or use a token of somebody who may see them.",
)
_NOT_UNDERSTOOD = Text(
    ru="Яндекс Директ не выполнил запрос ({why}). Он повторится сам; если не пройдёт, проверьте настройки источника.",
    en="Yandex Direct did not do what it was asked ({why}). It is asked again by itself; if that fails, check the source's settings.",
)


class Advertiser:
    """One advertiser, asked with an OAuth token. Not thread-safe. Raises SourceRefused and SourceUnreachable."""

    def __init__(
        self, settings: DirectSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self._settings = settings
        self._base = f"{settings.address}/json/v5/"
        self.host = urlsplit(settings.address).hostname or ""
        headers = {
            "Authorization": f"Bearer {settings.token.get_secret_value()}",
            "Client-Login": settings.login,
            "Accept-Language": "ru",
            "processingMode": "auto",
            "returnMoneyInMicros": "false",
            "skipReportHeader": "true",
            "skipColumnHeader": "false",
            "skipReportSummary": "false",
        }
        self._caller = Caller(
            rate=_RATE, burst=_BURST, timeout_seconds=120.0, breathe=breathe, is_trial=is_trial, headers=headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def today(self) -> date:
        """The day it is for the advertiser, by Direct's own clock when it last answered."""
        return self._caller.clock.astimezone(ZoneInfo(self._settings.timezone)).date()

    def campaigns(self, offset: int = 0) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Ids and names page by page from `offset` on, each with where the next begins; 0 at the end."""
        while True:
            params = {
                "SelectionCriteria": {},
                "FieldNames": ["Id", "Name"],
                "Page": {"Limit": PAGE, "Offset": offset},
            }
            answer = self._caller.post(f"{self._base}campaigns", {"method": "get", "params": params}, judge=self._judge)
            result = answer.get("result") if isinstance(answer, dict) else None
            following = int(result.get("LimitedBy") or 0) if isinstance(result, dict) else offset
            if not isinstance(result, dict) or 0 < following <= offset:
                raise SourceUnreachable(_NOT_UNDERSTOOD.filled(why=self.host))
            yield list(result.get("Campaigns") or []), following
            if not following:
                return
            offset = following

    def report(self, first: date, last: date, *, name: str) -> list[dict[str, str]]:
        """Costs, clicks and impressions of these days, inclusive: one row per day, ad group and criterion, as text.

        `name` must be the same while a report is waited for and another for each new question: what was once prepared under a name is
        kept for hours.
        """
        params = {
            "SelectionCriteria": {"DateFrom": first.isoformat(), "DateTo": last.isoformat()},
            "FieldNames": list(COLUMNS),
            "OrderBy": [{"Field": "Date"}],
            "ReportName": name,
            "ReportType": _REPORT,
            "DateRangeType": "CUSTOM_DATE",
            "Format": "TSV",
            "IncludeVAT": "YES" if self._settings.has_vat else "NO",
            "IncludeDiscount": "NO",
        }
        answer = self._caller.post(f"{self._base}reports", {"params": params}, judge=self._judge, read=self._read)
        # JSON is never a tuple: whatever else was said instead of a report is none.
        if not isinstance(answer, tuple):
            raise SourceUnreachable(_NOT_UNDERSTOOD.filled(why=self.host))
        return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in cast("tuple[str, ...]", answer)]

    def _read(self, response: httpx.Response) -> Any:
        """The lines of figures of a report that is ready; what is no report as JSON."""
        if response.status_code in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}:
            raise Pause(_seconds(response.headers.get("retryIn", "")))
        response.read()
        lines = _figures(response.text) if response.status_code == HTTPStatus.OK else None
        # What is neither a report nor JSON is no answer, and is asked for again.
        return as_json(self._judge)(response) if lines is None else lines

    def _judge(self, status: int, answer: Any) -> None:
        error = answer.get("error") if isinstance(answer, dict) else None
        told = str(error.get("error_code")) if isinstance(error, dict) else ""
        code = int(told) if told.isdigit() else 0
        why = f"{status}, {code}" if code else str(status)
        if code in _LIMIT_SECONDS or status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Pause(_LIMIT_SECONDS.get(code, _RETRY_SECONDS))
        if code in _TOKEN or status == HTTPStatus.UNAUTHORIZED:
            raise SourceRefused(_REFUSED.filled(why=why))
        if code in _CLOSED or status == HTTPStatus.FORBIDDEN:
            raise SourceRefused(_NO_RIGHTS.filled(login=self._settings.login, why=why))
        if isinstance(error, dict) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            detail = error.get("error_detail") or error.get("error_string") or ""
            raise SourceUnreachable(_NOT_UNDERSTOOD.filled(why=f"{why}: {detail}"))


def _figures(text: str) -> tuple[str, ...] | None:
    """The lines of a report between its header and its last line, which counts them; None where it is none or not whole."""
    head, *lines = text.rstrip("\r\n").split("\n")
    counted = _COUNT.search(lines[-1]) if lines else None
    if head.rstrip("\r").split("\t") != list(COLUMNS) or counted is None or "\t" in lines[-1]:
        return None
    figures = tuple(line.rstrip("\r") for line in lines[:-1])
    is_whole = len(figures) == int(counted[1]) and all(line.count("\t") == len(COLUMNS) - 1 for line in figures)
    return figures if is_whole else None


def _seconds(told: str) -> float:
    return float(told) if told.strip().isdigit() else _RETRY_SECONDS

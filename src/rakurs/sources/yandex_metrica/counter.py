"""How is a counter of Yandex Metrica asked? Tables of figures by dimensions, pages that are counted from row 1, quotas by the minute."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.yandex_metrica.settings import MetricaSettings

DIMENSIONS = ("ym:s:date", "ym:s:lastsignTrafficSource", "ym:s:lastsignUTMCampaign")
"""Traffic sources by the last significant one, as reports of Metrica show them."""
METRICS = ("ym:s:visits", "ym:s:users", "ym:s:bounceRate")
_RATE, _BURST = 0.6, 20
_DEFAULT_ZONE = ZoneInfo("Europe/Moscow")
_QUOTA_SECONDS = 300.0
_SHORT_QUOTA_SECONDS: Mapping[str, float] = {"quota_requests_by_ip": 1.0, "quota_parallel_requests": 5.0}
"""Quotas that are free again in a moment; others are in five minutes, or at midnight of Greenwich."""
_OVER_QUOTA, _NO_SUCH = frozenset({420, 429}), frozenset({400, 404})
_TOO_MUCH = frozenset({"query_error", "too_much_rows", "timeout"})

_REFUSED = Text(
    ru="Яндекс Метрика не пускает ({why}): токен отозван, истёк или не имеет права metrika:read. Получите новый токен и вставьте его в "
    "настройки источника.",
    en="Yandex Metrica refuses ({why}): the token was withdrawn, has expired, or lacks the right metrika:read. Get a new token and put "
    "it into the source's settings.",
)
_NO_RIGHTS = Text(
    ru="Яндекс Метрика не показывает счётчик {counter} ({why}). Проверьте номер или дайте владельцу токена доступ к счётчику.",
    en="Yandex Metrica does not show the tag {counter} ({why}). Check the number, or give the token's owner access to the tag.",
)
_NOT_UNDERSTOOD = Text(
    ru="Яндекс Метрика не поняла запрос ({why}). Проверьте номера счётчика и целей в настройках источника.",
    en="Yandex Metrica did not understand what it was asked ({why}). Check the numbers of the tag and its goals in the source's settings.",
)
_NO_TABLE = Text(
    ru="Яндекс Метрика ответила не так, как описано, или прислала не все строки. Запрос повторится сам.",
    en="Yandex Metrica did not answer as described, or did not send all rows. It is asked again by itself.",
)


class TooMuch(SourceUnreachable):
    """What was asked is more than Metrica works out at once: fewer days may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows of a table. `sample_share` is the part of visits they were worked out from; 1 where it was all."""

    rows: list[dict[str, Any]]
    total_rows: int
    is_total_exact: bool
    sample_share: float | None


class Counter:
    """One counter, asked with an OAuth token. Not thread-safe. Raises SourceRefused and SourceUnreachable."""

    def __init__(
        self, settings: MetricaSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self._settings = settings
        self.host = urlsplit(settings.address).hostname or ""
        headers = {"Authorization": f"OAuth {settings.token.get_secret_value()}"}
        self._caller = Caller(
            rate=_RATE, burst=_BURST, timeout_seconds=180.0, breathe=breathe, is_trial=is_trial, headers=headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    def described(self) -> dict[str, Any]:
        """What the counter is called, which zone it counts days in, and when it was made."""
        answer = self._asked(f"management/v1/counter/{self._settings.counter}", ())
        told = answer.get("counter")
        if not isinstance(told, dict):
            raise SourceUnreachable(_NO_TABLE)
        return told

    def today(self, zone_name: str) -> date:
        """The day it is in the counter's zone, by Metrica's own clock when it last answered."""
        zone = _DEFAULT_ZONE
        with suppress(ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo(zone_name)
        return self._caller.clock.astimezone(zone).date()

    def table(self, first: date, last: date, *, offset: int, limit: int) -> Page:
        """Visits of these days, inclusive, by day, traffic source and campaign tag, from row `offset` (the first is 1) on.

        Raises TooMuch where fewer days may do.
        """
        goals = [f"ym:s:goal{goal}reaches" for goal in self._settings.goals]
        answer = self._asked(
            "stat/v1/data",
            (
                ("ids", self._settings.counter),
                ("metrics", ",".join((*METRICS, *goals))),
                ("dimensions", ",".join(DIMENSIONS)),
                ("date1", first.isoformat()),
                ("date2", last.isoformat()),
                ("sort", ",".join(DIMENSIONS)),
                ("accuracy", "full"),
                ("include_undefined", "true"),
                ("lang", "ru"),
                ("limit", limit),
                ("offset", offset),
            ),
        )
        rows, total = answer.get("data"), answer.get("total_rows")
        if not isinstance(rows, list) or not isinstance(total, int) or not all(map(self._is_row, rows)):
            raise SourceUnreachable(_NO_TABLE)
        share = answer.get("sample_share")
        return Page(
            rows=rows,
            total_rows=total,
            is_total_exact=not answer.get("total_rows_rounded"),
            sample_share=share if share is not None else None if answer.get("sampled") else 1.0,
        )

    def _is_row(self, row: Any) -> bool:
        sides = (row.get("dimensions"), row.get("metrics")) if isinstance(row, dict) else ()
        lengths = [len(side) for side in sides if isinstance(side, list)]
        return lengths == [len(DIMENSIONS), len(METRICS) + len(self._settings.goals)]

    def _asked(self, path: str, params: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
        answer = self._caller.get(f"{self._settings.address}/{path}", params, judge=self._judge)
        if not isinstance(answer, dict):
            raise SourceUnreachable(_NO_TABLE)
        return answer

    def _judge(self, status: int, answer: Any) -> None:
        kinds, message = _told(answer)
        why = f"{status} {message}".strip()
        if status in _OVER_QUOTA:
            short = [_SHORT_QUOTA_SECONDS[kind] for kind in kinds if kind in _SHORT_QUOTA_SECONDS]
            raise Pause(max(short) if short else _QUOTA_SECONDS)
        if kinds & _TOO_MUCH:
            raise TooMuch(_NOT_UNDERSTOOD.filled(why=why))
        if status == HTTPStatus.UNAUTHORIZED or "invalid_token" in kinds:
            raise SourceRefused(_REFUSED.filled(why=why))
        if status == HTTPStatus.FORBIDDEN:
            raise SourceRefused(_NO_RIGHTS.filled(counter=self._settings.counter, why=why))
        if status in _NO_SUCH:
            raise SourceRefused(_NOT_UNDERSTOOD.filled(why=why))
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise SourceUnreachable(_NOT_UNDERSTOOD.filled(why=why))


def _told(answer: Any) -> tuple[set[str], str]:
    """The kinds of errors an answer names, and what it says of them."""
    if not isinstance(answer, dict):
        return set(), ""
    errors = answer.get("errors")
    found = errors if isinstance(errors, list) else []
    kinds = {str(error.get("error_type")) for error in found if isinstance(error, dict)}
    return kinds, str(answer.get("message") or "")[:300]

"""How is an account of VK Ads asked? Lists in pages of 50, statistics of 50 objects and 92 days at once.

Limits hold for a second, an hour and a day, differ from account to account, and end with 429.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.vk_ads.settings import VkAdsSettings

ADDRESS = "https://ads.vk.com/api/v2"
PAGE = 50
STATISTICS_IDS, STATISTICS_DAYS = 50, 92
"""So many objects and days, both ends included, a question about statistics may name."""
_RATE, _BURST = 1.0, 2
_READINGS = 3
"""How often a list that changes while it is read is begun anew."""
_FIRST_LIMIT_PAUSE_SECONDS, _LONGEST_LIMIT_PAUSE_SECONDS = 1.0, 300.0
"""Which of the limits is used up is not told in an answer: pauses double until one is over."""
_STATUSES = "active,blocked,deleted"

_REFUSED = Text(
    ru="VK Реклама не пускает (код {status}): {why}. Токен отозван, истёк или не читает этот кабинет. Выпустите новый в настройках кабинета "
    "(Доступ к API) и вставьте его в настройки источника.",
    en="VK Ads refuses (status {status}): {why}. The token was withdrawn, has expired or does not read this account. Issue a new one in the "
    "account's settings (API access) and put it into the source's settings.",
)
_NOT_UNDERSTOOD = Text(
    ru="VK Реклама не поняла запрос «{path}» (код {status}): {why}",
    en="VK Ads did not understand “{path}” (status {status}): {why}",
)
_STRANGE = Text(
    ru="Ответ VK Рекламы на «{path}» устроен не так, как ожидалось. Запуск остановлен.",
    en="What VK Ads answered to “{path}” is not built as expected. The run stops.",
)
_MOVING = Text(
    ru="Список «{path}» меняется, пока его читают. Чтобы ничего не потерять, запуск остановлен и повторится сам.",
    en="The list “{path}” changes while it is read. The run stops rather than lose anything, and is tried again.",
)
Record = Mapping[str, Any]


class Account:
    """One account, asked with a token. Not thread-safe."""

    def __init__(
        self, settings: VkAdsSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        headers = {"Authorization": f"Bearer {settings.token.get_secret_value().strip()}"}
        self._zone = ZoneInfo(settings.timezone)
        self._caller = Caller(rate=_RATE, burst=_BURST, breathe=breathe, is_trial=is_trial, headers=headers)
        self._path = ""
        self._refusals = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def today(self) -> date:
        """The day it is in the account's zone, by the clock of the other side."""
        return self._caller.clock.astimezone(self._zone).date()

    def count(self, path: str) -> int:
        """How many objects a list has."""
        return self._page(path, fields="id", offset=0, limit=1)[1]

    def listed(self, path: str, *, fields: str) -> list[Record]:
        """All objects of a list, by ascending ids, deleted ones too. Raises SourceUnreachable where it does not stand still."""
        for _ in range(_READINGS):
            found, total = self._page(path, fields=fields, offset=0)
            page, told = found, total
            while page and len(found) < total == told:
                page, told = self._page(path, fields=fields, offset=len(found))
                found = [*found, *page]
            if len(found) == len({record["id"] for record in found}) == total == told:
                return found
        raise SourceUnreachable(_MOVING.filled(path=path))

    def statistics(self, ids: Sequence[int], *, first: date, last: date) -> list[Record]:
        """What each of these banners cost and brought, day by day: `{"id": .., "rows": [{"date": .., "base": {..}}]}`."""
        days = [("date_from", first.isoformat()), ("date_to", last.isoformat())]
        asked = [("id", ",".join(map(str, ids))), *days, ("metrics", "base")]
        return self._items(self._ask("statistics/banners/day.json", asked))

    def strange(self) -> SourceUnreachable:
        """The error for an answer that is not built as expected; it names the latest question."""
        return SourceUnreachable(_STRANGE.filled(path=self._path))

    def _page(self, path: str, *, fields: str, offset: int, limit: int = PAGE) -> tuple[list[Record], int]:
        asked = [
            ("fields", fields),
            ("_status__in", _STATUSES),
            ("sorting", "id"),
            ("limit", limit),
            ("offset", offset),
        ]
        answer = self._ask(path, asked)
        items, total = self._items(answer), answer.get("count")
        if not isinstance(total, int) or any(not isinstance(item.get("id"), int) for item in items):
            raise self.strange()
        return items, total

    def _items(self, answer: Record) -> list[Record]:
        items = answer.get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise self.strange()
        return items

    def _ask(self, path: str, asked: Sequence[tuple[str, Any]]) -> Record:
        self._path = path
        answer = self._caller.get(f"{ADDRESS}/{path}", asked, judge=self._judge)
        self._refusals = 0
        if not isinstance(answer, dict):
            raise self.strange()
        return answer

    def _judge(self, status: int, answer: Any) -> None:
        if status < HTTPStatus.BAD_REQUEST or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._refusals += 1
            pause = _FIRST_LIMIT_PAUSE_SECONDS * 2 ** min(self._refusals - 1, 20)
            raise Pause(min(pause, _LONGEST_LIMIT_PAUSE_SECONDS))
        why = _reason(answer) or status
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise SourceRefused(_REFUSED.filled(status=status, why=why))
        raise SourceUnreachable(_NOT_UNDERSTOOD.filled(path=self._path, status=status, why=why))


def _reason(answer: Any) -> str:
    """What an error says of itself: `{"error": {"code": .., "message": ..}}`, or the same without the wrapping."""
    told = answer.get("error", answer) if isinstance(answer, dict) else None
    if isinstance(told, dict):
        return ": ".join(str(told[name]) for name in ("code", "message") if told.get(name))
    return str(told or "")

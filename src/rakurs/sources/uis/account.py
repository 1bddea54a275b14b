"""How is a UIS or CoMagic account asked? JSON-RPC over POST; every call that succeeds costs a point of a minute's and a day's limit."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from rakurs.core.errors import SourceRefused, SourceUnreachable
from rakurs.core.text import Text
from rakurs.sources.calling import Caller, Pause
from rakurs.sources.uis.settings import UisSettings

_RATE, _BURST = 5.0, 5
_LIMIT_PAUSE_SECONDS = 60.0
"""How long a limit is waited for where the answer does not say when it ends."""
_RESET_MARGIN_SECONDS = 1.0
"""Limits end on whole seconds: so much later nothing is asked in vain."""
_STUMBLE_PAUSE_SECONDS = 2.0
_MOST_STUMBLES = 5
"""Inner errors in a row after which a run gives up for now."""
_TOO_MANY = 429

_BAD_KEY = Text(
    ru="{host} не принял ключ доступа: он неверен, истёк или заблокирован, либо выдан другим сайтом (uiscom.ru и comagic.ru — разные). "
    "Создайте новый ключ и вставьте его в настройки источника.",
    en="{host} did not take the access key: it is wrong, expired or blocked, or of the other site (uiscom.ru and comagic.ru are two). "
    "Make a new key and put it into the source's settings.",
)
_NO_RIGHT = Text(
    ru="{host}: у владельца ключа нет права на отчёт по звонкам. Дайте его пользователю в личном кабинете.",
    en="{host}: the key's owner has no right to the report of calls. Give it to the user in the account.",
)
_NO_COMPONENT = Text(
    ru="{host}: в тарифе нет компонента, который отдаёт звонки. Подключите его или возьмите ключ другого аккаунта.",
    en="{host}: the plan lacks the component that gives calls. Add it, or take another account's key.",
)
_REFUSALS: Mapping[str, Text] = {
    "access_token_invalid": _BAD_KEY,
    "access_token_expired": _BAD_KEY,
    "access_token_blocked": _BAD_KEY,
    "auth_error": _BAD_KEY,
    "forbidden": _NO_RIGHT,
    "method_component_disabled": _NO_COMPONENT,
    "parameter_component_disabled": _NO_COMPONENT,
    "account_inactive": Text(
        ru="{host}: аккаунт отключён. Обратитесь в поддержку.", en="{host}: the account is disabled. Ask their support."
    ),
    "ip_not_whitelisted": Text(
        ru="{host} не пускает с адреса этого сервера. Добавьте его: Администратор → Аккаунт → Правила и настройки безопасности → API.",
        en="{host} does not let this server's address in. Add it: Administrator → Account → Security rules and settings → API.",
    ),
}
"""What a mnemonic of an error means for people; after these nothing changes until a person changes it."""
_STUMBLED = Text(
    ru="{host} сообщает о внутренней ошибке. Запуск повторится сам; если не поможет, обратитесь в их поддержку.",
    en="{host} tells of an inner error. It is tried again by itself; if that does not help, ask their support.",
)
_NOT_UNDERSTOOD = Text(ru="{host} не понял запрос: {why}.", en="{host} did not understand what it was asked: {why}.")


class Account:
    """One account, asked with a permanent key. Not thread-safe."""

    def __init__(
        self, settings: UisSettings, *, breathe: Callable[[], None] = lambda: None, is_trial: bool = False
    ) -> None:
        self._url = f"{settings.address}/v2.0"
        self.host = urlsplit(settings.address).hostname or ""
        self._token = settings.token.get_secret_value()
        self._is_trial = is_trial
        self._caller = Caller(
            rate=_RATE,
            burst=_BURST,
            breathe=breathe,
            is_trial=is_trial,
            headers={"Content-Type": "application/json; charset=UTF-8"},
        )
        self._numbers = count(1)
        self._stumbles = 0
        self._rests_until = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._caller.__exit__(kind, error, trace)

    @property
    def now(self) -> datetime:
        """The account's own clock when it last answered."""
        return self._caller.clock

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """What a method answers: `data` and `metadata`. Raises SourceRefused, SourceUnreachable."""
        self._rest()
        given = {"access_token": self._token, **params}
        body = {"jsonrpc": "2.0", "id": next(self._numbers), "method": method, "params": given}
        answer = self._caller.post(self._url, body, judge=self._judge)
        result = answer.get("result") if isinstance(answer, dict) else None
        if not isinstance(result, dict) or not isinstance(result.get("data"), list):
            raise SourceUnreachable(_NOT_UNDERSTOOD.filled(host=self.host, why="no result"))
        self._stumbles = 0
        left = _until_reset(result.get("metadata"))
        self._rests_until = time.monotonic() + left if left else 0.0
        return result

    def _rest(self) -> None:
        """Wait where the last answer said that nothing is left of a limit; a trial asks and is told."""
        if not self._is_trial:
            self._caller.wait(self._rests_until - time.monotonic())

    def _judge(self, status: int, answer: Any) -> None:
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict):
            if status == _TOO_MANY:
                raise Pause(_LIMIT_PAUSE_SECONDS)
            return
        told = error.get("data") or {}
        mnemonic = str(told.get("mnemonic") or "")
        if mnemonic == "limit_exceeded":
            raise Pause(_until_reset(told.get("metadata")) or _LIMIT_PAUSE_SECONDS)
        if mnemonic == "internal_error":
            self._stumble()
        if mnemonic in _REFUSALS:
            raise SourceRefused(_REFUSALS[mnemonic].filled(host=self.host))
        # What the caller sent comes back in `value`, the key too: it is not told.
        why = " ".join(str(part) for part in (mnemonic, told.get("field"), error.get("message")) if part)
        raise SourceUnreachable(_NOT_UNDERSTOOD.filled(host=self.host, why=why.replace(self._token, "***")[:300]))

    def _stumble(self) -> None:
        self._stumbles += 1
        if self._stumbles > _MOST_STUMBLES:
            raise SourceUnreachable(_STUMBLED.filled(host=self.host))
        raise Pause(_STUMBLE_PAUSE_SECONDS)


def _until_reset(metadata: Any) -> float:
    """Seconds until a limit of which nothing is left begins anew; 0 where something is left."""
    limits = (metadata or {}).get("limits") or {}
    spent = [span for span in ("day", "minute") if limits.get(f"{span}_remaining") == 0]
    return max((float(limits.get(f"{span}_reset") or 0) + _RESET_MARGIN_SECONDS for span in spent), default=0.0)

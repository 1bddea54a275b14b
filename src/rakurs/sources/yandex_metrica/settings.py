"""What must Rakurs know of a counter before it can follow who visits the site?"""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from rakurs.core.text import Text
from rakurs.sources.live import SettingField, SourceSettings
from rakurs.sources.written import Day, base_of

ADDRESS = "https://api-metrika.yandex.net"
MOST_GOALS = 17
"""A call may ask for twenty metrics, and three of them are not goals."""


def _numbers(value: object) -> object:
    """`156, 158` as a form writes it."""
    return tuple(filter(None, value.replace(" ", "").split(","))) if isinstance(value, str) else value or ()


class MetricaSettings(SourceSettings):
    """A counter and the goals whose reaches are summed. `first_day` is where a full load begins; empty: with the counter."""

    counter: Annotated[int, Field(gt=0)]
    token: SecretStr
    goals: Annotated[tuple[int, ...], BeforeValidator(_numbers), Field(max_length=MOST_GOALS)] = ()
    first_day: Day = ""
    address: str = ADDRESS

    @field_validator("address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        return base_of(value, usual=ADDRESS)


FIELDS = (
    SettingField(
        name="counter",
        title=Text(ru="Номер счётчика", en="Number of the tag"),
        hint=Text(ru="Стоит рядом с названием сайта в Метрике.", en="It stands beside the site's name in Metrica."),
        is_required=True,
    ),
    SettingField(
        name="token",
        title=Text(ru="OAuth-токен", en="OAuth token"),
        hint=Text(
            ru="Приложение на oauth.yandex.ru с правом «Получение статистики» (metrika:read).",
            en="Of an application at oauth.yandex.com with the right metrika:read.",
        ),
        kind="secret",
        is_required=True,
    ),
    SettingField(
        name="goals",
        title=Text(ru="Цели", en="Goals"),
        hint=Text(
            ru="Номера через запятую, не больше 17; их достижения складываются. Пусто: без целей.",
            en="Numbers with commas, at most 17; their reaches are added up. Empty: none.",
        ),
        kind="numbers",
    ),
    SettingField(
        name="first_day",
        title=Text(ru="С какого дня", en="From which day"),
        hint=Text(
            ru="Например 2025-01-01. Пусто: со дня создания счётчика.",
            en="Such as 2025-01-01. Empty: since the tag was made.",
        ),
    ),
    SettingField(
        name="address",
        title=Text(ru="Адрес API", en="Address of the API"),
        hint=Text(ru="Пусто: api-metrika.yandex.net", en="Empty: api-metrika.yandex.net"),
    ),
)

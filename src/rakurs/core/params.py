"""Parameters of a question: typed, bounded, explained beside the field, never more than declared."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Self

import narwhals.stable.v2 as nw
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from rakurs.core.periods import Period, Preset, preset_period
from rakurs.core.text import Text
from rakurs.core.units import Unit


class ParamInfo:
    """What a form, the CLI help and OpenAPI need to know of one parameter beyond its type.

    `options` names the dimension whose values may be chosen ("manager"); `labels` gives the words for an
    enumerated value; `is_advanced` hides the field behind "more".
    """

    def __init__(
        self,
        title: Text,
        *,
        unit: Unit = Unit.TEXT,
        help: Text | None = None,
        options: str | None = None,
        labels: Mapping[Any, Text] | None = None,
        is_advanced: bool = False,
    ) -> None:
        self.title = title
        self.unit = unit
        self.help = help
        self.options = options
        self.labels = dict(labels or {})
        self.is_advanced = is_advanced


def parameter(
    default: Any,
    title: Text,
    *,
    unit: Unit = Unit.TEXT,
    help: Text | None = None,
    options: str | None = None,
    labels: Mapping[Any, Text] | None = None,
    is_advanced: bool = False,
    ge: float | None = None,
    le: float | None = None,
) -> Any:
    """One field of a `Params` model, with its meaning beside it."""
    info = ParamInfo(title, unit=unit, help=help, options=options, labels=labels, is_advanced=is_advanced)
    field = Field(default, ge=ge, le=le, description=title.en)
    field.metadata.append(info)
    return field


class Params(BaseModel):
    """The base of every analysis' parameters. `as_of` is the business day the question is asked on.

    `app` fills `as_of` before anything is computed, so that no analysis reads a clock.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_enum_values=False)

    as_of: date | None = parameter(
        None,
        Text(ru="На дату", en="As of"),
        unit=Unit.DAY,
        help=Text(ru="Что было известно на конец этого дня", en="What was known at the end of this day"),
        is_advanced=True,
    )

    HAS_PERIOD: ClassVar[bool] = False

    _fiscal_year_start: int = PrivateAttr(default=1)

    @property
    def today(self) -> date:
        """The business day of the question."""
        if self.as_of is None:
            raise ValueError("params are not bound to a day: use Params.bound(today)")
        return self.as_of

    def bound(self, today: date, *, fiscal_year_start: int = 1) -> Self:
        """The same parameters with `as_of` filled in, of a company whose year begins with that month."""
        found = self.model_copy(update={"as_of": self.as_of or today})
        found._fiscal_year_start = fiscal_year_start  # noqa: SLF001 - its own, on a copy nobody has seen yet
        return found

    def spoken_of(self, deals: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Those of `deals` that the question speaks of, as far as its parameters tell: here all of them.

        `deals` have `deal_id`, `pipeline_id`, `manager_id`, `channel_id`, `created_on`, `closed_on`, `outcome` and `amount`.
        """
        return deals

    @classmethod
    def infos(cls) -> dict[str, ParamInfo]:
        """The meaning of each parameter, by name, in declaration order."""
        found: dict[str, ParamInfo] = {}
        for name, field in cls.model_fields.items():
            for item in field.metadata:
                if isinstance(item, ParamInfo):
                    found[name] = item
        return found


CUSTOMER_SEGMENT = parameter(
    None,
    Text(ru="Клиенты сегмента", en="Customers of a segment"),
    unit=Unit.ID,
    help=Text(
        ru="Только записи клиентов, которые в сегменте на день вопроса",
        en="Only records of customers who are in the segment on the day of the question",
    ),
    options="customer_segment",
)
"""Of a question that can be asked of a segment's customers alone; who they are, `app` knows and binds."""


class Records(StrEnum):
    """Which records a question reads."""

    ALL = "all"
    TRUSTED = "trusted"


RECORDS = parameter(
    Records.ALL,
    Text(ru="Записи", en="Records"),
    labels={
        Records.ALL: Text(ru="Все", en="All"),
        Records.TRUSTED: Text(ru="Без сомнительных", en="Without suspect ones"),
    },
    help=Text(
        ru="Сомнительны сделки, отмеченные правилами качества из настроек компании",
        en="Suspect are deals marked by the rules of quality in the company's settings",
    ),
    is_advanced=True,
)
"""Of a question about deals that can leave suspect ones out; which these are, a mart tells and `app` binds."""


PRESET_LABELS = {
    Preset.ALL: Text(ru="Всё время", en="All time"),
    Preset.TODAY: Text(ru="Сегодня", en="Today"),
    Preset.LAST_7_DAYS: Text(ru="7 дней", en="7 days"),
    Preset.LAST_30_DAYS: Text(ru="30 дней", en="30 days"),
    Preset.LAST_90_DAYS: Text(ru="90 дней", en="90 days"),
    Preset.LAST_365_DAYS: Text(ru="12 месяцев", en="12 months"),
    Preset.THIS_WEEK: Text(ru="Эта неделя", en="This week"),
    Preset.LAST_WEEK: Text(ru="Прошлая неделя", en="Last week"),
    Preset.THIS_MONTH: Text(ru="Этот месяц", en="This month"),
    Preset.LAST_MONTH: Text(ru="Прошлый месяц", en="Last month"),
    Preset.THIS_QUARTER: Text(ru="Этот квартал", en="This quarter"),
    Preset.LAST_QUARTER: Text(ru="Прошлый квартал", en="Last quarter"),
    Preset.THIS_YEAR: Text(ru="Этот год", en="This year"),
    Preset.LAST_YEAR: Text(ru="Прошлый год", en="Last year"),
    Preset.THIS_FISCAL_QUARTER: Text(ru="Этот фин. квартал", en="This fiscal quarter"),
    Preset.LAST_FISCAL_QUARTER: Text(ru="Прошлый фин. квартал", en="Last fiscal quarter"),
    Preset.THIS_FISCAL_YEAR: Text(ru="Этот фин. год", en="This fiscal year"),
    Preset.LAST_FISCAL_YEAR: Text(ru="Прошлый фин. год", en="Last fiscal year"),
    Preset.CUSTOM: Text(ru="Свой период", en="Custom"),
}


class PeriodParams(Params):
    """Parameters with a period: a preset, or inclusive days `from_day`..`to_day` (either may be open)."""

    HAS_PERIOD: ClassVar[bool] = True

    period: Preset = parameter(Preset.ALL, Text(ru="Период", en="Period"), labels=PRESET_LABELS)
    from_day: date | None = parameter(None, Text(ru="С", en="From"), unit=Unit.DAY)
    to_day: date | None = parameter(None, Text(ru="По", en="To"), unit=Unit.DAY)

    @model_validator(mode="before")
    @classmethod
    def _days_mean_custom(cls, values: Any) -> Any:
        if isinstance(values, dict) and (values.get("from_day") or values.get("to_day")):
            return {**values, "period": Preset.CUSTOM}
        return values

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.from_day and self.to_day and self.to_day < self.from_day:
            raise ValueError(f"the period ends ({self.to_day}) before it starts ({self.from_day})")
        return self

    @property
    def window(self) -> Period:
        """The asked days, half-open. Never reaches beyond the day of the question."""
        if self.period is not Preset.CUSTOM:
            return preset_period(self.period, today=self.today, fiscal_year_start=self._fiscal_year_start)
        last = self.to_day or max(self.today, self.from_day or self.today)
        return Period(self.from_day, last + timedelta(days=1))

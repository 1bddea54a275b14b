"""What is true of the whole company: its time zone, currency and the rules its numbers follow."""

from collections.abc import Container, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rakurs.app.home import Home
from rakurs.core.mart import SUSPECT_RULES, CalendarRules, MartSettings, OrderDay
from rakurs.core.text import Text
from rakurs.marts.quality import RULES

RevenueBasis = Literal["auto", "deals", "orders"]

COUNTRIES: Mapping[str, Text] = {
    "RU": Text(ru="Россия", en="Russia"),
    "BY": Text(ru="Беларусь", en="Belarus"),
    "KZ": Text(ru="Казахстан", en="Kazakhstan"),
    "AM": Text(ru="Армения", en="Armenia"),
    "AZ": Text(ru="Азербайджан", en="Azerbaijan"),
    "GE": Text(ru="Грузия", en="Georgia"),
    "KG": Text(ru="Киргизия", en="Kyrgyzstan"),
    "UZ": Text(ru="Узбекистан", en="Uzbekistan"),
    "TR": Text(ru="Турция", en="Turkey"),
    "AE": Text(ru="ОАЭ", en="United Arab Emirates"),
    "CN": Text(ru="Китай", en="China"),
    "DE": Text(ru="Германия", en="Germany"),
    "GB": Text(ru="Великобритания", en="United Kingdom"),
    "US": Text(ru="США", en="United States"),
}
"""Whose public holidays the working calendar may follow."""

BASES: Mapping[RevenueBasis, Text] = {
    "auto": Text(ru="Как подходит вопросу", en="As fits the question"),
    "deals": Text(ru="Выигранные сделки", en="Won deals"),
    "orders": Text(ru="Заказы", en="Orders"),
}
SUSPECTS: Mapping[str, Text] = {name: rule.title for name, rule in RULES.items()}
"""The rules of quality a company may choose from: a deal that fails a chosen one is suspect."""
ORDER_DAYS: Mapping[OrderDay, Text] = {
    "auto": Text(ru="По оплате, где источник её знает", en="Payment, where the source knows it"),
    "payment": Text(ru="По дню оплаты", en="The day of payment"),
    "order": Text(ru="По дню заказа", en="The day of the order"),
}


class Company(BaseModel):
    """Settings that change what numbers mean. Changing one refreshes or rebuilds what depends on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    timezone: str = "Europe/Moscow"
    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    orders_dated_by: OrderDay = "auto"
    revenue_basis: RevenueBasis = "auto"
    country: str = Field(default="RU", pattern=r"^[A-Z]{2}$")
    days_off: tuple[date, ...] = ()
    working_days: tuple[date, ...] = ()
    fiscal_year_start: int = Field(default=1, ge=1, le=12)
    suspect_rules: tuple[str, ...] = SUSPECT_RULES
    second_factor_roles: tuple[str, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _is_known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, OSError) as unknown:  # the one is a KeyError, the other a folder of zones
            raise ValueError(f"there is no time zone {value}") from unknown
        return value

    @field_validator("country")
    @classmethod
    def _is_known_country(cls, value: str) -> str:
        if value not in COUNTRIES:
            raise ValueError(f"{value} is none of {', '.join(COUNTRIES)}")
        return value

    @field_validator("days_off", "working_days")
    @classmethod
    def _in_order(cls, value: tuple[date, ...]) -> tuple[date, ...]:
        return tuple(sorted(set(value)))

    @field_validator("suspect_rules")
    @classmethod
    def _are_known_rules(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in SUSPECTS:
                raise ValueError(f"{name} is none of {', '.join(SUSPECTS)}")
        return tuple(sorted(set(value)))

    @property
    def mart_settings(self) -> MartSettings:
        """The part that marts depend on."""
        rules = CalendarRules(
            country=self.country,
            days_off=self.days_off,
            working_days=self.working_days,
            fiscal_year_start=self.fiscal_year_start,
        )
        return MartSettings(orders_dated_by=self.orders_dated_by, calendar=rules, suspect_rules=self.suspect_rules)

    def with_basis(self, params: Mapping[str, Any], known: Container[str]) -> Mapping[str, Any]:
        """`params` with the company's revenue basis where the question has one and does not say it."""
        if self.revenue_basis == "auto" or "basis" not in known or params.get("basis"):
            return params
        return {**params, "basis": self.revenue_basis}


def company_of(home: Home) -> Company:
    """The settings kept in `home`, or the defaults of a new one."""
    if not home.company_file.exists():
        return Company()
    return Company.model_validate_json(home.company_file.read_text(encoding="utf-8"))


def save_company(home: Home, company: Company) -> None:
    """Keep `company` in `home`; a crash leaves the old or the new settings, never a half."""
    _write_whole(home.company_file, company.model_dump_json(indent=2))


def _write_whole(target: Path, text: str) -> None:
    draft = target.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(target)

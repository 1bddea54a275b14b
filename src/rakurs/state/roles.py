"""Who is who in a company, how far do they see, and what may they do?"""

from collections.abc import Mapping
from typing import Literal

from rakurs.core.text import Text

Role = Literal["owner", "head", "manager", "marketer", "analyst"]
ScopeKind = Literal["all", "branch", "department", "own"]
Deed = Literal["read", "keep", "export", "share", "personal_data", "load", "administer"]

ROLES: Mapping[str, Text] = {
    "owner": Text(ru="Владелец", en="Owner"),
    "head": Text(ru="Руководитель продаж", en="Head of sales"),
    "manager": Text(ru="Менеджер", en="Manager"),
    "marketer": Text(ru="Маркетолог", en="Marketer"),
    "analyst": Text(ru="Аналитик", en="Analyst"),
}
"""The ready-made roles; a company adds its own beside them (`state.models.OwnRole`)."""

SCOPES: Mapping[str, Text] = {
    "all": Text(ru="Вся компания", en="The whole company"),
    "branch": Text(ru="Филиал", en="Branch"),
    "department": Text(ru="Отдел", en="Department"),
    "own": Text(ru="Только свои записи", en="Own records only"),
}

DEED_TITLES: Mapping[Deed, Text] = {
    "read": Text(ru="Смотреть отчёты", en="See reports"),
    "keep": Text(ru="Сохранять и менять своё", en="Keep and change one's own"),
    "export": Text(ru="Выгружать файлы", en="Take files out"),
    "share": Text(ru="Делиться отчётами", en="Share reports"),
    "personal_data": Text(ru="Видеть личные данные клиентов", en="See customers' personal data"),
    "load": Text(ru="Загружать данные", en="Load data"),
    "administer": Text(ru="Управлять доступом и настройками", en="Manage access and settings"),
}

DEED_HELP: Mapping[Deed, Text] = {
    "read": Text(ru="Ответы и строки за числами, в пределах своих записей", en="Answers and the rows behind numbers"),
    "keep": Text(ru="Отчёты и сегменты, свои", en="Reports and segments of one's own"),
    "export": Text(ru="Excel, CSV и другие файлы целиком", en="Excel, CSV and other files, whole"),
    "share": Text(ru="Открывать сохранённое коллегам и по ссылке", en="Open what one saved to others or by link"),
    "personal_data": Text(
        ru="Телефон, почта, ИНН, дата рождения и свои поля; без этого права они пусты везде",
        en="Phone, e-mail, tax id, birth date, custom fields; without this they are empty everywhere",
    ),
    "load": Text(
        ru="Файлы, подключения, карантин; нужна видимость всей компании",
        en="Files, connections, quarantine; takes the scope of the whole company",
    ),
    "administer": Text(
        ru="Люди, роли, настройки компании, журнал; нужна видимость всей компании",
        en="People, roles, company settings, audit; takes the scope of the whole company",
    ),
}

COMPANY_WIDE: frozenset[Deed] = frozenset({"load", "administer"})
"""Deeds that touch or show everyone's rows, so that the role alone is not enough: the scope must be "all"."""

EVERYONES: frozenset[Deed] = frozenset({"keep"})
"""What every role may; only a key may be made without it."""

DEEDS: Mapping[str, frozenset[Deed]] = {
    "owner": EVERYONES | frozenset({"read", "export", "share", "personal_data", "load", "administer"}),
    "head": EVERYONES | frozenset({"read", "export", "share", "personal_data", "load"}),
    "manager": EVERYONES | frozenset({"read", "export", "personal_data"}),
    "marketer": EVERYONES | frozenset({"read", "export", "share", "personal_data"}),
    "analyst": EVERYONES | frozenset({"read", "export", "share", "personal_data", "load"}),
}
"""What a ready-made role may do, whoever's rows it sees."""

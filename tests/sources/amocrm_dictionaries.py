"""What a made-up company has set up in its account: pipelines, users, reasons of loss, fields of its cards."""

from typing import Any

Record = dict[str, Any]

WON, LOST = 142, 143
CLOSED = (WON, LOST)
PLURALS = {"lead": "leads", "contact": "contacts", "company": "companies"}
SINGULARS = {plural: kind for kind, plural in PLURALS.items()}

# id, name, working statuses
PIPELINES = (
    (5204152, "Воронка", ("Первичный контакт", "Переговоры", "Принимают решение", "Согласование договора")),
    (5204300, 'Опт "Север"', ("Заявка", "Коммерческое предложение", "Отгрузка")),
    (5204411, "Сервис и ремонт", ("Приём", "Диагностика", "Ремонт", "Выдача")),
)
LOSS_REASONS = ("Дорого", "Пропала потребность", "Не устроили условия", "Выбрали других")
USERS = ("Анна Ковалёва", "Игорь Петров", "Мария Сёмина", "Олег Жуков", "Дарья Лис", "Пётр Гром (уволен)")
SOURCES = ("Сайт", "Звонок", "Рекомендация", "Выставка", "Avito")

# id, name, code, type, enums
Definition = tuple[int, str, str | None, str, tuple[str, ...]]
FIELDS: dict[str, tuple[Definition, ...]] = {
    "leads": (
        (921871, "Источник заявки", None, "select", SOURCES),
        (921872, "Причина отказа (своими словами)", None, "text", ()),
        (921873, "Количество мест", None, "numeric", ()),
        (921874, "Дата отгрузки", None, "date", ()),
        (316921, "utm_source", "UTM_SOURCE", "tracking_data", ()),
        (316922, "utm_campaign", "UTM_CAMPAIGN", "tracking_data", ()),
    ),
    "contacts": (
        (316901, "Телефон", "PHONE", "multitext", ("WORK", "MOB", "HOME")),
        (316902, "Email", "EMAIL", "multitext", ("WORK", "PRIV")),
        (316903, "Должность", "POSITION", "text", ()),
    ),
    "companies": (
        (316911, "Телефон", "PHONE", "multitext", ("WORK", "MOB")),
        (316912, "Email", "EMAIL", "multitext", ("WORK",)),
        (316913, "Адрес", "ADDRESS", "textarea", ()),
        (316914, "ИНН", None, "text", ()),
    ),
}


def custom(plural: str, name: str, *values: tuple[Any, str | None] | Any) -> Record:
    """One entry of custom_fields_values: the field by its name, values plain or with an enum's name."""
    number, title, code, kind, enums = next(one for one in FIELDS[plural] if name in (one[1], one[2]))
    filled = []
    for given in values:
        value, enum = given if isinstance(given, tuple) else (given, given if kind == "select" else None)
        entry = {"value": value}
        if enum is not None:
            entry |= {"enum_id": number * 10 + enums.index(enum), "enum_code": enum if kind == "multitext" else None}
        filled.append(entry)
    return {"field_id": number, "field_name": title, "field_code": code, "field_type": kind, "values": filled}


def status_value(pipeline: int, status: int) -> Record:
    """A status as an event tells it."""
    return {"lead_status": {"id": status, "pipeline_id": pipeline}}

"""What a made-up company has set up on its portal: pipelines, stages, sources, and fields of its own."""

SMART = 156
SMART_CATEGORY = 10
GOODS, OFFERS = 23, 24

CATEGORIES = {0: "General", 3: 'Опт "Север"', 7: "Сервис и ремонт"}

# status, name, semantics, extra semantics
_CLOSING = (("WON", "Сделка успешна", "S", "success"), ("LOSE", "Сделка провалена", "F", "failure"))
_APOLOGY = ("APOLOGY", "Анализ причины провала", "F", "apology")
STAGES: dict[int, tuple[tuple[str, str, str | None, str], ...]] = {
    0: (
        ("NEW", "Новая", None, "process"),
        ("PREPARATION", "Подготовка документов", None, "process"),
        ("PREPAYMENT_INVOICE", "Счёт на предоплату", None, "process"),
        ("EXECUTING", "В работе", None, "process"),
        ("FINAL_INVOICE", "Финальный счёт", None, "process"),
        *_CLOSING,
        _APOLOGY,
    ),
    3: (
        ("NEW", "Заявка", None, "process"),
        ("PREPARATION", "Коммерческое предложение", None, "process"),
        ("EXECUTING", "Отгрузка", None, "process"),
        *_CLOSING,
        _APOLOGY,
    ),
    7: (
        ("NEW", "Обращение", None, "process"),
        ("UC_4K2ZQ1", "Диагностика 🔧", None, "process"),
        ("EXECUTING", "Ремонт", None, "process"),
        *_CLOSING,
    ),
}
LEAD_STATUSES = (
    ("NEW", "Не обработан", None, "process"),
    ("IN_PROCESS", "В работе", None, "process"),
    ("PROCESSED", "Обработан", None, "process"),
    ("CONVERTED", "Качественный лид", "S", "success"),
    ("JUNK", "Некачественный лид", "F", "failure"),
    ("UC_BADNUM", "Не тот номер", "F", "apology"),
)
SMART_STAGES = (
    ("NEW", "Начало", None, "process"),
    ("CLIENT", "Согласование", None, "process"),
    ("SUCCESS", "Успех", "S", "success"),
    ("FAIL", "Провал", "F", "failure"),
)
SOURCES = (
    ("CALL", "Звонок"),
    ("EMAIL", "Электронная почта"),
    ("WEB", "Веб-сайт"),
    ("ADVERTISING", "Реклама"),
    ("PARTNER", "Существующий клиент"),
    ("RECOMMENDATION", "По рекомендации"),
    ("TRADE_SHOW", "Выставка"),
    ("WEBFORM", "CRM-форма"),
    ("CALLBACK", "Обратный звонок"),
    ("UC_AVITO", "Авито"),
    ("OTHER", "Другое"),
)
DEAL_TYPES = (("SALE", "Продажа"), ("COMPLEX", "Комплексная продажа"), ("GOODS", "Товар"), ("SERVICES", "Услуги"))


def stage_id(category: int, status: str) -> str:
    """The stage as deals carry it: bare in the first pipeline, prefixed in the others."""
    return status if category == 0 else f"C{category}:{status}"


STAGE_SEMANTICS = {
    stage_id(category, status): (category, semantics or "P")
    for category, stages in STAGES.items()
    for status, _, semantics, _ in stages
}
PROCESS = {
    category: [stage_id(category, s) for s, _, semantics, _ in stages if semantics is None]
    for category, stages in STAGES.items()
}
LOST = {
    category: [stage_id(category, s) for s, _, semantics, _ in stages if semantics == "F"]
    for category, stages in STAGES.items()
}
LEAD_SEMANTICS = {status: semantics or "P" for status, _, semantics, _ in LEAD_STATUSES}
SMART_SEMANTICS = {f"DT{SMART}_{SMART_CATEGORY}:{status}": semantics or "P" for status, _, semantics, _ in SMART_STAGES}

UF_DEAL = {
    "UF_CRM_1721244482250": ("string", "Номер договора"),
    "UF_CRM_1721244500001": ("double", "Маржа, %"),
    "UF_CRM_1721244500002": ("date", "Дата отгрузки"),
    "UF_CRM_1721244500003": ("enumeration", "Канал"),
    "UF_CRM_1721244500004": ("enumeration", "Услуги"),
}
UF_LEAD = {"UF_CRM_1704817278": ("string", "Город"), "UF_CRM_1706782596092": ("enumeration", "Интерес")}
UF_CONTACT = {"UF_CRM_1720697698689": ("string", "Прозвище"), "UF_CRM_1720697700000": ("date", "Первая покупка")}
UF_COMPANY = {"UF_CRM_1687188367": ("string", "Код в 1С"), "UF_CRM_1687188400": ("double", "Скидка")}
UF_ITEMS = {
    "UF_CRM_1721244500003": (("45", "Розница"), ("47", "Опт"), ("49", "Маркетплейс «Озон»")),
    "UF_CRM_1721244500004": (("61", "Доставка"), ("63", "Монтаж"), ("65", "Обучение")),
    "UF_CRM_1706782596092": (("71", "Горячий"), ("73", "Холодный")),
}
UF_MULTIPLE = {"UF_CRM_1721244500004"}
UF = {"deal": UF_DEAL, "lead": UF_LEAD, "contact": UF_CONTACT, "company": UF_COMPANY}

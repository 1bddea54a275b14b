"""Bitrix24: what do the columns of its deals export (CSV or Excel) mean?"""

from rakurs.core.reckoning import Reckoning
from rakurs.core.source import TableMapping
from rakurs.core.text import Text
from rakurs.sources.files.shapes.shape import CURRENCY_WORDS, Shape, Stages, listed, of

SHAPE = Shape(
    name="bitrix24-deals",
    title=Text(ru="Сделки из Битрикс24", en="Deals exported from Bitrix24"),
    source="bitrix24",
    fields={
        "id": ("ID", "ID сделки"),
        "title": ("Название сделки", "Название", "Deal Name", "Name"),
        "pipeline": ("Воронка", "Направление", "Направление сделки", "Pipeline", "Deal pipeline"),
        "stage": ("Стадия сделки", "Стадия", "Stage", "Deal stage"),
        "amount": ("Сумма", "Amount", "Total"),
        "currency": ("Валюта", "Currency"),
        "manager": ("Ответственный", "Responsible", "Responsible person"),
        "created": ("Дата создания", "Created on", "Created"),
        "began": ("Дата начала", "Start date"),
        "close": ("Дата закрытия", "Предполагаемая дата закрытия", "Дата завершения", "End date", "Expected close date"),
        "company": ("Компания", "Название компании", "Компания: Название компании", "Company", "Company name"),
        "contact": ("Контакт", "Контакт: ФИО", "Контакт: Имя", "Contact", "Contact name"),
        "phone": ("Контакт: Рабочий телефон", "Рабочий телефон", "Контакт: Мобильный телефон", "Мобильный телефон", "Телефон"),
        "email": ("Контакт: Рабочий e-mail", "Рабочий e-mail", "E-mail", "Контакт: E-mail"),
        "source": ("Источник", "Source"),
        "reason": ("Причина отказа", "Причина провала", "Причина проигрыша"),
    },
    needs=("id", "stage", "created"),
    marks=(
        "Стадия сделки", "Закрыта", "Сделка закрыта", "Доступна для всех", "Доступна всем", "Предполагаемая дата закрытия",
        "Направление", "Кем создана", "Кем изменена", "Повторная сделка", "Регулярная сделка", "Дополнительно об источнике",
        "Вероятность", "Тип сделки", "Валюта", "Deal stage", "Available to everyone", "Repeat deal",
    ),
    least_marks=2,
    stages=Stages(stage="stage", pipeline="pipeline", created="created"),
    tables=(
        listed("employees", "employee_id", "manager"),
        listed("channels", "channel_id", "source"),
        listed("loss_reasons", "loss_reason_id", "reason"),
        listed("customers", "customer_id", "company", "contact", phone=of("phone"), email=of("email")),
        TableMapping(
            table="deals",
            values={
                "deal_id": of("id"),
                "pipeline_id": of("pipeline", default="main"),
                "created_at": of("created", "began"),
                "closed_at": of("close"),
                "expected_close_on": of("close"),
                "stage_id": of("stage"),
                "customer_id": of("company", "contact"),
                "manager_id": of("manager"),
                "channel_id": of("source"),
                "amount": of("amount"),
                "currency": of("currency", replace=CURRENCY_WORDS),
                "loss_reason_id": of("reason"),
                "title": of("title"),
            },
        ),
    ),
)  # fmt: skip

RECKONING = Reckoning(
    name="bitrix24",
    title=Text(ru="Отчёт Битрикс24 по воронке", en="Bitrix24 funnel report"),
    belonging="active",
    counts_deleted=True,
    is_converted=False,
    win_rate_over="all",
    notes=(
        Text(
            ru="Отчётный период: последнее изменение не позже его конца, закрытие не раньше начала; дни по часовому поясу портала.",
            en="Reporting period: last change not after its end, closing not before its start; days by the portal's time zone.",
        ),
        Text(
            ru="Последнее изменение известно нам по созданию, закрытию и переходам между этапами: правка других полей не видна.",
            en="The last change is known from creation, closing and moves between stages: edits of other fields are not seen.",
        ),
    ),
)
"""How its funnel report counts."""

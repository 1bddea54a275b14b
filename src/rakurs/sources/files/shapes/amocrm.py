"""amoCRM (Kommo): what do the columns of its leads export mean?"""

from rakurs.core.reckoning import Reckoning
from rakurs.core.source import TableMapping
from rakurs.core.text import Text
from rakurs.sources.files.shapes.shape import Shape, Stages, listed, of

_NOT_CLOSED = {"не закрыта": "", "Не закрыта": "", "не закрыт": "", "Not closed": "", "not closed": ""}
"""What stands in the close date of a running deal."""

SHAPE = Shape(
    name="amocrm-leads",
    title=Text(ru="Сделки из amoCRM", en="Leads exported from amoCRM"),
    source="amocrm",
    fields={
        "id": ("ID", "ID сделки"),
        "title": ("Название сделки", "Название", "Lead name", "Lead title"),
        "pipeline": ("Воронка", "Название воронки", "Pipeline"),
        "stage": ("Этап сделки", "Этап", "Статус сделки", "Статус", "Lead status", "Stage", "Lead stage"),
        "amount": ("Бюджет", "Бюджет, руб.", "Бюджет ₽", "Бюджет сделки", "Sale", "Budget", "Lead value"),
        "manager": ("Ответственный", "Ответственный за сделку", "Responsible", "Lead responsible", "Responsible user"),
        "created": ("Дата создания", "Дата создания сделки", "Created at", "Date created", "Creation date"),
        "closed": ("Дата закрытия", "Дата закрытия сделки", "Closed at", "Date closed"),
        "company": ("Компания", "Компания контакта", "Company", "Company lead's"),
        "contact": ("Основной контакт", "Полное имя контакта", "Контакт", "Main contact", "Contact name"),
        "phone": ("Рабочий телефон", "Рабочий телефон (контакт)", "Мобильный телефон", "Мобильный телефон (контакт)", "Телефон", "Work phone"),
        "email": ("Рабочий email", "Рабочий email (контакт)", "Email", "Рабочий e-mail", "Work email"),
        "source": ("Источник", "Источник сделки", "utm_source", "Lead source"),
        "reason": ("Причина отказа", "Причина закрытия", "Loss reason"),
    },
    needs=("id", "stage", "created", "amount"),
    marks=(
        "Этап сделки", "Бюджет", "Бюджет, руб.", "Бюджет ₽", "Основной контакт", "Теги", "Теги сделки", "Дата редактирования",
        "Кем редактирована", "Ближайшая задача", "Компания контакта", "Полное имя контакта", "Lead status", "Lead tags",
        "Closest task", "Main contact", "Примечание 2",
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
                "created_at": of("created"),
                "closed_at": of("closed", replace=_NOT_CLOSED),
                "stage_id": of("stage"),
                "customer_id": of("company", "contact"),
                "manager_id": of("manager"),
                "channel_id": of("source"),
                "amount": of("amount"),
                "loss_reason_id": of("reason"),
                "title": of("title"),
            },
        ),
    ),
)  # fmt: skip

RECKONING = Reckoning(
    name="amocrm",
    title=Text(ru="Отчёт amoCRM по продажам", en="amoCRM sales report"),
    is_converted=False,
    win_rate_over="all",
    notes=(
        Text(
            ru="Дни по часовому поясу аккаунта; бюджет складывается как есть, без пересчёта валют.",
            en="Days by the account's time zone; budgets are added as they are, currencies are not converted.",
        ),
    ),
)
"""How its sales report counts."""

"""The work of selling: pipelines, stages, loss reasons, leads, deals and their way through the stages."""

from rakurs.core.table import Table
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema.columns import choice, column, flag, reference

OUTCOMES = {
    "open": Text(ru="В работе", en="In progress"),
    "won": Text(ru="Выиграна", en="Won"),
    "lost": Text(ru="Проиграна", en="Lost"),
}

PIPELINES = Table(
    name="pipelines",
    title=Text(ru="Воронки", en="Pipelines"),
    grain=Text(ru="Одна воронка", en="One pipeline"),
    key=("pipeline_id",),
    columns=(
        column("pipeline_id", Unit.ID, "Воронка", "Pipeline", required=True),
        column("name", Unit.TEXT, "Название", "Name"),
    ),
)

STAGES = Table(
    name="stages",
    title=Text(ru="Этапы", en="Stages"),
    grain=Text(ru="Один этап одной воронки", en="One stage of one pipeline"),
    key=("pipeline_id", "stage_id"),
    columns=(
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline", required=True),
        column("stage_id", Unit.ID, "Этап", "Stage", required=True),
        column("name", Unit.TEXT, "Название", "Name"),
        column("position", Unit.POSITION, "Порядок", "Position", required=True),
        choice("outcome", "Исход", "Outcome", OUTCOMES, required=True),
        column("norm_hours", Unit.HOURS, "Норма, ч", "Norm, h", low=0),
    ),
)

LOSS_REASONS = Table(
    name="loss_reasons",
    title=Text(ru="Причины проигрыша", en="Loss reasons"),
    grain=Text(ru="Одна причина", en="One reason"),
    key=("loss_reason_id",),
    columns=(
        column("loss_reason_id", Unit.ID, "Причина", "Reason", required=True),
        column("name", Unit.TEXT, "Название", "Name"),
        flag("is_controllable", "Можно повлиять", "Controllable"),
    ),
)

LEADS = Table(
    name="leads",
    title=Text(ru="Лиды", en="Leads"),
    grain=Text(ru="Одно обращение", en="One lead"),
    key=("lead_id",),
    columns=(
        column("lead_id", Unit.ID, "Лид", "Lead", required=True),
        column("created_at", Unit.TIME, "Создан", "Created", required=True),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        column("status", Unit.TEXT, "Состояние", "Status"),
        column("first_response_at", Unit.TIME, "Первый ответ", "First response"),
        reference("converted_deal_id", "deals", "Стал сделкой", "Converted to deal"),
    ),
)

DEALS = Table(
    name="deals",
    title=Text(ru="Сделки", en="Deals"),
    grain=Text(ru="Одна сделка", en="One deal"),
    key=("deal_id",),
    columns=(
        column("deal_id", Unit.ID, "Сделка", "Deal", required=True),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        column("created_at", Unit.TIME, "Создана", "Created", required=True),
        column("closed_at", Unit.TIME, "Закрыта", "Closed"),
        column("stage_id", Unit.ID, "Этап", "Stage"),
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        reference("product_id", "products", "Товар", "Product"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        reference("loss_reason_id", "loss_reasons", "Причина проигрыша", "Loss reason"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        column("title", Unit.TEXT, "Название", "Title"),
    ),
)

DEAL_STAGE_EVENTS = Table(
    name="deal_stage_events",
    title=Text(ru="История этапов", en="Stage history"),
    grain=Text(ru="Один вход сделки в этап", en="One entry of a deal into a stage"),
    key=("deal_id", "stage_id", "entered_at"),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal", required=True),
        column("stage_id", Unit.ID, "Этап", "Stage", required=True),
        column("entered_at", Unit.TIME, "Вошла", "Entered", required=True),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("moved_by", "employees", "Кто перевёл", "Moved by"),
        choice(
            "provenance",
            "Откуда известно",
            "Provenance",
            {
                "history": Text(ru="Из истории", en="From history"),
                "snapshot": Text(ru="По разнице снимков", en="From the difference of snapshots"),
            },
        ),
    ),
)

DEAL_SNAPSHOTS = Table(
    name="deal_snapshots",
    title=Text(ru="Снимки сделок", en="Deal snapshots"),
    grain=Text(
        ru="Какой сделка стала известна с этого момента: строка появляется, когда загрузка показала новое",
        en="How a deal was known from a moment on: a row is written when a load shows something new",
    ),
    key=("deal_id", "seen_at"),
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal", required=True),
        # The first required time: money is brought to the company's currency on the day the deal was created,
        # as the deal's own amount is, so that a change of the amount is never a change of the rate.
        column("created_at", Unit.TIME, "Создана", "Created", required=True),
        column("seen_at", Unit.TIME, "Известно с", "Known from", required=True),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        column("stage_id", Unit.ID, "Этап", "Stage"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        choice(
            "provenance",
            "Откуда известно",
            "Provenance",
            {
                "history": Text(ru="Из истории", en="From history"),
                "snapshot": Text(ru="По разнице загрузок", en="From the difference of loads"),
            },
        ),
    ),
)

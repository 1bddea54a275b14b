"""The deal's card: its way through the stages, what is late, what was sold, whose other deals stand beside it."""

from collections.abc import Mapping
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.cards.events import DEALS as CARD_NAME
from rakurs.analyses.cards.events import events_of
from rakurs.analyses.cards.foreseen import OF_DEAL
from rakurs.analyses.cards.standards import STAGE_HOURS
from rakurs.analyses.columns import choice, column, flag
from rakurs.analyses.filters import end_of
from rakurs.core.analysis import Frames
from rakurs.core.card import Card, Rows, Section, Slice, Subject
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, STAGE_VISITS
from rakurs.schema import ACTIVITIES, CALLS, DEALS, ORDER_LINES, ORDERS
from rakurs.schema.columns import reference
from rakurs.schema.deals import OUTCOMES
from rakurs.schema.derived import stored

Frame = nw.LazyFrame[Any]

KEY = "deal_id"
HOUR, DAY = 3600, 86_400
SHOWN_NEIGHBOURS, SHOWN_LINES = 10, 30
FEWEST_VISITS = 10
"""With fewer finished visits of a stage nothing is called slow there."""
SILENT_DAYS = 7
STORED = stored(DEALS)
PACES = {
    "past": Text(ru="Пройден", en="Passed"),
    "slow": Text(ru="Задержалась здесь", en="Was slow here"),
    "now": Text(ru="Сейчас здесь", en="Is here now"),
    "stuck": Text(ru="Застряла здесь", en="Is stuck here"),
    "unknown": Text(ru="Время неизвестно", en="Time is not known"),
}
TROUBLES = {
    "stuck": Text(
        ru="Стоит на этапе дольше, чем 9 из 10 сделок", en="Stands on its stage longer than 9 of 10 deals did"
    ),
    "overdue": Text(ru="Ожидаемый день закрытия прошёл", en="The expected closing day has passed"),
    "silent": Text(ru="Давно не было ни звонка, ни дела", en="No call or activity for long"),
}


def _about(_subject: Subject, frames: Frames, _against: Any) -> Frame:
    own = frames["deals"].select(KEY, nw.col("amount").alias("own_amount"), "currency", "custom")
    return frames["outcomes"].drop("custom").join(own, on=KEY, how="left")


ABOUT = Section(
    name="about",
    title=Text(ru="О сделке", en="About"),
    help=Text(
        ru="Исход считается по последнему этапу истории; суммы в валюте компании.",
        en="The outcome is that of the last stage in the history; money is in the company's currency.",
    ),
    shown="facts",
    reads={"outcomes": Slice(table=DEAL_OUTCOMES, by=KEY), "deals": Slice(table=STORED, by=KEY)},
    columns=(
        reference("customer_id", "customers", "Клиент", "Customer"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        reference("channel_id", "channels", "Канал", "Channel"),
        reference("campaign_id", "campaigns", "Кампания", "Campaign"),
        reference("product_id", "products", "Товар", "Product"),
        reference("loss_reason_id", "loss_reasons", "Причина проигрыша", "Loss reason"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("expected_close_on", Unit.DAY, "Ожидаемое закрытие", "Expected close"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
        column("custom", Unit.TEXT, "Свои поля", "Custom fields"),
    ),
    compute=_about,
    nothing=Text(ru="Сделка удалена в источнике.", en="The deal was deleted at its source."),
)

VALUE = Section(
    name="value",
    title=Text(ru="Главное", en="In short"),
    help=Text(
        ru="Цикл: от создания до закрытия. Деньги в валюте компании.",
        en="Cycle: from creation to closing. Money is in the company's currency.",
    ),
    shown="tiles",
    reads={"outcomes": Slice(table=DEAL_OUTCOMES, by=KEY)},
    columns=(
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("margin", Unit.MONEY, "Маржа", "Margin"),
        column("age_days", Unit.DAYS, "Возраст или цикл", "Age or cycle"),
    ),
    compute=lambda subject, frames, _against: frames["outcomes"].with_columns(
        (
            (nw.coalesce(nw.col("closed_epoch"), nw.lit(end_of(subject.today))) - nw.col("created_epoch")).cast(
                nw.Float64()
            )
            / float(DAY)
        ).alias("age_days")
    ),
    nothing=Text(ru="Сделка удалена в источнике.", en="The deal was deleted at its source."),
)


def _visits(_subject: Subject, frames: Frames, _against: Any) -> Frame:
    return frames["visits"].sort("sequence")


def _path(rows: Rows, subject: Subject, against: Mapping[tuple[str, str], tuple[float, float, int]]) -> Rows:
    """The visits in order, each with its time so far, the usual one, and what to think of it."""
    told: list[dict[str, Any]] = []
    for row in rows:
        usual = against.get((row["pipeline_id"], row["stage_id"]))
        is_here = row["left_epoch"] is None and row["outcome"] == "open"
        hours = (end_of(subject.today) - row["entered_epoch"]) / HOUR if is_here else row["hours"]
        if row["stage_outcome"] != "open" or not row["is_timed"]:
            hours = None
        is_slow = bool(hours is not None and usual and usual[2] >= FEWEST_VISITS and hours > usual[1])
        told.append(
            {
                **row,
                "hours": hours,
                "median_hours": usual[0] if usual and row["stage_outcome"] == "open" else None,
                "p90_hours": usual[1] if usual and row["stage_outcome"] == "open" else None,
                "pace": _pace(is_here=is_here, is_slow=is_slow, is_known=hours is not None or not row["is_timed"]),
            }
        )
    return told


def _pace(*, is_here: bool, is_slow: bool, is_known: bool) -> str | None:
    if not is_known:
        return None
    if is_here:
        return "stuck" if is_slow else "now"
    return "slow" if is_slow else "past"


PATH = Section(
    name="path",
    title=Text(ru="Путь по этапам", en="Way through the stages"),
    help=Text(
        ru=(
            "Каждый вход в этап по порядку. Обычное время: медиана завершённых посещений этапа по сделкам, которые вы "
            "видите. Медленно: дольше 90-го процентиля, если посещений не меньше десяти."
        ),
        en=(
            "Each entry into a stage, in order. Usual time: the median of finished visits of the stage among the deals "
            "you may see. Slow: longer than the 90th percentile, given ten visits or more."
        ),
    ),
    shown="path",
    reads={"visits": Slice(table=STAGE_VISITS, by=KEY)},
    columns=(
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("entered_on", Unit.DAY, "Вошла", "Entered"),
        column("hours", Unit.HOURS, "Время на этапе", "Time in stage"),
        column("median_hours", Unit.HOURS, "Обычно", "Usually"),
        column("p90_hours", Unit.HOURS, "90-й процентиль", "90th percentile"),
        choice("pace", "Темп", "Pace", PACES),
        flag("is_backward", "Шаг назад", "Backward move"),
        flag("is_reentry", "Повторный вход", "Re-entry"),
    ),
    compute=_visits,
    finish=_path,
    standard=STAGE_HOURS,
    nothing=Text(ru="История этапов не загружена.", en="The stage history was not loaded."),
)


def _standing_now(_subject: Subject, frames: Frames, _against: Any) -> Frame:
    """One row: the open deal, its present visit, its last call or activity."""
    last = (
        frames["visits"]
        .filter(nw.col("left_epoch").is_null())
        .select(KEY, "entered_epoch", "is_timed", "stage_outcome")
    )
    called = frames["calls"].group_by(KEY).agg(nw.col("started_epoch").max().alias("called_epoch"))
    acted = frames["activities"].group_by(KEY).agg(nw.col("epoch").max().alias("acted_epoch"))
    deal = frames["outcomes"].filter(nw.col("outcome") == "open")
    for part in (last, called, acted):
        deal = deal.join(part, on=KEY, how="left")
    return deal.select(
        KEY, "pipeline_id", "stage_id", "created_epoch", "expected_close_on", "entered_epoch", "is_timed",
        "called_epoch", "acted_epoch",
    )  # fmt: skip


def _troubles(rows: Rows, subject: Subject, against: Mapping[tuple[str, str], tuple[float, float, int]]) -> Rows:
    told: list[Mapping[str, Any]] = []
    for row in rows[:1]:
        now = end_of(subject.today)
        usual = against.get((row["pipeline_id"], row["stage_id"]))
        if usual and usual[2] >= FEWEST_VISITS and row["entered_epoch"] is not None and row["is_timed"]:
            hours = (now - row["entered_epoch"]) / HOUR
            if hours > usual[1]:
                told.append({"trouble": "stuck", "days": hours / 24, "norm_days": usual[1] / 24})
        if row["expected_close_on"] is not None and row["expected_close_on"] < subject.today:
            told.append(
                {"trouble": "overdue", "days": float((subject.today - row["expected_close_on"]).days), "norm_days": 0.0}
            )
        touched = max((row[name] or row["created_epoch"] for name in ("called_epoch", "acted_epoch")), default=now)
        silent = (now - touched) / DAY
        if silent > SILENT_DAYS:
            told.append({"trouble": "silent", "days": silent, "norm_days": float(SILENT_DAYS)})
    return told


TROUBLE = Section(
    name="late",
    title=Text(ru="Что опаздывает", en="What is late"),
    help=Text(
        ru="Только у открытых сделок: этап, ожидаемый день закрытия, молчание дольше семи дней.",
        en="Of open deals only: the stage, the expected closing day, silence of more than seven days.",
    ),
    shown="table",
    reads={
        "outcomes": Slice(table=DEAL_OUTCOMES, by=KEY),
        "visits": Slice(table=STAGE_VISITS, by=KEY),
        "calls": Slice(table=stored(CALLS), by=KEY),
        "activities": Slice(table=stored(ACTIVITIES), by=KEY),
    },
    columns=(
        choice("trouble", "Что", "What", TROUBLES),
        column("days", Unit.DAYS, "Сколько", "How long"),
        column("norm_days", Unit.DAYS, "Норма", "Norm"),
    ),
    compute=_standing_now,
    finish=_troubles,
    standard=STAGE_HOURS,
    nothing=Text(ru="Ничего не опаздывает.", en="Nothing is late."),
)


def _lines(_subject: Subject, frames: Frames, _against: Any) -> Frame:
    orders = frames["orders"].select("order_id", "ordered_on", "currency")
    return (
        frames["lines"]
        .join(orders, on="order_id", how="inner")
        .sort("ordered_on", "order_id", "line_no")
        .head(SHOWN_LINES)
    )


LINES = Section(
    name="lines",
    title=Text(ru="Заказы и товары", en="Orders and products"),
    help=Text(
        ru="Строки заказов, сделанных по этой сделке, в валюте заказа.",
        en="Lines of the orders made under this deal, in the order's currency.",
    ),
    shown="table",
    reads={"orders": Slice(table=stored(ORDERS), by=KEY), "lines": Slice(table=stored(ORDER_LINES))},
    columns=(
        reference("product_id", "products", "Товар", "Product"),
        column("quantity", Unit.QUANTITY, "Количество", "Quantity"),
        column("price", Unit.PRICE, "Цена", "Price"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("order_id", Unit.ID, "Заказ", "Order"),
        column("ordered_on", Unit.DAY, "Заказан", "Ordered"),
        column("currency", Unit.TEXT, "Валюта", "Currency"),
    ),
    compute=_lines,
    nothing=Text(ru="Заказов по этой сделке нет.", en="No orders under this deal."),
)


def _neighbours(subject: Subject, frames: Frames, _against: Any) -> Frame:
    return (
        frames["all"]
        .join(frames["own"].select("customer_id"), on="customer_id", how="semi")
        .filter(nw.col(KEY) != nw.lit(subject.id))
        .sort("created_epoch", KEY, descending=[True, False])
        .head(SHOWN_NEIGHBOURS)
    )


NEIGHBOURS = Section(
    name="neighbours",
    title=Text(ru="Другие сделки клиента", en="Other deals of the customer"),
    help=Text(ru="Самые новые первыми.", en="The newest first."),
    shown="table",
    reads={"own": Slice(table=DEAL_OUTCOMES, by=KEY), "all": Slice(table=DEAL_OUTCOMES)},
    columns=(
        reference("deal_id", "deals", "Сделка", "Deal"),
        choice("outcome", "Исход", "Outcome", OUTCOMES),
        reference("stage_id", "stages", "Этап", "Stage"),
        column("amount", Unit.MONEY, "Сумма", "Amount"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        reference("manager_id", "employees", "Менеджер", "Manager"),
        reference("pipeline_id", "pipelines", "Воронка", "Pipeline"),
    ),
    compute=_neighbours,
    nothing=Text(ru="Других сделок у клиента нет.", en="The customer has no other deals."),
)

CARD = Card(
    name=CARD_NAME,
    table=STORED,
    title=Text(ru="Сделка", en="Deal"),
    icon="handshake",
    label="title",
    seen_through=(Slice(table=DEAL_OUTCOMES, by=KEY),),
    sections=(VALUE, TROUBLE, OF_DEAL, PATH, LINES, NEIGHBOURS, ABOUT),
    events=events_of(CARD_NAME),
    searched=("title",),
    beside=("created_on",),
)

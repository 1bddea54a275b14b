"""Ready-made dashboards: what does each role look at first? One declaration each, in menu order."""

from collections.abc import Mapping
from typing import Any

from rakurs.core.board import Board, BoardTile
from rakurs.core.text import Text


def _number(tile_id: str, x: int, y: int, metric: str, *, has_plan: bool = False) -> BoardTile:
    return BoardTile(id=tile_id, place=(x, y, 3, 2), content={"kind": "number", "metric": metric, "has_plan": has_plan})


def _tile(
    tile_id: str,
    place: tuple[int, int, int, int],
    content: Mapping[str, Any],
    title: Text,
    *,
    own_period: bool = False,
    fits_grain: bool = False,
) -> BoardTile:
    return BoardTile(
        id=tile_id, place=place, content=content, title=title, own_period=own_period, fits_grain=fits_grain
    )


def _asks(
    name: str, *, sort: str | None = None, look: Mapping[str, Any] | None = None, **params: str
) -> dict[str, Any]:
    asked = {"kind": "analysis", "name": name, "params": params, "sort": sort}
    return {"kind": "question", "asked": asked, **(look or {})}


def _splits(*metrics: str, by: str, look: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    asked = {"kind": "pivot", "metrics": metrics, "rows": (by,), **more}
    return {"kind": "question", "asked": asked, **(look or {})}


def _table(*columns: str, rows: int = 10) -> dict[str, Any]:
    return {"view": "table", "rows": rows, "columns": columns}


OWNER = Board(
    name="owner",
    homes=("owner", "analyst"),
    title=Text(ru="Обзор компании", en="Company overview"),
    about=Text(
        ru="Сколько зарабатываем, идём ли по плану и что тянет вниз",
        en="What we earn, whether the plan holds, what drags",
    ),
    icon="layout-dashboard",
    tiles=(
        _number("revenue", 0, 0, "revenue", has_plan=True),
        _number("margin", 3, 0, "margin", has_plan=True),
        _number("won", 6, 0, "deals_won", has_plan=True),
        _number("check", 9, 0, "average_check"),
        _tile(
            "revenue_line",
            (0, 2, 8, 5),
            _splits("revenue", by="week"),
            Text(ru="Динамика выручки", en="Revenue over time"),
            fits_grain=True,
        ),
        _tile(
            "plan",
            (8, 2, 4, 5),
            _asks("plan_fact", by="department", period="this_month"),
            Text(ru="План месяца по отделам", en="Plan of the month by department"),
            own_period=True,
        ),
        _tile(
            "mix",
            (0, 7, 4, 5),
            _splits("revenue", by="category", top={"count": 6}),
            Text(ru="Выручка по группам товаров", en="Revenue by product category"),
        ),
        _tile(
            "first_repeat",
            (4, 7, 4, 5),
            _splits("first_revenue", "repeat_revenue", by="week", chart="columns", params={"compare": "none"}),
            Text(ru="Первые и повторные покупки", en="First and repeat purchases"),
            fits_grain=True,
        ),
        _tile(
            "losses",
            (8, 7, 4, 5),
            _splits("deals_lost", by="loss_reason", top={"count": 6}),
            Text(ru="Почему проигрываем", en="Why deals are lost"),
        ),
        _tile(
            "customers",
            (0, 12, 7, 6),
            _asks("customer_rating", look=_table("customer", "sales", "revenue", "last_on", rows=8)),
            Text(ru="Главные клиенты", en="Leading customers"),
        ),
        _tile(
            "pipeline",
            (7, 12, 5, 6),
            _asks("pipeline_as_of"),
            Text(ru="Деньги в работе", en="Money in the pipeline"),
            own_period=True,
        ),
    ),
)

SALES = Board(
    name="sales",
    homes=("head", "manager"),
    title=Text(ru="Продажи", en="Sales"),
    about=Text(
        ru="Идёт ли месяц, кто вытягивает и где застревают сделки",
        en="How the month goes, who carries it, where deals stick",
    ),
    icon="handshake",
    tiles=(
        _number("created", 0, 0, "deals_created"),
        _number("won", 3, 0, "deals_won", has_plan=True),
        _number("amount", 6, 0, "won_amount"),
        _number("win_rate", 9, 0, "win_rate"),
        _tile("funnel", (0, 2, 7, 7), _asks("funnel"), Text(ru="Воронка", en="Funnel")),
        _tile(
            "plan",
            (7, 2, 5, 7),
            _asks("plan_fact", by="employee", period="this_month"),
            Text(ru="План месяца по менеджерам", en="Plan of the month by manager"),
            own_period=True,
        ),
        _tile(
            "line",
            (0, 9, 6, 5),
            _splits("deals_created", "deals_won", by="week", params={"compare": "none"}),
            Text(ru="Новые и выигранные сделки", en="Deals created and won"),
            fits_grain=True,
        ),
        _tile(
            "losses",
            (6, 9, 6, 5),
            _splits("deals_lost", by="loss_reason", top={"count": 6}),
            Text(ru="Причины проигрышей", en="Loss reasons"),
        ),
        _tile(
            "managers",
            (0, 14, 7, 7),
            _asks(
                "managers",
                look=_table("manager", "created", "won", "won_amount", "conversion"),
                sort="-won_amount",
            ),
            Text(ru="Менеджеры", en="Managers"),
        ),
        _tile(
            "moves",
            (7, 14, 5, 7),
            _asks("pipeline_changes"),
            Text(ru="Что изменилось в портфеле", en="What moved in the pipeline"),
        ),
        _tile(
            "chances",
            (0, 21, 12, 7),
            _asks(
                "win_chances",
                look=_table("deal", "customer", "manager", "amount", "chance", "expected", "factor_1", rows=8),
            ),
            Text(ru="От каких сделок ждать денег", en="Which deals to expect money of"),
        ),
    ),
)

MARKETING = Board(
    name="marketing",
    homes=("marketer",),
    title=Text(ru="Маркетинг", en="Marketing"),
    about=Text(
        ru="Какие каналы приводят клиентов, кто возвращается и кого пора разбудить",
        en="Which channels bring customers, who comes back, whom to wake",
    ),
    icon="megaphone",
    tiles=(
        _number("created", 0, 0, "deals_created"),
        _number("win_rate", 3, 0, "win_rate"),
        _number("buyers", 6, 0, "customers"),
        _number("spent", 9, 0, "ad_cost"),
        _tile(
            "channels",
            (0, 2, 6, 6),
            _splits("deals_created", by="channel", top={"count": 8}),
            Text(ru="Откуда приходят сделки", en="Where deals come from"),
        ),
        _tile(
            "channel_conversion",
            (6, 2, 6, 6),
            _splits("conversion", by="channel", chart="intervals", params={"period": "last_365_days"}),
            Text(ru="Конверсия каналов за год", en="Conversion of channels in a year"),
            own_period=True,
        ),
        _tile(
            "channel_line",
            (0, 8, 7, 5),
            _splits("first_revenue", "repeat_revenue", by="week", chart="columns", params={"compare": "none"}),
            Text(ru="Выручка: первые и повторные", en="Revenue: first and repeat"),
            fits_grain=True,
        ),
        _tile(
            "campaigns",
            (7, 8, 5, 5),
            _splits("won_amount", "win_rate", by="campaign", look=_table(rows=6), top={"count": 6}),
            Text(ru="Кампании", en="Campaigns"),
        ),
        _tile(
            "rfm",
            (0, 13, 5, 7),
            _asks("rfm"),
            Text(ru="Кого беречь и кого будить", en="Whom to keep, whom to wake"),
        ),
        _tile(
            "cohorts",
            (5, 13, 7, 7),
            _asks("cohorts", period="last_365_days"),
            Text(ru="Кто возвращается", en="Who comes back"),
            own_period=True,
        ),
        _tile(
            "acquisition",
            (0, 20, 12, 7),
            _asks(
                "acquisition",
                look=_table(
                    "name", "verdict", "cost", "newcomers", "cac", "value", "value_to_cost", "payback_months", rows=8
                ),
                period="last_365_days",
            ),
            Text(ru="Окупаются ли каналы", en="Whether channels pay"),
            own_period=True,
        ),
        _tile(
            "leaving",
            (0, 27, 12, 7),
            _asks("churn_risk", look=_table("customer", "risk", "at_stake", "factor_1", "factor_2", rows=8)),
            Text(ru="Кто вот-вот уйдёт", en="Who is about to leave"),
        ),
    ),
)

SERVICE = Board(
    name="service",
    homes=(),
    title=Text(ru="Сервис", en="Service"),
    about=Text(
        ru="Дозваниваются ли до нас, как быстро отвечаем и перезваниваем ли пропущенным",
        en="Do callers get through, how soon, and are the missed ones called back",
    ),
    icon="phone",
    tiles=(
        _number("answered", 0, 0, "calls_answered"),
        _number("answer_rate", 3, 0, "answer_rate"),
        _number("callback_rate", 6, 0, "callback_rate"),
        _number("wait", 9, 0, "wait_seconds"),
        _tile(
            "line",
            (0, 2, 8, 5),
            _splits("calls_answered", "calls_missed", by="week", chart="columns", params={"compare": "none"}),
            Text(ru="Принятые и пропущенные", en="Answered and missed"),
            fits_grain=True,
        ),
        _tile(
            "channels",
            (8, 2, 4, 5),
            _splits("calls_missed", by="channel", top={"count": 6}),
            Text(ru="Откуда звонили и не дозвонились", en="Missed calls by channel"),
        ),
        _tile(
            "rates",
            (0, 7, 6, 7),
            _splits("answer_rate", by="manager", chart="intervals", top={"count": 10, "metric": "calls_answered"}),
            Text(ru="Кто берёт трубку", en="Who answers"),
        ),
        _tile(
            "people",
            (6, 7, 6, 7),
            _splits(
                "calls_answered",
                "calls_missed",
                "callback_rate",
                "wait_seconds",
                by="manager",
                look=_table("manager", "calls_answered", "calls_missed", "callback_rate", "wait_seconds"),
            ),
            Text(ru="По сотрудникам", en="By employee"),
        ),
    ),
)

BOARDS: tuple[Board, ...] = (OWNER, SALES, MARKETING, SERVICE)

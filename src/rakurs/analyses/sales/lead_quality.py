"""Lead quality: which open leads will bring a sale, and whom to answer first?"""

from datetime import date
from typing import Any

import narwhals.stable.v2 as nw

from rakurs.analyses.columns import MANAGER, choice, column
from rakurs.analyses.said import LEVELS, SCORED_ON, classed, reasons, said_by, some_scores
from rakurs.core.analysis import Analysis, Cell, Chart, Example, Frames, Members
from rakurs.core.frames import where_cell
from rakurs.core.params import CUSTOMER_SEGMENT, Params, parameter
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_OUTCOMES, LEAD_OUTCOMES
from rakurs.models.leads import MODEL
from rakurs.schema import CHANNELS, CUSTOMERS, EMPLOYEES
from rakurs.schema.derived import stored
from rakurs.schema.scores import MODEL_SCORES

Frame = nw.LazyFrame[Any]

HIGH_FROM, MIDDLE_FROM = 0.4, 0.15


class LeadQualityParams(Params):
    """Of which leads."""

    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    junk: str = parameter(
        "junk",
        Text(ru="Не показывать в состоянии", en="Leave out the status"),
        unit=Unit.TEXT,
        help=Text(
            ru="Бракованные лиды; так, как их состояние названо в вашей системе",
            en="Junk leads, as your system calls them",
        ),
        is_advanced=True,
    )
    customer_segment: str | None = CUSTOMER_SEGMENT


COLUMNS = (
    column("lead_id", Unit.ID, "Лид", "Lead"),
    column("created_on", Unit.DAY, "Пришёл", "Came"),
    column("customer", Unit.TEXT, "Клиент", "Customer"),
    column("channel", Unit.TEXT, "Канал", "Channel"),
    *MANAGER,
    column("status", Unit.TEXT, "Состояние", "Status"),
    column("is_converted", Unit.FLAG, "Стал сделкой", "Became a deal"),
    column("chance", Unit.SHARE, "Шанс", "Chance"),
    choice("level", "Уровень", "Level", LEVELS),
    column("expected", Unit.MONEY, "Ожидаемая сумма", "Expected amount"),
    *reasons(MODEL),
    SCORED_ON,
)


def lead_quality(
    *,
    scores: Frame,
    leads: Frame,
    deals: Frame,
    channels: Frame,
    customers: Frame,
    employees: Frame,
    params: LeadQualityParams,
) -> Frame:
    """One row per lead that was open when it was scored, and whose deal has not closed since."""
    return (
        asked(scores, leads, deals, params)
        .join(customers.select("customer_id", nw.col("name").alias("customer")), on="customer_id", how="left")
        .join(channels.select("channel_id", nw.col("name").alias("channel")), on="channel_id", how="left")
        .join(
            employees.select(nw.col("employee_id").alias("manager_id"), nw.col("name").alias("manager")),
            on="manager_id",
            how="left",
        )
        .with_columns(nw.coalesce(name, f"{name}_id").alias(name) for name in ("customer", "channel", "manager"))
    )


def asked(scores: Frame, leads: Frame, deals: Frame, params: LeadQualityParams) -> Frame:
    """The open leads in question, with what the model said of each."""
    over = deals.filter(nw.col("closed_on") <= nw.lit(params.today)).select(
        nw.col("deal_id").alias("converted_deal_id")
    )
    is_junk = nw.col("status").str.to_lowercase() == nw.lit(params.junk.lower())
    still_open = leads.join(over, on="converted_deal_id", how="anti").filter(~is_junk.fill_null(value=False))
    for name in ("channel", "manager"):
        value = getattr(params, name)
        if value is not None:
            still_open = still_open.filter(nw.col(f"{name}_id") == nw.lit(value))
    said = said_by(scores, MODEL, params).select(
        "lead_id",
        "scored_on",
        "factor_1",
        "factor_2",
        "factor_3",
        nw.col("score").alias("chance"),
        nw.col("amount").alias("expected"),
    )
    known = still_open.select(
        "lead_id", "created_on", "status", "is_converted", "customer_id", "channel_id", "manager_id"
    )
    return said.join(known, on="lead_id", how="inner").with_columns(
        classed("chance", high=HIGH_FROM, middle=MIDDLE_FROM).alias("level")
    )


def members(frames: Frames, params: LeadQualityParams, cell: Cell) -> Frame:
    """The leads of a level, of a manager, of a reason, or one by id."""
    return where_cell(asked(frames["scores"], frames["leads"], frames["deals"], params), dict(cell)).select("lead_id")


def _lead(lead: str, **more: Any) -> dict[str, Any]:
    return {"lead_id": lead, "created_at": "2026-03-20", "channel_id": "ads", "manager_id": "m", **more}


def _score(lead: str, score: float, amount: float | None, on: str = "2026-03-31") -> dict[str, Any]:
    said = {"model": "leads", "scored_on": on, "lead_id": lead, "factor_1": "+channel"}
    return {**said, "score": score, "amount": amount}


EXAMPLE = Example(
    tables={
        "channels": [{"channel_id": "ads", "name": "Реклама"}],
        "customers": [{"customer_id": "c", "name": "Анна"}],
        "employees": [{"employee_id": "m", "name": "Мария"}],
        "leads": [
            _lead("hot", customer_id="c", status="new"),
            _lead("warm"),
            _lead("tie", channel_id="stray", manager_id=None),
            _lead("cold"),
            _lead("no check"),
            _lead("a deal by now", converted_deal_id="d"),
            _lead("closed by now", converted_deal_id="e"),
            _lead("junk", status="JUNK"),
        ],
        "stages": [{"pipeline_id": "p", "stage_id": "lost", "name": "Нет", "position": 1, "outcome": "lost"}],
        "deals": [
            {"deal_id": "d", "pipeline_id": "p", "created_at": "2026-03-21"},
            {"deal_id": "e", "pipeline_id": "p", "created_at": "2026-03-21", "stage_id": "lost", "closed_at": "2026-03-31 23:59"},
        ],
        "model_scores": [
            _score("hot", 0.4, 400),
            _score("warm", 0.15, 150),
            _score("tie", 0.15, 150),
            _score("cold", 0.14, 140),
            _score("no check", 0.5, None),
            _score("a deal by now", 0.3, 100),
            _score("closed by now", 0.9, 900),
            _score("junk", 0.9, 900),
            _score("hot", 0.1, 10, on="2026-03-01"),
            {"model": "win", "scored_on": "2026-03-31", "deal_id": "d", "score": 0.9, "amount": 1},
        ],
    },
    params=LeadQualityParams.model_validate({"as_of": "2026-03-31"}),
    expect=[
        {"lead_id": "hot", "created_on": date(2026, 3, 20), "customer": "Анна", "channel": "Реклама", "manager": "Мария",
         "status": "new", "is_converted": False, "chance": 0.4, "level": "high", "expected": 400, "factor_1": "+channel"},
        {"lead_id": "tie", "channel": "stray", "manager": None, "chance": 0.15, "level": "middle", "expected": 150},
        {"lead_id": "warm", "customer": None, "chance": 0.15, "level": "middle", "expected": 150},
        {"lead_id": "cold", "level": "low", "expected": 140},
        {"lead_id": "a deal by now", "level": "middle", "expected": 100, "is_converted": True},
        {"lead_id": "no check", "chance": 0.5, "expected": None},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="lead_quality",
    area="sales",
    model=MODEL.name,
    title=Text(ru="Качество лидов", en="Lead quality"),
    question=Text(
        ru="Какие лиды принесут продажу, и кому отвечать первым?",
        en="Which leads will bring a sale, and whom to answer first?",
    ),
    how_to_read=Text(
        ru=(
            "Сверху лиды, от которых ждём больше денег. Стрелка вверх у причины: она говорит за продажу, вниз: против. Хороши ли "
            "каналы в целом, показывает «Цена и окупаемость новых клиентов»: там и цена лида."
        ),
        en=(
            "On top are the leads that most money is expected of. An arrow up by a reason speaks for a sale, down against it. "
            "Whether channels are good as a whole is told by “Cost and payback of new clients”, with what a lead costs."
        ),
    ),
    definition=Text(
        ru=f"{MODEL.definition.ru} Показаны последние оценки лидов, чья сделка не закрыта, кроме брака.",
        en=f"{MODEL.definition.en} Shown are the latest scores of the leads whose deal is not over, but for junk.",
    ),
    source=MODEL.source,
    inputs={
        "scores": MODEL_SCORES,
        "leads": LEAD_OUTCOMES,
        "deals": DEAL_OUTCOMES,
        "channels": stored(CHANNELS),
        "customers": stored(CUSTOMERS),
        "employees": stored(EMPLOYEES),
    },
    params=LeadQualityParams,
    columns=COLUMNS,
    order=("-expected", "lead_id"),
    compute=lead_quality,
    members=Members(entity="leads", by=("lead_id", "level", "manager_id", "factor_1"), select=members),
    chart=Chart(kind="bars", x="lead_id", y=("expected",), limit=20),
    gate=some_scores(MODEL),
    example=EXAMPLE,
)

"""What moved in the pipeline between two days: what came, what was won and lost, what grew, what was put off?"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.analyses.columns import answered, choice, column, overlapping
from rakurs.analyses.filters import in_work
from rakurs.analyses.sales.pipeline_days import STATES, UNSEEN, WITHOUT_AMOUNT, believed
from rakurs.core.analysis import Analysis, Cell, Chart, DataGate, Example, Frames, LeftOut, Members, Need
from rakurs.core.frames import same
from rakurs.core.params import CUSTOMER_SEGMENT, PRESET_LABELS, RECORDS, PeriodParams, Records, parameter
from rakurs.core.periods import DAY, Preset
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.tables import DEAL_STATES

Frame = nw.LazyFrame[Any]


class PipelineChangesParams(PeriodParams):
    """Parameters of the pipeline's changes."""

    period: Preset = parameter(Preset.LAST_30_DAYS, Text(ru="Период", en="Period"), labels=PRESET_LABELS)
    pipeline: str | None = parameter(None, Text(ru="Воронка", en="Pipeline"), unit=Unit.ID, options="pipeline")
    manager: str | None = parameter(None, Text(ru="Менеджер", en="Manager"), unit=Unit.ID, options="manager")
    channel: str | None = parameter(None, Text(ru="Канал", en="Channel"), unit=Unit.ID, options="channel")
    customer_segment: str | None = CUSTOMER_SEGMENT
    records: Records = RECORDS
    expected_from: date | None = parameter(
        None,
        Text(ru="Ожидаются с", en="Expected from"),
        unit=Unit.DAY,
        help=Text(
            ru="Только сделки, чьё закрытие ожидается не раньше этого дня: перенос за границу виден отдельно",
            en="Only deals expected to close on this day or later: moving over the edge is shown apart",
        ),
        is_advanced=True,
    )
    expected_to: date | None = parameter(
        None,
        Text(ru="Ожидаются по", en="Expected until"),
        unit=Unit.DAY,
        help=Text(
            ru="Только сделки, чьё закрытие ожидается не позже этого дня: перенос за границу виден отдельно",
            en="Only deals expected to close on this day or earlier: moving over the edge is shown apart",
        ),
        is_advanced=True,
    )

    def spoken_of(self, deals: Frame) -> Frame:
        """Those in work between its ends."""
        return in_work(deals, self, first=self.first_day, last=self.last_day)

    @property
    def last_day(self) -> date:
        """The day at whose end the pipeline is counted last: the period's, but not after the day of the question."""
        end = self.window.end
        return self.today if end is None else min(end - DAY, self.today)

    @property
    def first_day(self) -> date | None:
        """The day before the period, at whose end it is counted first; None where the period has no beginning."""
        start = self.window.start
        return None if start is None else min(start - DAY, self.last_day)


KINDS: Mapping[str, Text] = {
    "opening": Text(ru="Было", en="Opening"),
    "new": Text(ru="Новые", en="New"),
    "reopened": Text(ru="Вернулись в работу", en="Reopened"),
    "pulled_in": Text(ru="Срок стал ближе", en="Pulled in"),
    "moved_in": Text(ru="Пришли из других воронок", en="Came from other pipelines"),
    "grown": Text(ru="Выросли", en="Grown"),
    "shrunk": Text(ru="Уменьшились", en="Shrunk"),
    "won": Text(ru="Выиграны", en="Won"),
    "lost": Text(ru="Проиграны", en="Lost"),
    "pushed_out": Text(ru="Срок отодвинут", en="Pushed out"),
    "moved_out": Text(ru="Ушли в другие воронки", en="Left for other pipelines"),
    "closing": Text(ru="Стало", en="Closing"),
    "advanced": Text(ru="Продвинулись по этапам", en="Advanced through the stages"),
    "returned": Text(ru="Вернулись на этапы назад", en="Went back through the stages"),
    "postponed": Text(ru="Закрытие перенесено позже", en="Expected later"),
    "hastened": Text(ru="Закрытие перенесено раньше", en="Expected earlier"),
}
"""In the order they are shown. What stands after the closing moves no money."""

COLUMNS = (
    column("step", Unit.POSITION, "Шаг", "Step"),
    choice("kind", "Что произошло", "What happened", KINDS),
    overlapping("deals", Unit.COUNT, "Сделок", "Deals"),
    overlapping("change", Unit.MONEY, "Изменение", "Change"),
    overlapping("level", Unit.MONEY, "Портфель после", "Pipeline after"),
    overlapping("amount", Unit.MONEY, "Сумма этих сделок", "Amount of these deals"),
    overlapping("unseen", Unit.COUNT, "Сумма дня не известна", "Amount of the day not known"),
)


def pipeline_changes(*, deal_states: Frame, params: PipelineChangesParams) -> Frame:
    """One row per kind of change that happened: its deals, its effect on the pipeline, and their amount. No levels yet."""
    effects = _effects(deal_states, params)
    return effects.group_by("kind").agg(
        nw.len().alias("deals"),
        nw.col("change").sum().alias("change"),
        nw.col("amount").sum().alias("amount"),
        nw.when(~nw.col("is_seen")).then(nw.lit(1)).count().alias("unseen"),
    )


def _effects(states: Frame, params: PipelineChangesParams) -> Frame:
    """One row per deal and kind of change. The changes of a deal sum to its closing amount less its opening one."""
    both = _both_ends(states, params)
    parts = [
        both.filter(rule(both_ends)).select(
            "deal_id", "is_seen", nw.lit(kind).alias("kind"), change(both_ends).alias("change"), _end().alias("amount")
        )
        for both_ends in [_Ends(params)]
        for kind, (rule, change) in RULES.items()
    ]
    return nw.concat(parts)


def _both_ends(states: Frame, params: PipelineChangesParams) -> Frame:
    """One row per deal that exists at the last day: as it was believed on both days; what of it is in the pipeline."""
    whole = params.model_copy(update={"pipeline": None})
    last = believed(states, whole, params.last_day).select(
        "deal_id", "created_on", "is_seen", *(nw.col(name).alias(f"{name}_now") for name in _COMPARED)
    )
    first_day = params.first_day
    before = believed(states, whole, first_day or params.last_day)
    if first_day is None:
        before = before.head(0)
    first = before.select(
        "deal_id", nw.lit(value=True).alias("existed"), *(nw.col(name).alias(f"{name}_then") for name in _COMPARED)
    )
    return last.join(first, on="deal_id", how="left").with_columns(
        nw.col("existed").fill_null(value=False).alias("existed"),
        nw.col("amount_now").fill_null(0).cast(Unit.MONEY.dtype).alias("amount_now"),
        nw.col("amount_then").fill_null(0).cast(Unit.MONEY.dtype).alias("amount_then"),
    )


_COMPARED = ("pipeline_id", "stage_id", "position", "outcome", "amount", "expected_close_on")
_NOTHING = nw.lit(0).cast(Unit.MONEY.dtype)


class _Ends:
    """The conditions a deal meets on the two days; every one is true or false, never null."""

    def __init__(self, params: PipelineChangesParams) -> None:
        self.params = params

    def open(self, end: str) -> nw.Expr:
        return (nw.col(f"outcome_{end}") == "open").fill_null(value=False)

    def ended(self, outcome: str) -> nw.Expr:
        return nw.col("outcome_now") == outcome

    def here(self, end: str) -> nw.Expr:
        """In the asked pipeline."""
        asked = self.params.pipeline
        if asked is None:
            return nw.lit(value=True)
        return (nw.col(f"pipeline_id_{end}") == nw.lit(asked)).fill_null(value=False)

    def due(self, end: str) -> nw.Expr:
        """Expected to close within the asked days; everything is, when none are asked."""
        low, high = self.params.expected_from, self.params.expected_to
        day = nw.col(f"expected_close_on_{end}")
        condition = nw.lit(value=True) if low is None and high is None else ~day.is_null()
        if low is not None:
            condition = condition & (day >= nw.lit(low)).fill_null(value=False)
        if high is not None:
            condition = condition & (day <= nw.lit(high)).fill_null(value=False)
        return condition

    def counted(self, end: str) -> nw.Expr:
        """In the pipeline that is asked about."""
        existed = nw.col("existed") if end == "then" else nw.lit(value=True)
        return existed & self.open(end) & self.here(end) & self.due(end)

    @property
    def stayed(self) -> nw.Expr:
        return self.counted("then") & self.counted("now")

    @property
    def came_new(self) -> nw.Expr:
        """Created in the period: now in the pipeline, or closed already, which counts as come and gone."""
        return ~nw.col("existed") & self.here("now") & self.due("now")

    @property
    def came_back(self) -> nw.Expr:
        return nw.col("existed") & ~self.counted("then") & self.counted("now")

    @property
    def went(self) -> nw.Expr:
        return self.counted("then") & ~self.counted("now")

    def closed(self, outcome: str) -> nw.Expr:
        return (self.went | self.came_new) & self.ended(outcome)

    def moved(self, sign: int) -> nw.Expr:
        step = (nw.col("position_now") - nw.col("position_then")) * sign > 0
        return self.stayed & same(nw.col("pipeline_id_now"), nw.col("pipeline_id_then")) & step.fill_null(value=False)


def _end() -> nw.Expr:
    return nw.col("amount_now")


def _growth() -> nw.Expr:
    return nw.col("amount_now") - nw.col("amount_then")


def _later() -> nw.Expr:
    return (nw.col("expected_close_on_now") > nw.col("expected_close_on_then")).fill_null(value=False)


def _earlier() -> nw.Expr:
    return (nw.col("expected_close_on_now") < nw.col("expected_close_on_then")).fill_null(value=False)


Rule = tuple[Callable[[_Ends], nw.Expr], Callable[[_Ends], nw.Expr]]


def _gone(_ends: _Ends) -> nw.Expr:
    return _NOTHING - _end()


def _unchanged(_ends: _Ends) -> nw.Expr:
    return _NOTHING


RULES: Mapping[str, Rule] = {
    "opening": (lambda ends: ends.counted("then"), lambda _: nw.col("amount_then")),
    "new": (lambda ends: ends.came_new, lambda _: _end()),
    "reopened": (lambda ends: ends.came_back & ~ends.open("then"), lambda _: _end()),
    "moved_in": (lambda ends: ends.came_back & ends.open("then") & ~ends.here("then"), lambda _: _end()),
    "pulled_in": (lambda ends: ends.came_back & ends.open("then") & ends.here("then"), lambda _: _end()),
    "grown": (lambda ends: ends.counted("then") & (_growth() > 0), lambda _: _growth()),
    "shrunk": (lambda ends: ends.counted("then") & (_growth() < 0), lambda _: _growth()),
    "won": (lambda ends: ends.closed("won"), _gone),
    "lost": (lambda ends: ends.closed("lost"), _gone),
    "moved_out": (lambda ends: ends.went & ends.open("now") & ~ends.here("now"), _gone),
    "pushed_out": (lambda ends: ends.went & ends.open("now") & ends.here("now"), _gone),
    "closing": (lambda ends: ends.counted("now"), lambda _: _end()),
    "advanced": (lambda ends: ends.moved(1), _unchanged),
    "returned": (lambda ends: ends.moved(-1), _unchanged),
    "postponed": (lambda ends: ends.stayed & _later(), _unchanged),
    "hastened": (lambda ends: ends.stayed & _earlier(), _unchanged),
}
"""kind -> which deals it holds, and what each adds to the pipeline."""


def with_levels(found: pa.Table, params: PipelineChangesParams) -> pa.Table:
    """The steps from the opening to the closing, each with the pipeline after it; then what moved no money."""
    _ = params
    if found.num_rows == 0:
        return answered([], COLUMNS)
    by_kind = {row["kind"]: row for row in found.to_pylist()}
    nothing = {"deals": 0, "change": Decimal(0), "amount": Decimal(0), "unseen": 0}
    level, rows, is_over = Decimal(0), [], False
    for step, kind in enumerate(KINDS, start=1):
        if kind not in by_kind and kind not in ("opening", "closing"):
            continue
        row = by_kind.get(kind, nothing)
        is_end = kind in ("opening", "closing")
        if kind != "closing" and not is_over:
            level += row["change"]
        rows.append(
            {
                "step": step,
                "kind": kind,
                "deals": row["deals"],
                "change": None if is_end or is_over else row["change"],
                "level": None if is_over else row["change"] if is_end else level,
                "amount": row["change"] if is_end else row["amount"],
                "unseen": row["unseen"],
            }
        )
        is_over = is_over or kind == "closing"
    return answered(rows, COLUMNS)


def members(frames: Frames, params: PipelineChangesParams, cell: Cell) -> Frame:
    """The deals of one kind of change; without a kind, every deal that is in the opening, the closing or between."""
    ends = _Ends(params)
    both = _both_ends(frames[STATES], params)
    if "kind" in cell:
        if cell["kind"] not in RULES:
            return both.head(0).select("deal_id")
        return both.filter(RULES[cell["kind"]][0](ends)).select("deal_id")
    return both.filter(ends.counted("then") | ends.counted("now") | ends.came_new).select("deal_id")


def _concerned(frames: Frames, params: PipelineChangesParams) -> Frame:
    ends = _Ends(params)
    return _both_ends(frames[STATES], params).filter(ends.counted("then") | ends.counted("now") | ends.came_new)


def _deal(deal_id: str, stage: str, amount: int | None, **more: Any) -> dict[str, Any]:
    return {
        "deal_id": deal_id,
        "pipeline_id": "b2b",
        "stage_id": stage,
        "created_at": "2026-01-10",
        "amount": amount,
        **more,
    }


def _seen(deal_id: str, seen_at: str, amount: int, expected: str | None = None) -> dict[str, Any]:
    return {
        "deal_id": deal_id,
        "created_at": "2026-01-10",
        "seen_at": seen_at,
        "amount": amount,
        "expected_close_on": expected,
    }


def _entered(deal_id: str, stage: str, at: str) -> dict[str, Any]:
    return {"deal_id": deal_id, "pipeline_id": "b2b", "stage_id": stage, "entered_at": at}


EXAMPLE = Example(
    tables={
        "stages": [
            {"pipeline_id": "b2b", "stage_id": "new", "position": 1, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "offer", "position": 2, "outcome": "open"},
            {"pipeline_id": "b2b", "stage_id": "won", "position": 3, "outcome": "won"},
            {"pipeline_id": "b2b", "stage_id": "lost", "position": 4, "outcome": "lost"},
        ],
        "deals": [
            _deal("still", "new", 100),
            # The last second before the period and its first: opening, and new.
            _deal("before", "new", 10, created_at="2026-02-28 23:59"),
            _deal("first", "new", 20, created_at="2026-03-01 00:00"),
            _deal("last", "new", 30, created_at="2026-03-31 23:59"),
            _deal("after", "new", 1_000, created_at="2026-04-01"),
            _deal("grown", "offer", 250),
            _deal("shrunk", "new", 40),
            # Won with more than it was opened with: the growth first, then the whole is won.
            _deal("won", "won", 500, closed_at="2026-03-31 23:59"),
            _deal("won too late", "won", 70, closed_at="2026-04-01"),
            _deal("lost", "lost", 60, closed_at="2026-03-01"),
            _deal("lost before", "lost", 900, closed_at="2026-02-28"),
            # Came and went inside the period: new and lost, and no trace at either end.
            _deal("passed", "lost", 15, created_at="2026-03-05", closed_at="2026-03-06"),
            _deal("back", "new", 80),
            _deal("empty", "new", None),
        ],
        "deal_stage_events": [
            _entered("grown", "new", "2026-01-10"), _entered("grown", "offer", "2026-03-15"),
            _entered("back", "lost", "2026-02-01"), _entered("back", "new", "2026-03-20"),
        ],
        "deal_snapshots": [
            _seen("grown", "2026-01-10", 200, "2026-03-31"), _seen("grown", "2026-03-31 23:00", 250, "2026-04-30"),
            _seen("shrunk", "2026-01-10", 50), _seen("shrunk", "2026-03-02", 40), _seen("shrunk", "2026-04-01", 45),
            _seen("won", "2026-01-10", 300), _seen("won", "2026-03-20", 500),
        ],
    },
    params=PipelineChangesParams.model_validate(
        {"from_day": "2026-03-01", "to_day": "2026-03-31", "as_of": "2026-04-10"}
    ),
    expect=[
        {"kind": "opening", "deals": 8, "change": None, "level": 790, "amount": 790},
        {"kind": "new", "deals": 3, "change": 65, "level": 855, "amount": 65},
        {"kind": "reopened", "deals": 1, "change": 80, "level": 935},
        {"kind": "grown", "deals": 2, "change": 250, "level": 1185, "amount": 750, "unseen": 0},
        {"kind": "shrunk", "deals": 1, "change": -10, "level": 1175, "amount": 40},
        {"kind": "won", "deals": 1, "change": -500, "level": 675, "amount": 500},
        {"kind": "lost", "deals": 2, "change": -75, "level": 600, "amount": 75},
        {"kind": "closing", "deals": 9, "change": None, "level": 600, "amount": 600},
        {"kind": "advanced", "deals": 1, "change": None, "level": None, "amount": 250},
        {"kind": "postponed", "deals": 1, "change": None, "level": None, "amount": 250},
    ],
)  # fmt: skip

ANALYSIS = Analysis(
    name="pipeline_changes",
    area="sales",
    title=Text(ru="Что изменилось в портфеле", en="Pipeline changes"),
    question=Text(
        ru="Из чего сложилась разница между портфелем тогда и теперь?",
        en="What makes the difference between the pipeline then and now?",
    ),
    how_to_read=Text(
        ru=(
            "Слева портфель до начала периода, справа на его конец; между ними всё, что его изменило, до копейки. Сделка, "
            "выросшая и выигранная, стоит в обоих шагах: сначала рост, потом выигрыш на всю сумму. Продвижение по этапам и "
            "переносы срока сумму не меняют, они ниже итога. Чтобы видеть, что сдвинулось за границу квартала, "
            "задайте дни ожидаемого закрытия."
        ),
        en=(
            "The pipeline before the period on the left, at its end on the right; between them everything that changed "
            "it, to the cent. A deal that grew and was won stands in both steps: first the growth, then the whole amount "
            "won. Moves between stages and new dates change no amount and stand below the closing. To see what slipped "
            "over the edge of a quarter, give the days of expected closing."
        ),
    ),
    definition=Text(
        ru=(
            "Было: сделки, открытые на конец дня перед периодом; стало: открытые на конец последнего дня (не позже дня вопроса). "
            "Новые: созданы в периоде, и те, что успели закрыться. Вернулись: были закрыты и снова открыты. Выросли, уменьшились: "
            "изменение суммы сделок, бывших в начале. Выиграны, проиграны: на сумму, с которой закрылись. С днями ожидаемого "
            "закрытия в портфель входят только сделки с таким сроком: ушедшие за них «отодвинуты», пришедшие «стали ближе». "
            "Суммы и сроки: по снимкам загрузок; до первого снимка первые известные. Было + изменения = стало."
        ),
        en=(
            "Opening: deals open at the end of the day before the period; closing: open at the end of its last day (not after "
            "the day of the question). New: created in the period, those already closed included. Reopened: closed then, open "
            "again. Grown, shrunk: the change of amount of the deals of the opening. Won, lost: by the amount they closed with. "
            "With days of expected closing only deals expected then are in the pipeline: those that left them are pushed out, "
            "those that came are pulled in. Amounts and dates by the snapshots of loads; before the first, the first known. "
            "Opening + changes = closing."
        ),
    ),
    source="Snodgrass, Developing Time-Oriented Database Applications in SQL, 1999, ch. 5–6",
    inputs={STATES: DEAL_STATES},
    params=PipelineChangesParams,
    columns=COLUMNS,
    order=("step", "kind"),
    compute=pipeline_changes,
    finish=with_levels,
    members=Members(entity="deals", by=("kind",), select=members, count="deals"),
    chart=Chart(kind="waterfall", x="kind", y=("change",), compare="level"),
    gate=DataGate(
        needs=(
            Need(
                what=Text(ru="сделок, бывших в работе в периоде", en="deals that were open in the period"),
                at_least=1,
                rows=_concerned,
            ),
        )
    ),
    left_out=(
        LeftOut(reason=UNSEEN, rows=lambda frames, params: _concerned(frames, params).filter(~nw.col("is_seen"))),
        LeftOut(
            reason=WITHOUT_AMOUNT,
            rows=lambda frames, params: believed(frames[STATES], params, params.last_day).filter(
                nw.col("outcome") == "open", nw.col("amount").is_null()
            ),
        ),
    ),
    example=EXAMPLE,
)

"""Why is our number not theirs? Which deals make the difference, each with its reason.

Their side is either a list of ids a person brings, or the same metric counted by the known rules of another system. Ours
is the metric as everywhere else. The differences of the rows sum to the difference of the numbers (for a rate: the rows
are those that count differently above or below the line).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals.stable.v2 as nw
import pyarrow as pa

from rakurs.app.id_lists import IdList
from rakurs.app.params import checked_params
from rakurs.app.reconciling_reasons import REASONS, reason_of
from rakurs.app.rights import Scope, limited
from rakurs.core.errors import BadParameter, UnknownName
from rakurs.core.frames import absent, rows_beside
from rakurs.core.params import PRESET_LABELS, PeriodParams, parameter
from rakurs.core.periods import Period, Preset
from rakurs.core.reckoning import Reckoning
from rakurs.core.table import Column
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.marts.canonical import with_owner
from rakurs.marts.tables import DEAL_OUTCOMES
from rakurs.metrics import metric_named
from rakurs.schema.columns import choice, column
from rakurs.sources.files import RECKONINGS
from rakurs.warehouse.reading import Reader

Frame = nw.LazyFrame[Any]

_METRIC = Text(ru="Показателя для сверки", en="metric to reconcile")
_SYSTEM = Text(ru="Системы", en="system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """What of a deal a metric counts: on which of its days, with which outcome, and what each deal is worth."""

    day: Literal["created", "closed"]
    outcomes: tuple[str, ...]
    worth: Literal["one", "amount", "won"]


COUNTINGS: Mapping[str, Counting] = {
    "deals_created": Counting(day="created", outcomes=("open", "won", "lost"), worth="one"),
    "deals_won": Counting(day="closed", outcomes=("won",), worth="one"),
    "deals_lost": Counting(day="closed", outcomes=("lost",), worth="one"),
    "won_amount": Counting(day="closed", outcomes=("won",), worth="amount"),
    "win_rate": Counting(day="closed", outcomes=("won", "lost"), worth="won"),
    "conversion": Counting(day="created", outcomes=("open", "won", "lost"), worth="won"),
}
"""The metrics whose every unit is a deal."""


class ReconcileParams(PeriodParams):
    """Which number of which days is held against what."""

    period: Preset = parameter(Preset.LAST_MONTH, Text(ru="Период", en="Period"), labels=PRESET_LABELS)
    metric: str = parameter(
        "won_amount",
        Text(ru="Показатель", en="Metric"),
        labels={name: metric_named(name).title for name in COUNTINGS},
    )
    system: str | None = parameter(
        None,
        Text(ru="Как считают там", en="How they count"),
        labels={reckoning.name: reckoning.title for reckoning in RECKONINGS},
    )
    timezone: str | None = parameter(None, Text(ru="Часовой пояс той системы", en="Their time zone"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """Both numbers and every deal that counts differently. `theirs` of a list without amounts counts ids only."""

    metric: str
    unit: Unit
    window: Period
    ours: Decimal | None
    theirs: Decimal | None
    columns: tuple[Column, ...]
    table: pa.Table
    by_reason: tuple[tuple[str, Text, int, Decimal], ...]
    """(code, words, deals, difference), the most deals first."""
    notes: tuple[Text, ...]

    @property
    def difference(self) -> Decimal | None:
        """Theirs less ours; None where either is not there."""
        return None if self.ours is None or self.theirs is None else self.theirs - self.ours


def columns_of(unit: Unit) -> tuple[Column, ...]:
    """What is said of each deal; worth in money or in deals."""
    shown = Unit.MONEY if unit is Unit.MONEY else Unit.NUMBER
    return (
        column("deal_id", Unit.ID, "Сделка", "Deal"),
        column("title", Unit.TEXT, "Название", "Title"),
        choice("reason", "Причина", "Reason", REASONS),
        column("detail", Unit.TEXT, "Подробнее", "Detail"),
        column("ours", shown, "У нас", "Ours"),
        column("theirs", shown, "У них", "Theirs"),
        column("difference", shown, "Разница", "Difference"),
        column("created_on", Unit.DAY, "Создана", "Created"),
        column("closed_on", Unit.DAY, "Закрыта", "Closed"),
    )


def reconciliation(
    reader: Reader,
    raw: Mapping[str, Any],
    listed: IdList | None,
    *,
    today: date,
    scope: Scope,
    company_zone: str,
    company_currency: str,
    quarantined: Callable[[], Mapping[str, str]],
) -> Reconciliation:
    """Our number against the list, or against the rules of the system named. BadParameter when neither is given."""
    params = checked_params(ReconcileParams, raw).bound(today)
    counting, reckoning = _counting(params.metric), _reckoning(params.system)
    if (listed is None) == (reckoning is None):
        words = Text(ru="Дайте список сделок или назовите систему.", en="Give a list of deals, or name a system.")
        raise BadParameter("system", params.system, words)
    question = Question(
        counting=counting,
        window=params.window,
        today=today,
        company_zone=company_zone,
        company_currency=company_currency,
        their_zone=_zone(params.timezone or company_zone),
        reckoning=reckoning,
    )
    rows = _candidates(reader, question, listed, scope)
    found = [_judged(question, row, listed) for row in rows]
    if listed is not None:
        known = {key for row in rows for key in _names_of(row)}
        hidden = quarantined() if scope.kind == "all" else {}
        found += [_unknown(entry, listed, hidden, scope, counting) for entry in listed.amounts if entry not in known]
        found += [_repeated(entry, counting) for entry in listed.repeated]
    return _summed(question, params.metric, found, listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything both sides of the comparison are counted by."""

    counting: Counting
    window: Period
    today: date
    company_zone: str
    company_currency: str
    their_zone: ZoneInfo
    reckoning: Reckoning | None

    def edge(self, day: date | None, zone: ZoneInfo) -> int | None:
        """The second at which `day` begins on the clocks of `zone`."""
        return None if day is None else int(datetime.combine(day, time(0), tzinfo=zone).timestamp())

    def spans(self, epoch: int | None, zone: ZoneInfo) -> bool:
        """Whether a moment falls into the period on the clocks of `zone`."""
        if epoch is None:
            return False
        start, end = self.edge(self.window.start, zone), self.edge(self.window.end, zone)
        return (start is None or epoch >= start) and (end is None or epoch < end)


def _counting(metric: str) -> Counting:
    if metric not in COUNTINGS:
        raise UnknownName(_METRIC, metric, COUNTINGS)
    return COUNTINGS[metric]


def _reckoning(system: str | None) -> Reckoning | None:
    if system is None:
        return None
    for reckoning in RECKONINGS:
        if reckoning.name == system:
            return reckoning
    raise UnknownName(_SYSTEM, system, [reckoning.name for reckoning in RECKONINGS])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        words = Text(ru="Нужно имя вида Europe/Moscow.", en="A name like Europe/Moscow is needed.")
        raise BadParameter("timezone", name, words) from error


# -- the deals that either side may count ----------------------------------------------------------


def _candidates(reader: Reader, question: Question, listed: IdList | None, scope: Scope) -> list[dict[str, Any]]:
    """The deals this user may see that we count, or that they do; deleted ones too."""
    deals = limited(with_owner(reader.frame("deals"), reader.frame("employees")), DEAL_OUTCOMES, scope)
    outcomes = reader.frame("deal_outcomes").select(
        "deal_id", "outcome", nw.col("closed_on").alias("known_closed_on"), nw.col("closed_epoch").alias("known_epoch")
    )
    stages = reader.frame("stages").select("pipeline_id", "stage_id", nw.col("outcome").alias("stage_outcome"))
    changes = (
        reader.frame("deal_stage_events").group_by("deal_id").agg(nw.col("entered_epoch").max().alias("moved_epoch"))
    )
    rows = (
        deals.join(outcomes, on="deal_id", how="left")
        .join(stages, on=["pipeline_id", "stage_id"], how="left")
        .join(changes, on="deal_id", how="left")
        .with_columns(
            nw.coalesce("outcome", "stage_outcome").fill_null("open").alias("outcome"),
            nw.coalesce("known_closed_on", "closed_on").alias("closed_on"),
            nw.coalesce("known_epoch", "closed_epoch").alias("closed_epoch"),
        )
    )
    wanted = _near(question, rows)
    if listed is not None:
        ids = rows_beside(rows, pa.table({"listed_id": pa.array(list(listed.amounts), type=pa.string())}))
        by_own = rows.join(ids.rename({"listed_id": "deal_id"}), on="deal_id", how="semi")
        by_source = rows.join(ids.rename({"listed_id": "source_id"}), on="source_id", how="semi")
        wanted = nw.concat([_plain(part) for part in (wanted, by_own, by_source)])
    found = reader.collect(_plain(wanted)).to_pylist()
    return list({row["deal_id"]: row for row in found}.values())


def _near(question: Question, rows: Frame) -> Frame:
    """The rows that may belong to the period by any rule: a day to either side covers every time zone."""
    utc = ZoneInfo("UTC")
    start, end = question.edge(question.window.start, utc), question.edge(question.window.end, utc)
    is_active = question.reckoning is not None and question.reckoning.belonging == "active"
    moment = nw.col(f"{question.counting.day}_epoch")
    if is_active:
        if end is not None:
            rows = rows.filter(nw.col("created_epoch") < end + _DAY)
        return rows if start is None else rows.filter((nw.col("closed_epoch") >= start - _DAY).fill_null(value=True))
    if end is not None:
        rows = rows.filter(moment < end + _DAY)
    return rows if start is None else rows.filter(moment >= start - _DAY)


_DAY = 86_400


def _plain(rows: Frame) -> Frame:
    names = (
        "deal_id", "source_id", "title", "outcome", "created_on", "created_epoch", "closed_on", "closed_epoch",
        "moved_epoch", "amount", "amount_base", "currency", "deleted_at",
    )  # fmt: skip
    return (
        rows.select(*names)
        if "title" in rows.collect_schema().names()
        else rows.with_columns(absent(Unit.TEXT).alias("title")).select(*names)
    )


# -- what each side counts of a deal ---------------------------------------------------------------


def _judged(question: Question, row: Mapping[str, Any], listed: IdList | None) -> dict[str, Any]:
    """One deal: what it is worth to us, to them, and why that differs (no reason where it does not)."""
    ours = _ours(question, row)
    theirs = _listed_worth(question, row, listed, ours) if listed is not None else _by_rules(question, row)
    reason, detail = ("", "") if ours == theirs else reason_of(question, row, ours=ours, theirs=theirs)
    return {**_told(row), "ours": ours, "theirs": theirs, "reason": reason, "detail": detail}


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("deal_id", "title", "created_on", "closed_on")}


def _ours(question: Question, row: Mapping[str, Any]) -> Decimal | None:
    """What the deal is worth to our metric; None where it is not counted."""
    counting = question.counting
    day = row[f"{counting.day}_on"]
    is_counted = (
        row["deleted_at"] is None
        and row["outcome"] in counting.outcomes
        and day is not None
        and question.window.includes(day)
        and (counting.day == "created" or row["outcome"] != "open")
    )
    return _worth(counting, row, row["amount_base"]) if is_counted else None


def _by_rules(question: Question, row: Mapping[str, Any]) -> Decimal | None:
    """What the deal is worth by the rules of the other system."""
    counting, rules = question.counting, question.reckoning
    assert rules is not None, "counted by rules that were not given"
    outcomes = (
        ("open", "won", "lost") if counting.worth == "won" and rules.win_rate_over == "all" else counting.outcomes
    )
    if (row["deleted_at"] is not None and not rules.counts_deleted) or row["outcome"] not in outcomes:
        return None
    if not _belongs(question, row):
        return None
    return _worth(counting, row, row["amount_base"] if rules.is_converted else row["amount"])


def _belongs(question: Question, row: Mapping[str, Any]) -> bool:
    rules, zone = question.reckoning, question.their_zone
    if rules is None or rules.belonging == "own":
        day = question.counting.day
        # An open deal has no closing day; where all deals are divided by, it belongs by its creation.
        moment = row[f"{day}_epoch"] if day == "created" or row["outcome"] != "open" else row["created_epoch"]
        return question.spans(moment, zone)
    closed = row["closed_epoch"] if row["outcome"] != "open" else None
    changed = max(epoch for epoch in (row["created_epoch"], closed, row["moved_epoch"]) if epoch is not None)
    start, end = question.edge(question.window.start, zone), question.edge(question.window.end, zone)
    return (end is None or changed < end) and (start is None or closed is None or closed >= start)


def _worth(counting: Counting, row: Mapping[str, Any], amount: Decimal | None) -> Decimal:
    if counting.worth == "amount":
        return amount or Decimal(0)
    return Decimal(int(counting.worth == "one" or row["outcome"] == "won"))


def _listed_worth(
    question: Question, row: Mapping[str, Any], listed: IdList | None, ours: Decimal | None
) -> Decimal | None:
    """What a listed deal is worth to them: the amount beside it, else what it is worth to us; None when not listed."""
    assert listed is not None, "worth by a list that was not given"
    name = next((name for name in _names_of(row) if name in listed.amounts), None)
    if name is None:
        return None
    amount = listed.amounts[name]
    if question.counting.worth != "amount" or amount is None:
        return ours if ours is not None else _worth(question.counting, row, row["amount_base"])
    return amount


def _names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (row["deal_id"], row["source_id"]) if name))


def _unknown(entry: str, listed: IdList, hidden: Mapping[str, str], scope: Scope, counting: Counting) -> dict[str, Any]:
    """A listed id we hold no deal for, as far as this user may know."""
    reason = "quarantined" if entry in hidden else "not_here" if scope.kind == "all" else "not_visible"
    amount = listed.amounts[entry]
    worth = (amount or Decimal(0)) if counting.worth == "amount" else Decimal(1)
    return {"deal_id": entry, "title": None, "created_on": None, "closed_on": None, "ours": None, "theirs": worth,
            "reason": reason, "detail": hidden.get(entry, "")}  # fmt: skip


def _repeated(entry: tuple[str, Decimal | None], counting: Counting) -> dict[str, Any]:
    """An id that stands in the list once more than once."""
    name, amount = entry
    worth = (amount or Decimal(0)) if counting.worth == "amount" else Decimal(1)
    return {"deal_id": name, "title": None, "created_on": None, "closed_on": None, "ours": None, "theirs": worth,
            "reason": "listed_twice", "detail": ""}  # fmt: skip


# -- both numbers ----------------------------------------------------------------------------------


def _summed(question: Question, metric: str, found: list[dict[str, Any]], listed: IdList | None) -> Reconciliation:
    unit = metric_named(metric).unit
    different = [row for row in found if row["reason"]]
    for row in different:
        row["difference"] = (row["theirs"] or Decimal(0)) - (row["ours"] or Decimal(0))
    different.sort(key=lambda row: (-abs(row["difference"]), row["deal_id"]))
    columns = columns_of(unit)
    notes = () if question.reckoning is None else question.reckoning.notes
    return Reconciliation(
        metric=metric,
        unit=unit,
        window=question.window,
        ours=_number(question.counting, [row["ours"] for row in found]),
        theirs=_number(question.counting, [row["theirs"] for row in found]),
        columns=columns,
        table=_table(different, columns),
        by_reason=_by_reason(different),
        notes=notes if listed is None else (),
    )


def _number(counting: Counting, worths: list[Decimal | None]) -> Decimal | None:
    """The sum over the deals counted; for a rate the mean, empty over none."""
    counted = [worth for worth in worths if worth is not None]
    whole = sum(counted, Decimal(0))
    if counting.worth != "won":
        return whole
    return whole / len(counted) if counted else None


def _by_reason(different: list[dict[str, Any]]) -> tuple[tuple[str, Text, int, Decimal], ...]:
    codes = list(dict.fromkeys(row["reason"] for row in different))
    groups = [[row["difference"] for row in different if row["reason"] == code] for code in codes]
    told = [
        (code, REASONS[code], len(group), sum(group, Decimal(0))) for code, group in zip(codes, groups, strict=True)
    ]
    return tuple(sorted(told, key=lambda item: (-item[2], item[0])))


def _table(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> pa.Table:
    kinds = {"money": pa.decimal128(38, 2), "number": pa.float64(), "day": pa.date32()}
    arrays = {
        item.name: pa.array(
            [_plain_value(row[item.name], item) for row in rows], type=kinds.get(item.unit.kind, pa.string())
        )
        for item in columns
    }
    return pa.table(arrays)


def _plain_value(value: Any, item: Column) -> Any:
    if value is None or item.unit.kind != "number":
        return value.quantize(Decimal("0.01")) if isinstance(value, Decimal) else value
    return float(value)

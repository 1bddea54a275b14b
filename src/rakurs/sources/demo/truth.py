"""Truth: what is planted in the demo company, and what came of it in this very sample?

Every planted rate is written as a `Rate`: the parameter chance was given, and the trials and successes it gave. An
analysis that reads the files should meet the successes exactly where it counts the same thing, and the parameter
within sampling error.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A planted share and what came of it."""

    parameter: float
    trials: int
    successes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """A planted log-odds effect on winning and the deals it worked on.

    `mature_*` count deals old enough to be closed and not abandoned; `mature_expected_won` is the sum of their
    win chances, so `mature_won` differs from it by chance only.
    """

    id: str
    name: str
    log_odds: float
    deals: int
    won: int
    lost: int
    open: int
    mature_deals: int
    mature_won: int
    mature_expected_won: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerTruth:
    """One manager: skill, share of incoming deals, slowness, and what is special about him."""

    odds: Odds
    department: str
    branch: str
    load: float
    pace: float
    special: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTruth:
    """One channel: quality of its deals, the usual price of a contact in roubles, contacts that came and kopecks spent.

    A contact is a lead, or a person who bought in the shop without one. Contacts of the first and last days are paid
    for in part only: the rest falls outside history.
    """

    odds: Odds
    lead_cost: int
    contacts: int
    spent_kopecks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentTruth:
    """One campaign with a control group: how many took part and were written to, and by how much more of those buy."""

    experiment_id: str
    name: str
    customers: int
    treated: int
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentTruth:
    """One law of life. The buying rate is gamma with `rate_shape` and mean `shop_per_year`; life is exponential.

    `alive_days` is the time all of them lived within history, `deaths` the lives that ended within it: their ratio
    is the hazard. `repeat_orders` are shop orders after the first purchase, before any branch's price rise.
    """

    name: str
    share: Rate
    rate_shape: float
    life_days: float
    shop_per_year: float
    deals_per_year: float
    deaths: int
    alive_days: int
    buyers: int
    repeat_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineTruth:
    """One pipeline: odds of winning and rates of odd moves, counted on closed deals."""

    odds: Odds
    skipped: Rate
    backward: Rate
    repeated: Rate
    straight_to_lost: Rate
    abandoned: Rate
    lost_at: Mapping[str, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonTruth:
    """One loss reason: its share among lost deals with a reason, by phase of the deal's way."""

    id: str
    name: str
    is_controllable: bool
    by_phase: Mapping[str, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffinityTruth:
    """A planted pair: chance to bring the consequent along at its usual price, and the lift that came of it."""

    antecedent: str
    consequent: str
    attach: float
    orders: int
    antecedent_orders: int
    consequent_orders: int
    both_orders: int
    lift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTruth:
    """Something that changed on a day: what, whose, and how much."""

    name: str
    subject: str
    from_day: date
    parameter: float
    before: Rate | None
    after: Rate


@dataclass(frozen=True, slots=True, kw_only=True)
class SeasonTruth:
    """The season: factors by month and weekday, growth of new customers, and what came."""

    growth_per_year: float
    month_factors: Mapping[int, float]
    shop_weekday_factors: Mapping[int, float]
    deal_weekday_factors: Mapping[int, float]
    holiday_shop_factor: float
    holiday_deal_factor: float
    customers_by_month: Mapping[str, Rate]
    repeat_orders_by_weekday: Mapping[int, Rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Everything planted in one generated company. `rows` counts good rows, `dirty` the broken ones by kind."""

    company: str
    seed: int
    first_day: date
    last_day: date
    customers: int
    rows: Mapping[str, int]
    dirty: Mapping[str, Mapping[str, int]]
    loadable_defects: Mapping[str, tuple[str, ...]]
    """Kinds of broken rows that no rule of the schema forbids."""
    duplicates: Rate
    duplicate_changes: Mapping[str, int]
    totals: Mapping[str, int]
    """Orders, paid, cancelled, awaiting, shop_orders; money in kopecks, net of returns."""
    season: SeasonTruth
    managers: tuple[ManagerTruth, ...]
    channels: tuple[ChannelTruth, ...]
    segments: tuple[SegmentTruth, ...]
    pipelines: tuple[PipelineTruth, ...]
    loss_reasons: tuple[ReasonTruth, ...]
    without_reason: Rate
    missed_by_hour: Mapping[int, Rate]
    missed_off_days_by_hour: Mapping[int, Rate]
    called_back: Rate
    returned_by_category: Mapping[str, Rate]
    affinities: tuple[AffinityTruth, ...]
    elasticity: float
    doubled_by_promotions: Rate
    """Lines sold under a promotion, and how many of them took twice as many."""
    promo_codes: Mapping[str, Rate]
    experiments: tuple[ExperimentTruth, ...]
    promoters: Mapping[str, Rate]
    """Before deliveries got slow, and after; so are detractors."""
    detractors: Mapping[str, Rate]
    satisfied: Rate
    five_stars: Mapping[str, Rate]
    """Reviews of the poor category, and of the usual ones."""
    foreign_deals: Mapping[str, int]
    changes: tuple[ChangeTruth, ...]


def write_truth(truth: Truth, path: Path) -> None:
    """The truth as JSON, for people and other tools."""
    path.write_text(json.dumps(asdict(truth), ensure_ascii=False, indent=1, default=str), encoding="utf-8")


def read_truth(path: Path) -> Truth:
    """The truth that `write_truth` wrote."""
    return TypeAdapter(Truth).validate_json(path.read_bytes())

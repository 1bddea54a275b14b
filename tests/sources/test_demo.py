"""Does the demo company hold what its truth says? Everything is measured again from the files alone."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2

from rakurs.core.errors import BadParameter, Cancelled
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import DEAL_SNAPSHOTS, table_named
from rakurs.schema import TABLES as CANONICAL_TABLES
from rakurs.schema.rules import time_orders
from rakurs.sources.demo import Truth, generate
from rakurs.sources.demo.names import feminine
from rakurs.sources.demo.truth import Rate
from rakurs.sources.files import deliveries
from rakurs.warehouse.warehouse import Warehouse

TODAY = date(2026, 11, 22)
CUSTOMERS = 4_000
TABLES = [table for table in CANONICAL_TABLES if table is not DEAL_SNAPSHOTS]
"""What a company brings; snapshots of its deals are what loading them again leaves behind."""
TOLERANCE = 4.5
"""Standard deviations; about two hundred checks, so an honest sample fails one of them once in a thousand seeds."""


class Company:
    """A generated company: its truth, and SQL over its files. `{deals}` in a query is the good rows of deals."""

    def __init__(self, folder: Path, truth: Truth) -> None:
        self.folder = folder
        self.truth = truth
        self.connection = duckdb.connect()
        for table in truth.rows:
            identifier = next(iter(table_named(table).key))
            broken = "employee_id = '-X' or employee_id like 'E%-X'" if table == "plans" else f"{identifier} like '%-X'"
            empty = "metric is null" if table == "plans" else f"{identifier} is null"
            file = folder / f"{table}.parquet"
            self.connection.execute(f"create view all_{table} as from read_parquet('{file}')")
            self.connection.execute(
                f"create view {table} as from all_{table} where not coalesce({broken}, false) and not {empty}"
            )

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def value(self, query: str) -> object:
        return self.rows(query)[0][0]


def made(folder: Path, *, customers: int, threads: int = 2, **settings) -> Truth:
    with duckdb.connect() as connection:
        connection.execute(f"set threads = {threads}")
        return generate(connection, folder, customers=customers, today=TODAY, **settings)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("demo")
    made_company = Company(folder, made(folder, customers=CUSTOMERS))
    yield made_company
    made_company.connection.close()


def contents(folder: Path, *, is_ordered: bool = True) -> dict[str, list[tuple]]:
    """Every file's rows as written, or sorted."""
    with duckdb.connect() as connection:
        found = {
            file.name: connection.execute(f"from read_parquet('{file}')").fetchall()
            for file in sorted(folder.rglob("*.parquet"))
        }
    return found if is_ordered else {name: sorted(rows, key=repr) for name, rows in found.items()}


def assert_fits(rate: Rate, what: str) -> None:
    """The successes of `rate` are within sampling error of its parameter."""
    deviation = math.sqrt(rate.trials * rate.parameter * (1 - rate.parameter))
    assert rate.trials > 0, what
    assert abs(rate.successes - rate.trials * rate.parameter) <= TOLERANCE * deviation + 0.5, f"{what}: {rate}"


# The same again


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("small")
    return folder, made(folder, customers=300, threads=4)


def test_the_same_seed_gives_the_same_rows_in_the_same_order(small: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = small
    assert made(tmp_path, customers=300, threads=1) == truth
    assert contents(tmp_path) == contents(folder)


def test_the_size_of_a_chunk_changes_no_row(small: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = small
    assert made(tmp_path, customers=300, chunk_customers=120) == truth
    assert contents(tmp_path, is_ordered=False) == contents(folder, is_ordered=False)


def test_another_seed_gives_another_company(small: tuple[Path, Truth], tmp_path: Path) -> None:
    made(tmp_path, customers=100, seed=2)
    assert contents(tmp_path)["customers.parquet"][0] not in contents(small[0])["customers.parquet"]


def test_csv_holds_the_same_values(small: tuple[Path, Truth], tmp_path: Path) -> None:
    made(tmp_path, customers=300, kind="csv", chunk_customers=200)
    with duckdb.connect() as connection:
        for name, rows in contents(small[0]).items():
            if (small[0] / name).exists():
                text = f"read_csv('{tmp_path / name.replace('.parquet', '.csv')}', all_varchar = true, header = true)"
                assert sorted(connection.execute(f"from {text}").fetchall(), key=repr) == sorted(rows, key=repr), name


def test_the_settings_of_the_connection_are_left_as_they_were(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("set disabled_optimizers = 'top_n'")
        generate(connection, tmp_path, customers=50, today=TODAY)
        assert connection.execute("select current_setting('disabled_optimizers')").fetchone() == ("top_n",)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    def stop(step: Text, *, done: int, total: int) -> None:
        if done > 150:
            raise Cancelled(Text(ru=f"Остановлено: {step.ru}", en=f"Stopped at {done} of {total}"))

    with duckdb.connect() as connection, pytest.raises(Cancelled):
        generate(connection, tmp_path, customers=300, chunk_customers=100, today=TODAY, progress=stop)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"customers": 9_000_000}, {"customers": 10, "years": 0}])
def test_sizes_have_bounds(tmp_path: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(BadParameter):
        made(tmp_path, **wrong)


@pytest.mark.parametrize("settings", [{"years": 1}, {"years": 8, "seed": 3}])
def test_other_spans_of_history(tmp_path: Path, settings: dict[str, int]) -> None:
    truth = made(tmp_path, customers=60, **settings)
    assert truth.first_day == date(2026 - settings["years"], 11, 22)
    assert truth.rows["deals"] > 0


# Files and rows


def test_files_are_canonical_tables_and_their_columns_are_known(company: Company) -> None:
    extra = {"customers": {"segment"}, "channels": {"cost_per_lead"}}
    assert {file.stem for file in company.folder.glob("*.parquet")} == {table.name for table in TABLES}
    for table in TABLES:
        columns = {row[0] for row in company.rows(f"describe all_{table.name}")}
        assert columns - set(table.names) == extra.get(table.name, set())
        assert {column.name for column in table.columns if column.required} <= columns
        types = {row[1] for row in company.rows(f"describe all_{table.name}")}
        assert types == {"VARCHAR"}


def test_the_truth_beside_the_files_is_the_truth_returned(company: Company) -> None:
    written = json.loads((company.folder / "truth" / "truth.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(asdict(company.truth), default=str))


def test_rows_are_counted(company: Company) -> None:
    for table, rows in company.truth.rows.items():
        broken = sum(company.truth.dirty.get(table, {}).values())
        assert company.value(f"select count(*) from all_{table}") == rows + broken
        assert company.value(f"select count(*) from {table}") == rows


def test_proportions_scale_with_customers(company: Company) -> None:
    rows = company.truth.rows
    assert 1.7 <= rows["deals"] / CUSTOMERS <= 2.3
    assert 3.5 <= rows["deal_stage_events"] / rows["deals"] <= 5
    assert 8 <= rows["order_lines"] / CUSTOMERS <= 13


def test_keys_of_good_rows_are_unique(company: Company) -> None:
    for table in TABLES:
        key = ", ".join(table.key)
        assert (
            company.value(f"select count(*) from (select {key} from {table.name} group by {key} having count(*) > 1)")
            == 0
        )


def is_readable(column_name: str, unit: Unit) -> str:
    """SQL: the text of a filled column can be read as its unit, as the intake promises."""
    number = f"try_cast(replace(replace({column_name}, ' ', ''), ',', '.') as double)"
    day = f"coalesce(try_cast({column_name} as timestamp), try_strptime({column_name}, ['%d.%m.%Y', '%Y-%m']))"
    readings = {"number": number, "money": number, "share": number, "day": day, "time": day}
    return f"{readings[unit.kind]} is not null" if unit.kind in readings else "true"


def test_exactly_the_counted_rows_break_their_declaration(company: Company) -> None:
    for table in TABLES:
        present = {row[0] for row in company.rows(f"describe all_{table.name}")}
        rules = []
        for column in table.columns:
            if column.name not in present:
                continue
            name = f'"{column.name}"'
            rules.append(f"({name} is null or {is_readable(name, column.unit)})")
            if column.required:
                rules.append(f"{name} is not null")
            if column.choices:
                words = ", ".join(f"'{word}'" for word in column.choices)
                rules.append(f"({name} is null or {name} in ({words}))")
            if column.low is not None:
                rules.append(f"coalesce(try_cast({name} as double), {column.low}) >= {column.low}")
        for order in time_orders(table):
            earlier, later = (f"try_cast({column} as timestamp)::date" for column in (order.earlier, order.later))
            rules.append(f"coalesce({later} >= {earlier}, true)")
        broken = company.value(f"select count(*) from all_{table.name} where not ({' and '.join(rules)})")
        by_sense = company.truth.loadable_defects.get(table.name, ())
        kinds = company.truth.dirty.get(table.name, {})
        assert broken == sum(rows for kind, rows in kinds.items() if kind not in by_sense), table.name


def test_defects_of_sense_are_counted(company: Company) -> None:
    dirty = company.truth.dirty
    closed_early = (
        "select count(*) from all_deals where try_cast(closed_at as timestamp) < try_cast(created_at as timestamp)"
    )
    negative = "select count(*) from all_order_lines where try_cast(quantity as double) < 0 and is_return = 'false'"
    assert company.value(closed_early) == dirty["deals"]["closed_before_created"]
    assert company.value(negative) == dirty["order_lines"]["negative_quantity"]


def test_about_one_row_in_a_hundred_is_broken(company: Company) -> None:
    for table in ("customers", "deals", "deal_stage_events", "orders", "order_lines", "payments", "calls"):
        assert_fits(
            Rate(
                parameter=0.01,
                trials=company.truth.rows[table],
                successes=sum(company.truth.dirty[table].values()),
            ),
            table,
        )


def test_every_reference_of_a_good_row_has_its_partner(company: Company) -> None:
    known = {table.name for table in TABLES}
    for table in TABLES:
        present = {row[0] for row in company.rows(f"describe {table.name}")}
        for column in table.columns:
            if column.references in known and column.name in present:
                key = table_named(column.references).key[-1]
                orphans = company.value(
                    f"select count(*) from {table.name} where {column.name} is not null "
                    f"and {column.name} not in (select {key} from {column.references})"
                )
                assert orphans == 0, f"{table.name}.{column.name}"


def test_history_ends_yesterday(company: Company) -> None:
    first, last = company.truth.first_day, company.truth.last_day
    assert (first, last) == (date(2023, 11, 22), date(2026, 11, 21))
    for table in TABLES:
        present = {row[0] for row in company.rows(f"describe {table.name}")}
        for column in table.columns:
            if column.unit is Unit.TIME and column.name in present:
                earliest, latest = company.rows(
                    f'select min("{column.name}"::date), max("{column.name}"::date) from {table.name}'
                )[0]
                assert latest <= last, f"{table.name}.{column.name}"
                assert earliest >= first, f"{table.name}.{column.name}"


# Deals


def test_a_deal_stands_where_its_history_ends(company: Company) -> None:
    wrong = company.value("""
        with histories as (
            select deal_id, arg_max(stage_id, entered_at::timestamp) as stage_id, min(entered_at::timestamp) as first_at,
                max(entered_at::timestamp) as last_at, count(*) as events, count(distinct entered_at) as moments
            from deal_stage_events group by deal_id
        )
        select count(*) from deals as d
        left join histories as h using (deal_id)
        join stages as s on s.pipeline_id = d.pipeline_id and s.stage_id = d.stage_id
        where h.deal_id is null or h.stage_id <> d.stage_id or h.events <> h.moments
            or h.first_at < d.created_at::timestamp
            or (s.outcome = 'open') <> (d.closed_at is null)
            or (s.outcome <> 'open' and d.closed_at::timestamp <> h.last_at)
            or (s.outcome <> 'lost' and d.loss_reason_id is not null)
            or (s.outcome = 'won') <> (d.margin is not null)
    """)
    assert wrong == 0


def test_a_final_stage_is_entered_once_and_last(company: Company) -> None:
    assert (
        company.value("""
        select count(*) from deal_stage_events as e
        join stages as s using (pipeline_id, stage_id) join deals as d using (deal_id)
        where s.outcome <> 'open' and e.entered_at <> d.closed_at
    """)
        == 0
    )


def test_managers_win_by_their_skill(company: Company) -> None:
    counted = {
        manager: (deals, won, lost, still_open)
        for manager, deals, won, lost, still_open in company.rows("""
            select d.manager_id, count(*), count(*) filter (where s.outcome = 'won'),
                count(*) filter (where s.outcome = 'lost'), count(*) filter (where s.outcome = 'open')
            from deals as d join stages as s using (pipeline_id, stage_id) group by d.manager_id
        """)
    }
    for manager in company.truth.managers:
        odds = manager.odds
        assert counted[odds.id] == (odds.deals, odds.won, odds.lost, odds.open)
        if odds.mature_deals:
            chance = odds.mature_expected_won / odds.mature_deals
            spread = math.sqrt(odds.mature_deals * chance * (1 - chance))
            assert abs(odds.mature_won - odds.mature_expected_won) <= TOLERANCE * spread + 0.5, odds


def test_skill_shows(company: Company) -> None:
    for department in {manager.department for manager in company.truth.managers}:
        judged = [
            manager.odds
            for manager in company.truth.managers
            if manager.department == department and manager.odds.mature_deals >= 50
        ]
        won = [odds.mature_won / odds.mature_deals for odds in judged]
        assert np.corrcoef([odds.log_odds for odds in judged], won)[0, 1] > 0.5, department


def test_special_managers_are_what_they_are_said_to_be(company: Company) -> None:
    special = {manager.special: manager for manager in company.truth.managers if manager.special}
    peers = [
        manager
        for manager in company.truth.managers
        if (manager.branch, manager.department) == (special["overloaded"].branch, special["overloaded"].department)
    ]
    assert special["overloaded"].odds.deals == max(manager.odds.deals for manager in peers)
    hired, left = (
        company.rows(f"select hired_on::date, left_on::date from employees where employee_id = '{one.odds.id}'")[0]
        for one in (special["newcomer"], special["left"])
    )
    newcomer_first, left_last = (
        company.value(f"select {edge}(created_at::date) from deals where manager_id = '{one.odds.id}'")
        for edge, one in (("min", special["newcomer"]), ("max", special["left"]))
    )
    assert newcomer_first >= hired[0]
    assert left_last <= left[1]


def test_pipelines_skip_return_and_lose_at_known_rates(company: Company) -> None:
    for pipeline in company.truth.pipelines:
        for name in ("skipped", "backward", "repeated", "straight_to_lost", "abandoned"):
            assert_fits(getattr(pipeline, name), f"{pipeline.odds.id} {name}")
        for stage, rate in pipeline.lost_at.items():
            # what is lost early closes early, so the newest deals lean to the first stages a little
            assert abs(rate.successes / rate.trials - rate.parameter) < 0.06, stage


def test_skips_seen_in_won_histories_are_the_planted_ones(company: Company) -> None:
    for pipeline in company.truth.pipelines:
        code = pipeline.odds.id
        working = company.value(f"select count(*) from stages where pipeline_id = '{code}' and outcome = 'open'")
        won, entered = company.rows(f"""
            select count(distinct d.deal_id), count(distinct (d.deal_id, e.stage_id)) from deals as d
            join deal_stage_events as e using (deal_id) join stages as s on s.stage_id = e.stage_id
            where d.stage_id = '{code}-won' and s.outcome = 'open'
        """)[0]
        possible = won * (working - 1)
        # a stage skipped and then entered on the way back from the next one is no skip any more
        planted = pipeline.skipped.parameter * (1 - pipeline.backward.parameter)
        spread = math.sqrt(planted * (1 - planted) / possible)
        assert abs((won * working - entered) / possible - planted) < TOLERANCE * spread + 0.01


def test_loss_reasons_keep_their_mix_by_phase(company: Company) -> None:
    for reason in company.truth.loss_reasons:
        for phase, rate in reason.by_phase.items():
            assert_fits(rate, f"{reason.name} {phase}")
        seen = company.value(f"select count(*) from deals where loss_reason_id = '{reason.id}'")
        assert seen == sum(rate.successes for rate in reason.by_phase.values())
    assert_fits(company.truth.without_reason, "without a reason")


def test_foreign_deals_are_worth_their_orders_at_the_rate_of_their_day(company: Company) -> None:
    rows = company.rows("""
        select d.currency, d.amount::double * r.rate::double, o.amount::double, r.rate::double
        from deals as d join orders as o using (deal_id)
        join exchange_rates as r on r.currency = d.currency and r.rate_on::date = d.created_at::date
        where d.currency <> 'RUB'
    """)
    assert rows
    for currency, converted, amount, rate in rows:
        assert abs(converted - amount) <= 0.005 * rate + 0.005, currency
    counted = dict(company.rows("select currency, count(*) from deals where currency <> 'RUB' group by currency"))
    assert counted == company.truth.foreign_deals


def test_a_channel_got_worse(company: Company) -> None:
    change = next(change for change in company.truth.changes if change.name == "channel_quality_drop")
    assert change.before is not None
    assert_fits(change.before, "before")
    assert_fits(change.after, "after")
    assert change.after.parameter < change.before.parameter - 0.1


# Orders


def test_orders_are_the_sum_of_their_lines(company: Company) -> None:
    assert (
        company.value("""
        with sums as (
            select order_id, sum(amount::decimal(18, 2)) as amount, sum(discount::decimal(18, 2)) as discount,
                bool_and(abs(amount::decimal(18, 2) - (round(quantity::decimal(18, 3) * price::decimal(18, 4), 2)
                    - discount::decimal(18, 2))) <= 0.01) as adds_up
            from order_lines group by order_id
        )
        select count(*) from orders as o left join sums as s using (order_id)
        where s.order_id is null or s.amount <> o.amount::decimal(18, 2) or s.discount <> o.discount::decimal(18, 2)
            or not s.adds_up
    """)
        == 0
    )


def test_paid_orders_are_paid_in_full(company: Company) -> None:
    assert (
        company.value("""
        with paid as (
            select order_id, sum(replace(replace(amount, ' ', ''), ',', '.')::decimal(18, 2)) as amount
            from payments where is_refund = 'false' group by order_id
        ),
        sold as (
            select order_id, sum(amount::decimal(18, 2)) as amount from order_lines where is_return = 'false' group by order_id
        )
        select count(*) from orders as o join sold as s using (order_id) left join paid as p using (order_id)
        where (o.status = 'paid') <> (o.paid_at is not null)
            or (o.status = 'paid' and p.amount is distinct from s.amount) or (o.status <> 'paid' and p.amount is not null)
    """)
        == 0
    )


def test_won_deals_are_orders(company: Company) -> None:
    assert (
        company.value("""
        select count(*) from deals as d join stages as s using (pipeline_id, stage_id)
        left join orders as o using (deal_id)
        where (s.outcome = 'won') <> (o.order_id is not null) or o.ordered_at <> d.closed_at
            or (d.currency = 'RUB' and s.outcome = 'won' and d.amount <> o.amount)
    """)
        == 0
    )


def test_goods_come_back_at_the_rate_of_their_category(company: Company) -> None:
    counted = {
        category: (lines, returned)
        for category, lines, returned in company.rows("""
            select p.category, count(*) filter (where l.is_return = 'false'), count(*) filter (where l.is_return = 'true')
            from order_lines as l join products as p using (product_id) join orders as o using (order_id)
            where o.status <> 'cancelled' group by p.category
        """)
    }
    for category, rate in company.truth.returned_by_category.items():
        assert counted[category] == (rate.trials, rate.successes)
        assert_fits(rate, category)


def test_pairs_are_bought_together_with_the_lift_written_down(company: Company) -> None:
    for pair in company.truth.affinities:
        left, right, both = company.rows(f"""
            select count(*) filter (where a), count(*) filter (where b), count(*) filter (where a and b) from (
                select bool_or(product_id = '{pair.antecedent}') as a, bool_or(product_id = '{pair.consequent}') as b
                from order_lines group by order_id)
        """)[0]
        assert (left, right, both) == (pair.antecedent_orders, pair.consequent_orders, pair.both_orders)
        assert pair.lift == pytest.approx(both * company.truth.rows["orders"] / (left * right))
        # the attach rate is at the usual price and rises under a promotion
        assert both / left > 0.8 * pair.attach
        assert pair.lift > 3


def test_demand_answers_price_with_the_planted_elasticity(company: Company) -> None:
    rows = company.rows("""
        select l.product_id, datediff('month', date '2023-11-01', o.ordered_at::date)
        from order_lines as l join orders as o using (order_id) join customers as c using (customer_id)
        where o.deal_id is null and c.kind = 'person' and l.is_return = 'false' and l.line_no::integer % 10 = 0
    """)
    products = {name: place for place, name in enumerate(sorted({row[0] for row in rows}))}
    months = 1 + max(row[1] for row in rows)
    counts = np.zeros((len(products), months))
    for product, month in rows:
        counts[products[product], month] += 1
    estimate, error = poisson_elasticity(counts, relative_prices(company, products, months))
    assert abs(estimate - company.truth.elasticity) < 3.5 * error
    assert error < 0.25


def relative_prices(company: Company, products: dict[str, int], months: int) -> np.ndarray:
    """Log of the shelf price against the product's dearest; NaN where the product was not sold that month."""
    prices = np.full((len(products), months), np.nan)
    for product, month, price in company.rows("""
        select l.product_id, datediff('month', date '2023-11-01', o.ordered_at::date), min(l.price::double)
        from order_lines as l join orders as o using (order_id) where l.is_return = 'false' group by all
    """):
        if product in products:
            prices[products[product], month] = price
    return np.log(prices)


def poisson_elasticity(counts: np.ndarray, log_prices: np.ndarray) -> tuple[float, float]:
    """Elasticity and its standard error: Poisson with product and month effects, fitted by alternating scaling."""
    known = ~np.isnan(log_prices)
    price = np.where(known, log_prices, 0.0)
    seen = np.where(known, counts, 0.0)

    def expected(slope: float) -> np.ndarray:
        mean = np.where(known, np.exp(slope * (price - price[known].mean())), 0.0)
        for _ in range(60):
            mean *= (seen.sum(1) / np.maximum(mean.sum(1), 1e-12))[:, None]
            mean *= (seen.sum(0) / np.maximum(mean.sum(0), 1e-12))[None, :]
        return mean

    def score(slope: float) -> float:
        return float(((seen - expected(slope)) * price).sum())

    estimate = brentq(score, -6.0, 2.0, xtol=1e-3)
    information = (score(estimate - 0.05) - score(estimate + 0.05)) / 0.1
    return estimate, 1 / math.sqrt(information)


def test_promo_codes_and_price_rise(company: Company) -> None:
    for code, rate in company.truth.promo_codes.items():
        assert_fits(rate, code)
        assert company.value(f"select count(*) from orders where promo_code = '{code}'") == rate.successes
    rise = next(change for change in company.truth.changes if change.name == "branch_price_rise")
    assert_fits(rise.after, rise.name)


# Seasons and lives


def test_customers_come_with_the_season_and_growth(company: Company) -> None:
    rates = company.truth.season.customers_by_month
    counted = dict(
        company.rows("""
        select strftime(created_at::date, '%Y-%m'), count(*) from customers
        where customer_id not like 'C9%' group by all
    """)
    )
    assert counted == {month: rate.successes for month, rate in rates.items()}
    statistic = sum((r.successes - r.trials * r.parameter) ** 2 / (r.trials * r.parameter) for r in rates.values())
    assert statistic < chi2.isf(1e-5, len(rates) - 1)


def test_repeat_orders_keep_the_week(company: Company) -> None:
    for weekday, rate in company.truth.season.repeat_orders_by_weekday.items():
        # the thinning of one branch's last sixty days leaves weekdays as they are
        assert_fits(rate, f"weekday {weekday}")


def test_customers_die_at_the_hazard_of_their_segment(company: Company) -> None:
    for segment in company.truth.segments:
        assert_fits(segment.share, segment.name)
        expected = segment.alive_days / segment.life_days
        assert abs(segment.deaths - expected) < TOLERANCE * math.sqrt(expected) + 2, segment


def test_rates_of_repeat_orders_are_gamma_poisson(company: Company) -> None:
    retail = next(segment for segment in company.truth.segments if segment.name == "retail")
    mean = retail.shop_per_year / 365.25 * retail.alive_days
    assert abs(retail.repeat_orders / mean - 1) < 0.15
    counts = [
        row[0]
        for row in company.rows("""
        select count(o.order_id) - 1 from customers as c join orders as o using (customer_id)
        where c.segment = 'retail' and c.created_at::date between '2024-01-01' and '2024-12-31' group by c.customer_id
    """)
    ]
    # a Poisson law with one rate for all would have variance equal to the mean
    assert np.var(counts) > 2 * np.mean(counts)


def test_nobody_buys_in_the_shop_after_death(company: Company) -> None:
    lives = f"'{company.folder}/truth/customer_lives.parquet'"
    assert (
        company.value(f"""
        select count(*) from {lives} as l join orders as o using (customer_id)
        where o.deal_id is null and o.ordered_at::date >= l.died_on
    """)
        == 0
    )
    dead, total = company.rows(f"select count(died_on), count(*) from {lives}")[0]
    assert total == CUSTOMERS
    assert dead == sum(segment.deaths for segment in company.truth.segments)


def test_win_chances_are_calibrated(company: Company) -> None:
    chances = f"'{company.folder}/truth/deal_chances.parquet'"
    assert (
        company.value(f"""
        select count(*) from {chances} as c join deals as d using (deal_id)
        join stages as s using (pipeline_id, stage_id) where s.outcome <> 'open' and s.outcome <> c.fate
    """)
        == 0
    )
    for expected, spread, won in company.rows(f"""
        select sum(win_chance), sqrt(sum(win_chance * (1 - win_chance))), count(*) filter (where fate = 'won')
        from {chances} where fate <> 'abandoned' group by floor(win_chance * 5)
    """):
        assert abs(won - expected) < TOLERANCE * spread + 0.5


# Contacts and plans


def test_calls_are_missed_by_the_hour(company: Company) -> None:
    counted = {
        hour: (calls, missed)
        for hour, calls, missed in company.rows("""
            select hour(started_at::timestamp), count(*), count(*) filter (where is_missed = 'true')
            from calls where direction = 'in' group by all
        """)
    }
    for hour, rate in company.truth.missed_by_hour.items():
        off = company.truth.missed_off_days_by_hour[hour]
        assert counted[hour] == (rate.trials + off.trials, rate.successes + off.successes)
        assert_fits(rate, f"{hour} h")
        assert_fits(off, f"{hour} h on days off")
    assert counted[13][1] / counted[13][0] > counted[11][1] / counted[11][0] + 0.1
    assert_fits(company.truth.called_back, "called back")


def test_plans_of_every_level_add_up(company: Company) -> None:
    levels = company.rows("""
        select month, metric,
            sum(target::bigint) filter (where employee_id is not null),
            sum(target::bigint) filter (where department is not null),
            sum(target::bigint) filter (where coalesce(employee_id, department, pipeline_id, product_category) is null),
            sum(target::double) filter (where pipeline_id is not null),
            sum(target::double) filter (where product_category is not null)
        from plans group by month, metric
    """)
    assert {metric for _, metric, *_ in levels} == {"revenue", "won", "margin"}
    for month, metric, managers, departments, whole, pipelines, categories in levels:
        assert managers == departments == whole, (month, metric)
        slack = 12 * (1 if metric == "won" else 1000)
        assert abs(pipelines - whole) <= slack
        assert abs(categories - whole) <= slack
    assert max(month for month, *_ in levels) == "2026-11"


# Names


def test_duplicates_are_found_exactly_by_phone_or_mail(company: Company) -> None:
    found = set(
        company.rows("""
        with written as (
            select customer_id, right(regexp_replace(phone, '\\D', '', 'g'), 10) as digits, lower(email) as address
            from customers
        )
        select a.customer_id, b.customer_id from written as a join written as b on a.digits = b.digits
        where a.customer_id < b.customer_id
        union
        select a.customer_id, b.customer_id from written as a join written as b on a.address = b.address
        where a.customer_id < b.customer_id
    """)
    )
    pairs = company.rows(f"select original_id, duplicate_id from '{company.folder}/truth/customer_duplicates.parquet'")
    assert found == set(pairs)
    assert len(pairs) == company.truth.duplicates.successes
    assert_fits(company.truth.duplicates, "duplicates")
    assert company.value("select count(distinct customer_id) from orders where customer_id like 'C9%'") > 0


def test_phones_are_typed_in_many_ways(company: Company) -> None:
    shapes = company.rows("select distinct regexp_replace(phone, '\\d', '0', 'g') from customers")
    assert len(shapes) >= 6


def test_tax_ids_pass_their_control_digits(company: Company) -> None:
    tax_ids = [row[0] for row in company.rows("select tax_id from customers where kind = 'company'")]
    assert {len(tax_id) for tax_id in tax_ids} == {10, 12}
    for tax_id in tax_ids:
        for length in {10: (10,), 12: (11, 12)}[len(tax_id)]:
            weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)[12 - length :]
            control = sum(weight * int(digit) for weight, digit in zip(weights, tax_id, strict=False)) % 11 % 10
            assert int(tax_id[length - 1]) == control, tax_id


def test_names_agree_in_gender(company: Company) -> None:
    people = [row[0] for row in company.rows("select name from customers where kind = 'person' and customer_id < 'C9'")]
    women = [name.split() for name in people if re.search(r"(вна|чна)$", name)]
    men = [name.split() for name in people if re.search(r"(вич|ьич)$", name)]
    assert women
    assert men
    assert all(not re.search(r"(ов|ев|ёв|ин|ский)$", name[0]) for name in women)
    assert all(not re.search(r"(ова|ева|ёва|ина|ская)$", name[0]) for name in men)


@pytest.mark.parametrize(
    ("masculine", "expected"),
    [("Иванов", "Иванова"), ("Ильин", "Ильина"), ("Троицкий", "Троицкая"), ("Шевченко", "Шевченко")],
)
def test_feminine_surnames(masculine: str, expected: str) -> None:
    assert feminine(masculine) == expected


# Beyond this module


def test_the_intake_sets_aside_exactly_the_broken_rows(tmp_path: Path) -> None:
    truth = made(tmp_path / "files", customers=400)
    (tmp_path / "scratch").mkdir()
    warehouse = Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB", memory_limit="500MB")
    try:
        files = sorted((tmp_path / "files").glob("*.parquet"))
        report = warehouse.load(deliveries(files, scratch=tmp_path / "scratch"), marts=())
    finally:
        warehouse.close()
    counted = {count.table: (count.inserted, count.quarantined, count.repeated) for count in report.tables}
    for table, rows in truth.rows.items():
        kinds = truth.dirty.get(table, {})
        loadable = sum(kinds.get(kind, 0) for kind in truth.loadable_defects.get(table, ()))
        assert counted[table] == (rows + loadable, sum(kinds.values()) - loadable, 0), table


def test_the_example_of_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "demo.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", guide, flags=re.DOTALL)
    assert examples
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(compile(example, "docs/demo.md", "exec"), {})
    assert (tmp_path / "demo-company" / "truth" / "truth.json").exists()

"""Do orders, seasons and lives of the demo company follow its truth? Measured again from the files alone."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2

from sources.demo_company import CUSTOMERS, TOLERANCE, Company, assert_fits


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


def test_promoted_lines_take_twice_as_many_at_the_planted_share(company: Company) -> None:
    assert_fits(company.truth.doubled_by_promotions, "promotions")
    promoted = company.value("""
        select count(*) from order_lines as l join orders as o using (order_id) join products as p using (product_id)
        join promotions as m on m.category = p.category
            and o.ordered_at::timestamp::date between m.starts_on::date and m.ends_on::date
        where l.is_return = 'false'
    """)
    assert promoted == company.truth.doubled_by_promotions.trials
    assert company.value("select max(ends_on::date) from promotions") > company.truth.last_day


def test_each_paid_order_is_delivered_at_a_cost(company: Company) -> None:
    costs, orders, cents = company.rows("""
        select count(*), count(distinct order_id), count(*) filter (where amount::double < 200) from service_costs
    """)[0]
    paid = company.value("select count(*) from orders where status = 'paid' and amount is not null")
    assert costs == orders
    assert 0.99 * paid < costs <= paid
    assert cents == 0


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

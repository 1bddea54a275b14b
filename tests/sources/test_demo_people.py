"""Do contacts, plans and names of the demo company follow its truth? Measured again from the files alone."""

import re

import pytest

from rakurs.sources.demo.names import feminine
from sources.demo_company import Company, assert_fits


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


def test_what_shares_a_phone_or_mail_is_a_duplicate_or_a_relative(company: Company) -> None:
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
    known_by_neither = set(pairs) - found
    assert len(known_by_neither) < 0.05 * len(pairs)
    others = found - set(pairs)
    assert len(others) > 0.005 * company.value("select count(*) from customers")
    numbers = {tuple(int(one[1:]) % 9_000_000 for one in pair) for pair in others}
    assert all(abs(one - other) == 1 for one, other in numbers)
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

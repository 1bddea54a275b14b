"""Are the files of the demo company what they are said to be: the same again, counted, broken where it is written?"""

import json
import re
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb
import pytest

from rakurs.core.errors import BadParameter, Cancelled
from rakurs.core.text import Text
from rakurs.core.units import Unit
from rakurs.schema import table_named
from rakurs.schema.rules import time_orders
from rakurs.sources.demo import Truth, generate
from rakurs.sources.demo.truth import Rate
from rakurs.sources.files import deliveries
from rakurs.warehouse.warehouse import Warehouse
from sources.demo_company import CUSTOMERS, TABLES, TODAY, Company, assert_fits, contents, made


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

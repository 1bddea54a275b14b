"""Is nothing left of a person who is erased, does no sum move, does nobody else lose anything, and does nothing bring him back?"""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from leftovers import left_of
from rakurs.core.source import TableMapping, Value
from rakurs.marts import CALENDAR_MART, MARTS
from rakurs.schema import TABLES, table_named
from rakurs.warehouse import dossiers, forgotten, persons
from rakurs.warehouse.contacts import full_name_pattern
from rakurs.warehouse.persons import Person, SeveralPeople
from rakurs.warehouse.warehouse import Warehouse
from warehouse import eraser
from warehouse import known_people as known
from warehouse.arriving import delivery, rows

ALL = (CALENDAR_MART, *MARTS)
FEW = tuple(mart for mart in MARTS if mart.table.name in {"phone_calls", "touchpoints"})
"""Marts that find a customer by contact: the rest follow from the tables."""
SOURCES = ("crm", "phones", "shop")
ERASURE = "the-erasure"
Opener = Callable[[], Warehouse]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens the folder, or opens it anew."""
    open_now: list[Warehouse] = []

    def again() -> Warehouse:
        for warehouse in open_now:
            warehouse.close()
        open_now[:] = [Warehouse.open(tmp_path / "home", timezone="Europe/Moscow", currency="RUB")]
        return open_now[0]

    yield again
    open_now[0].close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The closed warehouse of the whole company, loaded once."""
    folder = tmp_path_factory.mktemp("company")
    made = Warehouse.open(folder / "home", timezone="Europe/Moscow", currency="RUB")
    for group in known.everything(folder):
        made.load(group, marts=FEW)
    made.close()
    return folder / "home"


@pytest.fixture
def warehouse(opened: Opener, company: Path, tmp_path: Path) -> Warehouse:
    shutil.copytree(company, tmp_path / "home")
    return opened()


def person(warehouse: Warehouse, who: str) -> Person:
    with warehouse.examining() as cursor:
        return dossiers.with_history(cursor, persons.person_named(cursor, who), warehouse.company)


def listed(warehouse: Warehouse, who: str, **options: Any) -> tuple[Person, str | None]:
    """Put a person into the list; and the pattern of names that nobody else has."""
    found = person(warehouse, who)
    with warehouse.examining() as cursor:
        names = persons.names_of_nobody_else(cursor, found)
    known_by = {**found.known_by, "name": [" ".join(sorted(words)) for words in names], **options.pop("keys", {})}
    forgotten.begun(
        warehouse.folder, erasure=ERASURE, known_by=known_by, main_id=found.customer_id, sources=SOURCES, **options
    )
    return found, full_name_pattern(names)


def erase(warehouse: Warehouse, who: str, *, marts: Any = FEW) -> Person:
    found, names = listed(warehouse, who)
    warehouse.erase(names=names, marts=marts)
    assert warehouse.compact()
    return found


def sums(warehouse: Warehouse) -> dict[str, Any]:
    """How many rows each table and mart has, and the sum of each of its numbers."""
    found: dict[str, Any] = {}
    with warehouse.reading() as reader:
        for table in (*TABLES, *(mart.table for mart in ALL if reader.has(mart.table.name))):
            rows_ = reader.collect(reader.frame(table.name)).to_pylist()
            numbers = {
                name: sum(row[name] for row in rows_ if isinstance(row[name], int | float | Decimal))
                for name in table.names
            }
            found[table.name] = (len(rows_), numbers)
    return found


def everything(warehouse: Warehouse) -> dict[str, list[str]]:
    with warehouse.reading() as reader:
        tables = {
            table.name: sorted(map(str, reader.collect(reader.records(table.name)).to_pylist())) for table in TABLES
        }
    return tables | {"quarantine": sorted(map(str, warehouse.quarantined().to_pylist()))}


OTHERS = {
    "customers": ("crm:19", "crm:20", "crm:21", "crm:22", "shop:6"),
    "deals": ("crm:3",),
    "orders": ("shop:101", "shop:102", "shop:201"),
    "activities": ("a2", "a3"),
    "calls": ("phones:c2", "phones:c3"),
    "survey_responses": ("s2",),
    "visits": ("v2", "v3"),
    "web_events": ("e2", "e4"),
}


def of_others(warehouse: Warehouse) -> dict[str, list[Any]]:
    """Every row that is somebody else's, with all that is stored of it."""
    with warehouse.reading() as reader:
        found = {
            name: reader.collect(reader.records(name).sort(table_named(name).key[0])).to_pylist() for name in OTHERS
        }
    return {
        name: [row for row in told if row[table_named(name).key[0]] in OTHERS[name]] for name, told in found.items()
    }


def left(warehouse: Warehouse, *words: str) -> list[str]:
    """Where the closed warehouse still holds a word."""
    warehouse.close()
    return left_of(warehouse.folder, *words)


def test_he_is_found_by_any_of_his_records_and_contacts(warehouse: Warehouse) -> None:
    with warehouse.examining() as cursor:
        for who in ("crm:17", "17", "shop:5", "8 916 123-45-67", "+79161234567", " Kochet@MAIL.ru "):
            assert set(persons.person_named(cursor, who).records) == {"crm:17", "crm:18", "shop:5"}, who
        with pytest.raises(SeveralPeople) as several:
            persons.person_named(cursor, "+7 926 700-11-22")
        assert several.value.found == (("crm:19", "Лисицына Анна"), ("crm:22", "Белова Мария"))
        caller = persons.person_named(cursor, "8 903 555 00 11")
        assert (caller.customer_id, dossiers.counts_about(cursor, caller)) == (None, {"calls": 1})
        for nobody in ("Кочетков", "8 999 999-99-99", "", "nobody@mail.ru"):
            with pytest.raises(Exception, match="There is no customer"):
                persons.person_named(cursor, nobody)


def test_all_that_is_known_of_him_is_told(warehouse: Warehouse) -> None:
    found = person(warehouse, "17")
    assert found.contacts["phone"] == {known.PHONE, known.OLD_PHONE}
    with warehouse.examining() as cursor:
        told = dossiers.counts_about(cursor, found)
        assert told == {
            "customers": 3, "deals": 2, "deal_stage_events": 3, "deal_snapshots": 3, "orders": 1, "order_lines": 1, "activities": 1,
            "calls": 2, "visits": 1, "web_events": 2, "survey_responses": 1, "identities": 3,
        }  # fmt: skip
        raw = [(row.file, row.row_number) for row in dossiers.raw_rows(cursor, found, warehouse.company)]
    assert raw.count(("crm/customers", 2)) == raw.count(("crm/customers", 3)) == raw.count(("crm/deals", 2)) == 2
    assert {("shop/broken", 2), ("activities.csv", 2), ("phones/calls", 5), ("web_events.csv", 4)} <= set(raw)
    assert ("crm/deals", 3) not in raw, "a deal of a company is not his, though its comment names him"


def test_nothing_of_him_is_left_and_no_sum_moves(warehouse: Warehouse, opened: Opener, files: Path) -> None:
    warehouse.refresh(ALL)
    # What was set aside is answered: it is remembered all the same.
    warehouse.load(
        [known.orders(files, known.BROKEN.replace("когда-то", "2025-04-08 12:00"), slot="shop/broken")], marts=ALL
    )
    before, others = sums(warehouse), of_others(warehouse)
    assert {name: len(told) for name, told in others.items()} == {name: len(ids) for name, ids in OTHERS.items()}
    erase(warehouse, "17", marts=ALL)
    assert sums(warehouse) == before
    assert of_others(warehouse) == others
    texts = dict(rows(warehouse, "deals", "deal_id", "custom"))
    assert texts["crm:2"] == '{"Комментарий":"контакт ***, ***, он же закупает"}'
    assert [row[1] for row in rows(warehouse, "activities", "activity_id", "result")] == [None, "договор", "была Анна"]
    erased = everything(warehouse)
    assert not left(warehouse, *known.HIS_WORDS)
    warehouse = opened()
    warehouse.rebuild(ALL)
    assert everything(warehouse) == erased
    assert sums(warehouse) == before
    warehouse.close()
    for path in warehouse.folder.glob("warehouse.duckdb*"):
        path.unlink()
    warehouse = opened()
    warehouse.rebuild(ALL)
    assert everything(warehouse) == erased
    assert sums(warehouse) == before


def test_the_same_file_and_the_next_one_do_not_bring_him_back(warehouse: Warehouse, files: Path) -> None:
    before = sums(warehouse)
    erase(warehouse, "17")
    records = rows(warehouse, "customers", "customer_id")
    again = warehouse.load([known.of_crm(files), known.calls(files)], marts=FEW)
    assert [file.is_unchanged for file in again.files] == [True, True]
    assert sums(warehouse) == before
    # The next night: his record with another city, a call of his, an order, a comment on his deal alone.
    changed = known.CRM.replace("1980-05-01,Тула", "1980-05-01,Орёл")
    order = "id,customer_id,ordered_at,amount,Адрес доставки\n103,5,2025-05-01 12:00,1000,ул. Ленина 5\n"
    call = "id,started_at,direction,phone,talk_seconds\nc9,2025-05-01 10:00,in,8 (916) 123 45 67,5\n"
    note = "activity_id,at,kind,deal_id,result\na9,2025-05-02 10:00,call,crm:1,Кочетков доволен\n"
    report = warehouse.load(
        [
            known.of_crm(files, changed),
            known.orders(files, order, slot="shop/more"),
            known.calls(files, call),
            delivery(files, "activities", note, slot="more.csv"),
        ],
        marts=FEW,
    )
    assert not [count for count in report.tables if count.quarantined]
    assert rows(warehouse, "customers", "customer_id") == records
    with warehouse.reading() as reader:
        sold = reader.collect(reader.frame("orders")).to_pylist()
        called = reader.collect(reader.frame("phone_calls")).to_pylist()
    (main,) = {row["customer_id"] for row in sold if row["order_id"] in ("shop:100", "shop:103")}
    assert {row["customer_id"] for row in called if row["call_id"] in ("phones:c1", "phones:c9")} == {main}
    assert not left(warehouse, *known.HIS_WORDS)


def test_a_new_record_of_his_is_his_and_the_next_owner_of_his_number_is_somebody_else(
    warehouse: Warehouse, files: Path
) -> None:
    erase(warehouse, "17")
    customers = len(rows(warehouse, "customers", "customer_id"))
    more = """
id,name,kind,phone,email,tax_id,birth_date,city,created_at
31,КОЧЕТКОВ П. С.,person,8 916 123-45-67,,,,,2025-06-01 10:00
32,Петров Илья,person,8 916 123-45-67,,,,,2025-06-02 10:00
"""
    values = {name: Value(columns=(name,)) for name in ("name", "kind", "phone", "created_at")}
    came = delivery(
        files, "customers", more, source="crm", slot="crm/new", values={**values, "customer_id": Value(columns=("id",))}
    )
    deal = "id,title,customer_id,amount,created_at\n9,Снова Кочетков,31,50,2025-06-03 10:00\n10,Стол,32,60,2025-06-03 10:00\n"
    wanted = {"deal_id": Value(columns=("id",))} | {
        name: Value(columns=(name,)) for name in ("title", "customer_id", "amount", "created_at")
    }
    sold = delivery(files, "deals", deal, source="crm", slot="crm/new deals", values=wanted)
    # The deals come before the record that tells whose they are.
    warehouse.load([sold, came], marts=FEW)
    names = [name for (name,) in rows(warehouse, "customers", "name")]
    assert "Петров Илья" in names
    assert len(names) == customers + 1
    told = {row[0]: row[1:] for row in rows(warehouse, "deals", "deal_id", "customer_id", "title")}
    assert told["crm:10"] == ("crm:32", "Стол")
    assert told["crm:9"] == (told["crm:1"][0], None)
    phones = dict(rows(warehouse, "customers", "customer_id", "phone"))
    assert phones["crm:32"] == "8 916 123-45-67"
    warehouse.load(
        [delivery(files, "orders", "order_id,customer_id,ordered_at,amount\ncrm:77,crm:31,2025-06-05,5\n", slot="o")],
        marts=FEW,
    )
    assert dict(rows(warehouse, "orders", "order_id", "customer_id"))["crm:77"] == told["crm:1"][0], (
        "its id is known by now"
    )
    assert not left(warehouse, known.NAME, known.EMAIL, known.TAX_ID, known.OLD_PHONE)


def test_a_namesake_and_a_family_keep_everything(opened: Opener, files: Path) -> None:
    text = (
        known.CRM
        + "23,Кочетков Пётр,person,+7 900 111-22-33,other@mail.ru,,1999-01-01,Омск,2025-02-03 10:00,ул. Ленина 50\n"
    )
    text = text.replace("22,Белова Мария,person,+7 926 700-11-22", "22,Белова Мария,person,+7 916 123-45-67")
    warehouse = opened()
    warehouse.load([known.of_crm(files, text), known.calls(files), known.deals(files)], marts=FEW)
    hers = [
        row
        for row in rows(warehouse, "customers", "customer_id", "name", "phone", "custom", "birth_date")
        if row[0] in ("crm:22", "crm:23")
    ]
    before = sums(warehouse)
    found = erase(warehouse, "crm:17")
    assert found.shared == {known.PHONE: ("crm:22",)}
    assert [
        row
        for row in rows(warehouse, "customers", "customer_id", "name", "phone", "custom", "birth_date")
        if row[0] in ("crm:22", "crm:23")
    ] == hers
    assert sums(warehouse) == before
    assert dict(rows(warehouse, "calls", "call_id", "phone"))["phones:c1"] == "+79161234567", "it may be hers"
    assert dict(rows(warehouse, "deals", "deal_id", "custom"))["crm:2"].count("Пётр Кочетков") == 1, (
        "it may be the other's"
    )
    assert not left(warehouse, known.EMAIL, known.TAX_ID, "Кочетков Петр Сергеевич", "1980-05-01,Тула")


def test_a_wide_file_in_which_a_name_is_an_id_is_washed_too(opened: Opener, files: Path) -> None:
    wide = """
Сделка,Клиент,Телефон клиента,Дата,Сумма,Менеджер,Комментарий
1,Кочетков Пётр,8 916 123-45-67,2025-03-01,100,Ольга,Кочетков любит рыбалку
2,Лисицына Анна,8 926 700-11-22,2025-03-02,200,Ольга,ждёт
3,Кочетков Пётр,,2025-03-03,300,Олег,
Итого,,,,600,,
"""
    tables = [
        TableMapping(table="employees", values={"employee_id": Value(columns=("Менеджер",)), "name": Value(columns=("Менеджер",))}, distinct=True),
        TableMapping(table="customers", values={"customer_id": Value(columns=("Клиент",)), "name": Value(columns=("Клиент",)), "phone": Value(columns=("Телефон клиента",))}, distinct=True),
        TableMapping(table="deals", values={"deal_id": Value(columns=("Сделка",)), "customer_id": Value(columns=("Клиент",)), "manager_id": Value(columns=("Менеджер",)), "created_at": Value(columns=("Дата",)), "amount": Value(columns=("Сумма",))}),
    ]  # fmt: skip
    warehouse = opened()
    warehouse.load([delivery(files, "deals", wide, tables=tables, scan={"tail_rows": 1})], marts=FEW)
    before = sums(warehouse)
    erase(warehouse, "Кочетков Пётр")
    assert sums(warehouse) == before
    (his,) = {row[0] for row in rows(warehouse, "customers", "customer_id")} - {"Лисицына Анна"}
    assert rows(warehouse, "deals", "deal_id", "customer_id", "manager_id") == [
        ("1", his, "Ольга"),
        ("2", "Лисицына Анна", "Ольга"),
        ("3", his, "Олег"),
    ]
    again = wide.replace("2025-03-02,200", "2025-03-02,250") + "\n"
    warehouse.load([delivery(files, "deals", again, tables=tables, scan={"tail_rows": 1})], marts=FEW)
    assert {row[0] for row in rows(warehouse, "customers", "customer_id")} == {his, "Лисицына Анна"}
    assert not left(warehouse, "Кочетков", known.PHONE, "рыбалку")


def test_his_name_in_a_text_that_comes_later_goes_until_a_namesake_comes(warehouse: Warehouse, files: Path) -> None:
    erase(warehouse, "17")
    says = "activity_id,at,kind,customer_id,result\n{key},2025-06-0{key} 10:00,call,crm:20,обещал Кочетков Пётр сам\n"
    warehouse.load([delivery(files, "activities", says.format(key=7), slot="seven")], marts=FEW)
    namesake = "customer_id,name,phone\nn1,Пётр Кочетков,+7 900 000-00-01\n"
    warehouse.load([delivery(files, "customers", namesake, slot="namesake")], marts=FEW)
    warehouse.load([delivery(files, "activities", says.format(key=8), slot="eight")], marts=FEW)
    assert dict(rows(warehouse, "customers", "customer_id", "name"))["n1"] == "Пётр Кочетков"
    told = dict(rows(warehouse, "activities", "activity_id", "result"))
    assert (told["7"], told["8"]) == ("обещал *** сам", "обещал Кочетков Пётр сам")
    warehouse.rebuild(FEW)
    assert dict(rows(warehouse, "activities", "activity_id", "result")) == told


def test_with_his_deals_the_sales_go_too_and_stay_away(warehouse: Warehouse, opened: Opener, files: Path) -> None:
    with warehouse.examining() as cursor:
        him = persons.person_named(cursor, "17")
        keys = {
            name: dossiers.keys_about(cursor, him, table)
            for table in persons.TOLD_TABLES
            for name in [table.name]
            if name in ("deals", "orders", "visits")
        }
    _, names = listed(warehouse, "17", keys=keys, with_deals=True)
    warehouse.erase(names=names, marts=FEW)
    warehouse.compact()
    gone = {
        "customers": "customer_id",
        "deals": "deal_id",
        "orders": "order_id",
        "calls": "call_id",
        "visits": "visit_id",
    }
    ids = {table: [row[0] for row in rows(warehouse, table, key)] for table, key in gone.items()}
    assert ids == {
        "customers": ["crm:19", "crm:20", "crm:21", "crm:22"],
        "deals": ["crm:2", "crm:3"],
        "orders": ["shop:101", "shop:102", "shop:201"],
        "calls": ["phones:c2", "phones:c3"],
        "visits": ["v2", "v3"],
    }
    assert {row[0] for row in rows(warehouse, "deal_stage_events", "deal_id")} == {"crm:2", "crm:3"}
    warehouse.load(
        [
            known.deals(files, stage="won"),
            known.of_crm(files, known.CRM.replace("Орёл", "Тула ")),
            known.orders(files, known.ORDERS + "\n"),
        ],
        marts=FEW,
    )
    history = "deal_id,stage_id,entered_at\n1,won,2025-06-01\n3,won,2025-06-01\n"
    values = {name: Value(columns=(name,)) for name in ("deal_id", "stage_id", "entered_at")}
    warehouse.load([delivery(files, "deal_stage_events", history, source="crm", values=values)], marts=FEW)
    assert [row[0] for row in rows(warehouse, "deals", "deal_id")] == ["crm:2", "crm:3"]
    assert {row[0] for row in rows(warehouse, "deal_stage_events", "deal_id")} == {"crm:2", "crm:3"}
    assert not left(warehouse, *known.HIS_WORDS)
    warehouse = opened()
    warehouse.rebuild(FEW)
    assert [row[0] for row in rows(warehouse, "deals", "deal_id")] == ["crm:2", "crm:3"]


def test_an_older_backup_that_comes_back_is_erased_again(warehouse: Warehouse, opened: Opener, tmp_path: Path) -> None:
    before = sums(warehouse)
    warehouse.backup(tmp_path / "backup")
    erase(warehouse, "17")
    warehouse.close()
    Warehouse.restore(warehouse.folder, tmp_path / "backup")
    assert left_of(warehouse.folder, known.TAX_ID)
    warehouse = opened()
    with warehouse.examining() as cursor:
        assert persons.person_named(cursor, "17").names
    warehouse.erase(marts=FEW)
    assert warehouse.compact()
    assert sums(warehouse) == before
    assert not left(warehouse, known.EMAIL, known.TAX_ID, known.PHONE, known.OLD_PHONE, "Кочетков Петр")


def test_a_list_outlives_its_home(warehouse: Warehouse, tmp_path: Path) -> None:
    erase(warehouse, "17")
    warehouse.backup(tmp_path / "backup")
    other = tmp_path / "other"
    other.mkdir()
    Warehouse.open(other, timezone="Europe/Moscow", currency="RUB").close()
    forgotten.begun(other, erasure="somebody", known_by={"id": {"x"}})
    Warehouse.restore(other, tmp_path / "backup")
    assert [item.erasure for item in forgotten.listed(other)] == ["somebody", ERASURE]
    Warehouse.restore(other, tmp_path / "backup")
    assert len((other / forgotten.FILE).read_text().splitlines()) == 2


def test_whoever_is_let_in_again_comes_with_the_next_load(warehouse: Warehouse, files: Path) -> None:
    erase(warehouse, "17")
    forgotten.readmitted(warehouse.folder, ERASURE)
    warehouse.load([known.of_crm(files, known.CRM.replace("1980-05-01,Тула", "1980-05-01,Орёл"))], marts=FEW)
    names = {row[0]: row[1] for row in rows(warehouse, "customers", "customer_id", "name")}
    assert names["crm:17"] == "Кочетков Пётр"
    warehouse.rebuild(FEW)
    names = {row[0]: row[1] for row in rows(warehouse, "customers", "customer_id", "name")}
    assert names["crm:17"] == "Кочетков Пётр", "what came since is kept"
    assert not [row for row in rows(warehouse, "deals", "deal_id", "title") if row[1] and known.NAME in row[1]], (
        "what was erased stays so"
    )


def test_a_deletion_at_the_source_takes_no_sum_along(warehouse: Warehouse, files: Path) -> None:
    before = sums(warehouse)
    erase(warehouse, "17")
    alive = "id\n19\n20\n21\n22\n"
    mapping = TableMapping(table="customers", values={"customer_id": Value(columns=("id",))}, deletes="unlisted")
    warehouse.load([delivery(files, "customers", alive, source="crm", slot="alive", tables=[mapping])], marts=FEW)
    assert sums(warehouse) == before


def test_a_caller_who_is_no_customer_is_erased_too(warehouse: Warehouse) -> None:
    before = sums(warehouse)
    erase(warehouse, known.OLD_PHONE)
    assert sums(warehouse) == before
    phones = dict(rows(warehouse, "calls", "call_id", "phone"))
    assert phones["phones:c4"].startswith(forgotten.MARK)
    assert phones["phones:c1"] == "+79161234567"


def test_orphans_of_stopped_loads_go(warehouse: Warehouse) -> None:
    (some, *_) = (warehouse.folder / "raw").glob("crm/customers/*.parquet")
    orphan = some.with_name("f" * 32 + ".parquet")
    orphan.write_bytes(some.read_bytes())
    erase(warehouse, "17")
    assert not orphan.exists()
    assert some.exists()


KILLS = 6
ERASED = float("inf")
SEED = 20261201


def test_killed_at_any_moment_it_is_as_before_or_goes_on(warehouse: Warehouse, opened: Opener, tmp_path: Path) -> None:
    """Until it is through, every sum is that of before; tried again, it ends, and nothing of him is left."""
    print(f"seed {SEED}")  # noqa: T201 - shown when the test fails
    before, chance = sums(warehouse), random.Random(SEED)
    _, names = listed(warehouse, "17")
    warehouse.close()
    context = get_context("forkserver")
    context.set_forkserver_preload(["warehouse.eraser"])
    whole = tmp_path / "whole"
    shutil.copytree(warehouse.folder, whole / "home")
    span, ended = _erasing(context, whole / "home", names, killed_after=None), 0
    # At once, at any moment of it, and as soon as it says that he is erased.
    for number, moment in enumerate((0.0, *(chance.uniform(0, span) for _ in range(KILLS - 2)), ERASED)):
        folder = tmp_path / f"killed {number}" / "home"
        shutil.copytree(warehouse.folder, folder)
        ended += _erasing(context, folder, names, killed_after=moment) == 0
        again = Warehouse.open(folder, timezone="Europe/Moscow", currency="RUB")
        assert sums(again) == before, number
        with again.examining() as cursor:
            told = {name for (name,) in cursor.execute("select name from customers").fetchall()}
        assert ("Кочетков Пётр" in told) == ("Кочетков Петр Сергеевич" in told), "half of him"
        again.erase(names=names, marts=FEW)
        assert again.compact()
        assert sums(again) == before, number
        again.close()
        assert not left_of(folder, *known.HIS_WORDS), number
    assert 0 < ended < KILLS, "the kills must fall on both sides of the end"


def _erasing(context: Any, folder: Path, names: str | None, *, killed_after: float | None) -> float:
    """Seconds of an erasure that nobody disturbs; of a killed one 0 where it had come to its end, else -1."""
    ours, theirs = context.Pipe()
    process = context.Process(target=eraser.main, args=(folder, names, theirs), daemon=True)
    process.start()
    theirs.close()
    assert ours.recv() == "ready"
    began = time.monotonic()
    ours.send("go")
    if killed_after is None:
        assert [ours.recv(), ours.recv()] == ["erased", "done"]
        process.join()
        return time.monotonic() - began
    if killed_after != ERASED:
        time.sleep(killed_after)
    is_erased = (killed_after == ERASED or ours.poll()) and ours.recv() == "erased"
    process.kill()
    process.join()
    return 0 if is_erased else -1

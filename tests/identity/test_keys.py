"""Is one phone, mailbox, tax id or name one, however it is typed?"""

import json
from typing import Any

import duckdb
import pytest

from rakurs.identity import keys_sql, links_sql, needs_parsing_sql, parsed_phones

COLUMNS = (
    "customer_id varchar, name varchar, kind varchar, phone varchar, email varchar, tax_id varchar, city varchar, "
    "custom varchar, "
)
EMPTY = {"name": None, "kind": "person", "phone": None, "email": None, "tax_id": None, "city": None, "birth_date": None}


def keyed(*rows: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute(f"create table records ({COLUMNS} birth_date date, created_at timestamp)")
    for number, row in enumerate(rows):
        full = {"customer_id": f"r{number}"} | EMPTY | row
        names = ", ".join(full)
        marks = ", ".join("?" for _ in full)
        database.execute(f"insert into records ({names}) values ({marks})", list(full.values()))
    database.register(
        "phones", parsed_phones(text for (text,) in database.sql(needs_parsing_sql("records")).fetchall())
    )
    database.execute(f"create table keys as {keys_sql('records', 'phones')}")
    return database


def key_of(column: str, written: str | None, **more: Any) -> Any:
    key = {"name": "named"}.get(column, column)
    return keyed({column: written, **more}).sql(f"select {key} from keys").fetchall()[0][0]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("+7 (916) 123-45-67", "79161234567"),
        ("8 916 123 45 67", "79161234567"),
        ("9161234567", "79161234567"),
        ("7-916-123-45-67", "79161234567"),
        ("8(495)1234567", "74951234567"),
        ("+7 495 123-45-67 доб. 12", "74951234567"),
        ("84951234567 ext 5", "74951234567"),
        ("+375 29 123-45-67", "375291234567"),
        ("9999999999", None),
        ("+7 000 000 00 00", None),
        ("123", None),
        ("позвонить маме", None),
        ("", None),
        (None, None),
    ],
)
def test_a_phone(written: str | None, key: str | None) -> None:
    assert key_of("phone", written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (" Ivan.Petrov@Yandex.RU ", "ivan-petrov@yandex.ru"),
        ("ivan-petrov@ya.ru", "ivan-petrov@yandex.ru"),
        ("i.v.a.n+shop@googlemail.com", "ivan@gmail.com"),
        ("a.b@mail.ru", "a.b@mail.ru"),
        ("нет", None),
        ("a@b", None),
        ("", None),
        (None, None),
    ],
)
def test_a_mailbox(written: str | None, key: str | None) -> None:
    assert key_of("email", written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("7707083893", "7707083893"),
        ("ИНН 7707083893", "7707083893"),
        ("500100732259", "500100732259"),
        ("7707083894", None),
        ("500100732258", None),
        ("770708389", None),
        (None, None),
    ],
)
def test_a_tax_id_is_one_only_with_its_control_digits(written: str | None, key: str | None) -> None:
    """7707083893 is a well-known bank's, 500100732259 the example of the tax service."""
    assert key_of("tax_id", written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Иванов  Пётр Сергеевич", "иванов петр сергеевич"),
        ("пётр ИВАНОВ", "иванов петр"),
        ("ООО «Ромашка»", "ромашка"),
        ("Общество с ограниченной ответственностью «Ромашка»", "ромашка"),
        ("Ромашка, ООО", "ромашка"),
        ("Cергеев Oлег", "олег сергеев"),
        ("Smith John", "john smith"),
        ("ООО", None),
        (" - ", None),
        (None, None),
    ],
)
def test_a_name(written: str | None, key: str | None) -> None:
    assert key_of("name", written) == key


def test_a_sole_trader_is_a_person() -> None:
    assert key_of("kind", "company", name="ИП Петров А.С.") == "person"
    assert key_of("kind", "company", name="ООО «Петров»") == "company"


def pairs(*rows: dict[str, Any]) -> list[tuple[str, bool]]:
    database = keyed(*rows)
    return database.sql(f"select rule, is_sure from ({links_sql('keys')}) order by left_id, right_id").fetchall()


PHONE, OTHER = "9161234567", "9031234567"


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        ("Иванов Пётр", "Иванов Петр Сергеевич", True),
        ("Иванов П. С.", "Иванов Пётр Сергеевич", True),
        ("Иванов Пётр", "Пётр", True),
        ("Иванов Пётр", None, True),
        ("Иванов Петр", "Иванов Перт", True),
        ("Иванов Пётр Сергеевич", "Иванов Пётр Сергеевчи", True),
        # A family behind one phone: two words differ, or a whole one does.
        ("Иванов Пётр", "Иванова Анна", False),
        ("Иванов Александр", "Иванова Александра", False),
        ("Иванов Пётр", "Сидоров Пётр", False),
        # Numbers are part of a name.
        ("ООО Север 12", "ООО Север 13", False),
        ("ООО Север 12", "Север 12", True),
    ],
)
def test_one_phone_and_names_that_may_be_one_or_not(one: str, other: str | None, *, are_one: bool) -> None:
    found = pairs({"name": one, "phone": PHONE}, {"name": other, "phone": f"+7{PHONE}"})
    assert found == ([("phone", True)] if are_one else [])


def test_what_contradicts_itself_is_not_one() -> None:
    shared = {"name": "Иванов Пётр", "phone": PHONE}
    assert pairs(shared | {"birth_date": "1980-01-02"}, shared | {"birth_date": "1980-01-02"}) == [("phone", True)]
    assert pairs(shared | {"birth_date": "1980-01-02"}, shared | {"birth_date": "1991-01-02"}) == []
    assert pairs(shared | {"kind": "person"}, shared | {"kind": "company"}) == []
    assert pairs(shared | {"tax_id": "500100732259"}, shared | {"tax_id": "7707083893"}) == []


def test_two_keys_in_common_under_other_names_are_asked_of_people() -> None:
    shared = {"phone": PHONE, "email": "a@mail.ru"}
    assert pairs(shared | {"name": "Иванов Пётр"}, shared | {"name": "Сидорова Анна"}) == [("phone", False)]


def test_a_switchboard_joins_nobody() -> None:
    names = ("Иванов", "Иванов П.", "Иванов Пётр", "Иванов Петр С.", "Иванов П. С.", "Иванов Пётр Сергеевич")
    workers = [{"name": name, "phone": PHONE} for name in names]
    assert pairs(*workers) == []
    assert len(pairs(*workers[:5])) == 10


def test_a_customer_written_down_with_every_order_is_one_at_the_price_of_as_many_links() -> None:
    assert pairs(*[{"name": "Иванов Пётр", "phone": PHONE} for _ in range(500)]) == [("phone", True)] * 499
    born = [{"name": "Иванов Пётр", "phone": PHONE, "birth_date": day} for day in ("1980-01-02", "1991-01-02")]
    assert pairs(*born, *born) == [("phone", True), ("phone", True)], "father and son, each written down twice"


def test_a_name_and_a_birth_date_are_a_key_where_the_name_says_enough() -> None:
    born = {"birth_date": "1980-01-02"}
    full, short = {"name": "Иванов Пётр Сергеевич"} | born, {"name": "Иванов Пётр"} | born
    assert pairs(full | {"phone": PHONE}, full | {"phone": OTHER}) == [("birth_date", True)]
    assert pairs(short | {"city": "Тула"}, short | {"city": "тула "}) == [("birth_date", True)]
    assert pairs(short | {"city": "Тула"}, short | {"city": "Пермь"}) == []
    assert pairs(short, short) == []


def addresses(*written: str, **more: Any) -> set[str | None]:
    records = [{"custom": json.dumps({"Адрес": text}, ensure_ascii=False), **more} for text in written]
    return {key for (key,) in keyed(*records).sql("select address from keys").fetchall()}


@pytest.mark.parametrize(
    ("ways", "key"),
    [
        (
            (
                "г. Москва, ул. Ленина, д. 5, кв. 7",
                "119991, Россия, Московская обл., Москва г, Ленина улица, дом 5, квартира 7",
                "Ленина 5-7, Москва",
                "ул.Ленина д5кв7, г.Москва",
            ),
            "москва ленина д 5 кв 7",
        ),
        (
            ("г. Нижний Новгород, Зелёная ул., д. 12/4 А, корп. 2", "зеленая 12/4а к2, город Нижний Новгород"),
            "нижний  новгород зеленая д 12/4а к 2",
        ),
        (("СПб, пр-кт Мира, д.10 стр.3, оф. 12", "Санкт-Петербург, Мира проспект, 10 с3 офис 12"), None),
        (("г. Тула, ул. 8 Марта, 5", "г Тула, 8 Марта д.5"), "тула 8 марта д 5"),
    ],
)
def test_an_address(ways: tuple[str, ...], key: str | None) -> None:
    found = addresses(*ways)
    assert len(found) == 1
    assert found == {key} or key is None


def test_half_an_address_is_none() -> None:
    assert addresses("ул. Ленина, д. 5", "г. Москва, ул. Ленина", "г. Москва, д. 5", "уточнить", "") == {None}


def test_the_city_of_an_address_is_that_of_the_record_where_it_says_none() -> None:
    assert addresses("пер. Ленина, д. 5", city="г. Тула") == {"тула ленина переулок д 5"}
    assert addresses("г. Пермь, Ленина 5", city="Тула") == {"пермь ленина д 5"}


AT_HOME = {"custom": json.dumps({"Адрес": "г. Тула, ул. Мира, д. 1, кв. 2"})}
AT_WORK = {"custom": json.dumps({"address": "Тула г., Мира улица, 1"}), "kind": "company"}


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (AT_HOME | {"name": "Иванов Пётр"}, AT_HOME | {"name": "Петр Иванов"}, [("address", True)]),
        (AT_HOME | {"name": "Иванов Пётр"}, AT_HOME | {"name": "Иванова Анна"}, []),
        (AT_HOME | {"name": "Иванов"}, AT_HOME | {"name": "Иванов"}, []),
        (AT_HOME | {"name": "Иванов Пётр"}, AT_HOME, []),
        (AT_WORK | {"name": "ООО Ромашка"}, AT_WORK | {"name": "«Ромашка»"}, [("address", True)]),
        (AT_WORK | {"name": "ООО Ромашка"}, AT_WORK | {"name": "ООО Василёк"}, []),
        # In a house of many flats a name of two words is not enough.
        (AT_WORK | {"name": "Иванов Пётр", "kind": "person"}, AT_WORK | {"name": "Иванов Пётр", "kind": "person"}, []),
    ],
)
def test_an_address_joins_only_with_a_name(
    one: dict[str, Any], other: dict[str, Any], found: list[tuple[str, bool]]
) -> None:
    assert pairs(one, other) == found


def branch(kpp: str | None, **more: Any) -> dict[str, Any]:
    own = json.dumps({"КПП": kpp}) if kpp else None
    return {"name": "ООО Север", "kind": "company", "tax_id": "7707083893", "custom": own, **more}


def test_branches_under_one_tax_id_are_one_customer_only_where_something_else_says_so() -> None:
    assert pairs(branch("770701001"), branch("770701001")) == [("tax_id", True)]
    assert pairs(branch("770701001"), branch(None)) == [("tax_id", True)]
    assert pairs(branch("770701001"), branch("none")) == [("tax_id", True)]
    assert pairs(branch("770701001"), branch("781302001")) == []
    assert pairs(branch("770701001", phone=PHONE), branch("781302001", phone=PHONE)) == [("phone", True)]

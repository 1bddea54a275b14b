import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rakurs.core.errors import UnreadableFile
from rakurs.core.source import FileMapping, TableMapping, Value
from rakurs.sources import files
from rakurs.sources.files import Profile, ProfileFile, deliveries, profile_of, read_profile, remembered, write_profile

ROOT = Path(__file__).parents[2]
SHIPPED = sorted((ROOT / "examples" / "profiles").glob("*.yaml"))

PROFILE = """
name: shop
timezone: Asia/Yekaterinburg
currency: KZT
files:
  - match: [№ заказа, Покупатель]
    date_order: ymd
    ignored: [Комментарий]
    tables:
      orders:
        order_id: № заказа
        ordered_at: [Дата, Создан]
        customer_id: {column: Покупатель, replace: {No: "-"}}
        status: {constant: no}
      customers: {distinct: true, custom: false, columns: {customer_id: Покупатель}}
      pipelines: {rows: [{pipeline_id: main, name: 2017-12-31}]}
  - match: [широта]
    tables: {}
"""


@pytest.fixture
def profile(write):
    return lambda text: read_profile(write("profile.yaml", text))


def test_a_profile_written_by_hand(profile):
    shape, raw_only = profile(PROFILE).files
    assert shape.match == ("№ заказа", "Покупатель")
    assert shape.mapping == FileMapping(
        name="shop",
        timezone="Asia/Yekaterinburg",
        currency="KZT",
        date_order="ymd",
        ignored=("Комментарий",),
        tables=(
            TableMapping(
                table="orders",
                values={
                    "order_id": Value(columns=("№ заказа",)),
                    "ordered_at": Value(columns=("Дата", "Создан")),
                    "customer_id": Value(columns=("Покупатель",), replace={"No": "-"}),
                    "status": Value(constant="no"),
                },
            ),
            TableMapping(
                table="customers",
                values={"customer_id": Value(columns=("Покупатель",))},
                distinct=True,
                keep_custom=False,
            ),
            TableMapping(table="pipelines", rows=({"pipeline_id": "main", "name": "2017-12-31"},)),
        ),
    )
    assert raw_only.mapping.tables == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("order_id: №", "oder_id: №", r"files\[0\]\.tables\.orders\.oder_id: .*Did you mean “orders\.order_id”"),
        ("      customers:", "      custmers:", r"files\[0\]\.tables\.custmers: no such key\. Did you mean “customers”"),
        ("    ignored:", "    ignore:", r"files\[0\]\.ignore: no such key\. Did you mean “ignored”"),
        ("name: shop", "nam: shop", r"key nam: no such key\. Did you mean “name”"),
        ("name: shop\n", "", "key name: this key is required"),
        ("Asia/Yekaterinburg", "Asia/Ekb", "key timezone: one of these is expected"),
        ("date_order: ymd", "date_order: dym", r"files\[0\]\.date_order: one of these is expected: dmy, mdy, ymd"),
        ("distinct: true", "distinct: maybe", r"customers\.distinct: true or false"),
        ("constant: no", "constant: [no]", r"orders\.status\.constant: a text is expected"),
        ("constant: no", "replace: {a: b}", r"orders\.status: name a column"),
        ("{column: Покупатель,", "{column: a, columns: [b],", r"orders\.customer_id: column and columns exclude"),
        ("pipeline_id: main", "pipelin_id: main", r"pipelines\.rows\[0\]\.pipelin_id"),
        ("pipeline_id: main, ", "", r"pipelines\.rows\[0\]\.pipeline_id: this key is required"),
        ("    match: [широта]", "    x: 1", "x: no such key"),
        ("  - match: [широта]\n", "  - file: '*.csv'\n    match: 5\n    tablez: {}\n", "tablez"),
        ("match: [№ заказа, Покупатель]", "match: []", r"files\[0\]\.match: this key is required"),
        ("name: shop", "name: [shop", "this is not YAML"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named(profile, old, new, message):
    text = PROFILE.replace(old, new, 1)
    if text == PROFILE:
        text = PROFILE.replace(old.strip(), new.strip(), 1)
    assert text != PROFILE
    with pytest.raises(UnreadableFile, match=message):
        profile(text)


def test_the_shape_that_asks_for_most_columns_wins(write, scratch):
    few = Profile(name="few", files=(ProfileFile(match=("a",), mapping=FileMapping(name="few", tables=())),))
    many = Profile(name="many", files=(ProfileFile(match=("A", "b"), mapping=FileMapping(name="many", tables=())),))
    path = write("t.csv", "a,b,c\n1,2,3\n")
    (delivery,) = deliveries([path], profiles=[few, many], scratch=scratch)
    assert delivery.mapping.name == "many"
    (delivery,) = deliveries([path], profiles=[many], profile=few, scratch=scratch)
    assert (delivery.mapping.name, delivery.entity) == ("few", "raw")


def test_a_file_pattern_tells_equal_headers_apart(write, scratch):
    def shape(pattern, name):
        return ProfileFile(match=("id",), file=pattern, mapping=FileMapping(name=name, tables=()))

    profile = Profile(name="p", files=(shape("old*", "old"), shape("*new", "new")))
    paths = [write(name, "id,x\n1,2\n") for name in ("old_1.csv", "the new.csv")]
    assert [item.mapping.name for item in deliveries(paths, profiles=[profile], scratch=scratch)] == ["old", "new"]


def test_absent_columns_are_told_and_absent_required_ones_are_an_error(write, one, profile):
    known = profile(
        "name: p\nfiles:\n  - match: [No]\n    tables:\n      orders: {order_id: No, ordered_at: Day, promo_code: Promo}\n"
    )
    found = one(write("a.csv", "No,Day\n1,2026-01-01\n"), known)
    assert set(found.mapping.tables[0].values) == {"order_id", "ordered_at"}
    assert any("Promo" in note.en for note in found.notes)
    with pytest.raises(UnreadableFile, match=r"b\.csv: required columns of orders are missing: ordered_at"):
        one(write("b.csv", "No,Promo\n1,x\n"), known)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profiles_survive_being_saved(path, tmp_path):
    profile = read_profile(path)
    saved = write_profile(profile, tmp_path)
    assert read_profile(saved) == profile
    assert remembered(tmp_path) == (profile,)
    assert not list(tmp_path.glob("*.partial"))


def test_no_folder_remembers_nothing(tmp_path):
    assert remembered(tmp_path / "absent") == ()


def test_a_name_with_slashes_stays_in_its_folder(tmp_path):
    profile = profile_of(FileMapping(name="../сделки/2026", tables=()), columns=("a", "b"))
    saved = write_profile(profile, tmp_path / "profiles")
    assert saved.parent == tmp_path / "profiles"
    assert read_profile(saved) == profile


TEXTS = st.text(min_size=1, max_size=15).filter(lambda text: text.isprintable() and text.strip() == text)
VALUES = st.one_of(
    st.builds(
        Value, columns=st.tuples(TEXTS), default=st.none() | TEXTS, replace=st.dictionaries(TEXTS, TEXTS, max_size=2)
    ),
    st.builds(Value, columns=st.lists(TEXTS, min_size=2, max_size=3).map(tuple), join=st.none() | TEXTS),
    st.builds(Value, constant=TEXTS),
    st.just(Value(row_number=True)),
)
ORDERS = st.builds(
    TableMapping,
    table=st.just("orders"),
    values=st.dictionaries(st.sampled_from(["order_id", "ordered_at", "amount", "promo_code"]), VALUES, min_size=1),
    distinct=st.booleans(),
    keep_custom=st.booleans(),
    only_where=st.dictionaries(TEXTS, st.lists(TEXTS, min_size=1, max_size=3).map(tuple), max_size=2),
)


@pytest.mark.slow
@given(
    name=TEXTS,
    tables=st.lists(ORDERS, max_size=3),
    ignored=st.lists(TEXTS, max_size=2),
    match=st.lists(TEXTS, min_size=1),
)
def test_any_mapping_survives_being_saved(tmp_path_factory, name, tables, ignored, match):
    mapping = FileMapping(name=name, tables=tuple(tables), ignored=tuple(ignored), currency="USD")
    profile = Profile(name=name, files=(ProfileFile(match=tuple(match), mapping=mapping),))
    assert read_profile(write_profile(profile, tmp_path_factory.mktemp("profiles"))) == profile


def test_the_guide_is_true(tmp_path, scratch):
    """The files of docs/profiles.md, read with the profile of docs/profiles.md, give what it says."""
    guide = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", guide, flags=re.DOTALL))
    for name, body in blocks.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    profile = read_profile(tmp_path / "workshop.yaml")
    found = list(deliveries([tmp_path / "jobs.csv", tmp_path / "masters.csv"], profile=profile, scratch=scratch))
    told = [f"{item.slot}: {', '.join(table.table for table in item.mapping.tables) or 'raw'}" for item in found]
    assert told == blocks["result.txt"].splitlines()


def test_public_names_are_there():
    assert sorted(files.__all__) == sorted(set(files.__all__))
    assert all(hasattr(files, name) for name in files.__all__)
